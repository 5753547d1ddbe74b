// Settings, the encoder's independence of cuts, the Info tag, and disks that fail.
import Damage
import Audio
import Foundation
import Testing

@testable import Recording

@Suite struct MP3EncoderTests {
    static let everyKilobits = [
        8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 192, 224, 256, 320,
    ]

    /// 72 (144) × bit rate ∕ rate bytes must hold 4 + side information + 156.
    @Test(arguments: [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000], everyKilobits)
    func everyAcceptedBitRateIsTakenAndTaggedAndNoOther(rate: Int, kilobits: Int) throws {
        let settings = MP3Settings(rate: rate, kilobits: kilobits, quality: 9)
        let holdsTag =
            rate < 32000
            ? 72 * kilobits * 1000 / rate >= 4 + 17 + 156 : 144 * kilobits * 1000 / rate >= 4 + 32 + 156
        let isKnown = MP3Settings.rows.contains { $0.rate == rate && $0.bitRates.contains(kilobits) }
        if isKnown && holdsTag {
            try settings.validate()
            for channels in MP3Settings.Channels.allCases {
                var chosen = settings
                chosen.channels = channels
                let (stream, frame) = try Self.stream(
                    [Int16](repeating: 0, count: 3000), [Int16](repeating: 0, count: 3000), chosen,
                    cuts: [3000])
                let info = try #require(InfoTag(frame))
                #expect(info.samples == 3000)
                let header = try #require(MP3FrameHeader(stream))
                #expect(header.kilobits == kilobits)
                #expect(header.rate == rate)
                #expect(header.mode == (channels == .dual ? 0 : 3))
            }
        } else {
            #expect(throws: MP3SettingsError.self) { try settings.validate() }
        }
    }

    @Test(arguments: [(8000, 48), (16000, 64), (24000, 96)])
    func defaults(rate: Int, kilobits: Int) throws {
        let settings = MP3Settings(rate: rate)
        #expect(settings.kilobits == kilobits)
        #expect(settings.quality == 5)
        #expect(settings.channels == .dual)
        try settings.validate()
    }

    @Test func refusalsNameTheirReason() {
        #expect(throws: MP3SettingsError.rate(9000)) { try MP3Settings(rate: 9000).validate() }
        #expect(throws: MP3SettingsError.unknownBitRate(kilobits: 50, rate: 8000)) {
            try MP3Settings(kilobits: 50).validate()
        }
        #expect(throws: MP3SettingsError.unknownBitRate(kilobits: 80, rate: 8000)) {
            try MP3Settings(kilobits: 80).validate()
        }
        #expect(throws: MP3SettingsError.bitRateTooLowForTag(kilobits: 16, least: 24)) {
            try MP3Settings(kilobits: 16).validate()
        }
        #expect(throws: MP3SettingsError.bitRateTooLowForTag(kilobits: 32, least: 40)) {
            try MP3Settings(rate: 16000, kilobits: 32).validate()
        }
        #expect(throws: MP3SettingsError.quality(10)) { try MP3Settings(quality: 10).validate() }
        #expect(throws: MP3SettingsError.quality(-1)) { try MP3Settings(quality: -1).validate() }
    }

    /// The whole stream and its Info frame, the input cut into pieces of `cuts` samples in turn.
    static func stream(
        _ left: [Int16], _ right: [Int16], _ settings: MP3Settings, cuts: [Int]
    ) throws -> (stream: [UInt8], info: [UInt8]) {
        var encoder = try MP3Encoder(settings)
        var output: [UInt8] = []
        var start = 0
        var turn = 0
        while start < left.count {
            let end = min(left.count, start + cuts[turn % cuts.count])
            try left[start..<end].withUnsafeBufferPointer { left in
                try right[start..<end].withUnsafeBufferPointer { right in
                    try encoder.encode(left: left, right: right, into: &output)
                }
            }
            start = end
            turn += 1
        }
        try encoder.finish(into: &output)
        return (output, try encoder.infoFrame())
    }

    @Test(
        arguments: [8000, 16000, 44100],
        [[1], [160], [575], [576], [577], [320, 1, 0, 1151], [7, 333, 90, 2000], [100_000]])
    func cutsDoNotChangeTheBytes(rate: Int, cuts: [Int]) throws {
        let left = MP3FileTests.speech(12_345, seed: 11, rate: rate)
        let right = MP3FileTests.speech(12_345, seed: 12, rate: rate)
        let settings = MP3Settings(rate: rate, quality: 7)
        let whole = try Self.stream(left, right, settings, cuts: [12_345])
        let cut = try Self.stream(left, right, settings, cuts: cuts)
        #expect(whole.stream == cut.stream)
        #expect(whole.info == cut.info)
    }

    /// LAME's tables are shared by the process: encoders starting and working side by side must not disturb each other.
    @Test func encodersSideBySideGiveTheSameBytes() async throws {
        let left = MP3FileTests.speech(9000, seed: 31)
        let right = MP3FileTests.speech(9000, seed: 32)
        let alone = try Self.stream(left, right, MP3Settings(), cuts: [160]).stream
        let same = try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<24 {
                group.addTask {
                    // Others at other rates start in between.
                    _ = try MP3Encoder(MP3Settings(rate: index % 2 == 0 ? 16000 : 44100))
                    return try Self.stream(left, right, MP3Settings(), cuts: [index + 1]).stream == alone
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(same == 24)
    }

    @Test func emptyAndWrongOrderAreRefused() throws {
        var output: [UInt8] = []
        var encoder = try MP3Encoder(MP3Settings())
        var caught: [MP3EncoderError] = []
        do { try encoder.finish(into: &output) } catch { caught.append(error) }
        do { _ = try encoder.infoFrame() } catch { caught.append(error) }
        #expect(caught == [.empty, .wrongState])
        #expect(output.isEmpty)
        caught = []
        let samples = [Int16](repeating: 5, count: 10)
        try samples.withUnsafeBufferPointer { samples throws in
            do throws(MP3EncoderError) {
                try encoder.encode(
                    left: samples, right: UnsafeBufferPointer(rebasing: samples[..<9]), into: &output)
            } catch { caught.append(error) }
            try encoder.encode(left: samples, right: samples, into: &output)
            try encoder.finish(into: &output)
            do throws(MP3EncoderError) {
                try encoder.encode(left: samples, right: samples, into: &output)
            } catch { caught.append(error) }
        }
        #expect(caught == [.unequalChannels, .wrongState])
    }

    /// The Info tag against an independent count over the file: frames walked, bytes counted, CRCs bit by
    /// bit.
    @Test(arguments: [1, 576, 577, 30_000, 480_000], MP3Settings.Channels.allCases)
    func infoTagIsTrueOfTheFile(length: Int, channels: MP3Settings.Channels) throws {
        let folder = try MP3TestFolder()
        let file = try MP3FileTests.write(
            MP3FileTests.speech(length, seed: 5), MP3FileTests.speech(length, seed: 6),
            MP3Settings(channels: channels, quality: 9),
            tag: ID3Tag(title: "Call", recordedAt: "2026-11-21T10:00:00", notes: [.init("call id", "x")]),
            in: folder)
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file.path)))
        #expect(Int64(bytes.count) == file.summary.bytes)
        let stream = Array(bytes[Int(file.summary.streamOffset)...])
        let info = try #require(InfoTag(stream))
        #expect(info == file.summary.info)
        #expect(info.isIntact)
        #expect(info.streamBytes == stream.count)
        #expect(info.musicLength == stream.count)
        #expect(info.encoderDelay == (length < 47 ? 576 + 47 : 576))
        #expect(info.samples == length)

        func crc(_ bytes: some Sequence<UInt8>) -> UInt16 {
            var register: UInt16 = 0
            for byte in bytes {
                for bit in 0..<8 {
                    let feedback = (register ^ UInt16(byte >> bit)) & 1
                    register >>= 1
                    if feedback == 1 { register ^= 0xA001 }
                }
            }
            return register
        }
        #expect(crc("123456789".utf8) == 0xBB3D)  // The check value of CRC-16/ARC.
        #expect(crc(stream[info.frameLength...]) == info.musicCRC)
        let side = channels == .dual ? 17 : 9
        #expect(crc(stream[..<(4 + side + 154)]) == info.tagCRC)

        var starts: [Int] = []
        var position = 0
        while position < stream.count {
            let header = try #require(MP3FrameHeader(stream[position...]))
            #expect(header.mode == (channels == .dual ? 0 : 3))
            starts.append(position)
            position += header.length
        }
        #expect(position == stream.count)
        #expect(starts.count == info.frames + 1)
        #expect(info.seekTable[0] <= 1 || info.frames < 100)
        #expect(zip(info.seekTable, info.seekTable.dropFirst()).allSatisfy { $0 <= $1 })
        if length == 480_000 {
            // Constant bit rate: a percent of the time is a percent of the bytes.
            for percent in 0..<100 {
                #expect(abs(Int(info.seekTable[percent]) - percent * 256 / 100) <= 2)
            }
        }
    }

    @Test func aTagThatIsDamagedIsSeen() throws {
        let samples = MP3FileTests.speech(5000, seed: 1)
        let (_, frame) = try Self.stream(samples, samples, MP3Settings(), cuts: [5000])
        #expect(try #require(InfoTag(frame)).isIntact)
        for place in stride(from: 21 + 4, to: 21 + 154, by: 9) where place > 40 {
            var damaged = frame
            damaged[place] ^= 1
            #expect(InfoTag(damaged)?.isIntact == false)
        }
        for length in 0..<177 { #expect(InfoTag(Array(frame[..<length])) == nil) }
        #expect(InfoTag([UInt8](repeating: 0xFF, count: 500)) == nil)
    }

    @Test func anyBytesAreReadWithoutHarm() {
        var random = SplitMix64(seed: 7)
        var headers = 0
        for _ in 0..<3000 {
            var bytes = (0..<Int.random(in: 0...300, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            if bytes.count > 40 {
                bytes[0] = 0xFF
                bytes[1] = [0xE3, 0xF3, 0xFB].randomElement(using: &random) ?? 0xE3
                for start in [13, 21, 36] {
                    bytes.replaceSubrange(start..<start + 4, with: Array("Info".utf8))
                }
            }
            if let header = MP3FrameHeader(bytes) {
                headers += 1
                #expect(header.length > 20 && header.length < 1500)
            }
            if let tag = InfoTag(bytes) { #expect(tag.frameLength <= bytes.count) }
        }
        #expect(headers > 1000)
    }
}
