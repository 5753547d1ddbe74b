// Where texts are spoken, and how patient we are.

import Agents

/// How a text goes to the service and its sound comes back; the raw value is the setting's.
public enum SpeechTransport: String, Sendable, Hashable, CaseIterable {
    /// A request of its own (`…/stream`).
    case http
    /// A WebSocket of its own (`…/stream-input`). What that does not serve, a model or a format, goes by HTTP.
    case websocket
}

/// The text-to-speech service and the limits of asking it.
public struct SpeechService: Sendable, CustomStringConvertible, CustomReflectable {
    /// `https://api.elevenlabs.io`, a residency host, or a simulator's `http://…`.
    public var baseURL: String
    /// What `xi-api-key` bears: a secret.
    public var apiKey: String
    /// How texts and sound travel.
    public var transport = SpeechTransport.http
    /// Who speaks when the voice asked for is not found; nil for nobody.
    public var fallbackVoiceID: String? = SpeechVoice.defaultVoiceID
    /// Requests for one text at most, those for the rest of a sound that broke off among them, the fallback voice's not
    /// counted anew.
    public var attempts = 3
    /// The pause before the second request, in milliseconds; it doubles for each further one and is shortened by up
    /// to half at random. The service's own wish (`Retry-After`) is kept when it is longer.
    public var pauseMilliseconds: Int64 = 250
    /// The longest pause; when the service wishes for a longer one, the text fails at once.
    public var longestPauseMilliseconds: Int64 = 4_000
    /// Time for the first byte of one request.
    public var firstSoundMilliseconds = 5_000
    /// Time for all requests for one text together.
    public var wholeMilliseconds: Int64 = 60_000
    /// Most bytes of one text's sound.
    public var soundBytes = 16 << 20
    /// Most connections at once.
    public var connections = 16

    /// The service at `baseURL` with the defaults' limits.
    public init(baseURL: String, apiKey: String) {
        self.baseURL = baseURL
        self.apiKey = apiKey
    }

    /// Without the key.
    public var description: String { "SpeechService" }
    /// Without the key.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
