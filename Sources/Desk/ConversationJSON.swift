// What ElevenLabs said of a conversation, as the API shows it.

import Archive
import Net

/// The JSON of a conversation.
enum ConversationJSON {
    static func answer(_ id: String, _ catalog: Catalog) throws(ArchiveError) -> HTTPResponse {
        guard try catalog.call(id) != nil else { return Problem.unknownRecording.response }
        guard let row = try catalog.conversation(ofCall: id) else { return Problem.noConversation.response }
        return DeskHandler.json(json(row, id))
    }

    private static func json(_ row: ConversationRow, _ id: String) -> String {
        let audio = row.audioPath.map { _ in "/v1/recordings/\(id)/conversation/audio.mp3" }
        return JSONText.object([
            ("conversation_id", JSONText.quoted(row.conversationID)), ("call_id", JSONText.quoted(id)),
            ("agent_id", JSONText.quoted(row.agentID)), ("status", JSONText.quoted(row.status)),
            ("source", JSONText.quoted(row.source.rawValue)),
            ("received_at", JSONText.quoted(ArchiveTime.rfc3339(row.receivedAt))),
            ("event_timestamp", JSONText.number(row.eventTimestamp)),
            ("successful", JSONText.quoted(row.verdict?.rawValue)),
            ("title", JSONText.quoted(row.title)), ("summary", JSONText.quoted(row.summary)),
            ("cost", JSONText.number(row.cost)), ("duration_seconds", JSONText.number(row.durationSeconds)),
            ("termination_reason", JSONText.quoted(row.terminationReason)),
            ("audio", JSONText.quoted(audio)), ("audio_bytes", JSONText.number(row.audioBytes)),
            ("audio_sha256", JSONText.quoted(row.audioSHA256?.hex)),
            ("transcript", row.transcript ?? "null"), ("analysis", row.analysis ?? "null"),
            ("document", row.document ?? "null"),
        ])
    }
}
