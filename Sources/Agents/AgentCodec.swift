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
    /// Overrides the agent's first message. Overrides must be allowed in the agent's settings, else it refuses (1008).
    public var firstMessage: String?
    /// Overrides the agent's language (ISO 639-1).
    public var language: String?
    /// Overrides the agent's voice.
    public var voiceID: String?

    /// An initiation with `dynamicVariables`.
    public init(dynamicVariables: [String: String] = [:], userID: String? = nil) {
        self.dynamicVariables = dynamicVariables
        self.userID = userID
    }
}

/// Speaks the ElevenLabs conversation protocol. One codec serves one conversation.
///
/// Members may come in any order (`type` mostly comes last); of two of the same name the first counts.
public struct AgentCodec: Sendable {
    /// The sound of the last `.audio` event (base64 removed). Reused: copy to keep.
    public private(set) var payload: [UInt8] = []
    /// Base64 that has escapes (`\/`), decoded.
    private var scratch: [UInt8] = []

    /// A codec for one conversation.
    public init() {}

    /// Decodes one text message. `payload` is empty unless the answer is `.audio`.
    /// - Throws: `AgentMessageError`; the conversation can go on with the next message.
    public mutating func decode(_ message: UnsafeRawBufferPointer) throws(AgentMessageError) -> AgentEvent {
        payload.removeAll(keepingCapacity: true)
        guard let frame = AgentFrame(message) else { throw .notJSON }
        guard let type = frame.type?.text else { throw .missingField("type") }
        if type.equals("audio") { return try audio(frame) }
        return try AgentEventReader(whole: frame.whole).read(type)
    }

    private mutating func audio(_ frame: AgentFrame) throws(AgentMessageError) -> AgentEvent {
        guard let text = frame.sound?.text else { throw .missingField("audio_base_64") }
        guard let eventID = frame.eventID?.integer else { throw .missingField("event_id") }
        var decoded = false
        if let plain = text.plain {
            decoded = Base64.decode(plain, into: &payload)
        } else {
            scratch.removeAll(keepingCapacity: true)
            text.append(to: &scratch)
            decoded = scratch.withUnsafeBytes { Base64.decode($0, into: &payload) }
        }
        guard decoded else { throw .notBase64 }
        let alignment = frame.alignment.flatMap { AudioAlignment($0) }
        return .audio(eventID: eventID, alignment: alignment)
    }
}

extension AudioAlignment {
    /// The alignment of an `alignment` object; nil when it is null or ill-formed: sound does not depend on it.
    init?(
        _ value: JSONValue, starts startsName: StaticString = "char_start_times_ms",
        durations durationsName: StaticString = "char_durations_ms"
    ) {
        guard let object = value.object,
            let characters = Self.elements(of: object.member("chars"), { $0.text?.string(limit: 64) }),
            let starts = Self.elements(of: object.member(startsName), Self.milliseconds),
            let durations = Self.elements(of: object.member(durationsName), Self.milliseconds),
            characters.count == starts.count, characters.count == durations.count
        else { return nil }
        self.init(characters: characters, startMilliseconds: starts, durationMilliseconds: durations)
    }

    /// A day: more than any chunk of sound, and small enough to reckon with.
    private static func milliseconds(_ value: JSONValue) -> Int? {
        guard let number = value.integer, 0...86_400_000 ~= number else { return nil }
        return Int(number)
    }

    /// The array's elements, if `element` understands each of them.
    static func elements<Element>(of value: JSONValue?, _ element: (JSONValue) -> Element?)
        -> [Element]?
    {
        guard var scanner = value?.array?.scanner(), scanner.enterArray() else { return nil }
        var elements: [Element] = []
        while scanner.nextElement() {
            guard let value = scanner.value(), let read = element(value) else { return nil }
            elements.append(read)
        }
        return elements
    }
}
