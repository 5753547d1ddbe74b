// What Twilio tells by webhook: a call, its progress, its streams, its recordings. POST forms or GET queries alike.

/// Identifiers of Twilio.
public enum TwilioSID {
    /// Whether `text` is a SID with `prefix` ("CA", "AC", "MZ", "RE"): two letters and 32 hexadecimal digits.
    public static func isSid(_ text: String, prefix: String) -> Bool {
        text.utf8.count == 34 && text.hasPrefix(prefix) && prefix.utf8.count == 2
            && text.utf8.dropFirst(2).allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x46).contains($0) || (0x61...0x66).contains($0)
            }
    }
}

/// Where a call of Twilio's stands.
public enum TwilioCallStatus: String, Sendable, Hashable, CaseIterable {
    /// Waiting to be dialled.
    case queued
    /// Being dialled (callbacks only).
    case initiated
    /// Ringing.
    case ringing
    /// Answered.
    case inProgress = "in-progress"
    /// Over after it was answered.
    case completed
    /// Over: busy.
    case busy
    /// Over: it could not be made.
    case failed
    /// Over: nobody answered.
    case noAnswer = "no-answer"
    /// Over: ended before it was answered.
    case canceled

    /// Whether the call is over.
    public var isFinal: Bool {
        switch self {
        case .completed, .busy, .failed, .noAnswer, .canceled: true
        case .queued, .initiated, .ringing, .inProgress: false
        }
    }
}

/// Who began a call.
public enum TwilioDirection: String, Sendable, Hashable, CaseIterable {
    /// Somebody called a number of ours.
    case inbound
    /// We did, by REST.
    case outboundAPI = "outbound-api"
    /// A `<Dial>` did.
    case outboundDial = "outbound-dial"
}

/// A call as every webhook tells it.
public struct TwilioCall: Sendable, Hashable, Discreet {
    /// The call's SID. Opaque; `TwilioSID.isSid` tells whether it looks like one.
    public var callSid: String
    /// The account's SID.
    public var accountSid: String?
    /// The caller: E.164, `client:…`, `sip:…` or a placeholder.
    public var from: String?
    /// The called number.
    public var to: String?
    /// Where the call stands; nil when untold or unknown to us.
    public var status: TwilioCallStatus?
    /// Who began it; nil when untold or unknown to us.
    public var direction: TwilioDirection?
    /// The number that forwarded the call to us.
    public var forwardedFrom: String?
    /// The caller's name, when it was looked up.
    public var callerName: String?
    /// The leg this one was made by.
    public var parentCallSid: String?
    /// How far the caller's number is attested ("TN-Validation-Passed-A").
    public var attestation: String?
    /// `human`, `machine_start` and so on, when it was asked for.
    public var answeredBy: String?

    /// Reads a voice webhook; what is unknown is ignored. Throws `missingField("CallSid")` or `tooLong`.
    public init(_ form: FormFields) throws(SignallingError) { try self.init(CallbackFields(form)) }

    init(_ fields: CallbackFields) throws(SignallingError) {
        callSid = try fields.required("CallSid")
        accountSid = try fields.text("AccountSid")
        from = try fields.text(["From", "Caller"], limit: SignallingLimits.party)
        to = try fields.text(["To", "Called"], limit: SignallingLimits.party)
        status = try fields.text("CallStatus").flatMap(TwilioCallStatus.init(rawValue:))
        direction = try fields.text("Direction").flatMap(TwilioDirection.init(rawValue:))
        forwardedFrom = try fields.text("ForwardedFrom", limit: SignallingLimits.party)
        callerName = try fields.text("CallerName", limit: SignallingLimits.party)
        parentCallSid = try fields.text("ParentCallSid")
        attestation = try fields.text("StirVerstat")
        answeredBy = try fields.text("AnsweredBy")
    }
}

/// A step of a call's progress (`StatusCallback`).
public struct TwilioCallProgress: Sendable, Hashable, Discreet {
    /// The call.
    public var call: TwilioCall
    /// The number of the callback within the call, from 0; they may arrive in any order.
    public var sequence: Int?
    /// How long the call was, in seconds; at its end only.
    public var seconds: Int?
    /// The last SIP response code.
    public var sipResponseCode: Int?
    /// When it happened (RFC 2822).
    public var timestamp: String?

    /// Reads a status callback. Throws as `TwilioCall` does.
    public init(_ form: FormFields) throws(SignallingError) {
        let fields = CallbackFields(form)
        call = try TwilioCall(fields)
        sequence = fields.integer("SequenceNumber").flatMap { $0 >= 0 ? $0 : nil }
        seconds = fields.integer("CallDuration").flatMap { $0 >= 0 ? $0 : nil }
        sipResponseCode = fields.integer("SipResponseCode")
        timestamp = try fields.text("Timestamp")
    }
}

/// Brings one call's progress callbacks into order: what is older than what was seen says nothing new.
public struct TwilioCallOrder: Sendable, Hashable {
    /// Where the call stands.
    public private(set) var status: TwilioCallStatus?
    private var sequence = -1

    /// A call of which nothing is known.
    public init() {}

    /// Takes a callback; whether it brings the call on. After the end nothing does.
    public mutating func take(_ progress: TwilioCallProgress) -> Bool {
        guard status?.isFinal != true else { return false }
        if let number = progress.sequence {
            // A final state counts whatever its number: nothing can follow it.
            guard number > sequence || progress.call.status?.isFinal == true else { return false }
            sequence = max(sequence, number)
        }
        guard let next = progress.call.status, next != status else { return false }
        status = next
        return true
    }
}

/// A state of a media stream (`<Stream statusCallback>`).
public struct TwilioStreamStatus: Sendable, Hashable, Discreet {
    /// What happened.
    public enum Event: String, Sendable, Hashable, CaseIterable {
        /// It began.
        case started = "stream-started"
        /// It ended.
        case stopped = "stream-stopped"
        /// It failed.
        case error = "stream-error"
    }
    /// The call's SID.
    public var callSid: String
    /// The account's SID.
    public var accountSid: String?
    /// The stream's SID.
    public var streamSid: String?
    /// The stream's name; its SID when it has none.
    public var name: String?
    /// What happened; nil when untold or unknown to us.
    public var event: Event?
    /// Twilio's error, as written.
    public var error: String?
    /// When it happened (ISO 8601).
    public var timestamp: String?

    /// The number at the error's beginning (carriers.md §2.2.5: 31921).
    public var errorCode: Int? { error.flatMap { Int($0.prefix { ("0"..."9").contains($0) }) } }

    /// Reads a stream status. Throws `missingField("CallSid")` or `tooLong`.
    public init(_ form: FormFields) throws(SignallingError) {
        let fields = CallbackFields(form)
        callSid = try fields.required("CallSid")
        accountSid = try fields.text("AccountSid")
        streamSid = try fields.text("StreamSid")
        name = try fields.text("StreamName")
        event = try fields.text("StreamEvent").flatMap(Event.init(rawValue:))
        error = try fields.text("StreamError", limit: SignallingLimits.text)
        timestamp = try fields.text("Timestamp")
    }
}

/// A state of a recording that Twilio makes (`recordingStatusCallback`). May come twice.
public struct TwilioRecordingStatus: Sendable, Hashable, Discreet {
    /// The call's SID: the parent leg's.
    public var callSid: String
    /// The account's SID.
    public var accountSid: String?
    /// The recording's SID.
    public var recordingSid: String
    /// Its address without an extension: add `.mp3` or `.wav`.
    public var url: String?
    /// `in-progress`, `completed`, `absent` or `failed`.
    public var status: String?
    /// How long it is, in seconds.
    public var seconds: Int?
    /// 1 or 2 channels.
    public var channels: Int?
    /// What began it ("StartCallRecordingAPI").
    public var source: String?
    /// When it began (RFC 2822).
    public var startTime: String?
    /// `inbound`, `outbound` or `both`.
    public var track: String?
    /// 0 for none; 16101 too short, 16102 silent.
    public var errorCode: Int?

    /// Reads a recording status. Throws `missingField` (CallSid, RecordingSid) or `tooLong`.
    public init(_ form: FormFields) throws(SignallingError) {
        let fields = CallbackFields(form)
        callSid = try fields.required("CallSid")
        accountSid = try fields.text("AccountSid")
        recordingSid = try fields.required("RecordingSid")
        url = try fields.text("RecordingUrl", limit: SignallingLimits.url)
        status = try fields.text("RecordingStatus")
        seconds = fields.integer("RecordingDuration").flatMap { $0 >= 0 ? $0 : nil }
        channels = fields.integer("RecordingChannels")
        source = try fields.text("RecordingSource")
        startTime = try fields.text("RecordingStartTime")
        track = try fields.text("RecordingTrack")
        errorCode = fields.integer("ErrorCode")
    }
}
