// Where texts are spoken over a WebSocket: the addresses of ElevenLabs' two protocols. No I/O.

import Audio
import Wire

/// How a WebSocket of text to speech is opened (the service's reference of 2025, `stream-input`).
public struct SpeechSocketAddress: Sendable, Hashable {
    /// The protocol that is spoken; the raw value is the path's last part.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// One text, in pieces.
        case single = "stream-input"
        /// Up to five texts at once, each in a context of its own.
        case multiple = "multi-stream-input"
    }

    /// The protocol.
    public var kind: Kind
    /// Who speaks. Its settings stand in the first message, not here.
    public var voice: SpeechVoice
    /// What the sound is to be.
    public var format: AudioFormat
    /// Whether texts come in whole sentences, so that the service need not gather them (`auto_mode`).
    public var comesInSentences = false
    /// Whether every piece of sound comes with the times of its characters (`sync_alignment`).
    public var isAligned = false
    /// Seconds without a message after which the service closes, 1…180; nil leaves the service's own 20.
    public var inactivitySeconds: Int?

    /// The address of `voice` in `format`.
    public init(_ kind: Kind, voice: SpeechVoice, format: AudioFormat) {
        self.kind = kind
        self.voice = voice
        self.format = format
    }

    /// Whether the sockets speak at all with this model and in this format: `eleven_v3` has no WebSocket, and of the raw
    /// formats 32 and 48 kHz are for HTTP alone.
    public var isServed: Bool {
        voice.modelID != "eleven_v3" && SpeechFormat.name(of: format) != nil
            && format.rate != 32_000 && format.rate != 48_000
    }

    /// The address at `base` (`https://api.elevenlabs.io`, a residency host, or a simulator's `http://…`): `https` becomes
    /// `wss` and `http` `ws`. Nil when `base` is no such address, an id is none, or `isServed` is false.
    public func url(base: String) -> String? {
        guard let (isSecure, rest) = AgentEndpoint.split(base), isServed,
            let name = SpeechFormat.name(of: format), SpeechRequest.isID(voice.voiceID),
            SpeechRequest.isID(voice.modelID)
        else { return nil }
        var url = "\(isSecure ? "wss" : "ws")://\(rest)/v1/text-to-speech/"
        url += "\(PercentCoding.encoded(voice.voiceID))/\(kind.rawValue)"
        url += "?model_id=\(PercentCoding.encoded(voice.modelID))&output_format=\(name)"
        if let language = voice.writtenLanguage { url += "&language_code=\(PercentCoding.encoded(language))" }
        if comesInSentences { url += "&auto_mode=true" }
        if isAligned { url += "&sync_alignment=true" }
        if let seconds = inactivitySeconds { url += "&inactivity_timeout=\(min(max(seconds, 1), 180))" }
        if let seed = voice.seed { url += "&seed=\(seed)" }
        if let normalization = voice.normalization {
            url += "&apply_text_normalization=\(normalization.rawValue)"
        }
        return url
    }
}
