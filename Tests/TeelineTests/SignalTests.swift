// Signals, against the program itself in a process of its own.

import Foundation
import Patience
import Testing

@testable import teeline

/// `teeline` in a process of its own; killed when a test forgets it.
private final class RunningProgram: @unchecked Sendable {
    // `text` is guarded by `lock`; all else is touched by the test only.
    private let process = Process()
    private let lock = NSLock()
    private var text = ""
    let folder = NSTemporaryDirectory() + "teeline-signal-" + UUID().uuidString

    init(_ words: [String]) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let pipe = Pipe()
        process.executableURL = try FinishedProgram.executable()
        process.arguments = words + ["--port", "0", "--storage", folder + "/storage"]
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.environment = ["PATH": "/usr/bin:/bin"]
        process.standardOutput = pipe
        let reading = pipe.fileHandleForReading
        try process.run()
        Thread.detachNewThread { [self] in
            while case let bytes = reading.availableData, !bytes.isEmpty {
                lock.withLock { text += String(decoding: bytes, as: UTF8.self) }
            }
        }
    }

    deinit {
        if process.isRunning { Glibc.kill(process.processIdentifier, SIGKILL) }
        _ = try? FileManager.default.removeItem(atPath: folder)
    }

    func send(_ signal: Int32) { Glibc.kill(process.processIdentifier, signal) }

    /// Sends `signal` and waits until it was taken, a minute at most; whether it was. Two of a kind that wait are one
    /// (signal(7)).
    func deliver(_ signal: Int32) async throws -> Bool {
        send(signal)
        return try await eventually(60_000) {
            // Signals that wait for the process, as hexadecimal bits from SIGHUP's (proc(5)).
            let text = try String(
                contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("ShdPnd:") })
            let waiting = try #require(UInt64(line.dropFirst(7).drop { $0 == "\t" }, radix: 16))
            return waiting >> UInt64(signal - 1) & 1 == 0
        }
    }

    /// Waits until `word` was written, a minute at most.
    func says(_ word: String) async throws -> Bool {
        try await eventually(60_000) { lock.withLock { text.contains(word) } }
    }

    /// The exit status; nil when it did not end within a minute.
    func status() async throws -> Int32? {
        guard try await eventually(60_000, { !process.isRunning }) else { return nil }
        return process.terminationReason == .exit ? process.terminationStatus : -1
    }
}

@Suite(.serialized) struct SignalTests {
    @Test(arguments: [SIGTERM, SIGINT]) func aServerDrainsAndExitsWithZero(signal: Int32) async throws {
        let program = try RunningProgram(["serve"])
        #expect(try await program.says("\"listening\""))
        program.send(signal)
        #expect(try await program.status() == 0)
        #expect(try await program.says("\"stopped\""))
    }

    @Test(arguments: [SIGTERM, SIGINT]) func aSecondSignalEndsAtOnce(signal: Int32) async throws {
        // The demo's call is live, and the drain would wait for it.
        let program = try RunningProgram(["demo"])
        #expect(try await program.says("the tape runs"))
        #expect(try await program.deliver(signal))
        program.send(signal)
        // As a shell tells of a process that a signal ended.
        #expect(try await program.status() == 128 + signal)
    }
}
