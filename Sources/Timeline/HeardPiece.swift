// Pieces of agent sound: what was sent, and what of it was heard where.

import Telemetry

/// A piece of agent sound as it was sent to the carrier.
public struct SentPiece: Sendable, Hashable {
    /// The caller's own number for it, given back with what was heard.
    public var id: Int64
    /// Its length in samples of the call's clock.
    public var samples: Int64

    /// A piece of `samples` samples.
    public init(id: Int64, samples: Int64) {
        self.id = id
        self.samples = samples
    }
}

/// What the caller heard of a piece.
public struct HeardPiece: Sendable, Hashable {
    /// The piece's number.
    public var id: Int64
    /// Where its first sample was heard on the call's clock.
    public var position: MediaTime
    /// How many of its samples were heard; 0 when it never was.
    public var heard: Int64
    /// How many it has.
    public var samples: Int64
}
