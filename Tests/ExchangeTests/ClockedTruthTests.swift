// Random barge-ins on a test clock: the truth of the playout model, free of the machine's own load.

import Carriers
import Foundation
@testable import Recording
import Simulator
import Tape
import Telemetry
import Testing
@testable import Timeline

@Suite(.serialized) struct ClockedTruthTests {
    /// What of one call is asserted.
    private struct Judged: Sendable {
        var findings: TruthFindings
        var samples: Int
        var rendered: Int64
        var mpg123: Int
        var expected: Int
    }

    @Test(arguments: [
        TruthCarrier.twilio, .telnyx, .telnyxALaw, .exotel(8_000, calls: 80), .exotel(16_000, calls: 60),
        .exotel(24_000, calls: 60),
    ])
    func randomBargeIns(_ carrier: TruthCarrier) async throws {
        let folder = NSTemporaryDirectory() + "teeline-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(atPath: folder) } }
        let judged = try await withThrowingTaskGroup(of: [Judged].self) { group in
            for start in stride(from: 0, to: carrier.calls, by: 20) {
                let numbers = start..<min(start + 20, carrier.calls)
                group.addTask { try Self.judged(carrier, numbers, folder: folder) }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        try #require(judged.count == carrier.calls)
        let starts = judged.flatMap { $0.findings.starts.map(abs) }.sorted()
        let unheard = judged.map(\.findings.unheard).sorted()
        let missing = judged.map(\.findings.missing).sorted()
        func at(_ share: Double, _ values: [Double]) -> Double {
            values.isEmpty ? 0 : values[min(values.count - 1, Int(Double(values.count) * share))]
        }
        print(
            "clocked \(carrier.name): \(judged.count) calls, \(starts.count) stretches, start p50 \(at(0.5, starts)) p99 \(at(0.99, starts)) max \(starts.last ?? 0), unheard p50 \(at(0.5, unheard)) p99 \(at(0.99, unheard)) max \(unheard.last ?? 0), missing p50 \(at(0.5, missing)) p99 \(at(0.99, missing)) max \(missing.last ?? 0), leak \(judged.map(\.findings.leak).max() ?? 0)"
        )
        // The jitter of both ways is up to 20 ms: no evidence is sharper than a part of it.
        #expect(at(0.99, starts) <= 20)
        // Every call. A cut stretch is as long as its start and its clear were apart, and each of them scatters by up to
        // 20 ms on its way: at 24 kHz, where a frame is 24 ms, evidence may leave 40 ms open, and no rule can promise
        // both bars. So 49 in 50 calls keep to the frame, and the others to it and what an edge is found to. The
        // encoder's smear moves an edge by two windows more than `theFirstThirdToTheSample` finds.
        let frame = 576_000 / Double(carrier.rate)
        #expect(at(0.98, unheard) <= frame, "more than one MP3 frame never heard")
        #expect((unheard.last ?? 0) <= frame + TruthJudge.resolution, "more than one MP3 frame never heard")
        #expect((missing.last ?? 0) <= 3 * TruthJudge.resolution, "heard sound is missing")
        // A-law has no zero: its silence is ±8, and the encoder may round it by one.
        #expect(judged.allSatisfy { $0.findings.leak <= (carrier.name.contains("A-law") ? 9 : 0) })
        #expect(judged.allSatisfy { $0.findings.callerLags.allSatisfy { $0 == 0 } })
        #expect(judged.allSatisfy { Int64($0.samples) == $0.rendered && $0.mpg123 == $0.samples })
        // What was lost on the way at the very end cannot be known to have existed.
        #expect(judged.allSatisfy { abs($0.samples - $0.expected) <= carrier.rate / 10 })
    }

    /// The calls of `numbers`: taped, rendered to MP3, decoded by two foreign decoders.
    private static func judged(
        _ carrier: TruthCarrier, _ numbers: Range<Int>, folder: String
    ) throws -> [Judged] {
        var calls: [(truth: Truth, path: String, samples: Int64)] = []
        for number in numbers {
            let call = Self.call(carrier, seed: UInt64(number) &* 65_537 &+ 5)
            let path = "\(folder)/\(number)"
            try Data(TapeLayout.magic + call.tape).write(to: URL(fileURLWithPath: path + ".tape"))
            let result = try CallRenderer(
                tapePath: path + ".tape", outputPath: path + ".mp3", settings: RenderSettings(quality: 7)
            ).finish()
            calls.append((call.truth, path + ".mp3", Int64(try #require(result.mp3).samples)))
        }
        let sounds = try StereoDecoding.ffmpeg(calls.map(\.path), folder: folder)
        return try zip(calls, sounds).map { call, sound in
            Judged(
                findings: TruthJudge(result: call.truth, sound: sound).findings(), samples: sound.left.count,
                rendered: call.samples, mpg123: try StereoDecoding.mpg123Samples(call.path),
                expected: call.truth.caller.count)
        }
    }

    @Test(arguments: [
        TruthCarrier.twilio, .telnyx, .telnyxALaw, .exotel(8_000, calls: 80), .exotel(16_000, calls: 60),
        .exotel(24_000, calls: 60),
    ])
    func theFirstThirdToTheSample(_ carrier: TruthCarrier) throws {
        var starts: [Double] = []
        var unheard: [Double] = []
        var missing: [Double] = []
        for number in 0..<carrier.calls / 3 {
            let call = Self.call(carrier, seed: UInt64(number) &* 65_537 &+ 5)
            let sound = try Self.folded(call.tape)
            let judge = TruthJudge(result: call.truth, sound: sound)
            let found = judge.agentFindings()
            starts += found.starts
            unheard.append(found.unheard)
            missing.append(found.missing)
            // A-law's silence is ±8; a hole is zero.
            let same = zip(sound.left, call.truth.caller).allSatisfy { abs(Int($0) - Int($1)) <= 8 }
            #expect(same && abs(sound.left.count - call.truth.caller.count) <= carrier.rate / 10)
        }
        let sorted = starts.map(abs).sorted()
        unheard.sort()
        missing.sort()
        func at(_ share: Double, _ values: [Double]) -> Double {
            values.isEmpty ? 0 : values[min(values.count - 1, Int(Double(values.count) * share))]
        }
        print(
            "clocked, not encoded, \(carrier.name): \(unheard.count) calls, \(starts.count) stretches, start p50 \(at(0.5, sorted)) p99 \(at(0.99, sorted)) max \(sorted.last ?? 0) (signed \(starts.min() ?? 0)…\(starts.max() ?? 0)), unheard p50 \(at(0.5, unheard)) p99 \(at(0.99, unheard)) max \(unheard.last ?? 0), missing p50 \(at(0.5, missing)) p99 \(at(0.99, missing)) max \(missing.last ?? 0)"
        )
        // The jitter of both ways is up to 20 ms: no evidence is sharper than a part of it.
        #expect(at(0.99, sorted) <= 20)
        let frame = 576_000 / Double(carrier.rate)
        #expect((unheard.last ?? 0) <= frame + TruthJudge.resolution, "more than one MP3 frame never heard")
        #expect((missing.last ?? 0) <= TruthJudge.resolution, "heard sound is missing")
    }

    static func call(_ carrier: TruthCarrier, seed: UInt64) -> ClockedCall {
        var random = SeededGenerator(seed: seed)
        var network = ClockedNetwork()
        network.fixedUp = Int64(random.below(40_000))
        network.fixedDown = Int64(random.below(40_000))
        network.jitter = Int64(random.below(20_001))
        switch random.below(6) {
        case 0: network.loss = 0.02
        case 1: network.reordering = 0.05
        case 2: network.duplication = 0.05
        case 3:
            let start = 1_500_000 + Int64(random.below(4_000_000))
            network.stall = start..<start + 100_000 + Int64(random.below(300_000))
        default: break
        }
        let length = Int64(8_000 + 100 * random.below(20))
        var turns: [ClockedTurn] = []
        var at: Int64 = 300_000 + Int64(random.below(500_000))
        while at < length * 1000 - 1_500_000 {
            let milliseconds = 100 + random.below(2_500)
            var turn = ClockedTurn(
                start: at, samples: milliseconds * carrier.agent.rate / 1000, cut: nil, seed: random.next())
            if random.below(4) > 0 {
                let cut = at + 20_000 + Int64(random.below(milliseconds * 1000 + 200_000))
                turn.cut = cut
                at = cut + 60_000 + Int64(random.below(700_000))
            } else {
                at += Int64(milliseconds + 350 + random.below(600)) * 1000
            }
            turns.append(turn)
        }
        let script = CallerScript([
            .init(.silence, milliseconds: 500),
            .init(.speech(seed: seed, hertz: 180, level: 9_000), milliseconds: 3_000),
            .init(.silence, milliseconds: 1_500),
            .init(.speech(seed: seed &+ 1, hertz: 160, level: 9_000), milliseconds: 2_000),
        ])
        var call = ClockedCall(
            carrier, network: network, turns: turns, sound: script.rendered(carrier.dialect.inbound),
            milliseconds: length, clearReturnsMarks: random.below(2) == 0, seed: seed)
        call.run()
        return call
    }

    /// Both channels as the fold emits them, before the encoder.
    static func folded(_ tape: [UInt8]) throws -> StereoSound {
        var parser = TapeParser()
        TapeLayout.magic.withUnsafeBytes { parser.feed($0) }
        tape.withUnsafeBytes { parser.feed($0) }
        var sound = StereoSound(left: [], right: [])
        let file = TapeLayout.magic + tape
        var fold: TapeFold?
        while let record = parser.next() {
            guard fold != nil else {
                fold = try TapeFold(header: TapeFold.document(TapeHeader.self, record), at: record.time)
                continue
            }
            try fold?.take(record, read: { Array(file[Int($0)..<Int($0) + $1]) }) {
                sound.left += $0
                sound.right += $1
            }
        }
        _ = try fold?.finish(read: { Array(file[Int($0)..<Int($0) + $1]) }) {
            sound.left += $0
            sound.right += $1
        }
        return sound
    }
}
