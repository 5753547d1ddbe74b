// Telnyx's webhooks, as its vectors have them and as they may come; and a call told out of order.

import Foundation
import Signalling
import Testing

@Suite struct TelnyxWebhookTests {
    private static let control = "v3:pCal8A0jVO3F72OUY0DH8jDrYMIuvyazN-l-29AO2isVyJZot9oIMdA"

    private static func event(_ name: String) throws -> TelnyxEvent {
        try TelnyxEvent(json: Array(try CallbackVector.data("telnyx_webhook_\(name)")))
    }

    @Test func `every webhook has its kind, its ids and its parties`() throws {
        let kinds: [String: TelnyxEventKind] = [
            "call_initiated_incoming": .callInitiated, "call_initiated_outgoing": .callInitiated,
            "call_answered": .callAnswered, "call_hangup": .callHangup,
            "streaming_started": .streamingStarted, "streaming_stopped": .streamingStopped,
            "streaming_failed": .streamingFailed, "call_dtmf_received": .dtmfReceived,
            "call_speak_started": .speakStarted, "call_speak_ended": .speakEnded,
            "call_playback_ended": .playbackEnded, "call_recording_saved": .recordingSaved,
            "call_recording_error": .recordingError,
            "call_recording_transcription_saved": .transcriptionSaved,
        ]
        let names = try CallbackVector.names("telnyx_webhook_").map { String($0.dropFirst(15)) }
        #expect(Set(names) == Set(kinds.keys))
        for name in names {
            let event = try Self.event(name)
            #expect(event.kind == kinds[name], "\(name)")
            #expect(event.callControlID == Self.control && event.attempt == 1)
            #expect(event.callLegID == "5a1e0000-1111-11f1-8000-02420a000001")
            #expect(event.callSessionID == "5a1e0001-1111-11f1-8000-02420a000001")
            #expect(event.connectionID == "2800000000000000001")
            #expect(event.id.hasPrefix("0e000000-0000-4000-8000-0000000000") && event.occurredAt != nil)
        }
    }

    @Test func `what each kind has of its own`() throws {
        let incoming = try Self.event("call_initiated_incoming")
        #expect(incoming.direction == .incoming && incoming.state == "parked")
        #expect(incoming.from == "+14155550100" && incoming.to == "+18005551212")
        #expect(incoming.clientState == nil && incoming.startTime == "2026-09-11T17:34:20.076316Z")
        let outgoing = try Self.event("call_initiated_outgoing")
        #expect(outgoing.direction == .outgoing && outgoing.state == "bridging")
        #expect(outgoing.clientState == "eyJzdGVwIjoxfQ==")
        #expect(try Self.event("call_answered").codec == "PCMU")
        let hangup = try Self.event("call_hangup")
        #expect(hangup.hangupCause == "normal_clearing" && hangup.hangupSource == "caller")
        #expect(hangup.sipHangupCause == "200" && hangup.endTime == "2026-09-11T17:34:52.100000Z")
        #expect(try Self.event("call_dtmf_received").digit == "5")
        #expect(try Self.event("call_speak_ended").status == "completed")
        let failed = try Self.event("streaming_failed")
        #expect(failed.failureReason == "connection_failed")
        #expect(failed.streamID == "0a1b2c3d-4e5f-4a6b-8c7d-0123456789ab")
        let saved = try Self.event("call_recording_saved")
        #expect(saved.recordingID == "2ec00000-0000-4000-8000-000000000001" && saved.channels == "dual")
        #expect(Array(saved.recordingURLs.keys) == ["mp3"] && saved.publicRecordingURLs.isEmpty)
        #expect(saved.recordingURLs["mp3"]?.hasSuffix("&X-Amz-Signature=abc") == true)
        #expect(saved.recordingEndedAt == "2026-09-11T17:34:51.788447Z" && saved.format == "mp3")
        let transcription = try Self.event("call_recording_transcription_saved")
        #expect(transcription.transcriptionText == "Hello there.")
        #expect(transcription.transcriptionID == "7a000000-0000-4000-8000-000000000001")
        let error = try Self.event("call_recording_error")
        #expect(error.reason == "Failed to authorize with storage using custom credentials")
    }

    @Test func `only kind and id must be there`() throws {
        let bare = try TelnyxEvent(json: Array(#"{"data":{"event_type":"streaming_started","id":"1"}}"#.utf8))
        #expect(bare.kind == .streamingStarted && bare.callControlID == nil && bare.from == nil)
        func error(_ text: String) -> SignallingError? {
            failure { () throws(SignallingError) in _ = try TelnyxEvent(json: Array(text.utf8)) }
        }
        #expect(error(#"{"data":{"id":"1"}}"#) == .missingField("event_type"))
        #expect(error(#"{"data":{"event_type":"call.hangup","id":null}}"#) == .missingField("id"))
        #expect(error("[]") == .malformed)
        #expect(error("") == .malformed)
        let long = String(repeating: "x", count: 257)
        #expect(error("{\"data\":{\"event_type\":\"a\",\"id\":\"\(long)\"}}") == .tooLong("data.id"))
        // A value longer than anything that is read is too long, not absent.
        let huge = String(repeating: "x", count: (1 << 20) + 1)
        #expect(
            error("{\"data\":{\"event_type\":\"a\",\"id\":\"1\",\"payload\":{\"from\":\"\(huge)\"}}}")
                == .tooLong("data.payload.from"))
    }

    @Test func `names are normalised and made harmless`() {
        #expect(TelnyxEventKind("call_recording_saved") == .recordingSaved)
        #expect(TelnyxEventKind("Call.Recording.Saved") == .recordingSaved)
        #expect(TelnyxEventKind("call_bridged") == .callBridged)
        #expect(TelnyxEventKind("call.new\n\"thing") == .other("call.new__thing"))
        #expect(
            TelnyxEventKind(String(repeating: "a", count: 99)) == .other(String(repeating: "a", count: 64)))
    }

    @Test func `the same as a query`() throws {
        let bare = try TelnyxEvent(query: [
            (name: "event_type", value: "call.hangup"), (name: "id", value: "7"),
            (name: "call_control_id", value: "v3:x"), (name: "hangup_cause", value: "user_busy"),
        ])
        #expect(bare.kind == .callHangup && bare.id == "7" && bare.hangupCause == "user_busy")
        let nested = try TelnyxEvent(query: [
            (name: "data[event_type]", value: "call.recording.saved"), (name: "data[id]", value: "8"),
            (name: "data[payload][recording_urls][mp3]", value: "https://h/a.mp3"),
            (name: "data[payload][call_control_id]", value: "v3:y"),
        ])
        #expect(nested.kind == .recordingSaved && nested.recordingURLs == ["mp3": "https://h/a.mp3"])
        #expect(nested.callControlID == "v3:y")
    }
}

@Suite struct TelnyxCallFlowTests {
    private static func event(
        _ id: String, _ kind: TelnyxEventKind, direction: TelnyxDirection? = nil, state: String? = nil,
        control: String = "v3:a"
    ) throws -> TelnyxEvent {
        var event = try TelnyxEvent(json: Array(#"{"data":{"event_type":"x","id":"1"}}"#.utf8))
        (event.id, event.kind, event.direction, event.state) = (id, kind, direction, state)
        event.callControlID = control
        return event
    }

    /// Four events of one call in each of their 24 orders, each delivered twice.
    @Test func `any order, every one twice`() throws {
        let events = [
            try Self.event("1", .callInitiated, direction: .incoming, state: "parked"),
            try Self.event("2", .callAnswered), try Self.event("3", .streamingStarted),
            try Self.event("4", .callHangup),
        ]
        func permutations(_ rest: [Int]) -> [[Int]] {
            rest.isEmpty
                ? [[]] : rest.flatMap { one in permutations(rest.filter { $0 != one }).map { [one] + $0 } }
        }
        for order in permutations([0, 1, 2, 3]) {
            var flow = TelnyxCallFlow()
            var answers = 0
            for index in order {
                for _ in 0..<2 where flow.take(events[index]) == .answer { answers += 1 }
            }
            // To be answered only where nothing that follows the answer, nor the end, came before.
            let place = try #require(order.firstIndex(of: 0))
            let overtaken = order[..<place].contains { $0 == 1 || $0 == 3 }
            #expect(answers == (overtaken ? 0 : 1), "\(order)")
            #expect(flow.phase == .over && flow.isStreaming == false && flow.duplicates == 4)
        }
    }

    @Test func `our own legs, other calls and bridged ones are not answered`() throws {
        var flow = TelnyxCallFlow(callControlID: "v3:a")
        let other = flow.take(try Self.event("1", .callInitiated, direction: .incoming, control: "v3:b"))
        #expect(other == .nothing && flow.phase == .new)
        let own = flow.take(try Self.event("2", .callInitiated, direction: .outgoing, state: "bridging"))
        #expect(own == .nothing && flow.phase == .ringing)
        var untold = TelnyxCallFlow()
        let unknown = untold.take(try Self.event("1", .callInitiated))
        #expect(unknown == .nothing)
        var plain = TelnyxCallFlow()
        let first = plain.take(try Self.event("1", .callInitiated, direction: .incoming))
        #expect(first == .answer && plain.isAnswering)
        let second = plain.take(try Self.event("2", .callInitiated, direction: .incoming))
        #expect(second == .nothing)
        _ = plain.take(try Self.event("3", .callAnswered))
        #expect(plain.phase == .answered && !plain.isAnswering)
        _ = plain.take(try Self.event("4", .streamingStopped))
        _ = plain.take(try Self.event("5", .streamingStarted))
        #expect(plain.isStreaming == false)
    }

    @Test func `the memory of ids is bounded`() throws {
        var flow = TelnyxCallFlow()
        let count = TelnyxCallFlow.remembered
        for number in 0...count { _ = flow.take(try Self.event("e\(number)", .dtmfReceived)) }
        _ = flow.take(try Self.event("e\(count)", .dtmfReceived))
        _ = flow.take(try Self.event("e1", .dtmfReceived))
        #expect(flow.duplicates == 2)
        // The very first had to make room; taking it anew makes the second-oldest go.
        _ = flow.take(try Self.event("e0", .dtmfReceived))
        #expect(flow.duplicates == 2)
        _ = flow.take(try Self.event("e1", .dtmfReceived))
        #expect(flow.duplicates == 2)
    }
}
