// Calls that speak by themselves: texts in order, and the answering machine step by step.

import Agents
import Audio
import Calls
import Carriers
import Routing
import Telemetry
import Testing

@Suite struct SpeakingTests {
    private func stage(_ change: (inout CallPlan) -> Void) -> Stage {
        var stage = Stage()
        change(&stage.hands.plan)
        return stage
    }

    /// The service delivers `milliseconds` of μ-law for text `number` and ends.
    private func deliver(_ milliseconds: Int, number: Int64, _ stage: inout Stage) {
        let sound = [UInt8](repeating: 0x55, count: milliseconds * 8)
        sound.withUnsafeBytes {
            stage.machine.speechSound($0, number: number, at: stage.now, &stage.hands)
        }
        stage.machine.speechEnded(number: number, failed: false, at: stage.now, &stage.hands)
    }

    /// The carrier has played everything: its marks come back.
    private func returnMarks(_ stage: inout Stage) {
        for case .mark(let name) in stage.told() { stage.carrier { $0.encodeMark(name, into: &$1) } }
    }

    private func spoken(_ hands: RecordingHands) -> [String] {
        hands.wishes.compactMap { if case .speak(let text, _) = $0 { text } else { nil } }
    }

    @Test func textsAreSpokenInOrderThenTheCallEnds() {
        var stage = stage {
            $0.mode = .speech
            $0.texts = ["one", "", "two"]
        }
        stage.start()
        #expect(spoken(stage.hands) == ["one"])
        #expect(stage.hands.attempts == 0)
        deliver(400, number: 1, &stage)
        #expect(spoken(stage.hands) == ["one", "two"])
        deliver(400, number: 2, &stage)
        #expect(stage.machine.phase == .draining)
        stage.pass(100)
        #expect(stage.hands.end == nil)
        returnMarks(&stage)
        stage.pass(80)
        #expect(stage.hands.end == nil, "the caller's last frames are waited for")
        stage.pass(60)
        #expect(stage.hands.end == CallEnd(.server, .speechEnded))
    }

    @Test func aCallThatStaysTakesFurtherTexts() {
        var stage = stage {
            $0.mode = .speech
            $0.staysAfterSpeech = true
        }
        stage.start()
        #expect(stage.machine.phase == .live)
        #expect(stage.machine.say("later", at: stage.now, &stage.hands))
        #expect(spoken(stage.hands) == ["later"])
        #expect(!stage.machine.say("", at: stage.now, &stage.hands))
        deliver(100, number: 1, &stage)
        #expect(stage.machine.phase == .live)
    }

    @Test func aCallThatCannotSpeakEndsAsFailed() {
        var stage = stage {
            $0.mode = .speech
            $0.texts = ["one"]
        }
        stage.start()
        stage.machine.speechEnded(number: 1, failed: true, at: stage.now, &stage.hands)
        stage.pass(160)
        #expect(stage.hands.end == CallEnd(.agent, .speechFailed))
    }

    @Test func soundOfAnotherTextIsNotTaken() {
        var stage = stage {
            $0.mode = .speech
            $0.texts = ["one"]
        }
        stage.start()
        let sound = [UInt8](repeating: 0x55, count: 160)
        sound.withUnsafeBytes { stage.machine.speechSound($0, number: 7, at: stage.now, &stage.hands) }
        stage.pass(100)
        #expect(stage.told().isEmpty)
    }

    @Test func hangUpStopsTheSynthesis() {
        var stage = stage {
            $0.mode = .speech
            $0.texts = ["one"]
        }
        stage.start()
        stage.carrier { $0.encodeStop(into: &$1) }
        #expect(stage.hands.wishes.contains(.stopSpeaking))
        #expect(stage.hands.end == CallEnd(.caller, .hangup))
    }

    @Test func aRefusedStreamIsNoCall() {
        var stage = stage { _ in }
        stage.hands.admission = .refused(.streamRefused)
        stage.start()
        #expect(stage.hands.end == CallEnd(.carrier, .streamRefused))
        #expect(!stage.hands.wishes.contains(.started) && stage.machine.start == nil)
        #expect(stage.machine.takeTape().isEmpty)
    }

    @Test func thePlanGivesTheCallItsName() {
        var stage = stage { $0.callID = "given" }
        stage.start()
        #expect(stage.machine.identity.callID == "given")
    }

    // MARK: The answering machine

    private func voicemail(_ change: (inout VoicemailPlan) -> Void = { _ in }) -> Stage {
        var plan = VoicemailPlan(greeting: "Hello", beeps: true, maximumSeconds: 10, silenceSeconds: 2)
        change(&plan)
        return stage {
            $0.mode = .voicemail
            $0.voicemail = plan
        }
    }

    /// Greeting and beep are played; the message begins.
    private func openMessage(_ stage: inout Stage) {
        stage.start()
        deliver(200, number: 1, &stage)
        stage.pass(100)
        returnMarks(&stage)
        stage.pass(100)
        returnMarks(&stage)
        stage.pass(40)
    }

    /// `milliseconds` of a caller who speaks (a tone well above the threshold) or is silent.
    private func caller(_ milliseconds: Int64, speaks: Bool, _ stage: inout Stage) {
        for _ in 0..<milliseconds / 20 {
            stage.now = stage.now.adding(milliseconds: 20)
            stage.frame(value: speaks ? 0x10 : 0xFF)
            stage.machine.tick(at: stage.now, &stage.hands)
        }
    }

    @Test func theBeepFollowsTheHeardGreeting() {
        var stage = voicemail()
        stage.start()
        #expect(spoken(stage.hands) == ["Hello"])
        deliver(200, number: 1, &stage)
        stage.pass(300)
        let before = stage.told().count { if case .media = $0 { true } else { false } }
        returnMarks(&stage)
        stage.pass(200)
        let after = stage.told().count { if case .media = $0 { true } else { false } }
        #expect(after > before)
    }

    @Test func silenceEndsTheMessage() {
        var stage = voicemail()
        openMessage(&stage)
        caller(3_000, speaks: true, &stage)
        #expect(stage.hands.end == nil)
        caller(1_900, speaks: false, &stage)
        #expect(stage.hands.end == nil)
        caller(300, speaks: false, &stage)
        #expect(stage.hands.end == CallEnd(.server, .messageSilence))
    }

    @Test func speechBeginsTheSilenceAnew() {
        var stage = voicemail()
        openMessage(&stage)
        caller(1_900, speaks: false, &stage)
        caller(100, speaks: true, &stage)
        caller(1_900, speaks: false, &stage)
        #expect(stage.hands.end == nil)
    }

    @Test func aFullMessageEnds() {
        var stage = voicemail { $0.maximumSeconds = 3 }
        openMessage(&stage)
        caller(2_900, speaks: true, &stage)
        #expect(stage.hands.end == nil)
        caller(300, speaks: true, &stage)
        #expect(stage.hands.end == CallEnd(.server, .messageFull))
    }

    @Test func aKeyEndsTheMessageOnly() {
        var stage = voicemail()
        stage.start()
        stage.carrier { $0.encodeDTMF("#", into: &$1) }
        #expect(stage.hands.end == nil)
        deliver(200, number: 1, &stage)
        stage.pass(100)
        returnMarks(&stage)
        stage.pass(100)
        returnMarks(&stage)
        stage.pass(40)
        stage.carrier { $0.encodeDTMF("5", into: &$1) }
        #expect(stage.hands.end == nil)
        stage.carrier { $0.encodeDTMF("#", into: &$1) }
        #expect(stage.hands.end == CallEnd(.caller, .messageKey))
    }

    @Test func aGreetingThatFailsIsNoReasonToLoseTheMessage() {
        var stage = voicemail { $0.beeps = false }
        stage.start()
        stage.machine.speechEnded(number: 1, failed: true, at: stage.now, &stage.hands)
        stage.pass(40)
        caller(3_000, speaks: false, &stage)
        #expect(stage.hands.end == CallEnd(.server, .messageSilence))
    }
}
