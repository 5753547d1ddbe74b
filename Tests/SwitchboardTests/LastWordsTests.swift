// A caller whose stream never came, or who rings while the server stops, hears why.

import Archive
import Carriers
import Foundation
import Routing
import Telemetry
import Testing

@testable import Switchboard

@Suite(.serialized) struct LastWordsTests {
    private static func ended(_ bench: DialBoard, _ sid: String) throws -> String {
        try bench.post(
            "/twilio/stream-ended",
            [("CallSid", sid), ("AccountSid", "AC1"), ("From", "+15550100"), ("To", "+15550199")])
    }

    @Test(arguments: [
        (Room.free, "We are sorry, we cannot take your call"), (.draining, "We are sorry, we cannot take"),
        (.busy, "All our lines are busy."),
    ])
    func aCallWithoutAStreamIsToldWhy(room: Room, words: String) throws {
        let bench = try DialBoard(room: room)
        let said = try Self.ended(bench, "CA1")
        #expect(said.contains("<Say") && said.contains(words) && said.hasSuffix("<Hangup/></Response>"))
        bench.close()
    }

    /// Who had a stream has heard what there was to hear, also where an earlier server had it.
    @Test func aCallThatHadItsStreamIsOver() throws {
        let bench = try DialBoard()
        bench.board.parts.apologies.hasStream("CA1")
        #expect(!(try Self.ended(bench, "CA1").contains("<Say")))
        bench.board.callEnded(
            EndedCall(
                id: CallID.make(), carrier: .twilio, carrierCallID: "CA1", conversationID: nil,
                carrierHasHungUp: false))
        #expect(!(try Self.ended(bench, "CA1").contains("<Say")))
        try bench.archive.applyAndWait(
            .open(
                CallRow(
                    id: CallID.make(), carrier: "twilio", carrierCallID: "CA2", conversationID: nil,
                    startedAt: ArchiveTime.now())))
        try bench.restart()
        #expect(!(try Self.ended(bench, "CA2").contains("<Say")))
        #expect(try Self.ended(bench, "CA3").contains("<Say"))
        bench.close()
    }

    @Test func streamsAreForgotten() {
        let apologies = Apologies()
        let now = MonotonicTime(nanoseconds: 5_000_000_000)
        apologies.hasStream("CA1", at: now)
        // The longest call there can be, 1440 minutes.
        let late = now.adding(milliseconds: 86_400_000)
        #expect(apologies.knowsStream("CA1", at: late) && !apologies.knowsStream("CA2", at: now))
        apologies.streamIsOver("CA1", at: late)
        #expect(apologies.knowsStream("CA1", at: late.adding(milliseconds: 59_999)))
        #expect(!apologies.knowsStream("CA1", at: late.adding(milliseconds: 60_000)))
    }

    /// The greeting is spoken in the language of the rule that holds; without one, or with the same one, as configured.
    @Test(arguments: [
        ("de", "de-DE"), ("xx", "xx"), ("es", "es-ES"), (nil, "en-US"), ("en", "en-US"), ("en-GB", "en-GB"),
        ("", "en-US"),
    ])
    func telnyxGreetsInTheRulesLanguage(ruled: String?, spoken: String) async throws {
        var plan = CallPlan()
        plan.mode = .voicemail
        plan.language = ruled
        plan.voicemail = VoicemailPlan(greeting: "Guten Tag.")
        plan.voicemail?.recorder = "telnyx"
        let bench = try DialBoard(plan: plan) { _ in (200, #"{"data":{"result":"ok"}}"#) }
        try bench.event("call.initiated", #""direction":"incoming","state":"parked","from":"+1","to":"+2""#)
        #expect(try await bench.wasAsked("/actions/answer"))
        try bench.event("call.answered", #""direction":"incoming""#)
        #expect(try await bench.wasAsked("/actions/speak"))
        let speech = try #require(bench.carrier.asked.first { $0.path.hasSuffix("/actions/speak") })
        let body = try JSONSerialization.jsonObject(with: Data(speech.body)) as? [String: Any]
        #expect(body?["language"] as? String == spoken && body?["payload"] as? String == "Guten Tag.")
        #expect(try await bench.isQuiet())
        bench.close()
    }

    /// Telnyx's caller is answered, told and then hung up, all of which a stopping server waits for.
    @Test func aStoppingServerTellsTelnyxsCallers() async throws {
        let bench = try DialBoard(room: .draining) { _ in (200, #"{"data":{"result":"ok"}}"#) }
        try bench.event("call.initiated", #""direction":"incoming","state":"parked","from":"+1","to":"+2""#)
        #expect(try await bench.wasAsked("/actions/answer"))
        #expect(bench.board.parts.errands.count > 0)
        try bench.event("call.answered", #""direction":"incoming""#)
        #expect(try await bench.wasAsked("/actions/speak"))
        let speech = try #require(bench.carrier.asked.first { $0.path.hasSuffix("/actions/speak") })
        #expect(
            String(decoding: speech.body, as: UTF8.self).contains("We are sorry, we cannot take your call"))
        try bench.event("call.speak.ended", #""status":"completed""#)
        #expect(try await bench.wasAsked("/actions/hangup"))
        try bench.event("call.hangup", #""hangup_cause":"normal_clearing""#)
        #expect(try await bench.isQuiet())
        #expect(
            bench.carrier.asked.map { $0.path.split(separator: "/").last } == ["answer", "speak", "hangup"])
        bench.close()
    }
}
