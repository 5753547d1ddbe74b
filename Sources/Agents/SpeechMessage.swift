// What a client says on a text-to-speech WebSocket: values to bytes and back. No I/O.

import Wire

/// One message of a client on `stream-input` or `multi-stream-input`. Of the latter are those with a context.
public struct SpeechMessage: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// What is to be said; a single space opens, or keeps alive what is open.
    public var text: String?
    /// Whose text it is, on the socket of many.
    public var context: String?
    /// How the voice speaks; in the first message of a socket or context, never later.
    public var settings: SpeechSettings?
    /// How many further characters each piece of sound waits for, 50…500 (`chunk_length_schedule`); in the first message.
    public var chunkLengths: [Int] = []
    /// The API key, where it is not in the handshake's header: a secret.
    public var key: String?
    /// Asks to speak early (`try_trigger_generation`).
    public var triggers = false
    /// Has everything spoken that came so far.
    public var flushes = false
    /// Ends the context.
    public var closesContext = false
    /// Ends the socket once the flushed contexts are spoken.
    public var closesSocket = false

    /// A message that says nothing yet.
    init() {}

    /// The first message of a socket, or of `context`.
    public static func open(
        _ settings: SpeechSettings?, context: String? = nil, chunkLengths: [Int] = [], key: String? = nil
    ) -> SpeechMessage {
        var message = SpeechMessage()
        message.text = " "
        (message.settings, message.context) = (settings, context)
        (message.chunkLengths, message.key) = (chunkLengths, key)
        return message
    }

    /// A text; a space is added where it does not end in one, as the service wants it.
    public static func text(
        _ text: String, context: String? = nil, triggers: Bool = false, flushes: Bool = false
    ) -> SpeechMessage {
        var message = SpeechMessage()
        message.text = text.unicodeScalars.last == " " ? text : text + " "
        (message.context, message.triggers, message.flushes) = (context, triggers, flushes)
        return message
    }

    /// Has `context` spoken as far as its text came.
    public static func flush(context: String) -> SpeechMessage {
        var message = SpeechMessage()
        (message.context, message.flushes) = (context, true)
        return message
    }

    /// Keeps a socket open for another while; with `context` only that one, which empty text does not end there.
    public static func keepAlive(context: String? = nil) -> SpeechMessage {
        var message = SpeechMessage()
        (message.text, message.context) = (context == nil ? " " : "", context)
        return message
    }

    /// Ends the socket of one text: what is left is spoken, then comes the final message.
    public static var end: SpeechMessage {
        var message = SpeechMessage()
        message.text = ""
        return message
    }

    /// Ends `context`; what was flushed may still be spoken.
    public static func close(context: String) -> SpeechMessage {
        var message = SpeechMessage()
        (message.context, message.closesContext) = (context, true)
        return message
    }

    /// Ends the socket of many texts.
    public static var closeSocket: SpeechMessage {
        var message = SpeechMessage()
        message.closesSocket = true
        return message
    }

    /// Without text and key.
    public var description: String { "SpeechMessage" }
    /// Without text and key.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// Appends the message as JSON.
    public func encode(into output: inout [UInt8]) {
        var isEmpty = true
        func member(_ name: StaticString) {
            JSONWriter.append(isEmpty ? "{" : ",", to: &output)
            JSONWriter.append(name, to: &output)
            isEmpty = false
        }
        if let text {
            member("\"text\":")
            JSONWriter.append(string: text, to: &output)
        }
        if let context {
            member("\"context_id\":")
            JSONWriter.append(string: context, to: &output)
        }
        if let settings {
            member("\"voice_settings\":")
            settings.append(to: &output)
        }
        if !chunkLengths.isEmpty {
            member("\"generation_config\":{\"chunk_length_schedule\":[")
            for (index, length) in chunkLengths.enumerated() {
                if index > 0 { JSONWriter.append(",", to: &output) }
                JSONWriter.append(integer: Int64(min(max(length, 50), 500)), to: &output)
            }
            JSONWriter.append("]}", to: &output)
        }
        if let key {
            member("\"xi_api_key\":")
            JSONWriter.append(string: key, to: &output)
        }
        if triggers { member("\"try_trigger_generation\":true") }
        if flushes { member("\"flush\":true") }
        if closesContext { member("\"close_context\":true") }
        if closesSocket { member("\"close_socket\":true") }
        JSONWriter.append(isEmpty ? "{}" : "}", to: &output)
    }
}
