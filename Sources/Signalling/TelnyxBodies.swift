// What Telnyx's commands are made of, besides the stream.

/// What goes with any command: our own state, and an id under which a repetition within 60 s is ignored.
public struct TelnyxTag: Sendable, Hashable, Discreet {
    /// A state that comes back in the call's events, in base64.
    public var clientState: String?
    /// The command's id.
    public var commandID: String?

    /// A tag made of its parts.
    public init(clientState: String? = nil, commandID: String? = nil) {
        self.clientState = clientState
        self.commandID = commandID
    }

    func add(to body: inout JSONBody) {
        body.add("client_state", clientState)
        body.add("command_id", commandID)
    }
}

/// Telnyx's own recording of a call, begun as it is answered or dialled.
public struct TelnyxCallRecording: Sendable, Hashable {
    /// `single` or `dual`.
    public var channels: String?
    /// `wav` or `mp3`.
    public var format: String?
    /// `both`, `inbound` or `outbound`.
    public var track: String?
    /// `trim-silence`.
    public var trim: String?
    /// Seconds of silence after which it ends.
    public var timeoutSeconds: Int?
    /// Longest recording in seconds, 0 (no bound) to 43200.
    public var maximumSeconds: Int?

    /// A recording made of its parts.
    public init(
        channels: String? = nil, format: String? = nil, track: String? = nil, trim: String? = nil,
        timeoutSeconds: Int? = nil, maximumSeconds: Int? = nil
    ) {
        self.channels = channels
        self.format = format
        self.track = track
        self.trim = trim
        self.timeoutSeconds = timeoutSeconds
        self.maximumSeconds = maximumSeconds
    }

    func add(to body: inout JSONBody) throws(SignallingError) {
        if let maximumSeconds, !(0...43_200).contains(maximumSeconds) { throw .invalid("record_max_length") }
        body.add("record", "record-from-answer")
        body.add("record_channels", channels)
        body.add("record_format", format)
        body.add("record_track", track)
        body.add("record_trim", trim)
        body.add("record_timeout_secs", timeoutSeconds)
        body.add("record_max_length", maximumSeconds)
    }
}

/// A call that Telnyx is asked to make.
public struct TelnyxDial: Sendable, Discreet {
    /// The connection (application) it is made by.
    public var connectionID: String
    /// The number or SIP address to call.
    public var to: String
    /// The number it is called from.
    public var from: String
    /// Its stream.
    public var streaming: TelnyxStreaming?
    /// Telnyx's own recording of it.
    public var recording: TelnyxCallRecording?
    /// Seconds it may ring, 5 to 600.
    public var timeoutSeconds: Int?
    /// Seconds it may last, at most 14400 (what nil means).
    public var timeLimitSeconds: Int?
    /// How an answering machine is told from a human, in Telnyx's word.
    public var machineDetection: String?
    /// Where its events are sent instead of the connection's address.
    public var webhookURL: String?
    /// State and id.
    public var tag = TelnyxTag()

    /// A call of `to` from `from`.
    public init(connectionID: String, to: String, from: String, streaming: TelnyxStreaming? = nil) {
        self.connectionID = connectionID
        self.to = to
        self.from = from
        self.streaming = streaming
    }

    func body() throws(SignallingError) -> [UInt8] {
        guard !connectionID.isEmpty else { throw .missingField("connection_id") }
        guard !to.isEmpty else { throw .missingField("to") }
        guard !from.isEmpty else { throw .missingField("from") }
        if let timeoutSeconds, !(5...600).contains(timeoutSeconds) { throw .invalid("timeout_secs") }
        if let timeLimitSeconds, !(1...14_400).contains(timeLimitSeconds) {
            throw .invalid("time_limit_secs")
        }
        var body = JSONBody()
        body.add("connection_id", connectionID)
        body.add("to", to)
        body.add("from", from)
        if let streaming { try streaming.add(to: &body, for: .dial) }
        body.add("timeout_secs", timeoutSeconds)
        body.add("time_limit_secs", timeLimitSeconds)
        body.add("answering_machine_detection", machineDetection)
        if let recording { try recording.add(to: &body) }
        body.add("webhook_url", webhookURL)
        tag.add(to: &body)
        return body.bytes
    }
}

/// A text that Telnyx speaks to the caller.
public struct TelnyxSpeech: Sendable, Discreet {
    /// The text, at most 3000 characters; SSML where `isSSML`.
    public var text: String
    /// The voice ("Provider.Model.Id", `male`, `female`).
    public var voice: String
    /// Whether the text is SSML; nil: nothing is said of it.
    public var isSSML: Bool?
    /// The language (BCP 47).
    public var language: String?
    /// `basic` or `premium`.
    public var serviceLevel: String?

    /// A text and a voice.
    public init(_ text: String, voice: String, isSSML: Bool? = nil, language: String? = nil) {
        self.text = text
        self.voice = voice
        self.isSSML = isSSML
        self.language = language
    }

    func body(_ tag: TelnyxTag) throws(SignallingError) -> JSONBody {
        guard text.unicodeScalars.count <= 3000 else { throw .tooLong("payload") }
        var body = JSONBody()
        body.add("payload", text)
        body.add("voice", voice)
        body.add("payload_type", isSSML.map { $0 ? "ssml" : "text" })
        body.add("language", language)
        body.add("service_level", serviceLevel)
        tag.add(to: &body)
        return body
    }
}

/// A sound that Telnyx plays to the caller.
public enum TelnyxPlayback: Sendable, Discreet {
    /// A file at an address.
    case url(String)
    /// A file in Telnyx's store.
    case media(name: String)
    /// A whole MP3 or WAV file in base64.
    case content(String)
}

/// A recording that Telnyx is asked to begin on a live call.
public struct TelnyxRecordStart: Sendable, Hashable {
    /// `single` or `dual`.
    public var channels: String
    /// `wav` or `mp3`.
    public var format: String
    /// `both`, `inbound` or `outbound`; one alone makes it mono.
    public var track: String?
    /// Whether a beep is heard.
    public var playsBeep: Bool?
    /// Longest recording in seconds, 0 (no bound) to 14400.
    public var maximumSeconds: Int?
    /// Seconds of silence after which it ends; 0 for never.
    public var timeoutSeconds: Int?
    /// Whether it is transcribed, and by which engine (`A`, `B`, `deepgram/nova-3`).
    public var transcribes: Bool?, transcriptionEngine: String?
    /// The file's name; Telnyx adds the time.
    public var fileName: String?

    /// A recording in two channels unless told otherwise.
    public init(channels: String = "dual", format: String = "wav") {
        self.channels = channels
        self.format = format
    }

    func body(_ tag: TelnyxTag) throws(SignallingError) -> JSONBody {
        guard channels == "single" || channels == "dual" else { throw .invalid("channels") }
        guard format == "wav" || format == "mp3" else { throw .invalid("format") }
        if let maximumSeconds, !(0...14_400).contains(maximumSeconds) { throw .invalid("max_length") }
        var body = JSONBody()
        body.add("format", format)
        body.add("channels", channels)
        body.add("recording_track", track)
        body.add("play_beep", playsBeep)
        body.add("max_length", maximumSeconds)
        body.add("timeout_secs", timeoutSeconds)
        body.add("transcription", transcribes)
        body.add("transcription_engine", transcriptionEngine)
        body.add("custom_file_name", fileName)
        tag.add(to: &body)
        return body
    }
}
