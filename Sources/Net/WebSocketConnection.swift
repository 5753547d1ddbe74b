// One WebSocket on a loop, server or client side: messages in, messages out, closed with a code.

import Telemetry

/// Who listens to a WebSocket. All calls come on the socket's loop.
public protocol WebSocketHandler: AnyObject, Sendable {
    /// The handshake is done (client) or the upgraded socket is attached (server).
    func webSocketDidOpen(_ socket: WebSocketConnection)
    /// A whole message. `bytes` is valid during the call only. Binary messages have `isText` false.
    func webSocket(_ socket: WebSocketConnection, didReceive bytes: UnsafeRawBufferPointer, isText: Bool)
    /// The socket is closed; nothing follows. `code` is 1006 when no close frame came; `error` says why a
    /// client's connection never opened.
    func webSocketDidClose(_ socket: WebSocketConnection, code: UInt16, reason: String, error: NetError?)
}

/// The bounds of a WebSocket.
public struct WebSocketLimits: Sendable, Hashable {
    /// Largest message taken, in bytes; a larger one closes the socket with 1009. May be changed later.
    public var messageBytes: Int
    /// Most bytes waiting to be sent; beyond it the socket is closed with 1013 as unable to keep up.
    public var outgoingBytes: Int
    /// How long connecting, TLS and the upgrade may take together, in milliseconds.
    public var connectMilliseconds: Int
    /// How long a close handshake or an unwritable socket may take before it is cut, in milliseconds.
    public var closeMilliseconds: Int

    /// Bounds with the defaults of the media path.
    public init(
        messageBytes: Int = 1 << 20, outgoingBytes: Int = 4 << 20, connectMilliseconds: Int = 10_000,
        closeMilliseconds: Int = 5_000
    ) {
        self.messageBytes = messageBytes
        self.outgoingBytes = outgoingBytes
        self.connectMilliseconds = connectMilliseconds
        self.closeMilliseconds = closeMilliseconds
    }
}

/// A WebSocket (RFC 6455) confined to one loop.
public final class WebSocketConnection: @unchecked Sendable {
    // Every stored property is touched on `loop`'s thread only.

    /// The loop it lives on.
    public let loop: EventLoop
    /// The bounds in force; `messageBytes` may be raised or lowered while it runs.
    public var limits: WebSocketLimits

    init(loop: EventLoop, limits: WebSocketLimits) {
        self.loop = loop
        self.limits = limits
    }

    /// Attaches an upgraded server socket to `loop` (call on the loop). `handler` is held until it closed.
    public static func accept(
        _ socket: UpgradedSocket, on loop: EventLoop, limits: WebSocketLimits, handler: any WebSocketHandler
    ) -> WebSocketConnection { WebSocketConnection(loop: loop, limits: limits) }

    /// Opens a client socket to `url` (`ws:` or `wss:`, certificate and host verified) with extra `headers`.
    /// Call on the loop; resolution runs elsewhere. Every outcome comes to `handler`.
    public static func connect(
        to url: String, headers: [(String, String)] = [], on loop: EventLoop, limits: WebSocketLimits,
        handler: any WebSocketHandler
    ) -> WebSocketConnection { WebSocketConnection(loop: loop, limits: limits) }

    /// Queues one text message; what a wakeup queued leaves by one write.
    public func send(text: UnsafeRawBufferPointer) {}
    /// Queues one text message.
    public func send(text: [UInt8]) { text.withUnsafeBytes { send(text: $0) } }
    /// Sends what is queued now, before the wakeup ends: for what must not wait (clear, pong).
    public func flush() {}
    /// Bytes queued and not yet taken by the kernel.
    public var pendingBytes: Int { 0 }
    /// Starts the close handshake. The handler hears `webSocketDidClose` at its end or at the limit.
    public func close(code: UInt16, reason: String = "") {}
    /// Cuts the connection at once (TCP reset); the handler hears code 1006.
    public func abort() {}
}
