// What text to speech is set to.

import Agents
import Speech

/// Settings of text to speech.
public struct SpeechChoice: Sendable {
    /// The voice, unless a call's plan names one.
    public var voice: SpeechVoice
    /// How texts go to the service.
    public var transport: SpeechTransport
    /// Most bytes of spoken texts kept in the storage folder.
    public var cacheBytes: Int64

    /// The choice in `values`.
    init(_ values: SettingValues) {
        let language = values.text("speech.language")
        voice = SpeechVoice(
            voiceID: values.text("speech.voice_id"), modelID: values.text("speech.model"),
            settings: SpeechSettings(
                stability: values.decimal("speech.stability"),
                similarity: values.decimal("speech.similarity"),
                style: values.decimal("speech.style"), usesSpeakerBoost: values.flag("speech.speaker_boost"),
                speed: values.decimal("speech.speed")))
        voice.languageCode = language.isEmpty ? nil : language
        transport = SpeechTransport(rawValue: values.text("speech.transport")) ?? .http
        cacheBytes = values.number("speech.cache_mb") << 20
    }
}
