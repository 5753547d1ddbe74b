// Work that is done after an answer: counted, so that nothing of it is forgotten at the end.

import Telemetry

/// Runs errands and knows how many are under way.
final class Errands: @unchecked Sendable {
    // `lock` guards everything that changes.
    private let lock = Lock()
    private var running = 0
    private var waiting: [UInt64: Task<Void, Never>] = [:]
    private var last: UInt64 = 0
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

    /// The same for `work` that pauses for long: `drain` cancels it instead of waiting for it. False, and not run, when
    /// `limit` such errands are waiting already.
    func runWaiting(limit: Int, _ work: @escaping @Sendable () async -> Void) -> Bool {
        lock.withLock {
            guard waiting.count < limit else { return false }
            running += 1
            last += 1
            waiting[last] = Task { [self, key = last] in
                await work()
                lock.withLock(signal: true) {
                    running -= 1
                    waiting[key] = nil
                }
            }
            return true
        }
    }

    /// How many are under way.
    var count: Int { lock.withLock { running } }

    /// Cancels what waits, and waits until none is under way, at most `milliseconds`. Returns how many still are.
    func drain(milliseconds: Int64) -> Int {
        let began = MonotonicTime.now
        for task in lock.withLock({ Array(waiting.values) }) { task.cancel() }
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
