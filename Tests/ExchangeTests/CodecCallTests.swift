// Telnyx's codecs through the whole house: every one inbound with every one outbound, over real sockets.

import Archive
import Audio
import Exchange
import Foundation
import Simulator
import Testing

/// A codec of Telnyx, as the house is told of it.
struct TelnyxCodec: Sendable, CustomTestStringConvertible {
    var name: String
    var format: AudioFormat
    var rate = "8000"
    var testDescription: String { "\(name) \(format.rate)" }

    static let all = [
        TelnyxCodec(name: "PCMU", format: .pcmu8k), TelnyxCodec(name: "PCMA", format: .pcma8k),
        TelnyxCodec(name: "G722", format: .g722),
        TelnyxCodec(name: "OPUS", format: AudioFormat(.opus, rate: 16_000), rate: "16000"),
        TelnyxCodec(name: "OPUS", format: AudioFormat(.opus, rate: 8_000)),
        TelnyxCodec(name: "AMR-WB", format: .amrwb, rate: "16000"),
        TelnyxCodec(name: "L16", format: AudioFormat(.pcm16, rate: 16_000), rate: "16000"),
        TelnyxCodec(name: "L16", format: AudioFormat(.pcm16, rate: 8_000)),
    ]
    /// What we may be asked to send besides, at rates that Telnyx's API names and its guide does not.
    static let outboundOnly = [22_050, 24_000, 48_000].map {
        TelnyxCodec(name: "L16", format: AudioFormat(.pcm16, rate: $0), rate: String($0))
    }
}

/// A call that was made, and what is recorded of it.
private struct RecordedCall {
    var result: SimulatedCallResult
    var detail: RecordingDetail
    var sound: StereoSound

    /// Whether frames left so late that the edges of sound, which are made in real time, say little.
    var isLate: Bool { result.counts.worstLateness > 40_000 }
}

@Suite(.serialized) struct CodecCallTests {
    /// The agent speaks 620 Hz for 900 ms; the caller 440 Hz from 1,100 to 1,500 ms.
    @Test(arguments: TelnyxCodec.all + TelnyxCodec.outboundOnly) func everyInboundCodec(outbound: TelnyxCodec)
        async throws
    {
        func name(_ number: Int) -> Comment {
            "\(TelnyxCodec.all[number].testDescription) in, \(outbound.testDescription) out"
        }
        try await judge(
            count: TelnyxCodec.all.count, agent: ShortTalk.agent, outbound: outbound, name: name,
            settings: { number, url in
                ShortTalk.call(
                    to: url,
                    dialect: .telnyx(inbound: TelnyxCodec.all[number].format, outbound: outbound.format),
                    milliseconds: 2_400, seed: UInt64(number + 1))
            },
            check: { number, call in
                check(call.result, call.sound, call.detail.call.rate, name(number))
                #expect(call.detail.recording.missing.isEmpty)
            }, faults: Self.edgeFaults)
    }

    /// Makes `count` calls at once and has each judged: by `check` in any case, by `faults`, whose promises
    /// are about real time, unless the machine stood still in the call's midst. Such a call is made again,
    /// three times at most.
    private func judge(
        count: Int, agent: SimulatedAgentSettings, outbound: TelnyxCodec, name: (Int) -> Comment,
        settings: (Int, String) -> SimulatedCallSettings, check: (Int, RecordedCall) -> Void,
        faults: (RecordedCall) -> [String]
    ) async throws {
        var left = Array(0..<count)
        for attempt in 1...4 where !left.isEmpty {
            var again: [Int] = []
            for (number, call) in try await recorded(left, agent, outbound, settings) {
                check(number, call)
                let title = name(number)
                let found = faults(call)
                if !found.isEmpty, call.isLate, attempt < 4 {
                    again.append(number)
                } else {
                    #expect(found == [], title)
                }
            }
            left = again
        }
    }

    /// Makes the calls `numbers` at once, in a house of their own, and decodes their recordings.
    private func recorded(
        _ numbers: [Int], _ agent: SimulatedAgentSettings, _ outbound: TelnyxCodec,
        _ settings: (Int, String) -> SimulatedCallSettings
    ) async throws -> [(Int, RecordedCall)] {
        let house = try TestHouse(
            agent: agent, values: ["telnyx.codec": outbound.name, "telnyx.sampling_rate": outbound.rate])
        let network = house.network
        let wanted = numbers.map { ($0, settings($0, house.media("/media-stream"))) }
        let results = await withTaskGroup(
            of: (Int, SimulatedCallResult).self, returning: [Int: SimulatedCallResult].self
        ) { group in
            for (number, call) in wanted {
                group.addTask { (number, await network.call(call, afterMilliseconds: number * 40)) }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        await house.settle()
        let catalog = house.exchange.archive.catalog
        let rows = try catalog.list(cursor: nil, limit: 100).items
        var calls: [(Int, RecordedCall)] = []
        for number in numbers {
            let result = try #require(results[number])
            let row = try #require(rows.first { $0.call.streamID == result.streamID })
            let detail = try #require(try catalog.detail(row.call.id))
            let path = house.exchange.archive.layout.absolute(try #require(detail.recording.path))
            let sound = try #require(try StereoDecoding.ffmpeg([path], folder: house.folder).first)
            calls.append((number, RecordedCall(result: result, detail: detail, sound: sound)))
        }
        #expect(house.close() == 0)
        return calls
    }

    /// A network that loses, doubles and turns frames round, a pause without frames, and an agent that is cut in its
    /// word: what is missing is named, what was decoded is in its place, and the agent ends where the carrier stopped.
    @Test(arguments: TelnyxCodec.all) func aBadNetworkAndAnInterruption(codec: TelnyxCodec) async throws {
        var agent = SimulatedAgentSettings(turns: [
            AgentTurn(
                "A long story.", sound: .tone(hertz: 620, level: 8000), milliseconds: 4_000,
                trigger: .afterPrevious(milliseconds: 0))
        ])
        agent.output = AudioFormat(.pcm16, rate: 16_000)
        agent.input = AudioFormat(.pcm16, rate: 16_000)
        agent.interruptions = [1_300]
        try await judge(
            count: 6, agent: agent, outbound: codec, name: { "call \($0 + 1)" },
            settings: { number, url in
                var call = ShortTalk.call(
                    to: url, dialect: .telnyx(inbound: codec.format, outbound: codec.format),
                    milliseconds: 3_000, seed: UInt64(number + 1))
                call.faults.loss = 0.03
                call.faults.reordering = 0.03
                call.faults.duplication = 0.03
                call.faults.skipped = [Stall(start: 1_800, length: 400)]
                return call
            },
            check: { number, call in
                let (result, name): (SimulatedCallResult, Comment) = (call.result, "call \(number + 1)")
                #expect(result.end == .asPlanned, name)
                #expect(result.playout.malformed == 0, name)
                let named = call.detail.recording.missing.map { $0.start..<$0.start + $0.length }
                // Frames lost at the very end cannot be known to have existed.
                #expect(named == result.missing.filter { $0.upperBound < result.samples }, name)
                #expect(Self.decibels(result.caller, call.sound.left) > 15, name)
            }, faults: Self.interruptionFaults)
    }

    /// What is wrong with the agent's sound in a call whose agent was cut.
    private static func interruptionFaults(_ call: RecordedCall) -> [String] {
        let (result, sound) = (call.result, call.sound)
        var faults: [String] = []
        if result.clearPositions.count != 1 { faults.append("clears at \(result.clearPositions)") }
        let heard = tone(620, in: result.heard, rate: result.heardRate)
        let right = tone(620, in: sound.right, rate: result.rate)
        if !(800...1_600).contains(heard.count) { faults.append("heard for \(heard.count) ms") }
        if abs(right.lowerBound - heard.lowerBound) > 60 || abs(right.upperBound - heard.upperBound) > 80 {
            faults.append("heard at \(heard), recorded at \(right)")
        }
        return faults
    }

    private func check(_ result: SimulatedCallResult, _ sound: StereoSound, _ rate: Int, _ name: Comment) {
        #expect(result.end == .asPlanned, name)
        #expect(result.counts.refusedMessages == 0, name)
        #expect(result.playout.malformed == 0 && result.playout.oddPieces == 0, name)
        #expect(rate == result.rate, name)
        #expect(Int64(sound.left.count) == result.samples && sound.right.count == sound.left.count, name)
        // The caller's channel is what its frames decode to, behind the MP3 coder.
        #expect(result.caller.count == sound.left.count, name)
        #expect(Self.decibels(result.caller, sound.left) > 15, name)
        let left = Self.tone(440, in: sound.left, rate: rate)
        #expect(abs(left.lowerBound - 1_100) <= 60 && abs(left.upperBound - 1_500) <= 60, name)
        #expect(Self.tone(620, in: sound.left, rate: rate).isEmpty, name)
        #expect(Self.tone(440, in: sound.right, rate: rate).isEmpty, name)
    }

    /// What is wrong with the agent's sound: it is what the carrier played, where it played it.
    private static func edgeFaults(_ call: RecordedCall) -> [String] {
        let heard = tone(620, in: call.result.heard, rate: call.result.heardRate)
        let right = tone(620, in: call.sound.right, rate: call.detail.call.rate)
        var faults: [String] = []
        if abs(heard.count - 900) > 60 { faults.append("heard for \(heard.count) ms") }
        if abs(right.lowerBound - heard.lowerBound) > 60 || abs(right.upperBound - heard.upperBound) > 60 {
            faults.append("heard at \(heard), recorded at \(right)")
        }
        return faults
    }

    /// Energy of `original` over that of what `other` differs by.
    static func decibels(_ original: [Int16], _ other: [Int16]) -> Double {
        var (energy, noise) = (0.0, 1e-9)
        for (one, two) in zip(original, other) {
            energy += Double(one) * Double(one)
            noise += (Double(one) - Double(two)) * (Double(one) - Double(two))
        }
        return 10 * log10(energy / noise)
    }

    /// Where `frequency` sounds, in milliseconds, to a block of 20 ms; empty when it does not. Its level was 8000,
    /// a quarter of full scale: an eighth is there.
    static func tone(_ frequency: Double, in sound: [Int16], rate: Int) -> Range<Int> {
        let loud = blocks(of: frequency, in: sound, rate: rate)
        guard let first = loud.first, let last = loud.last else { return 0..<0 }
        return first * 1000 / rate..<(last + rate / 50) * 1000 / rate
    }

    /// For how long `frequency` sounds in all, in milliseconds, whatever holes there are.
    static func sounding(_ frequency: Double, in sound: [Int16], rate: Int) -> Int {
        blocks(of: frequency, in: sound, rate: rate).count * 20
    }

    /// Where the blocks of 20 ms begin in which `frequency` sounds, in samples.
    private static func blocks(of frequency: Double, in sound: [Int16], rate: Int) -> [Int] {
        let block = rate / 50
        let detector = Goertzel(frequency, rate: rate)
        return stride(from: 0, to: sound.count - block, by: block).filter {
            detector.amplitude(in: sound[$0..<$0 + block]) > 0.1
        }
    }
}
