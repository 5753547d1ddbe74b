// Address and bounds of an HTTP server.

/// Bounds of request bodies below one path, where the server's own do not fit.
public struct HTTPBodyLimit: Sendable, Hashable {
    /// The decoded path; one that ends in "/" stands for everything below it too.
    public var path: String
    /// Most bytes of a body; beyond it 413.
    public var bytes: Int
    /// Most seconds from the header's end to the body's; 0 for no such limit.
    public var seconds: Int

    /// Bounds of the bodies sent to `path`.
    public init(path: String, bytes: Int, seconds: Int) {
        self.path = path
        self.bytes = bytes
        self.seconds = seconds
    }

    /// Whether `path` is the limit's, or below it.
    func covers(_ path: String) -> Bool {
        self.path.hasSuffix("/") ? path.hasPrefix(self.path) : path == self.path
    }
}

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
    /// Seconds that a connection may be without a whole request line while more than three quarters of `connections` are
    /// taken; then it is closed, however its bytes drip. 0 for no such limit.
    public var crowdedSeconds: Int
    /// Most bytes of request line and header fields together; beyond it 431.
    public var headerBytes: Int
    /// Most bytes of a body; beyond it 413.
    public var bodyBytes: Int
    /// Most seconds from the request line to the header's end, and from there to the body's, however they drip; then the
    /// connection is cut. 0 for no such limit.
    public var bodySeconds: Int
    /// Other bounds of bodies for certain paths; the first that fits counts.
    public var bodyLimits: [HTTPBodyLimit]
    /// Most bodies at once that may be larger than `bodyBytes`; a further one is answered 503.
    public var largeBodies: Int
    /// Most bytes that such bodies have in memory together, within twice as much (`HTTPBodyBudget`); beyond it 503.
    public var largeBodyBytes: Int

    /// Settings with the server's defaults.
    public init(
        host: String = "127.0.0.1", port: UInt16 = 8765, threads: Int = 2, connections: Int = 4096,
        connectionsPerAddress: Int = 0, idleSeconds: Int = 30, crowdedSeconds: Int = 5,
        headerBytes: Int = 32 << 10, bodyBytes: Int = 64 << 10, bodySeconds: Int = 5,
        bodyLimits: [HTTPBodyLimit] = [],
        largeBodies: Int = 256, largeBodyBytes: Int = 256 << 20
    ) {
        self.host = host
        self.port = port
        self.threads = threads
        self.connections = connections
        self.connectionsPerAddress = connectionsPerAddress
        self.idleSeconds = idleSeconds
        self.crowdedSeconds = crowdedSeconds
        self.headerBytes = headerBytes
        self.bodyBytes = bodyBytes
        self.bodySeconds = bodySeconds
        self.bodyLimits = bodyLimits
        self.largeBodies = largeBodies
        self.largeBodyBytes = largeBodyBytes
    }

    /// Whether `text` is an address that can be bound, if this machine has it.
    public static func isAddress(_ text: String) -> Bool { ListenAddress(host: text, port: 0) != nil }

    /// The bounds of a body sent to `target`, as it stood on the wire.
    func bodyLimit(_ target: String) -> HTTPBodyLimit {
        let own = HTTPBodyLimit(path: "", bytes: max(bodyBytes, 0), seconds: max(bodySeconds, 0))
        guard !bodyLimits.isEmpty, let path = HTTPTarget(target)?.path else { return own }
        guard var other = bodyLimits.first(where: { $0.covers(path) }) else { return own }
        (other.bytes, other.seconds) = (max(other.bytes, 0), max(other.seconds, 0))
        return other
    }
}
