// Who listens to a WebSocket, and its bounds.

/// Who listens to a WebSocket. All calls come on the socket's loop.
public protocol WebSocketHandler: AnyObject, Sendable {
    /// The handshake is done (client) or the upgraded socket is attached (server).
    func webSocketDidOpen(_ socket: WebSocketConnection)
    /// A whole message. `bytes` is valid during the call only. Binary messages have `isText` false.
    func webSocket(_ socket: WebSocketConnection, didReceive bytes: UnsafeRawBufferPointer, isText: Bool)
    /// The socket is closed; nothing follows. `code` is the peer's (1005 when its close frame had none), the one
    /// we failed the connection with (1002, 1007, 1009, 1013), or 1006 when no close frame came; `error` says
    /// why a client's connection never opened. Called once, never from within a call of the socket's.
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
