// Whole sounds between samples and the bytes of a codec.

import Audio

/// Codes and decodes whole sounds.
enum SoundCoding {
    /// The bytes of `samples` in `codec`, one without memory.
    static func encoded(_ samples: [Int16], codec: AudioCodec) -> [UInt8] {
        SampleEncoder.encode(samples, as: codec)
    }

    /// The samples of `bytes` in `codec`, one without memory; half a sample at the end is left out.
    static func decoded(_ bytes: [UInt8], codec: AudioCodec) -> [Int16] {
        decoded([bytes], AudioFormat(codec, rate: 8000))
    }

    /// The bytes of `samples` in `format`, whole frames of 20 ms where the codec has memory.
    static func encoded(_ samples: [Int16], _ format: AudioFormat) -> [UInt8] {
        do throws(AudioError) {
            var encoder = try SampleEncoder(format)
            var bytes = encoder.encode(samples)
            encoder.flush(into: &bytes)
            return bytes
        } catch {
            // No such format: no sound.
            return []
        }
    }

    /// The samples of `payloads` in `format`, one after another.
    static func decoded(_ payloads: [[UInt8]], _ format: AudioFormat) -> [Int16] {
        var samples: [Int16] = []
        do throws(AudioError) {
            var decoder = try SampleDecoder(format)
            for payload in payloads { payload.withUnsafeBytes { decoder.decode($0, into: &samples) } }
        } catch {
            samples = []
        }
        return samples
    }
}
