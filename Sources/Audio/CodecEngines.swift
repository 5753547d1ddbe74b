// The coders of codecs with memory behind one door each.

// Classes, so that other modules release them without knowing what they hold: the optimizer, which copies code across
// modules, may not destroy a private coder there.

/// The decoder of a codec with memory.
final class DecoderEngine: Sendable {
    private enum Coder: ~Copyable, Sendable {
        case g722(G722Decoder)
        case opus(OpusPacketDecoder)
        case amrwb(AMRWBDecoder)
    }

    private let coder: Coder

    /// The engine of `format`, nil for a codec without memory. Throws what its coder throws.
    init?(_ format: AudioFormat) throws(AudioError) {
        switch format.codec {
        case .g722: coder = .g722(try G722Decoder())
        case .opus: coder = .opus(try OpusPacketDecoder(rate: format.rate))
        case .amrwb:
            guard let made = AMRWBDecoder() else { throw .coder(.amrwb, code: 0) }
            coder = .amrwb(made)
        case .pcmu, .pcma, .pcm16, .pcm16be, .pcm16auto: return nil
        }
    }

    /// Decodes the stream's next bytes, or next payload.
    func decode(_ bytes: UnsafeRawBufferPointer, into output: inout [Int16]) {
        switch coder {
        case .g722(let coder): coder.decode(bytes, into: &output)
        case .opus(let coder): coder.decode(bytes, into: &output)
        case .amrwb(let coder): coder.decode(bytes, into: &output)
        }
    }

    /// Forgets all sound so far; false when the library has no way back but a new state (AMR-WB).
    func reset() -> Bool {
        switch coder {
        case .g722(let coder): coder.reset()
        case .opus(let coder): coder.reset()
        case .amrwb: return false
        }
        return true
    }
}

/// The encoder of a codec with memory.
final class EncoderEngine: Sendable {
    private enum Coder: ~Copyable, Sendable {
        case g722(G722Encoder)
        case opus(OpusPacketEncoder)
        case amrwb(AMRWBEncoder)
    }

    private let coder: Coder

    /// The engine of `format`, nil for a codec without memory. Throws what its coder throws.
    init?(_ format: AudioFormat) throws(AudioError) {
        switch format.codec {
        case .g722: coder = .g722(try G722Encoder())
        case .opus: coder = .opus(try OpusPacketEncoder(rate: format.rate))
        case .amrwb:
            guard let made = AMRWBEncoder() else { throw .coder(.amrwb, code: 0) }
            coder = .amrwb(made)
        case .pcmu, .pcma, .pcm16, .pcm16be, .pcm16auto: return nil
        }
    }

    /// Encodes one frame of 20 ms.
    func encode(_ frame: UnsafeBufferPointer<Int16>, into output: inout [UInt8]) {
        switch coder {
        case .g722(let coder): coder.encode(frame, into: &output)
        case .opus(let coder): coder.encode(frame, into: &output)
        case .amrwb(let coder): coder.encode(frame, into: &output)
        }
    }

    /// Forgets all sound so far; false when the library has no way back but a new state (AMR-WB).
    func reset() -> Bool {
        switch coder {
        case .g722(let coder): coder.reset()
        case .opus(let coder): coder.reset()
        case .amrwb: return false
        }
        return true
    }
}
