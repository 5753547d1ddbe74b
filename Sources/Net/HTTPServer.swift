// The desk's HTTP/1.1 server, on libmicrohttpd.

/// Address and bounds of an HTTP server.
public struct HTTPServerSettings: Sendable, Hashable {
    /// Address to bind, numeric ("127.0.0.1", "0.0.0.0", "::").
    public var host: String
    /// TCP port; 0 lets the kernel choose.
    public var port: UInt16
    /// Threads that answer requests.
    public var threads: Int
    /// Most connections at once; further ones are refused.
    public var connections: Int
    /// Most connections of one address at once (0: no such limit).
    public var connectionsPerAddress: Int
    /// Seconds without a byte before a connection is closed.
    public var idleSeconds: Int
    /// Most bytes of request line and header fields together; beyond it 431.
    public var headerBytes: Int
    /// Most bytes of a body; beyond it 413.
    public var bodyBytes: Int

    /// Settings with the server's defaults.
    public init(
        host: String = "127.0.0.1", port: UInt16 = 8765, threads: Int = 2, connections: Int = 4096,
        connectionsPerAddress: Int = 0, idleSeconds: Int = 30, headerBytes: Int = 32 << 10,
        bodyBytes: Int = 64 << 10
    ) {
        self.host = host
        self.port = port
        self.threads = threads
        self.connections = connections
        self.connectionsPerAddress = connectionsPerAddress
        self.idleSeconds = idleSeconds
        self.headerBytes = headerBytes
        self.bodyBytes = bodyBytes
    }
}

/// A running HTTP server.
public final class HTTPServer: @unchecked Sendable {
    // The daemon handle is written once at start and once at stop, both by the owner.

    /// The port it listens on.
    public let port: UInt16

    init(port: UInt16) { self.port = port }

    /// Binds and starts. Throws `NetError.cannotListen`.
    public static func start(_ settings: HTTPServerSettings, handler: any HTTPHandler) throws(NetError) -> HTTPServer {
        throw .cannotListen(errno: 0)
    }
    /// Refuses new connections from now on; live ones go on.
    public func quiesce() {}
    /// Stops; upgraded sockets must have been released before.
    public func stop() {}
}
