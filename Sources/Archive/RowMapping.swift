// Rows of the catalog to values and back.

import CSQLite
import Wire

/// The columns of a call with its recording, in the order `listed` reads them.
enum RowMapping {
    static let listedColumns = """
        c.id, c.carrier, c.carrier_call_id, c.stream_id, c.account_id, c.caller, c.called, c.agent_id, \
        c.conversation_id, c.started_at, c.ended_at, c.duration_samples, c.rate, c.end_who, c.end_why, \
        c.parameters, r.state, r.cause, r.path, r.bytes, r.sha256, r.samples, r.rate, r.channels, r.bitrate, \
        r.quality, r.sealed_at, r.missing, r.origin, r.provenance
        """

    static func listed(
        _ row: SQLiteStatement, _ connection: SQLiteConnection
    ) throws(ArchiveError) -> ListedCall {
        let call = CallRow(
            id: row.text(0), carrier: row.text(1), carrierCallID: row.text(2), streamID: row.optionalText(3),
            accountID: row.optionalText(4), caller: row.optionalText(5), called: row.optionalText(6),
            agentID: row.optionalText(7), conversationID: row.optionalText(8), startedAt: row.integer(9),
            endedAt: row.optionalInteger(10), durationSamples: row.integer(11), rate: Int(row.integer(12)),
            endWho: row.optionalText(13).flatMap { EndParty(rawValue: $0) }, endWhy: row.optionalText(14),
            parameters: row.text(15))
        guard let state = RecordingState(rawValue: row.text(16)) else { throw .badValue(field: "state") }
        var recording = RecordingRow(callID: call.id, state: state)
        recording.cause = row.optionalText(17)
        recording.path = row.optionalText(18)
        recording.bytes = row.optionalInteger(19)
        recording.sha256 = row.optionalBlob(20).flatMap { Digest(bytes: $0) }
        recording.samples = row.optionalInteger(21)
        recording.rate = row.optionalInteger(22).map { Int($0) }
        recording.channels = row.optionalText(23).flatMap { RecordingChannels(rawValue: $0) }
        recording.bitrate = row.optionalInteger(24).map { Int($0) }
        recording.quality = row.optionalInteger(25).map { Int($0) }
        recording.sealedAt = row.optionalInteger(26)
        let missing = row.text(27)
        if missing != "[]" { recording.missing = try intervals(missing, connection) }
        guard let origin = RecordingOrigin(rawValue: row.text(28)) else { throw .badValue(field: "origin") }
        recording.origin = origin
        if let json = row.optionalText(29) {
            recording.provenance = try RecordingProvenance.read(json, connection)
        }
        return ListedCall(call: call, recording: recording)
    }

    /// One call with its recording, or nil.
    static func stored(_ id: String, _ connection: SQLiteConnection) throws(ArchiveError) -> ListedCall? {
        try connection.first(
            "SELECT \(listedColumns) FROM calls c JOIN recordings r ON r.call_id = c.id WHERE c.id = ?",
            [.text(id)]
        ) { row throws(ArchiveError) in try listed(row, connection) }
    }

    static func json(_ intervals: [MissingInterval]) -> String {
        JSON.array(
            intervals.map {
                JSON.object([
                    ("start", String($0.start)), ("length", String($0.length)),
                    ("cause", JSON.quoted($0.cause)),
                ])
            })
    }

    private static func intervals(
        _ json: String, _ connection: SQLiteConnection
    ) throws(ArchiveError) -> [MissingInterval] {
        try connection.rows(
            """
            SELECT json_extract(value, '$.start'), json_extract(value, '$.length'),
            json_extract(value, '$.cause') FROM json_each(?) ORDER BY key
            """, [.text(json)]
        ) { row throws(ArchiveError) in
            MissingInterval(start: row.integer(0), length: row.integer(1), cause: row.text(2))
        }
    }

    static func turns(_ id: String, _ connection: SQLiteConnection) throws(ArchiveError) -> [TurnRow] {
        try connection.rows(
            """
            SELECT role, text, heard_text, corrected_text, start_samples, end_samples, generated_ms, sent_ms,
            heard_ms, event_id, interrupted FROM turns WHERE call_id = ? ORDER BY number
            """, [.text(id)]
        ) { row throws(ArchiveError) in
            guard let role = TurnRole(rawValue: row.text(0)) else { throw .badValue(field: "role") }
            return TurnRow(
                role: role, text: row.text(1), heardText: row.optionalText(2),
                correctedText: row.optionalText(3), startSamples: row.integer(4),
                endSamples: row.optionalInteger(5), generatedMilliseconds: row.optionalInteger(6),
                sentMilliseconds: row.optionalInteger(7), heardMilliseconds: row.optionalInteger(8),
                eventID: row.optionalInteger(9), interrupted: row.integer(10) != 0)
        }
    }

    static func insert(
        _ turns: [TurnRow], of id: String, _ connection: SQLiteConnection
    ) throws(ArchiveError) {
        for (number, turn) in turns.enumerated() {
            try connection.execute(
                "INSERT INTO turns VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    .text(id), .integer(Int64(number)), .text(turn.role.rawValue), .text(turn.text),
                    SQLiteValue(turn.heardText), SQLiteValue(turn.correctedText), .integer(turn.startSamples),
                    SQLiteValue(turn.endSamples), SQLiteValue(turn.generatedMilliseconds),
                    SQLiteValue(turn.sentMilliseconds), SQLiteValue(turn.heardMilliseconds),
                    SQLiteValue(turn.eventID), SQLiteValue(turn.interrupted),
                ])
        }
    }

    static func events(_ id: String, _ connection: SQLiteConnection) throws(ArchiveError) -> [EventRow] {
        try connection.rows(
            "SELECT kind, position, length, detail FROM events WHERE call_id = ? ORDER BY number", [.text(id)]
        ) { row throws(ArchiveError) in
            EventRow(kind: row.text(0), position: row.integer(1), length: row.integer(2), detail: row.text(3))
        }
    }

    static func insert(
        _ events: [EventRow], of id: String, _ connection: SQLiteConnection
    ) throws(ArchiveError) {
        for (number, event) in events.enumerated() {
            try connection.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)",
                [
                    .text(id), .integer(Int64(number)), .text(event.kind), .integer(event.position),
                    .integer(event.length), .text(event.detail),
                ])
        }
    }

    static func metrics(_ id: String, _ connection: SQLiteConnection) throws(ArchiveError) -> MetricsRow? {
        try connection.first("SELECT * FROM metrics WHERE call_id = ?", [.text(id)]) {
            row throws(ArchiveError) in
            var metrics = MetricsRow()
            metrics.setupMilliseconds = row.optionalInteger(1)
            metrics.firstAudioMilliseconds = row.optionalInteger(2)
            metrics.framesReceived = row.integer(3)
            metrics.framesLate = row.integer(4)
            metrics.framesLost = row.integer(5)
            metrics.framesDuplicate = row.integer(6)
            metrics.framesSent = row.integer(7)
            metrics.bytesIn = row.integer(8)
            metrics.bytesOut = row.integer(9)
            metrics.interruptions = row.integer(10)
            metrics.unknownEvents = row.integer(11)
            metrics.more = row.text(12)
            return metrics
        }
    }

    static func insert(
        _ metrics: MetricsRow, of id: String, _ connection: SQLiteConnection
    ) throws(ArchiveError) {
        try connection.execute(
            "INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                .text(id), SQLiteValue(metrics.setupMilliseconds),
                SQLiteValue(metrics.firstAudioMilliseconds),
                .integer(metrics.framesReceived), .integer(metrics.framesLate), .integer(metrics.framesLost),
                .integer(metrics.framesDuplicate), .integer(metrics.framesSent), .integer(metrics.bytesIn),
                .integer(metrics.bytesOut), .integer(metrics.interruptions), .integer(metrics.unknownEvents),
                .text(metrics.more),
            ])
    }
}
