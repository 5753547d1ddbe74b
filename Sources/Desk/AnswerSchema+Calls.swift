// The JSON schemas of what is told of calls, contexts and the server itself.

import Archive
import Carriers
import Wire

extension AnswerSchema {
    private typealias Schema = JSONSchema

    static let calls: [(name: String, json: String)] = [
        (
            "LiveCall",
            Schema.object([
                ("id", Schema.words), ("carrier", Schema.oneOf(Carrier.names)),
                ("carrier_call_id", Schema.text), ("agent_id", optionalText), ("caller", optionalText),
                ("called", optionalText), ("started_at", Schema.dateTime), ("phase", Schema.words),
            ])
        ), ("LiveCalls", Schema.object([("items", Schema.list(Schema.reference("LiveCall")))])),
        (
            "PlacedCall",
            Schema.object([
                ("id", Schema.id), ("carrier", Schema.choice(Carrier.self)),
                ("carrier_call_id", optionalText),
                ("to", Schema.text), ("from", optionalText), ("state", Schema.choice(DialState.self)),
                ("cause", optionalText), ("requested_at", Schema.dateTime), ("updated_at", Schema.dateTime),
                ("ended_at", Schema.orNull(Schema.dateTime)),
            ])
        ),
        (
            "Call",
            Schema.object([
                ("id", Schema.words), ("dial", Schema.orNull(Schema.reference("PlacedCall"))),
                ("live", Schema.orNull(Schema.reference("LiveCall"))), ("recording", optionalText),
                ("carrier_events", Schema.list(Schema.reference("CarrierEvent"))),
            ])
        ),
        (
            "CarrierEvent",
            Schema.object([
                ("source", Schema.words), ("kind", Schema.text),
                ("occurred_at", Schema.orNull(Schema.dateTime)), ("received_at", Schema.dateTime),
            ])
        ), ("Accepted", Schema.object([("id", Schema.words)])),
        (
            "StreamToken",
            Schema.object([
                ("token", Schema.words), ("expires_at", Schema.dateTime), ("url", Schema.words),
            ])
        ),
    ]

    static let contexts: [(name: String, json: String)] = [
        (
            "Context",
            Schema.object([
                ("phone", Schema.words),
                (
                    "fields",
                    JSON.object([
                        ("type", JSON.quoted("object")),
                        ("maxProperties", String(ContextRow.fieldLimit)),
                        ("additionalProperties", Schema.text),
                    ])
                ), ("updated_at", Schema.dateTime),
            ])
        ),
        (
            "ContextPage",
            Schema.object([
                ("items", Schema.list(Schema.reference("Context"))),
                ("next_cursor", Schema.orNull(Schema.words)),
            ])
        ),
        (
            "ImportOutcome",
            Schema.object([
                ("added", Schema.count), ("replaced", Schema.count), ("unchanged", Schema.count),
            ])
        ), ("Health", Schema.object([("status", Schema.oneOf(["ok"]))])),
        (
            "Readiness",
            Schema.object([("ready", Schema.flag), ("reasons", Schema.list(Schema.words))])
        ),
    ]
}

extension RouteAction {
    /// The schema of its good answer in JSON; nil when that has none of its own.
    var answerSchema: String? {
        switch self {
        case .recordings: "RecordingPage"
        case .recording: "RecordingDetail"
        case .transcript(nil), .transcript(.json): "Transcript"
        case .transcript, .audio, .conversationAudio, .removeContext, .metrics, .openAPI: nil
        case .conversation: "Conversation"
        case .calls: "LiveCalls"
        case .placeCall: "PlacedCall"
        case .call: "Call"
        case .hangUp, .speak: "Accepted"
        case .issueToken: "StreamToken"
        case .contexts: "ContextPage"
        case .context, .storeContext: "Context"
        case .importContexts: "ImportOutcome"
        case .health: "Health"
        case .readiness: "Readiness"
        }
    }
}
