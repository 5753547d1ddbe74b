// What bytes of sound are: codec and sampling rate.

/// A coding of mono sound as it stands on a wire.
public enum AudioCodec: String, Sendable, Hashable, CaseIterable, Codable {
    /// G.711 μ-law, one byte a sample (ITU-T G.711; RFC 3551 PCMU).
    case pcmu
    /// G.711 A-law, one byte a sample (ITU-T G.711; RFC 3551 PCMA).
    case pcma
    /// Linear PCM, signed 16 bit, little-endian.
    case pcm16
}

/// Codec and sampling rate of a stream of mono sound.
public struct AudioFormat: Sendable, Hashable, Codable {
    /// How samples are coded.
    public var codec: AudioCodec
    /// Samples a second (hertz).
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

    /// Bytes of one sample.
    public var bytesPerSample: Int { codec == .pcm16 ? 2 : 1 }
    /// The byte that is silence: 0xFF in μ-law, 0xD5 in A-law, 0 in PCM.
    public var silenceByte: UInt8 {
        switch codec {
        case .pcmu: 0xFF
        case .pcma: 0xD5
        case .pcm16: 0
        }
    }
    /// Whole samples in `bytes` bytes (an odd byte at the end of 16-bit sound is not one).
    public func samples(inBytes bytes: Int) -> Int { bytes / bytesPerSample }
    /// Bytes of `milliseconds` of sound (rounded down to whole samples).
    public func bytes(inMilliseconds milliseconds: Int) -> Int { rate * milliseconds / 1000 * bytesPerSample }
}
