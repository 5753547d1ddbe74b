// The doors of carriers and of ElevenLabs, and the paths of media streams, as the OpenAPI document tells of them.

import Agents
import Carriers
import Desk
import Signalling
import Switchboard
import Wire

/// What the document says of the switchboard.
enum DoorDocuments {
    /// Every door and every path of streams.
    static let all: [DocumentedDoor] =
        WebhookRoutes.all.map { webhook($0) } + StreamRoutes.all.map { stream($0) }

    /// How who knocks proves who it is.
    static let schemes: [(name: String, json: String)] = [
        ("twilio", key(TwilioSignature.header)), ("telnyx", key(TelnyxSignature.header)),
        ("exotel", #"{"type":"http","scheme":"basic"}"#), ("elevenlabs", key(WebhookSignature.header)),
        ("initiation", #"{"type":"http","scheme":"bearer"}"#),
        ("stream_token", #"{"type":"apiKey","in":"query","name":"token"}"#),
    ]

    private static func key(_ header: String) -> String {
        JSON.object([
            ("type", JSON.quoted("apiKey")), ("in", JSON.quoted("header")),
            ("name", JSON.quoted(header)),
        ])
    }

    private static let text = #"{"type":"string"}"#
    private static let form = "application/x-www-form-urlencoded"
    private static let retryAfter = DocumentedHeader("Retry-After", "Seconds until it is worth asking again")
    private static let challenge = DocumentedHeader("WWW-Authenticate", "What is asked for")

    private static func webhook(_ route: WebhookRoute) -> DocumentedDoor {
        var answers = [
            DocumentedDoor.problem(429, "Too many requests without a proof", headers: [retryAfter])
        ]
        if route.kind == .exotel || route.kind == .api {
            answers.append(DocumentedDoor.problem(401, "A proof is needed", headers: [challenge]))
        }
        if route.kind != .api { answers.append(DocumentedDoor.problem(403, "The proof is wrong or missing")) }
        return DocumentedDoor(
            path: route.path, methods: route.methods, summary: route.summary,
            proofs: [route.kind == .api ? "bearer" : route.kind.rawValue], takes: takes(route.kind),
            answers: answers + Self.answers(route.action))
    }

    private static func takes(_ kind: DoorKind) -> [String] {
        switch kind {
        case .twilio: [form]
        case .exotel: [form, "application/json", "multipart/form-data"]
        case .telnyx, .elevenLabs, .initiation, .api: ["application/json"]
        }
    }

    private static func answers(_ action: DoorAction) -> [DocumentedAnswer] {
        let again = DocumentedHeader(
            "Retry-After", "Seconds until it is worth asking again", isOptional: true)
        let notKept = DocumentedDoor.problem(
            503, "It could not be kept in time, or nothing is taken: send it again", headers: [again])
        switch action {
        case .twilioCall, .twilioSpeechCall, .twilioStreamEnded:
            return [
                DocumentedAnswer(
                    200, "TwiML: what becomes of the call",
                    contents: [DocumentedContent(TwiML.contentType, schema: text)])
            ]
        case .twilioStreamStatus, .twilioCallStatus, .twilioRecordingStatus:
            return [DocumentedAnswer(204, "It is on the disk"), notKept]
        case .telnyxEvent:
            return [
                DocumentedAnswer(200, "It is noted, and on the disk where it is of a recording"), notKept,
            ]
        case .exotelStreamURL:
            return [
                DocumentedAnswer(200, "Where the stream goes", contents: [json(["url": text])]),
                DocumentedDoor.problem(503, "No stream can be taken", headers: [retryAfter]),
            ]
        case .exotelPassthru, .exotelStatus: return [DocumentedAnswer(200, "It is on the disk"), notKept]
        case .postCall:
            return [
                DocumentedAnswer(200, "It is on the disk"),
                DocumentedDoor.problem(422, "It cannot be kept, now or later"),
                DocumentedDoor.problem(503, "It could not be kept", headers: [retryAfter]),
            ]
        case .initiation:
            return [
                DocumentedAnswer(
                    200, "What the agent is to know and say",
                    contents: [json(["type": text, "dynamic_variables": #"{"type":"object"}"#])])
            ]
        case .speechTest:
            let state = json([
                "status": text, "output_format": text, "active_connections": #"{"type":"integer"}"#,
            ])
            return [(200, "It is ready"), (503, "There is no key")].map {
                DocumentedAnswer($0.0, $0.1, contents: [state])
            }
        case .speechConnections:
            let list = #"{"type":"array","items":{"type":"object"}}"#
            return [
                DocumentedAnswer(
                    200, "The media streams that are open",
                    contents: [json(["active_connections": #"{"type":"integer"}"#, "connections": list])])
            ]
        case .speechSynthesis:
            return [
                DocumentedAnswer(
                    200, "The sound; or, for who accepts JSON only, how it went",
                    contents: [
                        DocumentedContent("audio/wav"),
                        json(["status": text, "bytes": #"{"type":"integer"}"#]),
                    ]), DocumentedDoor.problem(502, "Text to speech failed"),
                DocumentedDoor.problem(503, "There is no key", headers: [again]),
                DocumentedDoor.problem(504, "Text to speech was too slow"),
            ]
        }
    }

    /// An object in which these members are always there, among others.
    private static func json(_ members: [String: String]) -> DocumentedContent {
        let members = members.sorted { $0.key < $1.key }.map { (name: $0.key, json: $0.value) }
        let schema = JSON.object([
            ("type", JSON.quoted("object")),
            ("required", JSON.array(members.map { JSON.quoted($0.name) })),
            ("properties", JSON.object(members)),
        ])
        return DocumentedContent("application/json", schema: schema)
    }

    private static func stream(_ route: StreamRoute) -> DocumentedDoor {
        let proofs =
            switch route.carrier {
            case .twilio: ["twilio"]
            case .telnyx: ["stream_token"]
            case .exotel: ["exotel", "stream_token"]
            case nil: ["twilio", "exotel", "stream_token"]
            }
        let upgrade = [
            DocumentedHeader("Upgrade", "websocket"),
            DocumentedHeader("Sec-WebSocket-Accept", "The answer to Sec-WebSocket-Key (RFC 6455)"),
        ]
        let version = [
            DocumentedHeader(
                "Sec-WebSocket-Version", "13, when another version was asked for", isOptional: true),
            DocumentedHeader("Upgrade", "websocket"),
        ]
        return DocumentedDoor(
            path: route.path, methods: ["GET"], summary: route.summary + ", a WebSocket", proofs: proofs,
            answers: [
                DocumentedAnswer(101, "The stream is open", headers: upgrade),
                DocumentedDoor.problem(401, "A proof is needed", headers: [challenge]),
                DocumentedDoor.problem(403, "The proof is wrong or missing"),
                DocumentedDoor.problem(
                    426, "No WebSocket was asked for, or another version of it", headers: version),
                DocumentedDoor.problem(429, "Too many requests without a proof", headers: [retryAfter]),
                DocumentedDoor.problem(
                    503, "No further call is taken now, or too many streams without a start are open"),
            ])
    }
}
