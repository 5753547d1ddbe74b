// Whole sounds between samples and the bytes of a codec.

import Audio

/// Codes and decodes whole sounds.
enum SoundCoding {
    /// The bytes of `samples` in `codec`.
    static func encoded(_ samples: [Int16], codec: AudioCodec) -> [UInt8] {
        switch codec {
        case .pcmu: return samples.map(muLaw)
        case .pcma: return samples.map(aLaw)
        case .pcm16:
            var bytes: [UInt8] = []
            bytes.reserveCapacity(samples.count * 2)
            for sample in samples {
                let bits = UInt16(bitPattern: sample)
                bytes.append(UInt8(truncatingIfNeeded: bits))
                bytes.append(UInt8(truncatingIfNeeded: bits >> 8))
            }
            return bytes
        }
    }

    /// The samples of `bytes` in `codec`; half a sample at the end is left out.
    static func decoded(_ bytes: [UInt8], codec: AudioCodec) -> [Int16] {
        switch codec {
        case .pcmu: return bytes.map(muLawSample)
        case .pcma: return bytes.map(aLawSample)
        case .pcm16:
            return (0..<bytes.count / 2).map {
                Int16(bitPattern: UInt16(bytes[2 * $0]) | UInt16(bytes[2 * $0 + 1]) << 8)
            }
        }
    }

    private static func muLawSample(_ byte: UInt8) -> Int16 {
        let code = Int(~byte)
        let magnitude = ((((code & 15) << 3) + 132) << (code >> 4 & 7)) - 132
        return Int16(clamping: code & 128 == 0 ? magnitude : -magnitude)
    }

    private static func muLaw(_ sample: Int16) -> UInt8 {
        let magnitude = min(abs(Int(sample)), 32_635) + 132
        let exponent = Int.bitWidth - 8 - magnitude.leadingZeroBitCount
        let code = exponent << 4 | magnitude >> (exponent + 3) & 15 | (sample < 0 ? 128 : 0)
        return ~UInt8(truncatingIfNeeded: code)
    }

    private static func aLawSample(_ byte: UInt8) -> Int16 {
        let code = Int(byte ^ 0x55)
        let exponent = code >> 4 & 7
        var magnitude = (code & 15) << 4 + 8
        if exponent >= 1 { magnitude += 256 }
        if exponent > 1 { magnitude <<= exponent - 1 }
        return Int16(clamping: code & 128 != 0 ? magnitude : -magnitude)
    }

    private static func aLaw(_ sample: Int16) -> UInt8 {
        // One's complement for negative samples, as in ITU-T G.191's reference.
        let magnitude = sample >= 0 ? Int(sample) : Int(~sample)
        var code = magnitude >> 4
        if code > 15 {
            let exponent = Int.bitWidth - 4 - code.leadingZeroBitCount - 1
            code = (exponent + 1) << 4 | code >> exponent & 15
        }
        return UInt8(truncatingIfNeeded: code | (sample >= 0 ? 128 : 0)) ^ 0x55
    }
}
