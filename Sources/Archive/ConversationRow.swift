// What ElevenLabs says of a conversation afterwards, as the catalog keeps it.

/// By which way a conversation's document came.
public enum ConversationSource: String, Sendable, Hashable, CaseIterable {
    /// ElevenLabs sent it.
    case webhook
    /// We fetched it.
    case fetch
}

/// Whether a conversation reached its aim, as the agent's analysis says.
public enum ConversationVerdict: String, Sendable, Hashable, CaseIterable {
    /// It did.
    case success
    /// It did not.
    case failure
    /// It cannot be told.
    case unknown
}

/// One conversation. Texts in it are personal: never in a log.
public struct ConversationRow: Sendable, Hashable {
    /// ElevenLabs' identifier.
    public var conversationID: String
    /// The call; nil: looked up by the conversation that calls say they had, now or when such a call comes.
    public var callID: String?
    /// The agent.
    public var agentID: String?
    /// ElevenLabs' word for how far it is ("done", "failed").
    public var status: String?
    /// By which way it came.
    public var source: ConversationSource
    /// When it came (microseconds UTC).
    public var receivedAt: Int64
    /// ElevenLabs' time of the delivery, or of a fetched conversation's end (seconds UTC); nil while only its audio is there.
    public var eventTimestamp: Int64?
    /// Whether it reached its aim.
    public var verdict: ConversationVerdict?
    /// What it was about.
    public var summary: String?
    /// A title for it.
    public var title: String?
    /// What it cost, in credits.
    public var cost: Int64?
    /// How long it was, in seconds.
    public var durationSeconds: Int64?
    /// Why it ended, as free text.
    public var terminationReason: String?
    /// The turns as one JSON array.
    public var transcript: String?
    /// The analysis as one JSON object.
    public var analysis: String?
    /// The whole data object as received, at most 4 MiB.
    public var document: String?
    /// Whether ElevenLabs says that it has audio.
    public var hasAudio = false
    /// The audio's file, relative to the storage; only the archive sets it.
    public var audioPath: String?
    /// The audio's length.
    public var audioBytes: Int64?
    /// The audio's SHA-256.
    public var audioSHA256: Digest?

    /// A conversation of which nothing else is known.
    public init(
        conversationID: String, callID: String? = nil, agentID: String? = nil, status: String? = nil,
        source: ConversationSource, receivedAt: Int64, eventTimestamp: Int64?
    ) {
        self.conversationID = conversationID
        self.callID = callID
        self.agentID = agentID
        self.status = status
        self.source = source
        self.receivedAt = receivedAt
        self.eventTimestamp = eventTimestamp
    }

    /// The same, and of `other` what is not known here. The files of its audio are not touched.
    func filled(from other: ConversationRow) -> ConversationRow {
        var row = self
        row.agentID = agentID ?? other.agentID
        row.status = status ?? other.status
        row.verdict = verdict ?? other.verdict
        row.summary = summary ?? other.summary
        row.title = title ?? other.title
        row.cost = cost ?? other.cost
        row.durationSeconds = durationSeconds ?? other.durationSeconds
        row.terminationReason = terminationReason ?? other.terminationReason
        row.transcript = transcript ?? other.transcript
        row.analysis = analysis ?? other.analysis
        row.document = document ?? other.document
        row.hasAudio = hasAudio || other.hasAudio
        return row
    }

    /// Most bytes of a document.
    public static let documentLimit = 4 << 20

    /// Whether `text` may be a conversation's identifier, and so part of a file name: 1 to 128 letters, digits,
    /// dashes and underscores of ASCII.
    public static func isIdentifier(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
                default: false
                }
            }
    }
}

/// Says nothing of what was said, wherever it is printed.
extension ConversationRow: CustomStringConvertible, CustomDebugStringConvertible {
    /// Its identifier.
    public var description: String { "conversation \(conversationID)" }
    /// The same as `description`: a dump must not tell more.
    public var debugDescription: String { description }
}

/// ElevenLabs' own audio of a conversation, to be sealed.
public struct ConversationAudio: Sendable, Hashable {
    /// ElevenLabs' identifier.
    public var conversationID: String
    /// The call, when it is known; ask `Catalog.call(ofConversation:)`.
    public var call: CallRow?
    /// The agent.
    public var agentID: String?
    /// By which way it came.
    public var source: ConversationSource
    /// When it came (microseconds UTC).
    public var receivedAt: Int64
    /// The file's length.
    public var bytes: Int64

    /// Audio made of its parts.
    public init(
        conversationID: String, call: CallRow? = nil, agentID: String? = nil, source: ConversationSource,
        receivedAt: Int64, bytes: Int64
    ) {
        self.conversationID = conversationID
        self.call = call
        self.agentID = agentID
        self.source = source
        self.receivedAt = receivedAt
        self.bytes = bytes
    }

    /// Where it is written first, relative to the storage: in the folder of its final place.
    func temporaryPath(_ layout: StorageLayout) throws(ArchiveError) -> String {
        try path(layout, underCall: false) + StorageLayout.temporarySuffix
    }

    /// Its final place, relative to the storage: beside the call's recording, by the call's identifier or by its own.
    func path(_ layout: StorageLayout, underCall: Bool) throws(ArchiveError) -> String {
        try layout.conversationAudio(
            conversationID, callID: underCall ? call?.id : nil, day: call?.startedAt ?? receivedAt)
    }
}
