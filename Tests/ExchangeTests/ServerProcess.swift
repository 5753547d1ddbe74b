// A server in a process of its own, to be killed, stopped, starved of disk, and started again.

import Archive
import Foundation
import Glibc
import Telemetry

/// What a test could not do with a server process.
struct ServerProcessError: Error { var what: String }

/// One run of `crash-server`.
final class ServerProcess: @unchecked Sendable {
    // Written once in `init`; `Process` is touched by one task at a time.
    let process: Process
    let port: UInt16
    let output: String

    /// `crash-server`, which the build puts beside the tests.
    static var executable: URL {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("crash-server")
    }

    /// The environment of a server on `storage` whose agent is at `agent`.
    static func environment(storage: String, agent: String, _ more: [String: String] = [:]) -> [String:
        String]
    {
        var environment = [
            "PATH": "/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no", "TEELINE_STORAGE": storage, "PORT": "0",
            "TEELINE_CARRIER_AUTH": "off", "ELEVENLABS_AGENT_ID": "agent", "ELEVENLABS_BASE_URL": agent,
            "LOG_LEVEL": "warning", "TEELINE_LOOPS": "1", "TEELINE_ENCODER_THREADS": "2",
        ]
        for name in ["ASAN_OPTIONS", "TSAN_OPTIONS", "LD_LIBRARY_PATH"] {
            if let value = ProcessInfo.processInfo.environment[name] { environment[name] = value }
        }
        return environment.merging(more) { _, new in new }
    }

    /// A process that has not said yet whether it started. Its words go to the file `output`.
    static func launch(_ environment: [String: String], output: String) throws -> Process {
        let process = Process()
        process.executableURL = executable
        process.environment = environment
        guard FileManager.default.createFile(atPath: output, contents: nil),
            let words = FileHandle(forWritingAtPath: output)
        else { throw ServerProcessError(what: "no file for the server's words") }
        process.standardOutput = words
        process.standardError = words
        process.standardInput = FileHandle.nullDevice
        try process.run()
        try words.close()
        return process
    }

    /// Starts a server and waits, at most 60 s, until it listens.
    init(storage: String, agent: String, _ more: [String: String] = [:]) async throws {
        let mark = storage + "." + UUID().uuidString
        let portFile = mark + ".port"
        output = mark + ".log"
        process = try Self.launch(
            Self.environment(storage: storage, agent: agent, more.merging(["PORT_FILE": portFile]) { $1 }),
            output: output)
        let began = MonotonicTime.now
        while true {
            if let text = try? String(contentsOfFile: portFile, encoding: .utf8), let number = UInt16(text) {
                port = number
                break
            }
            guard process.isRunning, MonotonicTime.now.milliseconds(since: began) < 60_000 else {
                throw ServerProcessError(what: "the server did not start: " + Self.words(output))
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        try FileManager.default.removeItem(atPath: portFile)
    }

    deinit { if process.isRunning { Glibc.kill(process.processIdentifier, SIGKILL) } }

    /// What the server wrote to its standard error.
    static func words(_ path: String) -> String {
        (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }

    /// What the server wrote to its standard error.
    var words: String { Self.words(output) }

    /// Kills it without a word and waits until it is gone.
    func kill() {
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Asks it to drain and waits for its end, at most `seconds`; returns its status, or nil when it hangs.
    func drain(seconds: Int64 = 60) async throws -> Int32? {
        Glibc.kill(process.processIdentifier, SIGTERM)
        let began = MonotonicTime.now
        while process.isRunning {
            guard MonotonicTime.now.milliseconds(since: began) < seconds * 1000 else { return nil }
            try await Task.sleep(for: .milliseconds(20))
        }
        return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }
}

/// A folder that a test fills and that goes with it.
final class ScratchFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "teeline-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path)") }
    }

    /// Every file under `folder`, relative to it.
    static func files(_ folder: String) -> [String] {
        (FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []).sorted()
    }
}
