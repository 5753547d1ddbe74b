// Twilio's webhooks, as its vectors have them and as they may come.

import Foundation
import Signalling
import Testing

@Suite struct TwilioWebhookTests {
    private static let call = "CAa1b2c3d4e5f60718293a4b5c6d7e8f90"
    private static let account = "AC0123456789abcdef0123456789abcdef"

    /// The form of a vector; its fields are what the vector says they are.
    private static func form(_ vector: [String: Any]) throws -> FormFields {
        let body = try #require(vector["body"] as? String)
        let fields = try #require(FormFields(Array(body.utf8)))
        let expected = try #require(vector["fields"] as? [String: String])
        #expect(Dictionary(uniqueKeysWithValues: fields.fields.map { ($0.name, $0.value) }) == expected)
        return fields
    }

    @Test func `a call comes in`() throws {
        let vector = try CallbackVector.object("twilio_http_voice_webhook")
        let call = try TwilioCall(try Self.form(try child(vector, "request")))
        #expect(call.callSid == Self.call && TwilioSID.isSid(call.callSid, prefix: "CA"))
        #expect(call.accountSid == Self.account)
        #expect(call.from == "+14155550100" && call.to == "+18005551212")
        #expect(call.status == .ringing && call.direction == .inbound)
        #expect(call.attestation == "TN-Validation-Passed-A")
        #expect(call.callerName == nil && call.parentCallSid == nil)
        let answer = TwiML([
            .connect(
                try TwiML.Stream(
                    url: "wss://bridge.example.com/twilio/media",
                    statusCallback: "https://bridge.example.com/twilio/stream-status",
                    statusCallbackMethod: "POST",
                    parameters: [
                        (name: "agentId", value: "agent_42"), (name: "caller", value: "+14155550100"),
                    ]))
        ])
        #expect(answer.text == (try child(vector, "response")["body"] as? String))
    }

    @Test func `a query says the same, and what is unknown does not matter`() throws {
        let query = FormFields([
            ("New", "field"), ("CallSid", "CA1"), ("Caller", "client:ann"), ("Called", ""), ("To", ""),
            ("CallStatus", "levitating"), ("Direction", "sideways"),
        ])
        let call = try TwilioCall(query)
        #expect(call.callSid == "CA1" && call.from == "client:ann" && call.to == nil)
        #expect(call.status == nil && call.direction == nil)
    }

    @Test func `a call without its id is an error, as is one of absurd length`() {
        #expect(throws: SignallingError.missingField("CallSid")) {
            try TwilioCall(FormFields([("From", "+1")]))
        }
        #expect(throws: SignallingError.missingField("CallSid")) {
            try TwilioStreamStatus(FormFields([("CallSid", "")]))
        }
        #expect(throws: SignallingError.missingField("RecordingSid")) {
            try TwilioRecordingStatus(FormFields([("CallSid", "CA1")]))
        }
        #expect(throws: SignallingError.tooLong("CallSid")) {
            try TwilioCall(FormFields([("CallSid", String(repeating: "a", count: 257))]))
        }
    }

    @Test(arguments: [
        ("CAa1b2c3d4e5f60718293a4b5c6d7e8f90", true), ("CAA1B2C3D4E5F60718293A4B5C6D7E8F90", true),
        ("CAa1b2c3d4e5f60718293a4b5c6d7e8f9", false), ("CAa1b2c3d4e5f60718293a4b5c6d7e8f900", false),
        ("ACa1b2c3d4e5f60718293a4b5c6d7e8f90", false), ("CAg1b2c3d4e5f60718293a4b5c6d7e8f90", false),
        ("", false), ("CA", false),
    ])
    func sids(_ text: String, _ isOne: Bool) { #expect(TwilioSID.isSid(text, prefix: "CA") == isOne) }

    @Test func `a call's end`() throws {
        let vector = try CallbackVector.object("twilio_http_call_status_completed")
        let progress = try TwilioCallProgress(try Self.form(vector))
        #expect(progress.call.callSid == Self.call && progress.call.status == .completed)
        #expect(progress.call.direction == .outboundAPI)
        #expect(progress.sequence == 3 && progress.seconds == 31 && progress.sipResponseCode == 200)
        #expect(progress.timestamp == "Fri, 11 Sep 2026 17:34:54 +0000")
    }

    /// Every order of four callbacks ends in `completed`, and none after it brings the call back.
    @Test func `progress in any order`() throws {
        let steps = try [("initiated", 0), ("ringing", 1), ("in-progress", 2), ("completed", 3)].map {
            try TwilioCallProgress(
                FormFields([
                    ("CallSid", "CA1"), ("CallStatus", $0.0), ("SequenceNumber", String($0.1)),
                ]))
        }
        func permutations(_ rest: [Int]) -> [[Int]] {
            rest.isEmpty
                ? [[]] : rest.flatMap { one in permutations(rest.filter { $0 != one }).map { [one] + $0 } }
        }
        for order in permutations([0, 1, 2, 3]) {
            var call = TwilioCallOrder()
            var highest = -1
            for index in order {
                let isNew = call.take(steps[index])
                #expect(isNew == (index > highest))
                highest = max(highest, index)
                #expect(call.status == steps[highest].call.status)
                let isNewAgain = call.take(steps[index])
                #expect(!isNewAgain)
            }
            #expect(call.status == .completed)
        }
    }

    @Test(arguments: [
        ("stream_started", TwilioStreamStatus.Event.started, nil as Int?), ("stream_stopped", .stopped, nil),
        ("stream_error", .error, 31921),
    ])
    func streams(_ name: String, _ event: TwilioStreamStatus.Event, _ code: Int?) throws {
        let vector = try CallbackVector.object("twilio_http_stream_status_\(name)")
        let status = try TwilioStreamStatus(try Self.form(vector))
        #expect(status.event == event && status.errorCode == code && status.callSid == Self.call)
        #expect(status.streamSid == "MZfedcba9876543210fedcba9876543210" && status.name == status.streamSid)
        #expect(status.timestamp == "2026-09-11T17:34:23.000Z")
    }

    @Test func recordings() throws {
        let done = try TwilioRecordingStatus(
            try Self.form(try CallbackVector.object("twilio_http_recording_status_completed")))
        #expect(done.recordingSid == "RE5f3759df5f3759df5f3759df5f3759df" && done.status == "completed")
        #expect(done.seconds == 13 && done.channels == 2 && done.errorCode == 0 && done.track == "both")
        #expect(done.source == "StartCallRecordingAPI")
        #expect(
            done.url
                == "https://api.twilio.com/2010-04-01/Accounts/\(Self.account)/Recordings/\(done.recordingSid)"
        )
        let absent = try TwilioRecordingStatus(
            try Self.form(try CallbackVector.object("twilio_http_recording_status_absent")))
        #expect(absent.status == "absent" && absent.errorCode == 16101 && absent.seconds == 0)
    }
}
