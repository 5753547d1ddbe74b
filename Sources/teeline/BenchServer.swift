// The bench's server: this program again, as `serve`, in a process of its own.

import Foundation

/// A server under measurement.
final class BenchServer: @unchecked Sendable {
    // `seals` and `isListening` are guarded by `lock`.
    let port: UInt16
    private let process: Process
    private let lock = NSLock()
    private var seals: [Double] = []
    private var isListening = false

    private init(process: Process, port: UInt16) {
        self.process = process
        self.port = port
    }

    static func start(folder: String, agentPort: UInt16, run: BenchCase) async throws -> BenchServer {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["serve"]
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        // Below the ports that the kernel gives to clients (ip(7), ip_local_port_range): those of the run before may
        // still be held.
        let port = UInt16.random(in: 20_000...29_999)
        process.environment = [
            "PORT": "\(port)", "TEELINE_STORAGE": folder, "TEELINE_CARRIER_AUTH": "off",
            "ELEVENLABS_AGENT_ID": "load",
            "ELEVENLABS_BASE_URL": "http://127.0.0.1:\(agentPort)", "TEELINE_QUALITY": "\(run.quality)",
            "TEELINE_RENDER_LIVE": run.live ? "true" : "false", "TEELINE_MAX_CALLS": "5000",
            "TEELINE_LOOPS": ProcessInfo.processInfo.environment["TEELINE_LOOPS"] ?? "0",
            "PATH": "/usr/bin:/bin",
        ]
        let output = Pipe()
        process.standardOutput = output
        let server = BenchServer(process: process, port: port)
        let lines = output.fileHandleForReading
        try process.run()
        Thread.detachNewThread { server.readLog(lines) }
        for _ in 0..<200 {
            if server.lock.withLock({ server.isListening }) { return server }
            guard process.isRunning else { throw BenchError.serverDidNotStart }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw BenchError.serverDidNotStart
    }

    private func readLog(_ handle: FileHandle) {
        var rest = ""
        while true {
            let data = handle.availableData
            guard !data.isEmpty else { return }
            rest += String(decoding: data, as: UTF8.self)
            var lines = rest.components(separatedBy: "\n")
            rest = lines.removeLast()
            if lines.contains(where: { $0.contains("\"listening\"") }) {
                lock.withLock { isListening = true }
            }
            for line in lines where line.contains("\"recording_") {
                guard let range = line.range(of: "\"milliseconds\":") else { continue }
                let digits = line[range.upperBound...].prefix { $0.isNumber }
                lock.withLock { seals.append(Double(digits) ?? 0) }
            }
        }
    }

    /// Waits until `count` recordings are final; returns the milliseconds each took.
    func waitForSeals(_ count: Int) async throws -> [Double] {
        for _ in 0..<1200 {
            let done = lock.withLock { seals }
            if done.count >= count { return done }
            try await Task.sleep(for: .milliseconds(100))
        }
        return lock.withLock { seals }
    }

    /// CPU seconds of each thread, by name and number (the first figure of /proc/PID/task/TID/schedstat).
    func cpu() throws -> [String: Double] {
        let folder = "/proc/\(process.processIdentifier)/task"
        var result: [String: Double] = [:]
        for thread in try FileManager.default.contentsOfDirectory(atPath: folder) {
            let name = Self.text("\(folder)/\(thread)/comm").trimmingCharacters(in: .whitespacesAndNewlines)
            let spent = Self.text("\(folder)/\(thread)/schedstat").split(separator: " ").first.flatMap {
                Double($0)
            }
            guard let spent else { continue }
            result[name + ":" + thread] = spent / 1e9
        }
        return result
    }

    /// A file of /proc; empty when its thread or process has ended meanwhile.
    private static func text(_ path: String) -> String {
        do { return try String(contentsOfFile: path, encoding: .utf8) } catch { return "" }
    }

    /// Resident memory in MiB (VmRSS).
    func memory() -> Double {
        let status = Self.text("/proc/\(process.processIdentifier)/status")
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Double($0) } ?? 0) / 1024
    }

    func memory(afterSeconds seconds: Double) async throws -> Double {
        try await Task.sleep(for: .seconds(seconds))
        return memory()
    }

    func kill() {
        process.terminate()
        process.waitUntilExit()
    }
}
