// What has to be looked at while the server runs: the disk every second, unfinished recordings every half minute.

import Telemetry

/// A thread that calls `look` every second and `mend` every half minute.
final class Caretaker: @unchecked Sendable {
    /// The pauses, in milliseconds.
    struct Rhythm: Sendable {
        /// Between looks at the disk.
        var look: Int64 = 1_000
        /// Between attempts to finish what was left unfinished.
        var mend: Int64 = 30_000
    }

    // `isStopping` is guarded by `lock`; `thread` is written before `init` returns.
    private let lock = Lock()
    private var isStopping = false
    private var thread: WorkerThread?
    private let rhythm: Rhythm

    init(
        rhythm: Rhythm = Rhythm(), look: @escaping @Sendable () -> Void, mend: @escaping @Sendable () -> Void
    ) {
        self.rhythm = rhythm
        thread = WorkerThread(name: "caretaker", nice: 5) { [self] in
            var mendedAt = MonotonicTime.now
            while wait() {
                look()
                guard MonotonicTime.now.milliseconds(since: mendedAt) >= rhythm.mend else { continue }
                mend()
                mendedAt = .now
            }
        }
    }

    /// Ends the thread.
    func stop() {
        lock.withLock(signal: true) { isStopping = true }
        thread?.join()
        thread = nil
    }

    private func wait() -> Bool {
        let began = MonotonicTime.now
        return lock.withLock {
            while !isStopping {
                let rest = rhythm.look - MonotonicTime.now.milliseconds(since: began)
                guard rest > 0 else { return true }
                lock.wait(milliseconds: rest)
            }
            return false
        }
    }
}
