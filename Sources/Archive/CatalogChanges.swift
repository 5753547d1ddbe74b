// The catalog's changes, each one transaction with its ledger entry.

import CSQLite
import Wire

/// Carries changes out on the writing connection.
struct CatalogChanges {
    let connection: SQLiteConnection
    /// The present instant (microseconds UTC), for the ledger.
    let now: Int64

    func open(_ call: CallRow) throws(ArchiveError) {
        guard CallID.isValid(call.id) else { throw .badValue(field: "id") }
        guard (1...1_000_000).contains(call.rate) else { throw .badValue(field: "rate") }
        try connection.transaction { () throws(ArchiveError) in
            if let stored = try RowMapping.stored(call.id, connection)?.call {
                let same =
                    stored.carrier == call.carrier && stored.carrierCallID == call.carrierCallID
                    && stored.startedAt == call.startedAt
                guard same else { throw .badValue(field: "id") }
                return
            }
            try insert(call)
            try connection.execute(
                "INSERT INTO recordings (call_id, started_at, state) VALUES (?, ?, 'recording')",
                [.text(call.id), .integer(call.startedAt)])
            try trace("call.opened", call.id, [("carrier", JSON.quoted(call.carrier))])
            try linkConversation(call.conversationID, to: call.id)
        }
    }

    /// The row of a call, within a transaction.
    func insert(_ call: CallRow) throws(ArchiveError) {
        try connection.execute(
            """
            INSERT INTO calls (id, carrier, carrier_call_id, stream_id, account_id, caller, called, agent_id,
            conversation_id, started_at, ended_at, duration_samples, rate, end_who, end_why, parameters)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .text(call.id), .text(call.carrier), .text(call.carrierCallID),
                SQLiteValue(call.streamID),
                SQLiteValue(call.accountID), SQLiteValue(call.caller), SQLiteValue(call.called),
                SQLiteValue(call.agentID), SQLiteValue(call.conversationID), .integer(call.startedAt),
                SQLiteValue(call.endedAt), .integer(call.durationSamples), SQLiteValue(call.rate),
                SQLiteValue(call.endWho?.rawValue), SQLiteValue(call.endWhy), .text(call.parameters),
            ])
    }

    func annotate(
        _ id: String, streamID: String?, agentID: String?, conversationID: String?
    ) throws(ArchiveError) {
        try connection.transaction { () throws(ArchiveError) in
            guard let stored = try RowMapping.stored(id, connection)?.call else { throw .unknownCall }
            let same =
                (streamID ?? stored.streamID) == stored.streamID
                && (agentID ?? stored.agentID) == stored.agentID
                && (conversationID ?? stored.conversationID) == stored.conversationID
            if same { return }
            try connection.execute(
                """
                UPDATE calls SET stream_id = coalesce(?2, stream_id), agent_id = coalesce(?3, agent_id),
                conversation_id = coalesce(?4, conversation_id) WHERE id = ?1
                """,
                [.text(id), SQLiteValue(streamID), SQLiteValue(agentID), SQLiteValue(conversationID)])
            try trace("call.annotated", id, [])
            try linkConversation(conversationID, to: id)
        }
    }

    func rendering(_ id: String, _ ending: CallEnding?) throws(ArchiveError) {
        try connection.transaction { () throws(ArchiveError) in
            guard let stored = try RowMapping.stored(id, connection) else { throw .unknownCall }
            switch stored.recording.state {
            case .rendering: return
            case .sealed, .recovered: throw .wrongState(stored.recording.state)
            case .recording, .failed: break
            }
            try end(id, ending)
            try connection.execute(
                "UPDATE recordings SET state = 'rendering', cause = NULL WHERE call_id = ?", [.text(id)])
            try trace("recording.rendering", id, endingMembers(ending))
        }
    }

    func fail(_ id: String, cause: String, _ ending: CallEnding?) throws(ArchiveError) {
        guard !cause.isEmpty, cause.utf8.count <= 200 else { throw .badValue(field: "cause") }
        try connection.transaction { () throws(ArchiveError) in
            guard let stored = try RowMapping.stored(id, connection) else { throw .unknownCall }
            switch stored.recording.state {
            case .failed where stored.recording.cause == cause: return
            case .sealed, .recovered: throw .wrongState(stored.recording.state)
            case .recording, .rendering, .failed: break
            }
            try end(id, ending)
            try connection.execute(
                "UPDATE recordings SET state = 'failed', cause = ? WHERE call_id = ?",
                [.text(cause), .text(id)])
            try trace("recording.failed", id, [("cause", JSON.quoted(cause))] + endingMembers(ending))
        }
    }

    /// The rows of a sealed recording: its last step, after every step on the file (`Sealing`).
    func seal(
        _ id: String, _ request: SealRequest, file: (path: String, digest: Digest)?
    ) throws(ArchiveError) {
        try connection.transaction { () throws(ArchiveError) in
            try end(id, request.ending)
            let state: RecordingState = request.recoveryCause == nil ? .sealed : .recovered
            let facts = request.file
            try connection.execute(
                """
                UPDATE recordings SET state = ?2, cause = ?3, path = ?4, bytes = ?5, sha256 = ?6, samples = ?7,
                rate = ?8, channels = ?9, bitrate = ?10, quality = ?11, sealed_at = ?12, missing = ?13,
                origin = ?14
                WHERE call_id = ?1
                """,
                [
                    .text(id), .text(state.rawValue), SQLiteValue(request.recoveryCause),
                    SQLiteValue(file?.path), SQLiteValue(facts?.bytes), SQLiteValue(file?.digest.bytes),
                    .integer(facts?.samples ?? 0), SQLiteValue(facts?.rate),
                    SQLiteValue(facts?.channels.rawValue), SQLiteValue(facts?.bitrate),
                    SQLiteValue(facts?.quality), .integer(now), .text(RowMapping.json(request.missing)),
                    .text(request.origin.rawValue),
                ])
            guard connection.changes == 1 else { throw .unknownCall }
            try RowMapping.insert(request.turns, of: id, connection)
            try RowMapping.insert(request.events, of: id, connection)
            try RowMapping.insert(request.metrics, of: id, connection)
            var members: [(name: String, json: String)] = []
            if let file, let facts {
                members = [
                    ("path", JSON.quoted(file.path)), ("bytes", String(facts.bytes)),
                    ("sha256", JSON.quoted(file.digest.hex)), ("samples", String(facts.samples)),
                ]
            }
            if let cause = request.recoveryCause { members.append(("cause", JSON.quoted(cause))) }
            if request.origin != .bridge {
                members.append(("origin", JSON.quoted(request.origin.rawValue)))
            }
            let kind = file == nil ? "recording.empty" : "recording.\(state.rawValue)"
            try trace(kind, id, members + endingMembers(request.ending))
        }
    }

    func note(_ kind: String, _ callID: String?, _ detail: String) throws(ArchiveError) {
        try connection.transaction { () throws(ArchiveError) in
            guard try connection.integer("SELECT json_valid(?)", [.text(detail)]) == 1 else {
                throw .badValue(field: "detail")
            }
            try Ledger.append(connection, at: now, kind: kind, callID: callID, detail: detail)
        }
    }

    private func end(_ id: String, _ ending: CallEnding?) throws(ArchiveError) {
        guard let ending else { return }
        guard ending.why.utf8.count <= 64 else { throw .badValue(field: "end_why") }
        guard ending.durationSamples >= 0 else { throw .badValue(field: "duration_samples") }
        try connection.execute(
            """
            UPDATE calls SET ended_at = ?2, duration_samples = ?3, end_who = ?4, end_why = ?5,
            conversation_id = coalesce(?6, conversation_id) WHERE id = ?1
            """,
            [
                .text(id), .integer(ending.endedAt), .integer(ending.durationSamples),
                .text(ending.who.rawValue), .text(ending.why), SQLiteValue(ending.conversationID),
            ])
        try linkConversation(ending.conversationID, to: id)
    }

    private func endingMembers(_ ending: CallEnding?) -> [(name: String, json: String)] {
        guard let ending else { return [] }
        return [
            ("end_who", JSON.quoted(ending.who.rawValue)), ("end_why", JSON.quoted(ending.why)),
            ("duration_samples", String(ending.durationSamples)),
        ]
    }

    /// The ledger's entry of a change of a call's rows, with their digest: after the last of them, in its transaction.
    func trace(
        _ kind: String, _ id: String, _ members: [(name: String, json: String)]
    ) throws(ArchiveError) {
        let digest = try RowDigest.of(id, connection)
        let all = members + [(RowDigest.member, JSON.quoted(digest.hex))]
        try Ledger.append(connection, at: now, kind: kind, callID: id, detail: JSON.object(all))
    }

    /// The ledger's entry of a change of an outbound call, which is no call's row.
    func traceDial(
        _ kind: String, _ id: String, _ members: [(name: String, json: String)]
    ) throws(ArchiveError) {
        try Ledger.append(
            connection, at: now, kind: kind, callID: id, detail: JSON.object(members))
    }
}
