// What a text comes to is the same by HTTP and over a WebSocket: limits and services that are not there.

import Agents
import Audio
import Simulator
import Testing

@testable import Speech

@Suite(.serialized) struct TransportTests {
    private func studio(
        _ transport: SpeechTransport, _ settings: SimulatedSpeechSettings = SimulatedSpeechSettings(),
        _ change: (inout SpeechService) -> Void = { _ in }
    ) throws -> Studio {
        try Studio(settings) { service in
            service.transport = transport
            change(&service)
        }
    }

    @Test(arguments: [SpeechTransport.http, .websocket])
    func `limits of time and size have their names`(_ transport: SpeechTransport) async throws {
        var settings = SimulatedSpeechSettings()
        settings.faults = [.late(milliseconds: 3500)]
        let slow = try studio(transport, settings) { service in
            service.firstSoundMilliseconds = 100
            service.attempts = 1
        }
        #expect(await slow.speak("late").failure == SpeechFailure(.timedOut))
        slow.stop()
        settings.faults = []
        settings.pieceBytes = 480
        settings.pieceMilliseconds = 100
        // 21 pieces take two seconds.
        let whole = try studio(transport, settings) { $0.wholeMilliseconds = 200 }
        let heard = await whole.speak("a text of many pieces")
        #expect(heard.failure == SpeechFailure(.timedOut))
        #expect(heard.pieces.count < 21)
        whole.stop()
        settings.pieceMilliseconds = 0
        let large = try studio(transport, settings) { $0.soundBytes = 1000 }
        #expect(await large.speak("abc").failure == SpeechFailure(.badAudio))
        large.stop()
    }

    @Test(arguments: [SpeechTransport.http, .websocket])
    func `a service that is not there, an address that is none, and a closed synthesizer`(
        _ transport: SpeechTransport
    ) async throws {
        let studio = try studio(transport) { service in
            service.baseURL = "http://127.0.0.1:1"
            service.attempts = 2
        }
        #expect(await studio.speak("hello").failure == SpeechFailure(.network))
        #expect(studio.pauses.with { $0.count } == 1)
        studio.stop()
        #expect(await studio.speak("hello").failure == SpeechFailure(.cancelled))
        let nowhere = try self.studio(transport) { $0.baseURL = "nowhere" }
        #expect(await nowhere.speak("hello").failure == SpeechFailure(.validation))
        #expect(await nowhere.speak(" ").failure == SpeechFailure(.validation))
        nowhere.stop()
    }
}
