// How much memory large bodies have together, while they are read and until they are worked on.

import Telemetry

/// Memory that a large body has; it is given back when this is gone.
public final class HTTPBodyHold: @unchecked Sendable {
    // The budget's lock guards `bytes`.
    private let budget: HTTPBodyBudget
    fileprivate var bytes = 0

    fileprivate init(_ budget: HTTPBodyBudget) { self.budget = budget }

    deinit { budget.giveBack(bytes) }

    /// Takes memory for `count` bytes more; false when there is none.
    func grow(_ count: Int) -> Bool { budget.grow(self, count) }
}

/// The memory of all large bodies. It is taken by bytes that have come, not by what a head announces: who only opens
/// connections takes nothing from those who send. When it is used up, a body that is within its equal share of it is read on
/// all the same, so that a few huge ones do not keep the others out; all together have at most twice as much.
final class HTTPBodyBudget: @unchecked Sendable {
    // `lock` guards `used` and `count`.
    private let lock = Lock()
    private var used = 0
    private var count = 0
    private let bytes: Int
    private let bodies: Int

    /// Memory of `bytes` for at most `bodies` at once.
    init(bytes: Int, bodies: Int) {
        self.bytes = max(bytes, 0)
        self.bodies = max(bodies, 0)
    }

    /// A place for one more body; nil when there is none.
    func hold() -> HTTPBodyHold? {
        let isFree = lock.withLock {
            guard count < bodies else { return false }
            count += 1
            return true
        }
        return isFree ? HTTPBodyHold(self) : nil
    }

    fileprivate func grow(_ hold: HTTPBodyHold, _ more: Int) -> Bool {
        lock.withLock {
            guard used + more <= bytes || hold.bytes + more <= bytes / max(count, 1) else { return false }
            used += more
            hold.bytes += more
            return true
        }
    }

    fileprivate func giveBack(_ bytes: Int) {
        lock.withLock {
            used -= bytes
            count -= 1
        }
    }
}
