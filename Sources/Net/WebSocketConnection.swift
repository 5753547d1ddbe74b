// One WebSocket on a loop, server or client side: messages in, messages out, closed with a code.

import CLinux
import Glibc

/// A WebSocket (RFC 6455) confined to one loop. Pings are answered, extensions and subprotocols never agreed to.
public final class WebSocketConnection: @unchecked Sendable, DescriptorHandler, LoopFlushable {
    // Every stored property is touched on `loop`'s thread only.

    /// How far a connection has come.
    enum Phase {
        case resolving, connecting, securing, upgrading
        case open
        /// A close frame is queued or sent; messages are no longer delivered.
        case closing
        /// We failed the connection: what comes is dropped until the peer lets go.
        case failing
        case closed
    }

    /// The loop it lives on.
    public let loop: EventLoop
    /// The bounds in force; `messageBytes` may be raised or lowered while it runs.
    public var limits: WebSocketLimits

    let role: WebSocketRole
    var phase: Phase
    var handler: (any WebSocketHandler)?
    var descriptor: Int32 = -1
    var registration: Registration?
    /// Gives a server's descriptor back; nil for our own.
    var release: (@Sendable () -> Void)?
    var dial: Dial?
    var deadline: Ticker?

    var reader: FrameReader
    var out = ByteQueue()
    /// Enciphered bytes on their way; `tls` is there for `wss:` only.
    var cipherOut = ByteQueue()
    var tls: TLSBox?
    var isDirty = false
    var hasSaidGoodbye = false
    var waitsForWrite = false
    /// Rises with every byte the kernel took, to tell a slow peer from a stuck one.
    var progress = 0
    var stall: Ticker?
    /// What the peer's close frame said.
    var farewell: (code: UInt16, reason: String)?
    /// The code we failed the connection with.
    var failure: UInt16 = 1006

    init(loop: EventLoop, limits: WebSocketLimits, role: WebSocketRole, handler: any WebSocketHandler) {
        self.loop = loop
        self.limits = limits
        self.role = role
        self.handler = handler
        phase = role == .server ? .upgrading : .resolving
        reader = FrameReader(role: role)
    }

    // MARK: Door

    /// Attaches an upgraded server socket to `loop` (call on the loop). `handler` is held until it closed.
    public static func accept(
        _ socket: UpgradedSocket, on loop: EventLoop, limits: WebSocketLimits, handler: any WebSocketHandler
    ) -> WebSocketConnection {
        let connection = WebSocketConnection(loop: loop, limits: limits, role: .server, handler: handler)
        connection.descriptor = socket.descriptor
        connection.release = socket.release
        connection.prepareDescriptor()
        let leftover = socket.leftover
        loop.execute { connection.attach(leftover) }
        return connection
    }

    /// Opens a client socket to `url` (`ws:` or `wss:`, certificate and host verified) with extra `headers`.
    /// Call on the loop; resolution runs elsewhere. Every outcome comes to `handler`.
    public static func connect(
        to url: String, headers: [(String, String)] = [], on loop: EventLoop, limits: WebSocketLimits,
        handler: any WebSocketHandler
    ) -> WebSocketConnection {
        connect(to: url, headers: headers, trust: TLSTrust.system, on: loop, limits: limits, handler: handler)
    }

    /// Queues one text message; what a wakeup queued leaves by one write. Dropped unless the socket is open.
    public func send(text: UnsafeRawBufferPointer) { send(WebSocketOpcode.text, text) }
    /// Queues one text message.
    public func send(text: [UInt8]) { text.withUnsafeBytes { send(text: $0) } }
    /// Queues one binary message. Dropped unless the socket is open.
    public func send(binary: UnsafeRawBufferPointer) { send(WebSocketOpcode.binary, binary) }
    /// Queues a ping; the pong is not reported.
    public func ping() { send(WebSocketOpcode.ping, UnsafeRawBufferPointer(start: nil, count: 0)) }

    /// Sends what is queued now, before the wakeup ends: for what must not wait (clear, pong).
    public func flush() {
        switch phase {
        case .open, .closing, .failing: writeOut()
        default: break
        }
    }
    /// Bytes queued and not yet taken by the kernel.
    public var pendingBytes: Int { out.count + cipherOut.count }

    /// Starts the close handshake. The handler hears `webSocketDidClose` at its end or at the limit.
    /// A code that may not stand in a close frame (RFC 6455 §7.4.1) leaves as one without code; `reason` is cut
    /// to 123 bytes.
    public func close(code: UInt16, reason: String = "") {
        switch phase {
        case .open:
            queueClose(code, reason)
            phase = .closing
            cutLater()
        case .closing, .failing, .closed: break
        default: finish()
        }
    }

    /// Cuts the connection at once (TCP reset); the handler hears code 1006.
    public func abort() {
        guard phase != .closed else { return }
        if descriptor >= 0 {
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        }
        hasSaidGoodbye = true
        finish()
    }

    // MARK: Sending

    @inline(__always)
    func mask() -> UInt32? { role == .client ? loop.maskKeys.next() : nil }

    func send(_ opcode: UInt8, _ payload: UnsafeRawBufferPointer) {
        guard phase == .open else { return }
        guard payload.count <= limits.outgoingBytes - pendingBytes else { return fail(1013) }
        out.appendFrame(opcode, payload, mask: mask())
        markDirty()
    }

    func queueClose(_ code: UInt16, _ reason: String) {
        var payload: [UInt8] = []
        if WebSocketCode.mayBeSent(code) {
            payload = [UInt8(code >> 8), UInt8(code & 0xFF)]
            for character in reason {
                guard payload.count + character.utf8.count <= 125 else { break }
                payload += character.utf8
            }
        }
        payload.withUnsafeBytes { out.appendFrame(WebSocketOpcode.close, $0, mask: mask()) }
        markDirty()
    }

    /// Fails the connection (RFC 6455 §7.1.7): says why, then waits a little for the peer to let go.
    func fail(_ code: UInt16) {
        guard phase == .open || phase == .closing else { return }
        if phase == .open { queueClose(code, "") }
        failure = code
        phase = .failing
        cutLater()
    }

    func markDirty() {
        guard !isDirty else { return }
        isDirty = true
        loop.markDirty(self)
    }

    func flushAtEndOfTurn() {
        isDirty = false
        if phase != .closed { writeOut() }
    }

    func cutLater() {
        deadline?.cancel()
        deadline = loop.after(milliseconds: limits.closeMilliseconds) { [weak self] in self?.finish() }
    }

    // MARK: The end

    /// Ends the connection: lets the descriptor go and tells the handler, once, in a turn of its own.
    func finish(_ error: NetError? = nil) {
        guard phase != .closed else { return }
        phase = .closed
        deadline?.cancel()
        stall?.cancel()
        if error == nil { sayGoodbye() }
        (deadline, stall, dial, tls) = (nil, nil, nil, nil)
        dropDescriptor()
        let (code, reason) = farewell ?? (failure, "")
        guard let handler else { return }
        self.handler = nil
        loop.execute { handler.webSocketDidClose(self, code: code, reason: reason, error: error) }
    }

    /// Watches the descriptor no more and closes it or gives it back.
    func dropDescriptor() {
        if let registration { loop.unwatch(registration) }
        registration = nil
        guard descriptor >= 0 else { return }
        if let release { release() } else { Glibc.close(descriptor) }
        (descriptor, release) = (-1, nil)
    }

    func loopWillStop() { finish() }
}
