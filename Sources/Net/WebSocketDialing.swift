// A client WebSocket on its way up: name, address by address, TLS, upgrade.

import CLinux
import Glibc
import Telemetry

/// What a client needs until it is open.
final class Dial {
    let url: WebSocketURL
    let request: UpgradeRequest
    let trust: TLSTrust?
    let limit: MonotonicTime
    var addresses: ArraySlice<SocketAddress> = []
    var attempt: Ticker?
    var lastError: NetError = .unresolved
    /// The server's answer so far.
    var answer = ByteQueue()

    init(url: WebSocketURL, request: UpgradeRequest, trust: TLSTrust?, limit: MonotonicTime) {
        (self.url, self.request, self.trust, self.limit) = (url, request, trust, limit)
    }
    deinit { attempt?.cancel() }
}

extension WebSocketConnection {
    static func connect(
        to text: String, headers: [(String, String)], trust: TLSTrust?, on loop: EventLoop,
        limits: WebSocketLimits, handler: any WebSocketHandler
    ) -> WebSocketConnection {
        let connection = WebSocketConnection(loop: loop, limits: limits, role: .client, handler: handler)
        do throws(NetError) {
            let url = try WebSocketURL(text)
            let request = try UpgradeRequest(url, headers: headers)
            let limit = MonotonicTime.now.adding(milliseconds: Int64(max(limits.connectMilliseconds, 1)))
            connection.dial = Dial(url: url, request: request, trust: trust, limit: limit)
            connection.deadline = loop.after(milliseconds: limits.connectMilliseconds) { [weak connection] in
                connection?.finish(.timedOut)
            }
            NameResolver.resolve(url.host, isAddress: url.isAddress, port: url.port) { addresses in
                loop.execute { connection.resolved(addresses) }
            }
        } catch {
            connection.finish(error)
        }
        return connection
    }

    private func resolved(_ addresses: [SocketAddress]) {
        guard phase == .resolving, let dial else { return }
        dial.addresses = addresses[...]
        tryNextAddress()
    }

    /// Connects to the next address; the time left is shared out among those that remain.
    private func tryNextAddress() {
        guard let dial, phase == .resolving || phase == .connecting else { return }
        dial.attempt?.cancel()
        dropDescriptor()
        phase = .connecting
        while let address = dial.addresses.popFirst() {
            let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
            descriptor = socket(address.family, kind, 0)
            guard descriptor >= 0 else {
                dial.lastError = .system(operation: "socket", errno: errno)
                continue
            }
            prepareDescriptor()
            let status = address.bytes.withUnsafeBytes { bytes in
                bytes.withMemoryRebound(to: sockaddr.self) {
                    Glibc.connect(descriptor, $0.baseAddress, socklen_t(bytes.count))
                }
            }
            guard status == 0 || errno == EINPROGRESS else {
                dial.lastError = .system(operation: "connect", errno: errno)
                dropDescriptor()
                continue
            }
            do throws(NetError) {
                registration = try loop.watch(descriptor, .write, handler: self)
            } catch {
                return finish(error)
            }
            if !dial.addresses.isEmpty {
                let left = dial.limit.milliseconds(since: .now) / Int64(dial.addresses.count + 1)
                dial.attempt = loop.after(milliseconds: Int(max(left, 250))) { [weak self] in
                    guard let self, self.phase == .connecting else { return }
                    self.tryNextAddress()
                }
            }
            return
        }
        finish(dial.lastError)
    }

    func connectionReady() {
        guard let dial, let registration else { return }
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
        guard code == 0 else {
            dial.lastError = .system(operation: "connect", errno: code)
            return tryNextAddress()
        }
        dial.attempt?.cancel()
        loop.change(registration, to: .read)
        guard dial.url.isSecure else { return sendUpgrade(dial) }
        phase = .securing
        guard let trust = dial.trust else { return finish(.tls(reason: "no trust store")) }
        do throws(NetError) {
            tls = TLSBox(try TLSSession(host: dial.url.host, isAddress: dial.url.isAddress, trust: trust))
        } catch {
            return finish(error)
        }
        _ = continueHandshake()
    }

    /// Goes on with the TLS handshake; true once it is done.
    func continueHandshake() -> Bool {
        guard let tls, let dial else { return false }
        let step = tls.session.handshake()
        writeOut()
        guard phase == .securing else { return false }
        switch step {
        case .done:
            sendUpgrade(dial)
            return true
        case .starved: return false
        case .ended:
            finish(.tls(reason: "connection closed"))
            return false
        case .failed(let reason):
            finish(.tls(reason: reason))
            return false
        }
    }

    private func sendUpgrade(_ dial: Dial) {
        phase = .upgrading
        dial.request.bytes.withUnsafeBytes { out.append($0) }
        writeOut()
    }

    /// Takes bytes of the server's answer; frames may follow in the same read.
    func takeAnswer(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let dial else { return }
        dial.answer.append(UnsafeRawBufferPointer(bytes))
        do throws(NetError) {
            guard let length = try dial.request.check(UnsafeRawBufferPointer(dial.answer.bytes)) else {
                return
            }
            dial.answer.removeFirst(length)
        } catch {
            return finish(error)
        }
        self.dial = nil
        deadline?.cancel()
        deadline = nil
        phase = .open
        handler?.webSocketDidOpen(self)
        if phase == .open || phase == .closing, !dial.answer.isEmpty { takeFrames(dial.answer.bytes) }
    }
}
