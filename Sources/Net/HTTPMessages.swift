// Requests and responses of the desk, as values.

/// One HTTP request, whole: nothing of it is trusted but its bounds.
public struct HTTPRequest: Sendable {
    /// The method, upper case.
    public var method: String
    /// The path, percent-decoded, without the query.
    public var path: String
    /// Path and query of the request target as they stood on the wire, not decoded (signatures need it).
    public var target: String
    /// Query parameters in order, decoded.
    public var query: [(name: String, value: String)]
    /// Header fields in order; names as sent.
    public var headers: [(name: String, value: String)]
    /// The body, bounded by the server's limit.
    public var body: [UInt8]
    /// The peer's address as text ("127.0.0.1").
    public var remoteAddress: String
    /// The memory of a large body: to be kept as long as the body is.
    public internal(set) var hold: HTTPBodyHold?

    /// A request made of its parts.
    public init(
        method: String, path: String, target: String? = nil, query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [], body: [UInt8] = [], remoteAddress: String = ""
    ) {
        self.method = method
        self.path = path
        self.target = target ?? path
        self.query = query
        self.headers = headers
        self.body = body
        self.remoteAddress = remoteAddress
    }

    /// The first value of header `name`, whatever its case.
    public func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
    /// The first value of query parameter `name`.
    public func parameter(_ name: String) -> String? { query.first { $0.name == name }?.value }
}

/// The body of a response.
public enum HTTPBody: Sendable {
    /// Bytes in memory.
    case bytes([UInt8])
    /// `length` bytes of an open file from `offset`; the server closes `descriptor` when done (sendfile).
    case file(descriptor: Int32, offset: Int64, length: Int64)
    /// Pieces in order, for multipart/byteranges; descriptors are closed when done.
    case parts([HTTPBodyPart])
    /// Pieces as they are made, their number unknown (chunked). The closure is called for one piece after the other,
    /// on the server's thread that has the connection: while it waits, that thread serves nobody else.
    case stream(@Sendable () -> HTTPStreamPiece)
    /// None, of a 304: Content-Length tells the `length` that the 200 would have had (RFC 9110 §8.6). With a status
    /// that has a body the connection is cut.
    case omitted(length: Int64)
}

/// A piece of a body that is made while it is sent.
public enum HTTPStreamPiece: Sendable {
    /// The next bytes.
    case bytes([UInt8])
    /// The body is whole.
    case end
    /// The connection is to be cut in the middle of the body.
    case cut
}

/// A piece of a body made of several.
public enum HTTPBodyPart: Sendable {
    /// Bytes in memory.
    case bytes([UInt8])
    /// `length` bytes of `descriptor` from `offset`. The descriptor may stand in several parts of one body.
    case file(descriptor: Int32, offset: Int64, length: Int64)
}

/// One HTTP response.
public struct HTTPResponse: Sendable {
    /// The status code.
    public var status: Int
    /// Header fields in order. Content-Length and Date are the server's.
    public var headers: [(name: String, value: String)]
    /// The body. For HEAD the server sends the length only.
    public var body: HTTPBody

    /// A response made of its parts.
    public init(status: Int, headers: [(name: String, value: String)] = [], body: HTTPBody = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// What becomes of a request.
public enum HTTPOutcome: Sendable {
    /// It is answered.
    case response(HTTPResponse)
    /// It is answered later, and no thread waits for it. `start` is called at once, on the server's thread, and hands
    /// on the reply; `fallback` is sent when the reply does not come within `limitMilliseconds`, is let go of, or
    /// the server stops.
    case deferred(
        limitMilliseconds: Int, fallback: HTTPResponse, start: @Sendable (HTTPReply) -> Void)
    /// It is a WebSocket upgrade that may proceed: 101 is sent and the raw socket handed over. The server
    /// answers 400/426 itself when the request is no right upgrade.
    case upgrade(@Sendable (UpgradedSocket) -> Void)
}

/// Who answers requests. Called on the HTTP server's own threads, never on a media loop.
public protocol HTTPHandler: Sendable {
    /// Answers `request`. It may block on the catalog or the disk, not for long.
    func respond(to request: HTTPRequest) -> HTTPOutcome
    /// Most bytes of the body of the request that begins with `head` (which has no body yet); nil: the server's own
    /// limit. Asked before a byte of the body is kept, so that it can depend on who sends it.
    func bodyLimit(for head: HTTPRequest) -> Int?
    /// The answer to a request that the server refuses itself with `status`: 400, 413, 426 or 431; or 500 for a
    /// response that cannot be sent. Must be a response that can.
    func refusal(_ status: Int) -> HTTPResponse
}

extension HTTPHandler {
    /// The server's own limit.
    public func bodyLimit(for head: HTTPRequest) -> Int? { nil }
    /// The status alone.
    public func refusal(_ status: Int) -> HTTPResponse { HTTPResponse(status: status) }
}

/// A socket after its upgrade to WebSocket, on its way to a loop. Exactly one `accept` or `discard`.
public struct UpgradedSocket: Sendable {
    /// The connected descriptor.
    public var descriptor: Int32
    /// Bytes that came with the request, already read.
    public var leftover: [UInt8]
    /// Gives the descriptor back to its server, which closes it. Call exactly once.
    public var release: @Sendable () -> Void

    /// A socket made of its parts.
    public init(descriptor: Int32, leftover: [UInt8], release: @escaping @Sendable () -> Void) {
        self.descriptor = descriptor
        self.leftover = leftover
        self.release = release
    }
}
