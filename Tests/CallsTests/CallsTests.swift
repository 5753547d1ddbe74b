// The rules of a call as tables: what comes in, what is wanted.

import Agents
import Audio
import Calls
import Carriers
import Tape
import Telemetry
import Testing

@Suite struct CallBeginTests {
    @Test func startOpensTapeAndAgent() {
        var stage = Stage()
        stage.start()
        #expect(stage.hands.wishes == [.started, .openAgent])
        #expect(stage.machine.phase == .connecting)
        #expect(stage.tapeKinds() == [.header])
    }

    @Test func aRepeatedStartChangesNothing() {
        var stage = Stage()
        stage.start()
        stage.start()
        #expect(stage.hands.wishes == [.started, .openAgent])
        #expect(stage.tapeKinds() == [.header, .note])
    }

    @Test func stopWithoutStartEndsWithoutATape() {
        var stage = Stage()
        stage.carrier { $0.encodeStop(into: &$1) }
        #expect(stage.hands.end == CallEnd(.carrier, .noStart))
        #expect(stage.tapeKinds().isEmpty)
    }

    @Test(arguments: [(Carrier.twilio, 15_000), (.exotel, 15_000), (.telnyx, 90_000)] as [(Carrier, Int64)])
    func noStart(carrier: Carrier, limit: Int64) {
        var stage = Stage(carrier)
        stage.pass(limit - 20)
        #expect(stage.hands.end == nil)
        stage.pass(20)
        #expect(stage.hands.end == CallEnd(.carrier, .noStart))
    }

    @Test func bytesBeforeStartAreBounded() {
        var stage = Stage()
        let padding = Array(
            "{\"event\":\"connected\",\"x\":\"\(String(repeating: "y", count: 8_000))\"}".utf8)
        var count = 0
        while stage.hands.end == nil, count < 100 {
            padding.withUnsafeBytes { stage.machine.carrierMessage($0, at: stage.now, &stage.hands) }
            count += 1
        }
        #expect(stage.hands.end == CallEnd(.carrier, .noStart))
        #expect(count == (64 << 10) / padding.count + 1)
    }

    @Test func badMessagesAreCountedAndBounded() {
        var stage = Stage()
        stage.open()
        for _ in 0..<49 { stage.carrier { $1 = Array("{\"event\":".utf8) } }
        #expect(stage.hands.end == nil)
        stage.frame()
        for _ in 0..<49 { stage.machine.carrierBinary(at: stage.now, &stage.hands) }
        #expect(stage.hands.end == nil)
        stage.machine.carrierBinary(at: stage.now, &stage.hands)
        #expect(stage.hands.end == CallEnd(.carrier, .badMessages))
        #expect(stage.machine.namedCounts["bad_carrier_messages"] == 99)
    }

    @Test func aForkIsRecordedWithoutAnAgent() {
        var stage = Stage(tracks: [.inbound, .outbound])
        stage.start()
        #expect(stage.machine.phase == .recordingOnly)
        #expect(stage.hands.attempts == 0)
    }
}

@Suite struct CallEndTests {
    @Test(
        arguments: [
            (1006, CallEndReason.streamLost), (1000, .streamClosed), (1001, .streamClosed),
            (1013, .carrierTooSlow),
        ] as [(UInt16, CallEndReason)])
    func carrierCloses(code: UInt16, why: CallEndReason) {
        var stage = Stage()
        stage.open()
        stage.machine.carrierClosed(code: code, at: stage.now, &stage.hands)
        #expect(stage.hands.end == CallEnd(.carrier, why))
        #expect(stage.hands.wishes.contains(.closeAgent))
        #expect(stage.tapeKinds().last == .closing)
    }

    @Test func stopIsTheCallersHangUp() {
        var stage = Stage()
        stage.open()
        stage.carrier { $0.encodeStop(into: &$1) }
        #expect(stage.hands.end == CallEnd(.caller, .hangup))
        let wishes = stage.hands.wishes.count
        stage.frame()
        stage.pass(1_000)
        #expect(stage.hands.wishes.count == wishes, "an ended call wants nothing")
    }

    @Test func idle() {
        var stage = Stage()
        stage.open()
        stage.pass(29_980)
        #expect(stage.hands.end == nil)
        stage.pass(20)
        #expect(stage.hands.end == CallEnd(.carrier, .idle))
    }

    @Test func maxDuration() {
        var rules = CallRules()
        rules.maxMilliseconds = 2_000
        var stage = Stage(rules: rules)
        stage.open()
        stage.pass(1_980, frames: true)
        #expect(stage.hands.end == nil)
        stage.pass(20, frames: true)
        #expect(stage.hands.end == CallEnd(.server, .maxDuration))
    }

    @Test func drainedClosesWithGoingAway() {
        var stage = Stage()
        stage.open()
        stage.machine.hangUp(.drained, at: stage.now, &stage.hands)
        #expect(stage.hands.wishes.contains(.closeCarrier(1001)))
        #expect(stage.hands.end == CallEnd(.server, .drained))
    }
}

@Suite struct AgentReachTests {
    /// Pauses of 250, 500 and 1,000 ms with jitter of half of it: three quarters to five quarters.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func retriesAreBoundedAndSpread(seed: UInt64) {
        var stage = Stage(seed: seed &* 0x9E37_79B9)
        stage.start()
        for (attempt, pause) in [250, 500, 1_000].enumerated() as EnumeratedSequence<[Int64]> {
            stage.machine.agentClosed(
                code: 1006, reason: "", failure: .unreachable, at: stage.now, &stage.hands)
            #expect(stage.machine.phase == .retrying)
            let failed = stage.now
            while stage.machine.phase == .retrying, stage.now.milliseconds(since: failed) < 5_000 {
                stage.pass(20, frames: true)
            }
            let waited = stage.now.milliseconds(since: failed)
            #expect(waited >= pause * 3 / 4 && waited <= pause * 5 / 4 + 20)
            #expect(stage.hands.attempts == attempt + 2)
        }
        stage.machine.agentClosed(code: 1006, reason: "", failure: .unreachable, at: stage.now, &stage.hands)
        #expect(stage.hands.end == CallEnd(.agent, .agentUnreachable))
        #expect(stage.hands.wishes.contains(.closeCarrier(1000)))
    }

    @Test func aRefusalIsFinal() {
        var stage = Stage()
        stage.start()
        stage.machine.agentClosed(code: 1006, reason: "", failure: .refused, at: stage.now, &stage.hands)
        stage.pass(20)
        #expect(stage.hands.end == CallEnd(.agent, .agentRefused))
        #expect(stage.hands.attempts == 1)
    }

    @Test func aSilentAgentIsGivenUp() {
        var rules = CallRules()
        rules.agentAttempts = 1
        var stage = Stage(rules: rules)
        stage.start()
        stage.machine.agentOpened(at: stage.now, &stage.hands)
        stage.pass(14_980, frames: true)
        #expect(stage.hands.end == nil)
        stage.pass(20, frames: true)
        #expect(stage.hands.end == CallEnd(.agent, .agentUnreachable))
    }

    static let formats: [AudioFormat] =
        [8_000, 16_000, 22_050, 24_000, 44_100, 48_000].map { AudioFormat(.pcm16, rate: $0) } + [.pcmu8k]

    /// A second of the caller is a second for the agent, and back, in every format, to a resampler's delay.
    @Test(arguments: formats) func formatsFollowTheMetadata(format: AudioFormat) {
        var stage = Stage()
        stage.open(output: format, input: format)
        #expect(stage.machine.phase == .live)
        let before = stage.hands.toAgent.count
        for _ in 0..<50 { stage.frame() }
        var codec = AgentPeer()
        let heard = stage.hands.toAgent[before...].reduce(0) { sum, sent in
            guard case .userAudio = sent.message.withUnsafeBytes({ codec.decode($0) }) else { return sum }
            return sum + codec.payload.count
        }
        #expect(abs(heard - format.bytes(inMilliseconds: 1_000)) <= format.bytes(inMilliseconds: 10))
        stage.speak(format.bytes(inMilliseconds: 1_000))
        stage.pass(200)
        let sent = stage.pieces().reduce(0, +)
        #expect(abs(sent - 8_000) <= 160)
    }

    @Test func anUnknownFormatEndsTheCall() {
        var stage = Stage()
        stage.start()
        stage.machine.agentOpened(at: stage.now, &stage.hands)
        stage.agent { _, output in
            output = Array(
                """
                {"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":{"conversation_id":"c",\
                "agent_output_audio_format":"mp3_44100","user_input_audio_format":"pcm_16000"}}
                """.utf8)
        }
        #expect(stage.hands.end == CallEnd(.agent, .agentFormat))
        // ElevenLabs has the conversation: the row has to know it.
        #expect(stage.hands.wishes.contains(.conversation("c")))
    }

    @Test func pingsAreAnsweredUrgently() {
        var stage = Stage()
        stage.open()
        stage.agent { $0.encodePing(eventID: 42, into: &$1) }
        var peer = AgentPeer()
        let last = stage.hands.toAgent.last
        #expect(last?.urgent == true)
        guard let last, case .pong(let id) = last.message.withUnsafeBytes({ peer.decode($0) }) else {
            Issue.record("no pong")
            return
        }
        #expect(id == 42)
    }
}
