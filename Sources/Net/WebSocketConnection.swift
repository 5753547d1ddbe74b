// One WebSocket on a loop, server or client side: messages in, messages out, closed with a code.

import CLinux
import Glibc
import Telemetry

/// A WebSocket (RFC 6455) confined to one loop.
public final class WebSocketConnection: @unchecked Sendable {
    // Every stored property is touched on `loop`'s thread only.
    enum State { case connecting, securing, upgrading, open, closing, closed }

    /// The loop it lives on.
    public let loop: EventLoop
    /// The bounds in force; `messageBytes` may be raised or lowered while it runs.
    public var limits: WebSocketLimits
    var handler: (any WebSocketHandler)?
    var state: State
    var transport: Transport?
    var token: UInt64?
    var reader: WebSocketReader
    var deadline: MonotonicTime?
    /// What a client still needs until its upgrade is done.
    var opening: ClientOpening?
    private let isServer: Bool
    /// Bytes of a frame that is not whole yet.
    private var inbox: [UInt8] = []
    private var outbox: [UInt8] = []
    private var outStart = 0
    private var isDirty = false
    private var waitsForWrite = false
    private var sentClose = false

    init(loop: EventLoop, limits: WebSocketLimits, isServer: Bool, handler: any WebSocketHandler) {
        self.loop = loop
        self.limits = limits
        self.isServer = isServer
        self.handler = handler
        state = isServer ? .open : .connecting
        reader = WebSocketReader(isServer: isServer)
    }

    /// Attaches an upgraded server socket to `loop` (call on the loop). `handler` is held until it closed.
    public static func accept(
        _ socket: UpgradedSocket, on loop: EventLoop, limits: WebSocketLimits, handler: any WebSocketHandler
    ) -> WebSocketConnection {
        let connection = WebSocketConnection(loop: loop, limits: limits, isServer: true, handler: handler)
        let flags = fcntl(socket.descriptor, F_GETFL)
        _ = fcntl(socket.descriptor, F_SETFL, flags | O_NONBLOCK)
        let transport = Transport(descriptor: socket.descriptor, release: socket.release)
        connection.transport = transport
        connection.token = loop.watch(transport.descriptor, for: EPOLLIN, connection)
        // Never from within this call: the caller has not stored the connection yet.
        loop.execute {
            guard connection.state == .open else { return }
            connection.handler?.webSocketDidOpen(connection)
            guard !socket.leftover.isEmpty else { return }
            var bytes = socket.leftover
            bytes.withUnsafeMutableBytes { connection.receive($0) }
        }
        return connection
    }

    // MARK: Sending

    /// Queues one text message; what a wakeup queued leaves by one write.
    public func send(text: UnsafeRawBufferPointer) {
        guard state == .open else { return }
        guard pendingBytes + text.count <= limits.outgoingBytes else {
            finish(code: 1013, reason: "", reset: true)
            return
        }
        queue(WebSocketWriter.text, text)
    }

    /// Queues one text message.
    public func send(text: [UInt8]) { text.withUnsafeBytes { send(text: $0) } }

    /// Sends what is queued now, before the wakeup ends: for what must not wait (clear, pong).
    public func flush() { if state == .open || state == .closing { writeOut() } }

    /// Bytes queued and not yet taken by the kernel.
    public var pendingBytes: Int { outbox.count - outStart }

    /// Starts the close handshake. The handler hears `webSocketDidClose` at its end or at the limit.
    public func close(code: UInt16, reason: String = "") {
        switch state {
        case .open:
            sendClose(code, reason)
            state = .closing
            deadline = MonotonicTime.now.adding(milliseconds: Int64(limits.closeMilliseconds))
        case .connecting, .securing, .upgrading: finish(code: 1006, reason: "", reset: false)
        case .closing, .closed: break
        }
    }

    /// Cuts the connection at once (TCP reset); the handler hears code 1006.
    public func abort() { finish(code: 1006, reason: "", reset: true) }

    private func sendClose(_ code: UInt16, _ reason: String) {
        guard !sentClose else { return }
        sentClose = true
        var payload: [UInt8] = []
        if code != 1005 {
            payload += [UInt8(code >> 8), UInt8(code & 0xFF)]
            payload += Array(reason.utf8.prefix(123))
        }
        payload.withUnsafeBytes { queue(WebSocketWriter.closing, $0) }
    }

    func queue(_ opcode: UInt8, _ payload: UnsafeRawBufferPointer) {
        WebSocketWriter.append(opcode, payload, mask: isServer ? nil : loop.masks.next(), to: &outbox)
        markDirty()
    }

    /// Queues bytes as they are (the upgrade request).
    func queueRaw(_ bytes: [UInt8]) {
        outbox += bytes
        markDirty()
    }

    private func markDirty() {
        guard !isDirty else { return }
        isDirty = true
        loop.needsFlush(self)
    }

    func writeOut() {
        guard let transport, state != .closed, state != .connecting, state != .securing else { return }
        while outStart < outbox.count {
            let result = outbox.withUnsafeBytes {
                transport.write(UnsafeRawBufferPointer(rebasing: $0[outStart...]))
            }
            switch result {
            case .moved(let count): outStart += count
            case .wantsWrite, .wantsRead:
                waitForWrite(true)
                return
            case .ended:
                finish(code: 1006, reason: "", reset: false)
                return
            }
        }
        outbox.removeAll(keepingCapacity: outbox.capacity <= 1 << 16)
        outStart = 0
        waitForWrite(false)
    }

    func waitForWrite(_ waits: Bool) {
        guard waits != waitsForWrite, let transport, let token else { return }
        waitsForWrite = waits
        loop.change(
            transport.descriptor, to: waits ? EPOLL_EVENTS(EPOLLIN.rawValue | EPOLLOUT.rawValue) : EPOLLIN,
            token: token)
        if waits, deadline == nil {
            deadline = MonotonicTime.now.adding(milliseconds: Int64(limits.closeMilliseconds))
        } else if !waits, state == .open {
            deadline = nil
        }
    }

    // MARK: Receiving

    func readIn() {
        guard let transport else { return }
        // A few rounds, so that one busy peer does not keep the others waiting.
        for _ in 0..<4 {
            switch transport.read(into: loop.readBuffer) {
            case .moved(let count):
                receive(UnsafeMutableRawBufferPointer(rebasing: loop.readBuffer[..<count]))
                guard state != .closed else { return }
                if count < loop.readBuffer.count, !transport.isSecure { return }
            case .wantsRead: return
            case .wantsWrite:
                waitForWrite(true)
                return
            case .ended:
                finish(code: 1006, reason: "", reset: false)
                return
            }
        }
    }

    /// Takes bytes of the peer: the rest of the upgrade's answer, then frames.
    func receive(_ bytes: UnsafeMutableRawBufferPointer) {
        if state == .upgrading {
            guard var rest = takeUpgradeAnswer(UnsafeRawBufferPointer(bytes)), !rest.isEmpty else { return }
            rest.withUnsafeMutableBytes { receive($0) }
            return
        }
        guard state == .open || state == .closing else { return }
        if inbox.isEmpty {
            let taken = takeFrames(bytes)
            if state != .closed, taken < bytes.count { inbox.append(contentsOf: bytes[taken...]) }
        } else {
            inbox.append(contentsOf: bytes)
            var gathered = inbox
            inbox = []
            let taken = gathered.withUnsafeMutableBytes { takeFrames($0) }
            guard state != .closed else { return }
            gathered.removeFirst(taken)
            inbox = gathered
        }
    }

    /// Takes all whole frames; returns the bytes they had.
    private func takeFrames(_ bytes: UnsafeMutableRawBufferPointer) -> Int {
        var taken = 0
        do throws(WebSocketBreach) {
            while state == .open || state == .closing, taken < bytes.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[taken...])
                // In place: a second owner would copy the gathered fragments at every frame.
                guard let length = try reader.take(rest, limit: limits.messageBytes, { take($0) }) else {
                    break
                }
                taken += length
            }
        } catch {
            sendClose(error.code, "")
            writeOut()
            finish(code: error.code, reason: "", reset: false)
        }
        return taken
    }

    private func take(_ item: WebSocketItem) {
        switch item {
        case .message(let bytes, let isText):
            guard state == .open else { return }
            handler?.webSocket(self, didReceive: bytes, isText: isText)
        case .ping(let bytes):
            // A peer that pings without reading is cut as any that does not keep up.
            if pendingBytes + bytes.count <= limits.outgoingBytes { queue(WebSocketWriter.pong, bytes) }
        case .pong: break
        case .close(let code, let reason):
            sendClose(code, "")
            writeOut()
            finish(code: code, reason: reason, reset: false)
        }
    }

    // MARK: Ending

    /// Ends the connection: the descriptor goes now, the handler hears of it in a later turn of the loop.
    func finish(code: UInt16, reason: String, reset: Bool, error: NetError? = nil) {
        guard state != .closed else { return }
        state = .closed
        deadline = nil
        if let transport, let token {
            loop.unwatch(transport.descriptor, token: token)
            transport.close(reset: reset)
        }
        transport = nil
        token = nil
        inbox = []
        outbox = []
        outStart = 0
        opening = nil
        loop.execute { [self] in
            let listener = handler
            handler = nil
            listener?.webSocketDidClose(self, code: code, reason: reason, error: error)
        }
    }
}

extension WebSocketConnection: DescriptorWatcher {
    func descriptorReady(readable: Bool, writable: Bool) {
        switch state {
        case .connecting, .securing: continueOpening(writable: writable, readable: readable)
        case .upgrading, .open, .closing:
            if writable { writeOut() }
            if readable, state != .closed { readIn() }
        case .closed: break
        }
    }

    func flushAfterWakeup() {
        isDirty = false
        if state == .open || state == .closing || state == .upgrading { writeOut() }
    }

    func loopEnds() { finish(code: 1006, reason: "", reset: false) }

    func checkDeadline(at now: MonotonicTime) {
        guard let deadline, now >= deadline else { return }
        switch state {
        case .connecting, .securing, .upgrading:
            finish(code: 1006, reason: "", reset: false, error: .timedOut)
        case .open: finish(code: 1013, reason: "", reset: true)
        case .closing: finish(code: 1006, reason: "", reset: true)
        case .closed: break
        }
    }
}
