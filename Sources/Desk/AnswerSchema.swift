// The JSON schemas of what `RecordingJSON`, `Transcript` and `ConversationJSON` write.

import Archive
import Calls
import Carriers
import Wire

/// Schemas of answers, by their names in the OpenAPI document.
enum AnswerSchema {
    private typealias Members = [(name: String, json: String)]
    private typealias Schema = JSONSchema

    /// Every schema.
    static var all: [(name: String, json: String)] {
        problems + recordings + conversations + calls + contexts
    }

    private static let problems: Members = [
        (
            "Problem",
            Schema.object(
                [
                    ("type", Schema.text), ("title", Schema.text), ("status", Schema.whole),
                    ("code", Schema.words), ("detail", Schema.text), ("error_id", Schema.id),
                ], optional: ["error_id"])
        ),
        // What carriers' doors say is short: no person reads it.
        (
            "DoorProblem",
            JSON.object([
                ("type", JSON.quoted("object")), ("required", #"["status","code"]"#),
                (
                    "properties",
                    JSON.object([("status", Schema.whole), ("code", Schema.words)])
                ),
            ])
        ),
    ]

    private static let recordings: Members = [
        ("Recording", Schema.object(recording)),
        (
            "RecordingPage",
            Schema.object([
                ("items", Schema.list(Schema.reference("Recording"))),
                ("next_cursor", Schema.orNull(Schema.words)),
            ])
        ),
        (
            "RecordingDetail",
            Schema.object(
                recording + [
                    ("parameters", Schema.anyObject),
                    ("events", Schema.list(Schema.reference("RecordingEvent"))), ("turns", Schema.count),
                    ("conversation", Schema.orNull(Schema.words)),
                    ("metrics", Schema.orNull(Schema.reference("CallMetrics"))),
                ])
        ),
        (
            "RecordingEvent",
            Schema.object([
                ("kind", Schema.words), ("position_ms", Schema.whole), ("length_ms", Schema.whole),
                ("position_samples", Schema.whole), ("length_samples", Schema.whole),
                ("detail", Schema.any),
            ])
        ),
        (
            "CallMetrics",
            Schema.object(
                ["setup_ms", "first_audio_ms"].map { ($0, Schema.orNull(Schema.whole)) }
                    + [
                        "frames_received", "frames_late", "frames_lost", "frames_duplicate", "frames_sent",
                        "bytes_in", "bytes_out", "interruptions", "unknown_events",
                    ].map { ($0, Schema.count) } + [("more", Schema.anyObject)])
        ),
        (
            "RecordingFile",
            Schema.object([
                ("state", Schema.choice(RecordingState.self)), ("cause", optionalText),
                ("audio", optionalText),
                ("media_type", Schema.orNull(Schema.oneOf(RecordingFormat.allCases.map(\.mediaType)))),
                ("bytes", optionalCount), ("sha256", Schema.orNull(Schema.sha256)),
                ("duration_ms", optionalCount), ("samples", optionalCount), ("rate", optionalCount),
                ("channels", Schema.orNull(Schema.choice(RecordingChannels.self))),
                ("bitrate_kbps", optionalCount), ("quality", optionalCount),
                ("sealed_at", Schema.orNull(Schema.dateTime)),
                ("missing", Schema.list(Schema.reference("MissingInterval"))),
                ("origin", Schema.choice(RecordingOrigin.self)),
                ("provenance", Schema.orNull(Schema.reference("Provenance"))),
            ])
        ),
        (
            "MissingInterval",
            Schema.object([
                ("start_ms", Schema.count), ("length_ms", Schema.count), ("start_samples", Schema.count),
                ("length_samples", Schema.count), ("cause", Schema.text),
            ])
        ),
        (
            "Provenance",
            Schema.object([
                ("carrier", Schema.choice(Carrier.self)), ("recording_id", Schema.text),
                ("host", Schema.text), ("downloaded_at", Schema.dateTime),
                ("format", Schema.choice(RecordingFormat.self)), ("stated_ms", optionalCount),
            ])
        ),
        (
            "Transcript",
            Schema.object([
                ("call_id", Schema.id), ("rate", Schema.count),
                ("turns", Schema.list(Schema.reference("Turn"))),
            ])
        ),
        (
            "Turn",
            Schema.object([
                ("role", Schema.choice(TurnRole.self)), ("text", Schema.text), ("heard_text", optionalText),
                ("corrected_text", optionalText), ("start_ms", Schema.whole),
                ("end_ms", Schema.orNull(Schema.whole)), ("start_samples", Schema.whole),
                ("end_samples", Schema.orNull(Schema.whole)), ("generated_ms", optionalCount),
                ("sent_ms", optionalCount), ("heard_ms", optionalCount),
                ("event_id", Schema.orNull(Schema.whole)), ("interrupted", Schema.flag),
            ])
        ),
    ]

    /// The members of a call in a list.
    private static let recording: Members = [
        ("id", Schema.id), ("carrier", Schema.oneOf(Carrier.names)), ("carrier_call_id", Schema.text),
        ("stream_id", optionalText), ("account_id", optionalText), ("caller", optionalText),
        ("called", optionalText), ("agent_id", optionalText), ("conversation_id", optionalText),
        ("started_at", Schema.dateTime), ("ended_at", Schema.orNull(Schema.dateTime)),
        ("duration_ms", Schema.count), ("duration_samples", Schema.count), ("rate", Schema.count),
        (
            "end",
            Schema.orNull(
                Schema.object([
                    ("who", Schema.choice(EndParty.self)),
                    ("why", Schema.orNull(Schema.choice(CallEndReason.self))),
                ]))
        ), ("recording", Schema.reference("RecordingFile")),
    ]

    private static let conversations: Members = [
        (
            "Conversation",
            Schema.object([
                ("conversation_id", Schema.words), ("call_id", Schema.id), ("agent_id", optionalText),
                ("status", optionalText), ("source", Schema.choice(ConversationSource.self)),
                ("received_at", Schema.dateTime), ("event_timestamp", Schema.orNull(Schema.whole)),
                ("successful", Schema.orNull(Schema.choice(ConversationVerdict.self))),
                ("title", optionalText), ("summary", optionalText), ("cost", Schema.orNull(Schema.whole)),
                ("duration_seconds", optionalCount), ("termination_reason", optionalText),
                ("audio", optionalText), ("audio_bytes", optionalCount),
                ("audio_sha256", Schema.orNull(Schema.sha256)),
                // As ElevenLabs said it, whatever that is.
                ("transcript", Schema.any), ("analysis", Schema.any), ("document", Schema.any),
            ])
        )
    ]

    static let optionalText = JSONSchema.orNull(JSONSchema.text)
    static let optionalCount = JSONSchema.orNull(JSONSchema.count)
}
