// ElevenLabs' post-call webhooks: the envelope, and what each type of it says (elevenlabs.md §4.5).

import Wire

/// Why a webhook or a conversation's document cannot be read. The reasons say nothing of what was said.
public enum PostCallError: Error, Sendable, Hashable {
    /// It is not one JSON object.
    case notJSON
    /// A member that has to be there is not, or is of another type.
    case missingField(String)
    /// The sound is not base64.
    case badAudio
}

/// What `read` makes of the bytes of `body`.
func reading<Value>(
    _ body: [UInt8], _ read: (UnsafeRawBufferPointer) throws(PostCallError) -> Value
) throws(PostCallError) -> Value {
    let result = body.withUnsafeBytes { raw -> Result<Value, PostCallError> in
        do throws(PostCallError) { return .success(try read(raw)) } catch { return .failure(error) }
    }
    return try result.get()
}

/// Why a native outbound call did not begin.
public struct InitiationFailure: Sendable, Hashable {
    /// The conversation that there would have been.
    public var conversationID: String
    /// The agent.
    public var agentID: String?
    /// ElevenLabs' word: busy, no-answer, unknown.
    public var reason: String
    /// By which way it was called: twilio, sip.
    public var way: String?
    /// The carrier's identifier of the call.
    public var carrierCallID: String?
}

/// The audio of a conversation as it stands in a webhook's body: decoded from there piece by piece, so that it is never
/// in memory twice.
public struct PostCallAudio: Sendable, Hashable {
    /// The conversation.
    public var conversationID: String
    /// The agent.
    public var agentID: String?
    /// Where in the body its base64 stands.
    public var place: Range<Int>
    /// Whether escapes are among it.
    public var hasEscapes: Bool

    /// Bytes of text decoded at once; whole quads.
    static let batch = 256 << 10

    /// Decodes the audio in `body`, the very bytes it was read from, and hands on its pieces in order.
    /// `take` answers false to end. Throws `badAudio`.
    public func decode(from body: [UInt8], _ take: ([UInt8]) -> Bool) throws(PostCallError) {
        guard place.lowerBound > 0, place.upperBound < body.count else { throw .badAudio }
        var plain: [UInt8] = []
        // Base64 has nothing to escape but "/", which some writers do: then it is unescaped as a whole.
        if hasEscapes {
            body.withUnsafeBytes { raw in
                // With its quotes it is a JSON text of its own.
                let quoted = raw[(place.lowerBound - 1)...place.upperBound]
                var scanner = JSONScanner(UnsafeRawBufferPointer(rebasing: quoted))
                scanner.value()?.text?.append(to: &plain)
            }
        }
        let isRead = (hasEscapes ? plain : body).withUnsafeBytes { raw in
            Self.decode(UnsafeRawBufferPointer(rebasing: hasEscapes ? raw[...] : raw[place]), take)
        }
        guard isRead else { throw .badAudio }
    }

    private static func decode(_ text: UnsafeRawBufferPointer, _ take: ([UInt8]) -> Bool) -> Bool {
        var piece: [UInt8] = []
        var begin = 0
        while begin < text.count {
            let end = min(begin + batch, text.count)
            let part = UnsafeRawBufferPointer(rebasing: text[begin..<end])
            guard Base64.decode(part, into: &piece) else { return false }
            // Padding stands at the very end only (RFC 4648, 3.2 and 4).
            guard end == text.count || piece.count == part.count / 4 * 3 else { return false }
            guard take(piece) else { return true }
            begin = end
        }
        return true
    }
}

/// One webhook.
public struct PostCallWebhook: Sendable, Hashable {
    /// What it tells.
    public enum Content: Sendable, Hashable {
        /// `post_call_transcription`: a conversation is over and analysed.
        case conversation(ConversationDocument)
        /// `post_call_audio`: its sound.
        case audio(PostCallAudio)
        /// `call_initiation_failure`: a native outbound call did not begin.
        case failure(InitiationFailure)
        /// Something we do not know.
        case unknown
    }

    /// Its type, cut down to what may stand in a log.
    public var type: String
    /// ElevenLabs' time of it (seconds UTC).
    public var eventTimestamp: Int64
    /// The conversation, when there is one.
    public var conversationID: String?
    /// What it tells.
    public var content: Content

    /// Reads a body whose signature was checked. The timestamp is a number in all samples, a string in one table of the
    /// docs: both are taken.
    public init(_ body: [UInt8]) throws(PostCallError) {
        self = try reading(body) { raw throws(PostCallError) in try Self.read(raw) }
    }

    private init(type: String, eventTimestamp: Int64, conversationID: String?, content: Content) {
        self.type = type
        self.eventTimestamp = eventTimestamp
        self.conversationID = conversationID
        self.content = content
    }

    private static func read(_ raw: UnsafeRawBufferPointer) throws(PostCallError) -> PostCallWebhook {
        var scanner = JSONScanner(raw)
        guard let whole = scanner.value()?.object, scanner.finish() else { throw .notJSON }
        guard let type = whole.member("type")?.text else { throw .missingField("type") }
        guard let time = whole.member("event_timestamp")?.integer else {
            throw .missingField("event_timestamp")
        }
        let data = whole.member("data")?.object
        let conversation = data?.member("conversation_id")?.text?.string(limit: AgentLimits.id)
        let content: Content
        if type.equals("post_call_transcription") {
            guard let data else { throw .missingField("data") }
            content = .conversation(try ConversationDocument(data))
        } else if type.equals("post_call_audio") {
            content = .audio(try audio(data, conversation, in: raw))
        } else if type.equals("call_initiation_failure") {
            content = .failure(try failure(data, conversation))
        } else {
            content = .unknown
        }
        return PostCallWebhook(
            type: type.label, eventTimestamp: time, conversationID: conversation, content: content)
    }

    private static func audio(
        _ data: JSONContainer?, _ conversation: String?, in raw: UnsafeRawBufferPointer
    ) throws(PostCallError) -> PostCallAudio {
        guard let data, let text = data.member("full_audio")?.text else { throw .missingField("full_audio") }
        guard let conversation else { throw .missingField("conversation_id") }
        guard let base = raw.baseAddress, let start = text.bytes.baseAddress, !text.bytes.isEmpty else {
            throw .badAudio
        }
        let begin = start - base
        return PostCallAudio(
            conversationID: conversation,
            agentID: data.member("agent_id")?.text?.string(limit: AgentLimits.id),
            place: begin..<(begin + text.bytes.count), hasEscapes: text.hasEscapes)
    }

    /// The body of its metadata is open-ended: Twilio's form fields, or those of a SIP call (elevenlabs.md §4.5).
    private static func failure(
        _ data: JSONContainer?, _ conversation: String?
    ) throws(PostCallError) -> InitiationFailure {
        guard let data else { throw .missingField("data") }
        guard let conversation else { throw .missingField("conversation_id") }
        guard let reason = data.member("failure_reason")?.text else { throw .missingField("failure_reason") }
        let metadata = data.member("metadata")?.object
        let body = metadata?.member("body")?.object
        let call = body?.member("CallSid") ?? body?.member("call_sid")
        return InitiationFailure(
            conversationID: conversation,
            agentID: data.member("agent_id")?.text?.string(limit: AgentLimits.id),
            reason: reason.label, way: metadata?.member("type")?.text?.label,
            carrierCallID: call?.text?.string(limit: AgentLimits.id))
    }
}
