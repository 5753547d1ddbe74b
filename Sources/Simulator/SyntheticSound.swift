// Sounds made by arithmetic: tones, noise and something that sounds like talking.

import Audio
import Glibc

/// A kind of sound, without a length. The same sound, length and rate give the same samples.
public enum SyntheticSound: Sendable, Hashable {
    /// Nothing.
    case silence
    /// A sine of `hertz` with peak `level` (of 32,767), faded over 5 ms at both ends.
    case tone(hertz: Double, level: Double)
    /// White noise with peak `level`, from `seed`.
    case noise(seed: UInt64, level: Double)
    /// Voiced syllables with pauses between them, gliding in pitch about `hertz`, with peak about `level`.
    case speech(seed: UInt64, hertz: Double, level: Double)
    /// Two tones at once, each with peak `level`: a chime.
    case chord(hertz: Double, second: Double, level: Double)
    /// Given samples at `rate` hertz; used as they are at that rate, by the nearest sample at another.
    case samples([Int16], rate: Int)

    /// `milliseconds` of the sound at `rate` hertz.
    public func rendered(milliseconds: Int, rate: Int) -> [Int16] {
        let count = max(rate * milliseconds / 1000, 0)
        switch self {
        case .silence: return [Int16](repeating: 0, count: count)
        case .tone(let hertz, let level):
            return Self.faded(count, rate) { level * sin(2 * .pi * hertz * Double($0) / Double(rate)) }
        case .chord(let hertz, let second, let level):
            return Self.faded(count, rate) { index in
                let time = 2 * Double.pi * Double(index) / Double(rate)
                return level * (sin(hertz * time) + sin(second * time))
            }
        case .noise(let seed, let level):
            var generator = SeededGenerator(seed: seed)
            return (0..<count).map { _ in Int16(clamping: Int((generator.fraction() * 2 - 1) * level)) }
        case .speech(let seed, let hertz, let level):
            return Self.syllables(seed: seed, hertz: hertz, level: level, count: count, rate: rate)
        case .samples(let samples, let given):
            return (0..<count).map { index in
                let source = index * given / max(rate, 1)
                return source < samples.count ? samples[source] : 0
            }
        }
    }

    /// `count` samples of `body`, faded over 5 ms at both ends so that no click spreads over the spectrum.
    private static func faded(_ count: Int, _ rate: Int, _ body: (Int) -> Double) -> [Int16] {
        let fade = Double(max(rate / 200, 1))
        return (0..<count).map { index in
            let edge = min(min(Double(index), Double(count - 1 - index)) / fade, 1)
            return Int16(clamping: Int((body(index) * edge).rounded()))
        }
    }

    /// Syllables of 110 to 230 ms, pauses of 20 to 70 ms; eight harmonics shaped by two formants that change
    /// with every syllable.
    private static func syllables(
        seed: UInt64, hertz: Double, level: Double, count: Int, rate: Int
    ) -> [Int16] {
        var generator = SeededGenerator(seed: seed)
        var sound: [Int16] = []
        sound.reserveCapacity(count)
        while sound.count < count {
            let length = rate * (110 + generator.below(120)) / 1000
            let pause = rate * (20 + generator.below(50)) / 1000
            let pitch = hertz * (0.85 + 0.3 * generator.fraction())
            let glide = -0.15 * generator.fraction()
            let first = 350 + 450 * generator.fraction()
            let second = 900 + 1200 * generator.fraction()
            let weights = (1...8).map { harmonic -> Double in
                let frequency = pitch * Double(harmonic)
                guard frequency < Double(rate) * 0.45 else { return 0 }
                let near =
                    exp(-pow((frequency - first) / 220, 2)) + 0.6 * exp(-pow((frequency - second) / 300, 2))
                return 0.15 / Double(harmonic) + near
            }
            let scale = level / max(weights.reduce(0, +) * 0.7, 0.001)
            var phase = 0.0
            for index in 0..<min(length, count - sound.count) {
                let part = Double(index) / Double(length)
                phase += 2 * .pi * pitch * (1 + glide * part) / Double(rate)
                // sin(kx) = 2 cos(x) sin((k-1)x) - sin((k-2)x): two trigonometric functions for all harmonics.
                let twice = 2 * cos(phase)
                var current = sin(phase)
                var previous = 0.0
                var sum = 0.0
                for harmonic in 0..<8 {
                    sum += weights[harmonic] * current
                    (previous, current) = (current, twice * current - previous)
                }
                sound.append(Int16(clamping: Int(sum * scale * sin(.pi * part))))
            }
            sound.append(contentsOf: repeatElement(0, count: min(pause, count - sound.count)))
        }
        return sound
    }
}
