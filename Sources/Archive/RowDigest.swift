// One digest over everything the catalog says of a call, so that a row changed by hand differs from its ledger entry.

/// The SHA-256 of a call's rows. It stands in the ledger's entry of every change of these rows; the last one counts.
///
/// Canonical form: the tag, then for each table of `tables` its name, each row in its order as the byte 1 and its columns, and
/// the byte 0 after the last row. A column is a byte of its kind (0 NULL, 1 integer, 2 text, 3 blob), then eight bytes
/// big-endian (integers, two's complement) or the length in eight bytes and the bytes. A name is written like a text. Columns are
/// named here and not taken from the schema: what a later schema adds does not change the digests of what was sealed
/// before.
enum RowDigest {
    /// The member of the ledger entry's detail that holds it, in hexadecimal digits.
    static let member = "rows_sha256"

    private static let tag = "teeline rows 1\n"

    /// Tables, their columns, and what their rows are chosen and sorted by. What ElevenLabs says of a conversation afterwards
    /// is no part of the call's rows.
    private static let tables: [(name: String, sql: String)] = [
        table(
            "calls",
            """
            id, carrier, carrier_call_id, stream_id, account_id, caller, called, agent_id, conversation_id, \
            started_at, ended_at, duration_samples, rate, end_who, end_why, parameters
            """, key: "id"),
        table(
            "recordings",
            """
            call_id, started_at, state, cause, path, bytes, sha256, samples, rate, channels, bitrate, quality, \
            sealed_at, missing, origin, provenance
            """, key: "call_id"),
        table(
            "turns",
            """
            number, role, text, heard_text, corrected_text, start_samples, end_samples, generated_ms, sent_ms, \
            heard_ms, event_id, interrupted
            """, key: "call_id", order: "number"),
        table("events", "number, kind, position, length, detail", key: "call_id", order: "number"),
        table(
            "metrics",
            """
            setup_ms, first_audio_ms, frames_received, frames_late, frames_lost, frames_duplicate, frames_sent, \
            bytes_in, bytes_out, interruptions, unknown_events, more
            """, key: "call_id"),
    ]

    private static func table(
        _ name: String, _ columns: String, key: String, order: String? = nil
    ) -> (name: String, sql: String) {
        (name, "SELECT \(columns) FROM \(name) WHERE \(key) = ? ORDER BY \(order ?? key)")
    }

    /// The digest of the rows of call `id` as the connection sees them now; for a change, after it and in its
    /// transaction.
    static func of(_ id: String, _ connection: SQLiteConnection) throws(ArchiveError) -> Digest {
        try digest(tag, tables, id, connection)
    }

    /// What ElevenLabs says of a conversation, in the same form: each of its changes has an entry with this digest.
    static func ofConversation(
        _ id: String, _ connection: SQLiteConnection
    ) throws(ArchiveError) -> Digest {
        try digest("teeline conversation 1\n", [conversations], id, connection)
    }

    private static let conversations = table(
        "conversations",
        """
        conversation_id, call_id, agent_id, status, source, received_at, event_timestamp, successful, summary, \
        title, cost, duration_seconds, termination_reason, transcript, analysis, document, has_audio, audio_path, \
        audio_bytes, audio_sha256
        """, key: "conversation_id")

    private static func digest(
        _ tag: String, _ tables: [(name: String, sql: String)], _ id: String, _ connection: SQLiteConnection
    ) throws(ArchiveError) -> Digest {
        var bytes = Array(tag.utf8)
        for table in tables {
            bytes += SQLiteStatement.canonical(2, Array(table.name.utf8))
            let rows = try connection.rows(table.sql, [.text(id)]) { row throws(ArchiveError) -> [UInt8] in
                var line: [UInt8] = [1]
                for column in 0..<row.columns { line += row.canonical(column) }
                return line
            }
            for row in rows { bytes += row }
            bytes.append(0)
        }
        return .sha256(bytes)
    }
}

extension SQLiteStatement {
    /// A column of the row that stands ready in `RowDigest`'s canonical form.
    func canonical(_ column: Int32) -> [UInt8] {
        switch kind(column) {
        case .null: [0]
        case .integer: [1] + Self.bigEndian(UInt64(bitPattern: integer(column)))
        case .text: Self.canonical(2, bytes(column))
        case .blob: Self.canonical(3, bytes(column))
        }
    }

    /// Bytes after their kind and their length.
    static func canonical(_ kind: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        [kind] + bigEndian(UInt64(bytes.count)) + bytes
    }

    private static func bigEndian(_ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) }
    }
}
