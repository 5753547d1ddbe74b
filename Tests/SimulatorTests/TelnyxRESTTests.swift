// The simulated Telnyx: right commands are carried out, wrong ones noted (carriers.md 3.1, 3.4).

import Net
import Testing

@testable import Simulator

@Suite struct TelnyxRESTTests {
    static let bearer = ("Authorization", "Bearer KEY0123456789ABCDEF")
    private static let stream = #""stream_url":"wss://h/s","stream_bidirectional_mode":"rtp""#

    private func start(_ house: HookCatcher, change: (inout SimulatedTelnyxSettings) -> Void = { _ in })
        throws
        -> SimulatedTelnyxREST
    {
        var settings = SimulatedTelnyxSettings(webhookURL: house.url("/hook"))
        settings.signer = telltale
        settings.farEnd = FarEnd(hangsUpAtMilliseconds: 100)
        // Nobody hangs up because a command is late.
        settings.farEnd.patienceMilliseconds = 60_000
        settings.recordings = ["mp3": [1, 2, 3]]
        change(&settings)
        return try SimulatedTelnyxREST.start(settings)
    }

    private func command(_ telnyx: SimulatedTelnyxREST, _ id: String, _ action: String, _ body: String = "{}")
        async throws -> HTTPClientResponse
    {
        try await ask(
            "POST", "\(telnyx.desk.baseURL)/v2/calls/\(FormText.escaped(id))/actions/\(action)", Self.bearer,
            body: body, type: "application/json")
    }

    private func events(_ house: HookCatcher) -> [String] {
        house.caught("/hook").map { RESTValue($0.body)?["data"]?["event_type"]?.text ?? "" }
    }

    /// The commands of the vectors telnyx_rest_*.
    @Test(arguments: [
        (
            "answer",
            #"{"stream_url":"wss://bridge.example.com/telnyx/media","stream_track":"inbound_track","stream_codec":"PCMU","stream_bidirectional_mode":"rtp","stream_bidirectional_codec":"PCMU","send_silence_when_idle":true,"client_state":"eyJzdGVwIjoxfQ==","command_id":"891510ac-f3e4-11e8-af5b-de00688a4901"}"#
        ),
        (
            "dial",
            #"{"connection_id":"2800000000000000001","to":"+14155550100","from":"+18005551212","stream_url":"wss://bridge.example.com/telnyx/media","stream_track":"inbound_track","stream_bidirectional_mode":"rtp","stream_bidirectional_codec":"PCMU","timeout_secs":30,"time_limit_secs":3600,"record":"record-from-answer","record_channels":"dual","record_format":"wav"}"#
        ),
        (
            "streaming_start",
            #"{"stream_url":"wss://bridge.example.com/telnyx/media","stream_track":"both_tracks","stream_codec":"L16","stream_bidirectional_mode":"rtp","stream_bidirectional_codec":"L16","stream_bidirectional_sampling_rate":16000,"stream_bidirectional_target_legs":"self","stream_auth_token":"s3cr3t","custom_parameters":[{"name":"agent_id","value":"agent_42"}],"command_id":"a1"}"#
        ),
        ("streaming_stop", #"{"stream_id":"0a1b2c3d-4e5f-4a6b-8c7d-0123456789ab"}"#), ("hangup", "{}"),
        ("speak", #"{"payload":"Hello","voice":"AWS.Polly.Joanna-Neural","payload_type":"text"}"#),
        (
            "record_start",
            #"{"format":"wav","channels":"dual","recording_track":"both","play_beep":false,"max_length":0,"timeout_secs":0,"transcription":true,"transcription_engine":"B"}"#
        ),
        ("record_pause", #"{"recording_id":"2ec00000-0000-4000-8000-000000000001"}"#), ("record_stop", "{}"),
        ("playback_start", #"{"audio_url":"https://h/a.mp3","loop":"infinity"}"#),
    ])
    func rightCommandsAreTaken(action: String, body: String) throws {
        let parameters = try #require(action == "dial" ? TelnyxParameters.dial : TelnyxParameters.of(action))
        #expect(parameters.faults(try #require(RESTValue(Array(body.utf8)))) == [])
    }

    @Test(arguments: [
        (
            "answer", #"{\#(stream),"stream_bidirectional_sampling_rate":8000}"#,
            "stream_bidirectional_sampling_rate is not a parameter of this command"
        ),
        (
            "answer", #"{\#(stream),"stream_auth_token":"x"}"#,
            "stream_auth_token is not a parameter of this command"
        ),
        (
            "answer", #"{\#(stream),"custom_parameters":[]}"#,
            "custom_parameters is not a parameter of this command"
        ),
        (
            "dial", #"{"connection_id":"1","from":"1","to":"2",\#(stream),"custom_parameters":[]}"#,
            "custom_parameters is not a parameter of this command"
        ),
        ("dial", #"{"connection_id":"1","from":"1"}"#, "to is missing"),
        ("dial", #"{"connection_id":1,"from":"1","to":["2"]}"#, "connection_id has the wrong type"),
        (
            "dial", #"{"connection_id":"1","from":"1","to":"2","timeout_secs":4}"#,
            "timeout_secs is not in 5…600"
        ),
        (
            "dial", #"{"connection_id":"1","from":"1","to":"2","timeout_secs":"30"}"#,
            "timeout_secs has the wrong type"
        ),
        (
            "streaming_start", #"{\#(stream),"send_silence_when_idle":true}"#,
            "send_silence_when_idle is not a parameter of this command"
        ),
        ("streaming_start", #"{"stream_bidirectional_mode":"rtp"}"#, "stream_url is missing"),
        (
            "streaming_start",
            #"{\#(stream),"stream_bidirectional_codec":"L16","stream_bidirectional_sampling_rate":"16000"}"#,
            "stream_bidirectional_sampling_rate has the wrong type"
        ),
        (
            "streaming_start", #"{\#(stream),"stream_bidirectional_sampling_rate":16000}"#,
            "stream_bidirectional_sampling_rate is not the codec's"
        ),
        (
            "streaming_start", #"{\#(stream),"custom_parameters":{"a":"b"}}"#,
            "custom_parameters has the wrong type"
        ),
        (
            "answer", #"{\#(stream),"stream_bidirectional_codec":"pcmu"}"#,
            "stream_bidirectional_codec is written in the wrong case"
        ),
        ("answer", #"{\#(stream),"stream_track":"inbound"}"#, "stream_track has a value that is not known"),
        ("answer", #"{\#(stream),"client_state":"step 1"}"#, "client_state is not base64"),
        (
            "answer", #"{"stream_url":"https://h/s","stream_bidirectional_mode":"rtp"}"#,
            "stream_url is no WebSocket address"
        ),
        (
            "answer", #"{"stream_url":"wss://h/s"}"#,
            "stream_bidirectional_mode is not rtp: whatever is no MP3 is dropped in silence"
        ),
        (
            "answer", #"{"stream_track":"both_tracks"}"#,
            "stream_url is missing, but there are others of a stream"
        ),
        (
            "answer", #"{"record":"record-from-answer","record_max_length":43201}"#,
            "record_max_length is not in 0…43200"
        ),
        ("answer", #"{"transcription":true,"transcription":true}"#, "transcription stands twice"),
        ("record_start", #"{"format":"mp3"}"#, "channels is missing"),
        ("record_start", #"{"format":"MP3","channels":"dual"}"#, "format is written in the wrong case"),
        (
            "record_start", #"{"format":"mp3","channels":"dual","max_length":14401}"#,
            "max_length is not in 0…14400"
        ),
        ("speak", #"{"payload":"Hello"}"#, "voice is missing"),
        ("speak", #"{"payload":"","voice":"A.B.C"}"#, "payload is empty"),
        ("speak", #"{"payload":"Hello","voice":"Joanna"}"#, "voice is not Provider.Model.Id"),
        ("speak", #"{"payload":"Hello","voice":"female"}"#, "voice wants service_level basic"),
        ("playback_start", "{}", "wants one of audio_url, media_name, playback_content"),
        ("playback_start", #"{"audio_url":"http://h","loop":0}"#, "loop is not in 1…100"),
        ("hangup", "[]", "the body is no JSON object"),
    ])
    func wrongCommandsAreNoted(action: String, body: String, reason: String) throws {
        let parameters = try #require(action == "dial" ? TelnyxParameters.dial : TelnyxParameters.of(action))
        #expect(parameters.faults(try #require(RESTValue(Array(body.utf8)))) == [reason])
    }

    @Test func aCallerRingsAndIsRecorded() async throws {
        let house = try HookCatcher.start()
        let telnyx = try start(house) { $0.legCodec = .pcma8k }
        let id = telnyx.ring(from: "+14155550100", to: "+18005551212")
        #expect(await telnyx.desk.sent("call.initiated"))
        let answer = try await command(
            telnyx, id, "answer",
            "{\"stream_url\":\"\(house.socket("/telnyx?token=t"))\",\"stream_bidirectional_mode\":\"rtp\",\"client_state\":\"eyJzdGVwIjoxfQ==\",\"record\":\"record-from-answer\",\"record_format\":\"mp3\"}"
        )
        #expect(answer.status == 200)
        let recording = try #require(RESTValue(answer.body)?["data"]?["recording_id"]?.text)
        #expect(await telnyx.desk.settled())
        #expect(telnyx.desk.faults == [])
        // That the stream has begun is told beside the call, whenever that comes.
        let told = events(house)
        #expect(told.first == "call.initiated")
        #expect(
            told.filter { $0 != "streaming.started" }.suffix(2) == ["call.hangup", "call.recording.saved"])
        #expect(
            Set(told) == [
                "call.initiated", "call.answered", "streaming.started", "streaming.stopped", "call.hangup",
                "call.recording.saved",
            ])
        let call = try #require(telnyx.call(id))
        #expect(call.hangupSource == "caller" && call.streams.map(\.end) == [.asPlanned])
        let record = try #require(try await house.bridge.record())
        #expect(
            record.start?.callID == id && record.start?.caller == "+14155550100"
                && record.start?.inbound == .pcma8k)
        #expect(record.start?.parameters["client_state"] == "eyJzdGVwIjoxfQ==")
        #expect(house.caught("/telnyx").first?.target == "/telnyx?token=t")
        #expect(
            house.caught("/hook").allSatisfy {
                $0.header("X-Told") != nil && $0.header("User-Agent") == "telnyx-webhooks"
            })

        // The saved recording's link gives the file without a key, until it is dead; asking again gives a fresh one.
        let last = try #require(
            house.caught("/hook").compactMap { RESTValue($0.body)?["data"] }.last {
                $0["event_type"]?.text == "call.recording.saved"
            })
        let saved = try #require(last["payload"])
        #expect(saved["recording_id"]?.text == recording && saved["client_state"]?.text == "eyJzdGVwIjoxfQ==")
        let link = try #require(saved["recording_urls"]?["mp3"]?.text)
        #expect(try await ask("GET", link).body == [1, 2, 3])
        telnyx.expireLinks()
        #expect(try await ask("GET", link).status == 403)
        let again = try await ask("GET", "\(telnyx.desk.baseURL)/v2/recordings/\(recording)", Self.bearer)
        let fresh = try #require(RESTValue(again.body)?["data"]?["download_urls"]?["mp3"]?.text)
        #expect(try await ask("GET", fresh).body == [1, 2, 3])
        let list = try await ask(
            "GET",
            "\(telnyx.desk.baseURL)/v2/recordings?filter%5Bcall_control_id%5D=\(FormText.escaped(id))&page%5Bsize%5D=1",
            Self.bearer)
        #expect(RESTValue(list.body)?["meta"]?["total_results"]?.integer == 1)
        #expect(telnyx.desk.faults == [])
        _ = try await ask("GET", fresh, Self.bearer)
        #expect(telnyx.desk.faults.map(\.reason) == ["the key was sent to the storage"])

        // A call that is over takes no command.
        let late = try await command(telnyx, id, "hangup")
        #expect(
            late.status == 422 && RESTValue(late.body)?["errors"]?.elements.first?["code"]?.text == "90018")
        telnyx.stop()
        house.stop()
    }

    @Test func aDialledCallOutlivesItsStreamAndEndsByCommand() async throws {
        let house = try HookCatcher.start()
        let telnyx = try start(house) {
            $0.farEnd = FarEnd()
            $0.farEnd.patienceMilliseconds = 60_000
        }
        let made = try await ask(
            "POST", telnyx.desk.baseURL + "/v2/calls", Self.bearer,
            body:
                "{\"connection_id\":\"1\",\"from\":\"+18005551212\",\"to\":\"+14155550100\",\"stream_url\":\"\(house.socket("/telnyx"))\",\"stream_bidirectional_mode\":\"rtp\",\"stream_auth_token\":\"tok\"}",
            type: "application/json")
        let id = try #require(RESTValue(made.body)?["data"]?["call_control_id"]?.text)
        #expect(await telnyx.desk.sent("streaming.started"))
        #expect(await telnyx.books.wait(milliseconds: 15_000) { $0.calls[id]?.live.isEmpty == false })
        #expect(house.caught("/telnyx").first?.header("Authorization") == "Bearer tok")
        #expect(try await command(telnyx, id, "answer").status == 422)
        #expect(telnyx.desk.faults.map(\.reason) == ["the call is outgoing and cannot be answered"])
        for _ in 1...2 {
            #expect(
                try await command(telnyx, id, "speak", #"{"payload":"Hi","voice":"A.B.C","command_id":"c1"}"#)
                    .status == 200)
        }
        #expect(await telnyx.desk.sent("call.speak.ended"))
        #expect(try await command(telnyx, id, "streaming_stop").status == 200)
        #expect(await telnyx.desk.sent("streaming.stopped"))
        #expect(telnyx.call(id)?.state == "answered")
        #expect(try await command(telnyx, id, "record_pause").status == 422)
        #expect(
            try await command(telnyx, id, "record_start", #"{"format":"mp3","channels":"dual"}"#).status
                == 200)
        #expect(try await command(telnyx, id, "record_pause").status == 200)
        #expect(try await command(telnyx, id, "record_resume").status == 200)
        #expect(try await command(telnyx, id, "record_stop").status == 200)
        #expect(await telnyx.desk.sent("call.recording.saved"))
        #expect(try await command(telnyx, id, "hangup").status == 200)
        #expect(await telnyx.desk.settled())
        #expect(telnyx.call(id)?.hangupSource == "unknown")
        #expect(events(house).filter { $0 == "call.speak.started" }.count == 1)
        #expect(telnyx.desk.faults.map(\.reason).dropFirst() == ["nothing is being recorded"])
        telnyx.stop()
        house.stop()
    }

    /// The ringing of a minute does not hold up a call that is ended meanwhile.
    @Test func aCallThatIsEndedWhileItRingsIsOverAtOnce() async throws {
        let house = try HookCatcher.start()
        let telnyx = try start(house) { $0.farEnd.ringMilliseconds = 60_000 }
        let made = try await ask(
            "POST", telnyx.desk.baseURL + "/v2/calls", Self.bearer,
            body: #"{"connection_id":"1","from":"+18005551212","to":"+14155550100"}"#,
            type: "application/json")
        let id = try #require(RESTValue(made.body)?["data"]?["call_control_id"]?.text)
        #expect(await telnyx.desk.sent("call.initiated"))
        #expect(try await command(telnyx, id, "hangup").status == 200)
        // Twenty seconds at most.
        #expect(await telnyx.desk.settled())
        #expect(telnyx.call(id)?.state == "hangup" && telnyx.call(id)?.hangupSource == "unknown")
        #expect(events(house) == ["call.initiated", "call.hangup"])
        #expect(telnyx.desk.faults == [])
        telnyx.stop()
        house.stop()
    }

    /// 5xx, 408 and 429 are tried again with the same id, other refusals are not.
    @Test(arguments: [(500, 2), (429, 2), (408, 2), (400, 1)])
    func webhooksAreTriedAgain(status: Int, attempts: Int) async throws {
        let house = try HookCatcher.start { _, before in HTTPResponse(status: before == 0 ? status : 200) }
        let telnyx = try start(house) { $0.farEnd.patienceMilliseconds = 50 }
        let id = telnyx.ring(from: "+1", to: "+2")
        #expect(await telnyx.desk.settled())
        let first = house.caught("/hook").compactMap { RESTValue($0.body) }.filter {
            $0["data"]?["event_type"]?.text == "call.initiated"
        }
        #expect(first.map { $0["meta"]?["attempt"]?.integer } == (1...Int64(attempts)).map { $0 })
        #expect(Set(first.map { $0["data"]?["id"]?.text }).count == 1)
        #expect(telnyx.desk.faults.isEmpty == (attempts == 2))
        #expect(telnyx.call(id)?.state == "hangup" && telnyx.call(id)?.hangupSource == "caller")
        telnyx.stop()
        house.stop()
    }

    /// Who is called and hears no stream hangs up when his patience is over.
    @Test func aCallWithoutAStreamEndsByPatience() async throws {
        let house = try HookCatcher.start()
        let telnyx = try start(house) { $0.farEnd.patienceMilliseconds = 50 }
        let made = try await ask(
            "POST", telnyx.desk.baseURL + "/v2/calls", Self.bearer,
            body: #"{"connection_id":"1","from":"+1","to":"+2"}"#, type: "application/json")
        let id = try #require(RESTValue(made.body)?["data"]?["call_control_id"]?.text)
        #expect(await telnyx.desk.settled())
        #expect(events(house) == ["call.initiated", "call.answered", "call.hangup"])
        #expect(telnyx.call(id)?.state == "hangup" && telnyx.call(id)?.hangupSource == "caller")
        #expect(telnyx.desk.faults == [])
        telnyx.stop()
        house.stop()
    }

    @Test func webhooksComeTwiceAndInAnotherOrder() async throws {
        let house = try HookCatcher.start()
        let telnyx = try start(house) {
            $0.manners.doubles = true
            $0.manners.shuffles = true
            $0.transcription = "Hello there."
        }
        let id = telnyx.ring(from: "+1", to: "+2")
        #expect(await telnyx.desk.sent("call.initiated"))
        #expect(try await command(telnyx, id, "answer", #"{"record":"record-from-answer"}"#).status == 200)
        let isAnswered = await telnyx.desk.notes.wait(milliseconds: 20_000) {
            $0.hooks.count { $0.event == "call.answered" } >= 2
        }
        #expect(isAnswered)
        #expect(try await command(telnyx, id, "hangup").status == 200)
        #expect(await telnyx.desk.settled())
        #expect(
            events(house).suffix(4) == [
                "call.recording.transcription.saved", "call.recording.transcription.saved",
                "call.recording.saved", "call.recording.saved",
            ])
        let ids = house.caught("/hook").map { RESTValue($0.body)?["data"]?["id"]?.text }
        #expect(Set(ids).count * 2 == ids.count)
        telnyx.stop()
        house.stop()
    }

    @Test func strangersAndStrangeCommandsAreNoted() async throws {
        let house = try HookCatcher.start()
        let telnyx = try start(house)
        #expect(try await ask("GET", telnyx.desk.baseURL + "/v2/recordings").status == 401)
        #expect(
            try await ask("GET", telnyx.desk.baseURL + "/v2/recordings", ("Authorization", "Bearer x")).status
                == 401)
        #expect(try await command(telnyx, "v3:x", "anwser").status == 404)
        #expect(try await command(telnyx, "v3:x", "hangup").status == 404)
        #expect(try await command(telnyx, "v3:x", "hangup", "{").status == 422)
        #expect(
            try await ask("GET", telnyx.desk.baseURL + "/v2/recordings?filter%5Bnumber%5D=1", Self.bearer)
                .status == 200)
        #expect(
            telnyx.desk.faults.map(\.reason) == [
                "Authorization is missing", "Authorization is not the key",
                "there is no such resource or command",
                "there is no such resource or command", "the body is not JSON",
                "a query parameter is not known",
            ])
        telnyx.stop()
        house.stop()
    }
}
