// The pages of Telnyx's users, end to end: the bridge, the guide's streaming, and its answering machine.

import Archive
import Audio
import Exchange
import Foundation
import Net
import Patience
import Signalling
import Telemetry
import Testing

@testable import Simulator

@Suite(.serialized) struct TelnyxPagesTests {
    /// Option B: the call is answered with a stream; who talks is the agent.
    @Test("Page \"Telnyx Media Streaming ↔ ElevenLabs bridge\": stream on answer")
    func bridgePage() async throws {
        let house = try TelnyxHouse { $0.farEnd.ending = .hangUp(atMilliseconds: 2_000) }
        let id = await house.ring()
        #expect(house.faults == [])
        let call = try #require(house.telnyx.call(id))
        #expect(call.commands == ["answer"] && call.hangupSource == "caller")
        let body = try #require(house.bodies("answer").first)
        #expect(body["stream_track"]?.text == "inbound_track")
        #expect(body["stream_bidirectional_mode"]?.text == "rtp")
        #expect(body["stream_bidirectional_codec"]?.text == "PCMU")
        #expect(body["stream_bidirectional_target_legs"]?.text == "self")
        let url = try #require(body["stream_url"]?.text)
        #expect(url.hasPrefix("ws://127.0.0.1:\(house.port)/media-stream?token="))
        let row = try #require(try house.rows().first)
        #expect(try house.rows().count == 1)
        #expect(row.call.carrier == "telnyx" && row.call.carrierCallID == id)
        #expect(row.call.caller == TelnyxHouse.caller && row.call.called == TelnyxHouse.called)
        #expect(row.call.endWho == .caller && row.call.endWhy == "hangup")
        #expect(row.recording.state == .sealed && row.recording.origin == .bridge)
        // The caller heard the agent: its greeting of 900 ms came by the stream.
        #expect(call.streams.first?.end == .asPlanned)
        #expect(
            try await house.kinds(id, count: 5) == [
                "call.initiated", "call.answered", "streaming.started", "streaming.stopped", "call.hangup",
            ])
        // A token opens one call, once: what was in the URL opens nothing any more.
        let again = await house.house.network.call(
            SimulatedCallSettings(
                url: url, dialect: .telnyx, script: CallerScript(), ending: .hangUp(atMilliseconds: 200),
                seed: 2))
        #expect(again.end != .asPlanned)
        house.close()
    }

    /// The guide's own parameters and path; webhooks come twice, late and again after failures.
    @Test("Page \"Telnyx guide: streaming\": both tracks, any order")
    func guideStreaming() async throws {
        let house = try TelnyxHouse(values: ["telnyx.track": "both_tracks"]) {
            $0.webhookURL = $0.webhookURL.replacing("/telnyx/webhook", with: "/webhook")
            $0.farEnd.ending = .hangUp(atMilliseconds: 1_500)
            $0.manners.doubles = true
            $0.manners.shuffles = true
        }
        let id = await house.ring()
        #expect(house.faults == [])
        #expect(house.telnyx.call(id)?.commands == ["answer"])
        #expect(house.bodies("answer").first?["stream_track"]?.text == "both_tracks")
        #expect(try house.rows().map(\.recording.state) == [.sealed])
        house.close()
    }

    /// `answer` takes no sampling rate, so that a stream at 16 kHz is begun when the call is answered.
    @Test("Page \"Telnyx guide: streaming\": L16 at 16 kHz")
    func guideStreamingWideband() async throws {
        let house = try TelnyxHouse(values: ["telnyx.codec": "L16", "telnyx.sampling_rate": "16000"]) {
            $0.farEnd.ending = .hangUp(atMilliseconds: 1_200)
            $0.manners.doubles = true
        }
        let id = await house.ring()
        #expect(house.faults == [])
        #expect(house.telnyx.call(id)?.commands == ["answer", "streaming_start"])
        #expect(house.bodies("answer").first?["stream_url"] == nil)
        let body = try #require(house.bodies("streaming_start").first)
        #expect(body["stream_bidirectional_codec"]?.text == "L16")
        #expect(body["stream_bidirectional_sampling_rate"]?.integer == 16_000)
        #expect(try house.rows().map(\.recording.state) == [.sealed])
        house.close()
    }

    /// Telnyx speaks, beeps and records; what it recorded and transcribed becomes the archive's.
    @Test("Page \"Telnyx guide: answering machine\": recorded by Telnyx", arguments: [false, true])
    func answeringMachineByTelnyx(untidy: Bool) async throws {
        let file = try TelnyxHouse.mp3(milliseconds: 3_000)
        let clock = SetClock()
        let house = try TelnyxHouse(values: [
            "routing.mode": "voicemail", "voicemail.by": "telnyx", "voicemail.transcription": "true",
            "voicemail.max_seconds": "300",
        ]) {
            $0.recordings = ["mp3": file]
            $0.transcription = "Please call me back."
            $0.clock = { clock.now }
            $0.manners.doubles = untidy
            $0.manners.shuffles = untidy
        }
        // The address of the webhook is dead once: a fresh one is asked for.
        if untidy { house.telnyx.desk.script(ScriptedAnswer(403, path: "/files/")) }
        let id = house.telnyx.ring(from: TelnyxHouse.caller, to: TelnyxHouse.called)
        // A message of three seconds by Telnyx's clock.
        #expect(try await eventually { !house.bodies("record_start").isEmpty })
        clock.set(on: 3_000)
        house.telnyx.hangUp(id, source: "caller")
        #expect(await house.telnyx.desk.settled(withinMilliseconds: 30_000))
        await house.house.settle()
        let row = try #require(try await house.row { $0.recording.origin == .carrier })
        #expect(house.faults == [])
        #expect(house.telnyx.call(id)?.commands == ["answer", "speak", "record_start"])
        let speech = try #require(house.bodies("speak").first)
        #expect(speech["payload"]?.text?.contains("answering machine") == true)
        let record = try #require(house.bodies("record_start").first)
        #expect(record["format"]?.text == "mp3" && record["channels"]?.text == "single")
        #expect(record["recording_track"]?.text == "inbound" && record["max_length"]?.integer == 300)
        #expect(record["timeout_secs"]?.integer == 5)
        #expect(record["custom_file_name"]?.text?.contains("4155550100") == false)
        #expect(row.call.carrierCallID == id && row.call.caller == TelnyxHouse.caller)
        #expect(row.call.endWho == .caller && row.call.endWhy == "hangup")
        #expect(row.recording.state == .sealed && row.recording.channels == .mixed)
        let provenance = try #require(row.recording.provenance)
        #expect(provenance.carrier == "telnyx" && provenance.format == .mp3)
        #expect("http://" + provenance.host == house.telnyx.desk.baseURL)
        let stated = try #require(provenance.statedMilliseconds)
        #expect(abs(stated - 3_000) <= 1)
        let audio = try await house.house.get("/v1/recordings/\(row.call.id)/audio.mp3")
        #expect(audio.status == 200 && audio.body == file)
        #expect(try await eventually { try !house.house.exchange.archive.catalog.turns(row.call.id).isEmpty })
        let text = try await house.house.get("/v1/recordings/\(row.call.id)/transcript.txt")
        #expect(String(decoding: text.body, as: UTF8.self).contains("Please call me back."))
        #expect(try house.rows().count == 1)
        house.close()
    }

    /// The agent cannot be reached, or the caller's key ends the message: a closed stream ends no Telnyx call, so it is
    /// hung up by REST, and who could not be helped is told so before.
    @Test func aCallThatCannotBeHelpedIsToldAndHungUp() async throws {
        let house = try TelnyxHouse(values: [
            "agent.base_url": "http://127.0.0.1:9", "agent.attempts": "2", "agent.retry_ms": "20",
        ]) { $0.farEnd.ending = .server(limitMilliseconds: 10_000) }
        let id = await house.ring()
        #expect(house.faults == [])
        let call = try #require(house.telnyx.call(id))
        #expect(call.commands == ["answer", "speak", "hangup"])
        #expect(try house.rows().first?.call.endWhy == "agent_unreachable")
        house.close()
    }

    /// ElevenLabs' greeting over the stream, the beep and the caller's message, each where it belongs in the recording.
    @Test func theGreetingTheBeepAndTheMessageAreOnTheRecording() async throws {
        let greeting = "Leave a word"
        let server = try SimulatedSpeechServer()
        let house = try TelnyxHouse(values: [
            "routing.mode": "voicemail", "voicemail.greeting": greeting, "voicemail.silence_seconds": "5",
            "agent.base_url": server.baseURL, "agent.api_key": "key-of-the-test",
            "telnyx.public_key": TelnyxHouse.publicKey,
        ]) {
            $0.farEnd.script = CallerScript([
                // Greeting and beep take a second and a half: there is time for them.
                .init(.silence, milliseconds: 4_800),
                .init(.tone(hertz: 440, level: 8000), milliseconds: 1_000),
            ])
            $0.farEnd.ending = .server(limitMilliseconds: 25_000)
        }
        _ = await house.ring()
        let row = try #require(try house.rows().first)
        #expect(row.recording.state == .sealed && row.call.endWhy == "message_silence")
        let path = house.house.exchange.archive.layout.absolute(try #require(row.recording.path))
        let sound = try #require(try StereoDecoding.ffmpeg([path], folder: house.house.folder).first)
        func loudest(_ hertz: Double, _ channel: [Int16]) -> (at: Int, level: Double) {
            let pieces = stride(from: 0, to: channel.count - 1_600, by: 800).map { at in
                (at: at, level: Goertzel(hertz, rate: 8000).amplitude(in: channel[at..<at + 1_600]))
            }
            return pieces.max { $0.level < $1.level } ?? (0, 0)
        }
        let spoken = loudest(SimulatedSpeechSound.hertz(of: greeting), sound.right)
        let beep = loudest(1000, sound.right)
        let message = loudest(440, sound.left)
        #expect(spoken.level > 0.2 && beep.level > 0.15 && message.level > 0.1)
        #expect(spoken.at < beep.at && beep.at < message.at)
        house.close()
        server.stop()
    }

    /// Our own machine on the stream: beep, message, and five seconds of silence (here one) end it by a hang-up.
    @Test("Page \"Telnyx guide: answering machine\": recorded by this server")
    func answeringMachineByStream() async throws {
        let house = try TelnyxHouse(values: [
            "routing.mode": "voicemail", "voicemail.greeting": "", "voicemail.silence_seconds": "1",
        ]) {
            $0.farEnd.script = CallerScript([
                .init(.silence, milliseconds: 600),
                .init(.tone(hertz: 440, level: 8000), milliseconds: 1_000),
            ])
            $0.farEnd.ending = .server(limitMilliseconds: 10_000)
        }
        let id = await house.ring()
        #expect(house.faults == [])
        let call = try #require(house.telnyx.call(id))
        #expect(call.commands == ["answer", "hangup"] && call.hangupSource == "unknown")
        let row = try #require(try house.rows().first)
        #expect(row.recording.state == .sealed && row.recording.origin == .voicemail)
        #expect(row.call.endWho == .server && row.call.endWhy == "message_silence")
        #expect(row.call.agentID == nil)
        // 600 ms of silence, 1 s of message and 1 s of silence, after the beep's 400 ms at the earliest; five seconds of
        // silence were 6.6 s in all.
        let milliseconds = row.call.durationSamples * 1000 / Int64(row.call.rate)
        #expect((2_500...6_300).contains(milliseconds))
        house.close()
    }
}
