// Sounds that break off, by both transports: the rest is asked for, and every sample is heard once.

import Agents
import Audio
import Foundation
import Patience
import Simulator
import Testing

@testable import Speech

@Suite(.serialized) struct ResumptionTests {
    /// 60 ms a character: 26 of them are 1.56 s, 12 480 bytes of μ-law.
    private static let text = "a sentence that breaks off"

    @Test(
        arguments: SpeechTransport.allCases,
        [SimulatedSpeechFault.cut(afterBytes: 1), .cut(afterBytes: 5001), .unfinished(afterBytes: 12_479)])
    func `the rest of a broken sound is heard, to the sample`(
        _ transport: SpeechTransport, _ fault: SimulatedSpeechFault
    ) async throws {
        for format in [AudioFormat.pcmu8k, AudioFormat(.pcm16, rate: 16000)] {
            var settings = SimulatedSpeechSettings()
            settings.faults = [fault]
            settings.pieceBytes = 999
            let studio = try Studio(settings) { $0.transport = transport }
            let heard = await studio.speak(Self.text, format: format)
            let expected = sound(of: Self.text, format)
            #expect(heard.sound == expected)
            #expect(heard.pieces.allSatisfy { !$0.isEmpty && $0.count % format.bytesPerSample == 0 })
            // Half a sample alone is not heard: then nothing has broken off.
            let isTooShort = fault == .cut(afterBytes: 1) && format.bytesPerSample == 2
            #expect(heard.report?.attempts == 2)
            #expect(heard.report?.resumptions == (isTooShort ? 0 : 1))
            #expect(studio.requests.count == 2)
            #expect(studio.pauses.with { $0.count } == 1)
            #expect(studio.faults == [])
            studio.stop()
        }
    }

    /// The service does its best to repeat itself only where it is given a seed (elevenlabs.md, text to speech): always the same
    /// for a text in a voice, another for another; the one that is asked for wins.
    @Test(arguments: SpeechTransport.allCases)
    func `a text is asked for with one seed`(_ transport: SpeechTransport) async throws {
        var settings = SimulatedSpeechSettings()
        settings.faults = [.cut(afterBytes: 5000)]
        let studio = try Studio(settings) { $0.transport = transport }
        #expect(await studio.speak(Self.text).report?.resumptions == 1)
        #expect(await studio.speak("another").failure == nil)
        var voice = SpeechVoice()
        voice.seed = 7
        #expect(await studio.speak(Self.text, voice: voice).failure == nil)
        let seeds = studio.requests.map { $0.seed.flatMap { UInt32($0) } }
        #expect(seeds.count == 4 && seeds[0] != nil && seeds[0] == seeds[1])
        #expect(seeds[2] != nil && seeds[2] != seeds[0] && seeds[3] == 7)
        #expect(studio.faults == [])
        studio.stop()
    }

    /// A second sound that is shorter than what was heard of the first has no rest: the text ends cut off, and is no success.
    @Test(arguments: SpeechTransport.allCases, [4998, 5000])
    func `a second sound that is too short is a failure`(_ transport: SpeechTransport, _ bytes: Int)
        async throws
    {
        let place = Place()
        let cache = try SpeechCache(folder: place.path)
        var settings = SimulatedSpeechSettings()
        settings.faults = [.cut(afterBytes: 5000), .short(bytes: bytes)]
        let studio = try Studio(settings, cache: cache) { $0.transport = transport }
        let heard = await studio.speak(Self.text)
        #expect(heard.sound == Array(sound(of: Self.text).prefix(5000)))
        // One that ends just there has been heard whole.
        #expect((heard.failure?.kind == .badAudio) == (bytes < 5000))
        #expect(studio.requests.count == 2)
        if bytes < 5000 { #expect(place.names == []) }
        studio.stop()
    }

    /// A service that never speaks twice alike: the seam is heard, but not kept.
    @Test(arguments: SpeechTransport.allCases)
    func `what is kept is one whole answer`(_ transport: SpeechTransport) async throws {
        let place = Place()
        let cache = try SpeechCache(folder: place.path)
        var settings = SimulatedSpeechSettings()
        settings.faults = [.otherwise(cutAfterBytes: 4000)]
        let studio = try Studio(settings, cache: cache) { $0.transport = transport }
        let heard = await studio.speak(Self.text)
        let backwards = sound(of: String(Self.text.reversed()))
        #expect(heard.sound == Array(backwards.prefix(4000)) + Array(sound(of: Self.text).dropFirst(4000)))
        let key = SpeechKey(SpeechRequest(text: Self.text, voice: SpeechVoice(), format: .pcmu8k))
        var kept: [UInt8]?
        _ = try await eventually {
            kept = await cache.read(key)
            return kept != nil
        }
        #expect(kept == sound(of: Self.text))
        studio.stop()
    }

    @Test(arguments: SpeechTransport.allCases)
    func `it may break twice, and not more often than the service is asked`(
        _ transport: SpeechTransport
    ) async throws {
        let place = Place()
        let cache = try SpeechCache(folder: place.path)
        var settings = SimulatedSpeechSettings()
        // The second breaks before the place of the first, the third behind it.
        settings.faults = [.cut(afterBytes: 5000), .cut(afterBytes: 3000), .cut(afterBytes: 7000)]
        let studio = try Studio(settings, cache: cache) { service in
            service.transport = transport
            service.attempts = 4
        }
        let heard = await studio.speak(Self.text)
        #expect(heard.sound == sound(of: Self.text))
        #expect(heard.report?.attempts == 4)
        #expect(heard.report?.resumptions == 3)
        studio.stop()

        settings.faults = [.cut(afterBytes: 5000), .empty, .cut(afterBytes: 7000)]
        let broken = try Studio(settings, cache: SpeechCache(folder: place.path + "2")) {
            $0.transport = transport
        }
        let lost = await broken.speak("another sentence, as long as that")
        let kind: SpeechFailure.Kind = transport == .http ? .network : .unavailable
        #expect(lost.failure == SpeechFailure(kind))
        // What came of it, and nothing twice.
        #expect(lost.sound == Array(sound(of: "another sentence, as long as that").prefix(7000)))
        #expect(broken.requests.count == 3)
        #expect(broken.counter.seen.with { $0.map(\.report.resumptions) } == [2])
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.path + "2").isEmpty)
        try FileManager.default.removeItem(atPath: place.path + "2")
        broken.stop()
    }

    @Test(arguments: SpeechTransport.allCases)
    func `two who listen to one broken sound both hear all of it`(_ transport: SpeechTransport) async throws {
        var settings = SimulatedSpeechSettings()
        settings.faults = [.cut(afterBytes: 6000)]
        settings.pieceBytes = 480
        settings.pieceMilliseconds = 5
        let studio = try Studio(settings) { $0.transport = transport }
        async let first = studio.speak(Self.text)
        async let second = studio.speak(Self.text)
        let both = await [first, second]
        #expect(both.allSatisfy { $0.sound == sound(of: Self.text) })
        // Counted once, for the one whose request it was.
        #expect(both.map { $0.report?.resumptions ?? -1 }.sorted() == [0, 1])
        studio.stop()
    }

    @Test(arguments: SpeechTransport.allCases)
    func `where asking again cannot help, nothing is asked again`(_ transport: SpeechTransport) async throws {
        var settings = SimulatedSpeechSettings()
        settings.faults = [.cut(afterBytes: 1000), .refuse(status: 401, name: "quota_exceeded")]
        let studio = try Studio(settings) { $0.transport = transport }
        let heard = await studio.speak("cut off")
        #expect(heard.failure?.kind == .quota)
        #expect(heard.sound == Array(sound(of: "cut off").prefix(1000)))
        #expect(studio.requests.count == 2)
        studio.server.speech.fail(.cut(afterBytes: 1000), .refuse(status: 404, name: "voice_not_found"))
        // Another voice cannot end the sentence.
        let other = await studio.speak("cut out", voice: SpeechVoice(voiceID: "other"))
        #expect(other.failure?.kind == .voiceNotFound)
        #expect(other.sound.count == 1000)
        studio.stop()
        let once = try Studio { service in
            service.transport = transport
            service.attempts = 1
        }
        once.server.speech.fail(.cut(afterBytes: 1000))
        #expect(await once.speak("cut off").failure != nil)
        #expect(once.requests.count == 1)
        once.stop()
        let large = try Studio { service in
            service.transport = transport
            service.soundBytes = 4000
        }
        #expect(await large.speak("too much of it").failure == SpeechFailure(.badAudio))
        #expect(large.requests.count == 1)
        large.stop()
    }

    @Test func `a second answer is joined at a sample, and kept whole`() {
        let request = SpeechRequest(text: "a", voice: SpeechVoice(), format: AudioFormat(.pcm16, rate: 8000))
        let flow = SpeechFlow(request, key: SpeechKey(request))
        let first = SpeechGate(flow)
        first.take([1, 2, 3, 4, 5])
        #expect(!first.close())
        #expect(flow.soundBytes == 4 && first.ownSound == nil)
        let second = SpeechGate(flow)
        for piece in [[11], [12, 13], [14, 15], [16, 17, 18]] as [[UInt8]] { second.take(piece) }
        #expect(second.close())
        #expect(second.ownSound == [11, 12, 13, 14, 15, 16, 17, 18])
        #expect(flow.finish(SpeechEnd()) == [1, 2, 3, 4, 15, 16, 17, 18])
        // One that has nothing is no sound, whatever came before it.
        #expect(!SpeechGate(flow).close())
    }
}
