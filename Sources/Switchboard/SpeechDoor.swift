// The text-to-speech page's own routes: is it ready, what streams are open, and say this once.

import Agents
import Archive
import Audio
import Carriers
import Net
import Speech
import Telemetry
import Wire

/// Answers developers who try text to speech.
struct SpeechDoor: Sendable {
    private let parts: SwitchboardParts

    /// Longest wait for a whole spoken text, in milliseconds.
    static let synthesisMilliseconds = 30_000
    /// Longest text that is tried, in bytes.
    static let textBytes = 4_000

    init(_ parts: SwitchboardParts) { self.parts = parts }

    /// Whether text to speech is ready.
    func test(_ request: HTTPRequest) -> HTTPOutcome {
        let isReady = parts.voices != nil
        return .response(
            Self.json(
                isReady ? 200 : 503,
                [
                    ("status", JSON.quoted(isReady ? "ok" : "no_api_key")),
                    ("voice_id", JSON.quoted(parts.voices?.voice.voiceID)),
                    ("model_id", JSON.quoted(parts.voices?.voice.modelID)),
                    ("output_format", JSON.quoted("ulaw_8000")),
                    ("active_connections", String(parts.floor.openStreams().count)),
                ]))
    }

    /// The media streams that are open.
    func connections(_ request: HTTPRequest) -> HTTPOutcome {
        let streams = parts.floor.openStreams()
        let items = streams.map { stream in
            JSON.object([
                ("call_id", JSON.quoted(stream.callID)),
                ("carrier", JSON.quoted(stream.carrier?.rawValue ?? Carrier.unrecognised)),
                ("carrier_call_id", JSON.quoted(stream.carrierCallID)),
                ("phase", JSON.quoted(stream.phase)),
                ("started_at", JSON.quoted(ArchiveTime.rfc3339(stream.startedAt))),
            ])
        }
        return .response(
            Self.json(
                200,
                [("active_connections", String(streams.count)), ("connections", JSON.array(items))]))
    }

    /// Speaks a text as a call would hear it (μ-law at 8 kHz) and gives it as a WAV file, or, where the client accepts JSON
    /// only, tells how it went.
    func synthesis(_ request: HTTPRequest) -> HTTPOutcome {
        guard let voices = parts.voices else {
            return .response(TelephoneSwitchboard.problem(503, "no_api_key"))
        }
        guard let (text, voiceID) = Self.wish(request.body) else {
            return .response(TelephoneSwitchboard.problem(400, "bad_body"))
        }
        var voice = voices.voice
        if let voiceID { voice.voiceID = voiceID }
        let wantsJSON = request.header("Accept")?.lowercased().hasPrefix("application/json") == true
        return .deferred(
            limitMilliseconds: Self.synthesisMilliseconds,
            fallback: TelephoneSwitchboard.problem(504, "synthesis_too_slow")
        ) { [voice] reply in
            let sound = Gathered()
            voices.synthesizer.speak(text, voice: voice, format: .pcmu8k) {
                sound.add($0)
            } onEnd: { result in
                switch result {
                case .success(let report):
                    reply.send(wantsJSON ? Self.report(report, sound.bytes.count) : Self.wav(sound.bytes))
                case .failure(let failure):
                    reply.send(TelephoneSwitchboard.problem(502, "synthesis_" + failure.kind.rawValue))
                }
            }
        }
    }

    /// The text and the voice of a body `{"text": …, "voice_id"?: …}`.
    private static func wish(_ body: [UInt8]) -> (text: String, voiceID: String?)? {
        body.withUnsafeBytes { raw in
            var scanner = JSONScanner(raw)
            guard case .object(let whole) = scanner.value(), scanner.finish(),
                let text = whole.member("text")?.text?.string(limit: textBytes), !text.isEmpty
            else { return nil }
            let voice = whole.member("voice_id")?.text?.string(limit: 64)
            return (text, voice.flatMap { $0.isEmpty ? nil : $0 })
        }
    }

    private static func report(_ report: SpeechReport, _ bytes: Int) -> HTTPResponse {
        json(
            200,
            [
                ("status", JSON.quoted("ok")), ("source", JSON.quoted(report.source.rawValue)),
                ("bytes", String(bytes)), ("milliseconds", String(bytes / 8)),
                ("first_sound_ms", JSON.number(report.firstSoundMilliseconds)),
                ("total_ms", String(report.totalMilliseconds)),
                ("used_fallback_voice", report.usedFallbackVoice ? "true" : "false"),
            ])
    }

    /// A WAV file of μ-law at 8 kHz (RFC 2361: format tag 7; the fact chunk counts the samples).
    static func wav(_ sound: [UInt8]) -> HTTPResponse {
        func little(_ value: Int, _ bytes: Int) -> [UInt8] {
            (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let padding = sound.count % 2
        var file = Array("RIFF".utf8) + little(50 + sound.count + padding, 4) + Array("WAVEfmt ".utf8)
        file += little(18, 4) + little(7, 2) + little(1, 2) + little(8000, 4) + little(8000, 4)
        file += little(1, 2) + little(8, 2) + little(0, 2)
        file += Array("fact".utf8) + little(4, 4) + little(sound.count, 4)
        file += Array("data".utf8) + little(sound.count, 4) + sound
        if padding == 1 { file.append(0) }
        return HTTPResponse(
            status: 200, headers: [("Content-Type", "audio/wav"), ("Cache-Control", "no-store")],
            body: .bytes(file))
    }

    private static func json(_ status: Int, _ members: [(name: String, json: String)]) -> HTTPResponse {
        HTTPResponse(
            status: status,
            headers: [("Content-Type", "application/json"), ("Cache-Control", "no-store")],
            body: .bytes(Array(JSON.object(members).utf8)))
    }
}

/// Sound that is gathered until it is whole.
private final class Gathered: @unchecked Sendable {
    // `lock` guards `sound`.
    private let lock = Lock()
    private var sound: [UInt8] = []

    func add(_ piece: [UInt8]) { lock.withLock { sound += piece } }
    var bytes: [UInt8] { lock.withLock { sound } }
}
