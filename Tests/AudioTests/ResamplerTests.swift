// The resampler: counts without drift, sound without residue.
import Foundation
import Testing

@testable import Audio

/// A pair of rates.
struct RatePair: Sendable, CustomTestStringConvertible {
    let from: Int
    let to: Int
    var testDescription: String { "\(from)→\(to)" }

    static let rates = [8000, 16000, 22050, 24000, 44100, 48000]
    static let all = rates.flatMap { from in rates.map { RatePair(from: from, to: $0) } }
    static let changing = all.filter { $0.from != $0.to }

    /// ⌈samples × to ∕ from⌉
    func expected(_ samples: Int) -> Int { (samples * to + from - 1) / from }
}

@Suite struct ResamplerTests {
    static func whole(_ input: [Int16], _ pair: RatePair, aligned: Bool = false, flush: Bool = false) throws
        -> [Int16]
    {
        var resampler = try Resampler(from: pair.from, to: pair.to, aligned: aligned)
        var output: [Int16] = []
        input.withUnsafeBufferPointer { resampler.process($0, into: &output) }
        if flush { resampler.flush(into: &output) }
        return output
    }

    /// After every piece the count is right, so that no drift can gather; pieces of odd sizes and of 20 ms.
    @Test(arguments: RatePair.all)
    func countsAreExactAfterEveryPiece(pair: RatePair) throws {
        var resampler = try Resampler(from: pair.from, to: pair.to)
        let sizes = [pair.from / 50, 1, 37, 0, 441, pair.from / 10, 2, 9001]
        let sound = [Int16](repeating: 100, count: 9001)
        var given = 0
        var total = 0
        var wrong = 0
        var output: [Int16] = []
        for turn in 0..<80 {
            let count = sizes[turn % sizes.count]
            output.removeAll(keepingCapacity: true)
            sound[..<count].withUnsafeBufferPointer { resampler.process($0, into: &output) }
            given += count
            total += output.count
            if total != pair.expected(given) { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    /// 20 ms in, 20 ms out, every time.
    @Test(arguments: RatePair.all)
    func twentyMillisecondsStayTwentyMilliseconds(pair: RatePair) throws {
        var resampler = try Resampler(from: pair.from, to: pair.to)
        let frame = [Int16](repeating: 0, count: pair.from / 50)
        for _ in 0..<50 {
            var output: [Int16] = []
            frame.withUnsafeBufferPointer { resampler.process($0, into: &output) }
            #expect(output.count == pair.to / 50)
        }
    }

    @Test(arguments: [RatePair(from: 24000, to: 8000)])
    func anHourHasNoDrift(pair: RatePair) throws {
        var resampler = try Resampler(from: pair.from, to: pair.to)
        let piece = [Int16](repeating: 1000, count: pair.from + 7)
        var output: [Int16] = []
        var total = 0
        for _ in 0..<3600 {
            output.removeAll(keepingCapacity: true)
            piece.withUnsafeBufferPointer { resampler.process($0, into: &output) }
            total += output.count
        }
        #expect(total == pair.expected(3600 * (pair.from + 7)))
    }

    @Test(arguments: RatePair.all, [1, 100, 4321])
    func flushGivesTheTail(pair: RatePair, count: Int) throws {
        let input = Tones.sine(440, rate: pair.from, count: count)
        let aligned = try Self.whole(input, pair, aligned: true, flush: true)
        #expect(aligned.count == pair.expected(count))
        let late = try Self.whole(input, pair, flush: true)
        let latency = try Resampler(from: pair.from, to: pair.to).latency
        #expect(abs(late.count - pair.expected(count) - latency) <= 1)
    }

    /// The delay told is the delay found: the middle of a click.
    @Test(arguments: RatePair.all, [false, true])
    func latencyIsAsTold(pair: RatePair, aligned: Bool) throws {
        var input = [Int16](repeating: 0, count: pair.from / 5)
        let place = pair.from / 10
        for index in -7...7 { input[place + index] = Int16(12_000 - 1500 * abs(index)) }
        let output = try Self.whole(input, pair, aligned: aligned)
        let energy = output.map { Double($0) * Double($0) }
        let centre = zip(energy.indices, energy).reduce(0) { $0 + Double($1.0) * $1.1 } / energy.reduce(0, +)
        let latency = aligned ? 0 : try Resampler(from: pair.from, to: pair.to).latency
        #expect(abs(centre - Double(place * pair.to) / Double(pair.from) - Double(latency)) <= 1)
        #expect(Double(try Resampler(from: pair.from, to: pair.to).latency) / Double(pair.to) < 0.0075)
    }

    @Test(arguments: RatePair.changing)
    func cutsDoNotChangeTheSound(pair: RatePair) throws {
        var source = SpeechLikeNoise(seed: 5, rate: pair.from)
        let input = source.next(20_000)
        let whole = try Self.whole(input, pair, flush: true)
        for cut in [1, 159, 160, 1023, 1025] {
            var resampler = try Resampler(from: pair.from, to: pair.to)
            var output: [Int16] = []
            for start in stride(from: 0, to: input.count, by: cut) {
                input[start..<min(input.count, start + cut)].withUnsafeBufferPointer {
                    resampler.process($0, into: &output)
                }
            }
            resampler.flush(into: &output)
            #expect(output == whole)
            // And a flushed resampler is as new.
            var again: [Int16] = []
            input.withUnsafeBufferPointer { resampler.process($0, into: &again) }
            resampler.flush(into: &again)
            #expect(again == whole)
        }
    }

    /// A tone against all that is not the tone, 5–80 % of the band of the lower rate.
    @Test(arguments: RatePair.changing, [0.05, 0.31, 0.55, 0.8])
    func tonesComeOutClean(pair: RatePair, part: Double) throws {
        let frequency = part * Double(min(pair.from, pair.to)) / 2
        let input = Tones.sine(frequency, rate: pair.from, count: pair.from / 2, amplitude: 0.9)
        let output = try Self.whole(input, pair)
        let steady = Array(output[(pair.to / 20)...])
        let fit = SineFit(steady, frequency: frequency, rate: pair.to)
        #expect(fit.signalToResidue >= 80)
        #expect(abs(fit.amplitude / 0.9 - 1) < 0.02)
    }

    /// Tones above the new Nyquist frequency must be gone.
    @Test(arguments: RatePair.changing.filter { $0.to < $0.from }, [1.1, 1.3, 1.7, 1.95])
    func noAliases(pair: RatePair, part: Double) throws {
        let frequency = part * Double(pair.to) / 2
        guard frequency < Double(pair.from) / 2 else { return }
        let input = Tones.sine(frequency, rate: pair.from, count: pair.from / 2, amplitude: 0.9)
        let output = try Self.whole(input, pair)[(pair.to / 20)...]
        let power = output.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(output.count)
        // Against the tone's own power; rounding to 16 bits alone is -98 dB.
        let tone = 0.5 * (0.9 * 32767) * (0.9 * 32767)
        #expect(10 * log10(max(power, 1e-9) / tone) <= -80)
    }

    @Test(arguments: [0, -8000, 7999, 96_001, Int.max, Int.min])
    func otherRatesAreRefused(rate: Int) {
        #expect(throws: AudioError.unsupportedRate(rate)) { _ = try Resampler(from: rate, to: 8000) }
        #expect(throws: AudioError.unsupportedRate(rate)) { _ = try Resampler(from: 8000, to: rate) }
        #expect(throws: AudioError.unsupportedRate(rate)) {
            _ = try Transcoder(from: AudioFormat(.pcm16, rate: rate), to: .pcmu8k)
        }
    }

    /// Full scale stays in range: clipped at worst, never wrapped round.
    @Test(arguments: RatePair.changing)
    func fullScaleDoesNotWrap(pair: RatePair) throws {
        let period = 20
        let input = (0..<4000).map { $0 / period % 2 == 0 ? Int16.max : Int16.min }
        let output = try Self.whole(input, pair, aligned: true)
        for index in output.indices.dropLast(100) {
            let position = Double(index * pair.from) / Double(pair.to)
            let inPeriod = position.truncatingRemainder(dividingBy: Double(period))
            guard inPeriod > 8, inPeriod < 12, position < 3900 else { continue }
            let isHigh = Int(position) / period % 2 == 0
            if pair.to >= pair.from { #expect((output[index] > 15_000) == isHigh) }
        }
    }
}

/// The best-fitting sine of a known frequency, and what it leaves.
struct SineFit {
    let amplitude: Double
    let signalToResidue: Double

    init(_ samples: [Int16], frequency: Double, rate: Int) {
        let step = 2 * Double.pi * frequency / Double(rate)
        var cc = 0.0, ss = 0.0, cs = 0.0, xc = 0.0, xs = 0.0, xx = 0.0
        for (index, sample) in samples.enumerated() {
            let x = Double(sample) / 32767
            let c = cos(step * Double(index)), s = sin(step * Double(index))
            cc += c * c
            ss += s * s
            cs += c * s
            xc += x * c
            xs += x * s
            xx += x * x
        }
        let determinant = cc * ss - cs * cs
        let a = (xc * ss - xs * cs) / determinant
        let b = (xs * cc - xc * cs) / determinant
        amplitude = (a * a + b * b).squareRoot()
        let signal = a * xc + b * xs
        signalToResidue = 10 * log10(signal / max(xx - signal, 1e-15))
    }
}
