// Telnyx's webhook when something is wrong: strangers, repetitions, full houses, failing commands.

import Archive
import Foundation
import Net
import Patience
import Signalling
import Testing

@testable import Simulator

@Suite(.serialized) struct TelnyxDoorTests {
    private static func initiated(_ event: String, _ call: String, _ direction: String = "incoming") -> String
    {
        #"{"data":{"event_type":"call.initiated","id":"\#(event)","occurred_at":"2026-11-21T10:00:00Z","payload":{"call_control_id":"\#(call)","direction":"\#(direction)","state":"parked","from":"+14155550100","to":"+18005551212"},"record_type":"event"},"meta":{"attempt":1}}"#
    }

    private static func signed(_ body: String, secondsAgo: Int64 = 0) throws
        -> [(name: String, value: String)]
    {
        let signer = try TelnyxHouse.signer(seconds: -secondsAgo)
        return signer(
            HookContent(method: "POST", url: "", form: [], body: Array(body.utf8), time: .now))
    }

    /// Nothing happens for whoever is not Telnyx, comes late, or says the same again.
    @Test func strangersLateOnesAndRepetitions() async throws {
        let house = try TelnyxHouse()
        let body = Self.initiated("event-1", "v3:stranger")
        #expect(try await house.post(body, []) == 403)
        #expect(try await house.post(body, Self.signed(body + " ")) == 403)
        #expect(try await house.post(body, Self.signed(body, secondsAgo: 305)) == 403)
        #expect(try await house.post(body, Self.signed(body, secondsAgo: -320)) == 403)
        #expect(house.telnyx.desk.requests.isEmpty)
        #expect(try house.house.exchange.archive.catalog.carrierEvents(ofCarrierCall: "v3:stranger").isEmpty)
        // 285 s are not late, 305 are; the same event twice is one.
        let outgoing = Self.initiated("event-2", "v3:ours", "outgoing")
        #expect(try await house.post(outgoing, Self.signed(outgoing, secondsAgo: 285)) == 200)
        #expect(try await house.post(outgoing, Self.signed(outgoing)) == 200)
        #expect(try await house.post("{}", Self.signed("{}")) == 400)
        #expect(try await house.post("{}", Self.signed("{}")) == 400)
        #expect(
            try await eventually {
                try !house.house.exchange.archive.catalog.carrierEvents(ofCarrierCall: "v3:ours").isEmpty
            })
        #expect(try house.house.exchange.archive.catalog.carrierEvents(ofCarrierCall: "v3:ours").count == 1)
        #expect(
            try await house.house.metrics().contains(#"teeline_telnyx_events_total{kind="duplicate"} 1"#))
        // Our own legs are never answered.
        #expect(house.telnyx.desk.requests.isEmpty && house.faults == [])
        house.close()
    }

    @Test func aRepeatedCallIsAnsweredOnce() async throws {
        let house = try TelnyxHouse { $0.farEnd.patienceMilliseconds = 400 }
        let body = Self.initiated("event-3", "v3:unknown")
        let headers = try Self.signed(body)
        for _ in 1...3 { #expect(try await house.post(body, headers) == 200) }
        #expect(try await eventually { !house.bodies("answer").isEmpty })
        try await Task.sleep(for: .milliseconds(200))
        // The simulated Telnyx knows no such call: 404, the caller is gone, and nothing else is tried.
        #expect(house.bodies("answer").count == 1 && house.telnyx.desk.requests.count == 1)
        house.close()
    }

    /// One call at a time for each caller: the second one is told so and hung up.
    @Test func aFullHouseSaysSo() async throws {
        let house = try TelnyxHouse(values: ["doors.calls_per_caller": "1"]) {
            $0.farEnd.ending = .hangUp(atMilliseconds: 60_000)
        }
        let first = house.telnyx.ring(from: TelnyxHouse.caller, to: TelnyxHouse.called)
        #expect(await house.telnyx.desk.sent("streaming.started"))
        #expect(try await eventually { house.house.exchange.liveCalls == 1 })
        try await Task.sleep(for: .milliseconds(300))
        let second = house.telnyx.ring(from: TelnyxHouse.caller, to: TelnyxHouse.called)
        // The first one stays until the second one is told and over.
        #expect(try await eventually { house.telnyx.call(second)?.state == "hangup" })
        #expect(house.telnyx.call(first)?.state == "answered")
        house.telnyx.hangUp(first, source: "caller")
        #expect(await house.telnyx.desk.settled(withinMilliseconds: 20_000))
        await house.house.settle()
        #expect(house.faults == [])
        #expect(house.telnyx.call(first)?.commands == ["answer"])
        #expect(house.telnyx.call(second)?.commands == ["answer", "speak", "hangup"])
        #expect(house.bodies("speak").first?["payload"]?.text?.contains("All our lines are busy") == true)
        #expect(try house.rows().count == 1)
        house.close()
    }

    /// A command that fails for good is not the caller's silence: the call is answered plainly, and told.
    @Test func aFailingAnswerFallsBack() async throws {
        let house = try TelnyxHouse()
        house.telnyx.desk.script(ScriptedAnswer(422, path: "/actions/answer"))
        let id = await house.ring()
        #expect(house.faults == [])
        #expect(house.telnyx.call(id)?.commands == ["answer", "speak", "hangup"])
        #expect(house.bodies("answer").map { $0["stream_url"] == nil } == [false, true])
        #expect(house.bodies("speak").first?["payload"]?.text?.contains("cannot take your call") == true)
        house.close()
    }

    /// A service that fails for a moment is asked again, with the same command id.
    @Test func aPassingFailureIsRepeated() async throws {
        let house = try TelnyxHouse { $0.farEnd.ending = .hangUp(atMilliseconds: 800) }
        house.telnyx.desk.script(ScriptedAnswer(503, path: "/actions/answer"))
        let id = await house.ring()
        #expect(house.faults == [] && house.telnyx.call(id)?.commands == ["answer"])
        let ids = house.bodies("answer").map { $0["command_id"]?.text }
        #expect(ids.count == 2 && Set(ids).count == 1)
        #expect(try house.rows().map(\.recording.state) == [.sealed])
        house.close()
    }

    /// The stream does not come about: the caller is told instead of hearing nothing.
    @Test func aStreamThatFailsIsSaid() async throws {
        // Nobody listens at port 1.
        let house = try TelnyxHouse(values: ["server.public_url": "http://127.0.0.1:1"])
        let id = await house.ring()
        #expect(house.faults == ["stream: its upgrade was refused"])
        #expect(house.telnyx.call(id)?.commands == ["answer", "speak", "hangup"])
        #expect(try house.rows().isEmpty)
        house.close()
    }

    /// A greeting that cannot be spoken, and a recording that cannot begin: the caller is told, the call ends.
    @Test func aMessageThatCannotBeTaken() async throws {
        let house = try TelnyxHouse(values: ["routing.mode": "voicemail", "voicemail.by": "telnyx"])
        house.telnyx.desk.script(ScriptedAnswer(422, path: "/actions/speak"))
        house.telnyx.desk.script(ScriptedAnswer(422, path: "/actions/record_start"))
        let id = await house.ring()
        #expect(house.faults == [])
        #expect(house.telnyx.call(id)?.commands == ["answer", "speak", "hangup"])
        #expect(house.bodies("speak").count == 2 && house.bodies("record_start").count == 1)
        // The message that there is not is a row.
        let row = try #require(try await house.row { $0.recording.origin == .carrier })
        #expect(row.recording.state == .failed && row.recording.cause == "carrier_refused_invalid")
        #expect(row.call.carrierCallID == id && row.call.caller == TelnyxHouse.caller)
        house.close()
    }

    /// Telnyx tells that it could not record: the API lists the call with what is true of it.
    @Test func aRecordingThatFailsIsListed() async throws {
        let house = try TelnyxHouse(values: ["routing.mode": "voicemail", "voicemail.by": "telnyx"])
        let id = house.telnyx.ring(from: TelnyxHouse.caller, to: TelnyxHouse.called)
        #expect(try await eventually { !house.bodies("record_start").isEmpty })
        let body =
            #"{"data":{"event_type":"call.recording.error","id":"e1","occurred_at":"2026-11-21T10:00:00Z","payload":{"call_control_id":"\#(id)","client_state":null,"reason":"Unsupported backend"},"record_type":"event"},"meta":{"attempt":1}}"#
        #expect(try await house.postUntilKept(body, Self.signed(body)) == 200)
        #expect(await house.telnyx.desk.settled(withinMilliseconds: 20_000))
        #expect(house.faults == [])
        #expect(house.telnyx.call(id)?.commands == ["answer", "speak", "record_start", "speak", "hangup"])
        let row = try #require(try await house.row { $0.recording.cause == "carrier_storage_unsupported" })
        #expect(row.call.endWho == .carrier && row.call.endWhy == "recording_failed")
        let list = try await house.house.get("/v1/recordings?state=failed")
        let text = String(decoding: list.body, as: UTF8.self)
        #expect(list.status == 200 && text.contains("\"\(row.call.id)\""))
        #expect(text.contains("carrier_storage_unsupported") && text.contains(id))
        house.close()
    }

    /// Per called number: the rules decide who answers.
    @Test func theRulesDecidePerNumber() async throws {
        let rules = NSTemporaryDirectory() + "teeline-rules-" + UUID().uuidString + ".json"
        let document =
            #"{"rules":[{"name":"machine","when":{"called":["+18005551212"]},"then":{"mode":"voicemail","voicemail":{"greeting":"This number is read later.","silence_seconds":2}}}]}"#
        try Data(document.utf8).write(to: URL(fileURLWithPath: rules))
        defer { try? FileManager.default.removeItem(atPath: rules) }
        let clock = SetClock()
        let house = try TelnyxHouse(values: ["voicemail.by": "telnyx", "routing.rules": rules]) {
            $0.farEnd.ending = .hangUp(atMilliseconds: 800)
            $0.recordings = ["mp3": (try? TelnyxHouse.mp3(milliseconds: 1_000)) ?? []]
            $0.clock = { clock.now }
        }
        let machine = house.telnyx.ring(from: TelnyxHouse.caller, to: TelnyxHouse.called)
        // What Telnyx says of the message's length is that of its file.
        #expect(try await eventually { !house.bodies("record_start").isEmpty })
        clock.set(on: 1_000)
        house.telnyx.hangUp(machine, source: "caller")
        #expect(await house.telnyx.desk.settled(withinMilliseconds: 20_000))
        let agent = house.telnyx.ring(from: TelnyxHouse.caller, to: "+18005551213")
        #expect(await house.telnyx.desk.settled(withinMilliseconds: 20_000))
        #expect(try await house.row { $0.recording.origin == .carrier } != nil)
        #expect(house.faults == [])
        #expect(house.telnyx.call(machine)?.commands == ["answer", "speak", "record_start"])
        #expect(house.bodies("speak").first?["payload"]?.text == "This number is read later.")
        #expect(house.bodies("record_start").first?["timeout_secs"]?.integer == 2)
        #expect(house.telnyx.call(agent)?.commands == ["answer"])
        await house.house.settle()
        house.close()
    }
}
