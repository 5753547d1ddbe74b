// Whole sounds between samples and the bytes of a codec.

import Audio

/// Codes and decodes whole sounds.
enum SoundCoding {
    /// The bytes of `samples` in `codec`.
    static func encoded(_ samples: [Int16], codec: AudioCodec) -> [UInt8] {
        []
    }

    /// The samples of `bytes` in `codec`; half a sample at the end is left out.
    static func decoded(_ bytes: [UInt8], codec: AudioCodec) -> [Int16] {
        []
    }
}
