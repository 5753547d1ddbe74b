// What Exotel asks and tells by HTTP: the resolver's question, Passthru, status callbacks. One tolerant reader.

import Wire

/// Who ended a stream.
public enum ExotelDisconnection: String, Sendable, Hashable, CaseIterable {
    /// The caller (`user` in the older spelling).
    case caller
    /// We did.
    case bot
    /// Exotel did (`NA` in the older spelling, where nobody is named).
    case system

    init?(_ text: String) {
        switch text.lowercased() {
        case "user", "caller": self = .caller
        case "bot": self = .bot
        case "system", "na": self = .system
        default: return nil
        }
    }
}

/// How a stream went, as Passthru tells it.
public struct ExotelStream: Sendable, Hashable, Discreet {
    /// The stream's id.
    public var streamID: String?
    /// `completed`, `failed` or `cancelled`.
    public var status: String?
    /// How long it was, in seconds.
    public var seconds: Int?
    /// Where Exotel's recording lies; it may be told later.
    public var recordingURL: String?
    /// Who ended it.
    public var disconnectedBy: ExotelDisconnection?
    /// Exotel's error, as written; its number stands first ("3009 …").
    public var error: String?
    /// More about the status ("Streaming_call_throttled").
    public var detailedStatus: String?

    /// A stream of which this much is known.
    public init(
        streamID: String? = nil, status: String? = nil, seconds: Int? = nil, recordingURL: String? = nil,
        disconnectedBy: ExotelDisconnection? = nil, error: String? = nil, detailedStatus: String? = nil
    ) {
        self.streamID = streamID
        self.status = status
        self.seconds = seconds
        self.recordingURL = recordingURL
        self.disconnectedBy = disconnectedBy
        self.error = error
        self.detailedStatus = detailedStatus
    }

    /// The number at the error's beginning.
    public var errorCode: Int? { error.flatMap { Int($0.prefix { ("0"..."9").contains($0) }) } }
    /// Whether the account had too many streams at once.
    public var isThrottled: Bool { detailedStatus?.lowercased() == "streaming_call_throttled" }
}

/// A leg of a call.
public struct ExotelLeg: Sendable, Hashable {
    /// Its status.
    public var status: String?
    /// How long it was on the call, in seconds.
    public var seconds: Int?

    /// A leg made of its parts.
    public init(status: String? = nil, seconds: Int? = nil) {
        self.status = status
        self.seconds = seconds
    }
}

/// What a request of Exotel's says. Everything may be absent: which fields come differs between its documents.
public struct ExotelCallback: Sendable, Hashable, Discreet {
    /// The call's id.
    public var callSid: String?
    /// The flow that asks.
    public var flowID: String?
    /// `incoming`, `outbound-api` and so on.
    public var direction: String?
    /// The calling number (for calls of ours: the one dialled).
    public var from: String?
    /// The called number.
    public var to: String?
    /// `answered`, `terminal`, `stream-start`.
    public var eventType: String?
    /// `queued`, `in-progress`, `completed`, `failed`, `busy`, `no-answer`, `canceled`.
    public var status: String?
    /// Our own text, given when the call was made.
    public var customField: String?
    /// How long the conversation was, in seconds.
    public var seconds: Int?
    /// Where the recording lies; it may be told later.
    public var recordingURL: String?
    /// "YYYY-MM-DD HH:mm:ss" without a zone, as written.
    public var startTime: String?, endTime: String?, dateUpdated: String?
    /// How the stream went, when the request tells of one.
    public var stream: ExotelStream?
    /// The call's legs, at most eight.
    public var legs: [ExotelLeg]

    /// Most bytes of a custom field that Exotel takes.
    public static let customFieldLimit = 128

    /// Reads a request of any method: its query first, then its body, of whatever type. Names count whatever their case.
    /// Throws `malformed` for a body that is not of its type, or `tooLong`.
    public init(
        query: [(name: String, value: String)], contentType: String? = nil, body: [UInt8] = []
    ) throws(SignallingError) {
        var fields = CallbackFields(foldingCase: true)
        fields.add(query)
        try fields.add(body: body, contentType: contentType)
        // `Stream` may be one parameter of JSON text; text that is none says nothing.
        if let text = try fields.text("stream", limit: 1 << 16) {
            _ = fields.add(json: Array(text.utf8), below: "stream")
        }
        callSid = try fields.text("callsid")
        flowID = try fields.text(["flow_id", "flowid"])
        direction = try fields.text("direction")
        from = try fields.text(["from", "callfrom"], limit: SignallingLimits.party)
        to = try fields.text(["to", "callto"], limit: SignallingLimits.party)
        eventType = try fields.text("eventtype")
        customField = try fields.text("customfield", limit: SignallingLimits.text)
        startTime = try fields.text("starttime")
        endTime = try fields.text("endtime")
        dateUpdated = try fields.text("dateupdated")
        legs = []
        for index in 0..<8 where fields.has("legs.\(index)") {
            let status = try fields.text("legs.\(index).status")
            legs.append(
                ExotelLeg(status: status, seconds: Self.seconds(fields, "legs.\(index).oncallduration")))
        }
        if fields.has("stream.streamsid") || fields.has("stream.status") || fields.has("stream.error")
            || fields.has("stream.disconnectedby") || fields.has("stream.detailedstatus")
        {
            stream = try Self.stream(fields, "stream.")
        } else if fields.has("streamsid") || fields.has("disconnectedby") || fields.has("detailedstatus") {
            stream = try Self.stream(fields, "")
        }
        // Without a `Stream` around them the status, the duration and the recording are the stream's.
        let isFlat = stream != nil && !fields.has("stream")
        status = isFlat ? try fields.text("dialcallstatus") : try fields.text("status")
        seconds = Self.seconds(fields, "conversationduration")
        recordingURL =
            isFlat ? nil : try fields.text("recordingurl", limit: SignallingLimits.url)
    }

    private static func stream(_ fields: CallbackFields, _ prefix: String) throws(SignallingError)
        -> ExotelStream
    {
        ExotelStream(
            streamID: try fields.text(prefix + "streamsid"), status: try fields.text(prefix + "status"),
            seconds: seconds(fields, prefix + "duration"),
            recordingURL: try fields.text(prefix + "recordingurl", limit: SignallingLimits.url),
            disconnectedBy: try fields.text(prefix + "disconnectedby").flatMap { ExotelDisconnection($0) },
            error: try fields.text(prefix + "error", limit: SignallingLimits.text),
            detailedStatus: try fields.text(prefix + "detailedstatus"))
    }

    private static func seconds(_ fields: CallbackFields, _ name: String) -> Int? {
        fields.integer(name).flatMap { $0 >= 0 ? $0 : nil }
    }

    /// The answer to a resolver's question: `{"url":"wss://…"}`, to be sent as application/json.
    public static func resolverAnswer(url: String) -> [UInt8] {
        var output: [UInt8] = []
        JSONWriter.append("{\"url\":", to: &output)
        JSONWriter.append(string: url, to: &output)
        JSONWriter.append("}", to: &output)
        return output
    }
}
