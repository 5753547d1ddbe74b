// What became of a placed call is what the carrier says, not what an answer or a hang-up made us believe.

import Archive
import Carriers
import Foundation
import Net
import Routing
import Telemetry
import Testing

@testable import Switchboard

@Suite(.serialized) struct DialTruthTests {
    private static func twilioStatus(_ id: String, _ status: String, sid: String = "CA9") -> (
        String, [(String, String)]
    ) {
        (
            "/twilio/call-status?dial=\(id)",
            [("CallSid", sid), ("AccountSid", "AC1"), ("CallStatus", status), ("From", "+1"), ("To", "+2")]
        )
    }

    // MARK: Whose stream it is

    /// The token of a placed call is that of the call that its carrier names; where it names another than its streams do
    /// (Exotel, as far as is known), of the first that shows it.
    @Test(arguments: [
        (Carrier.twilio, #"{"sid":"CA9","status":"queued"}"#, "CA9"),
        (.telnyx, #"{"data":{"call_control_id":"v3:call","record_type":"call"}}"#, "v3:call"),
        (.exotel, #"{"Call":{"Sid":"c9","Status":"in-progress"}}"#, "c9"),
    ])
    func theTokenIsThatOfTheNamedCall(carrier: Carrier, answer: String, named: String) async throws {
        let bench = try DialBoard { _ in (carrier == .twilio ? 201 : 200, answer) }
        defer { bench.close() }
        let id = try bench.order(carrier)
        #expect(try await bench.row(id) { $0.carrierCallID != nil }.carrierCallID == named)
        let token = try #require(bench.board.parts.dials.token(of: id))
        let passes = bench.board.parts.passes
        let stranger = passes.claim(token, carrier: carrier, carrierCallID: "another")
        let own = passes.claim(token, carrier: carrier, carrierCallID: named)
        if carrier == .exotel {
            #expect(stranger.fault == nil && own.fault == .otherCall)
        } else {
            #expect(stranger.fault == .otherCall)
            #expect(try own.get().callID == id)
        }
        #expect(try await bench.isQuiet())
    }

    // MARK: Whether it was made

    /// A gateway that gives up says nothing of what the service behind it has done.
    @Test(arguments: [Carrier.twilio, .telnyx, .exotel], [500, 503, 504, 408])
    func anAnswerOfAGatewayLeavesItOpen(carrier: Carrier, status: Int) async throws {
        let bench = try DialBoard { _ in (status, "") }
        let id = try bench.order(carrier)
        let place = [Carrier.twilio: "/Calls.json", .telnyx: "/v2/calls", .exotel: "/Calls/connect.json"][
            carrier]
        // Telnyx knows a repeated order by its command id and is asked three times.
        #expect(try await bench.wasAsked(place ?? "", times: carrier == .telnyx ? 3 : 1))
        #expect(try await bench.isQuiet())
        #expect(try bench.archive.catalog.dial(id)?.state == .requested)
        switch carrier {
        case .twilio:
            let told = Self.twilioStatus(id, "in-progress")
            try bench.post(told.0, told.1)
        case .telnyx: try bench.event("call.answered", #""direction":"outgoing""#, dial: id)
        case .exotel:
            try bench.post(
                "/exotel/status",
                [
                    ("CallSid", "c9"), ("EventType", "answered"), ("Status", "in-progress"),
                    ("CustomField", id),
                ])
        }
        #expect(try await bench.row(id) { $0.state == .answered }.state == .answered)
        #expect(try await bench.isQuiet())
        bench.close()
    }

    /// A call that was given up and was made all the same: no stream of it is let in, so nobody is left on the line.
    @Test func whatWasGivenUpIsHungUpWhenItIsNamed() async throws {
        let bench = try DialBoard { _ in (401, "") }
        let twilio = try bench.order(.twilio)
        #expect(try await bench.row(twilio) { $0.state.isFinal }.cause == "unauthorized")
        let told = Self.twilioStatus(twilio, "in-progress")
        try bench.post(told.0, told.1)
        #expect(try await bench.wasAsked("/Calls/CA9.json"))
        let telnyx = try bench.order(.telnyx)
        #expect(try await bench.row(telnyx) { $0.state.isFinal }.cause == "unauthorized")
        try bench.event("call.answered", #""direction":"outgoing""#, dial: telnyx)
        #expect(try await bench.wasAsked("/v2/calls/v3:call/actions/hangup"))
        // The end of a call asks for nothing.
        let other = try bench.order(.twilio)
        _ = try await bench.row(other) { $0.state.isFinal }
        let over = Self.twilioStatus(other, "completed", sid: "CA8")
        try bench.post(over.0, over.1)
        #expect(try await bench.isQuiet())
        #expect(!bench.carrier.asked.contains { $0.path.contains("CA8") })
        #expect(try await bench.isQuiet())
        bench.close()
    }

    /// What cannot be written down is not dialled, and said to be so.
    @Test func anOrderThatIsNotKeptIsNotDialled() throws {
        let bench = try DialBoard()
        bench.archive.close()
        let order = PlacementOrder(carrier: .twilio, to: DialBoard.to, from: "+15005550006", plan: CallPlan())
        #expect(throws: PlacementRefusal.notKept) { try bench.board.place(order).get() }
        #expect(bench.board.dialsUnderWay(besides: []) == 0 && bench.carrier.asked.isEmpty)
        bench.close()
    }

    // MARK: Whether it was answered

    private static let telnyxCall = #"{"data":{"call_control_id":"v3:call"}}"#

    @Test(arguments: [
        ("normal_clearing", false, DialState.noAnswer), ("no_answer", false, .noAnswer),
        ("user_busy", false, .busy), ("call_rejected", false, .failed), ("time_limit", false, .failed),
        ("a_new_word", false, .failed), ("originator_cancel", false, .canceled),
        ("normal_clearing", true, .completed), ("unspecified", true, .completed),
    ])
    func telnyxCallsAreCompletedOnceAnswered(cause: String, isAnswered: Bool, state: DialState) async throws {
        let bench = try DialBoard { _ in (200, Self.telnyxCall) }
        let id = try bench.order(.telnyx)
        _ = try await bench.row(id) { $0.state == .queued }
        try bench.event("call.initiated", #""direction":"outgoing""#, dial: id)
        if isAnswered {
            try bench.event("call.answered", #""direction":"outgoing""#, dial: id)
            _ = try await bench.row(id) { $0.state == .answered }
        }
        try bench.event("call.hangup", #""hangup_cause":"\#(cause)""#, dial: id)
        let row = try await bench.row(id) { $0.state.isFinal }
        #expect(row.state == state && row.cause == cause)
        #expect(try await bench.isQuiet())
        bench.close()
    }

    /// That a stream has begun says that somebody answered, whatever the order of the events.
    @Test func aStreamIsAnAnswer() async throws {
        let bench = try DialBoard { _ in (200, Self.telnyxCall) }
        let id = try bench.order(.telnyx)
        _ = try await bench.row(id) { $0.state == .queued }
        #expect(bench.board.parts.dials.wentLive(id))
        try bench.event("call.hangup", #""hangup_cause":"normal_clearing""#, dial: id)
        #expect(try await bench.row(id) { $0.state.isFinal }.state == .completed)
        #expect(try await bench.isQuiet())
        bench.close()
    }

    @Test(arguments: [
        ("unknown", false, DialState.failed), ("unknown", true, .completed), ("no-answer", false, .noAnswer),
        ("completed", false, .completed),
    ])
    func exotelsEndAloneIsNoAnswer(status: String, isAnswered: Bool, state: DialState) async throws {
        let bench = try DialBoard { _ in (200, #"{"Call":{"Sid":"c1"}}"#) }
        let id = try bench.order(.exotel)
        _ = try await bench.row(id) { $0.state == .queued }
        func tell(_ event: String, _ status: String) throws {
            try bench.post(
                "/exotel/status",
                [("CallSid", "c1"), ("EventType", event), ("Status", status), ("CustomField", id)])
        }
        try tell("ringing", "queued")
        if isAnswered { try tell("answered", "in-progress") }
        try tell("terminal", status)
        let row = try await bench.row(id) { $0.state.isFinal }
        #expect(row.state == state && row.cause == status)
        #expect(try await bench.isQuiet())
        bench.close()
    }

    // MARK: A hang-up that came late

    /// Twilio does not find a call that is over (carriers.md §2.1.5): what it ended as comes by callback.
    @Test func aCallThatWasOverEndsAsTheCarrierSays() async throws {
        let bench = try DialBoard { request in
            request.path.hasSuffix("/Calls.json")
                ? (201, #"{"sid":"CA9","status":"queued"}"#) : (404, #"{"code":20404,"status":404}"#)
        }
        let id = try bench.order(.twilio)
        _ = try await bench.row(id) { $0.carrierCallID == "CA9" }
        #expect(bench.board.cancel(id) == .accepted)
        #expect(try await bench.wasAsked("/Calls/CA9.json"))
        #expect(try await bench.isQuiet())
        #expect(try bench.archive.catalog.dial(id)?.state == .queued)
        let told = Self.twilioStatus(id, "busy")
        try bench.post(told.0, told.1)
        let row = try await bench.row(id) { $0.state.isFinal }
        #expect(row.state == .busy && row.cause == "busy")
        #expect(try await bench.isQuiet())
        bench.close()
    }

    // MARK: After a restart

    /// Calls that a stopped server placed keep what is left of their two minutes, count meanwhile, and end then.
    @Test func anEarlierServersCallsAreWaitedForAndEnded() async throws {
        let bench = try DialBoard()
        let now = ArchiveTime.now()
        func keep(_ id: String, _ state: DialState, secondsAgo: Double) throws {
            try bench.archive.applyAndWait(
                .dial(
                    DialRow(
                        id: id, carrier: "twilio", called: DialBoard.to,
                        requestedAt: now - Int64(secondsAgo * 1_000_000))))
            guard state != .requested else { return }
            try bench.archive.applyAndWait(
                .dialProgress(
                    id: id, DialProgress(state: state, carrierCallID: "CA" + id, cause: nil, at: now)))
        }
        let ids = (1...5).map { CallID.make(milliseconds: now / 1000, high: 0, low: UInt64($0)) }
        // Five seconds are left of these two.
        try keep(ids[0], .requested, secondsAgo: 115)
        try keep(ids[1], .answered, secondsAgo: 115)
        try keep(ids[2], .ringing, secondsAgo: 30)
        try keep(ids[3], .ringing, secondsAgo: 300)
        // A clock that was set back.
        try keep(ids[4], .ringing, secondsAgo: -300)
        try bench.restart()
        #expect(bench.board.dialsUnderWay(besides: []) == 4)
        #expect(try await bench.row(ids[3]) { $0.state.isFinal }.cause == "unconfirmed")
        let lost = try await bench.row(ids[0]) { $0.state.isFinal }
        #expect(lost.state == .failed && lost.cause == "unconfirmed")
        let answered = try await bench.row(ids[1]) { $0.state.isFinal }
        #expect(answered.state == .completed && answered.cause == "unconfirmed")
        #expect(try await bench.row(ids[2]) { _ in true }.state == .ringing)
        #expect(bench.board.dialsUnderWay(besides: []) == 2)
        // The carrier's word still counts.
        let told = Self.twilioStatus(ids[2], "no-answer", sid: "CA" + ids[2])
        try bench.post(told.0, told.1)
        #expect(try await bench.row(ids[2]) { $0.state.isFinal }.state == .noAnswer)
        #expect(try await bench.isQuiet())
        bench.close()
    }
}

extension Result {
    /// The error, if it is one.
    fileprivate var fault: Failure? { if case .failure(let fault) = self { fault } else { nil } }
}
