// Who speaks a text and how: voice, model and settings of ElevenLabs' text to speech.

import Wire

/// How a voice speaks (`voice_settings`). Values outside their ranges are brought to the nearest within, and all are
/// kept in thousandths: equal settings are written in the same bytes.
public struct SpeechSettings: Sendable, Hashable {
    /// How alike one sentence is to the next, 0…1.
    public let stability: Double
    /// How closely the voice keeps to its original, 0…1 (`similarity_boost`).
    public let similarity: Double
    /// How much the original's manner is exaggerated, 0…1; above 0 it adds latency.
    public let style: Double
    /// Likeness at the cost of latency (`use_speaker_boost`).
    public let usesSpeakerBoost: Bool
    /// Pace, 0.7…1.2, 1 as recorded.
    public let speed: Double

    /// Settings made of their parts; the defaults are the service's own. What is no number becomes the default.
    public init(
        stability: Double = 0.5, similarity: Double = 0.75, style: Double = 0, usesSpeakerBoost: Bool = true,
        speed: Double = 1
    ) {
        self.stability = Self.clamped(stability, 0...1, default: 0.5)
        self.similarity = Self.clamped(similarity, 0...1, default: 0.75)
        self.style = Self.clamped(style, 0...1, default: 0)
        self.usesSpeakerBoost = usesSpeakerBoost
        self.speed = Self.clamped(speed, 0.7...1.2, default: 1)
    }

    private static func clamped(
        _ value: Double, _ range: ClosedRange<Double>, default fallback: Double
    ) -> Double {
        guard !value.isNaN else { return fallback }
        return (min(max(value, range.lowerBound), range.upperBound) * 1000).rounded() / 1000
    }

    /// Appends the object `voice_settings`. Numbers are thousandths in 0…1.2, which Swift writes without an exponent.
    func append(to json: inout [UInt8]) {
        let text =
            "{\"stability\":\(stability),\"similarity_boost\":\(similarity),\"style\":\(style),"
            + "\"use_speaker_boost\":\(usesSpeakerBoost),\"speed\":\(speed)}"
        json.append(contentsOf: text.utf8)
    }

    /// The settings in an object `voice_settings`, the defaults for those that are not there; nil when one is of the wrong
    /// kind or out of its range.
    init?(strictly value: JSONValue) {
        guard let object = value.object else { return nil }
        func number(_ name: StaticString, _ range: ClosedRange<Double>, _ standard: Double) -> Double? {
            guard let value = object.member(name) else { return standard }
            return value.decimal.flatMap { range.contains($0) ? $0 : nil }
        }
        guard let stability = number("stability", 0...1, 0.5),
            let similarity = number("similarity_boost", 0...1, 0.75), let style = number("style", 0...1, 0),
            let speed = number("speed", 0.7...1.2, 1)
        else { return nil }
        var boost = true
        if let value = object.member("use_speaker_boost") {
            guard let flag = value.bool else { return nil }
            boost = flag
        }
        self.init(
            stability: stability, similarity: similarity, style: style, usesSpeakerBoost: boost, speed: speed)
    }
}

/// Whether numbers, dates and the like are written out before they are spoken (`apply_text_normalization`).
public enum SpeechNormalization: String, Sendable, Hashable, CaseIterable {
    /// As the service thinks right.
    case auto
    /// Always.
    case on
    /// Never.
    case off
}

/// Who speaks, and how.
public struct SpeechVoice: Sendable, Hashable {
    /// The voice's id.
    public var voiceID: String
    /// The model's id (`model_id`).
    public var modelID: String
    /// How the voice speaks.
    public var settings: SpeechSettings
    /// ISO 639-1 code of the language ("de"); nil lets the model find out.
    public var languageCode: String?
    /// Makes the same text sound the same, as far as the service can.
    public var seed: UInt32?
    /// How numbers and the like are spoken; nil leaves it to the service.
    public var normalization: SpeechNormalization?

    /// The voice that speaks when no other is named, and when the one named is not found (one of the
    /// service's own).
    public static let defaultVoiceID = "21m00Tcm4TlvDq8ikWAM"
    /// The model of least latency in many languages: what a telephone wants.
    public static let defaultModelID = "eleven_flash_v2_5"

    /// A voice made of its parts.
    public init(
        voiceID: String = SpeechVoice.defaultVoiceID, modelID: String = SpeechVoice.defaultModelID,
        settings: SpeechSettings = SpeechSettings(), languageCode: String? = nil, seed: UInt32? = nil,
        normalization: SpeechNormalization? = nil
    ) {
        self.voiceID = voiceID
        self.modelID = modelID
        self.settings = settings
        self.languageCode = languageCode
        self.seed = seed
        self.normalization = normalization
    }

    /// The language as requests name it: left out for a model that knows no such field.
    var writtenLanguage: String? {
        guard let languageCode, !languageCode.isEmpty, modelID != "eleven_multilingual_v2" else { return nil }
        return languageCode
    }

    /// Most characters of one request's text, by the service's model pages of 2025; nil for a model that is not
    /// among them: the service decides.
    public var textLimit: Int? {
        switch modelID {
        case "eleven_v3": 3_000
        case "eleven_multilingual_v2": 10_000
        case "eleven_flash_v2", "eleven_turbo_v2": 30_000
        case "eleven_flash_v2_5", "eleven_turbo_v2_5": 40_000
        default: nil
        }
    }
}
