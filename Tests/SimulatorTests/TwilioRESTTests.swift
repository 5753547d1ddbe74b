// The simulated Twilio: right calls are carried out, wrong requests are noted (carriers.md 2.1).

import Net
import Testing

@testable import Simulator

@Suite struct TwilioRESTTests {
    static let account = "AC0123456789abcdef0123456789abcdef"
    /// Basic of the account and "12345": from vector twilio_rest_call_create.
    static let basic = (
        "Authorization", "Basic QUMwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjoxMjM0NQ=="
    )

    private func start(_ farEnd: FarEnd = FarEnd(hangsUpAtMilliseconds: 100)) throws -> SimulatedTwilioREST {
        var settings = SimulatedTwilioSettings()
        settings.farEnd = farEnd
        settings.signer = telltale
        return try SimulatedTwilioREST.start(settings)
    }

    private func calls(_ twilio: SimulatedTwilioREST, _ tail: String = ".json") -> String {
        "\(twilio.desk.baseURL)/2010-04-01/Accounts/\(Self.account)/Calls\(tail)"
    }

    private func fields(_ pairs: [(String, String)]) -> String { FormText.text(pairs.map { ($0.0, $0.1) }) }

    private func twiml(_ house: HookCatcher, _ inside: String = "") -> String {
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Connect><Stream url=\"\(house.socket("/twilio"))\" statusCallback=\"\(house.url("/stream"))\"><Parameter name=\"agentId\" value=\"a &amp; &lt;b&gt; &#233;\"/></Stream></Connect>\(inside)</Response>"
    }

    @Test func aCallIsCarriedOut() async throws {
        let house = try HookCatcher.start()
        let twilio = try start()
        let answer = try await ask(
            "POST", calls(twilio), Self.basic,
            body: fields([
                ("To", "+18005551212"), ("From", "+14155550100"), ("Twiml", twiml(house)),
                ("StatusCallback", house.url("/status")), ("StatusCallbackEvent", "initiated"),
                ("StatusCallbackEvent", "ringing"), ("StatusCallbackEvent", "answered"),
                ("StatusCallbackEvent", "completed"), ("Record", "true"), ("RecordingChannels", "dual"),
                ("RecordingStatusCallback", house.url("/recording")),
            ]))
        #expect(answer.status == 201)
        let resource = try #require(RESTValue(answer.body))
        #expect(resource["status"]?.text == "queued" && resource["direction"]?.text == "outbound-api")
        let sid = try #require(resource["sid"]?.text)
        #expect(sid.hasPrefix("CA") && sid.utf8.count == 34)
        #expect(await twilio.desk.settled())
        #expect(twilio.desk.faults == [])

        let call = try #require(twilio.call(sid))
        #expect(call.status == "completed" && call.verbs == ["Connect"])
        #expect(call.streams.map(\.end) == [.asPlanned])
        #expect(call.streams.first?.callID == sid)

        // The stream's parameters are the TwiML's, unescaped, and no others; its upgrade is signed over its address.
        let record = try #require(try await house.bridge.record())
        #expect(record.start?.parameters == ["agentId": "a & <b> é"])
        #expect(record.start?.callID == sid)
        let upgrade = try #require(house.caught("/twilio").first)
        #expect(upgrade.header("X-Told") == FormText.escaped(house.socket("/twilio")) + ";0;0")
        #expect(upgrade.header("User-Agent") == "Twilio.TmeWs/1.0")

        let told = house.caught("/status").map(form)
        #expect(told.map { $0["CallStatus"] } == ["initiated", "ringing", "in-progress", "completed"])
        #expect(told.map { $0["SequenceNumber"] } == ["0", "1", "2", "3"])
        #expect(told.allSatisfy { $0["CallSid"] == sid && $0["From"] == "+14155550100" })
        #expect(told.last?["CallDuration"] != nil && told.first?["CallDuration"] == nil)
        let signed = house.caught("/status").map { $0.header("X-Told") }
        #expect(
            signed.first == FormText.escaped(house.url("/status"))
                + ";12;\(house.caught("/status")[0].body.count)")
        let events = house.caught("/stream").map { form($0)["StreamEvent"] ?? "" }
        #expect(Set(events) == ["stream-started", "stream-stopped"] && events.count == 2)

        // What is over is not found any more, which is nobody's fault.
        let late = try await ask("POST", calls(twilio, "/\(sid).json"), Self.basic, body: "Status=completed")
        #expect(late.status == 404 && RESTValue(late.body)?["code"]?.integer == 20404)
        let seen = try await ask("GET", calls(twilio, "/\(sid).json"), Self.basic)
        #expect(RESTValue(seen.body)?["status"]?.text == "completed")
        #expect(twilio.desk.faults == [])
        twilio.stop()
        house.stop()
    }

    /// One wrong thing each, and what is noted.
    @Test(arguments: [
        ("From=%2B1&Url=http%3A%2F%2Fh%2F", "To is missing"),
        ("To=%2B1&Url=http%3A%2F%2Fh%2F", "From is missing"),
        ("To=1&From=2", "wants one of Url, Twiml, ApplicationSid"),
        ("To=1&From=2&ApplicationSid=AP1&Url=http%3A%2F%2Fh%2F", "wants one of Url, Twiml, ApplicationSid"),
        ("To=1&From=2&Url=%2Fvoice", "Url is no http address"),
        ("To=1&To=3&From=2&Url=http%3A%2F%2Fh", "To stands twice"),
        ("To=1&From=2&url=http%3A%2F%2Fh&ApplicationSid=AP1", "url is written in the wrong case"),
        ("To=1&From=2&Url=http%3A%2F%2Fh&Colour=red", "Colour is not known"),
        ("To=1&From=2&Url=http%3A%2F%2Fh&Method=PUT", "Method has a value that is not known"),
        (
            "To=1&From=2&Url=http%3A%2F%2Fh&StatusCallbackEvent=done",
            "StatusCallbackEvent has a value that is not known"
        ),
        (
            "To=1&From=2&Url=http%3A%2F%2Fh&StatusCallbackEvent=Answered",
            "StatusCallbackEvent is written in the wrong case"
        ),
        ("To=1&From=2&Url=http%3A%2F%2Fh&Timeout=601", "Timeout is not in 0…600"),
        ("To=1&From=2&Url=http%3A%2F%2Fh&Timeout=soon", "Timeout has the wrong type"),
        (
            "To=1&From=2&Url=http%3A%2F%2Fh&SendDigits=" + String(repeating: "1", count: 33),
            "SendDigits is longer than 32 characters"
        ),
        ("To=1&From=2&Url=http%3A%2F%2Fh&Record=yes", "Record has the wrong type"),
        (
            "To=1&From=2&Url=http%3A%2F%2Fh&RecordingChannels=stereo",
            "RecordingChannels has a value that is not known"
        ),
        (
            "To=1&From=2&Url=http%3A%2F%2Fh&RecordingStatusCallbackEvent=completed+never",
            "RecordingStatusCallbackEvent has a value that is not known"
        ),
        ("To=1&From=2&Twiml=%3CResponse%3E", "Twiml: is not well formed"),
        ("To=1&From=2&Twiml=%3CHello%2F%3E", "Twiml: has another root than Response"),
        ("To=1&From=2&Twiml=%ZZ", "the body is no form"),
    ])
    func wrongRequestsAreNoted(body: String, reason: String) async throws {
        let twilio = try start()
        let answer = try await ask("POST", calls(twilio), Self.basic, body: body)
        #expect(answer.status == 400)
        #expect(twilio.desk.faults == [RESTFault(place: "POST Calls.json", reason: reason)])
        twilio.stop()
    }

    @Test func inlineTwimlHasALimit() {
        let padding = String(repeating: " ", count: 4000 - "<Response></Response>".count)
        let ways: [String: [String]] = ["To": ["1"], "From": ["2"]]
        let right = ways.merging(["Twiml": ["<Response>\(padding)</Response>"]]) { $1 }
        #expect(TwilioParameters.create.faults(right) == [])
        let wrong = ways.merging(["Twiml": ["<Response>\(padding) </Response>"]]) { $1 }
        #expect(TwilioParameters.create.faults(wrong) == ["Twiml is longer than 4000 characters"])
    }

    @Test(arguments: [
        (
            "<Connect><Stream url=\"wss://h/s?a=1\"/></Connect>",
            "Stream url has a query, which is not supported"
        ),
        ("<Connect><Stream url=\"ws://h/s\"/></Connect>", "Stream url is no WebSocket address"),
        ("<Connect><Stream url=\"https://h/s\"/></Connect>", "Stream url is no WebSocket address"),
        (
            "<Connect><Stream url=\"wss://h/s\" track=\"both_tracks\"/></Connect>",
            "Stream track is not allowed here"
        ),
        ("<Start><Stream url=\"wss://h/s\" track=\"all\"/></Start>", "Stream track is not allowed here"),
        (
            "<Connect><Stream url=\"wss://h/s\" codec=\"L16\"/></Connect>",
            "Stream has an attribute that is not known"
        ),
        (
            "<Connect><Stream url=\"wss://h/s\" statusCallback=\"/x\"/></Connect>",
            "Stream statusCallback is not absolute"
        ),
        (
            "<Connect><Stream url=\"wss://h/s\"><Parameter name=\"a\"/></Stream></Connect>",
            "Stream holds something else than Parameter with name and value"
        ),
        ("<Connect/>", "Connect does not hold one Stream"), ("<Conect/>", "has a verb that is not known"),
    ])
    func wrongTwimlIsNoted(inside: String, reason: String) {
        #expect(TwimlReading(Array("<Response>\(inside)</Response>".utf8)).faults == [reason])
    }

    /// The TwiML examples of vector twilio_twiml_examples.
    @Test(arguments: [
        "<Start><Stream name=\"fork1\" url=\"wss://bridge.example.com/twilio/fork\" track=\"both_tracks\"/></Start><Dial>+14155550199</Dial>",
        "<Stop><Stream name=\"fork1\"/></Stop><Say>Done</Say>", "<Hangup/>", "<Reject reason=\"busy\"/>", "",
        "<Start><Recording channels=\"dual\" track=\"both\"/></Start><Connect><Stream url=\"wss://bridge.example.com/twilio/media\"/></Connect>",
    ])
    func rightTwimlIsTaken(inside: String) {
        #expect(
            TwimlReading(Array("<?xml version=\"1.0\"?><Response>\(inside)</Response>".utf8)).faults == [])
    }

    @Test(
        arguments: [
            (nil, "Authorization is missing"), ("Basic QUM6eA==", "Authorization is not the account's"),
            ("Bearer 12345", "Authorization is not the account's"),
        ] as [(String?, String)])
    func strangersAreRefused(authorization: String?, reason: String) async throws {
        let twilio = try start()
        let answer = try await ask(
            "POST", calls(twilio), authorization.map { ("Authorization", $0) }, body: "To=1&From=2")
        #expect(answer.status == 401)
        #expect(twilio.desk.faults.map(\.reason) == [reason])
        twilio.stop()
    }

    @Test func scriptedAnswersComeOnce() async throws {
        let twilio = try start()
        twilio.desk.script(ScriptedAnswer(429, path: "Calls", retryAfter: 2))
        twilio.desk.script(ScriptedAnswer(500))
        let first = try await ask("POST", calls(twilio), Self.basic, body: "x=1")
        #expect(first.status == 429 && first.header("Retry-After") == "2")
        #expect(try await ask("POST", calls(twilio), Self.basic, body: "x=1").status == 500)
        #expect(try await ask("POST", calls(twilio), Self.basic, body: "x=1").status == 400)
        #expect(twilio.desk.requests.map(\.status) == [429, 500, 400])
        twilio.stop()
    }

    @Test func twimlComesFromTheUrlAndARESTHangUpEndsTheStream() async throws {
        let markup = Watched("")
        let house = try HookCatcher.start { _, _ in
            HTTPResponse(
                status: 200, headers: [("Content-Type", "text/xml")], body: .bytes(Array(markup.value.utf8)))
        }
        markup.change { $0 = twiml(house) }
        let twilio = try start(FarEnd())
        let made = try await ask(
            "POST", calls(twilio), Self.basic,
            body: fields([
                ("To", "+18005551212"), ("From", "+14155550100"), ("Url", house.url("/voice?leg=1")),
            ]))
        let sid = try #require(RESTValue(made.body)?["sid"]?.text)
        #expect(await house.caught.wait(milliseconds: 15_000) { $0.contains { $0.path == "/twilio" } })
        let voice = try #require(house.caught("/voice").first)
        #expect(
            voice.method == "POST" && form(voice)["CallStatus"] == "in-progress"
                && form(voice)["Called"] == "+18005551212")
        #expect(
            voice.header("X-Told")?.hasPrefix(FormText.escaped(house.url("/voice?leg=1")) + ";9;") == true)
        #expect(await twilio.calls.wait(milliseconds: 15_000) { $0[sid]?.live != nil })
        let canceled = try await ask(
            "POST", calls(twilio, "/\(sid).json"), Self.basic, body: "Status=canceled")
        #expect(canceled.status == 400 && twilio.desk.faults.count == 1)
        let ended = try await ask("POST", calls(twilio, "/\(sid).json"), Self.basic, body: "Status=completed")
        #expect(ended.status == 200 && RESTValue(ended.body)?["status"]?.text == "completed")
        #expect(await twilio.desk.settled())
        #expect(twilio.call(sid)?.streams.count == 1 && twilio.call(sid)?.status == "completed")
        twilio.stop()
        house.stop()
    }

    /// The ringing of a minute does not hold up a call that is ended meanwhile.
    @Test func aCallThatIsEndedWhileItRingsIsOverAtOnce() async throws {
        let house = try HookCatcher.start()
        var far = FarEnd()
        far.ringMilliseconds = 60_000
        let twilio = try start(far)
        let made = try await ask(
            "POST", calls(twilio), Self.basic,
            body: fields([
                ("To", "+18005551212"), ("From", "+14155550100"), ("Twiml", twiml(house)),
                ("StatusCallback", house.url("/status")),
            ]))
        let sid = try #require(RESTValue(made.body)?["sid"]?.text)
        #expect(await twilio.calls.wait(milliseconds: 15_000) { $0[sid]?.status == "ringing" })
        let ended = try await ask("POST", calls(twilio, "/\(sid).json"), Self.basic, body: "Status=canceled")
        #expect(ended.status == 200)
        // Twenty seconds at most.
        #expect(await twilio.desk.settled())
        let call = try #require(twilio.call(sid))
        #expect(call.status == "canceled" && call.verbs.isEmpty && call.streams.isEmpty)
        #expect(house.caught("/status").map { form($0)["CallStatus"] } == ["canceled"])
        #expect(twilio.desk.faults == [])
        twilio.stop()
        house.stop()
    }

    /// A server that closes its socket hands the call to the next verb.
    @Test func aCallerRingsAndTheNextVerbFollowsTheStream() async throws {
        let markup = Watched("")
        let house = try HookCatcher.start { _, _ in
            HTTPResponse(
                status: 200, headers: [("Content-Type", "application/xml; charset=utf-8")],
                body: .bytes(Array(markup.value.utf8)))
        }
        markup.change { $0 = twiml(house, "<Say>Bye</Say><Hangup/><Say>Never</Say>") }
        var far = FarEnd(
            CallerScript([], keys: [.init("#", atMilliseconds: 60)]), hangsUpAtMilliseconds: 9000)
        far.ending = .server(limitMilliseconds: 9000)
        let twilio = try start(far)
        let sid = twilio.ring(from: "+14155550100", to: "+18005551212", webhook: house.url("/voice"))
        #expect(await twilio.desk.settled())
        #expect(twilio.desk.faults == [])
        let call = try #require(twilio.call(sid))
        #expect(call.verbs == ["Connect", "Say", "Hangup"] && call.status == "completed")
        #expect(call.streams.map(\.end) == [.server])
        let voice = form(try #require(house.caught("/voice").first))
        #expect(voice["Direction"] == "inbound" && voice["CallStatus"] == "ringing")
        twilio.stop()
        house.stop()
    }

    @Test func aWebhookThatIsNoTwimlIsNoted() async throws {
        let house = try HookCatcher.start { request, _ in
            request.path == "/none"
                ? HTTPResponse(status: 503)
                : HTTPResponse(
                    status: 200, headers: [("Content-Type", "text/html")],
                    body: .bytes(Array("<Response/>".utf8)))
        }
        let twilio = try start()
        _ = twilio.ring(from: "+1", to: "+2", webhook: house.url("/none"))
        #expect(await twilio.desk.settled())
        _ = twilio.ring(from: "+1", to: "+2", webhook: house.url("/html"))
        #expect(await twilio.desk.settled())
        #expect(twilio.desk.faults.map(\.reason) == ["Url was answered 503", "Content-Type is not text/xml"])
        twilio.stop()
        house.stop()
    }

    @Test(arguments: [
        ("<a/>", true), ("<a b='1' c=\"2\"><d/>t&amp;&#x41;</a>", true),
        ("<?xml version=\"1.0\"?><!-- c --><a/>", true),
        ("", false), ("<a>", false), ("<a></b>", false), ("<a b=1/>", false), ("<a b=\"1\" b=\"2\"/>", false),
        ("<a>&nbsp;</a>", false), ("<a>&</a>", false), ("<a/><b/>", false), ("<a b=\"<\"/>", false),
        ("<a b=\"1\"c=\"2\"/>", false),
    ])
    func markupIsReadStrictly(text: String, isGood: Bool) {
        #expect((XMLScan.parse(Array(text.utf8)) != nil) == isGood)
    }
}
