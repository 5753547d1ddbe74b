// Requests to Exotel's REST service (API v1), and what it answers.

/// A call that Exotel is asked to make: it dials, then streams to us or runs a flow.
public struct ExotelNewCall: Sendable, Discreet {
    /// What the call does once it is answered.
    public enum Target: Sendable, Discreet {
        /// A stream in both directions to a `ws:` or `wss:` address of less than 600 characters.
        case stream(url: String)
        /// A flow by its id.
        case flow(id: String)
    }
    /// The number to dial, E.164. (Exotel calls it `From`.)
    public var dialledNumber: String
    /// The ExoPhone it is called from.
    public var callerID: String
    /// What it does once answered.
    public var target: Target
    /// A name for the stream, at most 32 characters.
    public var streamName: String?
    /// Whether Exotel records it.
    public var record: Bool?
    /// `single` or `dual`.
    public var recordingChannels: String?
    /// Seconds it may last, at most 14400.
    public var timeLimit: Int?
    /// A text that comes back in the callbacks, at most 128 characters.
    public var customField: String?
    /// Where its progress is reported.
    public var statusCallback: String?
    /// Which steps: `ringing`, `answered`, `terminal`.
    public var statusCallbackEvents: [String] = []

    /// A call of `dialledNumber` from `callerID`.
    public init(dialledNumber: String, callerID: String, target: Target) {
        self.dialledNumber = dialledNumber
        self.callerID = callerID
        self.target = target
    }
}

/// A call's resource.
public struct ExotelCallResource: Sendable, Hashable, Discreet {
    /// The call's id.
    public var callSid: String
    /// The parties, as Exotel calls them.
    public var from: String?, to: String?
    /// `queued`, `in-progress`, `completed`, `failed`, `busy`, `no-answer`, `canceled`.
    public var status: String?
    /// `outbound-api` and so on.
    public var direction: String?
    /// "YYYY-MM-DD HH:mm:ss" without a zone, as written.
    public var dateCreated: String?, startTime: String?, endTime: String?
    /// How long it was, in seconds.
    public var seconds: Int?
    /// Where the recording lies; absent until it is processed.
    public var recordingURL: String?
}

/// One page of calls.
public struct ExotelCallPage: Sendable, Hashable, Discreet {
    /// The calls.
    public var calls: [ExotelCallResource]
    /// The path of the next page; nil at the end.
    public var nextPage: String?
}

/// How many streams an account has, and may have.
public struct ExotelActiveStreams: Sendable, Hashable {
    /// Streams at present.
    public var active: Int
    /// Streams at most.
    public var limit: Int

    /// So many streams of so many.
    public init(active: Int, limit: Int) {
        self.active = active
        self.limit = limit
    }
}

/// A client's part of Exotel's REST service: makes requests and reads answers, sends nothing.
public struct ExotelREST: Sendable, Discreet {
    /// Where the service is, unless Singapore's is wanted (`https://api.exotel.com`).
    public static let base = "https://api.in.exotel.com"

    private let account: String
    private let accountSid: String
    private let authorization: String

    /// The service at `base` for an account, by API key and token.
    public init(base: String = ExotelREST.base, accountSid: String, key: String, token: String) {
        self.accountSid = RESTRequest.segment(accountSid)
        account = "\(RESTRequest.trimmed(base))/v1/Accounts/\(self.accountSid)"
        authorization = RESTRequest.basic(key, token)
    }

    /// Makes a call. Throws `missingField`, `invalid` or `tooLong`.
    public func connect(_ call: ExotelNewCall) throws(SignallingError) -> RESTRequest {
        guard !call.dialledNumber.isEmpty else { throw .missingField("From") }
        guard !call.callerID.isEmpty else { throw .missingField("CallerId") }
        if let limit = call.timeLimit, !(1...14_400).contains(limit) { throw .invalid("TimeLimit") }
        if let text = call.customField, text.unicodeScalars.count > ExotelCallback.customFieldLimit {
            throw .tooLong("CustomField")
        }
        if let name = call.streamName, name.unicodeScalars.count > 32 { throw .tooLong("StreamName") }
        var fields: [(String, String?)] = [("From", call.dialledNumber), ("CallerId", call.callerID)]
        switch call.target {
        case .stream(let url):
            guard url.hasPrefix("wss://") || url.hasPrefix("ws://") else { throw .invalid("StreamUrl") }
            guard url.unicodeScalars.count < 600 else { throw .tooLong("StreamUrl") }
            fields += [
                ("StreamUrl", url), ("StreamType", "bidirectional"), ("StreamName", call.streamName),
            ]
        case .flow(let id):
            let flow = RESTRequest.segment(id)
            fields.append(("Url", "http://my.exotel.com/\(accountSid)/exoml/start_voice/\(flow)"))
        }
        fields += [
            ("Record", call.record.map { $0 ? "true" : "false" }),
            ("RecordingChannels", call.recordingChannels), ("TimeLimit", call.timeLimit.map { String($0) }),
            ("CustomField", call.customField), ("StatusCallback", call.statusCallback),
        ]
        for (index, event) in call.statusCallbackEvents.enumerated() {
            fields.append(("StatusCallbackEvents[\(index)]", event))
        }
        var request = request("POST", "/Calls/connect.json", mayRepeat: false)
        request.headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        request.body = RESTRequest.form(fields).body
        return request
    }

    /// Asks for a call's details, with a link to its recording that is good for 5 to 60 minutes.
    public func fetchCall(_ callSid: String, recordingMinutes: Int? = nil) -> RESTRequest {
        let minutes = recordingMinutes.map { String(min(max($0, 5), 60)) }
        return request(
            "GET",
            "/Calls/\(RESTRequest.segment(callSid)).json"
                + RESTRequest.query([("details", "true"), ("RecordingUrlValidity", minutes)]),
            mayRepeat: true)
    }

    /// Lists calls made between two instants ("YYYY-MM-DD HH:mm:ss", at most a month apart), newest first, 1 to 100 on
    /// a page.
    public func listCalls(from: String, to: String, pageSize: Int = 50) -> RESTRequest {
        let query = RESTRequest.query([
            ("DateCreated", "gte:\(from);lte:\(to)"), ("PageSize", String(min(max(pageSize, 1), 100))),
            ("SortBy", "DateCreated:desc"),
        ])
        return request("GET", "/Calls.json" + query, mayRepeat: true)
    }

    /// Asks how many streams there are.
    public func fetchActiveStreams() -> RESTRequest { request("GET", "/ActiveStreams", mayRepeat: true) }

    private func request(_ method: String, _ path: String, mayRepeat: Bool) -> RESTRequest {
        RESTRequest(
            method: method, url: account + path, headers: [("Authorization", authorization)],
            mayRepeat: mayRepeat)
    }

    /// Reads the answer to `connect` and `fetchCall`.
    public static func call(_ answer: RESTAnswer) throws(RESTFailure) -> ExotelCallResource {
        try answer.check(code)
        return try answer.object { (fields) throws(RESTFailure) in
            guard let call = fields.fields("Call") else { throw .malformed }
            return try Self.call(call)
        }
    }

    /// Reads the answer to `listCalls`.
    public static func calls(_ answer: RESTAnswer) throws(RESTFailure) -> ExotelCallPage {
        try answer.check(code)
        return try answer.object { (fields) throws(RESTFailure) in
            ExotelCallPage(
                calls: try fields.list("Calls", call),
                nextPage: fields.fields("Metadata")?.text("NextPageUri", limit: SignallingLimits.url))
        }
    }

    /// Reads the answer to `fetchActiveStreams`: XML or JSON, both are documented.
    public static func activeStreams(_ answer: RESTAnswer) throws(RESTFailure) -> ExotelActiveStreams {
        try answer.check(code)
        if let active = xmlText(of: "ActiveStreamCount", in: answer.body).flatMap({ Int($0) }),
            let limit = xmlText(of: "ThrottleLimit", in: answer.body).flatMap({ Int($0) })
        {
            return ExotelActiveStreams(active: active, limit: limit)
        }
        return try answer.object { (fields) throws(RESTFailure) in
            guard let active = fields.integer("active_streams"),
                let limit = fields.integer("max_allowed_streams")
            else { throw .malformed }
            return ExotelActiveStreams(active: active, limit: limit)
        }
    }

    private static func call(_ fields: JSONFields) throws(RESTFailure) -> ExotelCallResource {
        let recording = fields.text("RecordingUrl", limit: SignallingLimits.url)
        return ExotelCallResource(
            callSid: try fields.required("Sid"), from: fields.text("From", limit: SignallingLimits.party),
            to: fields.text("To", limit: SignallingLimits.party), status: fields.text("Status"),
            direction: fields.text("Direction"), dateCreated: fields.text("DateCreated"),
            startTime: fields.text("StartTime"), endTime: fields.text("EndTime"),
            seconds: fields.integer("Duration"),
            recordingURL: recording.flatMap { $0.isEmpty ? nil : $0 })
    }

    /// The status in an error's body, JSON (`RestException`) or XML.
    static func code(_ answer: RESTAnswer) -> Int? {
        if let text = xmlText(of: "Status", in: answer.body) { return Int(text) }
        do throws(RESTFailure) {
            return try answer.object { (fields) throws(RESTFailure) in
                fields.fields("RestException")?.integer("Status")
            }
        } catch { return nil }
    }
}
