// A repeating timer of a loop.

import Telemetry

/// A repeating timer of an `EventLoop`.
public final class Ticker: @unchecked Sendable {
    // Touched on the loop only.
    let body: @Sendable () -> Void
    private(set) var due: MonotonicTime
    private(set) var isCancelled = false
    private let milliseconds: Int64

    init(milliseconds: Int64, body: @escaping @Sendable () -> Void) {
        self.milliseconds = milliseconds
        self.body = body
        due = MonotonicTime.now.adding(milliseconds: milliseconds)
    }

    /// The next instant; ticks that were missed are not made up for.
    func advance(past now: MonotonicTime) {
        due = due.adding(milliseconds: milliseconds)
        if due <= now { due = now.adding(milliseconds: milliseconds) }
    }

    /// Stops the ticking. Callable from the loop only.
    public func cancel() { isCancelled = true }
}
