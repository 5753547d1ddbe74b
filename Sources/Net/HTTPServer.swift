// The desk's HTTP/1.1 server, on libmicrohttpd.

import CLinux
import CMicroHTTPD
import Glibc
import Telemetry

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
    private var daemon: OpaquePointer?
    private let context: Unmanaged<HTTPServing>

    /// The port it listens on.
    public let port: UInt16

    private init(daemon: OpaquePointer, context: Unmanaged<HTTPServing>, port: UInt16) {
        self.daemon = daemon
        self.context = context
        self.port = port
    }

    deinit { stop() }

    /// Binds and starts. Throws `NetError.cannotListen`.
    public static func start(
        _ settings: HTTPServerSettings, handler: any HTTPHandler
    ) throws(NetError) -> HTTPServer {
        guard let (address, isIPv6) = socketAddress(settings.host, settings.port) else {
            throw .cannotListen(errno: EADDRNOTAVAIL)
        }
        signal(SIGPIPE, SIG_IGN)
        let context = Unmanaged.passRetained(HTTPServing(handler: handler, bodyBytes: settings.bodyBytes))
        var flags = MHD_USE_EPOLL_INTERNAL_THREAD.rawValue | MHD_ALLOW_UPGRADE.rawValue | MHD_USE_ITC.rawValue
        if isIPv6 { flags |= MHD_USE_IPv6.rawValue }
        errno = 0
        let daemon = address.withUnsafeBytes {
            teeline_mhd_start(
                UInt32(flags), $0.baseAddress, httpAccess, context.toOpaque(), httpTarget, httpCompleted,
                UInt32(clamping: settings.threads), UInt32(clamping: settings.connections),
                UInt32(clamping: settings.connectionsPerAddress), UInt32(clamping: settings.idleSeconds),
                settings.headerBytes)
        }
        guard let daemon else {
            let code = errno
            context.release()
            throw .cannotListen(errno: code)
        }
        return HTTPServer(daemon: daemon, context: context, port: teeline_mhd_port(daemon))
    }

    /// Refuses new connections from now on; live ones go on.
    public func quiesce() {
        guard let daemon else { return }
        let listener = MHD_quiesce_daemon(daemon)
        if listener >= 0 { close(listener) }
    }

    /// Stops; upgraded sockets must have been released before.
    public func stop() {
        guard let daemon else { return }
        self.daemon = nil
        MHD_stop_daemon(daemon)
        context.release()
    }

    private static func socketAddress(_ host: String, _ port: UInt16) -> (bytes: [UInt8], isIPv6: Bool)? {
        var four = sockaddr_in()
        four.sin_family = sa_family_t(AF_INET)
        four.sin_port = port.bigEndian
        if inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host, &four.sin_addr) == 1 {
            return (withUnsafeBytes(of: four) { Array($0) }, false)
        }
        var six = sockaddr_in6()
        six.sin6_family = sa_family_t(AF_INET6)
        six.sin6_port = port.bigEndian
        guard inet_pton(AF_INET6, host, &six.sin6_addr) == 1 else { return nil }
        return (withUnsafeBytes(of: six) { Array($0) }, true)
    }
}
