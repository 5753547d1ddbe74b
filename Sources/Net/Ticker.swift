// Timers of a loop: repeating tickers and one-shot deadlines in a binary heap.

/// A repeating timer of an `EventLoop`.
public final class Ticker: @unchecked Sendable {
    // Written on the loop only, once it is scheduled.
    fileprivate var body: (@Sendable () -> Void)?
    /// Nanoseconds between two ticks; 0 for a deadline that fires once.
    fileprivate let interval: Int64

    init(interval: Int64, _ body: @escaping @Sendable () -> Void) {
        self.interval = interval
        self.body = body
    }

    /// Stops the ticking. Callable from the loop only.
    public func cancel() { body = nil }
}

/// The tickers of one loop, the earliest first. Cancelled ones leave when their time comes.
struct TickerHeap {
    private struct Entry {
        var due: Int64
        var ticker: Ticker
    }
    private var entries: [Entry] = []

    /// When the earliest is due, in nanoseconds of the monotonic clock.
    var earliest: Int64? { entries.first?.due }
    var count: Int { entries.count }

    mutating func insert(_ ticker: Ticker, due: Int64) {
        entries.append(Entry(due: due, ticker: ticker))
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].due < entries[parent].due else { break }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    /// The body of a ticker due at `now`, scheduled anew if it repeats; nil when none is due. A ticker that is
    /// late by more than its interval skips the ticks it missed.
    mutating func popDue(_ now: Int64) -> (@Sendable () -> Void)? {
        while let first = entries.first, first.due <= now {
            removeFirst()
            guard let body = first.ticker.body else { continue }
            let interval = first.ticker.interval
            if interval > 0 {
                let next = first.due &+ interval
                insert(first.ticker, due: next > now ? next : now &+ interval)
            } else {
                first.ticker.body = nil
            }
            return body
        }
        return nil
    }

    mutating func removeAll() {
        for entry in entries { entry.ticker.body = nil }
        entries = []
    }

    private mutating func removeFirst() {
        let last = entries.count - 1
        entries.swapAt(0, last)
        entries.removeLast()
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < last else { break }
            if child + 1 < last, entries[child + 1].due < entries[child].due { child += 1 }
            guard entries[child].due < entries[parent].due else { break }
            entries.swapAt(child, parent)
            parent = child
        }
    }
}
