// What Telnyx's REST service answers: commands, calls, recordings, transcriptions, errors.

/// A call that was dialled.
public struct TelnyxDialledCall: Sendable, Hashable, Discreet {
    /// The handle for commands.
    public var callControlID: String
    /// The leg.
    public var callLegID: String?
    /// What all legs of the call share.
    public var callSessionID: String?
    /// Telnyx's own recording, when it was asked for.
    public var recordingID: String?
}

/// A recording's resource.
public struct TelnyxRecording: Sendable, Hashable, Discreet {
    /// The recording.
    public var recordingID: String
    /// The call, leg and session it is of.
    public var callControlID: String?, callLegID: String?, callSessionID: String?
    /// `single` or `dual` (the first leg first).
    public var channels: String?
    /// `completed` once it can be had.
    public var status: String?
    /// The parties.
    public var from: String?, to: String?
    /// How long it is, in milliseconds.
    public var milliseconds: Int?
    /// When it began, ended and was stored (RFC 3339).
    public var startedAt: String?, endedAt: String?, createdAt: String?
    /// Presigned addresses of its sound by format (`mp3`, `wav`), good for ten minutes.
    public var downloadURLs: [String: String]
}

/// A transcription's resource.
public struct TelnyxTranscription: Sendable, Hashable, Discreet {
    /// The transcription.
    public var transcriptionID: String
    /// The recording it is of.
    public var recordingID: String?
    /// `in-progress` or `completed`.
    public var status: String?
    /// What was said. Personal.
    public var text: String?
}

/// One page of a list.
public struct TelnyxPage<Item: Sendable>: Sendable, Discreet {
    /// What stands on the page.
    public var items: [Item]
    /// The page's number, from 1.
    public var number: Int
    /// How many pages there are.
    public var total: Int
}

extension TelnyxREST {
    /// Reads the answer to a command on a call. A call that is gone (422 with code 90018) is `alreadyOver`.
    public static func command(_ answer: RESTAnswer) throws(RESTFailure) {
        if answer.status == 422, code(answer) == 90018 { throw .alreadyOver }
        try answer.check(code)
        _ = try data(answer) { (_) throws(RESTFailure) in true }
    }

    /// Reads the answer to `answer`: the id of Telnyx's own recording, when it was asked for.
    public static func answered(_ answer: RESTAnswer) throws(RESTFailure) -> String? {
        try command(answer)
        return try data(answer) { (fields) throws(RESTFailure) in fields.text("recording_id") }
    }

    /// Reads the answer to `dial`.
    public static func dialled(_ answer: RESTAnswer) throws(RESTFailure) -> TelnyxDialledCall {
        try answer.check(code)
        return try data(answer) { (fields) throws(RESTFailure) in
            TelnyxDialledCall(
                callControlID: try fields.required("call_control_id"),
                callLegID: fields.text("call_leg_id"), callSessionID: fields.text("call_session_id"),
                recordingID: fields.text("recording_id"))
        }
    }

    /// Reads the answer to `fetchRecording` and `deleteRecording`.
    public static func recording(_ answer: RESTAnswer) throws(RESTFailure) -> TelnyxRecording {
        try answer.check(code)
        return try data(answer, recording)
    }

    /// Reads the answer to `listRecordings`.
    public static func recordings(_ answer: RESTAnswer) throws(RESTFailure) -> TelnyxPage<TelnyxRecording> {
        try page(answer, recording)
    }

    /// Reads the answer to `listTranscriptions`.
    public static func transcriptions(_ answer: RESTAnswer) throws(RESTFailure)
        -> TelnyxPage<TelnyxTranscription>
    {
        try page(answer) { (fields) throws(RESTFailure) in
            TelnyxTranscription(
                transcriptionID: try fields.required("id"), recordingID: fields.text("recording_id"),
                status: fields.text("status"),
                text: fields.text("transcription_text", limit: SignallingLimits.transcription))
        }
    }

    private static func recording(_ fields: JSONFields) throws(RESTFailure) -> TelnyxRecording {
        TelnyxRecording(
            recordingID: try fields.required("id"), callControlID: fields.text("call_control_id"),
            callLegID: fields.text("call_leg_id"), callSessionID: fields.text("call_session_id"),
            channels: fields.text("channels"), status: fields.text("status"),
            from: fields.text("from", limit: SignallingLimits.party),
            to: fields.text("to", limit: SignallingLimits.party),
            // A day at most: Telnyx records four hours (carriers.md §3.4).
            milliseconds: fields.integer("duration_millis").flatMap {
                (0...86_400_000).contains($0) ? $0 : nil
            }, startedAt: fields.text("recording_started_at"),
            endedAt: fields.text("recording_ended_at"), createdAt: fields.text("created_at"),
            downloadURLs: fields.texts("download_urls"))
    }

    private static func page<Item>(
        _ answer: RESTAnswer, _ read: (JSONFields) throws(RESTFailure) -> Item
    ) throws(RESTFailure) -> TelnyxPage<Item> {
        try answer.check(code)
        return try answer.object { (fields) throws(RESTFailure) in
            let meta = fields.fields("meta")
            return TelnyxPage(
                items: try fields.list("data", read), number: meta?.integer("page_number") ?? 1,
                total: meta?.integer("total_pages") ?? 1)
        }
    }

    private static func data<Value>(
        _ answer: RESTAnswer, _ read: (JSONFields) throws(RESTFailure) -> Value
    ) throws(RESTFailure) -> Value {
        try answer.object { (fields) throws(RESTFailure) in
            guard let data = fields.fields("data") else { throw .malformed }
            return try read(data)
        }
    }

    /// The code of the first error in an error's body: a number written as a string.
    static func code(_ answer: RESTAnswer) -> Int? {
        do throws(RESTFailure) {
            return try answer.object { (fields) throws(RESTFailure) in
                try fields.list("errors") { (error) throws(RESTFailure) in error.integer("code") }
                    .first ?? nil
            }
        } catch { return nil }
    }
}
