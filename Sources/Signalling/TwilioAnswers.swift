// What Twilio's REST service answers: calls, streams, recordings, errors.

/// A call's resource.
public struct TwilioCallResource: Sendable, Hashable, Discreet {
    /// The call's SID.
    public var callSid: String
    /// The account's SID.
    public var accountSid: String?
    /// The called number.
    public var to: String?
    /// The calling number.
    public var from: String?
    /// Where the call stands; nil when unknown to us.
    public var status: TwilioCallStatus?
    /// Who began it; nil when unknown to us.
    public var direction: TwilioDirection?
    /// When it was made, began and ended (RFC 2822).
    public var dateCreated: String?, startTime: String?, endTime: String?
    /// How long it was, in seconds.
    public var seconds: Int?
    /// Who answered, when that was to be found out.
    public var answeredBy: String?
}

/// A recording's resource.
public struct TwilioRecordingResource: Sendable, Hashable, Discreet {
    /// The recording's SID.
    public var recordingSid: String
    /// The call's SID.
    public var callSid: String?
    /// 1 or 2 channels.
    public var channels: Int?
    /// When it was made and began (RFC 2822).
    public var dateCreated: String?, startTime: String?
    /// How long it is, in seconds.
    public var seconds: Int?
    /// What began it.
    public var source: String?
    /// `in-progress`, `paused`, `stopped`, `processing`, `completed`, `absent`, `deleted`, `failed`.
    public var status: String?
    /// Its error, when there was one.
    public var errorCode: Int?
    /// The sound's address without an extension.
    public var mediaURL: String?
    /// `inbound`, `outbound` or `both`, under a call only.
    public var track: String?
}

/// One page of recordings.
public struct TwilioRecordingPage: Sendable, Hashable, Discreet {
    /// The recordings.
    public var recordings: [TwilioRecordingResource]
    /// The path of the next page; nil at the end.
    public var nextPage: String?
}

/// A stream's resource.
public struct TwilioStreamResource: Sendable, Hashable, Discreet {
    /// The stream's SID.
    public var streamSid: String
    /// The call's SID.
    public var callSid: String?
    /// The stream's name.
    public var name: String?
    /// `in-progress` or `stopped`.
    public var status: String?
}

extension TwilioREST {
    /// Reads the answer to `create` and `fetchCall`.
    public static func call(_ answer: RESTAnswer) throws(RESTFailure) -> TwilioCallResource {
        try answer.check(code)
        return try answer.object { (fields) throws(RESTFailure) in
            TwilioCallResource(
                callSid: try fields.required("sid"), accountSid: fields.text("account_sid"),
                to: fields.text("to", limit: SignallingLimits.party),
                from: fields.text("from", limit: SignallingLimits.party),
                status: fields.text("status").flatMap { TwilioCallStatus(rawValue: $0) },
                direction: fields.text("direction").flatMap { TwilioDirection(rawValue: $0) },
                dateCreated: fields.text("date_created"), startTime: fields.text("start_time"),
                endTime: fields.text("end_time"), seconds: fields.integer("duration"),
                answeredBy: fields.text("answered_by"))
        }
    }

    /// Reads the answer to `hangUp`, `redirect` and `change`: a call that is gone (404 with code 20404) is `alreadyOver`.
    public static func update(_ answer: RESTAnswer) throws(RESTFailure) {
        if answer.status == 404, code(answer) == 20404 { throw .alreadyOver }
        try answer.check(code)
    }

    /// Reads the answer to `stopStream` and `deleteRecording`.
    public static func done(_ answer: RESTAnswer) throws(RESTFailure) { try answer.check(code) }

    /// Reads the answer to `startStream`.
    public static func stream(_ answer: RESTAnswer) throws(RESTFailure) -> TwilioStreamResource {
        try answer.check(code)
        return try answer.object { (fields) throws(RESTFailure) in
            TwilioStreamResource(
                streamSid: try fields.required("sid"), callSid: fields.text("call_sid"),
                name: fields.text("name"), status: fields.text("status"))
        }
    }

    /// Reads the answer to `startRecording` and `fetchRecording`.
    public static func recording(_ answer: RESTAnswer) throws(RESTFailure) -> TwilioRecordingResource {
        try answer.check(code)
        return try answer.object(recording)
    }

    /// Reads the answer to `listRecordings`.
    public static func recordings(_ answer: RESTAnswer) throws(RESTFailure) -> TwilioRecordingPage {
        try answer.check(code)
        return try answer.object { (fields) throws(RESTFailure) in
            TwilioRecordingPage(
                recordings: try fields.list("recordings", recording),
                nextPage: fields.text("next_page_uri", limit: SignallingLimits.url))
        }
    }

    private static func recording(_ fields: JSONFields) throws(RESTFailure) -> TwilioRecordingResource {
        TwilioRecordingResource(
            recordingSid: try fields.required("sid"), callSid: fields.text("call_sid"),
            channels: fields.integer("channels"), dateCreated: fields.text("date_created"),
            startTime: fields.text("start_time"), seconds: fields.integer("duration"),
            source: fields.text("source"), status: fields.text("status"),
            errorCode: fields.integer("error_code"),
            mediaURL: fields.text("media_url", limit: SignallingLimits.url), track: fields.text("track"))
    }

    /// The `code` of an error's body.
    static func code(_ answer: RESTAnswer) -> Int? {
        do throws(RESTFailure) {
            return try answer.object { (fields) throws(RESTFailure) in fields.integer("code") }
        } catch { return nil }
    }
}
