// Who speaks a text and how: voice, model and settings of ElevenLabs' text to speech.

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
