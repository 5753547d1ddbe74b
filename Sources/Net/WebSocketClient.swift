// The client's way to an open WebSocket: addresses, TCP, TLS, upgrade.

import COpenSSL
import CLinux
import Glibc
import Telemetry

/// What a client needs until its upgrade is done.
struct ClientOpening {
    var url: WebSocketURL
    var headers: [(String, String)]
    var addresses: ArraySlice<SocketAddress> = []
    var accept = ""
    var answer: [UInt8] = []
    /// The last address's error, told when no other is left.
    var lastError: NetError = .unresolved
}

extension WebSocketConnection {
    /// Most bytes of the server's answer to the upgrade.
    static let longestAnswer = 16 << 10

    /// Opens a client socket to `url` (`ws:` or `wss:`, certificate and host verified) with extra `headers`.
    /// Call on the loop; resolution runs elsewhere. Every outcome comes to `handler`.
    public static func connect(
        to url: String, headers: [(String, String)] = [], on loop: EventLoop, limits: WebSocketLimits,
        handler: any WebSocketHandler
    ) -> WebSocketConnection {
        let connection = WebSocketConnection(loop: loop, limits: limits, isServer: false, handler: handler)
        guard let parts = WebSocketURL(url) else {
            connection.finish(code: 1006, reason: "", reset: false, error: .badURL)
            return connection
        }
        connection.opening = ClientOpening(url: parts, headers: headers)
        connection.deadline = MonotonicTime.now.adding(milliseconds: Int64(limits.connectMilliseconds))
        let pending = PendingDeadline(connection)
        Resolver.shared.resolve(parts.host, port: parts.port) { addresses in
            loop.execute {
                pending.end()
                guard connection.state == .connecting else { return }
                connection.opening?.addresses = addresses[...]
                connection.tryNextAddress()
            }
        }
        return connection
    }

    func tryNextAddress() {
        guard let address = opening?.addresses.popFirst() else {
            finish(code: 1006, reason: "", reset: false, error: opening?.lastError ?? .unresolved)
            return
        }
        let descriptor = socket(
            address.family,
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else {
            opening?.lastError = .system(operation: "socket", errno: errno)
            return tryNextAddress()
        }
        let transport = Transport(descriptor: descriptor)
        let result = address.bytes.withUnsafeBytes { bytes in
            bytes.baseAddress.map {
                Glibc.connect(descriptor, $0.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
            } ?? -1
        }
        guard result == 0 || errno == EINPROGRESS else {
            opening?.lastError = .system(operation: "connect", errno: errno)
            transport.close(reset: false)
            return tryNextAddress()
        }
        self.transport = transport
        token = loop.watch(descriptor, for: EPOLLOUT, self)
    }

    /// The socket is connected, or TLS can go on.
    func continueOpening(writable: Bool, readable: Bool) {
        guard let transport, let token, let opening else { return }
        if state == .connecting {
            var code: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(transport.descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
            guard code == 0 else {
                self.opening?.lastError = .system(operation: "connect", errno: code)
                loop.unwatch(transport.descriptor, token: token)
                transport.close(reset: false)
                self.transport = nil
                self.token = nil
                return tryNextAddress()
            }
            guard opening.url.isSecure else { return sendUpgrade() }
            guard transport.secure(host: opening.url.host) else {
                finish(code: 1006, reason: "", reset: false, error: .tls(reason: "cannot set up"))
                return
            }
            state = .securing
        }
        switch transport.handshake() {
        case .moved: sendUpgrade()
        case .wantsRead: loop.change(transport.descriptor, to: EPOLLIN, token: token)
        case .wantsWrite: loop.change(transport.descriptor, to: EPOLLOUT, token: token)
        case .ended:
            finish(code: 1006, reason: "", reset: false, error: .tls(reason: transport.failureReason))
        }
    }

    private func sendUpgrade() {
        guard let transport, let token, let opening else { return }
        state = .upgrading
        loop.change(transport.descriptor, to: EPOLLIN, token: token)
        var key: [UInt8] = []
        for _ in 0..<4 { withUnsafeBytes(of: loop.masks.next()) { key += $0 } }
        let encoded = WebSocketHandshake.base64(key)
        self.opening?.accept = WebSocketHandshake.accept(key: encoded)
        var request = "GET \(opening.url.target) HTTP/1.1\r\nHost: \(opening.url.hostField)\r\n"
        request += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        request += "Sec-WebSocket-Key: \(encoded)\r\n"
        for (name, value) in opening.headers where Self.isFieldText(name) && Self.isFieldText(value) {
            request += "\(name): \(value)\r\n"
        }
        queueRaw(Array((request + "\r\n").utf8))
    }

    /// A header field of ours must not smuggle another line in.
    private static func isFieldText(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }

    /// Takes bytes of the answer; returns what follows it once it is whole and right, else nil.
    func takeUpgradeAnswer(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        guard var opening else { return nil }
        opening.answer.append(contentsOf: bytes)
        self.opening = opening
        guard let end = WebSocketHandshake.endOfHead(opening.answer) else {
            if opening.answer.count > Self.longestAnswer {
                finish(code: 1006, reason: "", reset: false, error: .badHandshake)
            }
            return nil
        }
        let head = String(decoding: opening.answer[..<end], as: UTF8.self)
        switch WebSocketHandshake.check(answer: head, accept: opening.accept) {
        case .success: break
        case .failure(let error):
            finish(code: 1006, reason: "", reset: false, error: error)
            return nil
        }
        let rest = Array(opening.answer[end...])
        self.opening = nil
        state = .open
        deadline = nil
        handler?.webSocketDidOpen(self)
        return rest
    }
}

/// Keeps the time limit of a connection that has no descriptor yet, while its name is resolved.
private final class PendingDeadline: @unchecked Sendable {
    // Touched on the loop only.
    private var ticker: Ticker?

    init(_ connection: WebSocketConnection) {
        ticker = connection.loop.every(milliseconds: 200) { [self] in
            connection.checkDeadline(at: .now)
            if connection.state == .closed { end() }
        }
    }

    func end() {
        ticker?.cancel()
        ticker = nil
    }
}
