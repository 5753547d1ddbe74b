// Where calls get the sound of texts from.

import Audio
import Routing

/// A text that is being spoken.
protocol SpeechInProgress: Sendable {
    /// Ends it; nothing more comes of it but its end.
    func cancel()
}

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
