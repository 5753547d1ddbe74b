// What ElevenLabs said of conversations, against the ledger.

/// What is wrong between a conversation's row and the ledger.
public enum ConversationFault: Sendable, Hashable {
    /// No entry of the ledger tells of it.
    case unledgered(conversationID: String)
    /// The row is not that of the last entry that tells of it.
    case differs(conversationID: String)
    /// The ledger tells of it, and the catalog does not have it any more.
    case lost(conversationID: String)
}

extension Catalog {
    private static let conversationKinds =
        "('conversation.received', 'conversation.audio', 'conversation.linked')"

    /// Compares the row of every conversation with the digest in the ledger's last entry of it; with `selected` only those of
    /// these calls. Entries from before there were digests tell only that there is a row.
    public func verifyConversations(
        of selected: Set<String>? = nil
    ) throws(ArchiveError) -> [ConversationFault] {
        try read { connection throws(ArchiveError) in
            try connection.snapshot { () throws(ArchiveError) in
                var told = try Self.tellings(connection)
                var faults: [ConversationFault] = []
                var last = ""
                while true {
                    let rows = try connection.rows(
                        """
                        SELECT conversation_id, call_id FROM conversations WHERE conversation_id > ?
                        ORDER BY conversation_id LIMIT 1000
                        """, [.text(last)]
                    ) { row throws(ArchiveError) in (id: row.text(0), call: row.optionalText(1)) }
                    guard let end = rows.last else { break }
                    for row in rows {
                        let telling = told.removeValue(forKey: row.id)
                        if let selected, row.call.map({ selected.contains($0) }) != true { continue }
                        guard let telling else {
                            faults.append(.unledgered(conversationID: row.id))
                            continue
                        }
                        guard let digest = telling else { continue }
                        if try RowDigest.ofConversation(row.id, connection).hex != digest {
                            faults.append(.differs(conversationID: row.id))
                        }
                    }
                    last = end.id
                }
                if selected == nil { faults += told.keys.sorted().map { .lost(conversationID: $0) } }
                return faults
            }
        }
    }

    /// The last digest of each conversation that the ledger tells of; nil for one from before there were digests.
    private static func tellings(
        _ connection: SQLiteConnection
    ) throws(ArchiveError) -> [String: String?] {
        var told: [String: String?] = [:]
        // An entry that was rewritten need not be JSON any more.
        let entries = try connection.rows(
            """
            SELECT json_extract(detail, '$.conversation_id'), json_extract(detail, '$.\(RowDigest.member)')
            FROM (SELECT seq, CASE WHEN json_valid(detail) THEN detail ELSE '{}' END AS detail FROM ledger
              WHERE kind IN \(conversationKinds)) ORDER BY seq
            """
        ) { row throws(ArchiveError) in (id: row.optionalText(0), digest: row.optionalText(1)) }
        for entry in entries {
            if let id = entry.id { told.updateValue(entry.digest, forKey: id) }
        }
        return told
    }
}
