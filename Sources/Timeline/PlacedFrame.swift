// What leaves the arrival window: frames with their places, and counts of what came.

import Telemetry

/// A frame with its place on the call's clock.
public struct PlacedFrame: Sendable, Hashable {
    /// First sample.
    public var position: MediaTime
    /// Samples.
    public var samples: Int
    /// Samples of nothing between the frame before and this one.
    public var gapBefore: Int64
    /// Whether the gap is a loss (frame numbers are missing) rather than a carrier that sent nothing.
    public var gapIsLoss: Bool
    /// Whether the frame came after its gap had been given up: it is recorded, but not played to the agent.
    public var isLate: Bool
    /// When it arrived.
    public var arrival: MonotonicTime
}

/// Counts of an `ArrivalWindow`, in frames.
public struct ArrivalCounts: Sendable, Hashable {
    /// Frames that arrived, duplicates and late ones included.
    public var received: Int64 = 0
    /// Frames that came after their gap had been given up.
    public var late: Int64 = 0
    /// Frames whose number had been seen.
    public var duplicate: Int64 = 0
    /// Frame numbers that were given up.
    public var lost: Int64 = 0
    /// Timestamps that could not be believed.
    public var implausible: Int64 = 0

    /// All zero.
    public init() {}
}
