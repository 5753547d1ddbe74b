// Every message of an agent but sound, from its type to an `AgentEvent`.

import Audio
import Wire

/// Reads the payload that belongs to a message's type.
struct AgentEventReader {
    /// The message.
    let whole: JSONContainer

    /// The event of `type`. Texts come as sent: the agent's may end in white space.
    func read(_ type: JSONText) throws(AgentMessageError) -> AgentEvent {
        // In the order of how often they come.
        if type.equals("ping") { return try ping() }
        if type.equals("user_transcript") {
            let event = try payload("user_transcription_event")
            return .userTranscript(
                text: try event.string("user_transcript", limit: AgentLimits.text),
                eventID: event.integer("event_id"))
        }
        if type.equals("tentative_user_transcript") {
            let event = try payload("tentative_user_transcription_event")
            return .tentativeUserTranscript(
                text: try event.string("user_transcript", limit: AgentLimits.text),
                eventID: event.integer("event_id"))
        }
        if type.equals("agent_response") {
            let event = try payload("agent_response_event")
            return .agentResponse(
                text: try event.string("agent_response", limit: AgentLimits.text),
                eventID: event.integer("event_id"))
        }
        if type.equals("agent_response_correction") { return try correction() }
        if type.equals("agent_response_complete") {
            let event = try payload("agent_response_complete_event")
            guard let eventID = event.integer("event_id") else { throw .missingField("event_id") }
            return .agentResponseComplete(eventID: eventID)
        }
        if type.equals("interruption") {
            // It flushes whatever its id is, so a missing id must not lose it; 0 makes no later sound stale.
            let event = whole.member("interruption_event")?.object
            return .interruption(eventID: event?.integer("event_id") ?? 0)
        }
        if type.equals("client_tool_call") { return try toolCall() }
        if type.equals("agent_tool_response") { return try toolResponse("agent_tool_response") }
        // Either of the two may be selected alone, and both tell of `end_call`.
        if type.equals("agent_tool_response_full_payload") {
            return try toolResponse("agent_tool_response_full_payload")
        }
        if type.equals("conversation_initiation_metadata") { return try metadata() }
        if type.equals("queue_status") {
            guard let status = try payload("queue_status_event").member("status")?.text else {
                throw .missingField("status")
            }
            return .queueStatus(status.label)
        }
        if type.equals("error") || type.equals("client_error") { return .error(AgentError(of: whole)) }
        for known in Self.informational where type.equals(known) {
            return .informational(type: known.description)
        }
        return .unknown(type: type.label)
    }

    /// Documented types that change nothing in a call.
    private static let informational: [StaticString] = [
        "vad_score", "agent_chat_response_part", "context_usage", "agent_tool_request",
        "agent_response_metadata", "agent_reasoning_response_part", "mcp_tool_call", "mcp_connection_status",
        "asr_initiation_metadata", "guardrail_triggered", "internal_turn_probability",
        "internal_tentative_agent_response", "agent_typing", "external_agent_connected",
        "external_agent_disconnected", "rich_content", "dtmf_request",
    ]

    private func payload(_ key: StaticString) throws(AgentMessageError) -> JSONContainer {
        guard let payload = whole.member(key)?.object else { throw .missingField(key.description) }
        return payload
    }

    private func ping() throws(AgentMessageError) -> AgentEvent {
        let event = try payload("ping_event")
        guard let eventID = event.integer("event_id") else { throw .missingField("event_id") }
        return .ping(eventID: eventID, milliseconds: event.integer("ping_ms").flatMap { $0 < 0 ? nil : $0 })
    }

    private func correction() throws(AgentMessageError) -> AgentEvent {
        let event = try payload("agent_response_correction_event")
        return .agentResponseCorrection(
            original: try event.string("original_agent_response", limit: AgentLimits.text),
            corrected: try event.string("corrected_agent_response", limit: AgentLimits.text),
            eventID: event.integer("event_id"))
    }

    private func toolCall() throws(AgentMessageError) -> AgentEvent {
        let call = try payload("client_tool_call")
        return .clientToolCall(
            name: try call.string("tool_name", limit: AgentLimits.id),
            callID: try call.string("tool_call_id", limit: AgentLimits.id),
            expectsResponse: call.member("expects_response")?.bool ?? true)
    }

    private func toolResponse(_ key: StaticString) throws(AgentMessageError) -> AgentEvent {
        let response = try payload(key)
        return .agentToolResponse(
            name: try response.string("tool_name", limit: AgentLimits.id),
            isError: response.member("is_error")?.bool ?? false)
    }

    private func metadata() throws(AgentMessageError) -> AgentEvent {
        let event = try payload("conversation_initiation_metadata_event")
        let id = try event.string("conversation_id", limit: AgentLimits.id)
        guard !id.isEmpty else { throw .missingField("conversation_id") }
        let output = event.member("agent_output_audio_format")?.text.flatMap(AgentFormat.format)
        let told = event.member("user_input_audio_format")
        let input: AudioFormat? =
            if let told, !told.isNull { told.text.flatMap(AgentFormat.format) } else {
                AgentFormat.defaultInput
            }
        return .metadata(conversationID: id, output: output, input: input)
    }
}

/// The names of sound formats on the agent's socket.
enum AgentFormat {
    /// What an agent takes that does not say (the JavaScript SDK's rule).
    static let defaultInput = AudioFormat(.pcm16, rate: 16000)

    /// Every documented name (AsrInputFormat, TtsOutputFormat). Agents know no A-law.
    static let names: [(name: StaticString, format: AudioFormat)] = [
        ("ulaw_8000", .pcmu8k), ("pcm_8000", AudioFormat(.pcm16, rate: 8000)),
        ("pcm_16000", AudioFormat(.pcm16, rate: 16000)), ("pcm_22050", AudioFormat(.pcm16, rate: 22050)),
        ("pcm_24000", AudioFormat(.pcm16, rate: 24000)), ("pcm_44100", AudioFormat(.pcm16, rate: 44100)),
        ("pcm_48000", AudioFormat(.pcm16, rate: 48000)),
    ]

    /// The format called `name`; nil when there is none of that name.
    static func format(_ name: JSONText) -> AudioFormat? {
        names.first { name.equals($0.name) }?.format
    }

    /// The name of `format`; nil when an agent has none for it.
    static func name(of format: AudioFormat) -> StaticString? {
        names.first { $0.format == format }?.name
    }
}

extension AgentError {
    /// The error of an `error` or `client_error` message: under `error_event`, or flat. Never refused: it is mostly
    /// the last word before the socket closes.
    init(of message: JSONContainer) {
        let event = message.member("error_event")?.object ?? message
        func text(_ name: StaticString) -> String? {
            event.member(name)?.text?.string(limit: AgentLimits.text)
        }
        self.init(
            code: event.integer("code").flatMap { Int(exactly: $0) },
            type: text("error_type") ?? text("error_name"),
            message: text("message") ?? text("reason") ?? text("debug_message"))
        if code == nil { code = self.message.flatMap(Self.receivedCode) }
    }

    /// The code in a flat error's text, "received 1002 (protocol error) …".
    private static func receivedCode(_ message: String) -> Int? {
        let words = message.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0] == "received", words[1].utf8.count == 4 else { return nil }
        return Int(words[1])
    }
}
