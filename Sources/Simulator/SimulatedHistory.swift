// A conversation in ElevenLabs' history, and the JSON it is told in.

/// One turn of a conversation's transcript.
public struct HistoryTurn: Sendable, Hashable {
    /// `user` or `agent`.
    public var role: String
    /// What was said, as heard.
    public var message: String
    /// Whole seconds from the conversation's start.
    public var seconds: Int
    /// What was meant to be said, when the turn was interrupted.
    public var original: String?

    /// A turn made of its parts.
    public init(_ role: String, _ message: String, at seconds: Int, original: String? = nil) {
        self.role = role
        self.message = message
        self.seconds = seconds
        self.original = original
    }
}

/// A conversation of the history.
public struct SimulatedHistory: Sendable {
    /// Its id.
    public var conversationID: String
    /// The agent's id.
    public var agentID: String
    /// When it began, in seconds since 1970.
    public var start: Int64
    /// How long it lasted, in seconds.
    public var seconds: Int
    /// Its turns.
    public var turns: [HistoryTurn]
    /// The dynamic variables it was begun with.
    public var variables: [String: String]
    /// The MP3 of both sides; nil: there is none.
    public var audio: [UInt8]?
    /// How many asks find it `processing` before it is `done`.
    public var processingAsks = 0
    /// What a document of its own says instead, when it is done.
    public var document: RESTValue?

    /// A conversation made of its parts.
    public init(
        _ conversationID: String, agentID: String = "agent_0101kexample0000000000000001",
        start: Int64 = 1_759_931_600, seconds: Int = 22, turns: [HistoryTurn] = [],
        variables: [String: String] = [:], audio: [UInt8]? = nil
    ) {
        self.conversationID = conversationID
        self.agentID = agentID
        self.start = start
        self.seconds = seconds
        self.turns = turns
        self.variables = variables
        self.audio = audio
    }

    /// The conversation as `GET …/conversations/{id}` tells it (elevenlabs.md 4.2), done or still `processing`.
    func told(isDone: Bool) -> RESTValue {
        if isDone, let document { return document }
        let turns = turns.map { turn -> RESTValue in
            [
                "role": .text(turn.role), "message": .text(turn.message),
                "original_message": RESTValue(turn.original), "interrupted": .bool(turn.original != nil),
                "time_in_call_secs": .integer(Int64(turn.seconds)), "tool_calls": [], "tool_results": [],
                "feedback": nil, "conversation_turn_metrics": nil, "source_medium": "audio",
            ]
        }
        let variables = variables.sorted { $0.key < $1.key }.map { RESTValue.Member($0.key, .text($0.value)) }
        let hasAudio = RESTValue.bool(isDone && audio != nil)
        return [
            "agent_id": .text(agentID), "agent_name": "Front desk", "status": isDone ? "done" : "processing",
            "user_id": nil, "branch_id": nil, "version_id": nil, "transcript": .list(turns),
            "metadata": [
                "start_time_unix_secs": .integer(start), "accepted_time_unix_secs": .integer(start),
                "call_duration_secs": .integer(Int64(seconds)), "cost": nil, "phone_call": nil,
                "termination_reason": "Client disconnected: 1000", "error": nil, "main_language": "en",
            ],
            "analysis": isDone
                ? [
                    "call_successful": "success", "transcript_summary": "A simulated conversation.",
                    "evaluation_criteria_results": [:], "data_collection_results": [:],
                ] : nil,
            "conversation_initiation_client_data": ["dynamic_variables": .object(variables)],
            "conversation_id": .text(conversationID), "has_audio": hasAudio, "has_user_audio": hasAudio,
            "has_response_audio": hasAudio, "has_auxiliary_audio": false,
        ]
    }

    /// The conversation as the list tells it (elevenlabs.md 4.1).
    func listed(isDone: Bool) -> RESTValue {
        [
            "agent_id": .text(agentID), "branch_id": nil, "version_id": nil, "agent_name": "Front desk",
            "conversation_id": .text(conversationID), "start_time_unix_secs": .integer(start),
            "call_duration_secs": .integer(Int64(seconds)), "message_count": .integer(Int64(turns.count)),
            "status": isDone ? "done" : "processing", "termination_reason": "Client disconnected: 1000",
            "call_successful": "success", "transcript_summary": nil, "call_summary_title": nil,
            "main_language": "en", "conversation_initiation_source": "unknown", "tool_names": [],
            "direction": nil, "rating": nil, "sentiment_analysis": nil, "tag_ids": [],
        ]
    }
}
