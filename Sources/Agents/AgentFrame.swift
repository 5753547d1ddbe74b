// The members of one agent message, found in a single pass whatever their order.

import Wire

/// One message taken apart. Of two members of the same name the first counts. Points into the message.
struct AgentFrame {
    /// The whole message, for members looked up once the type is known.
    let whole: JSONContainer
    var type: JSONValue?
    /// The members of `audio_event`, read in passing: sound is most of the traffic.
    var hasAudio = false
    var sound: JSONValue?
    var eventID: JSONValue?
    var alignment: JSONValue?

    /// Takes `message` apart; nil when it is not exactly one JSON object.
    init?(_ message: UnsafeRawBufferPointer) {
        whole = JSONContainer(bytes: message)
        var scanner = JSONScanner(message)
        guard scanner.enterObject() else { return nil }
        while let key = scanner.nextMember() {
            if key.equals("audio_event"), !hasAudio {
                hasAudio = true
                if scanner.enterObject() {
                    readAudio(&scanner)
                    continue
                }
            }
            guard let value = scanner.value() else { return nil }
            if type == nil, key.equals("type") { type = value }
        }
        guard scanner.finish() else { return nil }
    }

    private mutating func readAudio(_ scanner: inout JSONScanner) {
        while let key = scanner.nextMember(), let value = scanner.value() {
            if key.equals("audio_base_64") {
                if sound == nil { sound = value }
            } else if key.equals("event_id") {
                if eventID == nil { eventID = value }
            } else if key.equals("alignment") {
                if alignment == nil { alignment = value }
            }
        }
    }
}

/// How long an agent's fields may be, in bytes of UTF-8. Ours: ElevenLabs documents none.
enum AgentLimits {
    static let id = 256
    static let text = 65536
}

extension JSONContainer {
    /// The string member `name` of at most `limit` bytes.
    func string(_ name: StaticString, limit: Int) throws(AgentMessageError) -> String {
        guard let text = member(name)?.text else { throw .missingField(name.description) }
        guard let string = text.string(limit: limit) else { throw .tooLong(name.description) }
        return string
    }

    /// The integer member `name`, whether number or string of digits; nil when there is none that fits.
    func integer(_ name: StaticString) -> Int64? { member(name)?.integer }
}
