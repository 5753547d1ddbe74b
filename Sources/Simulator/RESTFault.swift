// What simulated services note: requests, what was wrong with them, and the webhooks they sent.

/// Something a client did that the service's documents do not allow.
public struct RESTFault: Sendable, Hashable, CustomStringConvertible {
    /// Where: "POST /v2/calls", or the webhook whose answer was wrong.
    public var place: String
    /// What was wrong; names of parameters, never their values.
    public var reason: String

    /// "POST /v2/calls: stream_url is missing"
    public var description: String { "\(place): \(reason)" }
}

/// A request a simulated service was sent.
public struct RESTRequest: Sendable {
    /// The method.
    public var method: String
    /// The path, decoded.
    public var path: String
    /// Path and query as they stood on the wire.
    public var target: String
    /// The header fields.
    public var headers: [(name: String, value: String)]
    /// The body.
    public var body: [UInt8]
    /// The status it was answered with.
    public var status: Int
}

/// A webhook a simulated service sent, one entry an attempt.
public struct SentHook: Sendable, Hashable {
    /// What it tells: "call.initiated", "completed".
    public var event: String
    /// Where it went.
    public var url: String
    /// Its body, or its query.
    public var body: [UInt8]
    /// Which attempt it was; 1 is the first.
    public var attempt: Int
    /// The answer's status; 0 when none came.
    public var status: Int
}

/// What a signer signs.
public struct HookContent: Sendable {
    /// The method.
    public var method: String
    /// The URL, with its query.
    public var url: String
    /// The fields of a form body; none for others.
    public var form: [(name: String, value: String)]
    /// The body.
    public var body: [UInt8]
    /// When it is sent.
    public var time: WallTime
}

/// Signs what a service sends: the header fields to add. Nil signs nothing.
public typealias HookSigner = @Sendable (HookContent) -> [(name: String, value: String)]

/// An answer that waits for a request.
public struct ScriptedAnswer: Sendable {
    /// What the request's path must contain; empty for any.
    public var path: String
    /// The status.
    public var status: Int
    /// Further header fields (Retry-After).
    public var headers: [(name: String, value: String)]
    /// The body; nil: the service's own error.
    public var body: [UInt8]?

    /// An answer of `status` for the next request whose path contains `path`, asking for patience when `retryAfter` is given.
    public init(_ status: Int, path: String = "", retryAfter: Int? = nil, body: [UInt8]? = nil) {
        self.path = path
        self.status = status
        headers = retryAfter.map { [("Retry-After", String($0))] } ?? []
        self.body = body
    }
}
