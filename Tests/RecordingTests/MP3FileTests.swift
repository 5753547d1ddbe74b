// MP3 files judged by two decoders: exact lengths, channels kept apart, tones found again.
import Audio
import Foundation
import Testing

@testable import Recording

@Suite struct MP3FileTests {
    static let lengths = [
        1, 2, 46, 47, 48, 528, 529, 575, 576, 577, 1104, 1105, 1106, 1151, 1152, 1153, 1680, 1681, 1728, 2304,
        4799,
        8000,
        8001, 16_123, 40_000, 99_991,
    ]

    /// Writes an MP3 and gives its path.
    static func write(
        _ left: [Int16], _ right: [Int16], _ settings: MP3Settings, tag: ID3Tag = ID3Tag(title: "t"),
        chapters: [ID3Tag.Chapter] = [], in folder: MP3TestFolder
    ) throws -> (path: String, summary: MP3Summary) {
        let path = folder.file("a.mp3")
        let writer = try MP3FileWriter(path: path, settings: settings, tag: tag)
        try writer.append(left: left, right: right)
        return (path, try writer.finish(samples: Int64(left.count), chapters: chapters))
    }

    static func speech(_ count: Int, seed: UInt64, rate: Int = 8000) -> [Int16] {
        var source = SpeechLikeNoise(seed: seed, rate: rate)
        return source.next(count)
    }

    @Test(arguments: MP3Judge.allCases, lengths)
    func decodesToExactlyTheSamplesGiven(judge: MP3Judge, length: Int) throws {
        let folder = try MP3TestFolder()
        let file = try Self.write(
            Self.speech(length, seed: 1), Self.speech(length, seed: 2), MP3Settings(quality: 7), in: folder)
        let channels = try judge.channels(of: file.path, count: 2)
        #expect(channels.map(\.count) == [length, length])
        #expect(file.summary.samples == Int64(length))
    }

    @Test(arguments: MP3Judge.allCases, [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000])
    func everyRateIsExactAtStandardAndLeastBitRate(judge: MP3Judge, rate: Int) throws {
        let least = try #require(MP3Settings.acceptedKilobits(rate: rate).first)
        for channels in MP3Settings.Channels.allCases {
            for kilobits in [least, MP3Settings.standardKilobits(rate: rate)] {
                let folder = try MP3TestFolder()
                let settings = MP3Settings(rate: rate, channels: channels, kilobits: kilobits, quality: 7)
                let file = try Self.write(
                    Self.speech(7777, seed: 1, rate: rate), Self.speech(7777, seed: 2, rate: rate), settings,
                    in: folder)
                let count = channels == .dual ? 2 : 1
                let decoded = try judge.channels(of: file.path, count: count)
                #expect(decoded.map(\.count) == [Int](repeating: 7777, count: count))
            }
        }
    }

    @Test(arguments: MP3Judge.allCases, [8000, 16000, 24000])
    func aSilentChannelStaysDigitalZeroWhileTheOtherTalks(judge: MP3Judge, rate: Int) throws {
        let talk = Self.speech(rate * 6, seed: 7, rate: rate)
        let silence = [Int16](repeating: 0, count: talk.count)
        for talker in 0...1 {
            let folder = try MP3TestFolder()
            let file = try Self.write(
                talker == 0 ? talk : silence, talker == 1 ? talk : silence, MP3Settings(rate: rate),
                in: folder)
            let decoded = try judge.channels(of: file.path, count: 2)
            #expect(decoded[1 - talker].allSatisfy { $0 == 0 })
            #expect(decoded[talker].contains { abs(Int($0)) > 3000 })
        }
    }

    /// A burst of tone in each channel at a place of its own.
    @Test(arguments: MP3Judge.allCases, [0, 1, 4000, 23_456])
    func aToneIsFoundWhereItWasPut(judge: MP3Judge, place: Int) throws {
        let folder = try MP3TestFolder()
        let count = 40_000
        func track(_ frequency: Double, at start: Int) -> [Int16] {
            var samples = [Int16](repeating: 0, count: count)
            samples.replaceSubrange(
                start..<start + 1600, with: Tones.sine(frequency, rate: 8000, count: 1600, amplitude: 0.5))
            return samples
        }
        let file = try Self.write(
            track(700, at: place), track(1900, at: place + 5000), MP3Settings(), in: folder)
        let decoded = try judge.channels(of: file.path, count: 2)
        for (channel, frequency, start) in [(0, 700.0, place), (1, 1900.0, place + 5000)] {
            // The first stretch of 10 ms that holds the tone at half its strength or more.
            let detector = Goertzel(frequency, rate: 8000)
            let found = stride(from: 0, to: count - 80, by: 8).first {
                detector.amplitude(in: decoded[channel][$0..<$0 + 80]) > 0.25
            }
            #expect(abs(try #require(found) + 40 - start) <= 576)
            // And to the sample: the decoded burst fits its source best without any shift.
            let source = Tones.sine(frequency, rate: 8000, count: 1600, amplitude: 0.5)
            let best = (-40...40).filter { start + $0 >= 0 }.max {
                Self.fit(source, decoded[channel], start + $0)
                    < Self.fit(source, decoded[channel], start + $1)
            }
            #expect(abs(try #require(best)) <= 1)
        }
    }

    static func fit(_ source: [Int16], _ decoded: [Int16], _ offset: Int) -> Int {
        var sum = 0
        for index in source.indices { sum += Int(source[index]) * Int(decoded[offset + index]) }
        return sum
    }

    /// LAME would make everything 5 % quieter of its own accord.
    @Test(
        arguments: [
            (8000, 24), (8000, 48), (8000, 64), (16000, 64), (24000, 96), (44100, 128), (48000, 192),
            (48000, 320),
        ],
        MP3Settings.Channels.allCases)
    func theLevelIsKept(rate: (Int, Int), channels: MP3Settings.Channels) throws {
        let folder = try MP3TestFolder()
        let tone = Tones.sine(1000, rate: rate.0, count: rate.0, amplitude: 0.5)
        let settings = MP3Settings(rate: rate.0, channels: channels, kilobits: rate.1)
        let file = try Self.write(tone, tone, settings, in: folder)
        let decoded = try MP3Judge.ffmpeg.channels(of: file.path, count: channels == .dual ? 2 : 1)
        for channel in decoded {
            let middle = channel[(rate.0 / 4)..<(rate.0 * 3 / 4)]
            #expect(abs(Goertzel(1000, rate: rate.0).amplitude(in: middle) - 0.5) < 0.005)
        }
    }

    @Test(arguments: MP3Judge.allCases)
    func mixedIsTheAverageAndCannotClip(judge: MP3Judge) throws {
        let folder = try MP3TestFolder()
        let left = Tones.sine(500, rate: 8000, count: 16_000, amplitude: 0.9)
        let right = Tones.sine(1500, rate: 8000, count: 16_000, amplitude: 0.9)
        let file = try Self.write(left, right, MP3Settings(channels: .mixed), in: folder)
        #expect(file.summary.info.channels == 1)
        let decoded = try judge.channels(of: file.path, count: 1)[0]
        for frequency in [500.0, 1500] {
            let amplitude = Goertzel(frequency, rate: 8000).amplitude(in: decoded[4000..<12_000])
            #expect(abs(amplitude - 0.45) < 0.01)
        }
        #expect(decoded.allSatisfy { abs(Int($0)) < 32_000 })
    }

    /// Ten minutes, as a call has them; the coarsest quality keeps the test short.
    @Test(arguments: MP3Judge.allCases)
    func tenMinutesAreExact(judge: MP3Judge) throws {
        let folder = try MP3TestFolder()
        let path = folder.file("long.mp3")
        let writer = try MP3FileWriter(path: path, settings: MP3Settings(quality: 9))
        let minute = Self.speech(8000, seed: 3)
        let silence = [Int16](repeating: 0, count: 8000)
        for second in 0..<600 { try writer.append(left: second % 3 == 0 ? minute : silence, right: silence) }
        let summary = try writer.finish(samples: 4_800_000)
        #expect(summary.seconds == 600)
        let decoded = try judge.channels(of: path, count: 2)
        #expect(decoded.map(\.count) == [4_800_000, 4_800_000])
    }
}
