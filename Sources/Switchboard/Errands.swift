// Work that is done after an answer: counted, so that nothing of it is forgotten at the end.

import Telemetry

/// Runs errands and knows how many are under way.
final class Errands: @unchecked Sendable {
    // `lock` guards `running`.
    private let lock = Lock()
    private var running = 0
    private let log: Log

    init(log: Log) { self.log = log }

    /// Runs `work` on a thread of the runtime's pool.
    func run(_ work: @escaping @Sendable () async -> Void) {
        lock.withLock { running += 1 }
        Task { [self] in
            await work()
            lock.withLock(signal: true) { running -= 1 }
        }
    }

    /// How many are under way.
    var count: Int { lock.withLock { running } }

    /// Waits until none is under way, at most `milliseconds`. Returns how many still are.
    func drain(milliseconds: Int64) -> Int {
        let began = MonotonicTime.now
        return lock.withLock {
            while running > 0 {
                let rest = milliseconds - MonotonicTime.now.milliseconds(since: began)
                guard rest > 0 else { break }
                lock.wait(milliseconds: min(rest, 200))
            }
            return running
        }
    }
}
