// SIGTERM, SIGINT and SIGHUP: the first asks to stop, the second stops.

import Glibc
import Telemetry

/// Waits for the signals that end a server.
final class StopSignals: Sendable {
    private let lock = Lock()
    private let state: Box

    private final class Box: @unchecked Sendable {
        // Guarded by the lock of the owner.
        var came = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    /// The signals that ask to stop: also the one of a terminal that closes, unless it was ignored from the start, as by
    /// nohup(1).
    private static let asking: sigset_t = {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGINT)
        var present = sigaction()
        sigaction(SIGHUP, nil, &present)
        if unsafeBitCast(present.__sigaction_handler.sa_handler, to: Int.self) != 1 {
            sigaddset(&set, SIGHUP)
        }
        return set
    }()

    /// Blocks the signals for this thread and all it starts: to be called on the main thread before there is any
    /// other, since one thread that does not block them is enough to end the process. A closed pipe is an error of
    /// its write, never a signal.
    static func block() {
        signal(SIGPIPE, SIG_IGN)
        var set = asking
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Listens for them on a thread of its own.
    init() {
        state = Box()
        _ = WorkerThread(name: "signals") { [self] in
            var first = true
            while true {
                var number: Int32 = 0
                var waited = Self.asking
                guard sigwait(&waited, &number) == 0 else { continue }
                // As a shell tells of a process that a signal ended.
                guard first else { _exit(128 + number) }
                first = false
                arrive()
            }
        }
    }

    /// Whether the first signal has come.
    var hasCome: Bool { lock.withLock { state.came } }

    /// Returns when the first signal has come. For one caller.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isLate = lock.withLock {
                if !state.came { state.waiter = continuation }
                return state.came
            }
            if isLate { continuation.resume() }
        }
    }

    private func arrive() {
        let waiter = lock.withLock {
            state.came = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}
