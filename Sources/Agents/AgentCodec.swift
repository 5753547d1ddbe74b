// Bytes of an agent's message to an `AgentEvent`, and commands to bytes. No I/O.

import Audio
import Wire

/// Why a message was not understood. Holds no byte of the message.
public enum AgentMessageError: Error, Sendable, Hashable {
    /// Not a JSON object, or cut short.
    case notJSON
    /// A field that the message needs is missing or of the wrong kind: the field's name.
    case missingField(String)
    /// The audio is not base64.
    case notBase64
    /// A field is longer than it may be: the field's name.
    case tooLong(String)
}

/// What the first message of a conversation tells the agent.
public struct ConversationInitiation: Sendable, Hashable {
    /// Variables for the agent's prompt, as strings (call id, caller, called, carrier, custom parameters).
    public var dynamicVariables: [String: String]
    /// The end user's identity, when it is to be told.
    public var userID: String?

    /// An initiation with `dynamicVariables`.
    public init(dynamicVariables: [String: String] = [:], userID: String? = nil) {
        self.dynamicVariables = dynamicVariables
        self.userID = userID
    }
}

/// Speaks the ElevenLabs conversation protocol. One codec serves one conversation.
public struct AgentCodec: Sendable {
    /// The sound of the last `.audio` event (base64 removed). Reused: copy to keep.
    public private(set) var payload: [UInt8] = []

    /// A codec for one conversation.
    public init() {}

    /// Decodes one text message.
    /// - Throws: `AgentMessageError`; the conversation can go on with the next message.
    public mutating func decode(_ message: UnsafeRawBufferPointer) throws(AgentMessageError) -> AgentEvent {
        throw .notJSON
    }

    /// Appends `conversation_initiation_client_data` to `output`.
    public func encodeInitiation(_ initiation: ConversationInitiation, into output: inout [UInt8]) {}
    /// Appends a `user_audio_chunk` with `sound` (bytes in the agent's input format) to `output`.
    public func encodeUserAudio(_ sound: UnsafeRawBufferPointer, into output: inout [UInt8]) {}
    /// Appends the `pong` to ping `eventID` to `output`.
    public func encodePong(eventID: Int64, into output: inout [UInt8]) {}
    /// Appends a `contextual_update` with `text` to `output`.
    public func encodeContextualUpdate(_ text: String, into output: inout [UInt8]) {}
    /// Appends `user_activity` to `output`.
    public func encodeUserActivity(into output: inout [UInt8]) {}
    /// Appends a `client_tool_result` to `output`.
    public func encodeToolResult(callID: String, result: String, isError: Bool, into output: inout [UInt8]) {}
}
