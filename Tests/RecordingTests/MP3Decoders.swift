// The judges: ffmpeg and mpg123, run as programs within a time limit.
import Foundation
import Judges
import Testing

/// A folder of its own that goes away with the object.
final class MP3TestFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "mp3-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch {
            Issue.record("temporary folder not removed: \(error)")
        }
    }

    func file(_ name: String) -> String { path + "/" + name }
}

/// An independent MP3 decoder.
enum MP3Judge: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case ffmpeg, mpg123

    var testDescription: String { rawValue }

    /// The channels of an MP3, each as samples.
    func channels(of path: String, count: Int) throws -> [[Int16]] {
        let command =
            switch self {
            case .ffmpeg: ["ffmpeg", "-v", "error", "-nostdin", "-i", path, "-f", "s16le", "-"]
            case .mpg123: ["mpg123", "-q", "-s", path]
            }
        let data = try JudgeProgram.output(of: command)
        let samples = data.withUnsafeBytes { raw in
            (0..<raw.count / 2).map { raw.loadUnaligned(fromByteOffset: $0 * 2, as: Int16.self) }
        }
        try #require(samples.count % count == 0)
        return (0..<count).map { channel in
            stride(from: channel, to: samples.count, by: count).map { samples[$0] }
        }
    }
}
