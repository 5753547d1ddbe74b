// How strong one frequency is in a stretch of samples (Goertzel's algorithm).
import Glibc

/// A detector of one frequency.
public struct Goertzel: Sendable {
    private let coefficient: Double

    /// A detector of `frequency` hertz in sound of `rate`.
    public init(_ frequency: Double, rate: Int) {
        coefficient = 2 * cos(2 * .pi * frequency / Double(rate))
    }

    /// The amplitude of the frequency in `samples`, in parts of full scale (a full-scale sine over whole
    /// periods: 1).
    public func amplitude<S: Collection<Int16>>(in samples: S) -> Double {
        guard !samples.isEmpty else { return 0 }
        var previous = 0.0
        var beforeThat = 0.0
        for sample in samples {
            let next = Double(sample) / 32768 + coefficient * previous - beforeThat
            beforeThat = previous
            previous = next
        }
        let power = previous * previous + beforeThat * beforeThat - coefficient * previous * beforeThat
        return max(0, power).squareRoot() * 2 / Double(samples.count)
    }

    /// The DTMF key in `samples` (best 40 ms or more of one key): the strongest low and high tone if both
    /// stand well above the others of their group, else nil.
    public static func dtmfKey<S: Collection<Int16>>(in samples: S, rate: Int) -> Character? {
        func strongest(_ frequencies: [Double]) -> Int? {
            let found = frequencies.map { Goertzel($0, rate: rate).amplitude(in: samples) }
            guard let peak = found.max(), peak > 0.01, let index = found.firstIndex(of: peak) else {
                return nil
            }
            // 6 dB above the next one: the tone is not noise.
            let others = found.enumerated().filter { $0.offset != index }.map(\.element)
            return others.allSatisfy { $0 * 2 < peak } ? index : nil
        }
        guard let row = strongest([697, 770, 852, 941]), let column = strongest([1209, 1336, 1477, 1633])
        else {
            return nil
        }
        return Array("123A456B789C*0#D")[row * 4 + column]
    }
}
