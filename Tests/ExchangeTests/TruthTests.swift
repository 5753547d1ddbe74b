// The house's promise, by two foreign decoders: what the recording says is what was said and what was heard.

import Archive
import Exchange
import Foundation
import Net
import Patience
import Simulator
import Telemetry
import Testing

/// One judged call.
private struct Judged: Sendable {
    var result: SimulatedCallResult
    var findings: TruthFindings
    var samples: Int
    var detail: RecordingDetail
    var mpg123: Int?
}

@Suite(.serialized) struct TruthTests {
    @Test func twilio() async throws { try await judge([.twilio]) }
    @Test func telnyx() async throws { try await judge([.telnyx, .telnyxALaw]) }
    @Test func exotel() async throws {
        try await judge([.exotel(8_000, calls: 80), .exotel(16_000, calls: 60), .exotel(24_000, calls: 60)])
    }

    /// Makes the calls of `carriers`, all at once, and judges every recording.
    private func judge(_ carriers: [TruthCarrier]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for carrier in carriers { group.addTask { try await judge(carrier) } }
            try await group.waitForAll()
        }
    }

    /// Judges the calls of `carrier`. A machine that stood still in their midst has delayed the frames of most of them: then
    /// they say little of edges, and are made again, twice at most.
    private func judge(_ carrier: TruthCarrier) async throws {
        var judged: [Judged] = []
        for attempt in 1...3 {
            let began = MonotonicTime.now
            judged = try await recorded(carrier)
            #expect(judged.count == carrier.calls, "not every call has a recording")
            for call in judged { check(call) }
            report(carrier, judged, seconds: Double(MonotonicTime.now.milliseconds(since: began)) / 1000)
            if judged.count(where: isPunctual) * 5 >= judged.count { break }
            #expect(attempt < 3, "the machine is too busy to judge edges in real time")
        }
        judgeEdges(carrier, judged.filter(isPunctual))
    }

    /// Makes the calls of `carrier` and decodes their recordings.
    private func recorded(_ carrier: TruthCarrier) async throws -> [Judged] {
        let folder = NSTemporaryDirectory() + "teeline-" + UUID().uuidString
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(atPath: folder) } }
        let agent = try SimulatedAgent.start(TruthSchedule.agent(carrier, seed: 7))
        defer { agent.stop() }
        let settings = try Settings(values: [
            "storage.path": folder, "server.port": "0", "server.carrier_auth": "off", "agent.id": "truth",
            "agent.base_url": agent.baseURL, "recording.quality": "7",
        ])
        let exchange = try TelephoneExchange.start(settings, log: Log(level: .error))
        let results = try await calls(carrier, port: exchange.port)
        #expect(
            try await eventually(120_000) { exchange.liveCalls + exchange.unfinishedRecordings == 0 })
        let rows = try Self.rows(exchange.archive.catalog)
        let judged = try await Self.judged(results, rows: rows, archive: exchange.archive, folder: folder)
        #expect(exchange.drainAndStop() == 0)
        return judged
    }

    private func calls(_ carrier: TruthCarrier, port: UInt16) async throws -> [SimulatedCallResult] {
        let network = try CarrierNetwork.start(everyMilliseconds: 5)
        defer { network.stop() }
        return await withTaskGroup(of: SimulatedCallResult.self) { group in
            for number in 0..<carrier.calls {
                let seed = UInt64(number) &* 7_919 &+ UInt64(carrier.rate)
                let call = TruthSchedule.call(carrier, to: port, seed: seed)
                group.addTask { await network.call(call, afterMilliseconds: number * 4_000 / carrier.calls) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    private static func rows(_ catalog: Catalog) throws -> [String: RecordingDetail] {
        var rows: [String: RecordingDetail] = [:]
        var cursor: String?
        repeat {
            let page = try catalog.list(cursor: cursor, limit: 200)
            for item in page.items {
                guard let stream = item.call.streamID else { continue }
                rows[stream] = try catalog.detail(item.call.id)
            }
            cursor = page.next
        } while cursor != nil
        return rows
    }

    private static func judged(
        _ results: [SimulatedCallResult], rows: [String: RecordingDetail], archive: CallArchive,
        folder: String
    ) async throws -> [Judged] {
        try await withThrowingTaskGroup(of: [Judged].self) { group in
            for start in stride(from: 0, to: results.count, by: 20) {
                let batch = results[start..<min(start + 20, results.count)].compactMap { result in
                    rows[result.streamID].flatMap { row in
                        row.recording.path.map { (result, row, archive.layout.absolute($0)) }
                    }
                }
                group.addTask {
                    let sounds = try StereoDecoding.ffmpeg(batch.map(\.2), folder: folder)
                    return try zip(batch, sounds).map { call, sound in
                        Judged(
                            result: call.0,
                            findings: TruthJudge(result: call.0.truth, sound: sound).findings(),
                            samples: sound.left.count, detail: call.1,
                            mpg123: try StereoDecoding.mpg123Samples(call.2))
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    private func check(_ call: Judged) {
        let result = call.result
        let recording = call.detail.recording
        let name = Comment(rawValue: "\(result.carrier) \(result.streamID)")
        #expect(result.end == .asPlanned, name)
        #expect(recording.state == .sealed, name)
        #expect(call.detail.call.endWho == .caller && call.detail.call.endWhy == "hangup", name)
        #expect(recording.samples == Int64(call.samples) && call.mpg123 == call.samples, name)
        #expect(call.findings.callerLags.allSatisfy { $0 == 0 }, name)
        guard isPunctual(call) else { return }
        // Frames lost at the very end cannot be known to have existed.
        let lostEnd = result.missing.last.flatMap { $0.upperBound == result.samples ? $0 : nil }
        let length = lostEnd?.lowerBound ?? result.samples
        #expect(Int64(call.samples) == length, name)
        let lost = result.missing.filter { $0.lowerBound < length }
        let named = recording.missing.map { $0.start..<$0.start + $0.length }
        #expect(named == lost, name)
        #expect(call.findings.callerRatio > 10, name)
        #expect(call.findings.leak <= 16, name)
        // Jitter of marks is all the evidence there is of an edge; beyond this a single call is wrong.
        #expect(call.findings.unheard <= Self.frame(result.rate) + 25, name)
        #expect(call.findings.missing <= 100, name)
    }

    /// Milliseconds of one MP3 frame (576 samples up to 24 kHz).
    private static func frame(_ rate: Int) -> Double { 576_000.0 / Double(rate) }

    /// Whether the machine kept the simulated carrier's time: when its load delays frames and marks by more than
    /// the network is meant to, the edges of sound are judged on the test clock alone (`ClockedTruthTests`).
    private func isPunctual(_ call: Judged) -> Bool { call.result.counts.worstLateness <= 25_000 }

    private func report(_ carrier: TruthCarrier, _ judged: [Judged], seconds: Double) {
        let punctual = judged.filter(isPunctual)
        let lateness = judged.map(\.result.counts.worstLateness).sorted()
        let starts = judged.flatMap { $0.findings.starts.map(abs) }.sorted()
        let signed = judged.flatMap(\.findings.starts).sorted()
        func text(_ value: Double) -> String { String(format: "%.1f", value) }
        let unheard = judged.map(\.findings.unheard).sorted()
        let missing = judged.map(\.findings.missing).sorted()
        let ratio = judged.map(\.findings.callerRatio).sorted()
        print(
            "truth \(carrier.name): \(judged.count) calls, \(punctual.count) punctual (lateness p50 \(lateness[lateness.count / 2]) µs), \(judged.reduce(0) { $0 + $1.findings.stretches }) stretches,"
                + " start error p50 \(text(Self.at(0.5, starts))) p99 \(text(Self.at(0.99, starts))) max \(text(starts.last ?? 0)) ms"
                + " (signed \(text(signed.first ?? 0))…\(text(signed.last ?? 0))),"
                + " unheard p50 \(text(Self.at(0.5, unheard))) p99 \(text(Self.at(0.99, unheard))) max \(text(unheard.last ?? 0)) ms,"
                + " missing p50 \(text(Self.at(0.5, missing))) p99 \(text(Self.at(0.99, missing))) max \(text(missing.last ?? 0)) ms,"
                + " caller SNR min \(text(ratio.first ?? 0)) dB, leak \(judged.map(\.findings.leak).max() ?? 0),"
                + " worst lateness \(judged.map(\.result.counts.worstLateness).max() ?? 0) µs, \(text(seconds)) s"
        )
    }

    /// The value below which `share` of `values`, sorted, lie.
    private static func at(_ share: Double, _ values: [Double]) -> Double {
        values.isEmpty ? 0 : values[min(values.count - 1, Int(Double(values.count) * share))]
    }

    /// What holds for all calls of `carrier` that were punctual together.
    private func judgeEdges(_ carrier: TruthCarrier, _ punctual: [Judged]) {
        let timely = punctual.flatMap { $0.findings.starts.map(abs) }.sorted()
        #expect(Self.at(0.99, timely) <= 20, "start error p99 above 20 ms")
        let kept = punctual.map(\.findings.unheard).sorted()
        #expect(
            Self.at(0.95, kept) <= Self.frame(carrier.rate), "kept more than a frame that was never heard")
        // An edge is found to 5 ms; the test carriers' own delays on top of the jitter cannot be told from it.
        let gone = punctual.map(\.findings.missing).sorted()
        #expect(Self.at(0.95, gone) <= 3 * TruthJudge.resolution, "lost sound that was heard")
    }
}
