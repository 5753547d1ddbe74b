// A position on the call's clock.

/// A position on the call's clock: samples since the call's first sample, at the call's recording rate.
/// It comes from the carrier's timestamps or chunk numbers, never from arrival times.
public struct MediaTime: Sendable, Hashable, Comparable {
    /// Samples since the start of the call.
    public var samples: Int64

    /// The position `samples` samples after the start.
    public init(samples: Int64) { self.samples = samples }

    /// The call's first sample.
    public static let zero = MediaTime(samples: 0)

    /// Earlier is less.
    public static func < (left: MediaTime, right: MediaTime) -> Bool { left.samples < right.samples }

    /// The position `samples` further on.
    public func advanced(by samples: Int64) -> MediaTime { MediaTime(samples: self.samples &+ samples) }

    /// Milliseconds since the start at `rate` hertz, rounded down.
    public func milliseconds(rate: Int) -> Int64 { samples &* 1000 / Int64(max(rate, 1)) }
}
