// What we send to an agent, as bytes.

import Wire

extension AgentCodec {
    /// Appends `conversation_initiation_client_data` to `output`. What is unset is left out, not null; only the answer to
    /// the initiation webhook has `dynamic_variables` even when there are none (`alwaysVariables`). As a member of a request it
    /// has no type (`typed` false).
    public func encodeInitiation(
        _ initiation: ConversationInitiation, alwaysVariables: Bool = false, typed: Bool = true,
        into output: inout [UInt8]
    ) {
        JSONWriter.append("{", to: &output)
        if typed { JSONWriter.append("\"type\":\"conversation_initiation_client_data\"", to: &output) }
        encodeOverride(initiation, into: &output)
        if alwaysVariables || !initiation.dynamicVariables.isEmpty {
            separate(&output)
            JSONWriter.append("\"dynamic_variables\":{", to: &output)
            // In order of name: the same initiation gives the same bytes.
            for (index, variable) in initiation.dynamicVariables.sorted(by: { $0.key < $1.key }).enumerated()
            {
                if index > 0 { JSONWriter.append(",", to: &output) }
                JSONWriter.append(string: variable.key, to: &output)
                JSONWriter.append(":", to: &output)
                JSONWriter.append(string: variable.value, to: &output)
            }
            JSONWriter.append("}", to: &output)
        }
        if let userID = initiation.userID {
            separate(&output)
            JSONWriter.append("\"user_id\":", to: &output)
            JSONWriter.append(string: userID, to: &output)
        }
        JSONWriter.append("}", to: &output)
    }

    /// A comma, unless an object has just begun.
    private func separate(_ output: inout [UInt8]) {
        if output.last != UInt8(ascii: "{") { output.append(UInt8(ascii: ",")) }
    }

    /// The overrides that are set; an empty text is one that was not meant ("" would mean: wait for the caller).
    private func encodeOverride(_ initiation: ConversationInitiation, into output: inout [UInt8]) {
        let agent = [("first_message", initiation.firstMessage), ("language", initiation.language)]
        let groups = [("agent", agent), ("tts", [("voice_id", initiation.voiceID)])]
        var written = 0
        for (group, members) in groups {
            let set = members.compactMap { name, value in value.map { (name, $0) } }.filter { !$0.1.isEmpty }
            guard !set.isEmpty else { continue }
            separate(&output)
            if written == 0 { JSONWriter.append("\"conversation_config_override\":{", to: &output) }
            written += 1
            JSONWriter.append(string: group, to: &output)
            JSONWriter.append(":{", to: &output)
            for (index, member) in set.enumerated() {
                if index > 0 { JSONWriter.append(",", to: &output) }
                JSONWriter.append(string: member.0, to: &output)
                JSONWriter.append(":", to: &output)
                JSONWriter.append(string: member.1, to: &output)
            }
            JSONWriter.append("}", to: &output)
        }
        if written > 0 { JSONWriter.append("}", to: &output) }
    }

    /// Appends a `user_audio_chunk` with `sound` (bytes in the agent's input format) to `output`.
    public func encodeUserAudio(_ sound: UnsafeRawBufferPointer, into output: inout [UInt8]) {
        JSONWriter.append("{\"user_audio_chunk\":", to: &output)
        JSONWriter.append(base64: sound, to: &output)
        JSONWriter.append("}", to: &output)
    }

    /// Appends the `pong` to ping `eventID` to `output`.
    public func encodePong(eventID: Int64, into output: inout [UInt8]) {
        JSONWriter.append("{\"type\":\"pong\",\"event_id\":", to: &output)
        JSONWriter.append(integer: eventID, to: &output)
        JSONWriter.append("}", to: &output)
    }

    /// Appends a `contextual_update` with `text` to `output`.
    public func encodeContextualUpdate(_ text: String, into output: inout [UInt8]) {
        JSONWriter.append("{\"type\":\"contextual_update\",\"text\":", to: &output)
        JSONWriter.append(string: text, to: &output)
        JSONWriter.append("}", to: &output)
    }

    /// Appends `user_activity` to `output`.
    public func encodeUserActivity(into output: inout [UInt8]) {
        JSONWriter.append("{\"type\":\"user_activity\"}", to: &output)
    }

    /// Appends a `client_tool_result` to `output`.
    public func encodeToolResult(callID: String, result: String, isError: Bool, into output: inout [UInt8]) {
        JSONWriter.append("{\"type\":\"client_tool_result\",\"tool_call_id\":", to: &output)
        JSONWriter.append(string: callID, to: &output)
        JSONWriter.append(",\"result\":", to: &output)
        JSONWriter.append(string: result, to: &output)
        JSONWriter.append(isError ? ",\"is_error\":true}" : ",\"is_error\":false}", to: &output)
    }
}
