// What ElevenLabs said of a conversation, as the API shows it.

import Archive
import Net
import Wire

/// The JSON of a conversation.
enum ConversationJSON {
    static func answer(_ id: String, _ catalog: Catalog) throws(ArchiveError) -> HTTPResponse {
        guard try catalog.call(id) != nil else { return Problem.unknownRecording.response }
        guard let row = try catalog.conversation(ofCall: id) else { return Problem.noConversation.response }
        return DeskHandler.json(json(row, id))
    }

    private static func json(_ row: ConversationRow, _ id: String) -> String {
        let audio = row.audioPath.map { _ in "/v1/recordings/\(id)/conversation/audio.mp3" }
        return JSON.object([
            ("conversation_id", JSON.quoted(row.conversationID)), ("call_id", JSON.quoted(id)),
            ("agent_id", JSON.quoted(row.agentID)), ("status", JSON.quoted(row.status)),
            ("source", JSON.quoted(row.source.rawValue)),
            ("received_at", JSON.quoted(ArchiveTime.rfc3339(row.receivedAt))),
            ("event_timestamp", JSON.number(row.eventTimestamp)),
            ("successful", JSON.quoted(row.verdict?.rawValue)),
            ("title", JSON.quoted(row.title)), ("summary", JSON.quoted(row.summary)),
            ("cost", JSON.number(row.cost)), ("duration_seconds", JSON.number(row.durationSeconds)),
            ("termination_reason", JSON.quoted(row.terminationReason)),
            ("audio", JSON.quoted(audio)), ("audio_bytes", JSON.number(row.audioBytes)),
            ("audio_sha256", JSON.quoted(row.audioSHA256?.hex)),
            ("transcript", row.transcript ?? "null"), ("analysis", row.analysis ?? "null"),
            ("document", row.document ?? "null"),
        ])
    }
}
