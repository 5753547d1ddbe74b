// The simulated Exotel: right calls are carried out, wrong requests noted (carriers.md 4.1, 4.2.5, 4.3, 4.4).

import Net
import Testing

@testable import Simulator

@Suite struct ExotelRESTTests {
    /// Basic of the vectors' key and token (exotel_basic_auth_vectors).
    static let basic = ("Authorization", "Basic ZXhvX2tleV8xOmV4b190b2tlbl8y")

    private func start(_ farEnd: FarEnd = FarEnd(hangsUpAtMilliseconds: 200), recording: String? = nil) throws
        -> SimulatedExotelREST
    {
        var settings = SimulatedExotelSettings()
        settings.farEnd = farEnd
        settings.recordingURL = recording
        return try SimulatedExotelREST.start(settings)
    }

    private func accounts(_ exotel: SimulatedExotelREST, _ tail: String) -> String {
        "\(exotel.desk.baseURL)/v1/Accounts/exampleacct1/\(tail)"
    }

    @Test func aCallIsCarriedOut() async throws {
        let house = try HookCatcher.start()
        let exotel = try start(recording: "https://recordings.exotel.com/r.mp3")
        let stream = "ws://exo_key_1:exo_token_2@\(house.host)/exotel?sample-rate=16000&agent=a42"
        let body = FormText.text([
            ("From", "+919876543210"), ("CallerId", "08047491899"), ("StreamUrl", stream),
            ("StreamType", "bidirectional"), ("Record", "true"), ("RecordingChannels", "dual"),
            ("TimeLimit", "3600"), ("CustomField", "agent=a42"), ("StatusCallback", house.url("/status")),
            ("StatusCallbackEvents[0]", "answered"), ("StatusCallbackEvents[1]", "terminal"),
            ("StatusCallbackContentType", "application/x-www-form-urlencoded"),
        ])
        let made = try await ask("POST", accounts(exotel, "Calls/connect.json"), Self.basic, body: body)
        #expect(made.status == 200)
        let sid = try #require(RESTValue(made.body)?["Call"]?["Sid"]?.text)
        #expect(RESTValue(made.body)?["Call"]?["RecordingUrl"] == .null)
        #expect(await exotel.desk.settled())
        #expect(exotel.desk.faults == [])

        let record = try #require(try await house.bridge.record())
        #expect(record.start?.callID == sid && record.start?.inbound.rate == 16_000)
        #expect(record.start?.parameters == ["agent": "a42"] && record.start?.caller == "+919876543210")
        let upgrade = try #require(house.caught("/exotel").first)
        #expect(upgrade.header("Authorization") == Self.basic.1)
        #expect(upgrade.target == "/exotel?sample-rate=16000&agent=a42")
        let told = house.caught("/status").map(form)
        #expect(told.map { $0["EventType"] } == ["answered", "terminal"])
        #expect(told.last?["Status"] == "completed" && told.last?["Legs[0][Status]"] == "completed")
        #expect(told.allSatisfy { $0["CustomField"] == "agent=a42" && $0["CallSid"] == sid })

        let details = try await ask(
            "GET", accounts(exotel, "Calls/\(sid).json?details=true&RecordingUrlValidity=60"), Self.basic)
        let call = try #require(RESTValue(details.body)?["Call"])
        #expect(
            call["Status"]?.text == "completed"
                && call["RecordingUrl"]?.text == "https://recordings.exotel.com/r.mp3")
        let active = try await ask("GET", accounts(exotel, "ActiveStreams"), Self.basic)
        #expect(
            String(decoding: active.body, as: UTF8.self).contains("<ActiveStreamCount>0</ActiveStreamCount>"))
        #expect(exotel.desk.faults == [])
        exotel.stop()
        house.stop()
    }

    @Test(arguments: [
        ("CallerId=1&StreamUrl=wss%3A%2F%2Fh%2F&StreamType=bidirectional", "From is missing"),
        ("From=1&StreamUrl=wss%3A%2F%2Fh%2F&StreamType=bidirectional", "CallerId is missing"),
        ("From=1&CallerId=2", "wants one of StreamUrl, Url"),
        ("From=1&CallerId=2&StreamUrl=wss%3A%2F%2Fh%2F", "StreamUrl and StreamType stand together"),
        (
            "From=1&CallerId=2&StreamUrl=wss%3A%2F%2Fh%2F&StreamType=both",
            "StreamType has a value that is not known"
        ),
        (
            "From=1&CallerId=2&StreamUrl=https%3A%2F%2Fh%2F&StreamType=bidirectional",
            "StreamUrl is no WebSocket address"
        ),
        (
            "From=1&CallerId=2&StreamUrl=wss%3A%2F%2Fh%2F%3Fsample-rate%3D11025&StreamType=bidirectional",
            "StreamUrl has a sample-rate that is not known"
        ),
        (
            "From=1&CallerId=2&StreamUrl=wss%3A%2F%2Fh%2F%3Fa%3D1%26b%3D2%26c%3D3%26d%3D4&StreamType=bidirectional",
            "StreamUrl has more than 3 custom parameters"
        ),
        (
            "From=1&CallerId=2&StreamUrl=wss%3A%2F%2Fkey%40h%2F&StreamType=bidirectional",
            "StreamUrl has credentials that are no name and secret"
        ),
        (
            "from=1&From=1&CallerId=2&StreamUrl=wss%3A%2F%2Fh%2F&StreamType=bidirectional",
            "from is written in the wrong case"
        ),
        ("To=1&From=1&CallerId=2&StreamUrl=wss%3A%2F%2Fh%2F&StreamType=bidirectional", "To is not known"),
        (
            "Record=yes&From=1&CallerId=2&StreamUrl=wss%3A%2F%2Fh%2F&StreamType=bidirectional",
            "Record has a value that is not known"
        ),
        (
            "RecordingChannels=mono&From=1&CallerId=2&StreamUrl=wss%3A%2F%2Fh%2F&StreamType=bidirectional",
            "RecordingChannels has a value that is not known"
        ),
        (
            "TimeLimit=14401&From=1&CallerId=2&StreamUrl=wss%3A%2F%2Fh%2F&StreamType=bidirectional",
            "TimeLimit is not in 1…14400"
        ),
        (
            "StreamName=" + String(repeating: "n", count: 33)
                + "&From=1&CallerId=2&StreamUrl=wss%3A%2F%2Fh%2F&StreamType=bidirectional",
            "StreamName is longer than 32 characters"
        ),
        (
            "StatusCallbackEvents%5B0%5D=completed&From=1&CallerId=2&StreamUrl=wss%3A%2F%2Fh%2F&StreamType=bidirectional",
            "StatusCallbackEvents has a value that is not known"
        ),
    ])
    func wrongRequestsAreNoted(body: String, reason: String) async throws {
        let exotel = try start()
        let answer = try await ask("POST", accounts(exotel, "Calls/connect.json"), Self.basic, body: body)
        #expect(answer.status == 400 && RESTValue(answer.body)?["RestException"] != nil)
        #expect(exotel.desk.faults.map(\.reason) == [reason])
        exotel.stop()
    }

    @Test func aStreamsAddressHasALimit() {
        // "wss://h/" and 591 or 592 characters: 599 and 600.
        for (count, isGood) in [(591, true), (592, false)] {
            let url = "wss://h/" + String(repeating: "p", count: count)
            let faults = ExotelParameters.faults([
                ("From", "1"), ("CallerId", "2"), ("StreamUrl", url), ("StreamType", "bidirectional"),
            ])
            #expect(faults == (isGood ? [] : ["StreamUrl has 600 characters or more"]))
        }
    }

    /// Vector exotel_basic_auth_vectors.
    @Test(arguments: [
        (
            "wss://exo_key_1:exo_token_2@bridge.example.com/exotel/media?sample-rate=16000",
            "wss://bridge.example.com/exotel/media?sample-rate=16000", "Basic ZXhvX2tleV8xOmV4b190b2tlbl8y"
        ),
        (
            "wss://user%40acme:p%3Ass%2Fword@bridge.example.com/exotel/media",
            "wss://bridge.example.com/exotel/media",
            "Basic dXNlckBhY21lOnA6c3Mvd29yZA=="
        ),
    ])
    func credentialsComeFromTheAddress(text: String, url: String, authorization: String) {
        let address = ExotelStreamAddress(text)
        #expect(address.url == url && address.authorization == authorization && address.fault == nil)
    }

    @Test func strangersAreRefused() async throws {
        let exotel = try start()
        #expect(try await ask("POST", accounts(exotel, "Calls/connect.json"), body: "From=1").status == 401)
        #expect(
            try await ask("GET", accounts(exotel, "ActiveStreams"), ("Authorization", "Basic eDp5")).status
                == 401)
        #expect(try await ask("GET", accounts(exotel, "activestreams"), Self.basic).status == 404)
        #expect(
            try await ask("GET", accounts(exotel, "Calls/x.json?RecordingUrlValidity=4"), Self.basic).status
                == 404)
        #expect(
            exotel.desk.faults.map(\.reason) == [
                "Authorization is missing", "Authorization is not the account's",
                "there is no such resource or method",
                "RecordingUrlValidity is not in 5…60",
            ])
        exotel.stop()
    }

    /// A flow: resolver, Voicebot, Passthru.
    @Test func theVoicebotAppletAsksAndThePassthruIsTold() async throws {
        let place = Watched("")
        let house = try HookCatcher.start { request, _ in
            request.path == "/resolve"
                ? HTTPResponse(
                    status: 200, headers: [("Content-Type", "application/json")],
                    body: .bytes(RESTValue.object([.init("url", .text(place.value))]).bytes))
                : HTTPResponse(status: 302)
        }
        place.change { $0 = house.socket("/exotel?sample-rate=8000&agent=a42") }
        let exotel = try start()
        let outcome = await exotel.ring(
            from: "09876543210", to: "08047491899", voicebot: house.url("/resolve?key=k"),
            passthru: house.url("/passthru"))
        #expect(exotel.desk.faults == [])
        #expect(
            outcome.resolverStatus == 200 && outcome.stream?.end == .asPlanned
                && outcome.passthruStatus == 302)
        // The parameters of vectors exotel_http_dynamic_url and exotel_http_passthru_after_voicebot.
        let asked = try #require(house.caught("/resolve").first)
        #expect(
            asked.query.map(\.name) == [
                "key", "CallSid", "CallFrom", "CallTo", "Direction", "From", "To", "flow_id",
            ])
        #expect(asked.parameter("CallFrom") == "09876543210" && asked.parameter("CallSid") == outcome.callSid)
        let told = try #require(house.caught("/passthru").first)
        #expect(
            told.query.map(\.name) == [
                "CallSid", "Direction", "From", "To", "flow_id", "Stream[StreamSID]", "Stream[Status]",
                "Stream[Duration]", "Stream[RecordingUrl]", "Stream[StreamUrl]", "Stream[DisconnectedBy]",
            ])
        #expect(
            told.parameter("Stream[Status]") == "completed"
                && told.parameter("Stream[DisconnectedBy]") == "user")
        #expect(told.parameter("Stream[StreamSID]") == outcome.stream?.streamID)

        // A handshake that is refused is tried once more; the Passthru is told.
        place.change { $0 = house.socket("/nowhere") }
        let failed = await exotel.ring(
            from: "1", to: "2", voicebot: house.url("/resolve"), passthru: house.url("/passthru"))
        #expect(failed.stream == nil && house.caught("/nowhere").count == 2)
        #expect(
            house.caught("/passthru").last?.parameter("Stream[Error]") == "3009 failed to establish ws conn")
        #expect(exotel.desk.faults.map(\.reason) == ["its handshake failed twice"])
        exotel.stop()
        house.stop()
    }
}
