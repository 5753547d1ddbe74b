// What bytes of sound are: codec and sampling rate.

/// A coding of mono sound as it stands on a wire.
public enum AudioCodec: String, Sendable, Hashable, CaseIterable, Codable {
    /// G.711 μ-law, one byte a sample (ITU-T G.711; RFC 3551 PCMU).
    case pcmu
    /// G.711 A-law, one byte a sample (ITU-T G.711; RFC 3551 PCMA).
    case pcma
    /// Linear PCM, signed 16 bit, little-endian.
    case pcm16
    /// Linear PCM, signed 16 bit, big-endian (RFC 3551 L16).
    case pcm16be
    /// Linear PCM, signed 16 bit, in the byte order that `ByteOrderDetector` finds; we send little-endian.
    case pcm16auto
    /// ITU-T G.722 at 64 kbit/s: sound of 16 kHz, two samples a byte (RFC 3551 G722).
    case g722
    /// Opus, one packet a message (RFC 6716).
    case opus
    /// AMR-WB at 16 kHz (3GPP TS 26.171), packed by RFC 4867.
    case amrwb

    /// Whether any stretch of bytes can be decoded without what came before (G.711, linear).
    public var isMemoryless: Bool {
        switch self {
        case .pcmu, .pcma, .pcm16, .pcm16be, .pcm16auto: true
        case .g722, .opus, .amrwb: false
        }
    }
    /// Whether payloads are packets that say themselves how long they last, and cannot be joined or cut.
    public var isPacketed: Bool { self == .opus || self == .amrwb }
    /// Whether it is linear, whatever the order of bytes.
    public var isLinear: Bool { self == .pcm16 || self == .pcm16be || self == .pcm16auto }
}

/// What a payload says of itself.
public struct PayloadMeasure: Sendable, Hashable {
    /// How long it lasts, in samples of its format; a malformed one lasts 20 ms.
    public var samples: Int
    /// Whether it is no packet of its codec: it is decoded as silence.
    public var isMalformed: Bool
}

/// Codec and sampling rate of a stream of mono sound.
public struct AudioFormat: Sendable, Hashable, Codable {
    /// How samples are coded.
    public var codec: AudioCodec
    /// Samples a second (hertz) of the sound. G.722's is 16,000, although its RTP clock says 8,000 (RFC 3551 §4.5.2).
    public var rate: Int

    /// A format of `codec` at `rate` hertz.
    public init(_ codec: AudioCodec, rate: Int) {
        self.codec = codec
        self.rate = rate
    }

    /// μ-law at 8 kHz, what telephony speaks.
    public static let pcmu8k = AudioFormat(.pcmu, rate: 8000)
    /// A-law at 8 kHz.
    public static let pcma8k = AudioFormat(.pcma, rate: 8000)
    /// G.722: there is one.
    public static let g722 = AudioFormat(.g722, rate: 16_000)
    /// AMR-WB: there is one.
    public static let amrwb = AudioFormat(.amrwb, rate: 16_000)

    /// Bytes of one sample of a codec without memory.
    public var bytesPerSample: Int { codec.isLinear ? 2 : 1 }
    /// The byte that is silence in a codec without memory: 0xFF in μ-law, 0xD5 in A-law, 0 in PCM.
    public var silenceByte: UInt8 {
        switch codec {
        case .pcmu: 0xFF
        case .pcma: 0xD5
        case .pcm16, .pcm16be, .pcm16auto, .g722, .opus, .amrwb: 0
        }
    }

    /// Samples of 20 ms.
    public var frameSamples: Int { rate / 50 }

    /// The least that our encoders make: a sample, or a packet. Packets all have one size, since they are coded
    /// at a constant bitrate.
    var unit: (bytes: Int, samples: Int) {
        switch codec {
        case .pcmu, .pcma: (1, 1)
        case .pcm16, .pcm16be, .pcm16auto: (2, 1)
        case .g722: (1, 2)
        case .opus: (OpusPacket.bytes, frameSamples)
        case .amrwb: (AMRWBPayload.sentBytes, AMRWBPayload.frameSamples)
        }
    }

    /// Whole samples in `bytes` bytes that our encoders made (an odd byte at the end of 16-bit sound is not
    /// one). Of what a peer sent, `samples(in:)` tells.
    public func samples(inBytes bytes: Int) -> Int { bytes / unit.bytes * unit.samples }
    /// Bytes of `milliseconds` of sound that our encoders make (rounded down to whole samples or packets).
    public func bytes(inMilliseconds milliseconds: Int) -> Int {
        rate * milliseconds / 1000 / unit.samples * unit.bytes
    }

    /// How long a payload as received lasts, in samples: told by its bytes in G.711, linear sound and G.722, by the
    /// packet itself in Opus (RFC 6716 §3.1) and AMR-WB (its table of contents, RFC 4867 §4.3.2).
    public func samples(in payload: UnsafeRawBufferPointer) -> Int { measure(payload).samples }

    /// The same, with whether the payload is a packet of its codec at all.
    @inline(__always)
    public func measure(_ payload: UnsafeRawBufferPointer) -> PayloadMeasure {
        switch codec {
        case .pcmu, .pcma: PayloadMeasure(samples: payload.count, isMalformed: false)
        case .pcm16, .pcm16be, .pcm16auto: PayloadMeasure(samples: payload.count / 2, isMalformed: false)
        case .g722: PayloadMeasure(samples: payload.count * 2, isMalformed: false)
        case .opus, .amrwb: measurePacket(payload)
        }
    }

    private func measurePacket(_ payload: UnsafeRawBufferPointer) -> PayloadMeasure {
        guard !payload.isEmpty else { return PayloadMeasure(samples: 0, isMalformed: false) }
        let told =
            codec == .opus
            ? OpusPacket.samples(of: payload, rate: rate) : AMRWBPayload.samples(of: payload)
        return PayloadMeasure(samples: told ?? frameSamples, isMalformed: told == nil)
    }
}
