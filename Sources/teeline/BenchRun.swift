// One run of the bench: a server of its own process, a load from this one, and what the kernel counted.

import Audio
import Foundation
import Recording
import Simulator

/// Why a run could not be measured.
enum BenchError: Error {
    case serverDidNotStart
    /// The system gave no connection over loopback.
    case noSockets
}

/// A run of the bench.
struct BenchRun {
    private let run: BenchCase

    init(_ run: BenchCase) { self.run = run }

    func measure() async throws -> BenchFigures {
        let folder = NSTemporaryDirectory() + "teeline-bench-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer {
            do { try FileManager.default.removeItem(atPath: folder) } catch {
                print("bench: \(folder) could not be removed")
            }
        }
        let agentPort = UInt16.random(in: 20_000...29_999)
        let server = try await BenchServer.start(folder: folder, agentPort: agentPort, run: run)
        defer { server.kill() }
        var load = LoadSettings(
            shares: [LoadShare(.twilio, url: "ws://127.0.0.1:\(server.port)/twilio/media-stream")],
            calls: run.calls, seconds: run.seconds, rampMilliseconds: 5_000)
        load.agent.port = agentPort
        let before = try server.cpu()
        let memoryBefore = server.memory()
        async let early = try server.memory(afterSeconds: 12)
        async let late = try server.memory(afterSeconds: Double(run.seconds))
        let report = try await LoadRun.run(load)
        let (memoryEarly, memoryLate) = (try await early, try await late)
        let seals = try await server.waitForSeals(run.calls)
        let after = try server.cpu()
        let callSeconds = Double(run.calls * run.seconds)
        func cost(_ prefix: [String]) -> Double {
            after.filter { entry in prefix.contains { entry.key.hasPrefix($0) } }
                .map { $0.value - (before[$0.key] ?? 0) }.reduce(0, +) * 1000 / callSeconds
        }
        let total = (after.values.reduce(0, +) - before.values.reduce(0, +)) * 1000 / callSeconds
        let bridge = cost(["media"])
        let tape = cost(["tape"])
        let render = cost(["render"])
        return BenchFigures(
            run: run, bridge: bridge, tape: tape, render: render, desk: total - bridge - tape - render,
            total: total, lame: try bareLAME(folder),
            floor: try SocketFloor.measure(calls: run.calls, seconds: 8),
            load: report.cpuSeconds * 1000 / callSeconds,
            toAgentP50: report.toAgent.p50, toAgentP99: report.toAgent.p99,
            turnToCarrierP50: report.turnToCarrier.p50, turnToCarrierP99: report.turnToCarrier.p99,
            clearP50: report.interruptionToClear.p50, clearP99: report.interruptionToClear.p99,
            framesMissing: report.framesMissing, failed: report.failed, recordings: seals.count,
            sealP50: seals.isEmpty ? 0 : seals.sorted()[seals.count / 2], sealMost: seals.max() ?? 0,
            memoryEarly: (memoryEarly - memoryBefore) / Double(run.calls),
            memoryLate: (memoryLate - memoryBefore) / Double(run.calls))
    }

    /// CPU of the encoder alone, through the same library, on the sound of some of the run's tapes.
    private func bareLAME(_ folder: String) throws -> Double {
        let tapes = try FileManager.default.contentsOfDirectory(atPath: folder + "/tapes").sorted().prefix(10)
        var nanoseconds: Int64 = 0
        var samples = 0
        for tape in tapes {
            let sound = try TapeSound.read(path: folder + "/tapes/" + tape)
            guard !sound.left.isEmpty else { continue }
            samples += sound.left.count
            nanoseconds += try TapeSound.encodingNanoseconds(sound, quality: run.quality)
        }
        return samples == 0 ? 0 : Double(nanoseconds) / 1e6 / (Double(samples) / 8000)
    }
}
