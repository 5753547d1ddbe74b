// Requests to Twilio's REST service (API 2010-04-01): calls, streams and recordings.

/// A client's part of Twilio's REST service: makes requests and reads answers, sends nothing.
public struct TwilioREST: Sendable, Discreet {
    /// Where the service is, unless a region is wanted (`api.{edge}.{region}.twilio.com`).
    public static let base = "https://api.twilio.com"
    /// Most characters of inline TwiML.
    public static let twimlLimit = 4000

    private let account: String
    private let authorization: String

    /// The service at `base` for `accountSid`, by its auth token or by an API key (`keySid`, its secret as `secret`).
    public init(base: String = TwilioREST.base, accountSid: String, keySid: String? = nil, secret: String) {
        account =
            "\(RESTRequest.trimmed(base))/2010-04-01/Accounts/\(RESTRequest.segment(accountSid))"
        authorization = RESTRequest.basic(keySid ?? accountSid, secret)
    }

    /// Makes a call. Throws what `TwilioNewCall` finds wrong.
    public func create(_ call: TwilioNewCall) throws(SignallingError) -> RESTRequest {
        post("/Calls.json", try call.fields(), mayRepeat: false)
    }

    /// Asks how a call stands.
    public func fetchCall(_ callSid: String) -> RESTRequest { get(callPath(callSid) + ".json") }

    /// Ends a call; `unanswered`: only when it has not been answered yet.
    public func hangUp(_ callSid: String, unanswered: Bool = false) -> RESTRequest {
        update(callSid, [("Status", unanswered ? "canceled" : "completed")])
    }

    /// Lets a live call go on with the document at `url`.
    public func redirect(_ callSid: String, url: String, method: String? = nil) -> RESTRequest {
        update(callSid, [("Url", url), ("Method", method)])
    }

    /// Lets a live call go on with `twiml`. Throws `tooLong`.
    public func redirect(_ callSid: String, twiml: TwiML) throws(SignallingError) -> RESTRequest {
        update(callSid, [("Twiml", try Self.inline(twiml))])
    }

    /// Begins a stream to us (`<Start><Stream>`; none in both directions can be had so). The parameters are at most 99.
    public func startStream(_ callSid: String, _ stream: TwiML.Stream) throws(SignallingError) -> RESTRequest
    {
        guard stream.parameters.count <= 99 else { throw .tooLong("Parameter") }
        var fields: [(String, String?)] = [
            ("Url", stream.url), ("Name", stream.name), ("Track", stream.track),
            ("StatusCallback", stream.statusCallback),
            ("StatusCallbackMethod", stream.statusCallbackMethod),
        ]
        for (index, parameter) in stream.parameters.enumerated() {
            fields.append(("Parameter\(index + 1).Name", parameter.name))
            fields.append(("Parameter\(index + 1).Value", parameter.value))
        }
        return post(callPath(callSid) + "/Streams.json", fields, mayRepeat: false)
    }

    /// Ends a stream that `startStream` or `<Start>` began, by its SID or name.
    public func stopStream(_ callSid: String, _ stream: String) -> RESTRequest {
        post(
            callPath(callSid) + "/Streams/\(RESTRequest.segment(stream)).json", [("Status", "stopped")],
            mayRepeat: true)
    }

    /// Begins a recording. A second one on the same call does nothing.
    public func startRecording(_ callSid: String, _ recording: TwiML.Recording) -> RESTRequest {
        let events = recording.statusCallbackEvents.joined(separator: " ")
        return post(
            callPath(callSid) + "/Recordings.json",
            [
                ("RecordingChannels", recording.channels), ("RecordingTrack", recording.track),
                ("RecordingStatusCallback", recording.statusCallback),
                ("RecordingStatusCallbackEvent", events.isEmpty ? nil : events),
            ], mayRepeat: true)
    }

    /// What is done to a recording under way.
    public enum RecordingChange: Sendable, Hashable {
        /// It pauses: the time is left out, or filled with silence.
        case pause(skips: Bool)
        /// It goes on.
        case resume
        /// It ends.
        case stop
    }

    /// Changes a recording of a live call; without a SID the one that runs (`Twilio.CURRENT`).
    public func change(_ callSid: String, recording: String? = nil, to change: RecordingChange) -> RESTRequest
    {
        let fields: [(String, String?)] =
            switch change {
            case .pause(let skips): [("Status", "paused"), ("PauseBehavior", skips ? "skip" : "silence")]
            case .resume: [("Status", "in-progress")]
            case .stop: [("Status", "stopped")]
            }
        let name = RESTRequest.segment(recording ?? "Twilio.CURRENT")
        return post(callPath(callSid) + "/Recordings/\(name).json", fields, mayRepeat: true)
    }

    /// Asks for a recording's resource.
    public func fetchRecording(_ recordingSid: String) -> RESTRequest {
        get("/Recordings/\(RESTRequest.segment(recordingSid)).json")
    }

    /// Deletes a recording's sound; its resource stays for 40 days.
    public func deleteRecording(_ recordingSid: String) -> RESTRequest {
        request("DELETE", "/Recordings/\(RESTRequest.segment(recordingSid)).json", mayRepeat: true)
    }

    /// Fetches a recording's sound: `mp3` or else WAV, with two channels where `isDual` (400 for a mono one).
    public func recordingMedia(_ recordingSid: String, mp3: Bool, isDual: Bool = false) -> RESTRequest {
        get(
            "/Recordings/\(RESTRequest.segment(recordingSid)).\(mp3 ? "mp3" : "wav")"
                + RESTRequest.query([("RequestedChannels", isDual ? "2" : nil)]))
    }

    /// Lists recordings, of a call, made after a date ("YYYY-MM-DD" or ISO 8601), 1 to 1000 on a page.
    public func listRecordings(
        callSid: String? = nil, createdAfter: String? = nil, pageSize: Int = 50
    ) -> RESTRequest {
        get(
            "/Recordings.json"
                + RESTRequest.query([
                    ("CallSid", callSid), ("DateCreated>", createdAfter),
                    ("PageSize", String(min(max(pageSize, 1), 1000))),
                ]))
    }

    /// TwiML as a parameter. Throws `tooLong` beyond 4000 characters.
    static func inline(_ twiml: TwiML) throws(SignallingError) -> String {
        let text = twiml.text
        guard text.unicodeScalars.count <= twimlLimit else { throw .tooLong("Twiml") }
        return text
    }

    private func callPath(_ callSid: String) -> String { "/Calls/\(RESTRequest.segment(callSid))" }

    private func update(_ callSid: String, _ fields: [(String, String?)]) -> RESTRequest {
        post(callPath(callSid) + ".json", fields, mayRepeat: true)
    }

    private func get(_ path: String) -> RESTRequest { request("GET", path, mayRepeat: true) }

    private func post(_ path: String, _ fields: [(String, String?)], mayRepeat: Bool) -> RESTRequest {
        var request = request("POST", path, mayRepeat: mayRepeat)
        request.headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        request.body = RESTRequest.form(fields).body
        return request
    }

    private func request(_ method: String, _ path: String, mayRepeat: Bool) -> RESTRequest {
        RESTRequest(
            method: method, url: account + path, headers: [("Authorization", authorization)],
            mayRepeat: mayRepeat)
    }
}
