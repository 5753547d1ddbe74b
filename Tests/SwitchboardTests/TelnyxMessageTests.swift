// Calls in which Telnyx records a message: they have a place until they are over, are listed, and each leaves a row.

import Archive
import Carriers
import Foundation
import Patience
import Routing
import Telemetry
import Testing

@testable import Switchboard

@Suite(.serialized) struct TelnyxMessageTests {
    private static func bench() throws -> DialBoard {
        var plan = CallPlan()
        plan.mode = .voicemail
        plan.voicemail = VoicemailPlan(greeting: "Good morning.")
        plan.voicemail?.recorder = "telnyx"
        return try DialBoard(plan: plan) { _ in (200, #"{"data":{"result":"ok"}}"#) }
    }

    /// The call rings and is answered; its greeting begins.
    private static func answer(_ bench: DialBoard) async throws {
        try bench.event(
            "call.initiated",
            #""direction":"incoming","state":"parked","from":"+14155550100","to":"+18005551212","start_time":"2026-11-21T10:00:00Z""#
        )
        #expect(try await bench.wasAsked("/actions/answer"))
        #expect(try await bench.isQuiet())
        try bench.event("call.answered", #""direction":"incoming""#, dial: "teeline:voicemail")
        #expect(try await bench.wasAsked("/actions/speak"))
        #expect(try await bench.isQuiet())
    }

    private static func hangUp(_ bench: DialBoard) throws {
        try bench.event(
            "call.hangup", #""hangup_cause":"normal_clearing","hangup_source":"caller""#,
            dial: "teeline:voicemail")
    }

    private static func rows(_ bench: DialBoard) throws -> [ListedCall] {
        try bench.archive.catalog.list(CallFilter()).items
    }

    @Test func aMessageHasItsPlaceUntilItIsOver() async throws {
        let bench = try Self.bench()
        try await Self.answer(bench)
        // The place of a call whose stream is to come ends after 15 s: this one has it for the longest message and more.
        let long = PassOffice.now + 120_000
        #expect(bench.board.passes.awaitedCalls(at: long).map(\.caller) == ["+14155550100"])
        let listed = try #require(bench.board.carrierCalls.first)
        #expect(listed.carrierCallID == "v3:call" && listed.called == "+18005551212")
        #expect(listed.startedAt == ArchiveTime.parse("2026-11-21T10:00:00Z"))
        // It can be ended by that name.
        #expect(bench.board.cancel(listed.id) == .accepted)
        #expect(try await bench.wasAsked("/actions/hangup"))
        try Self.hangUp(bench)
        #expect(try await bench.isQuiet())
        #expect(bench.board.passes.awaitedCalls.isEmpty && bench.board.carrierCalls.isEmpty)
        #expect(bench.board.cancel(listed.id) == .unknown)
        // Who leaves no message leaves a row, under the same name.
        #expect(try await eventually { try !Self.rows(bench).isEmpty })
        let row = try #require(try Self.rows(bench).first)
        #expect(row.call.id == listed.id && row.call.caller == "+14155550100")
        #expect(row.recording.state == .failed && row.recording.cause == "no_message")
        #expect(row.call.endWho == .caller && row.call.endWhy == "hangup")
        #expect(row.call.endedAt == ArchiveTime.parse("2026-11-21T10:00:20Z"))
        #expect(try await bench.isQuiet())
        bench.close()
    }

    /// A server that stopped before that row was written: the next one writes it, once; not for calls that nobody answered.
    @Test func aRestartWritesTheRow() async throws {
        let bench = try Self.bench()
        try await Self.answer(bench)
        try Self.hangUp(bench)
        #expect(try await bench.isQuiet())
        try bench.restart()
        try bench.restart()
        #expect(try await eventually { try !Self.rows(bench).isEmpty })
        #expect(try await bench.isQuiet())
        #expect(try Self.rows(bench).map(\.recording.cause) == ["no_message"])
        bench.close()

        let other = try Self.bench()
        try Self.hangUp(other)
        #expect(try await other.isQuiet())
        try other.restart()
        #expect(try await other.isQuiet())
        #expect(try Self.rows(other).isEmpty)
        other.close()
    }
}
