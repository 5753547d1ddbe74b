// Calls, passes and conversations over HTTP.

import Archive
import Routing
import Testing

@testable import Desk

@Suite struct CallRouteTests {
    static let json = ["Content-Type": "application/json"]

    static func post(_ desk: TestDesk, _ path: String, _ body: String) throws -> TestDesk.Answer {
        try desk.ask(path, json, method: "POST", body: body)
    }

    @Test func aCallIsPlaced() throws {
        let desk = try TestDesk()
        let answer = try Self.post(
            desk, "/v1/calls",
            #"{"carrier":"telnyx","to":"+15550100","from":"+15550199","agent_id":"a","voice_id":"v","language":"en","first_message":"Hi","variables":{"x":"y"},"mode":"agent"}"#
        )
        #expect(answer.status == 202)
        #expect(answer.headers["Location"] == "/v1/calls/\(TestDesk.id(77))")
        #expect(answer.text.contains(#""state":"requested""#))
        let order = try #require(desk.control.orders.first)
        #expect(order.carrier == "telnyx" && order.to == "+15550100" && order.from == "+15550199")
        var plan = CallPlan()
        (plan.agentID, plan.voiceID, plan.language) = ("a", "v", "en")
        (plan.firstMessage, plan.variables) = ("Hi", ["x": "y"])
        #expect(order.plan == plan)
        #expect(!String(reflecting: order).contains("1555"))
        let speech =
            #"{"carrier":"twilio","to":"+15550100","mode":"speech","texts":["A","B"],"stays_after_speech":true}"#
        #expect(try Self.post(desk, "/v1/calls", speech).status == 202)
        #expect(desk.control.orders.last?.plan.texts == ["A", "B"])
        #expect(desk.control.orders.last?.plan.staysAfterSpeech == true)
        #expect(desk.control.orders.last?.plan.mode == .speech)
    }

    /// What an order says of its stream is passed on as it is said; each carrier has its own members.
    @Test func anOrderSaysWhatItsStreamIs() throws {
        let desk = try TestDesk()
        let telnyx =
            #"{"carrier":"telnyx","to":"+15550100","stream":{"track":"both_tracks","codec":"PCMA","bidirectional_codec":"L16","bidirectional_sampling_rate":24000,"bidirectional_target_legs":"self","send_silence_when_idle":false,"establish_before_call_originate":true,"enable_dialogflow":true,"dialogflow_config":{"a":[1,"b",null,true]},"custom_parameters":{"z":"1","a":"2"}}}"#
        #expect(try Self.post(desk, "/v1/calls", telnyx).status == 202)
        var wishes = StreamWishes()
        (wishes.track, wishes.codec, wishes.bidirectionalCodec) = ("both_tracks", "PCMA", "L16")
        (wishes.rate, wishes.targetLegs, wishes.silenceWhenIdle) = (24_000, "self", false)
        (wishes.establishesBeforeOriginating, wishes.enablesDialogflow) = (true, true)
        wishes.dialogflowSettings = #"{"a":[1,"b",null,true]}"#
        wishes.parameters = [.init(name: "a", value: "2"), .init(name: "z", value: "1")]
        #expect(desk.control.orders.last?.stream == wishes)
        let exotel =
            #"{"carrier":"exotel","to":"+15550100","stream":{"sample_rate":16000,"name":"n"}}"#
        #expect(try Self.post(desk, "/v1/calls", exotel).status == 202)
        var other = StreamWishes()
        (other.rate, other.name) = (16_000, "n")
        #expect(desk.control.orders.last?.stream == other)
        desk.control.refusal = .bad(member: "stream.track")
        let refused = try Self.post(desk, "/v1/calls", telnyx)
        #expect(refused.status == 400 && refused.text.contains("stream.track cannot"))
    }

    @Test(arguments: [
        ("telnyx", "[]", "stream cannot"), ("telnyx", #""x""#, "stream cannot"),
        ("telnyx", #"{"sample_rate":8000}"#, "stream.sample_rate is not known"),
        ("telnyx", #"{"name":"x"}"#, "stream.name is not known"),
        ("twilio", #"{"codec":"PCMU"}"#, "stream.codec is not known"),
        ("exotel", #"{"track":"inbound_track"}"#, "stream.track is not known"),
        ("telnyx", #"{"auth_token":"x"}"#, "stream.auth_token is not known"),
        ("telnyx", #"{"bidirectional_sampling_rate":"8000"}"#, "stream.bidirectional_sampling_rate cannot"),
        ("telnyx", #"{"bidirectional_sampling_rate":1e4}"#, "stream.bidirectional_sampling_rate cannot"),
        ("telnyx", #"{"send_silence_when_idle":1}"#, "stream.send_silence_when_idle cannot"),
        ("telnyx", #"{"dialogflow_config":"{}"}"#, "stream.dialogflow_config cannot"),
        ("twilio", #"{"custom_parameters":{"a":1}}"#, "stream.custom_parameters cannot"),
        ("twilio", #"{"custom_parameters":[]}"#, "stream.custom_parameters cannot"),
    ])
    func badStreamsAreNamed(carrier: String, stream: String, detail: String) throws {
        let desk = try TestDesk()
        let answer = try Self.post(
            desk, "/v1/calls", #"{"carrier":"\#(carrier)","to":"+15550100","stream":\#(stream)}"#)
        #expect(answer.status == 400 && answer.text.contains(detail), "\(answer.text)")
        #expect(desk.control.orders.isEmpty)
    }

    @Test(arguments: [
        ("", "carrier is missing"), ("{", "JSON"), ("[]", "JSON"),
        (#"{"to":"+15550100"}"#, "carrier is missing"), (#"{"carrier":"twilio"}"#, "to is missing"),
        (#"{"carrier":"acme","to":"+15550100"}"#, "carrier cannot"),
        (#"{"carrier":"twilio","to":"15550100"}"#, "to cannot"),
        (#"{"carrier":"twilio","to":"+05550100"}"#, "to cannot"),
        (#"{"carrier":"twilio","to":"+15550100","from":"x"}"#, "from cannot"),
        (#"{"carrier":"twilio","to":"+15550100","mode":"voicemail"}"#, "mode cannot"),
        (#"{"carrier":"twilio","to":"+15550100","colour":"red"}"#, "colour is not known"),
        (#"{"carrier":"twilio","to":"+15550100","call_id":"x"}"#, "call_id is not known"),
        (#"{"carrier":"twilio","to":"+15550100","variables":{"a":1}}"#, "variables cannot"),
        (#"{"carrier":"twilio","to":"+15550100","texts":["a"]}"#, "texts cannot"),
        (#"{"carrier":"twilio","to":"+15550100","mode":"speech"}"#, "texts is missing"),
        (#"{"carrier":"twilio","to":"+15550100","mode":"speech","texts":[1]}"#, "texts cannot"),
        (
            #"{"carrier":"twilio","to":"+15550100","mode":"speech","texts":["a"],"agent_id":"x"}"#,
            "agent_id cannot"
        ),
        (#"{"carrier":"twilio","to":"+15550100","agent_id":7}"#, "agent_id cannot"),
    ])
    func badOrdersAreNamed(body: String, detail: String) throws {
        let desk = try TestDesk()
        let answer = try Self.post(desk, "/v1/calls", body)
        #expect(answer.status == 400)
        #expect(answer.text.contains(detail), "\(answer.text)")
        #expect(!answer.text.contains("5550100"))
        #expect(desk.control.orders.isEmpty)
    }

    static let refusals: [(CallControlRefusal, Int, String, String?)] = [
        (.carrierNotConfigured, 409, "carrier_not_configured", nil),
        (.tooManyCalls(retryAfterSeconds: 9), 429, "too_many_calls", "9"),
        (.bad(member: "from"), 400, "bad_body", nil), (.draining, 503, "draining", "30"),
        (.storageUnavailable, 503, "storage_unavailable", "30"),
    ]

    @Test(arguments: refusals)
    func refusalsAreStatuses(refusal: CallControlRefusal, status: Int, code: String, retry: String?) throws {
        let desk = try TestDesk()
        desk.control.refusal = refusal
        for (path, action) in [("/v1/calls", RouteAction.placeCall), ("/v1/stream-tokens", .issueToken)] {
            let answer = try Self.post(desk, path, try #require(TestDesk.goodBodies[action]))
            #expect(answer.status == status)
            #expect(answer.text.contains("\"code\":\"\(code)\""))
            #expect(answer.headers["Retry-After"] == retry)
        }
    }

    @Test func callsAreEndedAndSpokenIn() throws {
        let desk = try TestDesk()
        let path = "/v1/calls/\(TestDesk.id(1))"
        for (outcome, status) in [(HangUpOutcome.accepted, 202), (.over, 409), (.unknown, 404)] {
            desk.control.hangUpOutcome = outcome
            #expect(try desk.ask(path + "/hangup", method: "POST").status == status)
            #expect(try Self.post(desk, path + "/hangup", "{}").status == status)
        }
        #expect(try Self.post(desk, path + "/hangup", #"{"now":true}"#).status == 400)
        for (outcome, status) in [
            (SpeakOutcome.accepted, 202), (.over, 409), (.wrongMode, 409), (.tooMany, 429),
            (.notSpeaking, 409), (.unknown, 404),
        ] {
            desk.control.speakOutcome = outcome
            #expect(try Self.post(desk, path + "/speak", #"{"text":"A \"b\""}"#).status == status)
        }
        #expect(desk.control.spoken == Array(repeating: "A \"b\"", count: 6))
        for body in ["{}", #"{"text":""}"#, #"{"text":1}"#, #"{"text":"a","voice":"b"}"#] {
            #expect(try Self.post(desk, path + "/speak", body).status == 400)
        }
        let long = String(repeating: "x", count: 10 << 10)
        #expect(try Self.post(desk, path + "/speak", #"{"text":"\#(long)x"}"#).status == 400)
        #expect(desk.control.spoken.count == 6)
    }

    @Test func aCallIsLookedAt() throws {
        let desk = try TestDesk()
        #expect(try desk.ask("/v1/calls/\(TestDesk.id(50))").status == 404)
        try desk.archive.applyAndWait(
            .dial(
                DialRow(
                    id: TestDesk.id(50), carrier: "twilio", called: "+15550100", requestedAt: TestDesk.start))
        )
        let dialled = try desk.ask("/v1/calls/\(TestDesk.id(50))").text
        #expect(dialled.contains(#""state":"requested""#))
        #expect(dialled.hasSuffix(#""live":null,"recording":null,"carrier_events":[]}"#))
        #expect(
            try desk.ask("/v1/calls/\(TestDesk.id(1))").text
                == #"{"id":"\#(TestDesk.id(1))","dial":null,"live":null,"recording":"/v1/recordings/\#(TestDesk.id(1))","carrier_events":[]}"#
        )
        // What carriers told of it: the kind and the time, nothing of what it says.
        let call = try #require(try desk.archive.catalog.call(TestDesk.id(1))?.call)
        try desk.archive.applyAndWait(
            .carrierEvent(
                CarrierEventRow(
                    carrier: call.carrier, key: "k1", carrierCallID: call.carrierCallID,
                    kind: "call.completed",
                    receivedAt: TestDesk.start, detail: #"{"From":"+15550100"}"#)))
        #expect(
            try desk.ask("/v1/calls/\(TestDesk.id(1))").text.hasSuffix(
                #""carrier_events":[{"source":"\#(call.carrier)","kind":"call.completed","occurred_at":null,"received_at":"\#(ArchiveTime.rfc3339(TestDesk.start))"}]}"#
            ))
        #expect(try desk.ask("/v1/calls/x").text.contains(#""phase":"talking""#))
    }

    @Test func passesAreIssued() throws {
        let desk = try TestDesk()
        let answer = try Self.post(
            desk, "/v1/stream-tokens", #"{"carrier":"exotel","call_id":"c1","agent_id":"a"}"#)
        #expect(answer.status == 201)
        #expect(
            answer.text
                == #"{"token":"t0ken","expires_at":"2026-11-21T10:02:42.000000Z","url":"wss://host.example/media/t0ken"}"#
        )
        #expect(desk.control.passes.first?.carrierCallID == "c1")
        #expect(
            try Self.post(desk, "/v1/stream-tokens", #"{"carrier":"exotel","to":"+15550100"}"#).status == 400)
    }

    @Test func conversationsAreServed() throws {
        let desk = try TestDesk()
        let path = "/v1/recordings/\(TestDesk.id(1))"
        #expect(try desk.ask(path + "/conversation").status == 404)
        #expect(try desk.ask(path).text.contains(#""conversation":null"#))
        try desk.furnish()
        #expect(try desk.ask(path).text.contains(#""conversation":"\#(path)/conversation""#))
        let answer = try desk.ask(path + "/conversation")
        #expect(answer.text.contains(#""document":{"agent_id":"agent"}"#))
        #expect(answer.text.contains(#""audio":"\#(path)/conversation/audio.mp3""#))
        #expect(BodyValue(answer.body) != nil)
        let audio = try desk.ask(path + "/conversation/audio.mp3", ["Range": "bytes=1-1"])
        #expect(audio.status == 206)
        #expect(audio.body == [2])
        #expect(try desk.ask("/v1/recordings/\(TestDesk.id(2))/conversation/audio.mp3").status == 404)
    }

    @Test func aWAVFileIsServedAsOne() throws {
        let desk = try TestDesk()
        try desk.furnish()
        let path = "/v1/recordings/\(TestDesk.id(9))"
        let wav = try desk.ask(path + "/audio.wav")
        #expect(wav.headers["Content-Type"] == "audio/wav")
        #expect(wav.headers["Content-Disposition"] == "inline; filename=\"v3_a.wav\"")
        #expect(wav.body == [4, 5])
        let parts = try desk.ask(path + "/audio.wav", ["Range": "bytes=0-0,-0,1-1"])
        #expect(parts.status == 206)
        let other = try desk.ask(path + "/audio.mp3")
        #expect(other.status == 404)
        #expect(other.text.contains("audio.wav"))
        let mp3 = try desk.ask("/v1/recordings/\(TestDesk.id(1))/audio.wav")
        #expect(mp3.status == 404)
        #expect(mp3.text.contains("audio.mp3"))
        let list = try desk.ask("/v1/recordings", query: [("origin", "carrier")]).text
        #expect(list.contains(#""audio":"\#(path)/audio.wav","media_type":"audio/wav""#))
        #expect(list.contains(#""origin":"carrier","provenance":{"carrier":"telnyx","recording_id":"r1""#))
        #expect(!list.contains(TestDesk.id(1)))
        #expect(try desk.ask("/v1/recordings", query: [("origin", "mine")]).status == 400)
    }
}
