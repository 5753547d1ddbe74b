// What Telnyx tells by webhook: the envelope of a Call Control event, as JSON or as query parameters.

/// What happened, whatever the spelling (`streaming_started` and `streaming.started` are the same).
public enum TelnyxEventKind: Sendable, Hashable {
    /// The life of a call.
    case callInitiated, callAnswered, callBridged, callHangup
    /// The media stream.
    case streamingStarted, streamingStopped, streamingFailed
    /// A key was pressed.
    case dtmfReceived
    /// What we had spoken or played.
    case speakStarted, speakEnded, playbackStarted, playbackEnded
    /// A recording that Telnyx made.
    case recordingSaved, recordingError, transcriptionSaved
    /// A kind unknown to us, normalised, at most 64 characters that a log may hold.
    case other(String)

    private static let known: [String: TelnyxEventKind] = [
        "call.initiated": .callInitiated, "call.answered": .callAnswered, "call.bridged": .callBridged,
        "call.hangup": .callHangup, "streaming.started": .streamingStarted,
        "streaming.stopped": .streamingStopped, "streaming.failed": .streamingFailed,
        "call.dtmf.received": .dtmfReceived, "call.speak.started": .speakStarted,
        "call.speak.ended": .speakEnded, "call.playback.started": .playbackStarted,
        "call.playback.ended": .playbackEnded, "call.recording.saved": .recordingSaved,
        "call.recording.error": .recordingError, "call.recording.transcription.saved": .transcriptionSaved,
    ]

    /// Its name as Telnyx documents it; normalised where it is unknown to us.
    public var name: String {
        if case .other(let name) = self { return name }
        return Self.known.first { $0.value == self }?.key ?? "unknown"
    }

    /// The kind called `name`.
    public init(_ name: String) {
        let normal = name.lowercased().replacing("_", with: ".")
        if let kind = Self.known[normal] {
            self = kind
        } else {
            let kept = normal.utf8.prefix(64).map { byte -> UInt8 in
                switch byte {
                case 0x30...0x39, 0x61...0x7A, 0x2E, 0x2D: byte
                default: 0x5F
                }
            }
            self = .other(String(decoding: kept, as: UTF8.self))
        }
    }
}

/// Which way a leg of Telnyx's goes.
public enum TelnyxDirection: String, Sendable, Hashable, CaseIterable {
    /// Somebody called us.
    case incoming
    /// We called: such a leg is never to be answered (error 90102).
    case outgoing
}

/// One event. All but its id and kind may be absent.
public struct TelnyxEvent: Sendable, Hashable, Discreet {
    /// The event's id; the same for every delivery of it.
    public var id: String
    /// What happened.
    public var kind: TelnyxEventKind
    /// When it happened (RFC 3339).
    public var occurredAt: String?
    /// Which delivery of the event this is, from 1.
    public var attempt: Int?
    /// The handle for commands on the call ("v3:…").
    public var callControlID: String?
    /// The leg.
    public var callLegID: String?
    /// What all legs of a call share.
    public var callSessionID: String?
    /// The connection (application) the call came by.
    public var connectionID: String?
    /// Which way the leg goes.
    public var direction: TelnyxDirection?
    /// `parked`, `bridging`, `answered`, `hangup`.
    public var state: String?
    /// The calling number.
    public var from: String?
    /// The called number.
    public var to: String?
    /// Our own state, in base64 as it was given.
    public var clientState: String?
    /// The codec of the telephone leg, once answered ("PCMU").
    public var codec: String?
    /// When the call began and ended (RFC 3339).
    public var startTime: String?, endTime: String?
    /// Why the call ended ("normal_clearing"), who ended it (`caller`, `callee`, `unknown`), and the SIP code.
    public var hangupCause: String?, hangupSource: String?, sipHangupCause: String?
    /// The key that was pressed.
    public var digit: String?
    /// How speaking or playing ended ("completed"), or a transcription stands.
    public var status: String?
    /// Why a recording failed.
    public var reason: String?
    /// The recording, its channels (`single`, `dual`) and format.
    public var recordingID: String?, channels: String?, format: String?
    /// When the recording began and ended (RFC 3339).
    public var recordingStartedAt: String?, recordingEndedAt: String?
    /// Presigned addresses by format, good for ten minutes.
    public var recordingURLs: [String: String]
    /// Lasting addresses by format, where support has allowed them.
    public var publicRecordingURLs: [String: String]
    /// What was said in the recording. Personal.
    public var transcriptionText: String?
    /// The transcription.
    public var transcriptionID: String?
    /// Why a stream failed ("connection_failed"), and which.
    public var failureReason: String?, streamID: String?

    /// Reads a webhook's JSON body. Throws `malformed`, `missingField` (event_type, id) or `tooLong`.
    public init(json body: [UInt8]) throws(SignallingError) {
        var fields = CallbackFields()
        guard fields.add(json: body) else { throw .malformed }
        try self.init(fields)
    }

    /// Reads the query of a webhook sent as GET (`webhook_url_method`); the spelling is not documented, so names may
    /// stand alone or below `data` and `payload`. Throws as for JSON.
    public init(query: [(name: String, value: String)]) throws(SignallingError) {
        try self.init(CallbackFields(FormFields(query)))
    }

    private init(_ fields: CallbackFields) throws(SignallingError) {
        func names(_ name: String) -> [String] { ["data.payload." + name, "payload." + name, name] }
        func text(_ name: String, _ limit: Int = SignallingLimits.id) throws(SignallingError) -> String? {
            try fields.text(names(name), limit: limit)
        }
        func urls(_ name: String) throws(SignallingError) -> [String: String] {
            for name in names(name) {
                let found = try fields.members(of: name, limit: SignallingLimits.url)
                if !found.isEmpty { return found }
            }
            return [:]
        }
        guard let type = try fields.text(["data.event_type", "event_type"]) else {
            throw .missingField("event_type")
        }
        guard let id = try fields.text(["data.id", "id"]) else { throw .missingField("id") }
        self.id = id
        kind = TelnyxEventKind(type)
        occurredAt = try fields.text(["data.occurred_at", "occurred_at"])
        attempt = fields.integer("meta.attempt")
        callControlID = try text("call_control_id")
        callLegID = try text("call_leg_id")
        callSessionID = try text("call_session_id")
        connectionID = try text("connection_id")
        direction = try text("direction").flatMap(TelnyxDirection.init(rawValue:))
        state = try text("state")
        from = try text("from", SignallingLimits.party)
        to = try text("to", SignallingLimits.party)
        clientState = try text("client_state", SignallingLimits.text)
        codec = try text("codec")
        startTime = try text("start_time")
        endTime = try text("end_time")
        hangupCause = try text("hangup_cause")
        hangupSource = try text("hangup_source")
        sipHangupCause = try text("sip_hangup_cause")
        digit = try text("digit")
        status = try text("status")
        reason = try text("reason", SignallingLimits.text)
        recordingID = try text("recording_id")
        channels = try text("channels")
        format = try text("format")
        recordingStartedAt = try text("recording_started_at")
        recordingEndedAt = try text("recording_ended_at")
        recordingURLs = try urls("recording_urls")
        publicRecordingURLs = try urls("public_recording_urls")
        transcriptionText = try text("transcription_text", SignallingLimits.transcription)
        transcriptionID = try text("recording_transcription_id")
        failureReason = try text("failure_reason", SignallingLimits.text)
        streamID = try text("stream_id")
    }
}
