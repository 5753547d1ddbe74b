// How carriers differ in what they send and how they play, as data.

/// What is known of a carrier's numbering of frames.
public struct ArrivalTraits: Sendable, Hashable {
    /// Chunks are numbered from 1 without exception, so a first chunk above 1 is a loss at the start.
    public var countsFromOne: Bool
    /// How long a missing frame is waited for, in milliseconds.
    public var patienceMilliseconds: Int64

    /// Traits made of their parts.
    public init(countsFromOne: Bool, patienceMilliseconds: Int64) {
        self.countsFromOne = countsFromOne
        self.patienceMilliseconds = patienceMilliseconds
    }

    /// Twilio counts from 1 (Media Streams, "media" message); one TCP stream, so a hole is a loss.
    public static let twilio = ArrivalTraits(countsFromOne: true, patienceMilliseconds: 60)
    /// Telnyx does not promise order, and its own example starts at chunk 2.
    public static let telnyx = ArrivalTraits(countsFromOne: false, patienceMilliseconds: 100)
    /// Exotel's documents disagree about numbers; frames are about 100 ms.
    public static let exotel = ArrivalTraits(countsFromOne: false, patienceMilliseconds: 200)
}

/// What is known of a carrier's playout buffer.
public struct PlayoutTraits: Sendable, Hashable {
    /// Pieces are a multiple of this many bytes.
    public var multipleOfBytes: Int
    /// Least bytes of a piece; a shorter tail is padded with silence.
    public var leastBytes: Int
    /// The size aimed at when sound is plentiful, in bytes.
    public var pieceBytes: Int
    /// Most sound given to the carrier ahead of its playing, in milliseconds.
    public var leadMilliseconds: Int64
    /// How much sound a mark follows, in milliseconds; pieces that are longer have one each.
    public var markMilliseconds: Int64 = 0
    /// Whether `clear` returns the marks that were pending (nil: undocumented, neither is relied on).
    public var clearReturnsMarks: Bool?

    /// Traits made of their parts.
    public init(
        multipleOfBytes: Int, leastBytes: Int, pieceBytes: Int, leadMilliseconds: Int64,
        clearReturnsMarks: Bool?
    ) {
        self.multipleOfBytes = multipleOfBytes
        self.leastBytes = leastBytes
        self.pieceBytes = pieceBytes
        self.leadMilliseconds = leadMilliseconds
        self.clearReturnsMarks = clearReturnsMarks
    }

    /// Twilio buffers up to 10 minutes (warning 31931) and returns marks on `clear`. 20 ms multiples.
    public static let twilio = PlayoutTraits(
        multipleOfBytes: 160, leastBytes: 160, pieceBytes: 1600, leadMilliseconds: 60_000,
        clearReturnsMarks: true)
    /// Telnyx in `rtp` mode takes 20 ms to 30 s a message and returns queued marks on `clear`.
    public static func telnyx(bytesPer20Milliseconds frame: Int) -> PlayoutTraits {
        PlayoutTraits(
            multipleOfBytes: frame, leastBytes: frame, pieceBytes: frame * 10, leadMilliseconds: 60_000,
            clearReturnsMarks: true)
    }
    /// Telnyx with Opus or AMR-WB: one packet of 20 ms a message, never two (several would be one broken packet). At
    /// fifty messages a second 5 s ahead are enough, and a mark for every tenth.
    public static func telnyxPackets(bytes: Int) -> PlayoutTraits {
        var traits = PlayoutTraits(
            multipleOfBytes: bytes, leastBytes: bytes, pieceBytes: bytes, leadMilliseconds: 5_000,
            clearReturnsMarks: true)
        traits.markMilliseconds = 200
        return traits
    }
    /// Exotel wants 3,200 to 100,000 bytes in multiples of 320, near real time.
    public static func exotel(rate: Int) -> PlayoutTraits {
        // 3,200 bytes are 200 ms at 8 kHz; at higher rates 100 ms is more than that already.
        let piece = max(3_200, (rate * 2 / 10 + 319) / 320 * 320)
        return PlayoutTraits(
            multipleOfBytes: 320, leastBytes: piece, pieceBytes: piece, leadMilliseconds: 400,
            clearReturnsMarks: nil)
    }
}
