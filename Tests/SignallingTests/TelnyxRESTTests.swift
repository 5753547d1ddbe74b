// Telnyx's REST service: every vector both ways, every streaming parameter on every command; and how answers fail.

import Foundation
import Signalling
import Testing

@Suite struct TelnyxRESTTests {
    private static let control = "v3:pCal8A0jVO3F72OUY0DH8jDrYMIuvyazN-l-29AO2isVyJZot9oIMdA"
    private static let recording = "2ec00000-0000-4000-8000-000000000001"
    private static let service = TelnyxREST(key: "KEY0123456789ABCDEF")
    private static let media = "wss://bridge.example.com/telnyx/media"

    @Test func `commands on a call`() throws {
        var answering = TelnyxStreaming(url: Self.media, codec: .pcmu)
        answering.sendsSilence = true
        var streaming = TelnyxStreaming(
            url: Self.media, track: .both, codec: .l16, bidirectionalCodec: .l16)
        streaming.bidirectionalRate = 16000
        streaming.targetLegs = .own
        streaming.authToken = "s3cr3t"
        streaming.customParameters = [(name: "agent_id", value: "agent_42")]
        var recording = TelnyxRecordStart()
        recording.track = "both"
        recording.playsBeep = false
        (recording.maximumSeconds, recording.timeoutSeconds) = (0, 0)
        (recording.transcribes, recording.transcriptionEngine) = (true, "B")
        let (service, control) = (Self.service, Self.control)
        let requests: [String: RESTRequest] = [
            "answer": try service.answer(
                control, streaming: answering,
                tag: TelnyxTag(
                    clientState: "eyJzdGVwIjoxfQ==", commandID: "891510ac-f3e4-11e8-af5b-de00688a4901")),
            "hangup": service.hangUp(control),
            "speak": try service.speak(
                control, TelnyxSpeech("Hello", voice: "AWS.Polly.Joanna-Neural", isSSML: false)),
            "record_start": try service.startRecording(control, recording),
            "record_pause": service.change(control, recording: Self.recording, to: .pause),
            "record_resume": service.change(control, recording: Self.recording, to: .resume),
            "record_stop": service.change(control, to: .stop),
            "streaming_start": try service.startStreaming(
                control, streaming, tag: TelnyxTag(commandID: "a1")),
            "streaming_stop": service.stopStreaming(
                control, stream: "0a1b2c3d-4e5f-4a6b-8c7d-0123456789ab"),
        ]
        let names = try CallbackVector.names("telnyx_rest_").map { String($0.dropFirst(12)) }
        #expect(Set(names) == Set(requests.keys).union(["dial", "recordings"]))
        for (name, request) in requests {
            let vector = try CallbackVector.object("telnyx_rest_\(name)")
            try expect(request, matches: try child(vector, "request"))
            try TelnyxREST.command(try CallbackVector.answer(vector["response"]))
        }
        // Those that do something once have to have an id to be sent twice.
        #expect(requests["answer"]?.mayRepeat == true && requests["speak"]?.mayRepeat == false)
        #expect(requests["hangup"]?.mayRepeat == true && requests["record_start"]?.mayRepeat == false)
        let hangup = try CallbackVector.object("telnyx_rest_hangup")
        let gone = try CallbackVector.answer(hangup["response_when_already_gone"])
        #expect(throws: RESTFailure.alreadyOver) { try TelnyxREST.command(gone) }
    }

    @Test func `a call is made`() throws {
        let vector = try CallbackVector.object("telnyx_rest_dial")
        var call = TelnyxDial(
            connectionID: "2800000000000000001", to: "+14155550100", from: "+18005551212",
            streaming: TelnyxStreaming(url: Self.media))
        (call.timeoutSeconds, call.timeLimitSeconds) = (30, 3600)
        call.recording = TelnyxCallRecording(channels: "dual", format: "wav")
        try expect(try Self.service.dial(call), matches: try child(vector, "request"))
        let made = try TelnyxREST.dialled(try CallbackVector.answer(vector["response"]))
        #expect(made.callControlID == Self.control && made.recordingID == Self.recording)
        #expect(made.callSessionID == "5a1e0001-1111-11f1-8000-02420a000001")
        for (seconds, isRight) in [(4, false), (5, true), (600, true), (601, false)] {
            call.timeoutSeconds = seconds
            #expect(((try? Self.service.dial(call)) != nil) == isRight)
        }
    }

    @Test func `playing a sound`() throws {
        func body(_ request: RESTRequest) throws -> NSDictionary? {
            try JSONSerialization.jsonObject(with: Data(request.body)) as? NSDictionary
        }
        let request = try Self.service.startPlayback("c", .url("https://h/a.mp3"), times: 2)
        #expect(request.url == "https://api.telnyx.com/v2/calls/c/actions/playback_start")
        #expect(try body(request) == ["audio_url": "https://h/a.mp3", "loop": 2])
        #expect(try body(try Self.service.startPlayback("c", .media(name: "m"))) == ["media_name": "m"])
        #expect(
            try body(try Self.service.startPlayback("c", .content("AA=="))) == ["playback_content": "AA=="])
        #expect(throws: SignallingError.invalid("loop")) {
            _ = try Self.service.startPlayback("c", .url("u"), times: 101)
        }
        let long = TelnyxSpeech(String(repeating: "a", count: 3001), voice: "female")
        #expect(throws: SignallingError.tooLong("payload")) { _ = try Self.service.speak("c", long) }
    }

    /// The table of carriers.md §3.1.4.
    @Test func `which command takes which parameter`() throws {
        let all = Set(TelnyxCommand.allCases)
        let table: [(String, Set<TelnyxCommand>, @Sendable (inout TelnyxStreaming) -> Void)] = [
            ("stream_track", all, { $0.track = .both }), ("stream_codec", all, { $0.codec = .call }),
            ("stream_bidirectional_target_legs", all, { $0.targetLegs = .both }),
            (
                "stream_bidirectional_sampling_rate", [.streamingStart, .dial],
                { $0.bidirectionalRate = 24000 }
            ),
            ("stream_auth_token", [.streamingStart, .dial], { $0.authToken = "t" }),
            ("custom_parameters", [.streamingStart], { $0.customParameters = [(name: "a", value: "b")] }),
            ("stream_establish_before_call_originate", [.dial], { $0.opensBeforeDialling = true }),
            ("enable_dialogflow", [.streamingStart, .dial], { $0.enablesDialogflow = true }),
            ("dialogflow_config", [.streamingStart, .dial], { $0.dialogflowSettings = Array("{}".utf8) }),
            ("send_silence_when_idle", [.answer, .dial], { $0.sendsSilence = false }),
        ]
        for (name, commands, change) in table {
            for command in TelnyxCommand.allCases {
                var streaming = TelnyxStreaming(url: Self.media)
                change(&streaming)
                let error = failure { () throws(SignallingError) in try streaming.validate(for: command) }
                let expected = SignallingError.notAllowed(parameter: name, command: command.rawValue)
                #expect(error == (commands.contains(command) ? nil : expected), "\(name) \(command)")
            }
            var streaming = TelnyxStreaming(url: Self.media)
            change(&streaming)
            if commands.contains(.streamingStart) {
                let body = try Self.service.startStreaming("c", streaming).body
                let object = try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
                #expect(object?[name] != nil, "\(name)")
            }
        }
    }

    @Test func `which values a parameter takes`() {
        func error(_ change: (inout TelnyxStreaming) -> Void) -> SignallingError? {
            var streaming = TelnyxStreaming(url: Self.media)
            change(&streaming)
            return failure { () throws(SignallingError) in try streaming.validate(for: .streamingStart) }
        }
        #expect(error { $0.url = "https://h/" } == .invalid("stream_url"))
        #expect(error { $0.url += "?token=a" } == nil)
        for rate in [8000, 16000, 22050, 24000, 48000] {
            #expect(error { $0.bidirectionalRate = rate } == nil)
        }
        #expect(error { $0.bidirectionalRate = 44100 } == .invalid("stream_bidirectional_sampling_rate"))
        #expect(error { $0.mode = .mp3 } == .invalid("stream_bidirectional_codec"))
        #expect(error { ($0.mode, $0.bidirectionalCodec) = (.mp3, nil) } == nil)
        #expect(error { $0.bidirectionalCodec = .call } == .invalid("stream_bidirectional_codec"))
        #expect(error { $0.authToken = String(repeating: "a", count: 4000) } == nil)
        #expect(error { $0.authToken = String(repeating: "a", count: 4001) } == .tooLong("stream_auth_token"))
        #expect(error { $0.dialogflowSettings = Array("[]".utf8) } == .invalid("dialogflow_config"))
    }

    @Test func recordings() throws {
        let vectors = try CallbackVector.object("telnyx_rest_recordings")
        let service = Self.service
        try expect(
            service.listRecordings(
                callSessionID: "5a1e0001-1111-11f1-8000-02420a000001", createdFrom: "2026-09-01T00:00:00Z"),
            matches: try child(vectors, "list"))
        try expect(service.fetchRecording(Self.recording), matches: try child(vectors, "get"))
        try expect(service.deleteRecording(Self.recording), matches: try child(vectors, "delete"))
        try expect(service.deleteRecordings([Self.recording]), matches: try child(vectors, "bulk_delete"))
        try expect(
            service.listTranscriptions(recordingID: Self.recording),
            matches: try child(vectors, "transcriptions"))
        let one = try TelnyxREST.recording(try CallbackVector.answer(vectors["get"], status: 200))
        #expect(one.recordingID == Self.recording && one.callControlID == Self.control)
        #expect(one.milliseconds == 30639 && one.channels == "dual" && one.status == "completed")
        #expect(Set(one.downloadURLs.keys) == ["mp3", "wav"])
        let page = try TelnyxREST.recordings(try CallbackVector.answer(vectors["list"], status: 200))
        #expect(page.items == [one] && page.number == 1 && page.total == 1)
        let texts = try TelnyxREST.transcriptions(
            try CallbackVector.answer(vectors["transcriptions"], status: 200))
        #expect(texts.items.map(\.text) == ["Hello there."])
        #expect(texts.items.first?.recordingID == Self.recording)
    }
}

@Suite struct RESTFailureTests {
    private static func fails(_ status: Int, _ body: String = "", _ headers: [(String, String)] = [])
        -> RESTFailure?
    {
        let answer = RESTAnswer(
            status: status, headers: headers.map { (name: $0.0, value: $0.1) }, body: Array(body.utf8))
        return failure { () throws(RESTFailure) in try TelnyxREST.command(answer) }
    }

    @Test func `every status has its meaning`() {
        #expect(Self.fails(200, #"{"data":{"result":"ok"}}"#) == nil)
        #expect(Self.fails(200, "") == .malformed && Self.fails(200, "{}") == .malformed)
        #expect(Self.fails(302) == .malformed && Self.fails(0) == .malformed)
        #expect(Self.fails(401) == .unauthorized && Self.fails(403) == .unauthorized)
        #expect(Self.fails(404) == .notFound && Self.fails(408) == .unavailable)
        #expect(Self.fails(500) == .unavailable && Self.fails(503) == .unavailable)
        #expect(Self.fails(429) == .rateLimited(retryAfter: nil))
        #expect(Self.fails(429, "", [("retry-after", "7")]) == .rateLimited(retryAfter: 7))
        #expect(Self.fails(429, "", [("Retry-After", "-7")]) == .rateLimited(retryAfter: nil))
        #expect(Self.fails(422, #"{"errors":[{"code":"90102"}]}"#) == .invalid(code: 90102))
        #expect(Self.fails(422, #"{"errors":[]}"#) == .invalid(code: nil))
        #expect(Self.fails(422, "nonsense") == .invalid(code: nil))
        // The code alone does not end a call, nor does the status.
        #expect(Self.fails(400, #"{"errors":[{"code":"90018"}]}"#) == .invalid(code: 90018))
    }

    @Test func `each carrier's own error`() {
        let twilio = RESTAnswer(status: 400, body: Array(#"{"code":21211,"message":"m"}"#.utf8))
        #expect(throws: RESTFailure.invalid(code: 21211)) { _ = try TwilioREST.call(twilio) }
        let json = RESTAnswer(
            status: 400, body: Array(#"{"RestException":{"Status":400,"Message":"m"}}"#.utf8))
        #expect(throws: RESTFailure.invalid(code: 400)) { _ = try ExotelREST.call(json) }
        let xml = RESTAnswer(
            status: 400,
            body: Array(
                "<TwilioResponse><RestException><Status>400</Status></RestException></TwilioResponse>".utf8))
        #expect(throws: RESTFailure.invalid(code: 400)) { _ = try ExotelREST.call(xml) }
        let gone = RESTAnswer(status: 404, body: Array(#"{"code":20404}"#.utf8))
        #expect(throws: RESTFailure.notFound) { try TwilioREST.done(gone) }
    }

    @Test func `no number and no secret is printed`() {
        let failures: [RESTFailure] = [
            .unauthorized, .notFound, .alreadyOver, .rateLimited(retryAfter: 30), .invalid(code: 21211),
            .unavailable, .malformed, .network,
        ]
        for failure in failures { #expect(!failure.description.contains { $0.isNumber }) }
        #expect(Set(failures.map(\.description)).count == failures.count)
        let services: [Any] = [
            TwilioREST(accountSid: "AC1", secret: "hush"), TelnyxREST(key: "hush"),
            ExotelREST(accountSid: "a", key: "k", token: "hush"), TelnyxREST(key: "hush").hangUp("c"),
        ]
        for service in services {
            var dumped = ""
            dump(service, to: &dumped)
            let printed = "\(service) \(String(reflecting: service)) \(dumped)"
            #expect(!printed.contains("hush") && !printed.contains("Basic"))
        }
    }
}
