// Requests to somebody else's HTTP service and its answers, as values.

/// Whom a redirect may lead to; at most five are followed. One that is not followed is the answer.
public enum HTTPRedirects: Sendable, Hashable {
    /// The request's own scheme, host and port.
    case sameHost
    /// Any host, for GET and HEAD only and never from `https` to `http`: another host is sent no header field
    /// but `Accept`, so neither `Authorization` nor `xi-api-key` leaves the host it was meant for.
    case anyHostWithoutCredentials
}

/// A request to somebody else's HTTP service.
public struct HTTPClientRequest: Sendable {
    /// The method, upper case.
    public var method: String
    /// An `http:` or `https:` URL.
    public var url: String
    /// Header fields in order.
    public var headers: [(name: String, value: String)]
    /// The body; empty for none.
    public var body: [UInt8]
    /// How long all of it may take, in milliseconds.
    public var timeoutMilliseconds: Int
    /// Most bytes of the answer's body; beyond it `NetError.tooLarge`.
    public var answerBytes: Int
    /// How long the first byte of the answer's body may take, in milliseconds; nil for no limit but that of all.
    public var firstByteMilliseconds: Int?
    /// Whom a redirect may lead to.
    public var redirects: HTTPRedirects
    /// Whether it does no harm when it is carried out twice. Such a request goes out again by itself when a connection
    /// that was kept open ends without a byte of the answer; any other gets a new connection, and the error. At first
    /// it is so for the idempotent methods of RFC 9110 §9.2.2.
    public var isRepeatable: Bool

    /// A request made of its parts.
    public init(
        method: String = "GET", url: String, headers: [(name: String, value: String)] = [],
        body: [UInt8] = [],
        timeoutMilliseconds: Int = 15_000, answerBytes: Int = 4 << 20, firstByteMilliseconds: Int? = nil,
        redirects: HTTPRedirects = .sameHost
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeoutMilliseconds = timeoutMilliseconds
        self.answerBytes = answerBytes
        self.firstByteMilliseconds = firstByteMilliseconds
        self.redirects = redirects
        isRepeatable = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"].contains(method)
    }
}

/// The answer of somebody else's HTTP service, whatever its status.
public struct HTTPClientResponse: Sendable {
    /// The status code.
    public var status: Int
    /// Header fields in the order of the wire.
    public var headers: [(name: String, value: String)]
    /// The body, bounded by the request's `answerBytes`.
    public var body: [UInt8]

    /// An answer made of its parts.
    public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The first value of header `name`, whatever its case.
    public func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}
