// A value behind a lock, with waiting for it to change.

import Telemetry

/// A value that any thread may look at, one at a time.
final class Guarded<Value>: @unchecked Sendable {
    // `value` is only touched with `lock` held.
    private let lock = Lock()
    private var value: Value

    init(_ value: Value) { self.value = value }

    /// Runs `body` with the value and wakes whoever waits for a change.
    func change<Answer>(_ body: (inout Value) -> Answer) -> Answer {
        lock.withLock(signal: true) { body(&value) }
    }

    /// Waits until `attempt` gives an answer; nil after `milliseconds` (never, when that is nil).
    func wait<Answer>(milliseconds: Int64? = nil, _ attempt: (inout Value) -> Answer?) -> Answer? {
        let began = MonotonicTime.now
        return lock.withLock {
            while true {
                if let answer = attempt(&value) { return answer }
                // A change always signals: the bound of a wait without one only costs a look.
                var rest: Int64 = 60_000
                if let milliseconds { rest = milliseconds - MonotonicTime.now.milliseconds(since: began) }
                guard rest > 0 else { return nil }
                lock.wait(milliseconds: rest)
            }
        }
    }
}
