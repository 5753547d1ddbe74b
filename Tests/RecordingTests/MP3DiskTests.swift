// MP3 files on disks that fail, and files that must not be.
import Audio
import Foundation
import Judges
import Testing

@testable import Recording

/// A place in memory whose n-th write fails as a full disk does.
private final class FailingOutput: MP3Output {
    var bytes: [UInt8] = []
    var calls = 0
    let failAt: Int?

    init(failAt: Int? = nil) { self.failAt = failAt }

    private func count() throws(MP3FileError) {
        calls += 1
        if calls == failAt { throw .write(errno: ENOSPC) }
    }

    func write(_ new: UnsafeRawBufferPointer) throws(MP3FileError) {
        try count()
        bytes += new
    }

    func rewrite(_ new: UnsafeRawBufferPointer, at offset: Int64) throws(MP3FileError) {
        try count()
        bytes.replaceSubrange(Int(offset)..<Int(offset) + new.count, with: new)
    }
}

@Suite struct MP3DiskTests {
    static let chapters = [
        ID3Tag.Chapter(title: "Greeting", startMilliseconds: 0, endMilliseconds: 1000),
        ID3Tag.Chapter(title: "Bestellung ü", startMilliseconds: 1000, endMilliseconds: 3000),
    ]
    static let tag = ID3Tag(
        title: "Call é", recordedAt: "2026-11-21T10:18:37",
        notes: [.init("call id", "c-1"), .init("channels", "left=caller right=agent")])

    private static func run(_ output: FailingOutput, samples: [Int16]) throws(MP3FileError) -> MP3Summary {
        let writer = try MP3FileWriter(output, settings: MP3Settings(quality: 9), tag: tag)
        for start in stride(from: 0, to: samples.count, by: 160) {
            let piece = Array(samples[start..<min(samples.count, start + 160)])
            try writer.append(left: piece, right: piece)
        }
        return try writer.finish(samples: Int64(samples.count), chapters: chapters)
    }

    @Test func everyFailingWriteIsToldAndNoneIsSwallowed() throws {
        let samples = MP3FileTests.speech(60_000, seed: 9)
        let good = FailingOutput()
        let summary = try Self.run(good, samples: samples)
        #expect(summary.bytes == Int64(good.bytes.count))
        #expect(good.calls >= 4)
        for call in 1...good.calls {
            let bad = FailingOutput(failAt: call)
            #expect(throws: MP3FileError.write(errno: ENOSPC)) { try Self.run(bad, samples: samples) }
            #expect(bad.calls == call)
        }
    }

    @Test func sameSoundSameBytesAndTheSameOnDisk() throws {
        let samples = MP3FileTests.speech(20_000, seed: 10)
        let first = FailingOutput()
        let second = FailingOutput()
        #expect(try Self.run(first, samples: samples) == Self.run(second, samples: samples))
        #expect(first.bytes == second.bytes)
        let folder = try MP3TestFolder()
        let path = folder.file("x.mp3")
        let output = try MP3FileOutput(path: path)
        let writer = try MP3FileWriter(output, settings: MP3Settings(quality: 9), tag: Self.tag)
        try writer.append(left: samples, right: samples)
        _ = try writer.finish(chapters: Self.chapters)
        try output.close()
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(first.bytes))
    }

    @Test func aWriterThatFailedStaysFailed() throws {
        let samples = MP3FileTests.speech(30_000, seed: 9)
        let writer = try MP3FileWriter(FailingOutput(failAt: 1), settings: MP3Settings(quality: 9))
        #expect(throws: MP3FileError.write(errno: ENOSPC)) {
            for _ in 0..<20 { try writer.append(left: samples, right: samples) }
        }
        #expect(throws: MP3FileError.wrongState) { try writer.append(left: samples, right: samples) }
        #expect(throws: MP3FileError.wrongState) { try writer.finish() }
    }

    @Test func noSamplesNoFile() throws {
        let output = FailingOutput()
        let writer = try MP3FileWriter(output, settings: MP3Settings())
        try writer.append(left: [], right: [])
        #expect(throws: MP3FileError.encoder(.empty)) { try writer.finish(samples: 0) }
        #expect(output.calls == 0)
    }

    @Test func aWrongCountUnequalChannelsAndBadSettingsAreRefused() throws {
        let writer = try MP3FileWriter(FailingOutput(), settings: MP3Settings())
        try writer.append(left: [1, 2, 3], right: [1, 2, 3])
        #expect(throws: MP3FileError.sampleCount(expected: 4, encoded: 3)) { try writer.finish(samples: 4) }
        let other = try MP3FileWriter(FailingOutput(), settings: MP3Settings())
        #expect(throws: MP3FileError.encoder(.unequalChannels)) { try other.append(left: [1], right: []) }
        #expect(throws: MP3FileError.encoder(.settings(.rate(1)))) {
            try MP3FileWriter(FailingOutput(), settings: MP3Settings(rate: 1))
        }
        let folder = try MP3TestFolder()
        let path = folder.file("x.mp3")
        #expect(throws: MP3FileError.encoder(.settings(.quality(99)))) {
            try MP3FileWriter(path: path, settings: MP3Settings(quality: 99))
        }
        #expect(!FileManager.default.fileExists(atPath: path))
        _ = try MP3FileOutput(path: path)
        #expect(throws: MP3FileError.open(errno: EEXIST)) { try MP3FileOutput(path: path) }
    }

    @Test func writeErrorsOfTheKernelAreTold() throws {
        let full = try FileHandle(forWritingTo: URL(fileURLWithPath: "/dev/full"))
        defer { full.closeFile() }
        let output = MP3FileOutput(descriptor: full.fileDescriptor)
        #expect(throws: MP3FileError.write(errno: ENOSPC)) {
            try [UInt8](repeating: 1, count: 10).withUnsafeBytes { try output.write($0) }
        }
    }

    /// What an independent reader finds in the tag.
    @Test func theTagIsRead() throws {
        let folder = try MP3TestFolder()
        let samples = MP3FileTests.speech(24_000, seed: 4)
        let file = try MP3FileTests.write(
            samples, samples, MP3Settings(), tag: Self.tag, chapters: Self.chapters, in: folder)
        #expect(file.summary.chapters == 2)
        let probe = try JudgeProgram.output(
            of: [
                "ffprobe", "-v", "error", "-show_entries", "format_tags", "-show_chapters", "-of", "json",
                file.path,
            ])
        let json = try #require(JSONSerialization.jsonObject(with: probe) as? [String: Any])
        let format = try #require(json["format"] as? [String: Any])
        let tags = try #require(format["tags"] as? [String: String])
        #expect(tags["title"] == "Call é")
        #expect(tags["date"] == "2026-11-21T10:18:37")
        #expect(tags["call id"] == "c-1")
        #expect(tags["channels"] == "left=caller right=agent")
        let chapters = try #require(json["chapters"] as? [[String: Any]])
        #expect(chapters.map { ($0["tags"] as? [String: String])?["title"] } == ["Greeting", "Bestellung ü"])
        #expect(chapters.map { $0["start_time"] as? String } == ["0.000000", "1.000000"])
        #expect(chapters.map { $0["end_time"] as? String } == ["1.000000", "3.000000"])
    }

    @Test(arguments: [0, 60, 99, 100, 150, 200, 300, 1000, 40_000])
    func chaptersFillTheReserveAndNoMore(reserve: Int) throws {
        let many = (0..<400).map {
            ID3Tag.Chapter(
                title: "Chapter \($0)", startMilliseconds: UInt32($0) * 10,
                endMilliseconds: UInt32($0) * 10 + 10)
        }
        let tag = ID3Tag(title: "x")
        let length = tag.shortestLength + reserve
        let encoded = try #require(tag.encoded(length: length, chapters: many))
        #expect(encoded.bytes.count == length)
        #expect(encoded.chapters <= 255)
        if reserve == 0 { #expect(encoded.chapters == 0) }
        if reserve == 40_000 { #expect(encoded.chapters == 255) }
        // The header's length is that of the tag less its own ten bytes, seven bits a byte.
        let told = encoded.bytes[6..<10].reduce(0) { $0 << 7 | Int($1) }
        #expect(told == length - 10)
        #expect(encoded.bytes[6..<10].allSatisfy { $0 < 0x80 })
        // One chapter more would not fit: its frame takes 48 bytes and more.
        if encoded.chapters < 255 {
            let used = try #require(encoded.bytes.lastIndex { $0 != 0 }) + 1
            #expect(length - used < 70 || encoded.chapters == 0)
        }
    }

    @Test func hostileTextsStayInTheirFrames() throws {
        let long = String(repeating: "ß\u{0}", count: 5000)
        let tag = ID3Tag(title: long, notes: [.init("a\u{0}b", "c\u{0}d")])
        #expect(tag.shortestLength < 2100)
        let bytes = try #require(tag.encoded(length: tag.shortestLength)).bytes
        #expect(String(decoding: bytes.suffix(6), as: UTF8.self) == "\u{3}ab\u{0}cd")
        #expect(tag.encoded(length: tag.shortestLength - 1) == nil)
    }
}
