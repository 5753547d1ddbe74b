// Seeds, sounds and scripts: the same seed gives the same sound, and each stands where the script puts it.

import Audio
import Testing

@testable import Simulator

@Suite struct SoundTests {
    /// The first outputs for seed 1234567 of Vigna's reference implementation (prng.di.unimi.it/splitmix64.c).
    @Test func splitMixReference() {
        var generator = SeededGenerator(seed: 1_234_567)
        let expected: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
        ]
        #expect((0..<5).map { _ in generator.next() } == expected)
    }

    @Test func idsHaveTheirShape() {
        var generator = SeededGenerator(seed: 5)
        #expect(generator.hexadecimal(digits: 32).utf8.count == 32)
        let parts = generator.uuid().split(separator: "-").map(\.count)
        #expect(parts == [8, 4, 4, 4, 12])
        #expect(generator.below(0) == 0)
    }

    @Test(arguments: [
        SyntheticSound.silence, .tone(hertz: 440, level: 8000), .noise(seed: 3, level: 5000),
        .speech(seed: 4, hertz: 120, level: 9000), .chord(hertz: 440, second: 660, level: 4000),
        .samples([1, 2, 3], rate: 8000),
    ])
    func soundsAreDeterministicAndOfTheRightLength(sound: SyntheticSound) {
        for rate in [8000, 16_000, 24_000] {
            let first = sound.rendered(milliseconds: 250, rate: rate)
            #expect(first.count == rate / 4)
            #expect(first == sound.rendered(milliseconds: 250, rate: rate))
        }
        #expect(sound.rendered(milliseconds: 0, rate: 8000).isEmpty)
    }

    @Test(arguments: [300.0, 440, 1000, 2500], [8000, 16_000])
    func aToneIsItsFrequency(hertz: Double, rate: Int) {
        let tone = SyntheticSound.tone(hertz: hertz, level: 8000).rendered(milliseconds: 200, rate: rate)
        let inside = tone[(rate / 100)..<(rate / 5 - rate / 100)]
        let here = Goertzel(hertz, rate: rate).amplitude(in: inside)
        #expect(abs(here - 8000.0 / 32768) < 0.01)
        #expect(Goertzel(hertz * 1.3, rate: rate).amplitude(in: inside) < here / 10)
    }

    @Test func speechIsSpeechToTheDetectorAndSilenceIsNot() {
        for format in [AudioFormat.pcmu8k, .pcma8k, AudioFormat(.pcm16, rate: 16_000)] {
            let speech = SoundCoding.encoded(
                SyntheticSound.speech(seed: 9, hertz: 150, level: 9000)
                    .rendered(milliseconds: 1000, rate: format.rate), codec: format.codec)
            var detector = SpeechDetector(format: format, level: 600)
            let frame = format.bytes(inMilliseconds: 20)
            for start in stride(from: 0, to: speech.count, by: frame) {
                detector.take(Array(speech[start..<start + frame]))
            }
            #expect(detector.speech > 500_000)
            let silence = [UInt8](repeating: format.silenceByte, count: frame)
            for _ in 0..<10 { detector.take(silence) }
            #expect(detector.speech == 0)
            #expect(detector.silence >= 200_000)
        }
    }

    @Test func aScriptStandsWhereItSays() {
        let script = CallerScript([
            .init(.silence, milliseconds: 100), .init(.tone(hertz: 1000, level: 8000), milliseconds: 50),
        ])
        let sound = script.rendered(.pcmu8k)
        #expect(sound.bytes.count == 1200)
        #expect(sound.bytes[..<800].allSatisfy { $0 == 0xFF })
        #expect(sound.bytes[840] != 0xFF || sound.bytes[841] != 0xFF)
        var frame: [UInt8] = []
        sound.fill(&frame, from: 1120, count: 160)
        #expect(frame == Array(sound.bytes[1120...]) + [UInt8](repeating: 0xFF, count: 80))
        sound.fill(&frame, from: 99_999_999, count: 160)
        #expect(frame == [UInt8](repeating: 0xFF, count: 160))
        sound.fill(&frame, from: Int64.max, count: 4)
        #expect(frame.count == 4)
    }

    @Test func aRepeatedScriptBeginsAgain() {
        let sound = CallerSound(
            samples: Array(0..<100), format: AudioFormat(.pcm16, rate: 8000), repeats: true)
        var frame: [UInt8] = []
        sound.fill(&frame, from: 250, count: 120)
        #expect(LinearPCM.samples(frame) == Array(50..<100) + Array(0..<70))
    }

    @Test func keysAreInOrderOfTime() {
        let script = CallerScript(
            [], keys: [.init("2", atMilliseconds: 900), .init("1", atMilliseconds: 100)])
        #expect(script.keys.map(\.digit) == ["1", "2"])
    }

    @Test(arguments: 0..<8)
    func loadTalkIsFortyPercent(variant: Int) {
        let script = LoadTalk.caller(
            variant: variant, voices: [.noise(seed: 1, level: 100)])
        let spoken = script.parts.filter { $0.sound != .silence }.reduce(0) { $0 + $1.milliseconds }
        #expect(script.milliseconds == LoadTalk.patternMilliseconds)
        #expect(spoken >= 17_000 && spoken <= 20_000)
    }

    @Test func theDemoFitsIntoItsTime() {
        #expect(DemoScript.caller.milliseconds <= DemoScript.milliseconds)
        let before = DemoScript.caller.parts.prefix(3).reduce(0) { $0 + $1.milliseconds }
        #expect(before == DemoScript.interruptionMilliseconds)
        #expect(DemoScript.agent.turns.last?.endsCall == true)
    }
}
