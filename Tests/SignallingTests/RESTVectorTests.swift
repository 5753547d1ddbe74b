// The carriers' REST services: every vector, both ways.

import Foundation
import Signalling
import Testing

@Suite struct TwilioRESTTests {
    private static let call = "CAa1b2c3d4e5f60718293a4b5c6d7e8f90"
    private static let account = "AC0123456789abcdef0123456789abcdef"
    private static let recording = "RE5f3759df5f3759df5f3759df5f3759df"
    private static let service = TwilioREST(accountSid: account, secret: "12345")

    @Test func `a call is made`() throws {
        let vector = try CallbackVector.object("twilio_rest_call_create")
        let stream = try TwiML.Stream(
            url: "wss://bridge.example.com/twilio/media",
            statusCallback: "https://bridge.example.com/twilio/stream-status", statusCallbackMethod: "POST",
            parameters: [(name: "agentId", value: "agent_42"), (name: "caller", value: "+14155550100")])
        var call = TwilioNewCall(
            to: "+18005551212", from: "+14155550100", document: .twiml(TwiML([.connect(stream)])))
        call.statusCallback = "https://bridge.example.com/twilio/status"
        call.statusCallbackEvents = TwilioNewCall.Event.allCases
        call.record = true
        call.recordingChannels = "dual"
        call.recordingStatusCallback = "https://bridge.example.com/twilio/recording"
        let request = try Self.service.create(call)
        try expect(request, matches: try child(vector, "request"))
        #expect(!request.mayRepeat)
        let made = try TwilioREST.call(try CallbackVector.answer(vector["response"]))
        #expect(made.callSid == Self.call && made.accountSid == Self.account && made.status == .queued)
        #expect(made.direction == .outboundAPI && made.to == "+18005551212" && made.seconds == nil)
        #expect(made.dateCreated == "Fri, 11 Sep 2026 17:34:20 +0000" && made.startTime == nil)
    }

    @Test func `a call's other parameters have their names and bounds`() throws {
        var call = TwilioNewCall(to: "a", from: "b", document: .url("https://h/t", method: "GET"))
        call.timeout = 600
        call.timeLimit = 3600
        call.sendDigits = "1ww2"
        call.machineDetection = .detectMessageEnd
        call.asyncDetection = true
        let body = try form(String(decoding: try Self.service.create(call).body, as: UTF8.self))
        #expect(
            body.fields.map(\.name) == [
                "To", "From", "Url", "Method", "Timeout", "TimeLimit", "SendDigits", "MachineDetection",
                "AsyncAmd",
            ])
        #expect(
            body.fields.map(\.value) == [
                "a", "b", "https://h/t", "GET", "600", "3600", "1ww2", "DetectMessageEnd", "true",
            ])
        for (timeout, isRight) in [(0, false), (1, true), (600, true), (601, false)] {
            call.timeout = timeout
            #expect(((try? Self.service.create(call)) != nil) == isRight)
        }
        // 4000 characters of TwiML may be sent inline, 4001 not.
        let frame = TwiML([.say("")]).text.count
        for (count, isRight) in [(4000 - frame, true), (4001 - frame, false)] {
            let twiml = TwiML([.say(String(repeating: "a", count: count))])
            let long = TwilioNewCall(to: "a", from: "b", document: .twiml(twiml))
            #expect(((try? Self.service.create(long)) != nil) == isRight)
            #expect(((try? Self.service.redirect("CA1", twiml: twiml)) != nil) == isRight)
        }
    }

    @Test func `a call is hung up, once or twice`() throws {
        let vector = try CallbackVector.object("twilio_rest_call_hangup")
        let request = Self.service.hangUp(Self.call)
        try expect(request, matches: try child(vector, "request"))
        #expect(request.mayRepeat)
        #expect(Self.service.hangUp("CA1", unanswered: true).body == Array("Status=canceled".utf8))
        let answer = try CallbackVector.answer(vector["response"])
        try TwilioREST.update(answer)
        let ended = try TwilioREST.call(answer)
        #expect(ended.status == .completed && ended.seconds == 31)
        let gone = try CallbackVector.answer(vector["response_when_already_gone"])
        #expect(throws: RESTFailure.alreadyOver) { try TwilioREST.update(gone) }
        #expect(throws: RESTFailure.notFound) { _ = try TwilioREST.call(gone) }
        #expect(Self.service.fetchCall("a/../b").url.hasSuffix("/Calls/a%2F..%2Fb.json"))
    }

    @Test func `streams and recordings`() throws {
        let base = "https://api.twilio.com"
        let streams = try CallbackVector.object("twilio_rest_stream_create")
        let stream = try TwiML.Stream(
            url: "wss://bridge.example.com/twilio/fork", name: "fork1", track: "both_tracks",
            parameters: [(name: "agentId", value: "agent_42")])
        try expect(
            try Self.service.startStream(Self.call, stream), matches: try child(streams, "request"),
            base: base)
        let made = try TwilioREST.stream(try CallbackVector.answer(streams["response"]))
        #expect(made.streamSid == "MZfedcba9876543210fedcba9876543210" && made.name == "fork1")
        #expect(made.callSid == Self.call && made.status == "in-progress")
        try expect(
            Self.service.stopStream(Self.call, made.streamSid), matches: try child(streams, "stop"),
            base: base)

        let control = try CallbackVector.object("twilio_rest_recording_control")
        let wanted = TwiML.Recording(
            channels: "dual", track: "both", statusCallback: "https://bridge.example.com/twilio/recording",
            statusCallbackEvents: ["in-progress", "completed", "absent"])
        let requests: [String: RESTRequest] = [
            "start": Self.service.startRecording(Self.call, wanted),
            "pause": Self.service.change(Self.call, to: .pause(skips: true)),
            "resume": Self.service.change(Self.call, to: .resume),
            "stop": Self.service.change(Self.call, recording: Self.recording, to: .stop),
            "delete": Self.service.deleteRecording(Self.recording),
            "media_mp3": Self.service.recordingMedia(Self.recording, mp3: true),
            "media_wav_dual": Self.service.recordingMedia(Self.recording, mp3: false, isDual: true),
        ]
        #expect(Set(requests.keys) == Set(control.keys))
        for (name, request) in requests {
            try expect(request, matches: try child(control, name), base: base)
        }
        let begun = try TwilioREST.recording(try CallbackVector.answer(control["start"]))
        #expect(begun.recordingSid == Self.recording && begun.status == "in-progress" && begun.seconds == nil)
        #expect(begun.track == "both" && begun.channels == 2)

        let resource = try TwilioREST.recording(
            RESTAnswer(status: 200, body: Array(try CallbackVector.data("twilio_rest_recording_resource"))))
        #expect(resource.seconds == 13 && resource.status == "completed" && resource.callSid == Self.call)
        #expect(resource.source == "StartCallRecordingAPI" && resource.errorCode == nil)
        let list = try CallbackVector.object("twilio_rest_recordings_list")
        try expect(
            Self.service.listRecordings(callSid: Self.call, createdAfter: "2026-09-01"),
            matches: try child(list, "request"))
        let page = try TwilioREST.recordings(try CallbackVector.answer(list["response"]))
        #expect(page.recordings == [resource] && page.nextPage == nil)
    }
}

@Suite struct ExotelRESTTests {
    private static let call = "1a2b3c4d5e6f708192a3b4c5d6e7f80m"
    private static let service = ExotelREST(
        accountSid: "exampleacct1", key: "exo_key_1", token: "exo_token_2")

    private static func newCall() -> ExotelNewCall {
        var call = ExotelNewCall(
            dialledNumber: "+919876543210", callerID: "08047491899",
            target: .stream(url: "wss://bridge.example.com/exotel/media?sample-rate=8000"))
        call.record = true
        call.recordingChannels = "dual"
        call.timeLimit = 3600
        call.customField = "agent=a42"
        call.statusCallback = "https://bridge.example.com/exotel/status/unguessable-token"
        call.statusCallbackEvents = ["answered", "terminal"]
        return call
    }

    @Test func `a call is made`() throws {
        let vector = try CallbackVector.object("exotel_rest_connect_voice_ai")
        let request = try Self.service.connect(Self.newCall())
        try expect(request, matches: try child(vector, "request"))
        #expect(!request.mayRepeat)
        // This one is the same to the byte.
        #expect(
            String(decoding: request.body, as: UTF8.self) == (try child(vector, "request"))["body"] as? String
        )
        let made = try ExotelREST.call(try CallbackVector.answer(vector["response"]))
        #expect(made.callSid == Self.call && made.status == "in-progress" && made.endTime == nil)
        #expect(made.recordingURL == nil && made.direction == "outbound-api")
        var flow = Self.newCall()
        flow.target = .flow(id: "1117620")
        let body = try form(String(decoding: try Self.service.connect(flow).body, as: UTF8.self))
        #expect(body.first("Url") == "http://my.exotel.com/exampleacct1/exoml/start_voice/1117620")
        #expect(body.first("StreamUrl") == nil && body.first("StreamType") == nil)
    }

    @Test func `a call's bounds`() {
        func fails(_ change: (inout ExotelNewCall) -> Void) -> SignallingError? {
            var call = Self.newCall()
            change(&call)
            return failure { () throws(SignallingError) in _ = try Self.service.connect(call) }
        }
        let base = "wss://h/"
        func url(_ count: Int) -> ExotelNewCall.Target {
            .stream(url: base + String(repeating: "a", count: count - base.count))
        }
        #expect(fails { $0.target = url(599) } == nil)
        #expect(fails { $0.target = url(600) } == .tooLong("StreamUrl"))
        #expect(fails { $0.target = .stream(url: "https://h/") } == .invalid("StreamUrl"))
        #expect(fails { $0.customField = String(repeating: "é", count: 128) } == nil)
        #expect(fails { $0.customField = String(repeating: "é", count: 129) } == .tooLong("CustomField"))
        #expect(fails { $0.streamName = String(repeating: "a", count: 33) } == .tooLong("StreamName"))
        #expect(fails { $0.timeLimit = 14_401 } == .invalid("TimeLimit"))
        #expect(fails { $0.dialledNumber = "" } == .missingField("From"))
    }

    @Test func `details, lists and streams`() throws {
        let details = try CallbackVector.object("exotel_rest_call_details")
        try expect(
            Self.service.fetchCall(Self.call, recordingMinutes: 90), matches: try child(details, "request"))
        let call = try ExotelREST.call(try CallbackVector.answer(details["response"]))
        #expect(call.callSid == Self.call && call.seconds == 42 && call.status == "completed")
        #expect(call.recordingURL?.hasSuffix("\(Self.call).mp3") == true)
        #expect(call.startTime == "2026-09-11 23:04:22" && call.from == "+919876543210")
        let list = try CallbackVector.object("exotel_rest_calls_list")
        try expect(
            Self.service.listCalls(from: "2026-09-01 00:00:00", to: "2026-09-30 00:00:00"),
            matches: try child(list, "request"))
        let page = try ExotelREST.calls(try CallbackVector.answer(list["response"]))
        #expect(page.calls == [call] && page.nextPage == nil)
        let streams = try CallbackVector.object("exotel_rest_active_streams")
        try expect(Self.service.fetchActiveStreams(), matches: try child(streams, "request"))
        let xml = RESTAnswer(status: 200, body: try CallbackVector.bytes(streams["response_xml"] ?? ""))
        #expect(try ExotelREST.activeStreams(xml) == ExotelActiveStreams(active: 0, limit: 100))
        let json = RESTAnswer(
            status: 200, body: try CallbackVector.bytes(streams["response_json_variant"] ?? ""))
        #expect(try ExotelREST.activeStreams(json) == ExotelActiveStreams(active: 12, limit: 100))
    }
}
