// What a text-to-speech WebSocket says: bytes to `SpeechEvent`. No I/O.

import Wire

/// A complaint of the service on a text-to-speech WebSocket; the socket's close follows it. Holds no word of the
/// service's message.
public struct SpeechSocketError: Error, Sendable, Hashable {
    /// What the service calls it ("input_timeout_exceeded"), fit for a log; nil when it does not say.
    public var name: String?
    /// The code of the close that follows.
    public var code: Int?
    /// The context it is about; complaints about all of the socket name none, others may not, too.
    public var context: String?

    /// An error made of its parts.
    public init(name: String?, code: Int?, context: String? = nil) {
        (self.name, self.code, self.context) = (name, code, context)
    }
}

/// One message of a text-to-speech WebSocket.
public enum SpeechEvent: Sendable, Hashable {
    /// Sound of `context` (nil on the socket of one text); its bytes stand in the codec's `payload` until the next message.
    /// The times are of its characters as written and as spoken, from the piece's start.
    case sound(context: String?, alignment: AudioAlignment?, normalized: AudioAlignment?, isFinal: Bool)
    /// All of the text, or of `context`, is spoken.
    case final(context: String?)
    /// The service gives up.
    case failed(SpeechSocketError)
    /// None of these: ignored.
    case other
}

/// Reads what `stream-input` and `multi-stream-input` say. One codec serves one socket.
///
/// Both spellings that the service's documents have are understood: `isFinal` and `is_final`, `contextId` and `context_id`,
/// `charDurationsMs` and `charsDurationsMs`.
public struct SpeechCodec: Sendable {
    /// The sound of the last `.sound` event (base64 removed). Reused: copy to keep.
    public private(set) var payload: [UInt8] = []

    /// A codec for one socket.
    public init() {}

    /// Decodes one text message. `payload` is empty unless the answer is `.sound`.
    /// - Throws: `AgentMessageError`; the next message may be read all the same.
    public mutating func decode(_ message: UnsafeRawBufferPointer) throws(AgentMessageError) -> SpeechEvent {
        payload.removeAll(keepingCapacity: true)
        var scanner = JSONScanner(message)
        guard case .object(let whole) = scanner.value(), scanner.finish() else { throw .notJSON }
        let context = try Self.context(of: whole)
        let isFinal = (whole.member("isFinal") ?? whole.member("is_final"))?.bool ?? false
        if let sound = whole.member("audio"), !sound.isNull {
            guard let text = sound.text else { throw .missingField("audio") }
            guard text.decodeBase64(into: &payload) else { throw .notBase64 }
            return .sound(
                context: context, alignment: Self.alignment(whole.member("alignment")),
                normalized: Self.alignment(whole.member("normalizedAlignment")), isFinal: isFinal)
        }
        if let error = whole.member("error"), !error.isNull {
            return .failed(
                SpeechSocketError(
                    name: error.text?.label, code: whole.integer("code").flatMap { Int(exactly: $0) },
                    context: context))
        }
        return isFinal ? .final(context: context) : .other
    }

    private static func context(of whole: JSONContainer) throws(AgentMessageError) -> String? {
        guard let value = whole.member("contextId") ?? whole.member("context_id"), !value.isNull else {
            return nil
        }
        guard let text = value.text else { throw .missingField("contextId") }
        guard let context = text.string(limit: AgentLimits.id) else { throw .tooLong("contextId") }
        return context
    }

    private static func alignment(_ value: JSONValue?) -> AudioAlignment? {
        value.flatMap {
            AudioAlignment($0, starts: "charStartTimesMs", durations: "charDurationsMs")
                ?? AudioAlignment($0, starts: "charStartTimesMs", durations: "charsDurationsMs")
        }
    }
}

extension JSONText {
    /// Replaces `output` by the bytes that the text codes in base64; false when it is none.
    func decodeBase64(into output: inout [UInt8]) -> Bool {
        if let plain { return Base64.decode(plain, into: &output) }
        var text: [UInt8] = []
        append(to: &text)
        return text.withUnsafeBytes { Base64.decode($0, into: &output) }
    }
}
