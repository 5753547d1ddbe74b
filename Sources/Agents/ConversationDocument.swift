// What ElevenLabs tells of a conversation, in a webhook or when it is asked (elevenlabs.md §4.2).

import Wire

/// One turn of a conversation, as ElevenLabs has it. Texts are personal: never in a log.
public struct ConversationTurn: Sendable, Hashable {
    /// `user` or `agent`.
    public var role: String
    /// What was said, as heard; nil for a turn that only calls tools.
    public var message: String?
    /// What was meant to be said, when it was interrupted.
    public var originalMessage: String?
    /// Whole seconds from the conversation's start; several turns may share them.
    public var seconds: Int64?
    /// Whether it was interrupted.
    public var isInterrupted: Bool
    /// The names of the tools it called.
    public var tools: [String]
}

/// A native call behind a conversation.
public struct ConversationPhoneCall: Sendable, Hashable {
    /// twilio, sip_trunking, exotel.
    public var type: String
    /// inbound or outbound.
    public var direction: String?
    /// The carrier's identifier of the call.
    public var carrierCallID: String?
}

/// A conversation's document. Its texts are personal: never in a log.
public struct ConversationDocument: Sendable, Hashable {
    /// ElevenLabs' identifier.
    public var conversationID: String
    /// The agent.
    public var agentID: String?
    /// How far it is: initiated, in-progress, processing, done, failed.
    public var status: String?
    /// Its turns, at most `turnLimit`; empty when they were left out.
    public var turns: [ConversationTurn] = []
    /// When it began (seconds UTC).
    public var startedAt: Int64?
    /// How long it was, in seconds.
    public var durationSeconds: Int64?
    /// What it cost, in credits.
    public var cost: Int64?
    /// Why it ended, as free text: not to be interpreted.
    public var terminationReason: String?
    /// The native call behind it; nil for our own sockets.
    public var phoneCall: ConversationPhoneCall?
    /// `success`, `failure` or `unknown`.
    public var verdict: String?
    /// What it was about.
    public var summary: String?
    /// A title for it.
    public var title: String?
    /// Whether ElevenLabs has audio of it. Older documents do not say so.
    public var hasAudio = false
    /// The turns as the JSON array they came in; nil when they were left out or are too long.
    public var transcript: String?
    /// The analysis as the JSON object it came in; nil before it is there.
    public var analysis: String?
    /// All of it as it came; nil when it is too long.
    public var document: String?

    /// Most bytes of each JSON text that is kept.
    public static let documentLimit = 4 << 20
    /// Most turns that are read.
    public static let turnLimit = 10_000

    /// Whether nothing more is to come: it is to be asked for again until then.
    public var isFinal: Bool { status == "done" || status == "failed" }

    /// When the conversation was over by its own word (seconds UTC); nil when it does not say when it began.
    public var endedAt: Int64? {
        guard let startedAt else { return nil }
        let (end, overflow) = startedAt.addingReportingOverflow(max(durationSeconds ?? 0, 0))
        return overflow ? startedAt : end
    }

    /// Reads the answer to `GET /v1/convai/conversations/{id}`.
    public init(_ body: [UInt8]) throws(PostCallError) {
        self = try reading(body) { raw throws(PostCallError) in
            var scanner = JSONScanner(raw)
            guard let whole = scanner.value()?.object, scanner.finish() else { throw .notJSON }
            return try ConversationDocument(whole)
        }
    }

    /// Reads a validated object. Only the identifier has to be there: every sample lacks something else.
    init(_ object: JSONContainer) throws(PostCallError) {
        guard let id = object.member("conversation_id")?.text?.string(limit: AgentLimits.id), !id.isEmpty
        else {
            throw .missingField("conversation_id")
        }
        conversationID = id
        var scanner = object.scanner()
        guard scanner.enterObject() else { throw .notJSON }
        // One pass: a document has megabytes, and the first member of a name counts.
        var seen: Set<String> = []
        while let key = scanner.nextMember(), let value = scanner.value() {
            guard let name = key.string(limit: 64), seen.insert(name).inserted else { continue }
            take(name, value)
        }
        document = Self.kept(object.bytes)
    }

    private mutating func take(_ name: String, _ value: JSONValue) {
        switch name {
        case "agent_id": agentID = value.text?.string(limit: AgentLimits.id)
        case "status": status = value.text?.label
        case "has_audio": hasAudio = value.bool ?? false
        case "transcript":
            guard let array = value.array else { return }
            transcript = Self.kept(array.bytes)
            turns = Self.turns(array)
        case "metadata": if let object = value.object { readMetadata(object) }
        case "analysis": if let object = value.object { readAnalysis(object) }
        default: break
        }
    }

    private mutating func readMetadata(_ metadata: JSONContainer) {
        startedAt = metadata.integer("start_time_unix_secs")
        durationSeconds = metadata.integer("call_duration_secs").flatMap { $0 < 0 ? nil : $0 }
        cost = metadata.integer("cost")
        terminationReason = metadata.member("termination_reason")?.text?.string(limit: AgentLimits.text)
        guard let call = metadata.member("phone_call")?.object, let type = call.member("type")?.text else {
            return
        }
        phoneCall = ConversationPhoneCall(
            type: type.label, direction: call.member("direction")?.text?.label,
            carrierCallID: call.member("call_sid")?.text?.string(limit: AgentLimits.id))
    }

    private mutating func readAnalysis(_ object: JSONContainer) {
        analysis = Self.kept(object.bytes)
        verdict = object.member("call_successful")?.text?.label
        summary = object.member("transcript_summary")?.text?.string(limit: AgentLimits.text)
        title = object.member("call_summary_title")?.text?.string(limit: AgentLimits.text)
    }

    private static func kept(_ bytes: UnsafeRawBufferPointer) -> String? {
        bytes.count <= documentLimit ? String(decoding: bytes, as: UTF8.self) : nil
    }

    /// The tool lists are null in older samples, [] in newer ones.
    private static func turns(_ array: JSONContainer) -> [ConversationTurn] {
        var scanner = array.scanner()
        guard scanner.enterArray() else { return [] }
        var turns: [ConversationTurn] = []
        while turns.count < turnLimit, scanner.nextElement(), let value = scanner.value() {
            guard let object = value.object, let role = object.member("role")?.text else { continue }
            turns.append(
                ConversationTurn(
                    role: role.label,
                    message: object.member("message")?.text?.string(limit: AgentLimits.text),
                    originalMessage: object.member("original_message")?.text?.string(limit: AgentLimits.text),
                    seconds: object.integer("time_in_call_secs"),
                    isInterrupted: object.member("interrupted")?.bool ?? false, tools: tools(object)))
        }
        return turns
    }

    private static func tools(_ turn: JSONContainer) -> [String] {
        guard var scanner = turn.member("tool_calls")?.array?.scanner(), scanner.enterArray() else {
            return []
        }
        var names: [String] = []
        while names.count < 64, scanner.nextElement(), let value = scanner.value() {
            if let name = value.object?.member("tool_name")?.text?.string(limit: AgentLimits.id) {
                names.append(name)
            }
        }
        return names
    }
}

/// Says nothing of what was said, wherever it is printed.
extension ConversationDocument: CustomStringConvertible, CustomDebugStringConvertible {
    /// Its identifier and how many turns it has.
    public var description: String { "document of conversation \(conversationID) (\(turns.count) turns)" }
    /// The same as `description`: a dump must not tell more.
    public var debugDescription: String { description }
}

/// Says nothing of what was said, wherever it is printed.
extension ConversationTurn: CustomStringConvertible, CustomDebugStringConvertible {
    /// Whose turn it is.
    public var description: String { "turn of the \(role)" }
    /// The same as `description`: a dump must not tell more.
    public var debugDescription: String { description }
}
