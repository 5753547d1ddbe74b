// Reading conversations and adopted recordings.

extension Catalog {
    /// What ElevenLabs said of a conversation, or nil.
    public func conversation(_ conversationID: String) throws(ArchiveError) -> ConversationRow? {
        try read { connection throws(ArchiveError) in
            try RowMapping.conversation(conversationID, connection)
        }
    }

    /// What ElevenLabs said of a call's conversation, the latest when there were several; nil for nothing.
    public func conversation(ofCall id: String) throws(ArchiveError) -> ConversationRow? {
        try read { connection throws(ArchiveError) in
            try connection.first(
                """
                SELECT \(RowMapping.conversationColumns) FROM conversations WHERE call_id = ?
                ORDER BY event_timestamp DESC, received_at DESC, conversation_id
                """, [.text(id)]
            ) { row throws(ArchiveError) in try RowMapping.conversation(row) }
        }
    }

    /// The call that says it had this conversation, or nil.
    public func call(ofConversation conversationID: String) throws(ArchiveError) -> ListedCall? {
        try read { connection throws(ArchiveError) in
            guard let id = try RowMapping.call(ofConversation: conversationID, connection) else { return nil }
            return try RowMapping.stored(id, connection)
        }
    }

    /// At most `limit` ended calls since `start` (microseconds UTC) that had a conversation of which nothing was said yet,
    /// the latest first: their identifiers and the conversations'.
    public func callsWithoutConversation(
        since start: Int64, limit: Int
    ) throws(ArchiveError) -> [(call: String, conversation: String)] {
        try read { connection throws(ArchiveError) in
            try connection.rows(
                """
                SELECT c.id, c.conversation_id FROM calls c
                WHERE c.started_at >= ? AND c.conversation_id IS NOT NULL AND c.ended_at IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM conversations v WHERE v.conversation_id = c.conversation_id
                  AND v.event_timestamp IS NOT NULL)
                ORDER BY c.started_at DESC, c.id LIMIT ?
                """, [.integer(start), .integer(Int64(max(limit, 0)))]
            ) { row throws(ArchiveError) in (row.text(0), row.text(1)) }
        }
    }

    /// The row of a carrier's recording, adopted or failed, or nil: ask before downloading it once more.
    public func adopted(carrier: String, recordingID: String) throws(ArchiveError) -> ListedCall? {
        try read { connection throws(ArchiveError) in
            try RowMapping.adopted(carrier: carrier, recordingID: recordingID, connection)
        }
    }

    /// At most `limit` conversations with sealed audio whose identifier follows `id`: for walks over everything.
    func conversationsWithAudio(after id: String, limit: Int) throws(ArchiveError) -> [ConversationRow] {
        try read { connection throws(ArchiveError) in
            try connection.rows(
                """
                SELECT conversation_id, call_id, NULL, NULL, source, received_at, event_timestamp, NULL, NULL, NULL,
                NULL, NULL, NULL, NULL, NULL, NULL, has_audio, audio_path, audio_bytes, audio_sha256
                FROM conversations WHERE conversation_id > ? AND audio_path IS NOT NULL
                ORDER BY conversation_id LIMIT ?
                """, [.text(id), .integer(Int64(limit))]
            ) { row throws(ArchiveError) in try RowMapping.conversation(row) }
        }
    }
}
