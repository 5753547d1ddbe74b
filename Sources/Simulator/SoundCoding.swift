// Whole sounds between samples and the bytes of a codec.

import Audio

/// Codes and decodes whole sounds.
enum SoundCoding {
    /// The bytes of `samples` in `codec`.
    static func encoded(_ samples: [Int16], codec: AudioCodec) -> [UInt8] {
        var bytes: [UInt8] = []
        samples.withUnsafeBufferPointer {
            switch codec {
            case .pcmu: G711.encode($0, .mu, into: &bytes)
            case .pcma: G711.encode($0, .a, into: &bytes)
            case .pcm16: LinearPCM.encode($0, into: &bytes)
            }
        }
        return bytes
    }

    /// The samples of `bytes` in `codec`; half a sample at the end is left out.
    static func decoded(_ bytes: [UInt8], codec: AudioCodec) -> [Int16] {
        var samples: [Int16] = []
        bytes.withUnsafeBytes {
            switch codec {
            case .pcmu: G711.decode($0, .mu, into: &samples)
            case .pcma: G711.decode($0, .a, into: &samples)
            case .pcm16: LinearPCM.decode($0, into: &samples)
            }
        }
        return samples
    }
}
