// The desk's HTTP/1.1 server, on libmicrohttpd.

import CMicroHTTPD
import Glibc
import Telemetry

/// A running HTTP server.
public final class HTTPServer: @unchecked Sendable {
    // `lock` guards `daemon` and `listening`; the rest is constant.

    /// The port it listens on.
    public private(set) var port: UInt16 = 0

    private let settings: HTTPServerSettings
    private let handler: any HTTPHandler
    private let waits: HTTPWaits
    private let budget: HTTPBodyBudget
    private let lock = Lock()
    private var daemon: OpaquePointer?
    /// The listening socket after `quiesce`.
    private var listening: Int32 = -1

    private init(_ settings: HTTPServerSettings, handler: any HTTPHandler) {
        self.settings = settings
        self.handler = handler
        waits = HTTPWaits(
            crowd: HTTPCrowd(places: settings.connections, seconds: settings.crowdedSeconds))
        budget = HTTPBodyBudget(bytes: settings.largeBodyBytes, bodies: settings.largeBodies)
    }

    deinit { stop() }

    /// Binds and starts. Throws `NetError.cannotListen`.
    public static func start(_ settings: HTTPServerSettings, handler: any HTTPHandler) throws(NetError)
        -> HTTPServer
    {
        let server = HTTPServer(settings, handler: handler)
        guard let address = ListenAddress(host: settings.host, port: settings.port) else {
            throw .cannotListen(errno: EADDRNOTAVAIL)
        }
        var daemon = teeline_http_daemon()
        daemon.flags =
            MHD_USE_EPOLL_INTERNAL_THREAD.rawValue | MHD_ALLOW_UPGRADE.rawValue | MHD_USE_ITC.rawValue
            | MHD_ALLOW_SUSPEND_RESUME.rawValue
        if address.isSix {
            daemon.flags |= MHD_USE_IPv6.rawValue
            if settings.host == "::" { daemon.flags |= MHD_USE_DUAL_STACK.rawValue }
        }
        let threads = min(max(settings.threads, 1), 64)
        daemon.threads = UInt32(threads)
        // libmicrohttpd shares the limit out among its threads.
        daemon.connections = UInt32(clamping: max(settings.connections, threads))
        daemon.connections_per_address = UInt32(clamping: max(settings.connectionsPerAddress, 0))
        daemon.idle_seconds = UInt32(clamping: max(settings.idleSeconds, 0))
        // The pool holds the parsed fields and the answer's header too; the exact bound is checked apart.
        daemon.memory_bytes = max(settings.headerBytes, 1024) * 2 + (8 << 10)
        daemon.access = { HTTPServer.access($0, $1, $3, $4, $5, $6, $7) }
        daemon.target = { owner, target, connection in
            guard let target else { return nil }
            let exchange = HTTPExchange(target: String(cString: target))
            if let owner, let connection {
                // The header has to come in time, however it drips.
                let server = Unmanaged<HTTPServer>.fromOpaque(owner).takeUnretainedValue()
                server.waits.isAsking(connection)
                server.waits.watch(
                    exchange, descriptor: teeline_http_descriptor(connection),
                    seconds: server.settings.bodySeconds)
            }
            return Unmanaged.passRetained(exchange).toOpaque()
        }
        daemon.completed = { owner, connection, pointer, _ in
            guard let owner, let pointer, let raw = pointer.pointee else { return }
            pointer.pointee = nil
            let exchange = Unmanaged<HTTPExchange>.fromOpaque(raw).takeRetainedValue()
            let waits = Unmanaged<HTTPServer>.fromOpaque(owner).takeUnretainedValue().waits
            waits.forget(exchange)
            if let connection, !exchange.isUpgrade { waits.isIdle(connection) }
        }
        daemon.connected = { owner, connection, _, what in
            guard let owner, let connection else { return }
            let waits = Unmanaged<HTTPServer>.fromOpaque(owner).takeUnretainedValue().waits
            if what == .CONNECTION_NOTIFY_STARTED {
                waits.hasCome(connection)
            } else {
                waits.hasGone(connection)
            }
        }
        daemon.unescape = { _, _, text in text.map { strlen($0) } ?? 0 }
        daemon.owner = Unmanaged.passUnretained(server).toOpaque()
        errno = 0
        let started = address.withPointer { pointer in
            daemon.address = pointer
            return teeline_http_start(&daemon)
        }
        guard let started else { throw .cannotListen(errno: errno) }
        server.daemon = started
        server.waits.start()
        server.port = teeline_http_port(started)
        return server
    }

    /// Refuses new connections from now on; live ones go on.
    public func quiesce() {
        lock.lock()
        defer { lock.unlock() }
        guard let daemon, listening < 0 else { return }
        listening = MHD_quiesce_daemon(daemon)
        if listening >= 0 { shutdown(listening, Int32(SHUT_RDWR)) }
    }

    /// Stops; upgraded sockets must have been released before. Deferred requests get their fallback, if they still
    /// can. Not to be called by a handler.
    public func stop() {
        lock.lock()
        let (daemon, listening) = (self.daemon, self.listening)
        (self.daemon, self.listening) = (nil, -1)
        lock.unlock()
        guard let daemon else { return }
        // libmicrohttpd must not be stopped while a connection is suspended.
        waits.stop()
        MHD_stop_daemon(daemon)
        if listening >= 0 { close(listening) }
    }

    // MARK: libmicrohttpd's thread

    /// libmicrohttpd has the header, a piece of the body, or all of a request.
    private static func access(
        _ owner: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ method: UnsafePointer<CChar>?,
        _ version: UnsafePointer<CChar>?, _ piece: UnsafePointer<CChar>?, _ size: UnsafeMutablePointer<Int>?,
        _ pointer: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    ) -> MHD_Result {
        guard let owner, let connection, let method, let version, let size, let raw = pointer?.pointee else {
            return .NO
        }
        let server = Unmanaged<HTTPServer>.fromOpaque(owner).takeUnretainedValue()
        let exchange = Unmanaged<HTTPExchange>.fromOpaque(raw).takeUnretainedValue()
        if !exchange.hasBegun {
            exchange.hasBegun = true
            return server.begin(exchange, connection, method: String(cString: method))
        }
        if size.pointee > 0 {
            let bytes = UnsafeRawBufferPointer(start: piece, count: size.pointee)
            size.pointee = 0
            return exchange.take(bytes, limit: exchange.bodyBytes) ? .YES : .NO
        }
        if exchange.isAnswered { return server.resumed(exchange, connection) }
        exchange.isAnswered = true
        server.waits.forget(exchange)
        return server.answer(
            exchange, connection, method: String(cString: method), version: String(cString: version))
    }

    /// The header is there: refuses what is too large before the body is read.
    private func begin(_ exchange: HTTPExchange, _ connection: OpaquePointer, method: String) -> MHD_Result {
        waits.forget(exchange)
        if teeline_http_header_size(connection) > settings.headerBytes { return refuse(431, on: connection) }
        let fields = HTTPExchange.headers(connection)
        // Of two hosts nobody knows which one another on the way has looked at (RFC 9112 §3.2).
        guard fields.count(where: { $0.name.lowercased() == "host" }) <= 1 else {
            return refuse(400, on: connection)
        }
        let lengths = fields.filter { $0.name.lowercased() == "content-length" }.map(\.value)
        let codings = fields.filter { $0.name.lowercased() == "transfer-encoding" }.map(\.value)
        // Two ways to tell the length are the stuff of request smuggling (RFC 9112 §6.3).
        guard lengths.count + codings.count <= 1, codings.allSatisfy({ $0.lowercased() == "chunked" }),
            lengths.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } })
        else { return refuse(400, on: connection) }
        guard !(lengths + codings).isEmpty, lengths != ["0"] else { return .YES }
        guard let head = exchange.request(connection, method: method) else {
            return refuse(400, on: connection)
        }
        var limit = settings.bodyLimit(exchange.target)
        if let bytes = handler.bodyLimit(for: head) {
            let own = max(settings.bodyBytes, 1)
            if limit.path.isEmpty {
                // Who may send more may take longer for it: as at the server's own rate.
                limit.seconds *= max(1, min((bytes + own - 1) / own, 60))
            } else if bytes <= own {
                // What is no larger than elsewhere has no longer than elsewhere, whatever the path.
                limit.seconds = max(settings.bodySeconds, 0)
            }
            limit.bytes = max(bytes, 0)
        }
        exchange.bodyBytes = limit.bytes
        if let text = lengths.first {
            guard let length = UInt64(text), length <= UInt64(limit.bytes) else {
                return refuse(413, on: connection)
            }
        }
        if limit.bytes > settings.bodyBytes {
            exchange.hold = budget.hold()
            // Its sender is to try again, which a 413 would forbid.
            if exchange.hold == nil { return refuse(503, Self.later, on: connection) }
        }
        if limit.seconds > 0 {
            waits.watch(
                exchange, descriptor: teeline_http_descriptor(connection), seconds: limit.seconds)
        }
        return .YES
    }

    private func answer(
        _ exchange: HTTPExchange, _ connection: OpaquePointer, method: String, version: String
    ) -> MHD_Result {
        if exchange.isTooLarge { return refuse(413, on: connection) }
        if exchange.isBeyondBudget { return refuse(503, Self.later, on: connection) }
        guard let request = exchange.request(connection, method: method) else {
            return refuse(400, on: connection)
        }
        // From here on they are the handler's.
        (exchange.body, exchange.hold) = ([], nil)
        switch handler.respond(to: request) {
        case .response(let response): return send(response, on: connection)
        case .deferred(let milliseconds, let fallback, let start):
            let deferral = HTTPDeferral(fallback: fallback, waits: waits)
            exchange.deferral = deferral
            start(HTTPReply(deferral))
            return waits.suspend(deferral, connection, milliseconds: milliseconds)
                ? .YES : resumed(exchange, connection)
        case .upgrade(let taker):
            switch UpgradeVerdict(request, version: version) {
            case .malformed: return refuse(400, on: connection)
            case .otherVersion:
                return refuse(
                    426,
                    [("Sec-WebSocket-Version", "13"), ("Upgrade", "websocket"), ("Connection", "Upgrade")],
                    on: connection)
            case .accepted(let accept):
                exchange.upgrade = taker
                exchange.isUpgrade = true
                guard let answer = HTTPAnswer(accept: accept, taker: Self.upgraded) else { return .NO }
                return answer.queue(101, on: connection)
            }
        }
    }

    /// A deferred answer is there: the connection goes on.
    private func resumed(_ exchange: HTTPExchange, _ connection: OpaquePointer) -> MHD_Result {
        guard let deferral = exchange.deferral else { return .YES }
        exchange.deferral = nil
        return send(deferral.take(), on: connection)
    }

    private func send(_ response: HTTPResponse, on connection: OpaquePointer) -> MHD_Result {
        guard let answer = HTTPAnswer(response), (200...599).contains(response.status) else {
            return refuse(500, on: connection)
        }
        return answer.queue(response.status, on: connection)
    }

    /// When it is worth sending a large body again.
    private static let later = [(name: "Retry-After", value: "30")]

    /// Refuses a request in the handler's words.
    private func refuse(
        _ status: Int, _ headers: [(name: String, value: String)] = [], on connection: OpaquePointer
    ) -> MHD_Result {
        var response = handler.refusal(status)
        response.headers += headers
        guard let answer = HTTPAnswer(response) else { return .NO }
        return answer.queue(status, on: connection)
    }

    /// 101 is sent: the socket is ours until it is released.
    private static let upgraded: MHD_UpgradeHandler = { _, _, pointer, extra, size, descriptor, handle in
        guard let handle else { return }
        let release = UpgradeRelease(handle)
        guard let pointer else { return release.run() }
        let exchange = Unmanaged<HTTPExchange>.fromOpaque(pointer).takeUnretainedValue()
        guard let taker = exchange.upgrade else { return release.run() }
        exchange.upgrade = nil
        let flags = fcntl(descriptor, F_GETFL)
        if flags >= 0 { _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) }
        let leftover = Array(UnsafeRawBufferPointer(start: extra, count: size))
        taker(UpgradedSocket(descriptor: descriptor, leftover: leftover) { release.run() })
    }
}

/// Gives an upgraded socket back once, from any thread.
private final class UpgradeRelease: @unchecked Sendable {
    // `lock` guards `handle`.
    private let lock = Lock()
    private var handle: OpaquePointer?

    init(_ handle: OpaquePointer) { self.handle = handle }

    func run() {
        let handle = lock.withLock {
            let handle = self.handle
            self.handle = nil
            return handle
        }
        if let handle { _ = teeline_http_release(handle) }
    }
}
