// From the machine's monotonic clock to the call's clock, by the least delayed of the recent frames.

import Telemetry

/// Maps monotonic instants to positions on the call's clock.
///
/// A carrier sends a frame when its last sample exists, so a frame that ends at position `e` and arrives at
/// `t` says: position `e` was at `t` minus the delay of that frame. The frame with the least delay of the
/// last ten seconds is believed; jitter only ever delays. The window slides, so the carrier's crystal may
/// differ from ours for hours. Arrival times bound and translate; they never place caller sound.
public struct CallClock: Sendable {
    /// Samples a second of the call's clock.
    public let rate: Int
    /// Nanoseconds on the monotonic clock of position 0, by the least delayed frame of each of two buckets.
    private var current: Int64?
    private var previous: Int64?
    private var provisional: Int64?
    private var bucketStart = MonotonicTime(nanoseconds: 0)

    /// How long a bucket lasts: the window is one to two of them.
    static let bucketMilliseconds: Int64 = 5_000

    /// A clock at `rate` hertz that has seen no frame.
    public init(rate: Int) { self.rate = max(rate, 1) }

    /// Whether a frame has been seen, so that instants can be mapped.
    public var isRunning: Bool { current != nil }

    /// Learns that the frame ending at `end` arrived at `arrival`.
    public mutating func observe(end: MediaTime, arrival: MonotonicTime) {
        let origin = arrival.nanoseconds &- nanoseconds(end.samples)
        guard let known = current else {
            current = origin
            bucketStart = arrival
            return
        }
        if arrival.milliseconds(since: bucketStart) >= Self.bucketMilliseconds {
            previous = known
            current = origin
            bucketStart = arrival
        } else {
            current = min(known, origin)
        }
    }

    /// Takes `instant` for position 0 until a frame says better.
    public mutating func anchor(at instant: MonotonicTime) { provisional = instant.nanoseconds }

    /// The position at `instant`; before any frame was seen it counts from the anchor, or is zero.
    public func position(at instant: MonotonicTime) -> MediaTime {
        guard let current = current ?? provisional else { return .zero }
        let origin = previous.map { min($0, current) } ?? current
        let elapsed = instant.nanoseconds &- origin
        // Split so that hours in nanoseconds times the rate stay within 64 bits.
        let seconds = elapsed / 1_000_000_000
        let rest = elapsed % 1_000_000_000
        return MediaTime(samples: seconds &* Int64(rate) &+ rest &* Int64(rate) / 1_000_000_000)
    }

    private func nanoseconds(_ samples: Int64) -> Int64 {
        let seconds = samples / Int64(rate)
        let rest = samples % Int64(rate)
        return seconds &* 1_000_000_000 &+ rest &* 1_000_000_000 / Int64(rate)
    }
}
