// ElevenLabs' list of conversations: what is asked, and a page of the answer (elevenlabs.md §4.1). No I/O.

import Wire

/// One conversation, as the list names it. What was said in it is not read.
public struct ListedConversation: Sendable, Hashable {
    /// ElevenLabs' identifier: 1 to 128 ASCII letters, digits, `_`, `.` and `-`.
    public var conversationID: String
    /// The agent, cut down to what may stand in a log.
    public var agentID: String?
    /// When it began (seconds UTC).
    public var startedAt: Int64
    /// How long it was, in seconds; while it is not final, how long it is so far.
    public var durationSeconds: Int64
    /// How far it is: initiated, in-progress, processing, done, failed.
    public var status: String

    /// Whether nothing changes any more.
    public var isFinal: Bool { status == "done" || status == "failed" }

    /// A conversation made of its parts.
    public init(
        conversationID: String, agentID: String? = nil, startedAt: Int64, durationSeconds: Int64,
        status: String = "done"
    ) {
        self.conversationID = conversationID
        self.agentID = agentID
        self.startedAt = startedAt
        self.durationSeconds = durationSeconds
        self.status = status
    }

    fileprivate init(_ object: JSONContainer) throws(PostCallError) {
        // What is printed and looked up must not be able to say anything else.
        guard let id = object.member("conversation_id")?.text, (1...128).contains(id.bytes.count),
            id.bytes.allSatisfy(Self.isIdentifying)
        else { throw .missingField("conversation_id") }
        guard let start = object.integer("start_time_unix_secs"), start >= 0 else {
            throw .missingField("start_time_unix_secs")
        }
        guard let duration = object.integer("call_duration_secs"), duration >= 0 else {
            throw .missingField("call_duration_secs")
        }
        guard let status = object.member("status")?.text else { throw .missingField("status") }
        self.init(
            conversationID: String(decoding: id.bytes, as: UTF8.self),
            agentID: object.member("agent_id")?.text?.label, startedAt: start, durationSeconds: duration,
            status: status.label)
    }

    private static func isIdentifying(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
        default: false
        }
    }
}

/// A page of the list. It is read whole or not at all: a conversation left out would be one gone missing.
public struct ConversationPage: Sendable, Hashable {
    /// The conversations, in the order they came.
    public var items: [ListedConversation]
    /// What to ask for the next page with; nil on the last one.
    public var next: String?

    /// Most conversations of a page (the service's own limit), and most bytes of a cursor (ours).
    public static let sizeLimit = 100
    static let cursorLimit = 4096

    /// Reads the answer to `ConversationListQuery`. Throws `missingField` when it does not say whether there are more,
    /// says so without a cursor, or has more than `sizeLimit` items.
    public init(_ body: [UInt8]) throws(PostCallError) {
        self = try reading(body) { raw throws(PostCallError) in
            var scanner = JSONScanner(raw)
            guard let whole = scanner.value()?.object, scanner.finish() else { throw .notJSON }
            return try ConversationPage(whole)
        }
    }

    private init(_ whole: JSONContainer) throws(PostCallError) {
        guard var scanner = whole.member("conversations")?.array?.scanner(), scanner.enterArray() else {
            throw .missingField("conversations")
        }
        items = []
        while scanner.nextElement() {
            guard items.count < Self.sizeLimit, let object = scanner.value()?.object else {
                throw .missingField("conversations")
            }
            items.append(try ListedConversation(object))
        }
        guard let hasMore = whole.member("has_more")?.bool else { throw .missingField("has_more") }
        guard hasMore else { return }
        guard let cursor = whole.member("next_cursor")?.text?.string(limit: Self.cursorLimit), !cursor.isEmpty
        else { throw .missingField("next_cursor") }
        next = cursor
    }
}

/// What of the list is asked for: `GET /v1/convai/conversations`, with the header `xi-api-key`.
public struct ConversationListQuery: Sendable, Hashable {
    /// Conversations of this agent only.
    public var agentID: String?
    /// Those that began after this instant (seconds UTC). Whether it is itself one of them is not documented.
    public var startedAfter: Int64?
    /// Those that began before this instant (seconds UTC), likewise.
    public var startedBefore: Int64?
    /// The `next` of the page before.
    public var cursor: String?
    /// Conversations on a page, 1 to `ConversationPage.sizeLimit`; the service's own choice is 30.
    public var pageSize: Int

    /// A question for all conversations, a page of `pageSize` at a time.
    public init(pageSize: Int = ConversationPage.sizeLimit) { self.pageSize = pageSize }

    /// The address to GET at `base` (`https://api.elevenlabs.io`, a residency host, or a simulator's `http://…`); nil when
    /// `base` is no such address.
    public func url(base: String) -> String? {
        guard let place = AgentEndpoint.address("/v1/convai/conversations", base: base) else { return nil }
        let size = min(max(pageSize, 1), ConversationPage.sizeLimit)
        let fields = [
            ("page_size", "\(size)"), ("agent_id", agentID),
            ("call_start_after_unix", startedAfter.map { "\($0)" }),
            ("call_start_before_unix", startedBefore.map { "\($0)" }), ("cursor", cursor),
        ]
        let query = fields.compactMap { name, value in value.map { name + "=" + PercentCoding.encoded($0) } }
        return place + "?" + query.joined(separator: "&")
    }
}
