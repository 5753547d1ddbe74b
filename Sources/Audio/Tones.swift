// Sounds made by arithmetic: tones, sweeps, DTMF and noise in the rhythm of speech.
import Glibc

/// Test and demonstration sounds. All are deterministic; amplitudes are parts of full scale (0…1).
public enum Tones {
    /// A sine of `frequency` hertz, `count` samples at `rate`, starting at `phase` radians.
    public static func sine(
        _ frequency: Double, rate: Int, count: Int, amplitude: Double = 0.5, phase: Double = 0
    ) -> [Int16] {
        let step = 2 * Double.pi * frequency / Double(rate)
        return (0..<count).map { sample(amplitude * sin(phase + step * Double($0))) }
    }

    /// A sine whose frequency runs evenly from `start` to `end` hertz.
    public static func chirp(
        from start: Double, to end: Double, rate: Int, count: Int, amplitude: Double = 0.5
    ) -> [Int16] {
        let length = Double(count) / Double(rate)
        return (0..<count).map { index in
            let time = Double(index) / Double(rate)
            let turns = start * time + (end - start) * time * time / (2 * length)
            return sample(amplitude * sin(2 * .pi * turns))
        }
    }

    /// The two frequencies of a DTMF key, low and high (ITU-T Q.23); nil if `key` is none of 0–9, A–D, * and
    /// #.
    public static func dtmfFrequencies(_ key: Character) -> (low: Double, high: Double)? {
        let rows: [(Double, String)] = [(697, "123A"), (770, "456B"), (852, "789C"), (941, "*0#D")]
        let columns: [Double] = [1209, 1336, 1477, 1633]
        for (low, keys) in rows {
            for (high, candidate) in zip(columns, keys) where candidate == key { return (low, high) }
        }
        return nil
    }

    /// The keys as DTMF, each `toneMilliseconds` long with `gapMilliseconds` of silence after it; other
    /// characters are left out. Amplitude is that of each of the two tones.
    public static func dtmf(
        _ keys: String, rate: Int, toneMilliseconds: Int = 100, gapMilliseconds: Int = 100,
        amplitude: Double = 0.25
    ) -> [Int16] {
        var output: [Int16] = []
        for key in keys {
            guard let pair = dtmfFrequencies(key) else { continue }
            let step = 2 * Double.pi / Double(rate)
            for index in 0..<(rate * toneMilliseconds / 1000) {
                let angle = step * Double(index)
                output.append(sample(amplitude * (sin(pair.low * angle) + sin(pair.high * angle))))
            }
            output.append(contentsOf: repeatElement(0, count: rate * gapMilliseconds / 1000))
        }
        return output
    }

    @inline(__always)
    static func sample(_ value: Double) -> Int16 {
        Int16(max(-32768, min(32767, (value * 32767).rounded())))
    }
}

/// An endless, seeded sound in the rhythm of speech: syllables of 80–250 ms of voiced pulses and noise, short
/// gaps, and a pause now and then. The same seed gives the same samples, however they are asked for.
public struct SpeechLikeNoise: Sendable {
    /// Samples a second.
    public let rate: Int
    private let amplitude: Double
    private var random: UInt64
    private var left = 0
    private var length = 1
    private var isSounding = false
    private var pitch = 120.0
    private var phase = 0.0
    private var noise = 0.0

    /// A sound for `seed` with peaks of about `amplitude` of full scale.
    public init(seed: UInt64, rate: Int, amplitude: Double = 0.5) {
        self.rate = rate
        self.amplitude = amplitude
        random = seed &+ 0x9E37_79B9_7F4A_7C15
    }

    /// The next `count` samples.
    public mutating func next(_ count: Int) -> [Int16] {
        var output: [Int16] = []
        output.reserveCapacity(count)
        for _ in 0..<count { output.append(nextSample()) }
        return output
    }

    private mutating func nextSample() -> Int16 {
        if left == 0 { startPiece() }
        left -= 1
        guard isSounding else { return 0 }
        phase += pitch / Double(rate)
        if phase >= 1 { phase -= 1 }
        noise += 0.4 * (uniform() * 2 - 1 - noise)
        // A falling sawtooth has every harmonic, as the vocal folds have; the sine of the piece is its
        // envelope.
        let envelope = sin(.pi * (Double(left) + 0.5) / Double(length))
        return Tones.sample(amplitude * envelope * (0.75 * (1 - 2 * phase) + 0.25 * noise))
    }

    private mutating func startPiece() {
        isSounding.toggle()
        let milliseconds: Double
        if isSounding {
            pitch = 90 + 120 * uniform()
            milliseconds = 80 + 170 * uniform()
        } else {
            milliseconds = uniform() < 0.12 ? 300 + 700 * uniform() : 20 + 60 * uniform()
        }
        length = max(1, Int(milliseconds * Double(rate) / 1000))
        left = length
    }

    /// SplitMix64 (Steele, Lea, Flood 2014), as a number in 0..<1.
    private mutating func uniform() -> Double {
        random &+= 0x9E37_79B9_7F4A_7C15
        var mixed = random
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((mixed ^ (mixed >> 31)) >> 11) / 9_007_199_254_740_992
    }
}
