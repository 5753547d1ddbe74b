// What can go wrong below the protocols.

/// What can go wrong below the protocols. No text of a peer is in it.
public enum NetError: Error, Sendable, Hashable {
    /// A system call failed: its name and errno.
    case system(operation: String, errno: Int32)
    /// A URL that is not `ws`, `wss`, `http` or `https`, or has no host.
    case badURL
    /// The host name has no address.
    case unresolved
    /// No connection, TLS or answer within the limit.
    case timedOut
    /// The TLS handshake or the verification of certificate or host name failed: OpenSSL's reason.
    case tls(reason: String)
    /// The server answered the upgrade with another status than 101.
    case refused(status: Int)
    /// The server's answer was not HTTP, or not a right answer to the upgrade.
    case badHandshake
    /// The HTTP server could not start (the address is taken, for instance).
    case cannotListen(errno: Int32)
    /// The answer was larger than the caller's bound.
    case tooLarge
    /// The caller's task was cancelled.
    case cancelled
}
