// What an ElevenLabs agent says on its conversation socket.

import Audio

/// How an ElevenLabs conversation ends or complains, whichever of its shapes it used.
public struct AgentError: Sendable, Hashable {
    /// Numeric code when told (1000, 1002, 1008, 1011, …).
    public var code: Int?
    /// `error_type` or `error_name`, when told.
    public var type: String?
    /// Free text of the server. Never logged: it may quote the conversation.
    public var message: String?

    /// An error with what was told.
    public init(code: Int? = nil, type: String? = nil, message: String? = nil) {
        self.code = code
        self.type = type
        self.message = message
    }
}

/// Times of the characters of one chunk of agent sound, relative to the chunk.
public struct AudioAlignment: Sendable, Hashable {
    /// One entry a character.
    public var characters: [String]
    /// Start of each character in milliseconds from the chunk's start.
    public var startMilliseconds: [Int]
    /// Duration of each character in milliseconds.
    public var durationMilliseconds: [Int]

    /// An alignment of three arrays of equal length.
    public init(characters: [String], startMilliseconds: [Int], durationMilliseconds: [Int]) {
        self.characters = characters
        self.startMilliseconds = startMilliseconds
        self.durationMilliseconds = durationMilliseconds
    }
}

/// One message of the agent.
public enum AgentEvent: Sendable, Hashable {
    /// The conversation is open, with the formats in force (unknown strings come as nil: fail closed).
    case metadata(conversationID: String, output: AudioFormat?, input: AudioFormat?)
    /// Agent sound of turn `eventID`; its bytes stand in the codec's `payload` until the next message.
    case audio(eventID: Int64, alignment: AudioAlignment?)
    /// The final text of what the caller said.
    case userTranscript(text: String, eventID: Int64?)
    /// A provisional text of what the caller says; replaced by later ones.
    case tentativeUserTranscript(text: String, eventID: Int64?)
    /// The full text the agent means to say.
    case agentResponse(text: String, eventID: Int64?)
    /// What the server believes was heard of an interrupted response.
    case agentResponseCorrection(original: String, corrected: String, eventID: Int64?)
    /// The response is complete on the server's side.
    case agentResponseComplete(eventID: Int64)
    /// The caller interrupted: drop everything unplayed; later audio with an older id is stale.
    case interruption(eventID: Int64)
    /// Answer at once with `AgentCodec.encodePong`.
    case ping(eventID: Int64, milliseconds: Int64?)
    /// The agent asks the client to run a tool.
    case clientToolCall(name: String, callID: String, expectsResponse: Bool)
    /// A tool ran on the agent's side; `end_call` means that the agent hangs up.
    case agentToolResponse(name: String, isError: Bool)
    /// The wait queue before admission: `waiting`, `admitted` or `timed_out`.
    case queueStatus(String)
    /// Any of the three error shapes.
    case error(AgentError)
    /// A documented event that changes nothing in a call (vad_score, context_usage, …): its type.
    case informational(type: String)
    /// An event of a type unknown to us: counted and ignored.
    case unknown(type: String)
}
