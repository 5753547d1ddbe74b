// Who speaks: a plain detector of energy in the bytes of a codec.

import Audio

/// Tells speech from silence by the mean magnitude of each message, and counts how long either lasted.
struct SpeechDetector {
    private let format: AudioFormat
    private let level: Int
    private let magnitudes: [UInt16]
    /// Microseconds of speech without a break.
    private(set) var speech: Int64 = 0
    /// Microseconds of silence since the last speech.
    private(set) var silence: Int64 = 0

    private static let pcmu = table(.pcmu)
    private static let pcma = table(.pcma)

    private static func table(_ codec: AudioCodec) -> [UInt16] {
        SoundCoding.decoded(Array(0...255), codec: codec).map { $0.magnitude }
    }

    /// A detector for sound of `format`; messages of mean magnitude `level` or more are speech.
    init(format: AudioFormat, level: Int) {
        self.format = format
        self.level = level
        switch format.codec {
        case .pcmu: magnitudes = Self.pcmu
        case .pcma: magnitudes = Self.pcma
        case .pcm16, .pcm16be, .pcm16auto, .g722, .opus, .amrwb: magnitudes = []
        }
    }

    /// Takes the sound of one message.
    mutating func take(_ sound: [UInt8]) {
        let samples = format.samples(inBytes: sound.count)
        guard samples > 0 else { return }
        let length = Int64(samples) * 1_000_000 / Int64(max(format.rate, 1))
        let isSpeech = sum(sound) >= level * samples
        if isSpeech {
            speech += length
            silence = 0
        } else {
            silence += length
            // A pause between syllables does not end an utterance; it does not lengthen it either.
            if silence >= 200_000 { speech = 0 }
        }
    }

    /// Forgets what was heard.
    mutating func reset() { (speech, silence) = (0, 0) }

    private func sum(_ sound: [UInt8]) -> Int {
        sound.withUnsafeBytes { bytes in
            var sum = 0
            if format.codec == .pcm16 {
                for index in stride(from: 0, to: bytes.count & ~1, by: 2) {
                    sum += Int(
                        Int16(bitPattern: UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8).magnitude)
                }
            } else {
                magnitudes.withUnsafeBufferPointer { table in
                    for byte in bytes { sum += Int(table[Int(byte)]) }
                }
            }
            return sum
        }
    }
}
