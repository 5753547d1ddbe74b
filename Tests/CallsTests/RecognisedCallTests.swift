// Calls on streams whose carrier the first frames tell: once told, they are the calls of that carrier's own path.

import Audio
import Calls
import Carriers
import Telemetry
import Testing

@Suite struct RecognisedCallTests {
    private static let all = Set(Carrier.allCases)

    /// A stage on which `carrier` plays; the machine knows it, or is to find out among `candidates`.
    private func stage(_ carrier: Carrier, among candidates: Set<Carrier>?) -> Stage {
        let format = carrier == .exotel ? AudioFormat(.pcm16, rate: 8000) : .pcmu8k
        // Twilio's stream ids begin with MZ.
        var stage = Stage(carrier, inbound: format, outbound: format, stream: "MZ0123")
        guard let candidates else { return stage }
        stage.machine = CallMachine(
            recognising: candidates, outbound: .pcmu8k,
            identity: CallIdentity(callID: "call", startedAt: 0, seed: 1), rules: CallRules(), at: stage.now)
        return stage
    }

    private func say(_ text: String, _ stage: inout Stage) {
        Array(text.utf8).withUnsafeBytes { stage.machine.carrierMessage($0, at: stage.now, &stage.hands) }
    }

    /// A call with everything that may come before a start, and an ordinary talk after it.
    private func play(_ stage: inout Stage) -> [UInt8] {
        stage.carrier { $0.encodeConnected(into: &$1) }
        say("nonsense", &stage)
        for _ in 0..<4 { stage.frame(stage.carrier.start.carrier == .exotel ? 1600 : 160) }
        say(#"{"event":"media","media":{"payload":"%%%"}}"#, &stage)
        say(#"{"event":"clear"}"#, &stage)
        say(#"{"event":"error","payload":{"code":100003,"title":"malformed_frame"}}"#, &stage)
        say(#"{"event":"novelty"}"#, &stage)
        stage.carrier { $0.encodeDTMF("5", into: &$1) }
        stage.now = stage.now.adding(milliseconds: 700)
        stage.open()
        for _ in 0..<20 {
            stage.frame(stage.carrier.start.carrier == .exotel ? 1600 : 160)
            stage.pass(20)
        }
        stage.speak(1_600)
        stage.pass(400)
        stage.carrier { $0.encodeStop(into: &$1) }
        return stage.machine.takeTape()
    }

    @Test(arguments: Carrier.allCases)
    func itIsTheCallOfItsOwnPath(_ carrier: Carrier) {
        var fixed = stage(carrier, among: nil)
        var found = stage(carrier, among: Self.all)
        #expect(found.machine.carrier == nil && fixed.machine.carrier == carrier)
        let tape = play(&fixed)
        let isSame = play(&found) == tape
        #expect(isSame && tape.count > 1_000)
        #expect(found.machine.carrier == carrier)
        #expect(found.machine.namedCounts == fixed.machine.namedCounts)
        #expect(found.machine.namedCounts["frames_before_start"] == 4)
        #expect(found.machine.start == fixed.machine.start && found.machine.start != nil)
        #expect(found.hands.wishes == fixed.hands.wishes)
        let saysTheSame = found.hands.toCarrier.map(\.message) == fixed.hands.toCarrier.map(\.message)
        #expect(saysTheSame && !found.hands.toCarrier.isEmpty)
        #expect(found.hands.end == CallEnd(.caller, .hangup))
    }

    /// A start is waited for as long as the most patient carrier that it may be needs: 90 s for Telnyx, 15 s for others.
    @Test(
        arguments: [
            (Self.all, nil, 90_000), ([.twilio, .exotel], nil, 15_000), ([.telnyx], nil, 90_000),
            (Self.all, Carrier.twilio, 15_000), (Self.all, .telnyx, 90_000), (Self.all, .exotel, 90_000),
            // The hello of a carrier that has proven nothing changes nothing.
            ([.telnyx], .twilio, 90_000), ([.telnyx, .exotel], .twilio, 90_000), ([.exotel], .twilio, 15_000),
        ] as [(Set<Carrier>, Carrier?, Int64)])
    func neverStarting(_ candidates: Set<Carrier>, _ hello: Carrier?, _ limit: Int64) {
        var stage = stage(hello ?? .twilio, among: candidates)
        let opened = stage.now
        if hello != nil { stage.carrier { $0.encodeConnected(into: &$1) } }
        stage.now = opened.adding(milliseconds: limit - 1)
        stage.machine.tick(at: stage.now, &stage.hands)
        #expect(stage.hands.end == nil)
        stage.now = opened.adding(milliseconds: limit)
        stage.machine.tick(at: stage.now, &stage.hands)
        #expect(stage.hands.end == CallEnd(.carrier, .noStart))
        let isGreeted = hello == .twilio && candidates.contains(.twilio)
        let known = isGreeted ? .twilio : candidates.count == 1 ? candidates.first : nil
        #expect(stage.machine.carrier == known && stage.machine.start == nil)
        #expect(stage.machine.takeTape().isEmpty)
    }

    /// 64 KiB are taken before a start, on this path as on every other, and no byte more.
    @Test func theBoundOfBytesHoldsFromTheFirst() {
        var stage = stage(.twilio, among: Self.all)
        let message =
            #"{"event":"media","media":{"track":"inbound","payload":"\#(String(repeating: "A", count: 964))"}}"#
        let room = 65_536 / message.utf8.count
        for _ in 0..<room { say(message, &stage) }
        #expect(stage.hands.end == nil)
        say(message, &stage)
        #expect(stage.hands.end == CallEnd(.carrier, .noStart))
        #expect(stage.machine.namedCounts["frames_before_start"] == Int64(room))
        stage.start()
        #expect(stage.machine.start == nil)
    }

    @Test func garbageEndsAsBadMessages() {
        var stage = stage(.twilio, among: Self.all)
        for _ in 0..<49 { say("nonsense", &stage) }
        #expect(stage.hands.end == nil)
        // What is understood begins the count anew; a start of another dialect is not understood.
        stage.carrier { $0.encodeDTMF("1", into: &$1) }
        for _ in 0..<49 { say(#"{"event":"start","start":{"callId":"1","streamId":"2"}}"#, &stage) }
        #expect(stage.hands.end == nil)
        say("{}", &stage)
        #expect(stage.hands.end == CallEnd(.carrier, .badMessages))
        #expect(stage.machine.namedCounts["bad_carrier_messages"] == 99 && stage.machine.carrier == nil)
    }

    @Test func aStreamThatEndsBeforeItsStartIsNoCall() {
        var stopped = stage(.exotel, among: Self.all)
        stopped.frame(1600)
        stopped.carrier { $0.encodeStop(into: &$1) }
        #expect(stopped.hands.end == CallEnd(.carrier, .noStart))
        #expect(stopped.machine.namedCounts["frames_before_start"] == 1)
        var reset = stage(.telnyx, among: Self.all)
        reset.carrier { $0.encodeConnected(into: &$1) }
        reset.machine.carrierClosed(code: 1006, at: reset.now, &reset.hands)
        #expect(reset.hands.end == CallEnd(.carrier, .noStart) && reset.machine.carrier == nil)
    }

    /// A start that is recognised and cannot be read: the stream is that carrier's, and waits for a better one.
    @Test func aRecognisedStartThatCannotBeReadIsNotTheLast() {
        var stage = stage(.telnyx, among: Self.all)
        say(#"{"event":"start","start":{"call_control_id":"v3:a"}}"#, &stage)
        #expect(stage.machine.carrier == .telnyx && stage.hands.end == nil)
        stage.start()
        #expect(stage.machine.start?.carrier == .telnyx)
        var other = self.stage(.telnyx, among: Self.all)
        say(
            #"{"event":"start","stream_id":"s","start":{"call_control_id":"v3:a","media_format":{"encoding":"MP3"}}}"#,
            &other)
        #expect(other.hands.end == CallEnd(.carrier, .unsupportedFormat) && other.machine.carrier == .telnyx)
    }
}
