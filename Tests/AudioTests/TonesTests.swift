// The made sounds and their detector.
import Foundation
import Testing

@testable import Audio

@Suite struct TonesTests {
    @Test(arguments: RatePair.rates, [300.0, 1000, 3400])
    func sinesHaveTheirFrequencyAndAmplitude(rate: Int, frequency: Double) {
        let samples = Tones.sine(frequency, rate: rate, count: rate, amplitude: 0.25)
        #expect(abs(Goertzel(frequency, rate: rate).amplitude(in: samples) - 0.25) < 0.001)
        #expect(Goertzel(frequency + 50, rate: rate).amplitude(in: samples) < 0.001)
        #expect(samples[0] == 0)
    }

    @Test func amplitudeOneIsFullScaleAndMoreIsClipped() {
        #expect(Tones.sine(1000, rate: 8000, count: 8, amplitude: 1).max() == 32767)
        #expect(Tones.sine(1000, rate: 8000, count: 8, amplitude: 9).min() == -32768)
    }

    @Test func aChirpRunsFromStartToEnd() {
        let samples = Tones.chirp(from: 300, to: 3300, rate: 8000, count: 80_000)
        for (second, frequency) in [(0, 450.0), (4, 1650.0), (9, 3150.0)] {
            let middle = samples[(second * 8000 + 3800)..<(second * 8000 + 4200)]
            #expect(Goertzel(frequency, rate: 8000).amplitude(in: middle) > 0.3)
            #expect(Goertzel(frequency + 700, rate: 8000).amplitude(in: middle) < 0.1)
        }
    }

    @Test(arguments: Array("123A456B789C*0#D"), [8000, 16000])
    func everyKeyIsHeard(key: Character, rate: Int) {
        let samples = Tones.dtmf(String(key), rate: rate)
        #expect(samples.count == rate / 5)
        #expect(Goertzel.dtmfKey(in: samples[..<(rate / 10)], rate: rate) == key)
        #expect(Goertzel.dtmfKey(in: samples[(rate / 10)...], rate: rate) == nil)
        // And through μ-law.
        let coded = samples.map { G711.decode(G711.encode($0, .mu), .mu) }
        #expect(Goertzel.dtmfKey(in: coded[..<(rate / 10)], rate: rate) == key)
    }

    /// ITU-T Q.23.
    @Test func frequenciesOfKeys() throws {
        let five = try #require(Tones.dtmfFrequencies("5"))
        #expect(five.low == 770 && five.high == 1336)
        #expect(Tones.dtmfFrequencies("x") == nil)
        #expect(Tones.dtmf("x y", rate: 8000).isEmpty)
    }

    @Test func oneToneIsNoKey() {
        #expect(Goertzel.dtmfKey(in: Tones.sine(770, rate: 8000, count: 800), rate: 8000) == nil)
        #expect(Goertzel.dtmfKey(in: [Int16](), rate: 8000) == nil)
    }

    @Test func noiseIsSeededLoudAndHasPauses() {
        var first = SpeechLikeNoise(seed: 1, rate: 8000)
        var same = SpeechLikeNoise(seed: 1, rate: 8000)
        var other = SpeechLikeNoise(seed: 2, rate: 8000)
        let whole = first.next(80_000)
        #expect(whole == same.next(1) + same.next(159) + same.next(79_840))
        #expect(whole != other.next(80_000))
        let silent = whole.count { $0 == 0 }
        #expect(silent > 8000 && silent < 60_000)
        let peak = whole.map { abs(Int($0)) }.max() ?? 0
        #expect(peak > 8000 && peak < 20_000)
    }
}
