// Calls that speak over text-to-speech WebSockets, and sounds that break off in the middle of a call.

import Agents
import Archive
import Audio
import Exchange
import Foundation
import Patience
import Testing

@testable import Simulator

@Suite(.serialized) struct SpeechTransportTests {
    /// The page "ElevenLabs Twilio WebSocket Integration" with a WebSocket to ElevenLabs, too: webhook, stream, recording.
    @Test func aTwilioCallSpeaksOverAWebSocket() async throws {
        let text = "Good evening, your parcel is on its way."
        let scene = try TwilioHouse(
            FarEnd(hangsUpAtMilliseconds: 15_000),
            values: ["speech.text": text, "speech.transport": "websocket"])
        let path = "/api/v1/elevenlabs-twilio/call/incoming?voice_id=voiceOfTheTest"
        let spoken = try await scene.ring(path)
        #expect(spoken.recording.state == .sealed)
        #expect(spoken.call.endWhy == "speech_ended" && spoken.call.agentID == nil)
        #expect(spoken.turns.map(\.text) == [text] && spoken.turns.first?.interrupted == false)
        let request = try #require(scene.speech.requests.first)
        #expect(request.isSocket && request.voiceID == "voiceOfTheTest")
        #expect(request.format == "ulaw_8000" && request.text == text)
        #expect(request.modelID == "eleven_flash_v2_5")
        // 60 ms a character of one pitch, on the right.
        let sound = try await scene.sound(spoken)
        let pitch = Goertzel(SimulatedSpeechSound.hertz(of: text), rate: 8000)
        let length = SimulatedSpeechSound.milliseconds(of: text) * 8
        let begin = try #require(sound.right.firstIndex { abs(Int($0)) > 2_000 })
        try #require(begin + length - 800 <= sound.right.count)
        #expect(pitch.amplitude(in: sound.right[begin..<begin + length - 800]) > 0.25)
        #expect(sound.right.dropFirst(begin + length + 1_600).allSatisfy { abs(Int($0)) < 300 })
        // The same text again comes from the cache.
        _ = try await scene.ring(path)
        #expect(scene.speech.requests.count == 1)
        #expect(scene.speech.faults == [])
        #expect(try await scene.house.tells(#"teeline_speech_total{source="service",outcome="spoken"} 1"#))
        #expect(try await scene.house.tells(#"teeline_speech_total{source="cache",outcome="spoken"} 1"#))
        scene.close()
    }

    /// What `text` is in the caller's ear.
    private static func samples(of text: String) throws -> [Int16] {
        var decoder = try SampleDecoder(.pcmu8k)
        return decoder.decode(SimulatedSpeechSound.bytes(of: text, format: .pcmu8k))
    }

    private static func house(_ speech: SimulatedSpeech, _ transport: String, _ text: String) throws
        -> TestHouse
    {
        var door = AgentDoorSettings()
        door.speech = speech
        return try TestHouse(
            agent: ShortTalk.agent, door: door,
            values: [
                "agent.api_key": "key-of-the-test", "speech.text": text, "agent.id": "",
                "speech.transport": transport,
            ])
    }

    /// Five seconds into the text the service breaks off: the caller hears every sample of it once. Five seconds are what
    /// asking again may take without a hole.
    @Test(arguments: ["http", "websocket"]) func aBrokenSentenceIsHeardWhole(_ transport: String) async throws
    {
        let sentence = "This sentence breaks in the midst of it."
        let text = [sentence, sentence, sentence].joined(separator: " ")
        let speech = SimulatedSpeech()
        speech.fail(.cut(afterBytes: 40_001))
        let house = try Self.house(speech, transport, text)
        let result = await house.network.call(
            ShortTalk.call(
                to: house.media("/api/v1/elevenlabs-twilio/call/connection"), milliseconds: 30_000))
        await house.settle()
        let expected = try Self.samples(of: text)
        let first = try #require(expected.firstIndex { $0 != 0 })
        let begin = try #require(result.heard.firstIndex { $0 != 0 }) - first
        #expect(begin >= 0 && result.heard.count >= begin + expected.count)
        #expect(result.heard.dropFirst(begin).prefix(expected.count).elementsEqual(expected))
        #expect(result.heard.dropFirst(begin + expected.count).allSatisfy { $0 == 0 })
        #expect(speech.requests.map(\.text) == [text, text])
        #expect(speech.requests.allSatisfy { $0.isSocket == (transport == "websocket") })
        #expect(speech.faults == [])
        let listed = try #require(try house.exchange.archive.catalog.list(CallFilter(), limit: 2).items.first)
        #expect(listed.recording.state == .sealed && listed.call.endWhy == "speech_ended")
        #expect(try await house.tells("teeline_speech_resumptions_total 1"))
        #expect(try await house.tells(#"teeline_speech_total{source="service",outcome="spoken"} 1"#))
        #expect(house.close() == 0)
    }

    /// The caller hangs up in the middle of a sentence: its WebSocket is closed, and the service speaks no more.
    @Test func aHangUpClosesTheSocket() async throws {
        var settings = SimulatedSpeechSettings()
        // A tenth of a second at a time, as fast as it is spoken: 24 s in all.
        (settings.pieceBytes, settings.pieceMilliseconds) = (800, 90)
        let speech = SimulatedSpeech(settings)
        let house = try Self.house(speech, "websocket", String(repeating: "On and on. ", count: 36))
        let url = house.media("/api/v1/elevenlabs-twilio/call/connection")
        let result = try await house.call(ShortTalk.call(to: url, milliseconds: 20_000)) {
            stream async throws in
            #expect(try await eventually { speech.openSockets == 1 })
            #expect(try await house.network.hears(stream, milliseconds: 300))
            #expect(speech.openSockets == 1)
        }
        await house.settle()
        #expect(try await eventually { speech.openSockets == 0 })
        #expect(speech.faults == [])
        #expect(result.heard.contains { abs(Int($0)) > 500 })
        let listed = try #require(try house.exchange.archive.catalog.list(CallFilter(), limit: 2).items.first)
        #expect(listed.recording.state == .sealed && listed.call.endWho == .caller)
        #expect(try await house.tells(#"teeline_speech_total{source="service",outcome="cancelled"} 1"#))
        #expect(house.close() == 0)
    }

    /// It breaks as often as it may be asked for: what came is heard, and the call tells why it ended.
    @Test(arguments: ["http", "websocket"]) func aSentenceThatKeepsBreakingFails(_ transport: String)
        async throws
    {
        let text = "This one never ends well."
        let speech = SimulatedSpeech()
        speech.fail(.cut(afterBytes: 8_000), .cut(afterBytes: 8_000), .cut(afterBytes: 8_000))
        let house = try Self.house(speech, transport, text)
        let result = await house.network.call(
            ShortTalk.call(
                to: house.media("/api/v1/elevenlabs-twilio/call/connection"), milliseconds: 12_000))
        await house.settle()
        #expect(speech.requests.count == 3)
        let heard = result.heard.count { $0 != 0 }
        #expect(try heard == Self.samples(of: text).prefix(8_000).count { $0 != 0 })
        let listed = try #require(try house.exchange.archive.catalog.list(CallFilter(), limit: 2).items.first)
        #expect(listed.recording.state == .sealed && listed.call.endWhy == "speech_failed")
        #expect(try await house.tells("teeline_speech_resumptions_total 2"))
        #expect(house.close() == 0)
    }
}
