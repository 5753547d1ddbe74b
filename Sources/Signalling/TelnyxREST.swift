// Requests to Telnyx's REST service (API v2): commands on calls, and recordings.

/// A client's part of Telnyx's REST service: makes requests and reads answers, sends nothing.
public struct TelnyxREST: Sendable, Discreet {
    /// Where the service is, unless Europe's is wanted (`https://api.telnyx.eu`).
    public static let base = "https://api.telnyx.com"

    private let base: String
    private let authorization: String

    /// The service at `base`, by an API key.
    public init(base: String = TelnyxREST.base, key: String) {
        self.base = RESTRequest.trimmed(base) + "/v2"
        authorization = "Bearer \(key)"
    }

    /// Answers an incoming call, with its stream and Telnyx's own recording. Throws what is wrong with the parameters.
    public func answer(
        _ callControlID: String, streaming: TelnyxStreaming? = nil, recording: TelnyxCallRecording? = nil,
        webhookURL: String? = nil, tag: TelnyxTag = TelnyxTag()
    ) throws(SignallingError) -> RESTRequest {
        var body = JSONBody()
        if let streaming { try streaming.add(to: &body, for: .answer) }
        if let recording { try recording.add(to: &body) }
        body.add("webhook_url", webhookURL)
        tag.add(to: &body)
        return action("answer", callControlID, body, mayRepeat: tag.commandID != nil)
    }

    /// Makes a call. Throws what is wrong with it.
    public func dial(_ call: TelnyxDial) throws(SignallingError) -> RESTRequest {
        request("POST", "/calls", try call.body(), mayRepeat: call.tag.commandID != nil)
    }

    /// Ends a call.
    public func hangUp(_ callControlID: String, tag: TelnyxTag = TelnyxTag()) -> RESTRequest {
        var body = JSONBody()
        tag.add(to: &body)
        return action("hangup", callControlID, body, mayRepeat: true)
    }

    /// Speaks a text. Throws `tooLong`.
    public func speak(_ callControlID: String, _ speech: TelnyxSpeech, tag: TelnyxTag = TelnyxTag())
        throws(SignallingError) -> RESTRequest
    {
        action("speak", callControlID, try speech.body(tag), mayRepeat: tag.commandID != nil)
    }

    /// Plays a sound, `times` (1 to 100) or once. Throws `invalid("loop")`.
    public func startPlayback(
        _ callControlID: String, _ playback: TelnyxPlayback, times: Int? = nil, tag: TelnyxTag = TelnyxTag()
    ) throws(SignallingError) -> RESTRequest {
        if let times, !(1...100).contains(times) { throw .invalid("loop") }
        var body = JSONBody()
        switch playback {
        case .url(let url): body.add("audio_url", url)
        case .media(let name): body.add("media_name", name)
        case .content(let content): body.add("playback_content", content)
        }
        body.add("loop", times)
        tag.add(to: &body)
        return action("playback_start", callControlID, body, mayRepeat: tag.commandID != nil)
    }

    /// Begins a recording; its id is told by webhook only. Throws `invalid`.
    public func startRecording(
        _ callControlID: String, _ recording: TelnyxRecordStart, tag: TelnyxTag = TelnyxTag()
    ) throws(SignallingError) -> RESTRequest {
        action("record_start", callControlID, try recording.body(tag), mayRepeat: tag.commandID != nil)
    }

    /// What is done to a recording under way.
    public enum RecordingChange: String, Sendable, Hashable, CaseIterable {
        /// It ends.
        case stop = "record_stop"
        /// It pauses.
        case pause = "record_pause"
        /// It goes on.
        case resume = "record_resume"
    }

    /// Changes a recording; without an id the call's.
    public func change(
        _ callControlID: String, recording: String? = nil, to change: RecordingChange,
        tag: TelnyxTag = TelnyxTag()
    ) -> RESTRequest {
        var body = JSONBody()
        body.add("recording_id", recording)
        tag.add(to: &body)
        return action(change.rawValue, callControlID, body, mayRepeat: true)
    }

    /// Begins a stream on a live call; its id is told in the stream's `start`. Throws what is wrong with it.
    public func startStreaming(
        _ callControlID: String, _ streaming: TelnyxStreaming, tag: TelnyxTag = TelnyxTag()
    ) throws(SignallingError) -> RESTRequest {
        var body = JSONBody()
        try streaming.add(to: &body, for: .streamingStart)
        tag.add(to: &body)
        return action("streaming_start", callControlID, body, mayRepeat: tag.commandID != nil)
    }

    /// Ends a stream; without an id all of the call's.
    public func stopStreaming(_ callControlID: String, stream: String? = nil, tag: TelnyxTag = TelnyxTag())
        -> RESTRequest
    {
        var body = JSONBody()
        body.add("stream_id", stream)
        tag.add(to: &body)
        return action("streaming_stop", callControlID, body, mayRepeat: true)
    }

    /// Asks for a recording, with fresh addresses of its sound.
    public func fetchRecording(_ recordingID: String) -> RESTRequest {
        request("GET", "/recordings/\(RESTRequest.segment(recordingID))", mayRepeat: true)
    }

    /// Lists recordings: of a call, a leg or a session, made from an instant on (RFC 3339), by pages from 1.
    public func listRecordings(
        callControlID: String? = nil, callLegID: String? = nil, callSessionID: String? = nil,
        createdFrom: String? = nil, page: Int = 1, pageSize: Int = 20
    ) -> RESTRequest {
        let query = RESTRequest.query([
            ("filter[call_control_id]", callControlID), ("filter[call_leg_id]", callLegID),
            ("filter[call_session_id]", callSessionID), ("filter[created_at][gte]", createdFrom),
            ("page[number]", String(max(page, 1))), ("page[size]", String(max(pageSize, 1))),
        ])
        return request("GET", "/recordings" + query, mayRepeat: true)
    }

    /// Deletes a recording.
    public func deleteRecording(_ recordingID: String) -> RESTRequest {
        request("DELETE", "/recordings/\(RESTRequest.segment(recordingID))", mayRepeat: true)
    }

    /// Deletes several recordings.
    public func deleteRecordings(_ recordingIDs: [String]) -> RESTRequest {
        var body = JSONBody()
        body.add("ids", recordingIDs)
        return request("POST", "/recordings/actions/delete", body.bytes, mayRepeat: true)
    }

    /// Lists the transcriptions of a recording.
    public func listTranscriptions(recordingID: String) -> RESTRequest {
        request(
            "GET",
            "/recording_transcriptions" + RESTRequest.query([("filter[recording_id]", recordingID)]),
            mayRepeat: true)
    }

    private func action(_ name: String, _ callControlID: String, _ body: JSONBody, mayRepeat: Bool)
        -> RESTRequest
    {
        request(
            "POST", "/calls/\(RESTRequest.segment(callControlID))/actions/\(name)", body.bytes,
            mayRepeat: mayRepeat)
    }

    private func request(_ method: String, _ path: String, _ body: [UInt8] = [], mayRepeat: Bool)
        -> RESTRequest
    {
        var headers = [(name: "Authorization", value: authorization)]
        if !body.isEmpty { headers.append((name: "Content-Type", value: "application/json")) }
        return RESTRequest(
            method: method, url: base + path, headers: headers, body: body, mayRepeat: mayRepeat)
    }
}
