// The programs that judge what ours made (ffmpeg, mpg123, the validators in Python), each run within a time limit.

import Foundation

/// A program of somebody else's.
public enum JudgeProgram {
    /// Why a program has judged nothing.
    public struct Failure: Error, CustomStringConvertible {
        /// What went wrong.
        public var description: String

        /// A reason to be told.
        public init(_ description: String) { self.description = description }
    }

    /// What `command`, whose first word is found on the search path, writes to its standard output when it is given `input`.
    /// Its standard error is the tests' own. Throws when it fails or takes longer than `seconds`.
    public static func output(of command: [String], input: Data = Data(), seconds: Int = 300) throws -> Data {
        let base = URL(fileURLWithPath: NSTemporaryDirectory() + "judge-" + UUID().uuidString)
        let (source, target) = (base.appendingPathExtension("in"), base.appendingPathExtension("out"))
        // Files: a pipe that nobody empties meanwhile would hold the program up.
        try input.write(to: source)
        defer { unlink(source.path) }
        try Data().write(to: target)
        defer { unlink(target.path) }
        let (reading, writing) = (
            try FileHandle(forReadingFrom: source), try FileHandle(forWritingTo: target)
        )
        defer {
            reading.closeFile()
            writing.closeFile()
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardInput = reading
        process.standardOutput = writing
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
        let name = command.first ?? ""
        guard ended.wait(timeout: .now() + .seconds(seconds)) == .success else {
            process.terminate()
            throw Failure("\(name) took longer than \(seconds) s")
        }
        guard process.terminationStatus == 0 else {
            throw Failure("\(name) ended with \(process.terminationStatus): see the lines above")
        }
        return try Data(contentsOf: target)
    }

    /// The interpreter that has the packages of Tests/requirements.txt: TEELINE_TEST_PYTHON, or what `make .build/python`
    /// installs.
    public static func python() throws -> String {
        let path =
            ProcessInfo.processInfo.environment["TEELINE_TEST_PYTHON"]
            ?? project.appendingPathComponent(".build/python/bin/python").path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw Failure(
                "No Python at \(path). `make .build/python` installs the validators; "
                    + "TEELINE_TEST_PYTHON names another interpreter that has Tests/requirements.txt.")
        }
        return path
    }

    /// The folder that Package.swift lies in.
    public static var project: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
    }
}
