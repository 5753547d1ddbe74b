// The two Twilio pages, end to end: webhook, TwiML, stream, agent or text to speech, recording. Authentication required.

import Agents
import Archive
import Audio
import Carriers
import Cryptography
import Exchange
import Foundation
import Net
import Patience
import Signalling
import Telemetry
import Testing

@testable import Simulator

/// A house with a public address of its own, and a Twilio that signs.
struct TwilioHouse {
    static let token = "12345"
    static let apiToken = "the-api-token-of-the-test"
    let house: TestHouse
    let twilio: SimulatedTwilioREST
    let speech: SimulatedSpeech

    init(_ farEnd: FarEnd, agents: SimulatedAgentSettings = ShortTalk.agent, values: [String: String] = [:])
        throws
    {
        (house, speech) = try Self.open(agents, values)
        var settings = SimulatedTwilioSettings()
        settings.farEnd = farEnd
        settings.signer = Self.signer
        twilio = try SimulatedTwilioREST.start(settings)
    }

    /// A house that knows its own address, at a port that nobody takes in between, and the voice behind it.
    private static func open(
        _ agents: SimulatedAgentSettings, _ values: [String: String]
    ) throws -> (TestHouse, SimulatedSpeech) {
        try TestHouse.atFreePort { port in
            let speech = SimulatedSpeech()
            var door = AgentDoorSettings()
            door.speech = speech
            let all = Self.values(at: port).merging(values) { $1 }
            return (try TestHouse(agent: agents, door: door, values: all), speech)
        }
    }

    private static func values(at port: UInt16) -> [String: String] {
        [
            "server.carrier_auth": "required", "server.port": String(port),
            "server.public_url": "http://127.0.0.1:\(port)", "server.api_token": Self.apiToken,
            "server.host": "127.0.0.1", "twilio.auth_token": "another," + Self.token,
            "agent.api_key": "key-of-the-test",
        ]
    }

    static let signer: HookSigner = { content in
        do {
            let signature = try TwilioSignature.sign(
                url: content.url, form: FormFields(content.form), secret: Secret(token))
            return [(TwilioSignature.header, signature)]
        } catch {
            return []
        }
    }

    func url(_ path: String) -> String { "http://127.0.0.1:\(house.exchange.port)\(path)" }

    func api(_ method: String, _ path: String, _ body: String = "") async throws -> HTTPClientResponse {
        var headers = [("Authorization", "Bearer " + Self.apiToken)]
        if !body.isEmpty { headers.append(("Content-Type", "application/json")) }
        return try await house.client.send(
            HTTPClientRequest(
                method: method, url: url(path), headers: headers, body: Array(body.utf8), answerBytes: 8 << 20
            ))
    }

    /// Lets a call happen and gives its recording.
    func ring(_ path: String, from: String = "+14155550123") async throws -> RecordingDetail {
        let sid = twilio.ring(from: from, to: "+18005550100", webhook: url(path))
        #expect(await twilio.desk.settled(withinMilliseconds: 40_000))
        #expect(twilio.desk.faults == [])
        await house.settle()
        var filter = CallFilter()
        filter.callID = sid
        let catalog = house.exchange.archive.catalog
        let listed = try #require(try catalog.list(filter, limit: 2).items.first)
        return try #require(try catalog.detail(listed.call.id))
    }

    /// Both channels of a sealed recording, as the API gives it and ffmpeg decodes it.
    func sound(_ detail: RecordingDetail) async throws -> StereoSound {
        let audio = try await api("GET", "/v1/recordings/\(detail.call.id)/audio.mp3")
        #expect(audio.status == 200)
        let path = house.folder + "/fetched.mp3"
        try Data(audio.body).write(to: URL(fileURLWithPath: path))
        return try #require(try StereoDecoding.ffmpeg([path], folder: house.folder).first)
    }

    func close() {
        twilio.stop()
        #expect(house.close() == 0)
    }
}

@Suite(.serialized) struct TwilioPagesTests {
    /// Page "Twilio Integration Guide": webhook with the customer's context, agent by context, stream, agent, recording.
    @Test func pageTwilioIntegrationGuide() async throws {
        let rules = NSTemporaryDirectory() + "rules-" + UUID().uuidString + ".json"
        try Data(
            #"{"rules":[{"name":"emi","when":{"context":{"emi_eligible":"true"}},"then":{"agent_id":"agent_emi","variables":{"greeting":"Hello {{name|Valued Customer}}"}}},{"name":"others","when":{},"then":{"agent_id":"general_support_agent_id","variables":{"name":"{{name|Valued Customer}}"}}}]}"#
                .utf8
        ).write(to: URL(fileURLWithPath: rules))
        defer { unlink(rules) }
        let script = CallerScript([
            .init(.silence, milliseconds: 1_100), .init(.tone(hertz: 440, level: 8000), milliseconds: 400),
        ])
        let scene = try TwilioHouse(
            FarEnd(script, hangsUpAtMilliseconds: 5_000), values: ["routing.rules": rules])
        let stored = try await scene.api(
            "PUT", "/v1/contexts/+14155550123",
            #"{"fields":{"name":"Asha Rao","customer_id":"C-17","total_enr_amount":4200,"emi_eligible":true}}"#
        )
        #expect([200, 201, 204].contains(stored.status), "\(String(decoding: stored.body, as: UTF8.self))")

        let known = try await scene.ring("/twilio/incoming-call")
        #expect(known.recording.state == .sealed && known.call.agentID == "agent_emi")
        #expect(known.call.caller == "+14155550123" && known.call.called == "+18005550100")
        #expect(!known.call.parameters.contains("teeline_token"))
        let unknown = try await scene.ring("/twilio/incoming-call", from: "+14155550999")
        #expect(unknown.recording.state == .sealed && unknown.call.agentID == "general_support_agent_id")

        let talks = await scene.house.agent.allEnded(withinMilliseconds: 20_000)
        #expect(talks.map(\.agentID) == ["agent_emi", "general_support_agent_id"])
        #expect(talks.first?.variables["name"] == "Asha Rao")
        #expect(talks.first?.variables["customer_id"] == "C-17")
        #expect(talks.first?.variables["greeting"] == "Hello Asha Rao")
        #expect(talks.last?.variables["name"] == "Valued Customer")
        #expect(talks.allSatisfy { $0.variables["teeline_token"] == nil })

        // The caller's tone on the left, the agent's on the right.
        let sound = try await scene.sound(known)
        try #require(sound.left.count >= 11_200)
        #expect(Goertzel(440, rate: 8000).amplitude(in: sound.left[9_600..<11_200]) > 0.1)
        #expect(CodecCallTests.tone(620, in: sound.right, rate: 8000).count >= 840)

        // What Twilio told of its streams is kept.
        let events = try scene.house.exchange.archive.catalog.carrierEvents(
            ofCarrierCall: known.call.carrierCallID)
        #expect(events.map(\.kind).sorted() == ["call.incoming", "stream-started", "stream-stopped"])
        scene.close()
    }

    /// Page "ElevenLabs Twilio WebSocket Integration": the stream speaks by text to speech; test routes.
    @Test func pageElevenLabsTwilioWebSocketIntegration() async throws {
        let text = "Good evening, your parcel is on its way."
        let scene = try TwilioHouse(
            FarEnd(hangsUpAtMilliseconds: 15_000), values: ["speech.text": text])
        let base = "/api/v1/elevenlabs-twilio"
        let spoken = try await scene.ring(base + "/call/incoming?voice_id=voiceOfTheTest")
        #expect(spoken.recording.state == .sealed)
        #expect(spoken.call.endWhy == "speech_ended" && spoken.call.agentID == nil)
        #expect(spoken.turns.map(\.text) == [text] && spoken.turns.first?.interrupted == false)
        let request = try #require(scene.speech.requests.first)
        #expect(request.voiceID == "voiceOfTheTest" && request.format == "ulaw_8000" && request.text == text)
        let body = try #require(
            try JSONSerialization.jsonObject(with: Data(request.body)) as? [String: Any])
        let voice = try #require(body["voice_settings"] as? [String: Any])
        #expect(voice["stability"] as? Double == 0.5 && voice["similarity_boost"] as? Double == 0.75)
        #expect(voice["style"] as? Double == 0 && voice["use_speaker_boost"] as? Bool == true)
        // 60 ms a character of one pitch, on the right.
        let sound = try await scene.sound(spoken)
        let pitch = Goertzel(SimulatedSpeechSound.hertz(of: text), rate: 8000)
        let length = SimulatedSpeechSound.milliseconds(of: text) * 8
        let begin = try #require(sound.right.firstIndex { abs(Int($0)) > 2_000 })
        try #require(begin + length - 800 <= sound.right.count)
        #expect(pitch.amplitude(in: sound.right[begin..<begin + length - 800]) > 0.25)
        #expect(sound.right.dropFirst(begin + length + 1_600).allSatisfy { abs(Int($0)) < 300 })

        // The same text again comes from the cache.
        _ = try await scene.ring(base + "/call/incoming?voice_id=voiceOfTheTest")
        #expect(scene.speech.requests.count == 1)

        // With agent_id the agent talks instead.
        let agent = try await scene.ring(base + "/call/incoming?agent_id=agent_two")
        #expect(agent.call.agentID == "agent_two")

        #expect(try await scene.house.get(base + "/test").status == 401)
        #expect(try await scene.api("GET", base + "/test").status == 200)
        let connections = try await scene.api("GET", base + "/connections")
        #expect(String(decoding: connections.body, as: UTF8.self).contains(#""active_connections":0"#))
        let tried = try await scene.api("POST", base + "/test-synthesis", #"{"text":"Try me"}"#)
        #expect(tried.status == 200 && tried.header("Content-Type") == "audio/wav")
        // 58 bytes of header, then 60 ms a character at 8 bytes a millisecond.
        #expect(tried.body.count == 58 + 6 * 60 * 8)
        scene.speech.fail(.refuse(status: 401, name: "invalid_api_key"))
        #expect(try await scene.api("POST", base + "/test-synthesis", #"{"text":"Not me"}"#).status == 502)
        #expect(
            try await scene.house.tells(#"teeline_speech_total{source="service",outcome="bad_key"} 1"#))
        scene.close()
    }

    /// The page's own WebSocket test: a stream without a webhook before it, where nobody has to prove anything.
    @Test func theSpeechPathSpeaksByItself() async throws {
        let speech = SimulatedSpeech()
        var door = AgentDoorSettings()
        door.speech = speech
        let house = try TestHouse(
            agent: ShortTalk.agent, door: door,
            values: ["agent.api_key": "key-of-the-test", "speech.text": "Hello there", "agent.id": ""])
        let url = house.media("/api/v1/elevenlabs-twilio/call/connection")
        let result = await house.network.call(ShortTalk.call(to: url, milliseconds: 8_000))
        await house.settle()
        #expect(speech.requests.map(\.text) == ["Hello there"])
        // 60 ms a character at 8 kHz.
        let heard = result.heard.count { abs(Int($0)) > 500 }
        #expect(heard > 11 * 60 * 8 / 2)
        #expect(house.close() == 0)
    }

    /// The page's webhook and its WebSocket test, in its own bytes, where nobody has to prove anything.
    @Test func thePagesOwnMessages() async throws {
        let speech = SimulatedSpeech()
        var door = AgentDoorSettings()
        door.speech = speech
        let house = try TestHouse(
            agent: ShortTalk.agent, door: door,
            values: [
                "agent.api_key": "key-of-the-test", "speech.text": "Hi", "agent.id": "",
                "server.public_url": "https://your-domain.com",
            ])
        let answer = try await house.client.send(
            HTTPClientRequest(
                method: "POST",
                url: "http://127.0.0.1:\(house.exchange.port)/api/v1/elevenlabs-twilio/call/incoming",
                headers: [("Content-Type", "application/x-www-form-urlencoded")],
                body: Array("CallSid=test_call_123&From=%2B1234567890&To=%2B0987654321".utf8)))
        let twiml = String(decoding: answer.body, as: UTF8.self)
        #expect(
            twiml.contains(
                #"<Connect><Stream url="wss://your-domain.com/api/v1/elevenlabs-twilio/call/connection""#))
        let messages = Heard(
            first: #"{"event":"start","start":{"callSid":"test_call_123","streamSid":"test_stream_456"}}"#)
        let socket = try EventLoop.start(name: "page")
        defer { socket.stop() }
        let peer = WebSocketConnection.connect(
            to: house.media("/api/v1/elevenlabs-twilio/call/connection"), on: socket,
            limits: WebSocketLimits(messageBytes: 1 << 20), handler: messages)
        #expect(
            try await eventually { messages.all.contains { $0.contains(#""event":"media""#) } })
        #expect(
            messages.all.contains {
                $0.contains(#""streamSid":"test_stream_456""#) && $0.contains(#""payload":""#)
            })
        socket.execute { peer.close(code: 1000, reason: "") }
        await house.settle()
        #expect(house.close() == 0)
    }

    /// A call whose agent cannot be reached: the caller is told so once the stream is over.
    @Test func whoCannotBeHelpedIsTold() async throws {
        let scene = try TwilioHouse(
            FarEnd(hangsUpAtMilliseconds: 15_000),
            values: ["agent.base_url": "http://127.0.0.1:9", "agent.attempts": "2", "agent.retry_ms": "20"])
        let lost = try await scene.ring("/twilio/incoming-call")
        #expect(lost.call.endWhy == "agent_unreachable")
        let call = try #require(scene.twilio.call(lost.call.carrierCallID))
        #expect(call.verbs == ["Connect", "Redirect", "Say", "Hangup"])
        scene.close()
    }

    /// Twenty calls of one number at once, where one may be: nineteen hear the busy message before any stream has begun.
    @Test func placesAreTakenAtTheDoor() async throws {
        let scene = try TwilioHouse(
            FarEnd(hangsUpAtMilliseconds: 1_000), values: ["doors.calls_per_caller": "1"])
        let url = scene.url("/twilio/incoming-call")
        let client = scene.house.client
        let answers = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<20 {
                let form = FormFields([
                    (name: "CallSid", value: "CA\(number)"), (name: "From", value: "+14155550123"),
                    (name: "To", value: "+18005550100"),
                ])
                let signature = try TwilioSignature.sign(
                    url: url, form: form, secret: Secret(TwilioHouse.token))
                group.addTask {
                    let answer = try await client.send(
                        HTTPClientRequest(
                            method: "POST", url: url,
                            headers: [
                                ("Content-Type", "application/x-www-form-urlencoded"),
                                (TwilioSignature.header, signature),
                            ], body: form.body))
                    return String(decoding: answer.body, as: UTF8.self)
                }
            }
            return try await group.reduce(into: [String]()) { $0.append($1) }
        }
        #expect(answers.count { $0.contains("<Connect>") } == 1)
        #expect(answers.count { $0.contains("All our lines are busy") } == 19)
        scene.close()
    }

    /// Whatever goes wrong, the caller is told something; a request that proves nothing is told nothing.
    @Test func callersAreAlwaysToldSomething() async throws {
        let scene = try TwilioHouse(
            FarEnd(hangsUpAtMilliseconds: 60_000),
            values: ["doors.calls_per_caller": "1", "doors.busy_message": "Engaged & busy."])
        func post(_ fields: [(String, String)], signed: Bool = true) async throws -> HTTPClientResponse {
            let url = scene.url("/twilio/incoming-call")
            let form = FormFields(fields.map { (name: $0.0, value: $0.1) })
            var headers = [("Content-Type", "application/x-www-form-urlencoded")]
            if signed {
                headers.append(
                    (
                        TwilioSignature.header,
                        try TwilioSignature.sign(url: url, form: form, secret: Secret(TwilioHouse.token))
                    ))
            }
            return try await scene.house.client.send(
                HTTPClientRequest(method: "POST", url: url, headers: headers, body: form.body))
        }
        #expect(try await post([("CallSid", "CA1")], signed: false).status == 403)
        let lost = try await post([("From", "+14155550123")])
        #expect(lost.status == 200)
        #expect(String(decoding: lost.body, as: UTF8.self).contains("We are sorry, we cannot take your call"))

        // One call of this number runs: the second hears the busy message.
        let sid = scene.twilio.ring(
            from: "+14155550123", to: "+18005550100", webhook: scene.url("/twilio/incoming-call"))
        #expect(try await eventually { scene.house.exchange.liveCalls == 1 })
        #expect(try await eventually { scene.twilio.call(sid)?.live != nil })
        try await Task.sleep(for: .milliseconds(200))
        let busy = try await post([("CallSid", "CA2"), ("From", "+14155550123"), ("To", "+18005550100")])
        #expect(
            String(decoding: busy.body, as: UTF8.self)
                == #"<?xml version="1.0" encoding="UTF-8"?><Response><Say language="en-US">Engaged &amp; busy.</Say><Hangup/></Response>"#
        )
        // The first one stays until the second one is answered.
        scene.twilio.call(sid)?.live?.hangUp()
        #expect(await scene.twilio.desk.settled())
        scene.close()
    }
}

/// Messages that came to a socket.
private final class Heard: WebSocketHandler, @unchecked Sendable {
    // `lock` guards `messages`.
    private let lock = Lock()
    private var messages: [String] = []
    private let first: String

    init(first: String) { self.first = first }

    var all: [String] { lock.withLock { messages } }

    func webSocketDidOpen(_ socket: WebSocketConnection) { socket.send(text: Array(first.utf8)) }
    func webSocket(_ socket: WebSocketConnection, didReceive bytes: UnsafeRawBufferPointer, isText: Bool) {
        lock.withLock { messages.append(String(decoding: bytes, as: UTF8.self)) }
    }
    func webSocketDidClose(_ socket: WebSocketConnection, code: UInt16, reason: String, error: NetError?) {}
}
