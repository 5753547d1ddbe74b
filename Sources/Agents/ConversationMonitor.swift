// What a supervisor says to a running conversation over its monitor socket (elevenlabs.md §1.15). No I/O.

import Wire

/// A command of the monitor: one text message, client to server. For supervisors' own programs: the server has the call's own
/// socket and needs none of them. The agent needs `monitoring_enabled`, the key the scope to write agents.
public enum MonitorCommand: Sendable, Hashable {
    /// Ends the conversation.
    case endCall
    /// Passes the call on to a number (E.164, personal: never in a log); the agent needs that system tool.
    case transfer(number: String)
    /// Tells the agent something that the caller does not hear.
    case contextualUpdate(String)
    /// A human takes the agent's part; in conversations by text only, like the next two.
    case enableHumanTakeover
    /// The agent has its part again.
    case disableHumanTakeover
    /// What the human says.
    case humanMessage(String)

    /// Its name, and its parameter when it has one.
    private var parts: (type: StaticString, name: StaticString, value: String?) {
        switch self {
        case .endCall: ("end_call", "", nil)
        case .transfer(let number): ("transfer_to_number", "phone_number", number)
        case .contextualUpdate(let text): ("contextual_update", "contextual_update", text)
        case .enableHumanTakeover: ("enable_human_takeover", "", nil)
        case .disableHumanTakeover: ("disable_human_takeover", "", nil)
        case .humanMessage(let text): ("send_human_message", "text", text)
        }
    }

    /// The message.
    public var body: [UInt8] {
        let (type, name, value) = parts
        var json: [UInt8] = []
        JSONWriter.append("{\"command_type\":\"", to: &json)
        JSONWriter.append(type, to: &json)
        JSONWriter.append("\"", to: &json)
        if let value {
            JSONWriter.append(",\"parameters\":{\"", to: &json)
            JSONWriter.append(name, to: &json)
            JSONWriter.append("\":", to: &json)
            JSONWriter.append(string: value, to: &json)
            JSONWriter.append("}", to: &json)
        }
        JSONWriter.append("}", to: &json)
        return json
    }

    /// The socket of conversation `id` at `base`, to be opened with the header `xi-api-key` once the conversation runs; nil when
    /// `base` is no address or `id` none.
    public static func url(base: String, conversationID id: String) -> String? {
        guard let (isSecure, rest) = AgentEndpoint.split(base), !id.isEmpty, id != ".", id != ".." else {
            return nil
        }
        return
            "\(isSecure ? "wss" : "ws")://\(rest)/v1/convai/conversations/\(PercentCoding.encoded(id))/monitor"
    }
}

/// Says neither number nor text, wherever it is printed.
extension MonitorCommand: CustomStringConvertible, CustomDebugStringConvertible {
    /// Its name.
    public var description: String { parts.type.description }
    /// The same as `description`: a dump must not tell more.
    public var debugDescription: String { description }
}
