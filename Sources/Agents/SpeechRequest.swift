// A request for a text to be spoken: its address and its body. No I/O.

import Audio
import Wire

/// A text that a voice is to speak in a format: `POST /v1/text-to-speech/{voice_id}/stream`.
public struct SpeechRequest: Sendable, Hashable {
    /// What is to be said.
    public var text: String
    /// Who says it.
    public var voice: SpeechVoice
    /// What the sound is to be.
    public var format: AudioFormat

    /// A request made of its parts.
    public init(text: String, voice: SpeechVoice, format: AudioFormat) {
        self.text = text
        self.voice = voice
        self.format = format
    }

    /// Why it cannot be sent at all: no text, text over the model's limit (40 000 characters, the largest of all,
    /// for a model we do not know), a format without a name, a voice or model id that is none.
    public var defect: SpeechFailure? {
        let characters = characterCount
        if characters > voice.textLimit ?? 40_000 { return SpeechFailure(.tooLong) }
        guard text.unicodeScalars.contains(where: { !$0.properties.isWhitespace }),
            SpeechFormat.name(of: format) != nil, Self.isID(voice.voiceID), Self.isID(voice.modelID)
        else { return SpeechFailure(.validation) }
        return nil
    }

    /// Characters of the text as the service counts them: Unicode scalars.
    public var characterCount: Int { text.unicodeScalars.count }

    /// The address to POST to at `base` (`https://api.elevenlabs.io`, a residency host, or a simulator's
    /// `http://…`); nil when `base` is no such address or `defect` says why not.
    public func url(base: String) -> String? {
        guard let (isSecure, rest) = AgentEndpoint.split(base), let name = SpeechFormat.name(of: format),
            Self.isID(voice.voiceID)
        else { return nil }
        return
            "\(isSecure ? "https" : "http")://\(rest)/v1/text-to-speech/\(PercentCoding.encoded(voice.voiceID))/stream?output_format=\(name)"
    }

    /// The body, always the same bytes for the same request. The language is left out for a model that knows no
    /// such field.
    public var body: [UInt8] {
        var json: [UInt8] = []
        json.reserveCapacity(text.utf8.count + 256)
        JSONWriter.append("{\"text\":", to: &json)
        JSONWriter.append(string: text, to: &json)
        JSONWriter.append(",\"model_id\":", to: &json)
        JSONWriter.append(string: voice.modelID, to: &json)
        if let language = voice.writtenLanguage {
            JSONWriter.append(",\"language_code\":", to: &json)
            JSONWriter.append(string: language, to: &json)
        }
        JSONWriter.append(",\"voice_settings\":", to: &json)
        voice.settings.append(to: &json)
        if let seed = voice.seed {
            JSONWriter.append(",\"seed\":", to: &json)
            JSONWriter.append(integer: Int64(seed), to: &json)
        }
        if let normalization = voice.normalization {
            JSONWriter.append(",\"apply_text_normalization\":", to: &json)
            JSONWriter.append(string: normalization.rawValue, to: &json)
        }
        JSONWriter.append("}", to: &json)
        return json
    }

    /// Whether `id` can name a voice or a model: something printable that is no step in a path.
    static func isID(_ id: String) -> Bool {
        (1...128).contains(id.utf8.count) && id.utf8.allSatisfy { 0x21...0x7E ~= $0 }
            && !id.utf8.allSatisfy { $0 == 0x2E }
    }
}

/// The names of raw sound formats in `output_format`.
public enum SpeechFormat {
    /// Every documented raw format; none has a header before its samples.
    private static let names: [(name: String, format: AudioFormat)] =
        [("ulaw_8000", .pcmu8k), ("alaw_8000", .pcma8k)]
        + [8000, 16000, 22050, 24000, 32000, 44100, 48000].map {
            ("pcm_\($0)", AudioFormat(.pcm16, rate: $0))
        }

    /// The name of `format`; nil when the service does not speak it.
    public static func name(of format: AudioFormat) -> String? { names.first { $0.format == format }?.name }

    /// The format called `name`; nil for others, compressed ones among them.
    public static func format(_ name: String) -> AudioFormat? { names.first { $0.name == name }?.format }
}
