// The simulated text-to-speech service over real sockets: what it says, refuses and breaks.

import Agents
import Audio
import Net
import Simulator
import Testing

@Suite struct SpeechServiceTests {
    private func post(
        _ server: SimulatedSpeechServer, _ request: SpeechRequest, key: String? = nil
    ) async throws -> HTTPClientResponse {
        let client = HTTPClient()
        defer { client.close() }
        let url = try #require(request.url(base: server.baseURL))
        let headers = key.map { [(name: "xi-api-key", value: $0)] } ?? []
        return try await client.send(
            HTTPClientRequest(method: "POST", url: url, headers: headers, body: request.body))
    }

    @Test(arguments: [AudioFormat.pcmu8k, .pcma8k, AudioFormat(.pcm16, rate: 16000)])
    func `a text becomes a tone of its own, as long as its characters`(_ format: AudioFormat) async throws {
        let server = try SimulatedSpeechServer()
        let request = SpeechRequest(text: "Grüß Gott", voice: SpeechVoice(), format: format)
        let answer = try await post(server, request)
        #expect(answer.status == 200)
        #expect(answer.header("x-character-count") == "9")
        // Nine characters of 60 ms.
        #expect(answer.body.count == format.bytes(inMilliseconds: 540))
        var decoder = try SampleDecoder(format)
        let hertz = SimulatedSpeechSound.hertz(of: request.text)
        let samples = decoder.decode(answer.body)
        #expect(Goertzel(hertz, rate: format.rate).amplitude(in: samples) > 0.3)
        #expect(Goertzel(hertz + 100, rate: format.rate).amplitude(in: samples) < 0.05)
        #expect(server.speech.requests.map(\.body) == [request.body])
        #expect(server.speech.requests.map(\.text) == [request.text])
        server.stop()
    }

    @Test func `a wrong key, voice, body or format is refused as the service does`() async throws {
        var settings = SimulatedSpeechSettings()
        settings.apiKey = "k"
        settings.missingVoices = ["gone"]
        let server = try SimulatedSpeechServer(settings)
        var request = SpeechRequest(text: "a", voice: SpeechVoice(), format: .pcmu8k)
        func kind(_ answer: HTTPClientResponse) -> SpeechFailure.Kind {
            SpeechFailure(status: answer.status, body: answer.body).kind
        }
        #expect(try await kind(post(server, request)) == .badKey)
        #expect(server.speech.requests.isEmpty)
        #expect(try await post(server, request, key: "k").status == 200)
        request.voice.voiceID = "gone"
        #expect(try await kind(post(server, request, key: "k")) == .voiceNotFound)
        request.voice = SpeechVoice(modelID: "eleven_v3")
        request.text = String(repeating: "a", count: 3001)
        #expect(try await kind(post(server, request, key: "k")) == .tooLong)
        let client = HTTPClient()
        let url = server.baseURL + "/v1/text-to-speech/v/stream?output_format="
        for (format, body) in [
            ("ulaw_8000", "{}"), ("ulaw_8000", "{\"text\":1}"), ("mp3_44100_128", "{\"text\":\"a\"}"),
            ("ulaw_8000", "{\"text\":\"a\",\"voice_settings\":{\"speed\":1.3}}"),
        ] {
            let answer = try await client.send(
                HTTPClientRequest(
                    method: "POST", url: url + format, headers: [("xi-api-key", "k")], body: Array(body.utf8))
            )
            #expect(answer.status == 422)
            #expect(kind(answer) == .validation)
        }
        client.close()
        server.stop()
    }

    @Test func `faults befall one request each, in their order`() async throws {
        var settings = SimulatedSpeechSettings()
        settings.faults = [.refuse(status: 429, name: "system_busy", retryAfter: 2), .invalid, .empty, .page]
        let server = try SimulatedSpeechServer(settings)
        let request = SpeechRequest(text: "abc", voice: SpeechVoice(), format: .pcmu8k)
        let busy = try await post(server, request)
        #expect(busy.status == 429)
        #expect(busy.header("retry-after") == "2")
        #expect(try await post(server, request).status == 422)
        #expect(try await post(server, request).body.isEmpty)
        #expect(try await post(server, request).header("content-type") == "text/html")
        server.speech.fail(.cut(afterBytes: 5))
        await #expect(throws: NetError.self) { try await self.post(server, request) }
        #expect(try await post(server, request).body.count == 3 * 480)
        server.stop()
    }

    @Test func `the agent's address speaks texts too`() async throws {
        var door = AgentDoorSettings()
        door.speech = SimulatedSpeech()
        let agent = try SimulatedAgent.start(nil, door: door)
        let request = SpeechRequest(text: "abc", voice: SpeechVoice(), format: .pcmu8k)
        let client = HTTPClient()
        let answer = try await client.send(
            HTTPClientRequest(
                method: "POST", url: try #require(request.url(base: agent.baseURL)), body: request.body))
        #expect(answer.body.count == 3 * 480)
        client.close()
        agent.stop()
    }
}
