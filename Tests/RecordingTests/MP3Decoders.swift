// The judges: ffmpeg and mpg123, run as programs within a time limit.
import Foundation
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

/// Runs a program from the search path, its output going to a file.
enum ProgramRun {
    struct Failure: Error { let reason: String }

    static func output(of program: [String], in folder: MP3TestFolder, seconds: Int = 60) throws -> Data {
        let target = folder.file("out-" + UUID().uuidString)
        guard FileManager.default.createFile(atPath: target, contents: nil) else {
            throw Failure(reason: "no file for the output")
        }
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: target))
        defer { handle.closeFile() }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = program
        process.standardOutput = handle
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
        guard ended.wait(timeout: .now() + .seconds(seconds)) == .success else {
            process.terminate()
            throw Failure(reason: "\(program[0]) took longer than \(seconds) s")
        }
        guard process.terminationStatus == 0 else {
            throw Failure(reason: "\(program[0]) ended with \(process.terminationStatus)")
        }
        return try Data(contentsOf: URL(fileURLWithPath: target))
    }
}

/// An independent MP3 decoder.
enum MP3Judge: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case ffmpeg, mpg123

    var testDescription: String { rawValue }

    /// The channels of an MP3, each as samples.
    func channels(of path: String, count: Int, in folder: MP3TestFolder) throws -> [[Int16]] {
        let command =
            switch self {
            case .ffmpeg: ["ffmpeg", "-v", "error", "-nostdin", "-i", path, "-f", "s16le", "-"]
            case .mpg123: ["mpg123", "-q", "-s", path]
            }
        let data = try ProgramRun.output(of: command, in: folder)
        let samples = data.withUnsafeBytes { raw in
            (0..<raw.count / 2).map { raw.loadUnaligned(fromByteOffset: $0 * 2, as: Int16.self) }
        }
        try #require(samples.count % count == 0)
        return (0..<count).map { channel in
            stride(from: channel, to: samples.count, by: count).map { samples[$0] }
        }
    }
}
