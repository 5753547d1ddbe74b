// A disk without room, a disk that stands still, a server that is asked to stop, a storage that is taken.

import Archive
import Exchange
import Foundation
import Glibc
import Patience
import Simulator
import Telemetry
import Testing

/// An agent that talks without end, and the carriers' network: what every test here needs.
final class Surroundings: Sendable {
    let agent: SimulatedAgent
    let network: CarrierNetwork
    let folder: ScratchFolder
    var storage: String { folder.path + "/storage" }

    init() throws {
        var behaviour = SimulatedAgentSettings(turns: [
            AgentTurn(
                "I am listening.", sound: .speech(seed: 9, hertz: 120, level: 9000), milliseconds: 30_000,
                trigger: .afterPrevious(milliseconds: 0))
        ])
        behaviour.isInterruptible = false
        behaviour.keepsSound = false
        agent = try SimulatedAgent.start(behaviour)
        network = try CarrierNetwork.start()
        folder = try ScratchFolder()
    }

    deinit {
        agent.stop()
        network.stop()
    }

    private func settings(_ port: UInt16, milliseconds: Int, seed: UInt64) -> SimulatedCallSettings {
        SimulatedCallSettings(
            url: "ws://127.0.0.1:\(port)/twilio/media-stream", dialect: .twilio,
            script: CallerScript(
                [.init(.speech(seed: 3, hertz: 190, level: 9000), milliseconds: 1000)], repeats: true),
            ending: .hangUp(atMilliseconds: milliseconds), seed: seed)
    }

    /// A healthy Twilio call of `milliseconds` to the server at `port`.
    func call(_ port: UInt16, milliseconds: Int, seed: UInt64 = 1) async -> SimulatedCallResult {
        await network.call(settings(port, milliseconds: milliseconds, seed: seed))
    }

    /// Several healthy calls at once, while `body` does something to the server.
    func calls(
        _ port: UInt16, count: Int, milliseconds: Int, seed: UInt64 = 1,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws -> [SimulatedCallResult] {
        try await withThrowingTaskGroup(of: SimulatedCallResult?.self) { group in
            for number in 0..<count {
                group.addTask {
                    await self.call(port, milliseconds: milliseconds, seed: seed + UInt64(number))
                }
            }
            group.addTask {
                try await body()
                return nil
            }
            var results: [SimulatedCallResult] = []
            for try await result in group { if let result { results.append(result) } }
            return results
        }
    }

    /// Several healthy calls that have begun, tapes and all, when `body` does something to the server, and
    /// whose callers hang up when it has done so.
    func calls(
        _ port: UInt16, count: Int, until body: () async throws -> Void
    ) async throws -> [SimulatedCallResult] {
        let streams = (0..<count).map {
            network.begin(settings(port, milliseconds: 300_000, seed: UInt64($0 + 1)))
        }
        var failure: (any Error)?
        do {
            #expect(
                try await eventually(60_000) { ScratchFolder.files(storage + "/tapes").count == count },
                "not every call has its tape")
            try await body()
        } catch {
            failure = error
        }
        for stream in streams { stream.hangUp() }
        var results: [SimulatedCallResult] = []
        for stream in streams { results.append(try #require(await stream.result())) }
        if let failure { throw failure }
        return results
    }

    /// Whether every call of `results` has a row that says what became of its recording.
    func areFinal(_ results: [SimulatedCallResult], _ catalog: Catalog) throws -> Bool {
        try results.allSatisfy { try row($0, catalog)?.recording.state.isFinal == true }
    }

    /// The row of the call that the carrier knows as `result`.
    func row(_ result: SimulatedCallResult, _ catalog: Catalog) throws -> ListedCall? {
        var filter = CallFilter()
        filter.callID = result.callID
        return try catalog.list(filter).items.first
    }
}

/// Sets the size limit of new bytes in files of process `pid` (prlimit(1) of util-linux): what a full disk does.
func limitFiles(of pid: Int32, to limit: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/prlimit")
    process.arguments = ["--pid", "\(pid)", "--fsize=\(limit):unlimited"]
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw ServerProcessError(what: "prlimit refuses") }
}

@Suite(.serialized) struct DiskTests {
    /// Waits `milliseconds` in small steps: a machine that stands still meanwhile misses one of them, not all.
    private func waitInSteps(milliseconds: Int) async throws {
        for _ in 0..<milliseconds / 10 { try await Task.sleep(for: .milliseconds(10)) }
    }

    @Test(.timeLimit(.minutes(2))) func aDiskWithoutRoomForAWhileCostsThatWhileOnly() async throws {
        let around = try Surroundings()
        let server = try await ServerProcess(storage: around.storage, agent: around.agent.baseURL)
        let pid = server.process.processIdentifier
        var full: Int64 = 0
        let results = try await around.calls(server.port, count: 4) {
            try await waitInSteps(milliseconds: 1500)
            let began = MonotonicTime.now
            try limitFiles(of: pid, to: "16")
            try await waitInSteps(milliseconds: 1500)
            try limitFiles(of: pid, to: "unlimited")
            full = MonotonicTime.now.milliseconds(since: began)
            try await waitInSteps(milliseconds: 2000)
        }
        #expect(
            results.allSatisfy { $0.end == .asPlanned }, "a call ended with the disk: \(results.map(\.end))")
        #expect(server.process.isRunning)
        let catalog = Catalog(StorageLayout(root: around.storage), readers: 1)
        defer { catalog.close() }
        #expect(try await eventually(60_000) { try around.areFinal(results, catalog) })
        for result in results {
            let row = try around.row(result, catalog)
            let recording = try #require(row?.recording)
            // The hole is silence in the file, and the row says so.
            #expect(recording.state == .recovered, "\(recording.state) \(recording.cause ?? "")")
            #expect(recording.cause?.hasPrefix("disk_") == true)
            let missing = recording.missing.reduce(0) { $0 + $1.length }
            // What came in the steps without room, but for half a second on its way: where the machine stood still at
            // their end, its sound came when there was room again. At most half a second more than there was no room
            // in all, and a second for what waited to be written.
            #expect(
                (1_500 * 8 - 4_000...full * 8 + 12_000).contains(missing),
                "\(missing) samples are named as missing of about \(full * 8)")
            #expect(abs((recording.samples ?? 0) - result.samples) < 4_000)
        }
        #expect(try await server.drain() == 0)
        let archive = try CallArchive(StorageLayout(root: around.storage))
        defer { archive.close() }
        #expect(try archive.reconcile(checkHashes: true).findings.isEmpty)
        #expect(try archive.catalog.verifyLedger().isEmpty)
    }

    @Test(.timeLimit(.minutes(2))) func aDiskThatStaysFullEndsNoCallAndTheNextServerSavesWhatThereIs()
        async throws
    {
        let around = try Surroundings()
        let server = try await ServerProcess(storage: around.storage, agent: around.agent.baseURL)
        let pid = server.process.processIdentifier
        let results = try await around.calls(server.port, count: 4) {
            try await waitInSteps(milliseconds: 1500)
            try limitFiles(of: pid, to: "16")
            try await waitInSteps(milliseconds: 1500)
        }
        #expect(
            results.allSatisfy { $0.end == .asPlanned }, "a call ended with the disk: \(results.map(\.end))")
        #expect(server.process.isRunning)
        #expect(ScratchFolder.files(around.storage + "/tapes").count == 4, "a tape was deleted")
        // A call that begins now is served, too, or refused: it must not take the server with it.
        _ = await around.call(server.port, milliseconds: 500, seed: 77)
        #expect(server.process.isRunning)
        #expect(try await server.drain(seconds: 100) != nil, "the server hangs")

        let next = try await ServerProcess(storage: around.storage, agent: around.agent.baseURL)
        let catalog = Catalog(StorageLayout(root: around.storage), readers: 1)
        defer { catalog.close() }
        for result in results {
            #expect(
                try await eventually(60_000) {
                    try around.row(result, catalog)?.recording.state == .recovered
                }, "the next server did not recover a call whose disk was full")
            #expect(try around.row(result, catalog)?.recording.samples ?? 0 >= 8_000)
        }
        #expect(try await next.drain() == 0)
        #expect(ScratchFolder.files(around.storage).allSatisfy { !$0.hasSuffix(".part") })
    }

    @Test(.timeLimit(.minutes(2))) func aDiskThatHasRoomAgainKeepsTheCallsTrueEnds() async throws {
        let around = try Surroundings()
        let server = try await ServerProcess(storage: around.storage, agent: around.agent.baseURL)
        let pid = server.process.processIdentifier
        let results = try await around.calls(server.port, count: 2) {
            try await waitInSteps(milliseconds: 1500)
            try limitFiles(of: pid, to: "16")
            try await waitInSteps(milliseconds: 1500)
        }
        #expect(results.allSatisfy { $0.end == .asPlanned })
        // Every call is to meet the full disk with its tape, its rendering and its row. A server that cannot write
        // cannot say when that is so, not even in its log.
        try await waitInSteps(milliseconds: 1500)
        try limitFiles(of: pid, to: "unlimited")
        let catalog = Catalog(StorageLayout(root: around.storage), readers: 1)
        defer { catalog.close() }
        // What could not be written down while there was no room is written down now, without a restart.
        for result in results {
            #expect(
                try await eventually(60_000) {
                    try around.row(result, catalog)?.recording.state.isFinal == true
                }, "a row stayed unfinished with no live call")
            let row = try #require(try around.row(result, catalog))
            #expect(row.call.endWho == .caller && row.call.endWhy == "hangup")
        }
        #expect(try await server.drain() == 0, "\(server.words)")

        let next = try await ServerProcess(storage: around.storage, agent: around.agent.baseURL)
        for result in results {
            #expect(
                try await eventually(60_000) {
                    try around.row(result, catalog)?.recording.state == .recovered
                })
            let row = try #require(try around.row(result, catalog))
            #expect(row.call.endWho == .caller && row.call.endWhy == "hangup")
            #expect(abs(row.call.durationSamples - result.samples) < 4_000)
            // What the tape lacks at its end is named up to the call's end, with what failed.
            let tail = try #require(row.recording.missing.last)
            #expect(tail.start == row.recording.samples && tail.cause.hasPrefix("disk_"))
            #expect(tail.start + tail.length == row.call.durationSamples)
        }
        #expect(try await next.drain() == 0)
    }

    @Test(.timeLimit(.minutes(2))) func aDiskThatStandsStillDelaysNoCall() async throws {
        let around = try Surroundings()
        let stall = around.folder.path + "/stall"
        let server = try await ServerProcess(
            storage: around.storage, agent: around.agent.baseURL, ["SLOW_DISK_SWITCH": stall])
        // Every write, flush and new folder takes three seconds, from before the first call of the day.
        #expect(FileManager.default.createFile(atPath: stall, contents: nil))
        let results = try await around.calls(server.port, count: 4, milliseconds: 6000) {
            try await Task.sleep(for: .milliseconds(4500))
            try FileManager.default.removeItem(atPath: stall)
        }
        for result in results {
            #expect(result.end == .asPlanned)
            // How long the machine stood still, by frames that left late: that is nobody's delay.
            let late = result.counts.worstLateness
            // The agent answers at once; only a call that waits for the disk hears it late.
            let first = try #require(result.firstSoundMicroseconds)
            #expect(first < 1_000_000 + late, "the first sound came after \(first / 1000) ms")
            let holes = zip(result.segments, result.segments.dropFirst()).map {
                $1.position - $0.position - $0.count
            }
            #expect(
                holes.allSatisfy { $0 < 1_600 + late / 125 },
                "the agent's sound stood still for \(holes.max() ?? 0) samples")
        }
        let catalog = Catalog(StorageLayout(root: around.storage), readers: 1)
        defer { catalog.close() }
        // Some rows may still be on their way to the disk.
        #expect(try await eventually(60_000) { try around.areFinal(results, catalog) })
        for result in results {
            let row = try #require(try around.row(result, catalog))
            let detail = try #require(try catalog.detail(row.call.id))
            #expect(row.recording.state == .sealed)
            #expect(detail.metrics?.framesReceived == Int64(result.counts.framesSent))
            #expect(row.recording.missing.isEmpty)
        }
        #expect(try await server.drain() == 0)
    }

    @Test(.timeLimit(.minutes(2))) func aServerAskedToStopLetsCallsFinishAndSealsThem() async throws {
        let around = try Surroundings()
        let server = try await ServerProcess(storage: around.storage, agent: around.agent.baseURL)
        let catalog = Catalog(StorageLayout(root: around.storage), readers: 1)
        defer { catalog.close() }
        let status = StatusBox()
        let results = try await around.calls(server.port, count: 5, milliseconds: 3000) {
            // Who has not begun yet would be turned away.
            #expect(try await eventually { try catalog.count() == 5 })
            try await Task.sleep(for: .milliseconds(1000))
            status.value = try await server.drain()
        }
        #expect(status.value == 0, "\(server.words)")
        #expect(results.allSatisfy { $0.end == .asPlanned })
        for result in results {
            let row = try #require(try around.row(result, catalog))
            #expect(row.recording.state == .sealed)
            #expect(row.recording.samples == result.samples)
        }
    }

    @Test(.timeLimit(.minutes(2))) func callsBeyondTheDrainLimitAreEndedAndSealed() async throws {
        let around = try Surroundings()
        let server = try await ServerProcess(
            storage: around.storage, agent: around.agent.baseURL, ["TEELINE_DRAIN_SECONDS": "1"])
        let catalog = Catalog(StorageLayout(root: around.storage), readers: 1)
        defer { catalog.close() }
        let status = StatusBox()
        let results = try await around.calls(server.port, count: 5, milliseconds: 30_000) {
            #expect(try await eventually { try catalog.count() == 5 })
            try await Task.sleep(for: .milliseconds(1000))
            status.value = try await server.drain()
        }
        #expect(status.value == 0, "\(server.words)")
        #expect(results.allSatisfy { $0.end == .server || $0.end == .broken })
        for result in results {
            let row = try #require(try around.row(result, catalog))
            #expect(row.recording.state == .sealed)
            #expect(row.call.endWhy == "drained")
        }
    }

    @Test(.timeLimit(.minutes(1))) func aStorageServesOneServer() async throws {
        let around = try Surroundings()
        let server = try await ServerProcess(storage: around.storage, agent: around.agent.baseURL)
        let words = around.folder.path + "/second.log"
        let second = try ServerProcess.launch(
            ServerProcess.environment(storage: around.storage, agent: around.agent.baseURL), output: words)
        #expect(try await eventually { !second.isRunning })
        #expect(second.terminationStatus == 2)
        #expect(
            ServerProcess.words(words).contains("\(server.process.processIdentifier)"), "who holds it is told"
        )
        let result = await around.call(server.port, milliseconds: 500)
        #expect(result.end == .asPlanned)
        #expect(try await server.drain() == 0)
    }
}

/// A value that a concurrent task leaves behind.
final class StatusBox: @unchecked Sendable {
    // Guarded by `lock`.
    private let lock = Lock()
    private var held: Int32?
    var value: Int32? {
        get { lock.withLock { held } }
        set { lock.withLock { held = newValue } }
    }
}
