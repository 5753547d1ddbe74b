// Telnyx's codecs through the whole house: every one inbound with every one outbound, over real sockets.

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

@Suite(.serialized) struct CodecCallTests {
    /// The agent speaks 620 Hz for 900 ms; the caller 440 Hz from 1,100 to 1,500 ms.
    @Test(arguments: TelnyxCodec.all + TelnyxCodec.outboundOnly) func everyInboundCodec(outbound: TelnyxCodec)
        async throws
    {
        let house = try TestHouse(
            agent: ShortTalk.agent,
            values: ["telnyx.codec": outbound.name, "telnyx.sampling_rate": outbound.rate])
        let results = await withTaskGroup(of: (Int, SimulatedCallResult).self) { group in
            for (number, inbound) in TelnyxCodec.all.enumerated() {
                let call = ShortTalk.call(
                    to: house.media("/media-stream"),
                    dialect: .telnyx(inbound: inbound.format, outbound: outbound.format),
                    milliseconds: 2_400, seed: UInt64(number + 1))
                group.addTask { (number, await house.network.call(call, afterMilliseconds: number * 40)) }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        await house.settle()
        let rows = try house.exchange.archive.catalog.list(cursor: nil, limit: 100).items
        var judged = 0
        for (number, inbound) in TelnyxCodec.all.enumerated() {
            let result = try #require(results[number])
            let row = try #require(rows.first { $0.call.streamID == result.streamID })
            let detail = try #require(try house.exchange.archive.catalog.detail(row.call.id))
            let path = house.exchange.archive.layout.absolute(try #require(detail.recording.path))
            let sound = try #require(try StereoDecoding.ffmpeg([path], folder: house.folder).first)
            check(
                result, sound, detail.call.rate,
                "\(inbound.testDescription) in, \(outbound.testDescription) out")
            #expect(detail.recording.missing.isEmpty)
            judged += 1
        }
        #expect(judged == TelnyxCodec.all.count)
        #expect(house.close() == 0)
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
        let house = try TestHouse(
            agent: agent, values: ["telnyx.codec": codec.name, "telnyx.sampling_rate": codec.rate])
        let calls = (1...6).map { seed in
            var call = ShortTalk.call(
                to: house.media("/media-stream"),
                dialect: .telnyx(inbound: codec.format, outbound: codec.format), milliseconds: 3_000,
                seed: UInt64(seed))
            call.faults.loss = 0.03
            call.faults.reordering = 0.03
            call.faults.duplication = 0.03
            call.faults.skipped = [Stall(start: 1_800, length: 400)]
            return call
        }
        let results = await withTaskGroup(of: SimulatedCallResult.self) { group in
            for call in calls { group.addTask { await house.network.call(call) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        await house.settle()
        let rows = try house.exchange.archive.catalog.list(cursor: nil, limit: 100).items
        for result in results {
            let row = try #require(rows.first { $0.call.streamID == result.streamID })
            let detail = try #require(try house.exchange.archive.catalog.detail(row.call.id))
            let path = house.exchange.archive.layout.absolute(try #require(detail.recording.path))
            let sound = try #require(try StereoDecoding.ffmpeg([path], folder: house.folder).first)
            let named = detail.recording.missing.map { $0.start..<$0.start + $0.length }
            // Frames lost at the very end cannot be known to have existed.
            #expect(named == result.missing.filter { $0.upperBound < result.samples }, "\(result.streamID)")
            #expect(Self.decibels(result.caller, sound.left) > 15)
            #expect(result.clearPositions.count == 1)
            let heard = Self.tone(620, in: result.heard, rate: result.heardRate)
            let right = Self.tone(620, in: sound.right, rate: result.rate)
            #expect((800...1_600).contains(heard.count))
            #expect(abs(right.lowerBound - heard.lowerBound) <= 60)
            #expect(abs(right.upperBound - heard.upperBound) <= 80)
        }
        #expect(house.close() == 0)
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
        // The agent's is what the carrier played, where it played it.
        let heard = Self.tone(620, in: result.heard, rate: result.heardRate)
        let right = Self.tone(620, in: sound.right, rate: rate)
        #expect(abs(heard.count - 900) <= 60, name)
        #expect(abs(right.lowerBound - heard.lowerBound) <= 60, name)
        #expect(abs(right.upperBound - heard.upperBound) <= 60, name)
        #expect(Self.tone(440, in: sound.right, rate: rate).isEmpty, name)
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
        let block = rate / 50
        let detector = Goertzel(frequency, rate: rate)
        let loud = stride(from: 0, to: sound.count - block, by: block).filter {
            detector.amplitude(in: sound[$0..<$0 + block]) > 0.1
        }
        guard let first = loud.first, let last = loud.last else { return 0..<0 }
        return first * 1000 / rate..<(last + block) * 1000 / rate
    }
}
