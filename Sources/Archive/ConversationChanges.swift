// Changes of conversations, and reading them.

import Wire

extension CatalogChanges {
    /// What is said of a conversation: the newer delivery counts, and what it lacks is kept of the older one, in whichever
    /// order they come.
    func conversation(_ row: ConversationRow) throws(ArchiveError) -> ChangeOutcome {
        try check(row)
        return try connection.transaction { () throws(ArchiveError) in
            let known = try RowMapping.conversation(row.conversationID, connection)
            var row = row
            if let known {
                let isNewer = (row.eventTimestamp ?? Int64.min) > (known.eventTimestamp ?? Int64.min)
                row = isNewer ? row.filled(from: known) : known.filled(from: row)
                if !isNewer, row == known { return ChangeOutcome(unchanged: 1) }
            }
            var call = known?.callID
            if call == nil { call = try callID(row) }
            try connection.execute(
                """
                INSERT INTO conversations (conversation_id, call_id, agent_id, status, source, received_at,
                event_timestamp, successful, summary, title, cost, duration_seconds, termination_reason, transcript,
                analysis, document, has_audio)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
                ON CONFLICT (conversation_id) DO UPDATE SET call_id = ?2, agent_id = ?3, status = ?4, source = ?5,
                received_at = ?6, event_timestamp = ?7, successful = ?8, summary = ?9, title = ?10, cost = ?11,
                duration_seconds = ?12, termination_reason = ?13, transcript = ?14, analysis = ?15, document = ?16,
                has_audio = ?17
                """,
                [
                    .text(row.conversationID), SQLiteValue(call), SQLiteValue(row.agentID),
                    SQLiteValue(row.status), .text(row.source.rawValue), .integer(row.receivedAt),
                    SQLiteValue(row.eventTimestamp), SQLiteValue(row.verdict?.rawValue),
                    SQLiteValue(row.summary), SQLiteValue(row.title), SQLiteValue(row.cost),
                    SQLiteValue(row.durationSeconds), SQLiteValue(row.terminationReason),
                    SQLiteValue(row.transcript), SQLiteValue(row.analysis), SQLiteValue(row.document),
                    SQLiteValue(row.hasAudio),
                ])
            try trace(
                "conversation.received", row.conversationID, call,
                [
                    ("source", JSON.quoted(row.source.rawValue)),
                    ("event_timestamp", JSON.number(row.eventTimestamp)),
                ])
            return known == nil ? ChangeOutcome(added: 1) : ChangeOutcome(replaced: 1)
        }
    }

    /// The rows of a conversation's sealed audio, after every step on the file.
    func conversationAudio(
        _ audio: ConversationAudio, path: String, digest: Digest
    ) throws(ArchiveError) {
        try connection.transaction { () throws(ArchiveError) in
            let row = ConversationRow(
                conversationID: audio.conversationID, callID: audio.call?.id, source: audio.source,
                receivedAt: audio.receivedAt, eventTimestamp: nil)
            let call = try callID(row)
            try connection.execute(
                """
                INSERT INTO conversations (conversation_id, call_id, agent_id, source, received_at, has_audio,
                audio_path, audio_bytes, audio_sha256) VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8)
                ON CONFLICT (conversation_id) DO UPDATE SET call_id = coalesce(call_id, ?2), audio_path = ?6,
                audio_bytes = ?7, audio_sha256 = ?8
                """,
                [
                    .text(audio.conversationID), SQLiteValue(call), SQLiteValue(audio.agentID),
                    .text(audio.source.rawValue), .integer(audio.receivedAt), .text(path),
                    .integer(audio.bytes), .blob(digest.bytes),
                ])
            try trace(
                "conversation.audio", audio.conversationID, call,
                [
                    ("path", JSON.quoted(path)), ("bytes", String(audio.bytes)),
                    ("sha256", JSON.quoted(digest.hex)),
                ])
        }
    }

    /// A conversation that came before its call became known; belongs into the transaction that makes it known.
    func linkConversation(_ conversationID: String?, to id: String) throws(ArchiveError) {
        guard let conversationID else { return }
        try connection.execute(
            "UPDATE conversations SET call_id = ? WHERE conversation_id = ? AND call_id IS NULL",
            [.text(id), .text(conversationID)])
        if connection.changes > 0 { try trace("conversation.linked", conversationID, id, []) }
    }

    /// The call a row names, when there is one, otherwise the one that says it had this conversation.
    private func callID(_ row: ConversationRow) throws(ArchiveError) -> String? {
        if let id = row.callID, try RowMapping.stored(id, connection) != nil { return id }
        return try RowMapping.call(ofConversation: row.conversationID, connection)
    }

    private func check(_ row: ConversationRow) throws(ArchiveError) {
        guard ConversationRow.isIdentifier(row.conversationID) else {
            throw .badValue(field: "conversation_id")
        }
        guard (row.document?.utf8.count ?? 0) <= ConversationRow.documentLimit else {
            throw .badValue(field: "document")
        }
        guard (row.durationSeconds ?? 0) >= 0 else { throw .badValue(field: "duration_seconds") }
        let parts = [
            ("transcript", row.transcript, "array"), ("analysis", row.analysis, "object"),
            ("document", row.document, "object"),
        ]
        for (name, text, type) in parts {
            guard let text else { continue }
            let isValid = try connection.integer("SELECT json_valid(?)", [.text(text)]) == 1
            guard isValid else { throw .badValue(field: name) }
            let isSound =
                try connection.integer(
                    "SELECT json_type(?) = ?", [.text(text), .text(type)]) == 1
            guard isSound else { throw .badValue(field: name) }
        }
    }

    private func trace(
        _ kind: String, _ conversationID: String, _ callID: String?,
        _ members: [(name: String, json: String)]
    ) throws(ArchiveError) {
        let digest = try RowDigest.ofConversation(conversationID, connection)
        let detail = JSON.object(
            [("conversation_id", JSON.quoted(conversationID))] + members
                + [(RowDigest.member, JSON.quoted(digest.hex))])
        try Ledger.append(connection, at: now, kind: kind, callID: callID, detail: detail)
    }
}

extension RowMapping {
    static let conversationColumns = """
        conversation_id, call_id, agent_id, status, source, received_at, event_timestamp, successful, summary, \
        title, cost, duration_seconds, termination_reason, transcript, analysis, document, has_audio, audio_path, \
        audio_bytes, audio_sha256
        """

    static func conversation(_ row: SQLiteStatement) throws(ArchiveError) -> ConversationRow {
        guard let source = ConversationSource(rawValue: row.text(4)) else { throw .badValue(field: "source") }
        var conversation = ConversationRow(
            conversationID: row.text(0), callID: row.optionalText(1), agentID: row.optionalText(2),
            status: row.optionalText(3), source: source, receivedAt: row.integer(5),
            eventTimestamp: row.optionalInteger(6))
        conversation.verdict = row.optionalText(7).flatMap { ConversationVerdict(rawValue: $0) }
        conversation.summary = row.optionalText(8)
        conversation.title = row.optionalText(9)
        conversation.cost = row.optionalInteger(10)
        conversation.durationSeconds = row.optionalInteger(11)
        conversation.terminationReason = row.optionalText(12)
        conversation.transcript = row.optionalText(13)
        conversation.analysis = row.optionalText(14)
        conversation.document = row.optionalText(15)
        conversation.hasAudio = row.integer(16) != 0
        conversation.audioPath = row.optionalText(17)
        conversation.audioBytes = row.optionalInteger(18)
        conversation.audioSHA256 = row.optionalBlob(19).flatMap { Digest(bytes: $0) }
        return conversation
    }

    static func conversation(
        _ id: String, _ connection: SQLiteConnection
    ) throws(ArchiveError) -> ConversationRow? {
        try connection.first(
            "SELECT \(conversationColumns) FROM conversations WHERE conversation_id = ?", [.text(id)]
        ) { row throws(ArchiveError) in try conversation(row) }
    }

    /// Whether a conversation's audio stands under this name already.
    static func ownsAudio(_ path: String, _ connection: SQLiteConnection) throws(ArchiveError) -> Bool {
        try connection.integer("SELECT count(*) FROM conversations WHERE audio_path = ?", [.text(path)]) > 0
    }

    /// The call that says it had this conversation: the bridged one, when an adopted recording says so, too.
    static func call(
        ofConversation id: String, _ connection: SQLiteConnection
    ) throws(ArchiveError) -> String? {
        try connection.first(
            """
            SELECT c.id FROM calls c JOIN recordings r ON r.call_id = c.id WHERE c.conversation_id = ?
            ORDER BY r.origin = 'carrier', c.started_at, c.id
            """, [.text(id)]
        ) { row throws(ArchiveError) in row.text(0) }
    }

    /// A carrier's recording that was adopted, or nil.
    static func adopted(
        carrier: String, recordingID: String, _ connection: SQLiteConnection
    ) throws(ArchiveError) -> ListedCall? {
        try connection.first(
            """
            SELECT \(listedColumns) FROM recordings r JOIN calls c ON c.id = r.call_id
            WHERE r.origin = 'carrier' AND json_extract(r.provenance, '$.carrier') = ?
            AND json_extract(r.provenance, '$.recording_id') = ?
            """, [.text(carrier), .text(recordingID)]
        ) { row throws(ArchiveError) in try listed(row, connection) }
    }
}
