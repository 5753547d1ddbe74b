// An instant on the machine's monotonic clock, as a value that tests can make up.

import CLinux

/// An instant of CLOCK_MONOTONIC, in nanoseconds. It only ever bounds waiting and maps arrivals: the call's
/// own clock is counted in samples (`Timeline.MediaTime`).
public struct MonotonicTime: Sendable, Hashable, Comparable {
    /// Nanoseconds since the clock's own, unspecified start.
    public var nanoseconds: Int64

    /// An instant at `nanoseconds` of the monotonic clock.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The present instant.
    public static var now: MonotonicTime {
        var value = timespec()
        clock_gettime(CLOCK_MONOTONIC, &value)
        return MonotonicTime(nanoseconds: Int64(value.tv_sec) * 1_000_000_000 + Int64(value.tv_nsec))
    }

    /// Earlier is less.
    public static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The instant `milliseconds` later.
    public func adding(milliseconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: nanoseconds &+ milliseconds &* 1_000_000)
    }

    /// How long after `earlier` this instant is, in whole milliseconds (rounded down, may be negative).
    public func milliseconds(since earlier: MonotonicTime) -> Int64 {
        (nanoseconds &- earlier.nanoseconds) / 1_000_000
    }
}

/// The wall clock of one instant, carried on by the monotonic clock: limits told in UTC that no step of the wall clock
/// (NTP, a hand) makes longer or shorter.
public struct SteadyClock: Sendable {
    private let began: MonotonicTime
    private let wall: Int64

    /// A clock that reads `wall` milliseconds UTC at `instant`.
    public init(wall: Int64, at instant: MonotonicTime = .now) {
        self.wall = wall
        began = instant
    }

    /// Milliseconds UTC at `instant`.
    public func milliseconds(at instant: MonotonicTime = .now) -> Int64 {
        wall &+ instant.milliseconds(since: began)
    }
}
