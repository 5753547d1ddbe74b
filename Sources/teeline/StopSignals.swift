// SIGTERM and SIGINT: the first asks to stop, the second stops.

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

    /// Blocks SIGTERM and SIGINT for this thread and all it starts (call before any other thread is made) and
    /// listens for them on a thread of its own. A closed pipe is an error of its write, never a signal.
    init() {
        state = Box()
        signal(SIGPIPE, SIG_IGN)
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGINT)
        pthread_sigmask(SIG_BLOCK, &set, nil)
        let awaited = set
        _ = WorkerThread(name: "signals") { [self] in
            var first = true
            while true {
                var number: Int32 = 0
                var waited = awaited
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
