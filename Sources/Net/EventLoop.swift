// One thread on epoll: the media sockets' loop, and the executor of the calls on it.

import CLinux
import Telemetry

/// A thread that waits on epoll, runs the jobs of the actors that live on it, and ticks.
///
/// Everything loop-confined (sockets, calls) is touched only on the loop's own thread.
public final class EventLoop: SerialExecutor, @unchecked Sendable {
    // The queue of jobs is guarded by a pthread mutex; all else is touched on the loop's thread only.

    /// Starts a loop with its own thread. Throws `NetError.system` when the kernel gives no epoll.
    public static func start(name: String) throws(NetError) -> EventLoop { throw .system(operation: "", errno: 0) }

    private init() {}

    /// Takes a Swift job of an actor that lives here.
    public func enqueue(_ job: consuming ExecutorJob) {}

    /// Runs `body` on the loop, soon. Callable from any thread.
    public func execute(_ body: @escaping @Sendable () -> Void) {}

    /// Whether the caller is on the loop's thread (by a thread-specific slot, never pthread_self).
    public var isCurrent: Bool { false }

    /// Calls `body` on the loop about every `milliseconds` until the returned ticker is cancelled.
    public func every(milliseconds: Int, _ body: @escaping @Sendable () -> Void) -> Ticker { Ticker() }

    /// Ends the loop and joins its thread.
    public func stop() {}
}

/// A repeating timer of an `EventLoop`.
public final class Ticker: @unchecked Sendable {
    // Written on the loop only.

    /// Stops the ticking. Callable from the loop only.
    public func cancel() {}
}

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
}
