// The parameters of a Telnyx media stream, and which command takes which (carriers.md §3.1.4).

import Wire

/// A command that may begin a stream.
public enum TelnyxCommand: String, Sendable, Hashable, CaseIterable {
    /// Answers an incoming call.
    case answer
    /// Makes a call.
    case dial
    /// Begins a stream on a live call.
    case streamingStart = "streaming_start"
}

/// A media stream as it is asked for. What is nil is Telnyx's default.
public struct TelnyxStreaming: Sendable, Discreet {
    /// What the stream carries to us.
    public enum Track: String, Sendable, Hashable, CaseIterable {
        /// The far end (the default).
        case inbound = "inbound_track"
        /// What the far end hears.
        case outbound = "outbound_track"
        /// Both.
        case both = "both_tracks"
    }
    /// A codec by Telnyx's case-sensitive name.
    public enum Codec: String, Sendable, Hashable, CaseIterable {
        /// G.711 μ-law.
        case pcmu = "PCMU"
        /// G.711 A-law.
        case pcma = "PCMA"
        /// G.722.
        case g722 = "G722"
        /// Opus.
        case opus = "OPUS"
        /// AMR-WB.
        case amrWB = "AMR-WB"
        /// Linear 16 bit.
        case l16 = "L16"
        /// The call's own codec; towards us only.
        case call = "default"
    }
    /// How our sound is taken.
    public enum Mode: String, Sendable, Hashable, CaseIterable {
        /// As MP3 files, one message a second: Telnyx's default, which drops everything else in silence.
        case mp3
        /// As raw sound in the bidirectional codec.
        case rtp
    }
    /// Which legs hear our sound.
    public enum Legs: String, Sendable, Hashable, CaseIterable {
        /// Both.
        case both
        /// The leg of the command.
        case own = "self"
        /// The leg bridged to it (the default).
        case opposite
    }
    /// Samples a second that may be asked for.
    public static let samplingRates = [8000, 16000, 22050, 24000, 48000]
    /// Most characters of the token.
    public static let authTokenLimit = 4000

    /// The WebSocket's address; a query is allowed.
    public var url: String
    /// What the stream carries to us.
    public var track: Track?
    /// The codec towards us; obey the stream's `start` instead of trusting it.
    public var codec: Codec?
    /// How our sound is taken.
    public var mode: Mode?
    /// The codec of our sound; with `rtp` only.
    public var bidirectionalCodec: Codec?
    /// The rate of our sound; not on `answer`.
    public var bidirectionalRate: Int?
    /// Who hears our sound.
    public var targetLegs: Legs?
    /// A token sent with the WebSocket; not on `answer`.
    public var authToken: String?
    /// Parameters that come back in the stream's `start`; on `streaming_start` only.
    public var customParameters: [(name: String, value: String)] = []
    /// Whether the socket opens before the call is dialled; on `dial` only.
    public var opensBeforeDialling: Bool?
    /// Whether Telnyx sends silence while we send nothing; on `answer` and `dial` only.
    public var sendsSilence: Bool?
    /// Whether the stream goes to Dialogflow; not on `answer`.
    public var enablesDialogflow: Bool?
    /// Dialogflow's settings, a JSON object; not on `answer`.
    public var dialogflowSettings: [UInt8]?

    /// A stream to `url`, in both directions as raw sound.
    public init(
        url: String, track: Track? = .inbound, codec: Codec? = nil, mode: Mode? = .rtp,
        bidirectionalCodec: Codec? = .pcmu
    ) {
        self.url = url
        self.track = track
        self.codec = codec
        self.mode = mode
        self.bidirectionalCodec = bidirectionalCodec
    }

    /// Throws `notAllowed` for a parameter the command does not take, `invalid` or `tooLong` for a value.
    public func validate(for command: TelnyxCommand) throws(SignallingError) {
        func only(_ commands: [TelnyxCommand], _ parameter: String, _ isSet: Bool) throws(SignallingError) {
            guard isSet, !commands.contains(command) else { return }
            throw .notAllowed(parameter: parameter, command: command.rawValue)
        }
        try only(
            [.streamingStart, .dial], "stream_bidirectional_sampling_rate", bidirectionalRate != nil)
        try only([.streamingStart, .dial], "stream_auth_token", authToken != nil)
        try only([.streamingStart], "custom_parameters", !customParameters.isEmpty)
        try only([.dial], "stream_establish_before_call_originate", opensBeforeDialling != nil)
        try only([.answer, .dial], "send_silence_when_idle", sendsSilence != nil)
        try only([.streamingStart, .dial], "enable_dialogflow", enablesDialogflow != nil)
        try only([.streamingStart, .dial], "dialogflow_config", dialogflowSettings != nil)
        // `ws` is taken for networks of one's own.
        guard url.hasPrefix("wss://") || url.hasPrefix("ws://") else { throw .invalid("stream_url") }
        if let codec = bidirectionalCodec {
            guard mode == .rtp, codec != .call else { throw .invalid("stream_bidirectional_codec") }
        }
        if let rate = bidirectionalRate, !Self.samplingRates.contains(rate) {
            throw .invalid("stream_bidirectional_sampling_rate")
        }
        if let authToken, authToken.unicodeScalars.count > Self.authTokenLimit {
            throw .tooLong("stream_auth_token")
        }
        if let dialogflowSettings {
            var fields = CallbackFields()
            guard fields.add(json: dialogflowSettings) else { throw .invalid("dialogflow_config") }
        }
    }

    /// Adds the parameters to the body of `command`. Throws as `validate` does.
    func add(to body: inout JSONBody, for command: TelnyxCommand) throws(SignallingError) {
        try validate(for: command)
        body.add("stream_url", url)
        body.add("stream_track", track?.rawValue)
        body.add("stream_codec", codec?.rawValue)
        body.add("stream_bidirectional_mode", mode?.rawValue)
        body.add("stream_bidirectional_codec", bidirectionalCodec?.rawValue)
        body.add("stream_bidirectional_sampling_rate", bidirectionalRate)
        body.add("stream_bidirectional_target_legs", targetLegs?.rawValue)
        body.add("stream_auth_token", authToken)
        body.add("custom_parameters", pairs: customParameters)
        body.add("stream_establish_before_call_originate", opensBeforeDialling)
        body.add("send_silence_when_idle", sendsSilence)
        body.add("enable_dialogflow", enablesDialogflow)
        body.add("dialogflow_config", json: dialogflowSettings)
    }
}
