// Texts spoken over real sockets: streaming, coalescing, retries, the fallback voice, ends of every kind.

import Agents
import Audio
import Foundation
import Patience
import Simulator
import Testing

@testable import Speech

@Suite(.serialized) struct SynthesizerTests {
    private static let busy = SimulatedSpeechFault.refuse(status: 429, name: "system_busy")

    @Test(arguments: [AudioFormat.pcmu8k, .pcma8k, AudioFormat(.pcm16, rate: 16000)])
    func `a text comes whole, in whole samples, and is counted`(_ format: AudioFormat) async throws {
        var settings = SimulatedSpeechSettings()
        settings.apiKey = "k"
        settings.pieceBytes = 161
        let studio = try Studio(settings)
        let heard = await studio.speak("Guten Tag.", format: format)
        #expect(heard.sound == sound(of: "Guten Tag.", format))
        #expect(heard.pieces.count > 1)
        #expect(heard.pieces.allSatisfy { !$0.isEmpty && $0.count % format.bytesPerSample == 0 })
        let report = try #require(heard.report)
        #expect(report.source == .service)
        #expect(report.characters == 10)
        #expect(report.attempts == 1)
        #expect(report.soundBytes == format.bytes(inMilliseconds: 600))
        #expect(report.firstSoundMilliseconds ?? -1 <= report.totalMilliseconds)
        #expect(!report.usedFallbackVoice)
        #expect(studio.counter.seen.with { $0.map(\.report) } == [report])
        #expect(studio.requests.map(\.format) == [SpeechFormat.name(of: format) ?? ""])
        studio.stop()
    }

    @Test func `the first sound is handed on while the rest is being made`() async throws {
        var settings = SimulatedSpeechSettings()
        settings.pieceBytes = 480
        settings.pieceMilliseconds = 60
        let studio = try Studio(settings)
        let heard = await studio.speak("abcdefghij")
        // Ten pieces with nine pauses of 60 ms between them.
        let report = try #require(heard.report)
        #expect(report.totalMilliseconds - (report.firstSoundMilliseconds ?? report.totalMilliseconds) >= 40)
        studio.stop()
    }

    @Test func `the same text twice at once is one request, and both have all of it`() async throws {
        var settings = SimulatedSpeechSettings()
        settings.pieceBytes = 480
        // So slow that all twenty ask while it speaks.
        settings.pieceMilliseconds = 100
        let studio = try Studio(settings)
        let results = await withTaskGroup(of: Heard.self) { group in
            for _ in 0..<20 { group.addTask { await studio.speak("the same text") } }
            group.addTask { await studio.speak("another text!") }
            return await group.reduce(into: [Heard]()) { $0.append($1) }
        }
        let same = results.filter { $0.sound == sound(of: "the same text") }
        #expect(same.count == 20)
        #expect(results.count { $0.sound == sound(of: "another text!") } == 1)
        #expect(same.count { $0.report?.source == .service } == 1)
        #expect(same.count { $0.report?.source == .shared } == 19)
        #expect(studio.requests.map(\.text).sorted() == ["another text!", "the same text"])
        studio.stop()
    }

    @Test func `what may pass is asked again, with growing pauses`() async throws {
        var settings = SimulatedSpeechSettings()
        settings.faults = [
            Self.busy, .refuse(status: 500, name: "x"), .empty, .page, .cut(afterBytes: 0),
        ]
        let studio = try Studio(settings) { service in
            service.attempts = 6
            service.pauseMilliseconds = 100
            service.longestPauseMilliseconds = 1000
        }
        let heard = await studio.speak("again")
        #expect(heard.sound == sound(of: "again"))
        #expect(heard.report?.attempts == 6)
        let pauses = studio.pauses.with { $0 }
        #expect(pauses.count == 5)
        // 100 ms doubled each time, 1000 at most, shortened by half at most.
        for (pause, full) in zip(pauses, [100, 200, 400, 800, 1000] as [Int64]) {
            #expect((full / 2...full).contains(pause))
        }
        studio.stop()
    }

    @Test func `the service's wish to wait is kept, unless it is too long`() async throws {
        var settings = SimulatedSpeechSettings()
        settings.faults = [.refuse(status: 429, name: "too_many_concurrent_requests", retryAfter: 3)]
        let studio = try Studio(settings)
        #expect(await studio.speak("soon").report?.attempts == 2)
        #expect(studio.pauses.with { $0 } == [3000])
        studio.server.speech.fail(.refuse(status: 429, name: "system_busy", retryAfter: 5))
        let late = await studio.speak("late").failure
        #expect(late == SpeechFailure(.busy, status: 429, retryAfterMilliseconds: 5000))
        #expect(studio.requests.count == 3)
        studio.stop()
    }

    @Test(arguments: [
        (SimulatedSpeechFault.refuse(status: 401, name: "invalid_api_key"), SpeechFailure.Kind.badKey, 1),
        (.refuse(status: 401, name: "quota_exceeded"), .quota, 1),
        (.refuse(status: 402, name: "x"), .quota, 1),
        (.invalid, .validation, 1),
        (.refuse(status: 401, name: "detected_unusual_activity"), .unusualActivity, 1),
        (.refuse(status: 400, name: "max_character_limit_exceeded"), .tooLong, 1),
        (busy, .busy, 3), (.refuse(status: 500, name: "x"), .unavailable, 3), (.page, .badAudio, 3),
        (.empty, .badAudio, 3), (.cut(afterBytes: 0), .network, 3),
    ])
    func `a refusal has its name, and only what may pass is asked again`(
        _ fault: SimulatedSpeechFault, _ kind: SpeechFailure.Kind, _ attempts: Int
    ) async throws {
        var settings = SimulatedSpeechSettings()
        settings.faults = [fault, fault, fault]
        let studio = try Studio(settings)
        let heard = await studio.speak("no")
        #expect(heard.failure?.kind == kind)
        #expect(heard.pieces.isEmpty)
        #expect(studio.requests.count == attempts)
        #expect(studio.counter.seen.with { $0.map { $0.failure?.kind } } == [kind])
        #expect(studio.counter.seen.with { $0.first?.report.attempts } == attempts)
        studio.stop()
    }

    @Test func `a voice that is not found is spoken for by the default one`() async throws {
        var settings = SimulatedSpeechSettings()
        settings.missingVoices = ["gone"]
        let studio = try Studio(settings)
        let heard = await studio.speak("who speaks", voice: SpeechVoice(voiceID: "gone"))
        #expect(heard.sound == sound(of: "who speaks"))
        #expect(heard.report?.usedFallbackVoice == true)
        #expect(studio.requests.map(\.voiceID) == ["gone", SpeechVoice.defaultVoiceID])
        #expect(studio.pauses.with { $0.isEmpty })
        studio.stop()
        settings.missingVoices = ["gone", SpeechVoice.defaultVoiceID]
        for fallback in [SpeechVoice.defaultVoiceID, nil] {
            let silent = try Studio(settings) { $0.fallbackVoiceID = fallback }
            let none = await silent.speak("who speaks", voice: SpeechVoice(voiceID: "gone"))
            #expect(none.failure == SpeechFailure(.voiceNotFound, status: 404))
            #expect(silent.requests.count == (fallback == nil ? 1 : 2))
            silent.stop()
        }
    }

    @Test func `a cancelled job ends at once, the other goes on, and nobody's request is dropped`()
        async throws
    {
        var settings = SimulatedSpeechSettings()
        settings.pieceBytes = 480
        settings.pieceMilliseconds = 120
        let studio = try Studio(settings)
        func job(_ heard: Locked<Heard>) -> SpeechJob {
            studio.synthesizer.speak("a longer text", voice: SpeechVoice(), format: .pcmu8k) { piece in
                heard.with { $0.pieces.append(piece) }
            } onEnd: { end in
                heard.with { $0.end = end }
            }
        }
        let (first, other) = (Locked(Heard()), Locked(Heard()))
        let cancelled = job(first)
        _ = job(other)
        #expect(try await eventually { first.with { !$0.pieces.isEmpty } })
        cancelled.cancel()
        cancelled.cancel()
        #expect(try await eventually { first.with { $0.failure?.kind == .cancelled } })
        #expect(try await eventually { other.with { $0.end != nil } })
        #expect(other.with { $0.failure == nil && $0.sound == sound(of: "a longer text") })
        #expect(first.with { $0.sound.count } < 13 * 480)
        #expect(studio.requests.count == 1)
        // Alone, its request goes with it: the same text is asked for anew.
        let alone = studio.synthesizer.speak("alone", voice: SpeechVoice(), format: .pcmu8k) { _ in
        } onEnd: { _ in
        }
        #expect(try await eventually { studio.requests.count == 2 })
        alone.cancel()
        #expect(await studio.speak("alone").sound == sound(of: "alone"))
        #expect(studio.requests.count == 3)
        studio.stop()
    }

    @Test func `half a sample waits for its other half, and is none at the end`() {
        let request = SpeechRequest(text: "a", voice: SpeechVoice(), format: AudioFormat(.pcm16, rate: 8000))
        let flow = SpeechFlow(request, key: SpeechKey(request))
        let (whole, torn) = (SpeechGate(flow), SpeechGate(flow))
        for piece in [[1], [2, 3], [4]] as [[UInt8]] { whole.take(piece) }
        #expect(whole.close())
        whole.take([9, 9])
        torn.take([5, 6, 7])
        #expect(!torn.close())
        #expect(flow.finish(SpeechEnd()) == [1, 2, 3, 4, 5, 6])
    }

    @Test func `a flow that everybody left takes nobody in`() {
        let request = SpeechRequest(text: "a", voice: SpeechVoice(), format: .pcmu8k)
        let flow = SpeechFlow(request, key: SpeechKey(request))
        func listener() -> SpeechListener {
            SpeechListener(characters: 1, isFirst: true, observer: nil, onSound: { _ in }, onEnd: { _ in })
        }
        let (first, second) = (listener(), listener())
        #expect(flow.join(first))
        #expect(flow.join(second))
        flow.leave(first)
        #expect(flow.join(first))
        flow.leave(first)
        flow.leave(second)
        #expect(!flow.join(first))
        // One that is told its end is not left.
        let told = SpeechFlow(request, key: SpeechKey(request))
        #expect(told.join(first))
        _ = told.finish(SpeechEnd())
        told.leave(first)
        #expect(told.join(second))
    }

    @Test func `the key is in no description`() {
        let service = SpeechService(baseURL: "https://h", apiKey: "sk_secret")
        var dumped = ""
        dump(service, to: &dumped)
        for text in ["\(service)", String(reflecting: service), dumped] { #expect(!text.contains("secret")) }
    }
}
