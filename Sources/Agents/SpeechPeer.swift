// The service's own side of a text-to-speech WebSocket: what a simulator of it says and understands. No I/O.

import Wire

/// Speaks as ElevenLabs' text to speech on a WebSocket.
public enum SpeechPeer {
    /// Appends a piece of sound; the socket of many names the `context`, the other says that there is more to come.
    public static func encodeSound(
        _ sound: UnsafeRawBufferPointer, context: String? = nil, alignment: AudioAlignment? = nil,
        normalized: AudioAlignment? = nil, into output: inout [UInt8]
    ) {
        JSONWriter.append("{\"audio\":", to: &output)
        JSONWriter.append(base64: sound, to: &output)
        if context == nil { JSONWriter.append(",\"isFinal\":null", to: &output) }
        JSONWriter.append(",\"normalizedAlignment\":", to: &output)
        append(normalized, to: &output)
        JSONWriter.append(",\"alignment\":", to: &output)
        append(alignment, to: &output)
        append(context: context, to: &output)
        JSONWriter.append("}", to: &output)
    }

    /// Appends the message that all is spoken.
    public static func encodeFinal(context: String? = nil, into output: inout [UInt8]) {
        guard context != nil else {
            JSONWriter.append(
                "{\"audio\":null,\"isFinal\":true,\"normalizedAlignment\":null,\"alignment\":null}",
                to: &output)
            return
        }
        JSONWriter.append("{\"isFinal\":true", to: &output)
        append(context: context, to: &output)
        JSONWriter.append("}", to: &output)
    }

    /// Appends a complaint called `name`; the close with `code` is to follow.
    public static func encodeError(
        _ name: String, message: String, code: Int, context: String? = nil, into output: inout [UInt8]
    ) {
        JSONWriter.append("{\"message\":", to: &output)
        JSONWriter.append(string: message, to: &output)
        JSONWriter.append(",\"error\":", to: &output)
        JSONWriter.append(string: name, to: &output)
        JSONWriter.append(",\"code\":", to: &output)
        JSONWriter.append(integer: Int64(code), to: &output)
        append(context: context, to: &output)
        JSONWriter.append("}", to: &output)
    }

    private static func append(context: String?, to output: inout [UInt8]) {
        guard let context else { return }
        JSONWriter.append(",\"contextId\":", to: &output)
        JSONWriter.append(string: context, to: &output)
    }

    private static func append(_ alignment: AudioAlignment?, to output: inout [UInt8]) {
        guard let alignment else {
            JSONWriter.append("null", to: &output)
            return
        }
        JSONWriter.append("{\"chars\":[", to: &output)
        for (index, character) in alignment.characters.enumerated() {
            if index > 0 { JSONWriter.append(",", to: &output) }
            JSONWriter.append(string: character, to: &output)
        }
        JSONWriter.append("],\"charStartTimesMs\":[", to: &output)
        append(alignment.startMilliseconds, to: &output)
        JSONWriter.append("],\"charDurationsMs\":[", to: &output)
        append(alignment.durationMilliseconds, to: &output)
        JSONWriter.append("]}", to: &output)
    }

    private static func append(_ numbers: [Int], to output: inout [UInt8]) {
        for (index, number) in numbers.enumerated() {
            if index > 0 { JSONWriter.append(",", to: &output) }
            JSONWriter.append(integer: Int64(number), to: &output)
        }
    }

    /// A client's message; nil for what the service's documents do not know: no JSON object, another member, one of the
    /// wrong kind, a setting out of its range.
    public static func decode(_ bytes: UnsafeRawBufferPointer) -> SpeechMessage? {
        var scanner = JSONScanner(bytes)
        guard scanner.enterObject() else { return nil }
        var message = SpeechMessage()
        while let name = scanner.nextMember() {
            guard let value = scanner.value(), take(name, value, into: &message) else { return nil }
        }
        return scanner.finish() ? message : nil
    }

    private static func take(_ name: JSONText, _ value: JSONValue, into message: inout SpeechMessage) -> Bool
    {
        if name.equals("text") {
            message.text = value.text?.string(limit: 1 << 20)
            return message.text != nil
        }
        if name.equals("context_id") {
            message.context = value.text?.string(limit: AgentLimits.id)
            return message.context != nil
        }
        // The service's schema has the one spelling, its examples the other.
        if name.equals("xi_api_key") || name.equals("xi-api-key") {
            message.key = value.text?.string(limit: AgentLimits.id)
            return message.key != nil
        }
        if name.equals("voice_settings") {
            message.settings = SpeechSettings(strictly: value)
            return message.settings != nil
        }
        if name.equals("generation_config") {
            guard let lengths = chunkLengths(value) else { return false }
            message.chunkLengths = lengths
            return true
        }
        guard let flag = value.bool else { return false }
        if name.equals("try_trigger_generation") {
            message.triggers = flag
        } else if name.equals("flush") {
            message.flushes = flag
        } else if name.equals("close_context") {
            message.closesContext = flag
        } else if name.equals("close_socket") {
            message.closesSocket = flag
        } else {
            return false
        }
        return true
    }

    private static func chunkLengths(_ value: JSONValue) -> [Int]? {
        guard let list = value.object?.member("chunk_length_schedule")?.array else { return nil }
        var scanner = list.scanner()
        guard scanner.enterArray() else { return nil }
        var lengths: [Int] = []
        while scanner.nextElement() {
            guard let length = scanner.value()?.integer, 50...500 ~= length, lengths.count < 64 else {
                return nil
            }
            lengths.append(Int(length))
        }
        return lengths
    }
}
