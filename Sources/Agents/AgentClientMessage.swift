// What a client says to an agent, decoded on the agent's own side.

import Wire

/// One message of a client to an agent.
public enum AgentClientMessage: Sendable, Hashable {
    /// The conversation's first message: its dynamic variables as text, the user, and whether it asks for an
    /// override of the agent's configuration.
    case initiation(ConversationInitiation, hasOverride: Bool)
    /// Sound of the user; its bytes stand in the peer's `payload` until the next message is decoded.
    case userAudio
    /// The answer to ping `eventID`.
    case pong(eventID: Int64)
    /// Text for the model's context.
    case contextualUpdate(text: String)
    /// Text that counts as said by the user.
    case userMessage(text: String?)
    /// The user is doing something: do not prompt again.
    case userActivity
    /// What a client tool gave.
    case toolResult(callID: String, result: String, isError: Bool)
    /// A message of another type: its type.
    case other(type: String)
    /// Not understood: an agent closes with 1008 `invalid_message`.
    case invalid
}

extension AgentPeer {
    /// Decodes one message of a client.
    public mutating func decode(_ message: UnsafeRawBufferPointer) -> AgentClientMessage {
        payload.removeAll(keepingCapacity: true)
        var scanner = JSONScanner(message)
        guard scanner.enterObject() else { return .invalid }
        var type: JSONText?
        var sound: JSONText?
        while let key = scanner.nextMember(), let value = scanner.value() {
            if sound == nil, key.equals("user_audio_chunk") { sound = value.text }
            if type == nil, key.equals("type") { type = value.text }
        }
        guard scanner.finish() else { return .invalid }
        // Sound is the only message without a type.
        if let sound { return decode(sound) ? .userAudio : .invalid }
        guard let type else { return .invalid }
        return Self.read(type, JSONContainer(bytes: message))
    }

    private mutating func decode(_ text: JSONText) -> Bool {
        if let plain = text.plain { return Base64.decode(plain, into: &payload) }
        var decoded: [UInt8] = []
        text.append(to: &decoded)
        return decoded.withUnsafeBytes { Base64.decode($0, into: &payload) }
    }

    private static func read(_ type: JSONText, _ whole: JSONContainer) -> AgentClientMessage {
        func text(_ name: StaticString) -> String? {
            whole.member(name)?.text?.string(limit: AgentLimits.text)
        }
        if type.equals("conversation_initiation_client_data") { return initiation(whole) }
        if type.equals("pong") {
            guard let eventID = whole.member("event_id")?.integer else { return .invalid }
            return .pong(eventID: eventID)
        }
        if type.equals("contextual_update") {
            guard let text = text("text") else { return .invalid }
            return .contextualUpdate(text: text)
        }
        if type.equals("user_message") { return .userMessage(text: text("text")) }
        if type.equals("user_activity") { return .userActivity }
        if type.equals("client_tool_result") {
            guard let callID = text("tool_call_id"), let result = text("result"),
                let isError = whole.member("is_error")?.bool
            else { return .invalid }
            return .toolResult(callID: callID, result: result, isError: isError)
        }
        return .other(type: type.label)
    }

    private static func initiation(_ whole: JSONContainer) -> AgentClientMessage {
        var initiation = ConversationInitiation(
            userID: whole.member("user_id")?.text?.string(limit: AgentLimits.text))
        if var scanner = whole.member("dynamic_variables")?.object?.scanner(), scanner.enterObject() {
            while let key = scanner.nextMember(), let value = scanner.value() {
                guard let name = key.string(limit: AgentLimits.id), initiation.dynamicVariables[name] == nil
                else {
                    continue
                }
                initiation.dynamicVariables[name] = value.scalarString(limit: AgentLimits.text)
            }
        }
        var hasOverride = false
        if var scanner = whole.member("conversation_config_override")?.object?.scanner(),
            scanner.enterObject()
        {
            // The Python SDK sends an empty object when it overrides nothing.
            hasOverride = scanner.nextMember() != nil
        }
        return .initiation(initiation, hasOverride: hasOverride)
    }
}
