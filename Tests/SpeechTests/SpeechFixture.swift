// What the tests of speech share: a place on disk, a listener, a synthesizer against a simulated service.

import Agents
import Audio
import Foundation
import Simulator
import Telemetry
import Testing

@testable import Speech

/// A value behind a lock.
final class Locked<Value>: @unchecked Sendable {
    // `lock` guards `value`.
    private let lock = Lock()
    private var value: Value
    init(_ value: Value) { self.value = value }
    func with<Result>(_ body: (inout Value) -> Result) -> Result { lock.withLock { body(&value) } }
}

/// What one job told, and its end.
struct Heard: Sendable {
    var pieces: [[UInt8]] = []
    var end: Result<SpeechReport, SpeechFailure>?
    var sound: [UInt8] { Array(pieces.joined()) }
    var report: SpeechReport? { if case .success(let report) = end { report } else { nil } }
    var failure: SpeechFailure? { if case .failure(let failure) = end { failure } else { nil } }
}

/// Counts what the synthesizer observed.
final class Counter: SpeechObserver {
    let seen = Locked<[(report: SpeechReport, failure: SpeechFailure?)]>([])
    func speechDidEnd(_ report: SpeechReport, failure: SpeechFailure?) {
        seen.with { $0.append((report, failure)) }
    }
}

/// A folder that goes with the test.
final class Place: Sendable {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    deinit { try? FileManager.default.removeItem(atPath: path) }
    var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
}

/// A simulated service and a synthesizer that asks it.
struct Studio {
    let server: SimulatedSpeechServer
    let synthesizer: SpeechSynthesizer
    let counter = Counter()
    let pauses = Locked<[Int64]>([])

    init(
        _ settings: SimulatedSpeechSettings = SimulatedSpeechSettings(), cache: SpeechCache? = nil,
        _ change: (inout SpeechService) -> Void = { _ in }
    ) throws {
        server = try SimulatedSpeechServer(settings)
        var service = SpeechService(baseURL: server.baseURL, apiKey: "k")
        // How long a service may take is looked at where that is meant.
        service.firstSoundMilliseconds = 30_000
        change(&service)
        let pauses = pauses
        synthesizer = SpeechSynthesizer(service, cache: cache, observer: counter) { milliseconds in
            pauses.with { $0.append(milliseconds) }
        }
    }

    /// Speaks `text` and waits for the end.
    func speak(_ text: String, voice: SpeechVoice = SpeechVoice(), format: AudioFormat = .pcmu8k) async
        -> Heard
    {
        let heard = Locked(Heard())
        await withCheckedContinuation { continuation in
            synthesizer.speak(text, voice: voice, format: format) { piece in
                heard.with { $0.pieces.append(piece) }
            } onEnd: { end in
                heard.with { $0.end = end }
                continuation.resume()
            }
        }
        return heard.with { $0 }
    }

    var requests: [SimulatedSpeechRequest] { server.speech.requests }

    /// What the service objected to.
    var faults: [RESTFault] { server.speech.faults }

    func stop() {
        synthesizer.close()
        server.stop()
    }
}

/// The sound that the simulated service makes of `text`.
func sound(of text: String, _ format: AudioFormat = .pcmu8k) -> [UInt8] {
    SimulatedSpeechSound.bytes(of: text, format: format)
}
