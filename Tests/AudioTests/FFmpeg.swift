// ffmpeg as a judge, run within a time limit.
import Foundation

/// Runs ffmpeg over bytes.
enum FFmpeg {
    struct Failure: Error { let reason: String }

    static func run(_ arguments: [String], input: [UInt8]) throws -> [UInt8] {
        let base = URL(fileURLWithPath: NSTemporaryDirectory() + "audio-tests-" + UUID().uuidString)
        let source = base.appendingPathExtension("in")
        let target = base.appendingPathExtension("out")
        try Data(input).write(to: source)
        try Data().write(to: target)
        let reading = try FileHandle(forReadingFrom: source)
        let writing = try FileHandle(forWritingTo: target)
        defer {
            reading.closeFile()
            writing.closeFile()
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["ffmpeg", "-v", "error"] + arguments
        process.standardInput = reading
        process.standardOutput = writing
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
        guard ended.wait(timeout: .now() + .seconds(30)) == .success else {
            process.terminate()
            throw Failure(reason: "ffmpeg took longer than 30 s")
        }
        guard process.terminationStatus == 0 else { throw Failure(reason: "ffmpeg failed") }
        let output = [UInt8](try Data(contentsOf: target))
        try FileManager.default.removeItem(at: source)
        try FileManager.default.removeItem(at: target)
        return output
    }
}
