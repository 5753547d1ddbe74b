// Where calls get the sound of texts from: ElevenLabs text to speech, with a cache in the storage folder.

import Agents
import Archive
import Audio
import Routing
import Speech
import Telemetry

/// A text that is being spoken.
protocol SpeechInProgress: Sendable {
    /// Ends it; nothing more comes of it but its end.
    func cancel()
}

extension SpeechJob: SpeechInProgress {}

/// Speaks texts for calls. Its answers come on any thread, in order.
protocol SpeechSource: Sendable {
    /// Speaks `text` with the voice of `plan` in `format`. `onEnd` is told once, last: whether it failed.
    func speak(
        _ text: String, plan: CallPlan, format: AudioFormat, onSound: @escaping @Sendable ([UInt8]) -> Void,
        onEnd: @escaping @Sendable (_ failed: Bool) -> Void
    ) -> (any SpeechInProgress)?
}

/// No text to speech is configured: every text fails at once.
struct NoSpeech: SpeechSource {
    func speak(
        _ text: String, plan: CallPlan, format: AudioFormat, onSound: @escaping @Sendable ([UInt8]) -> Void,
        onEnd: @escaping @Sendable (_ failed: Bool) -> Void
    ) -> (any SpeechInProgress)? {
        onEnd(true)
        return nil
    }
}

/// Text to speech by ElevenLabs.
final class SpeechLine: SpeechSource {
    let synthesizer: SpeechSynthesizer
    private let voice: SpeechVoice
    private let log: Log

    /// The line of `settings`; nil without a key.
    init?(settings: Settings, layout: StorageLayout, log: Log, metrics: MetricsRegistry) {
        guard let key = settings.agentKey else { return nil }
        self.log = log
        voice = settings.speech.voice
        var cache: SpeechCache?
        if settings.speech.cacheBytes > 0 {
            do throws(SpeechCacheError) {
                cache = try SpeechCache(
                    folder: layout.root + "/speech", totalBytes: settings.speech.cacheBytes)
            } catch {
                // Speaking goes on without it; only the cost of a repeated text is lost.
                log(.error, "speech_cache_unusable", ["cause": .text("\(error)")])
            }
        }
        var service = SpeechService(baseURL: settings.agentBaseURL, apiKey: key)
        service.transport = settings.speech.transport
        synthesizer = SpeechSynthesizer(
            service, cache: cache, observer: SpeechCounting(metrics: metrics, log: log))
    }

    func speak(
        _ text: String, plan: CallPlan, format: AudioFormat, onSound: @escaping @Sendable ([UInt8]) -> Void,
        onEnd: @escaping @Sendable (_ failed: Bool) -> Void
    ) -> (any SpeechInProgress)? {
        synthesizer.speak(text, voice: voice(of: plan), format: format, onSound: onSound) { result in
            if case .success = result { onEnd(false) } else { onEnd(true) }
        }
    }

    /// The configured voice, with what `plan` says otherwise.
    func voice(of plan: CallPlan) -> SpeechVoice {
        var voice = self.voice
        if let voiceID = plan.voiceID { voice.voiceID = voiceID }
        if let language = plan.language { voice.languageCode = language }
        return voice
    }
}

/// Counts spoken texts.
private struct SpeechCounting: SpeechObserver {
    let metrics: MetricsRegistry
    let log: Log

    func speechDidEnd(_ report: SpeechReport, failure: SpeechFailure?) {
        let outcome = failure?.kind.rawValue ?? "spoken"
        metrics.add(
            "teeline_speech_total",
            labels: MetricsRegistry.label("source", report.source.rawValue) + ","
                + MetricsRegistry.label("outcome", outcome))
        metrics.add("teeline_speech_characters_total", Double(report.characters))
        if let first = report.firstSoundMilliseconds {
            metrics.observe("teeline_speech_first_sound_seconds", Double(first) / 1000)
        }
        metrics.observe("teeline_speech_seconds", Double(report.totalMilliseconds) / 1000)
        if report.resumptions > 0 {
            metrics.add("teeline_speech_resumptions_total", Double(report.resumptions))
            log(.warning, "speech_resumed", ["requests": .number(Int64(report.resumptions))])
        }
        if report.usedFallbackVoice { log(.warning, "speech_fallback_voice", [:]) }
        if let failure {
            log(
                .warning, "speech_failed",
                [
                    "cause": .text(failure.kind.rawValue), "status": .number(Int64(failure.status ?? 0)),
                    "attempts": .number(Int64(report.attempts)),
                ])
        }
    }
}
