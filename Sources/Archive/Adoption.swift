// Recordings that carriers made and audio that ElevenLabs kept become the archive's, by the steps of every sealing.

import Wire

extension Sealing {
    /// Adopts a carrier's recording: file first, then call, recording and ledger in one transaction. A server that
    /// dies in between leaves a file without a row; adopting again, under the same identifier, takes it up. Where a row says
    /// that the recording could not be had, it has it from now on, under that row's identifier.
    func adopt(_ request: AdoptRequest) throws(ArchiveError) -> ChangeOutcome {
        try check(request)
        let call = request.call
        let format = request.provenance.format
        let known = try RowMapping.adopted(
            carrier: request.provenance.carrier, recordingID: request.provenance.recordingID,
            changes.connection)
        let id = known?.call.id ?? call.id
        let final = try layout.recording(id, startedAt: call.startedAt, format: format)
        let temporary = try layout.temporaryRecording(call.id, startedAt: call.startedAt, format: format)
        if let known, known.recording.hasAudio {
            guard known.recording.bytes == request.bytes else { throw .differentSeal }
            try discard(layout.absolute(temporary), if: known.recording.sha256)
            return ChangeOutcome(unchanged: 1)
        }
        if known == nil, try RowMapping.stored(call.id, changes.connection) != nil {
            throw .badValue(field: "id")
        }
        let digest = try place(temporary, as: final, bytes: request.bytes)
        try changes.adopt(request, path: final, digest: digest, over: known?.call)
        return known == nil ? ChangeOutcome(added: 1) : ChangeOutcome(replaced: 1)
    }

    /// Seals ElevenLabs' own audio of a conversation; its row is made when the audio comes before everything else.
    func seal(_ audio: ConversationAudio) throws(ArchiveError) -> ChangeOutcome {
        guard audio.bytes > 0 else { throw .badValue(field: "bytes") }
        let temporary = try audio.temporaryPath(layout)
        let stored = try RowMapping.conversation(audio.conversationID, changes.connection)
        if let sealed = stored?.audioSHA256 {
            guard stored?.audioBytes == audio.bytes else { throw .differentSeal }
            try discard(layout.absolute(temporary), if: sealed)
            return ChangeOutcome(unchanged: 1)
        }
        // A call may have had several conversations: the first has the call's name, the others their own.
        var final = try audio.path(layout, underCall: audio.call != nil)
        if try RowMapping.ownsAudio(final, changes.connection) {
            final = try audio.path(layout, underCall: false)
        }
        let digest = try place(temporary, as: final, bytes: audio.bytes)
        try changes.conversationAudio(audio, path: final, digest: digest)
        return stored == nil ? ChangeOutcome(added: 1) : ChangeOutcome(replaced: 1)
    }

    private func check(_ request: AdoptRequest) throws(ArchiveError) {
        guard request.bytes > 0 else { throw .badValue(field: "bytes") }
        guard request.samples >= 0 else { throw .badValue(field: "samples") }
        guard (1...1_000_000).contains(request.rate), (1...1_000_000).contains(request.call.rate) else {
            throw .badValue(field: "rate")
        }
        let provenance = request.provenance
        guard provenance.carrier == request.call.carrier, !provenance.recordingID.isEmpty,
            provenance.recordingID.utf8.count <= 256
        else { throw .badValue(field: "recording_id") }
        // A path or query of a carrier's address may hold what opens it.
        guard !provenance.host.isEmpty, provenance.host.utf8.count <= 255,
            !provenance.host.utf8.contains(where: { [0x2F, 0x3F, 0x23, 0x40].contains($0) })
        else { throw .badValue(field: "host") }
    }
}

extension CatalogChanges {
    /// The rows of an adopted recording, in one transaction, after every step on the file; `failed` is the call whose rows
    /// said until now that there is none.
    func adopt(
        _ request: AdoptRequest, path: String, digest: Digest, over failed: CallRow?
    ) throws(ArchiveError) {
        try connection.transaction { () throws(ArchiveError) in
            var call = request.call
            call.parameters = try related(call)
            if let failed {
                call.id = failed.id
                try replace(failed, with: call)
            } else {
                try insert(call)
            }
            try connection.execute(
                """
                INSERT INTO recordings (call_id, started_at, state, path, bytes, sha256, samples, rate, channels,
                sealed_at, origin, provenance) VALUES (?, ?, 'sealed', ?, ?, ?, ?, ?, ?, ?, 'carrier', ?)
                """,
                [
                    .text(call.id), .integer(call.startedAt), .text(path), .integer(request.bytes),
                    .blob(digest.bytes), .integer(request.samples), SQLiteValue(request.rate),
                    .text(request.channels.rawValue), .integer(now), .text(request.provenance.json),
                ])
            try RowMapping.insert(request.turns, of: call.id, connection)
            try trace(
                "recording.adopted", call.id,
                [
                    ("carrier", JSON.quoted(call.carrier)), ("path", JSON.quoted(path)),
                    ("bytes", String(request.bytes)), ("sha256", JSON.quoted(digest.hex)),
                    ("samples", String(request.samples)),
                ])
            try linkConversation(call.conversationID, to: call.id)
        }
    }

    /// `call` stands where `failed` did; what only that knew of the numbers stays, and so does what was said in it.
    private func replace(_ failed: CallRow, with call: CallRow) throws(ArchiveError) {
        try connection.execute("DELETE FROM recordings WHERE call_id = ?", [.text(failed.id)])
        try connection.execute(
            """
            UPDATE calls SET carrier_call_id = ?2, caller = ?3, called = ?4, started_at = ?5, ended_at = ?6,
            duration_samples = ?7, rate = ?8, end_who = ?9, end_why = ?10, parameters = ?11 WHERE id = ?1
            """,
            [
                .text(failed.id), .text(call.carrierCallID), SQLiteValue(call.caller ?? failed.caller),
                SQLiteValue(call.called ?? failed.called), .integer(call.startedAt),
                SQLiteValue(call.endedAt),
                .integer(call.durationSamples), SQLiteValue(call.rate), SQLiteValue(call.endWho?.rawValue),
                SQLiteValue(call.endWhy), .text(call.parameters),
            ])
    }

    /// The rows of a carrier's recording that could not be fetched: nothing goes missing in silence. One that is known
    /// already stays as it is.
    func failAdoption(
        _ failed: CallRow, _ provenance: RecordingProvenance, cause: String
    ) throws(ArchiveError) -> ChangeOutcome {
        guard !cause.isEmpty, cause.utf8.count <= 200 else { throw .badValue(field: "cause") }
        guard provenance.carrier == failed.carrier, !provenance.recordingID.isEmpty else {
            throw .badValue(field: "recording_id")
        }
        return try connection.transaction { () throws(ArchiveError) in
            let known = try RowMapping.adopted(
                carrier: provenance.carrier, recordingID: provenance.recordingID, connection)
            guard known == nil else { return ChangeOutcome(unchanged: 1) }
            var call = failed
            call.parameters = try related(call)
            try insert(call)
            try connection.execute(
                """
                INSERT INTO recordings (call_id, started_at, state, cause, origin, provenance)
                VALUES (?, ?, 'failed', ?, 'carrier', ?)
                """,
                [.text(call.id), .integer(call.startedAt), .text(cause), .text(provenance.json)])
            try trace(
                "recording.failed", call.id,
                [("carrier", JSON.quoted(call.carrier)), ("cause", JSON.quoted(cause))])
            return ChangeOutcome(added: 1)
        }
    }

    /// The call's parameters, with the bridged call of the same carrier's identifier in `bridged_call`.
    private func related(_ call: CallRow) throws(ArchiveError) -> String {
        let bridged = try connection.first(
            """
            SELECT c.id FROM calls c JOIN recordings r ON r.call_id = c.id
            WHERE c.carrier_call_id = ? AND c.carrier = ? AND r.origin <> 'carrier'
            ORDER BY c.started_at, c.id
            """, [.text(call.carrierCallID), .text(call.carrier)]
        ) { row throws(ArchiveError) in row.text(0) }
        guard let bridged else { return call.parameters }
        guard try connection.integer("SELECT json_valid(?)", [.text(call.parameters)]) == 1 else {
            throw .badValue(field: "parameters")
        }
        return try connection.first(
            "SELECT json_set(?, '$.bridged_call', ?)", [.text(call.parameters), .text(bridged)]
        ) { row throws(ArchiveError) in row.text(0) } ?? call.parameters
    }

    /// The transcript of an adopted recording, once.
    func attachTranscript(_ id: String, _ turns: [TurnRow]) throws(ArchiveError) -> ChangeOutcome {
        try connection.transaction { () throws(ArchiveError) in
            guard let stored = try RowMapping.stored(id, connection) else { throw .unknownCall }
            guard stored.recording.origin == .carrier else { throw .wrongOrigin }
            let known = try RowMapping.turns(id, connection)
            if known == turns { return ChangeOutcome(unchanged: 1) }
            guard known.isEmpty else { throw .differentTranscript }
            try RowMapping.insert(turns, of: id, connection)
            try trace("recording.transcribed", id, [("turns", String(turns.count))])
            return ChangeOutcome(added: 1)
        }
    }
}
