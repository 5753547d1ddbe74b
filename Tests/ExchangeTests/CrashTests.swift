// kill -9 during live calls, again and again on the same storage: nothing sealed is lost, nothing live is lost.

import Damage
import Archive
import Exchange
import Foundation
import Glibc
import Patience
import Recording
import Simulator
import Tape
import Telemetry
import Testing

/// What a campaign counted.
struct CrashFigures {
    var kills = 0
    var calls = 0
    var recovered = 0
    var sealed = 0
    /// Milliseconds before the kill at which the first lost frame had left the carrier, in the worst call.
    var worstLoss: Int64 = 0
    var worstRecovery: Int64 = 0
    /// Kills at which the server had been given the processor late: its sockets held more than 100 ms of
    /// sound, or the machine stood still.
    var starved = 0

    mutating func add(_ other: CrashFigures) {
        kills += other.kills
        calls += other.calls
        recovered += other.recovered
        starved += other.starved
        sealed += other.sealed
        worstLoss = max(worstLoss, other.worstLoss)
        worstRecovery = max(worstRecovery, other.worstRecovery)
    }
}

/// One storage on which a server is killed several times.
struct CrashLane {
    let number: Int
    let kills: Int
    let calls: Int
    let network: CarrierNetwork
    let agent: SimulatedAgent
    let folder: ScratchFolder
    var storage: String { folder.path + "/storage" }

    /// Runs the lane; every assertion is in here.
    func run() async throws -> CrashFigures {
        var figures = CrashFigures()
        var random = SplitMix64(seed: UInt64(1000 + number))
        var known: [String: Digest] = [:]
        var server = try await ServerProcess(storage: storage, agent: agent.baseURL)
        for round in 0..<kills {
            let (results, kill) = try await oneKill(server, round, &random)
            figures.kills += 1
            if kill.unread > 100 || !kill.isSteady { figures.starved += 1 }
            figures.calls += results.count
            let began = MonotonicTime.now
            server = try await ServerProcess(storage: storage, agent: agent.baseURL)
            let layout = StorageLayout(root: storage)
            let catalog = Catalog(layout, readers: 1)
            defer { catalog.close() }
            #expect(
                try await eventually(60_000) { try catalog.unfinished().isEmpty }, "recovery does not end")
            figures.worstRecovery = max(figures.worstRecovery, MonotonicTime.now.milliseconds(since: began))
            for result in results { try judge(result, kill, catalog, &figures) }
            try judgeSealed(layout, catalog, &known)
        }
        #expect(try await server.drain() == 0, "the last server does not drain: \(server.words)")
        try judgeEnd(expected: figures.calls)
        return figures
    }

    /// The instant of a kill, and how much the server had not even read: a machine that does not let it run is not
    /// its loss. On an idle machine this is a frame.
    struct Kill {
        var at: MonotonicTime
        var unread: Double
        /// Whether the machine had not stood still just before.
        var isSteady: Bool
    }

    /// Looks out for moments at which a loss is the server's own: the machine has not stood still, and the server
    /// reads what comes. What comes in one heap at the end of a standstill nobody could have written down.
    private struct Lookout {
        let port: UInt16
        private var step = MonotonicTime.now
        /// When a pause of 10 ms had last taken more than 100.
        private var stood = MonotonicTime.now.adding(milliseconds: -1_000)

        init(port: UInt16) { self.port = port }

        /// Waits until `earliest`, and longer while it is no such moment; at `latest` it is over all the same.
        mutating func moment(from earliest: MonotonicTime, until latest: MonotonicTime) async throws -> Kill {
            while true {
                try await Task.sleep(for: .milliseconds(10))
                let now = MonotonicTime.now
                if now.milliseconds(since: step) > 100 { stood = now }
                step = now
                guard now >= earliest else { continue }
                let unread = unreadMilliseconds
                let at = MonotonicTime.now
                // More than the half second that a server may lose.
                let isSteady = at.milliseconds(since: stood) >= 700 && at.milliseconds(since: step) <= 100
                if isSteady && unread <= 100 || at >= latest {
                    return Kill(at: at, unread: unread, isSteady: isSteady)
                }
            }
        }

        /// Milliseconds of sound in the fullest receive queue of the sockets at `port` (/proc/net/tcp; a carrier sends
        /// 15 to 25 bytes a millisecond).
        private var unreadMilliseconds: Double {
            let ending = ":" + String(format: "%04X", Int(port))
            let table = (try? String(contentsOfFile: "/proc/net/tcp", encoding: .utf8)) ?? ""
            let queues = table.split(separator: "\n").compactMap { line -> Int? in
                let fields = line.split(separator: " ")
                guard fields.count > 4, fields[1].hasSuffix(ending), fields[3] == "01" else { return nil }
                return fields[4].split(separator: ":").last.flatMap { Int($0, radix: 16) }
            }
            return Double(queues.max() ?? 0) / 15
        }
    }

    /// A call whose caller hangs up so many milliseconds before the kill.
    private struct EndingCall {
        var settings: SimulatedCallSettings
        var before: Int
    }

    /// The round's calls: two of ten end by themselves about when the server dies after `life` milliseconds, so that
    /// rendering and sealing are killed, too.
    private func plan(
        _ port: UInt16, _ round: Int, life: Int, _ random: inout SplitMix64
    ) -> (staying: [SimulatedCallSettings], ending: [EndingCall]) {
        let dialects: [CarrierDialect] = [.twilio, .telnyx, .exotel(), .telnyxALaw]
        var staying: [SimulatedCallSettings] = []
        var ending: [EndingCall] = []
        for call in 0..<calls {
            let dialect = dialects[(call + round) % dialects.count]
            var path = "/media"
            switch dialect.carrier {
            case .twilio: path = "/twilio/media-stream"
            case .telnyx: path = "/media-stream"
            case .exotel: break
            }
            let settings = SimulatedCallSettings(
                url: "ws://127.0.0.1:\(port)" + path, dialect: dialect,
                script: CallerScript(
                    [
                        .init(.speech(seed: UInt64(call), hertz: 180, level: 9000), milliseconds: 900),
                        .init(.silence, milliseconds: 300),
                    ], repeats: true),
                ending: .hangUp(atMilliseconds: 60_000),
                seed: UInt64(number * 100_000 + round * 100 + call + 1))
            if call % 5 == 4 {
                let before = min(Int.random(in: 0...600, using: &random), life - Self.leastCall)
                ending.append(EndingCall(settings: settings, before: before))
            } else {
                staying.append(settings)
            }
        }
        return (staying, ending.sorted { $0.before > $1.before })
    }

    /// How long every call is at least, in milliseconds.
    private static let leastCall = 300

    /// Makes calls, kills the server in their midst, and returns what the carrier saw.
    private func oneKill(
        _ server: ServerProcess, _ round: Int, _ random: inout SplitMix64
    ) async throws -> (results: [SimulatedCallResult], kill: Kill) {
        let life = Int.random(in: 500...4000, using: &random)
        let (staying, ending) = plan(server.port, round, life: life, &random)
        let network = network
        return try await withThrowingTaskGroup(of: SimulatedCallResult.self) { group in
            for one in staying { group.addTask { await network.call(one) } }
            let streams = ending.map { network.begin($0.settings) }
            let began = MonotonicTime.now
            // However uneasy the machine is, no later.
            let latest = began.adding(milliseconds: Int64(life) + 10_000)
            var lookout = Lookout(port: server.port)
            // The first one hangs up when all is steady: what follows until the kill is as long as it is to be.
            var left = ending.first?.before ?? 0
            _ = try await lookout.moment(from: began.adding(milliseconds: Int64(life - left)), until: latest)
            for stream in streams {
                let limit = max(0, latest.milliseconds(since: .now))
                _ = try await eventually(limit) {
                    await network.spoken(in: stream) >= Int64(Self.leastCall)
                }
            }
            for (stream, call) in zip(streams, ending) {
                let due = MonotonicTime.now.adding(milliseconds: Int64(left - call.before))
                if call.before < left { _ = try await lookout.moment(from: due, until: due) }
                stream.hangUp()
                left = call.before
            }
            let due = MonotonicTime.now.adding(milliseconds: Int64(left))
            // Sockets close when the last thread of the dead is gone, which may wait for a flush: what counts is the
            // instant from which nothing of it runs any more.
            let kill = try await lookout.moment(from: due, until: max(due, latest))
            server.kill()
            var results: [SimulatedCallResult] = []
            for stream in streams { results.append(try #require(await stream.result())) }
            for try await result in group { results.append(result) }
            return (results, kill)
        }
    }

    /// One call of the round that was killed: it has its row, and at most half a second of it is missing.
    private func judge(
        _ result: SimulatedCallResult, _ kill: Kill, _ catalog: Catalog, _ figures: inout CrashFigures
    ) throws {
        var filter = CallFilter()
        filter.callID = result.callID
        guard let id = try catalog.list(filter).items.first?.call.id, let detail = try catalog.detail(id)
        else {
            Issue.record("a call of \(result.samples) samples has no row (ended: \(result.end))")
            return
        }
        let row = detail.recording
        if result.end == .asPlanned {
            #expect(
                row.state == .sealed || row.state == .recovered,
                "an ended call is \(row.state): \(row.cause ?? "")")
        } else {
            #expect(row.state == .recovered, "a killed call is \(row.state): \(row.cause ?? "")")
        }
        if row.state == .sealed { figures.sealed += 1 } else { figures.recovered += 1 }
        // What had left the carrier half a second before the kill must be there. Counted by the instants at which
        // frames left: a carrier that was held up itself sends a burst of old frames, which is not the server's loss.
        let frame = Int64(result.caller.count / max(1, result.frameTimes.count))
        let limit = kill.at.adding(milliseconds: -500)
        let due = Int64(result.frameTimes.prefix { $0 < limit }.count) * frame
        let first = Int((row.samples ?? 0) / max(1, frame))
        let lost = first < result.frameTimes.count ? kill.at.milliseconds(since: result.frameTimes[first]) : 0
        // What the carrier had played of the agent's sound when the connection broke.
        let heard = result.segments.reduce(Int64(0)) { sum, segment in
            sum + max(0, min(segment.count, due - segment.position))
        }
        let more =
            try JSONSerialization.jsonObject(with: Data((detail.metrics?.more ?? "{}").utf8))
            as? [String: Int]
        try judgeTape(id, result)
        // What stood still to the end is no measure; there may be few such kills.
        guard kill.isSteady else { return }
        // No more than half a second is put down to the machine.
        let unread = Int64(min(kill.unread, 500)) * Int64(result.rate) / 1000
        #expect(
            (row.samples ?? 0) >= due - unread,
            "\(lost) ms of the caller are lost in a \(result.carrier) call")
        let agent = Int64(more?["agent_samples"] ?? 0)
        // Where the agent's sound began the server knows by marks only; a call killed before they settle it is off by
        // their way. 100 ms are allowed for that, within the half second.
        #expect(
            agent >= heard - unread - Int64(result.rate) / 10,
            "\(heard - agent) samples of the agent are lost in a \(result.carrier) call")
        figures.worstLoss = max(figures.worstLoss, lost - Int64(kill.unread))
    }

    /// The caller's sound on the tape is what the carrier sent, byte for byte.
    private func judgeTape(_ id: String, _ result: SimulatedCallResult) throws {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: storage + "/tapes/\(id).tape"))
        var parser = TapeParser()
        bytes.withUnsafeBytes { parser.feed($0) }
        #expect(!parser.isDamaged, "a killed process leaves a torn tail, never damage")
        var header: TapeHeader?
        while let record = parser.next() {
            if record.kind == .header {
                header = try JSONDecoder().decode(TapeHeader.self, from: Data(record.payload))
            }
            guard record.kind == .callerMedia, let header else { continue }
            let samples = SoundOf.samples(Array(record.payload), header.inbound)
            let start = Int(record.position)
            guard start >= 0, start + samples.count <= result.caller.count else {
                Issue.record("sound on the tape lies where none was sent")
                return
            }
            #expect(
                samples.elementsEqual(result.caller[start..<start + samples.count]),
                "other sound than was sent")
        }
    }

    /// What was sealed before this kill is what it was; what is new is as its row says.
    private func judgeSealed(_ layout: StorageLayout, _ catalog: Catalog, _ known: inout [String: Digest])
        throws
    {
        var seen = 0
        var cursor: String?
        repeat {
            let page = try catalog.list(cursor: cursor, limit: 200)
            for item in page.items where item.recording.hasAudio {
                let id = item.call.id
                let now = try POSIXFiles().digestOf(layout.absolute(item.recording.path ?? ""))
                #expect(now == item.recording.sha256, "a sealed file has other bytes than its row says")
                if let before = known[id] {
                    #expect(before == now, "a sealed recording changed")
                    seen += 1
                } else {
                    known[id] = now
                }
            }
            cursor = page.next
        } while cursor != nil
        #expect(seen + calls >= known.count, "a sealed recording is lost")
    }

    /// After the last server: no leftovers, a whole ledger, and every tape still gives its file.
    private func judgeEnd(expected: Int) throws {
        let layout = StorageLayout(root: storage)
        let archive = try CallArchive(layout)
        defer { archive.close() }
        let report = try archive.reconcile(checkHashes: true)
        #expect(report.findings.isEmpty, "\(report.findings)")
        #expect(report.rows == expected)
        #expect(try archive.catalog.verifyLedger().isEmpty)
        #expect(try archive.catalog.checkDatabase().isEmpty)
        #expect(ScratchFolder.files(storage).allSatisfy { !$0.hasSuffix(".part") })
        let render = try Settings(values: [:]).render
        var cursor: String?
        repeat {
            let page = try archive.catalog.list(cursor: cursor, limit: 200)
            for item in page.items {
                let again = folder.path + "/again.mp3"
                let renderer = CallRenderer(
                    tapePath: layout.absolute(try layout.tape(item.call.id)), outputPath: again,
                    settings: render)
                let result = try renderer.finish()
                #expect((result.mp3 != nil) == item.recording.hasAudio)
                guard result.mp3 != nil else { continue }
                #expect(
                    try POSIXFiles().digestOf(again) == item.recording.sha256,
                    "the tape gives another file than the sealed one")
            }
            cursor = page.next
        } while cursor != nil
    }
}

@Suite(.serialized) struct CrashTests {
    /// 3 storages × 20 kills × 10 live calls; `CRASH_KILLS` asks for another number of kills a storage.
    @Test(.timeLimit(.minutes(10))) func killedServersLoseNothingSealedAndHalfASecondOfTheRest() async throws
    {
        let began = MonotonicTime.now
        let kills = ProcessInfo.processInfo.environment["CRASH_KILLS"].flatMap { Int($0) } ?? 20
        var behaviour = SimulatedAgentSettings(turns: [
            AgentTurn(
                "I am listening.", sound: .speech(seed: 9, hertz: 120, level: 9000), milliseconds: 30_000,
                trigger: .afterPrevious(milliseconds: 0))
        ])
        behaviour.isInterruptible = false
        behaviour.keepsSound = false
        let agent = try SimulatedAgent.start(behaviour)
        defer { agent.stop() }
        let network = try CarrierNetwork.start()
        defer { network.stop() }
        let figures = try await withThrowingTaskGroup(of: CrashFigures.self) { group in
            for number in 0..<3 {
                let lane = CrashLane(
                    number: number, kills: kills, calls: 10, network: network, agent: agent,
                    folder: try ScratchFolder())
                group.addTask { try await lane.run() }
            }
            var all = CrashFigures()
            for try await one in group { all.add(one) }
            return all
        }
        #expect(figures.kills == 3 * kills)
        #expect(figures.recovered + figures.sealed == figures.calls)
        #expect(figures.starved * 4 <= figures.kills, "the machine is too busy to judge what a server loses")
        print(
            "crash campaign: \(figures.kills) kills, \(figures.calls) calls, \(figures.recovered) recovered, "
                + "\(figures.sealed) sealed, 0 changed; worst loss \(figures.worstLoss) ms; "
                + "worst recovery \(figures.worstRecovery) ms; "
                + "\(figures.starved) kills of a starved server; "
                + "\(MonotonicTime.now.milliseconds(since: began) / 1000) s")
    }
}
