// The agent's own side of a conversation: what a simulator of an agent says. No I/O.

import Audio
import Wire

/// Speaks as an ElevenLabs agent: encodes its messages and decodes a client's. One peer plays one conversation.
///
/// Like the real server it writes `type` last.
public struct AgentPeer: Sendable {
    /// The shapes in which an agent complains.
    public enum ErrorShape: Sendable, Hashable, CaseIterable {
        /// `error` with an `error_event`.
        case event
        /// `client_error` with an `error_event`.
        case client
        /// `error` with a `message` only.
        case flat
    }

    /// The sound of the last `.userAudio` message (base64 removed). Reused: copy to keep.
    public internal(set) var payload: [UInt8] = []

    /// A peer for one conversation.
    public init() {}

    /// Appends `conversation_initiation_metadata`; a nil `input` is left out. A format that agents do not have is
    /// written with its codec's name (`pcma_8000`), which a client must refuse.
    public func encodeMetadata(
        conversationID: String, output format: AudioFormat, input: AudioFormat?, into output: inout [UInt8]
    ) {
        JSONWriter.append("{\"conversation_initiation_metadata_event\":{\"conversation_id\":", to: &output)
        JSONWriter.append(string: conversationID, to: &output)
        JSONWriter.append(",\"agent_output_audio_format\":", to: &output)
        JSONWriter.append(string: Self.name(of: format), to: &output)
        if let input {
            JSONWriter.append(",\"user_input_audio_format\":", to: &output)
            JSONWriter.append(string: Self.name(of: input), to: &output)
        }
        close("conversation_initiation_metadata", &output)
    }

    /// Appends `audio`: `sound` of turn `eventID` in the agent's output format.
    public func encodeAudio(
        _ sound: UnsafeRawBufferPointer, eventID: Int64, alignment: AudioAlignment? = nil,
        into output: inout [UInt8]
    ) {
        JSONWriter.append("{\"audio_event\":{\"audio_base_64\":", to: &output)
        JSONWriter.append(base64: sound, to: &output)
        id(eventID, &output)
        if let alignment {
            JSONWriter.append(",\"alignment\":{\"chars\":", to: &output)
            list(alignment.characters, &output) { JSONWriter.append(string: $0, to: &$1) }
            JSONWriter.append(",\"char_start_times_ms\":", to: &output)
            list(alignment.startMilliseconds, &output) { JSONWriter.append(integer: Int64($0), to: &$1) }
            JSONWriter.append(",\"char_durations_ms\":", to: &output)
            list(alignment.durationMilliseconds, &output) { JSONWriter.append(integer: Int64($0), to: &$1) }
            JSONWriter.append("}", to: &output)
        }
        close("audio", &output)
    }

    /// Appends `user_transcript`.
    public func encodeUserTranscript(_ text: String, eventID: Int64?, into output: inout [UInt8]) {
        JSONWriter.append("{\"user_transcription_event\":{\"user_transcript\":", to: &output)
        JSONWriter.append(string: text, to: &output)
        if let eventID { id(eventID, &output) }
        close("user_transcript", &output)
    }

    /// Appends `agent_response`.
    public func encodeAgentResponse(_ text: String, eventID: Int64?, into output: inout [UInt8]) {
        JSONWriter.append("{\"agent_response_event\":{\"agent_response\":", to: &output)
        JSONWriter.append(string: text, to: &output)
        if let eventID { id(eventID, &output) }
        close("agent_response", &output)
    }

    /// Appends `agent_response_correction`.
    public func encodeAgentResponseCorrection(
        original: String, corrected: String, eventID: Int64?, into output: inout [UInt8]
    ) {
        JSONWriter.append("{\"agent_response_correction_event\":{\"original_agent_response\":", to: &output)
        JSONWriter.append(string: original, to: &output)
        JSONWriter.append(",\"corrected_agent_response\":", to: &output)
        JSONWriter.append(string: corrected, to: &output)
        if let eventID { id(eventID, &output) }
        close("agent_response_correction", &output)
    }

    /// Appends `agent_response_complete`.
    public func encodeAgentResponseComplete(eventID: Int64, into output: inout [UInt8]) {
        JSONWriter.append("{\"agent_response_complete_event\":{\"event_id\":", to: &output)
        JSONWriter.append(integer: eventID, to: &output)
        close("agent_response_complete", &output)
    }

    /// Appends `interruption`.
    public func encodeInterruption(eventID: Int64, into output: inout [UInt8]) {
        JSONWriter.append("{\"interruption_event\":{\"event_id\":", to: &output)
        JSONWriter.append(integer: eventID, to: &output)
        close("interruption", &output)
    }

    /// Appends `ping`; without an estimate `ping_ms` is null.
    public func encodePing(eventID: Int64, milliseconds: Int64? = nil, into output: inout [UInt8]) {
        JSONWriter.append("{\"ping_event\":{\"event_id\":", to: &output)
        JSONWriter.append(integer: eventID, to: &output)
        JSONWriter.append(",\"ping_ms\":", to: &output)
        if let milliseconds {
            JSONWriter.append(integer: milliseconds, to: &output)
        } else {
            JSONWriter.append("null", to: &output)
        }
        close("ping", &output)
    }

    /// Appends `client_tool_call` without parameters.
    public func encodeClientToolCall(
        name: String, callID: String, eventID: Int64, expectsResponse: Bool, into output: inout [UInt8]
    ) {
        JSONWriter.append("{\"client_tool_call\":{\"tool_name\":", to: &output)
        JSONWriter.append(string: name, to: &output)
        JSONWriter.append(",\"tool_call_id\":", to: &output)
        JSONWriter.append(string: callID, to: &output)
        JSONWriter.append(",\"parameters\":{}", to: &output)
        id(eventID, &output)
        JSONWriter.append(
            expectsResponse ? ",\"expects_response\":true" : ",\"expects_response\":false", to: &output)
        close("client_tool_call", &output)
    }

    /// Appends the `agent_tool_response` of the system tool `name`; `end_call` announces that the agent hangs up.
    public func encodeToolResponse(
        name: String = "end_call", callID: String, isError: Bool = false, eventID: Int64,
        into output: inout [UInt8]
    ) {
        JSONWriter.append("{\"agent_tool_response\":{\"tool_name\":", to: &output)
        JSONWriter.append(string: name, to: &output)
        JSONWriter.append(",\"tool_call_id\":", to: &output)
        JSONWriter.append(string: callID, to: &output)
        JSONWriter.append(",\"tool_type\":\"system\",\"is_error\":", to: &output)
        JSONWriter.append(isError ? "true" : "false", to: &output)
        JSONWriter.append(",\"is_called\":true", to: &output)
        id(eventID, &output)
        close("agent_tool_response", &output)
    }

    /// Appends `queue_status`: `waiting`, `admitted` or `timed_out`.
    public func encodeQueueStatus(_ status: String, into output: inout [UInt8]) {
        JSONWriter.append("{\"queue_status_event\":{\"status\":", to: &output)
        JSONWriter.append(string: status, to: &output)
        close("queue_status", &output)
    }

    /// Appends an error in one of its shapes; the flat shape tells the message only.
    public func encodeError(_ error: AgentError, shape: ErrorShape, into output: inout [UInt8]) {
        if shape == .flat {
            JSONWriter.append("{\"type\":\"error\",\"message\":", to: &output)
            JSONWriter.append(string: error.message ?? "", to: &output)
            JSONWriter.append("}", to: &output)
            return
        }
        JSONWriter.append("{\"error_event\":{\"code\":", to: &output)
        JSONWriter.append(integer: Int64(error.code ?? 1011), to: &output)
        if let type = error.type {
            JSONWriter.append(shape == .client ? ",\"error_name\":" : ",\"error_type\":", to: &output)
            JSONWriter.append(string: type, to: &output)
        }
        if let message = error.message {
            JSONWriter.append(",\"message\":", to: &output)
            JSONWriter.append(string: message, to: &output)
        }
        close(shape == .client ? "client_error" : "error", &output)
    }

    private static func name(of format: AudioFormat) -> String {
        AgentFormat.name(of: format)?.description ?? "\(format.codec.rawValue)_\(format.rate)"
    }

    private func id(_ eventID: Int64, _ output: inout [UInt8]) {
        JSONWriter.append(",\"event_id\":", to: &output)
        JSONWriter.append(integer: eventID, to: &output)
    }

    private func close(_ type: StaticString, _ output: inout [UInt8]) {
        JSONWriter.append("},\"type\":\"", to: &output)
        JSONWriter.append(type, to: &output)
        JSONWriter.append("\"}", to: &output)
    }

    private func list<Element>(
        _ elements: [Element], _ output: inout [UInt8], _ write: (Element, inout [UInt8]) -> Void
    ) {
        JSONWriter.append("[", to: &output)
        for (index, element) in elements.enumerated() {
            if index > 0 { JSONWriter.append(",", to: &output) }
            write(element, &output)
        }
        JSONWriter.append("]", to: &output)
    }
}
