// What a downloaded file holds: whole ones measured, cut ones found out.

import Archive
import Recording
import Testing

@testable import Switchboard

@Suite struct RecordedFileTests {
    private static func walk(_ bytes: [UInt8], _ format: RecordingFormat) throws(RecordedFileFault)
        -> RecordedFile
    {
        try RecordedFile(length: Int64(bytes.count), format: format) { offset, count in
            Array(bytes.dropFirst(Int(offset)).prefix(count))
        }
    }

    /// Frames of MPEG-2 layer III, 8 kbit/s, mono, 16 kHz: 576 samples in 576 / 8 × 8000 / 16000 = 36 bytes.
    private static func frames(_ count: Int, mark: String? = nil) -> [UInt8] {
        var all: [UInt8] = []
        for number in 0..<count {
            var frame: [UInt8] = [0xFF, 0xF3, 0x18, 0xC0] + [UInt8](repeating: 0, count: 32)
            // Behind nine bytes of side information.
            if number == 0, let mark { frame.replaceSubrange(13..<17, with: mark.utf8) }
            all += frame
        }
        return all
    }

    @Test func wholeFilesAreMeasured() throws {
        #expect(
            try Self.walk(Self.frames(10), .mp3)
                == RecordedFile(bytes: 360, samples: 5_760, rate: 16_000, channels: 1))
        #expect(try Self.walk(Self.frames(10), .mp3).milliseconds == 360)
        // A frame of facts is no sound; tags before and behind are none either.
        #expect(try Self.walk(Self.frames(10, mark: "Info"), .mp3).samples == 9 * 576)
        let tag: [UInt8] =
            Array("ID3".utf8) + [4, 0, 0, 0, 0, 0x01, 0x02] + [UInt8](repeating: 7, count: 130)
        let old = Array("TAG".utf8) + [UInt8](repeating: 0, count: 125)
        #expect(try Self.walk(tag + Self.frames(3) + old, .mp3).samples == 3 * 576)
        var encoder = try MP3Encoder(MP3Settings(rate: 8000, channels: .mixed, kilobits: 24))
        var output: [UInt8] = []
        let sound = [Int16](repeating: 0, count: 16_000)
        try sound.withUnsafeBufferPointer { try encoder.encode(left: $0, right: $0, into: &output) }
        try encoder.finish(into: &output)
        let file = try Self.walk(output, .mp3)
        // Two seconds and the delay of 1105 samples, in whole frames of 72 ms; one for the facts, one for the flush.
        #expect(file.rate == 8000 && file.channels == 1 && (2_000...2_304).contains(file.milliseconds))
    }

    @Test func cutFilesAreFoundOut() throws {
        let whole = Self.frames(4)
        for length in 0..<whole.count where length % 36 != 0 {
            #expect(throws: RecordedFileFault.self) { try Self.walk(Array(whole.prefix(length)), .mp3) }
        }
        #expect(throws: RecordedFileFault.notAudio) { try Self.walk([], .mp3) }
        #expect(throws: RecordedFileFault.notAudio) { try Self.walk(Array("<html></html>".utf8), .mp3) }
        #expect(throws: RecordedFileFault.notWhole) { try Self.walk(whole + [0, 0, 0, 0], .mp3) }
        #expect(throws: RecordedFileFault.unreadable) {
            try RecordedFile(path: "/nowhere/at/all.mp3", format: .mp3)
        }
    }

    /// 16-bit stereo at 8 kHz: a block is four bytes.
    private static func wav(_ samples: Int) -> [UInt8] {
        func little(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let data = samples * 4
        return Array("RIFF".utf8) + little(36 + 12 + data, 4) + Array("WAVEfmt ".utf8) + little(16, 4)
            + little(1, 2) + little(2, 2) + little(8000, 4) + little(32_000, 4) + little(4, 2) + little(16, 2)
            + Array("LIST".utf8) + little(3, 4) + [1, 2, 3, 0] + Array("data".utf8) + little(data, 4)
            + [UInt8](repeating: 0, count: data)
    }

    @Test func wavFiles() throws {
        let whole = Self.wav(800)
        #expect(
            try Self.walk(whole, .wav)
                == RecordedFile(bytes: Int64(whole.count), samples: 800, rate: 8000, channels: 2))
        #expect(throws: RecordedFileFault.notWhole) { try Self.walk(Array(whole.dropLast()), .wav) }
        #expect(throws: RecordedFileFault.notAudio) { try Self.walk(Self.frames(3), .wav) }
        #expect(throws: RecordedFileFault.notAudio) { try Self.walk(whole, .mp3) }
        #expect(throws: RecordedFileFault.notAudio) { try Self.walk(Self.wav(0), .wav) }
        for length in 0..<64 {
            #expect(throws: RecordedFileFault.self) { try Self.walk(Array(whole.prefix(length)), .wav) }
        }
    }
}
