// What a carrier's playout buffer does, as data: limits, pieces, and the fate of marks at a clear.

import Audio
import Carriers

/// Which sizes of media messages a carrier asks for. Other sizes are played all the same, and counted.
public enum PieceRule: Sendable, Hashable {
    /// Any size (Twilio).
    case any
    /// From `least` to `most` milliseconds of sound (Telnyx, rtp mode: 20 ms to 30 s).
    case milliseconds(least: Int, most: Int)
    /// From `least` to `most` bytes and a multiple of `multiple` (Exotel: 3,200 to 100,000, 320).
    case bytes(least: Int, most: Int, multiple: Int)
}

/// The behaviour of one carrier's playout buffer.
public struct PlayoutRules: Sendable, Hashable {
    /// Codec and rate of the sound it takes.
    public var format: AudioFormat
    /// Milliseconds of sound it holds; what comes beyond is discarded.
    public var limitMilliseconds: Int
    /// Whether `clear` returns the marks that are still waiting, or forgets them.
    public var clearReturnsMarks: Bool
    /// The sizes it asks for.
    public var pieces: PieceRule

    /// Rules made of their parts.
    public init(format: AudioFormat, limitMilliseconds: Int, clearReturnsMarks: Bool, pieces: PieceRule) {
        self.format = format
        self.limitMilliseconds = limitMilliseconds
        self.clearReturnsMarks = clearReturnsMarks
        self.pieces = pieces
    }

    /// Twilio: 10 minutes at most (error page 31931), `clear` returns all outstanding marks.
    public static let twilio = PlayoutRules(
        format: .pcmu8k, limitMilliseconds: 600_000, clearReturnsMarks: true, pieces: .any)

    /// Telnyx in rtp mode: pieces of 20 ms to 30 s, `clear` returns queued marks. No limit of the buffer is
    /// documented: an hour bounds the simulator's memory.
    public static func telnyx(_ format: AudioFormat = .pcmu8k) -> PlayoutRules {
        PlayoutRules(
            format: format, limitMilliseconds: 3_600_000, clearReturnsMarks: true,
            pieces: .milliseconds(least: 20, most: 30_000))
    }

    /// Exotel at `rate`: 3,200 to 100,000 bytes, multiples of 320. Whether `clear` returns marks is not
    /// documented, hence the choice. An hour bounds the simulator's memory.
    public static func exotel(rate: Int, clearReturnsMarks: Bool) -> PlayoutRules {
        PlayoutRules(
            format: AudioFormat(.pcm16, rate: rate), limitMilliseconds: 3_600_000,
            clearReturnsMarks: clearReturnsMarks,
            pieces: .bytes(least: 3200, most: 100_000, multiple: 320))
    }

    /// Samples the buffer holds.
    var limitSamples: Int64 { Int64(limitMilliseconds) * Int64(format.rate) / 1000 }

    /// Whether a message of `bytes` bytes has a size the carrier asks for.
    public func allows(bytes: Int) -> Bool {
        switch pieces {
        case .any: return bytes > 0
        case .milliseconds(let least, let most):
            // One packet a message: whether it is one, its decoder tells.
            if format.codec.isPacketed { return bytes > 0 }
            let samples = format.samples(inBytes: bytes)
            return samples * 1000 >= least * format.rate && samples * 1000 <= most * format.rate
        case .bytes(let least, let most, let multiple):
            return bytes >= least && bytes <= most && bytes % max(multiple, 1) == 0
        }
    }
}
