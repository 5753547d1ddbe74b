// Texts spoken over WebSockets: what the HTTP way does as well, and what only a socket can.

import Agents
import Audio
import Foundation
import Patience
import Simulator
import Testing

@testable import Speech

@Suite(.serialized) struct SocketTests {
    private func studio(
        _ settings: SimulatedSpeechSettings = SimulatedSpeechSettings(), cache: SpeechCache? = nil,
        _ change: (inout SpeechService) -> Void = { _ in }
    ) throws -> Studio {
        try Studio(settings, cache: cache) { service in
            service.transport = .websocket
            change(&service)
        }
    }

    @Test(arguments: [AudioFormat.pcmu8k, .pcma8k, AudioFormat(.pcm16, rate: 16000)])
    func `a text comes whole, in whole samples, and is counted`(_ format: AudioFormat) async throws {
        var settings = SimulatedSpeechSettings()
        settings.apiKey = "k"
        settings.pieceBytes = 161
        let studio = try studio(settings)
        var voice = SpeechVoice(settings: SpeechSettings(stability: 0.25, speed: 1.1), languageCode: "de")
        voice.seed = 7
        let heard = await studio.speak("Guten Tag.", voice: voice, format: format)
        #expect(heard.sound == sound(of: "Guten Tag.", format))
        #expect(heard.pieces.allSatisfy { !$0.isEmpty && $0.count % format.bytesPerSample == 0 })
        let report = try #require(heard.report)
        #expect(report.attempts == 1 && report.resumptions == 0 && report.source == .service)
        #expect(report.soundBytes == format.bytes(inMilliseconds: 600))
        #expect(report.firstSoundMilliseconds ?? -1 <= report.totalMilliseconds)
        let request = try #require(studio.requests.first)
        #expect(request.isSocket && request.text == "Guten Tag.")
        #expect(request.modelID == SpeechVoice.defaultModelID)
        #expect(request.format == SpeechFormat.name(of: format))
        let opened = request.body.withUnsafeBytes { SpeechPeer.decode($0) }
        #expect(opened == .open(voice.settings))
        #expect(studio.faults == [])
        studio.stop()
    }

    @Test func `a text is one in the cache, however it came`() async throws {
        let place = Place()
        let cache = try SpeechCache(folder: place.path)
        let first = try studio(cache: cache)
        let heard = await first.speak("said once")
        #expect(heard.report?.source == .service)
        let key = SpeechKey(SpeechRequest(text: "said once", voice: SpeechVoice(), format: .pcmu8k))
        #expect(try await eventually { place.names == [key.description] })
        first.stop()
        let second = try Studio(cache: cache)
        let again = await second.speak("said once")
        #expect(again.report?.source == .cache && again.sound == heard.sound)
        #expect(second.requests.isEmpty)
        second.stop()
    }

    @Test func `what no WebSocket serves goes by HTTP`() async throws {
        let studio = try studio()
        let wide = AudioFormat(.pcm16, rate: 48000)
        #expect(await studio.speak("wide", format: wide).sound == sound(of: "wide", wide))
        #expect(
            await studio.speak("third", voice: SpeechVoice(modelID: "eleven_v3")).sound
                == sound(of: "third"))
        #expect(await studio.speak("narrow").sound == sound(of: "narrow"))
        #expect(studio.requests.map(\.isSocket) == [false, false, true])
        #expect(studio.faults == [])
        studio.stop()
    }

    @Test(arguments: [
        (SimulatedSpeechFault.refuse(status: 401, name: "invalid_api_key"), SpeechFailure.Kind.badKey, 1),
        (.refuse(status: 401, name: "quota_exceeded"), .quota, 1), (.invalid, .validation, 1),
        (.refuse(status: 401, name: "detected_unusual_activity"), .unusualActivity, 1),
        (.refuse(status: 400, name: "max_character_limit_exceeded"), .tooLong, 1),
        (.refuse(status: 429, name: "max_active_conversations"), .tooManyConcurrent, 3),
        (.refuse(status: 500, name: "x"), .unavailable, 3), (.empty, .badAudio, 3),
        (.cut(afterBytes: 0), .unavailable, 3), (.unfinished(afterBytes: 0), .network, 3),
        (.unopened(status: 401), .badKey, 1), (.unopened(status: 429), .busy, 3),
        (.unopened(status: 503), .unavailable, 3),
    ])
    func `a refusal has its name, and only what may pass is asked again`(
        _ fault: SimulatedSpeechFault, _ kind: SpeechFailure.Kind, _ attempts: Int
    ) async throws {
        var settings = SimulatedSpeechSettings()
        settings.faults = [fault, fault, fault]
        let studio = try studio(settings)
        let heard = await studio.speak("no")
        #expect(heard.failure?.kind == kind)
        #expect(heard.pieces.isEmpty)
        #expect(studio.counter.seen.with { $0.map { $0.failure?.kind } } == [kind])
        #expect(studio.counter.seen.with { $0.first?.report.attempts } == attempts)
        #expect(studio.pauses.with { $0.count } == attempts - 1)
        #expect(studio.faults == [])
        // The faults are used up, or this one waits no longer.
        let settled = SimulatedSpeechSettings()
        let sound = try self.studio(settled)
        #expect(await sound.speak("yes").failure == nil)
        sound.stop()
        studio.stop()
    }

    @Test func `a wrong key is told as such`() async throws {
        var settings = SimulatedSpeechSettings()
        settings.apiKey = "another"
        let studio = try studio(settings)
        #expect(await studio.speak("hello").failure == SpeechFailure(.badKey))
        studio.stop()
    }

    @Test func `a voice that is not found is spoken for by the default one`() async throws {
        var settings = SimulatedSpeechSettings()
        settings.missingVoices = ["gone"]
        let studio = try studio(settings)
        let heard = await studio.speak("who speaks", voice: SpeechVoice(voiceID: "gone"))
        #expect(heard.sound == sound(of: "who speaks"))
        #expect(heard.report?.usedFallbackVoice == true)
        #expect(studio.requests.map(\.voiceID) == ["gone", SpeechVoice.defaultVoiceID])
        // The same when the service does not even open for it.
        studio.server.speech.fail(.unopened(status: 404))
        let unopened = await studio.speak("who else", voice: SpeechVoice(voiceID: "strange"))
        #expect(unopened.report?.usedFallbackVoice == true)
        studio.stop()
    }

    @Test func `a cancelled job closes its socket, and makes room for the next`() async throws {
        var settings = SimulatedSpeechSettings()
        settings.pieceBytes = 480
        settings.pieceMilliseconds = 300
        let studio = try studio(settings) { $0.connections = 1 }
        let first = Locked(Heard())
        let job = studio.synthesizer.speak(
            "a sentence of very many pieces", voice: SpeechVoice(), format: .pcmu8k
        ) { piece in
            first.with { $0.pieces.append(piece) }
        } onEnd: { end in
            first.with { $0.end = end }
        }
        #expect(try await eventually { first.with { !$0.pieces.isEmpty } })
        // The only socket is taken: these wait, and one of them is never sent.
        let second = Locked(Heard())
        let waiting = studio.synthesizer.speak("waiting", voice: SpeechVoice(), format: .pcmu8k) { _ in
        } onEnd: { end in
            second.with { $0.end = end }
        }
        async let third = studio.speak("the next")
        let heardBefore = first.with { $0.pieces.count }
        #expect(try await eventually { first.with { $0.pieces.count >= heardBefore + 2 } })
        #expect(studio.requests.count == 1)
        waiting.cancel()
        #expect(try await eventually { second.with { $0.failure?.kind == .cancelled } })
        job.cancel()
        #expect(try await eventually { first.with { $0.failure?.kind == .cancelled } })
        #expect(await third.sound == sound(of: "the next"))
        // The first's sound would have taken nine seconds.
        #expect(try await eventually { studio.server.speech.openSockets == 0 })
        #expect(first.with { $0.sound.count } < 30 * 480)
        #expect(studio.requests.map(\.text) == ["a sentence of very many pieces", "the next"])
        studio.stop()
    }

    @Test func `many at once share the sockets there may be`() async throws {
        let studio = try studio { $0.connections = 2 }
        let results = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<12 {
                group.addTask {
                    await studio.speak("text number \(number)").sound == sound(of: "text number \(number)")
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results == Array(repeating: true, count: 12))
        #expect(studio.requests.count == 12 && studio.faults == [])
        studio.stop()
    }
}
