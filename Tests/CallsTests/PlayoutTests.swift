// The agent's sound on its way out: pieces, pacing, interruption, drain; and silence on the caller's way in.

import Agents
import Audio
import Calls
import Carriers
import Tape
import Telemetry
import Testing

@Suite struct InterruptionTests {
    @Test func clearLeavesAtOnceAndStaleSoundIsDropped() {
        var stage = Stage()
        stage.open()
        stage.speak(8_000, turn: 3)
        stage.agent { $0.encodeInterruption(eventID: 4, into: &$1) }
        #expect(stage.hands.toCarrier.last?.urgent == true)
        #expect(stage.told().last == .clear)
        let before = stage.pieces().count
        stage.speak(1_600, turn: 3)
        #expect(stage.pieces().count == before, "sound of an older event is stale")
        stage.speak(1_600, turn: 4)
        #expect(stage.pieces().count == before + 1, "the interruption's own id is the reply's")
        stage.speak(1_600, turn: 5)
        #expect(stage.pieces().count == before + 2)
        #expect(stage.machine.namedCounts["stale_bytes"] == 1_600)
        #expect(stage.machine.namedCounts["interruptions"] == 1)
    }

    @Test func whatWaitsInOurHandsIsDroppedToo() {
        var stage = Stage(
            .exotel, inbound: AudioFormat(.pcm16, rate: 8_000), outbound: AudioFormat(.pcm16, rate: 8_000))
        stage.open(output: AudioFormat(.pcm16, rate: 8_000), input: AudioFormat(.pcm16, rate: 8_000))
        stage.speak(160_000, turn: 1)
        let before = stage.pieces().count
        stage.agent { $0.encodeInterruption(eventID: 2, into: &$1) }
        stage.pass(5_000, frames: false)
        #expect(stage.pieces().count == before)
    }

    @Test func clearIsSentEvenWhenNothingIsBelievedToWait() {
        var stage = Stage()
        stage.open()
        stage.agent { $0.encodeInterruption(eventID: 1, into: &$1) }
        #expect(stage.told() == [.clear])
    }

    @Test func aMarkGoesBehindExotelsClear() {
        let format = AudioFormat(.pcm16, rate: 8_000)
        var stage = Stage(.exotel, inbound: format, outbound: format)
        stage.open(output: format, input: format)
        stage.agent { $0.encodeInterruption(eventID: 1, into: &$1) }
        // Exotel does not say whether `clear` returns marks: this one tells when it has taken effect.
        #expect(stage.told() == [.clear, .mark(name: "c1")])
    }
}

@Suite struct PieceTests {
    /// Exotel: multiples of 320 bytes, at least 3,200, at most 400 ms and one piece ahead of real time.
    @Test(arguments: [8_000, 16_000, 24_000]) func exotelPacing(rate: Int) {
        let format = AudioFormat(.pcm16, rate: rate)
        var stage = Stage(.exotel, inbound: format, outbound: format)
        stage.open(output: format, input: format)
        stage.speak(format.bytes(inMilliseconds: 3_000) + 2)
        var worst: Int64 = 0
        let began = stage.now
        for _ in 0..<200 {
            stage.pass(20)
            let pieces = stage.pieces()
            #expect(pieces.allSatisfy { $0 >= 3_200 && $0 % 320 == 0 && $0 <= 100_000 })
            let sent = Int64(format.samples(inBytes: pieces.reduce(0, +))) * 1000 / Int64(rate)
            let piece = Int64(format.samples(inBytes: pieces.max() ?? 0)) * 1000 / Int64(rate)
            worst = max(worst, sent - stage.now.milliseconds(since: began) - piece)
        }
        #expect(worst <= 400)
        let sent = stage.pieces().reduce(0, +)
        #expect(sent >= format.bytes(inMilliseconds: 3_000))
    }

    @Test(arguments: [1, 37, 159, 160, 161, 799, 1_601, 8_001]) func telnyxPiecesAreWholeFrames(bytes: Int) {
        var stage = Stage(.telnyx)
        stage.open()
        stage.speak(bytes)
        stage.pass(1_200)
        let pieces = stage.pieces()
        #expect(pieces.allSatisfy { $0 >= 160 && $0 % 160 == 0 && $0 <= 240_000 })
        #expect(pieces.reduce(0, +) == (bytes + 159) / 160 * 160)
    }

    @Test func everyPieceIsFollowedByAMarkAndAFreshRunIsPreceded() {
        var stage = Stage()
        stage.open()
        stage.speak(3_200)
        #expect(stage.told() == [.mark(name: "p1"), .media, .mark(name: "m2"), .media, .mark(name: "m3")])
    }

    @Test func endCallDrainsBeforeHangUp() {
        var stage = Stage()
        stage.open()
        stage.speak(1_600)
        stage.agent { $0.encodeToolResponse(callID: "t", eventID: 1, into: &$1) }
        stage.machine.agentClosed(code: 1000, reason: "", at: stage.now, &stage.hands)
        stage.pass(180, frames: true)
        #expect(stage.hands.end == nil, "200 ms of sound are still being played")
        stage.carrier { $0.encodeMark("m2", into: &$1) }
        stage.pass(80, frames: true)
        #expect(stage.hands.end == nil, "the caller's frames of the last sound are on their way")
        stage.pass(60, frames: true)
        #expect(stage.hands.end == CallEnd(.agent, .agentEnded))
    }

    @Test func theBacklogIsBounded() {
        var rules = CallRules()
        rules.backlogMilliseconds = 1_000
        let format = AudioFormat(.pcm16, rate: 8_000)
        var stage = Stage(.exotel, inbound: format, outbound: format, rules: rules)
        stage.open(output: format, input: format)
        for _ in 0..<20 { stage.speak(8_000) }
        let dropped = stage.machine.namedCounts["overflow_bytes"] ?? 0
        let sent = stage.pieces().reduce(0, +)
        #expect(dropped > 0)
        #expect(160_000 - Int(dropped) - sent <= 16_000)
    }
}

@Suite struct UplinkTests {
    @Test(arguments: Array("0123456789*#")) func keysBecomeAContextualUpdate(key: Character) {
        var stage = Stage()
        stage.open()
        let before = stage.hands.toAgent.count
        stage.carrier { $0.encodeDTMF(key, into: &$1) }
        var peer = AgentPeer()
        let said = stage.hands.toAgent[before...].map { sent in
            sent.message.withUnsafeBytes { peer.decode($0) }
        }
        guard case .contextualUpdate(let text)? = said.first else {
            Issue.record("no contextual update")
            return
        }
        #expect(text.contains(String(key)))
        #expect(stage.tapeKinds().contains(.dtmf))
    }

    /// 2 s without a frame are 2 s of silence for the agent, less the pause that is left unfilled.
    @Test func silenceWhileTheCarrierIsQuiet() {
        var stage = Stage()
        stage.open()
        stage.frame()
        let before = stage.hands.toAgent.count
        stage.pass(2_000)
        var peer = AgentPeer()
        var bytes = 0
        for sent in stage.hands.toAgent[before...] {
            guard case .userAudio = sent.message.withUnsafeBytes({ peer.decode($0) }) else { continue }
            #expect(peer.payload.allSatisfy { $0 == 0xFF })
            bytes += peer.payload.count
        }
        #expect(abs(bytes - 16_000) <= 160 * 6)
        #expect(stage.machine.namedCounts["silence_samples"] == Int64(bytes))
    }

    @Test func framesReachTheAgentInOrder() {
        var stage = Stage()
        stage.open()
        let before = stage.hands.toAgent.count
        for value in [1, 3, 2] as [UInt8] {
            let sound = [UInt8](repeating: value, count: 160)
            stage.carrier { peer, output in
                sound.withUnsafeBytes {
                    peer.encodeMedia($0, chunk: Int64(value), timestamp: Int64(value - 1) * 20, into: &output)
                }
            }
        }
        var peer = AgentPeer()
        let order = stage.hands.toAgent[before...].compactMap { sent -> UInt8? in
            guard case .userAudio = sent.message.withUnsafeBytes({ peer.decode($0) }) else { return nil }
            return peer.payload.first
        }
        #expect(order == [1, 2, 3])
    }
}
