// Keys of what a call says without an agent: text to speech, and the answering machine.

extension SettingKey {
    /// Text to speech and voicemail.
    static let words: [SettingKey] = [
        SettingKey(
            "speech.voice_id", "TEELINE_VOICE_ID", .text, "21m00Tcm4TlvDq8ikWAM",
            "The ElevenLabs voice of spoken texts.", aliases: ["VOICE_ID"]),
        SettingKey(
            "speech.model", "TEELINE_SPEECH_MODEL", .text, "eleven_flash_v2_5", "The ElevenLabs model."),
        SettingKey(
            "speech.language", "TEELINE_SPEECH_LANGUAGE", .text, "",
            "Language of spoken texts (ISO 639-1); empty: found by the service."),
        SettingKey(
            "speech.transport", "TEELINE_SPEECH_TRANSPORT", .choice(["http", "websocket"]), "http",
            "How texts go to ElevenLabs: a request each, or a WebSocket (stream-input) each; models and formats without one by HTTP."
        ),
        SettingKey("speech.stability", "TEELINE_SPEECH_STABILITY", .decimal(0...1), "0.5", "Voice setting."),
        SettingKey(
            "speech.similarity", "TEELINE_SPEECH_SIMILARITY", .decimal(0...1), "0.75",
            "Voice setting similarity_boost."),
        SettingKey("speech.style", "TEELINE_SPEECH_STYLE", .decimal(0...1), "0", "Voice setting."),
        SettingKey(
            "speech.speaker_boost", "TEELINE_SPEECH_SPEAKER_BOOST", .flag, "true",
            "Voice setting use_speaker_boost."),
        SettingKey(
            "speech.speed", "TEELINE_SPEECH_SPEED", .decimal(0.7...1.2), "1", "Voice setting."),
        SettingKey(
            "speech.text", "TEELINE_SPEECH_TEXT", .text, "Hello. Thank you for calling.",
            "What a call in mode speech says when nothing else is given."),
        SettingKey(
            "speech.stays", "TEELINE_SPEECH_STAYS", .flag, "false",
            "Whether such a call stays open for further texts (POST /v1/calls/{id}/speak) instead of hanging up."
        ),
        SettingKey(
            "speech.cache_mb", "TEELINE_SPEECH_CACHE_MB", .integer(0...100_000), "256",
            "Most megabytes of spoken texts kept in the storage folder; 0 keeps none."),
        SettingKey(
            "voicemail.greeting", "TEELINE_VOICEMAIL_GREETING", .text,
            "You have reached our answering machine. Please leave a message after the beep.",
            "What the answering machine says first."),
        SettingKey(
            "voicemail.beep", "TEELINE_VOICEMAIL_BEEP", .flag, "true", "Whether a beep follows the greeting."),
        SettingKey(
            "voicemail.max_seconds", "TEELINE_VOICEMAIL_MAX_SECONDS", .integer(1...14_400), "120",
            "Longest message."),
        SettingKey(
            "voicemail.silence_seconds", "TEELINE_VOICEMAIL_SILENCE_SECONDS", .integer(0...600), "5",
            "Silence that ends a message; 0: none does."),
        SettingKey(
            "voicemail.by", "TEELINE_VOICEMAIL_BY", .choice(["stream", "telnyx"]), "stream",
            "Who records: this server on the stream, or Telnyx (record_start), whose file is fetched and archived."
        ),
        SettingKey(
            "voicemail.voice", "TEELINE_VOICEMAIL_VOICE", .text, "female",
            "Voice of Telnyx's speak, when Telnyx records."),
        SettingKey(
            "voicemail.transcription", "TEELINE_VOICEMAIL_TRANSCRIPTION", .flag, "false",
            "Whether Telnyx is asked to transcribe what it records."),
    ]
}
