// An answer that another thread gives, unless nobody waits for it any more.

import Telemetry

/// One answer, given once and waited for once.
final class AwaitedAnswer<Value: Sendable>: @unchecked Sendable {
    // `lock` guards `value` and `isAbandoned`.
    private let lock = Lock()
    private var value: Value?
    private var isAbandoned = false

    /// Does `work` and tells what came of it; nothing is done when nobody waits any more, so that what was reported as not done
    /// is not done afterwards.
    func give(_ work: () -> Value) {
        lock.withLock(signal: true) { if !isAbandoned { value = work() } }
    }

    /// The answer; nil when none came within `milliseconds`.
    func wait(milliseconds: Int64) -> Value? {
        let began = MonotonicTime.now
        return lock.withLock {
            while value == nil {
                let rest = milliseconds - MonotonicTime.now.milliseconds(since: began)
                guard rest > 0 else { break }
                lock.wait(milliseconds: rest)
            }
            isAbandoned = value == nil
            return value
        }
    }
}
