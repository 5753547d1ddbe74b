// Simulated calls over real sockets: what the bridge plays is what the caller hears, and the reverse.

import Audio
import Carriers
import Net
import Testing

@testable import Simulator

/// Runs one call against a bridge and returns both records. The caller hangs up when the bridge's record
/// `isEnough`, if that is given, else as `ending` says.
func makeCall(
    _ plan: BridgePlan, _ dialect: CarrierDialect, script: CallerScript = CallerScript(),
    ending: SimulatedEnding = .hangUp(atMilliseconds: 60_000),
    until isEnough: ((BridgeRecord) -> Bool)? = nil,
    change: (inout SimulatedCallSettings) -> Void = { _ in }
) async throws -> (carrier: SimulatedCallResult, bridge: BridgeRecord?) {
    let bridge = try SmallBridge.start(plan)
    let network = try CarrierNetwork.start(everyMilliseconds: 10)
    var settings = SimulatedCallSettings(
        url: bridge.url(dialect), dialect: dialect, script: script, ending: ending)
    change(&settings)
    let call = network.begin(settings)
    if let isEnough {
        #expect(try await bridge.comes(to: isEnough))
        call.hangUp()
    }
    let result = try #require(await call.result(withinMilliseconds: 90_000))
    var record: BridgeRecord?
    if case .neverOpened = result.end {} else { record = try await bridge.record() }
    network.stop()
    bridge.stop()
    return (result, record)
}

/// `milliseconds` of noise in `format`.
func noise(_ seed: UInt64, _ milliseconds: Int, _ format: AudioFormat) -> [UInt8] {
    SoundCoding.encoded(
        SyntheticSound.noise(seed: seed, level: 9000).rendered(milliseconds: milliseconds, rate: format.rate),
        codec: format.codec)
}

@Suite struct CarrierSocketTests {
    private static let talk = CallerScript([
        .init(.silence, milliseconds: 50), .init(.noise(seed: 5, level: 9000), milliseconds: 300),
        .init(.tone(hertz: 500, level: 8000), milliseconds: 200),
    ])

    @Test(arguments: DialectTests.dialects)
    func bothSidesHearExactlyWhatWasSent(dialect: CarrierDialect) async throws {
        let sound = noise(1, 400, dialect.outbound)
        let size = dialect.carrier == .exotel ? 3200 : 1000
        let pieces = stride(from: 0, to: sound.count, by: size).map {
            Array(sound[$0..<min($0 + size, sound.count)])
        }
        let sent = Self.talk.rendered(dialect.inbound).bytes
        // When all was said and played, and both sides know.
        let (result, record) = try await makeCall(
            .play(pieces), dialect, script: Self.talk,
            until: { $0.sound.count >= sent.count && $0.marks.count >= pieces.count })
        let bridge = try #require(record)
        try #require(bridge.sound.count >= sent.count)

        #expect(result.end == .asPlanned)
        #expect(result.closeCode == 1000)
        #expect(bridge.stopped)
        #expect(bridge.errors == 0)

        // The caller's track: every whole frame up to the hang-up, none lost, the script exactly.
        let wanted =
            sent + [UInt8](repeating: dialect.inbound.silenceByte, count: bridge.sound.count - sent.count)
        #expect(bridge.sound == wanted)
        let frames = Int(result.samples) / dialect.frameSamples
        #expect(
            bridge.sound.count == frames * dialect.inbound.bytes(inMilliseconds: dialect.frameMilliseconds))
        #expect(result.caller == SoundCoding.decoded(bridge.sound, codec: dialect.inbound.codec))

        // The heard track: silence, the bridge's sound without a hole, silence.
        let start = try #require(result.segments.first?.position)
        let heard = SoundCoding.decoded(sound, codec: dialect.outbound.codec)
        try #require(result.heard.count >= Int(start) + heard.count)
        #expect(Array(result.heard[Int(start)..<Int(start) + heard.count]) == heard)
        #expect(result.heard[..<Int(start)].allSatisfy { abs(Int($0)) <= 8 })
        #expect(result.heard.count == Int(result.samples))
        #expect(result.playout.messages == pieces.count)

        // Marks came back in order, where their sound ended.
        #expect(bridge.marks == pieces.indices.map { "m\($0)" })
        var end = start
        for (mark, piece) in zip(result.marks, pieces) {
            end += Int64(dialect.outbound.samples(inBytes: piece.count))
            #expect(mark.position == end)
        }
    }

    @Test(arguments: DialectTests.dialects)
    func stampsAreTheCarriers(dialect: CarrierDialect) async throws {
        let (result, record) = try await makeCall(
            .play([]), dialect, ending: .hangUp(atMilliseconds: 400), change: { $0.firstTimestamp = 61 })
        #expect(result.end == .asPlanned)
        #expect(result.samples == Int64(dialect.inbound.rate) * 4 / 10)
        let stamps = try #require(record).stamps
        let length = Int64(dialect.frameMilliseconds)
        #expect(stamps.map(\.chunk) == (1...400 / length).map { Optional($0) })
        #expect(stamps.map(\.timestamp) == (0..<400 / length).map { Optional(61 + $0 * length) })
        #expect(stamps.map(\.sequence) == (2...1 + 400 / length).map { Optional($0) })
    }

    @Test func clearCutsWhatIsHeard() async throws {
        let sound = noise(2, 30_000, .pcmu8k)
        let script = CallerScript([], keys: [.init("*", atMilliseconds: 300)])
        let (result, record) = try await makeCall(
            .play([sound]), .twilio, script: script, until: { $0.marks == ["m0"] })
        let bridge = try #require(record)
        let cut = try #require(result.clearPositions.first)
        let start = try #require(result.segments.first?.position)
        #expect(cut >= 2400)
        #expect(
            result.segments == [HeardSegment(message: 0, firstSample: 0, position: start, count: cut - start)]
        )
        #expect(result.marks == [ReturnedMark(name: "m0", position: cut, cleared: true)])
        #expect(bridge.marks == ["m0"])
        #expect(bridge.keys == ["*"])
        #expect(result.heard[Int(cut)...].allSatisfy { $0 == 0 })
        #expect(try #require(result.clearReaction(after: 2400)) >= 0)
    }

    /// The cases of the vector `twilio_ws_out_invalid_cases.json`, and a right `clear` of a foreign stream.
    @Test func twilioDropsWhatItDoesNotTake() async throws {
        let (result, record) = try await makeCall(
            .send([
                "hello", "{\"event\":\"media\",\"media\":{\"payload\":\"/////w==\"}}",
                "{\"event\":\"clear\",\"streamSid\":\"MZ00000000000000000000000000000000\"}",
                "{\"event\":\"hangup\",\"streamSid\":\"MZ00000000000000000000000000000000\"}",
            ]), .twilio, until: { $0.marks == ["sent"] })
        #expect(result.counts.refusedMessages == 4)
        // But for the mark behind them nothing was taken.
        var counts = PlayoutCounts()
        (counts.marks, counts.marksPlayed) = (1, 1)
        #expect(result.playout == counts)
        #expect(
            result.commands.map(\.kind) == [.refused, .refused, .refused, .refused, .mark(name: "sent")])
        #expect(record?.complaints == [])
    }

    @Test func telnyxTellsItsErrors() async throws {
        let (result, record) = try await makeCall(
            .send(["hello", "{\"event\":\"media\",\"media\":{\"payload\":\"%%%\"}}", "{\"event\":\"clear\"}"]
            ),
            .telnyx, until: { $0.marks == ["sent"] })
        #expect(result.counts.refusedMessages == 2)
        #expect(result.playout.clears == 1)
        #expect(record?.complaints == [100003, 100004])
    }

    @Test func theServerMayClose() async throws {
        let script = CallerScript([], keys: [.init("#", atMilliseconds: 100)])
        let (result, _) = try await makeCall(
            .play([]), .telnyx, script: script, ending: .server(limitMilliseconds: 20_000))
        #expect(result.end == .server)
        #expect(result.closeCode == 1000)
        // Before the limit.
        #expect(result.samples < 160_000)
    }

    @Test func aResetHasNoStop() async throws {
        let (result, record) = try await makeCall(.play([]), .twilio, ending: .reset(atMilliseconds: 100))
        #expect(result.end == .asPlanned)
        #expect(record?.stopped == false)
        #expect(record?.closeCode == 1006)
    }

    @Test func aCloseWithoutStop() async throws {
        let (_, record) = try await makeCall(
            .play([]), .exotel(), ending: .closeWithoutStop(atMilliseconds: 200))
        #expect(record?.stopped == false)
        #expect(record?.closeCode == 1000)
    }

    @Test func aStartThatNeverComes() async throws {
        let (result, record) = try await makeCall(
            .play([]), .telnyx, ending: .neverStart(closeAfterMilliseconds: 150))
        #expect(result.end == .asPlanned)
        #expect(record?.start == nil)
        #expect(record?.stamps.isEmpty == true)
    }

    @Test func aRefusedUpgradeIsReported() async throws {
        let (result, _) = try await makeCall(
            .play([]), .twilio, ending: .hangUp(atMilliseconds: 100),
            change: {
                $0.url += "-unknown"
                $0.url = $0.url.replacing("twilio-unknown", with: "nobody")
            })
        #expect(result.end == .neverOpened(.refused(status: 404)))
    }

    @Test func mediaBeforeStart() async throws {
        let (_, record) = try await makeCall(
            .play([]), .twilio, script: Self.talk, ending: .hangUp(atMilliseconds: 300),
            change: { $0.faults.mediaBeforeStart = 5 })
        let bridge = try #require(record)
        #expect(bridge.mediaBeforeStart == 5)
        #expect(bridge.stamps.map(\.chunk) == (1...15).map { Optional(Int64($0)) })
    }

    @Test func lossAndItsRecord() async throws {
        let (result, record) = try await makeCall(
            .play([]), .twilio, script: Self.talk, ending: .hangUp(atMilliseconds: 600),
            change: {
                $0.faults.loss = 0.3
                $0.seed = 11
            })
        let bridge = try #require(record)
        var plan = FaultPlan(CarrierFaults.with { $0.loss = 0.3 }, seed: 12)
        let lost = (0..<30).filter { _ in plan.fate().lost }
        #expect(result.counts.framesLost == lost.count)
        #expect(result.counts.framesSent == 30 - lost.count)
        #expect(Set(bridge.stamps.compactMap(\.chunk)).isDisjoint(with: lost.map { Int64($0 + 1) }))
        #expect(result.missing.reduce(0) { $0 + $1.count } == lost.count * 160)
        #expect(
            result.missing.allSatisfy {
                result.caller[Int($0.lowerBound)..<Int($0.upperBound)].allSatisfy { $0 == 0 }
            })
    }

    @Test func duplicatesAndLateFrames() async throws {
        let (result, record) = try await makeCall(
            .play([]), .telnyx, ending: .hangUp(atMilliseconds: 600),
            change: {
                $0.faults.duplication = 0.2
                $0.faults.reordering = 0.2
            })
        let chunks = try #require(record).stamps.compactMap(\.chunk)
        #expect(Set(chunks) == Set(1...30))
        #expect(chunks != chunks.sorted())
        #expect(chunks.count > 30)
        #expect(result.counts.framesDoubled > 0 && result.counts.framesLate > 0)
    }

    @Test func skippedFramesLeaveGapsInTimeNotInNumbers() async throws {
        let (result, record) = try await makeCall(
            .play([]), .twilio, ending: .hangUp(atMilliseconds: 400),
            change: { $0.faults.skipped = [Stall(start: 100, length: 100)] })
        let stamps = try #require(record).stamps
        #expect(stamps.map(\.chunk) == (1...15).map { Optional(Int64($0)) })
        #expect(stamps.compactMap(\.timestamp) == [0, 20, 40, 60, 80] + stride(from: 200, to: 400, by: 20))
        #expect(result.missing == [800..<1600])
    }

    @Test func stallsDelayBothWaysAndLoseNothing() async throws {
        let sound = noise(3, 200, .pcmu8k)
        // The way in stands still until long after the bridge's sound has set out.
        let (result, record) = try await makeCall(
            .play([sound]), .twilio, script: Self.talk, ending: .hangUp(atMilliseconds: 4000),
            change: {
                $0.faults.outgoing = PathDelays(jitter: 15, stalls: [Stall(start: 100, length: 200)])
                $0.faults.incoming = PathDelays(stalls: [Stall(start: 0, length: 3500)])
                $0.faults.markDelay = 40
            })
        let bridge = try #require(record)
        #expect(bridge.stamps.compactMap(\.chunk) == Array(1...200))
        #expect(bridge.stopped)
        #expect(try #require(result.segments.first).position == 28_000)
        #expect(result.marks.map(\.position) == [29_600])
        #expect(bridge.marks == ["m0"])
    }
}

extension CarrierFaults {
    /// Faults changed by `change`.
    static func with(_ change: (inout CarrierFaults) -> Void) -> CarrierFaults {
        var faults = CarrierFaults()
        change(&faults)
        return faults
    }
}
