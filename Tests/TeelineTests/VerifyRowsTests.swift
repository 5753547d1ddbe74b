// `teeline verify` and the rows of calls: what somebody wrote into the catalog by hand is named.

import Foundation
import Testing

@testable import Archive
@testable import teeline

@Suite struct VerifyRowsTests {
    /// An archive with a sealed call that has turns, an event and figures, a failed and an empty one.
    private func archive() throws -> (small: SmallArchive, sealed: String, failed: String, empty: String) {
        let small = try SmallArchive()
        let sealed = try small.seal("CA1", [1, 2, 3])
        let failed = row("CA2")
        try small.archive.applyAndWait(.open(failed))
        try small.archive.applyAndWait(.fail(id: failed.id, cause: "disk_full", ending: nil))
        let empty = row("CA3")
        try small.archive.applyAndWait(.open(empty))
        var metrics = MetricsRow()
        metrics.framesReceived = 7
        let request = SealRequest(
            file: nil, recoveryCause: "server_died",
            ending: CallEnding(endedAt: 2_000_000, durationSamples: 0, who: .caller, why: "hangup"),
            turns: [TurnRow(role: .caller, text: "Hello", startSamples: 0)],
            events: [EventRow(kind: "dtmf", position: 4, detail: #"{"digit":"5"}"#)], metrics: metrics)
        try small.archive.applyAndWait(.seal(id: empty.id, request))
        return (small, sealed, failed.id, empty.id)
    }

    private func row(_ carrierID: String) -> CallRow {
        CallRow(
            id: CallID.make(), carrier: "twilio", carrierCallID: carrierID, caller: "+15005550001",
            startedAt: 1_000_000)
    }

    private func audit(_ small: SmallArchive, of selected: Set<String>? = nil) throws -> AuditReport {
        let catalog = Catalog(StorageLayout(root: small.storage), readers: 1)
        defer { catalog.close() }
        var audit = ArchiveAudit(catalog: catalog, isDeep: true)
        audit.selected = selected
        return try audit.run()
    }

    private func tamper(_ small: SmallArchive, _ statements: String...) throws {
        let connection = try SQLiteConnection(path: small.storage + "/archive.sqlite", access: .write)
        for statement in ["PRAGMA foreign_keys = OFF"] + statements { try connection.execute(statement) }
    }

    @Test func untouchedRowsAreRight() async throws {
        let (small, _, _, _) = try archive()
        let report = try audit(small)
        #expect(report.findings.isEmpty)
        #expect(report.undigested == 0)
        small.archive.close()
        #expect(await small.run("verify") == .success)
    }

    /// Each of them left `verify` content when only the file's digest was compared.
    @Test(arguments: [
        "UPDATE turns SET text = 'I agree' WHERE call_id = $",
        "UPDATE calls SET caller = '+15005550009' WHERE id = $",
        "UPDATE calls SET end_why = 'agent' WHERE id = $",
        "UPDATE calls SET started_at = started_at + 1 WHERE id = $",
        "UPDATE calls SET ended_at = ended_at + 1 WHERE id = $",
        "UPDATE calls SET caller = NULL WHERE id = $",
        "UPDATE calls SET caller = '' WHERE id = $",
        "UPDATE calls SET conversation_id = 'conv_9' WHERE id = $",
        "UPDATE recordings SET samples = 1 WHERE call_id = $",
        "UPDATE recordings SET cause = 'x' WHERE call_id = $",
        "UPDATE recordings SET sealed_at = 1 WHERE call_id = $", "DELETE FROM turns WHERE call_id = $",
        "DELETE FROM metrics WHERE call_id = $",
        "UPDATE metrics SET more = '{}', frames_lost = 9 WHERE call_id = $",
        "INSERT INTO events VALUES ($, 99, 'dtmf', 0, 0, '{}')",
        "INSERT INTO turns (call_id, number, role, text, start_samples, interrupted) VALUES ($, 9, 'agent', 'Yes', 0, 0)",
    ])
    func aRowChangedByHandIsFound(statement: String) async throws {
        let (small, sealed, _, empty) = try archive()
        for id in [sealed, empty] {
            try tamper(small, statement.replacingOccurrences(of: "$", with: "'\(id)'"))
        }
        let found = try audit(small).findings
        #expect(found.map(\.kind) == ["row_differs", "row_differs"])
        #expect(found.allSatisfy { $0.grade == .fault })
        #expect(Set(found.compactMap(\.id)) == [sealed, empty])
        #expect(await small.run("verify") == .failure)
    }

    @Test func deletedEventsAreFound() throws {
        let (small, _, _, empty) = try archive()
        try tamper(small, "DELETE FROM events")
        #expect(try audit(small).findings.map(\.id) == [empty])
    }

    @Test func aTextMovedFromOneColumnToTheNextIsFound() throws {
        let (small, _, _, empty) = try archive()
        try tamper(small, "UPDATE turns SET heard_text = text, text = '' WHERE call_id = '\(empty)'")
        #expect(try audit(small).findings.map(\.kind) == ["row_differs"])
    }

    @Test func sealedRowsSetToFailedAreFound() async throws {
        let (small, sealed, _, empty) = try archive()
        small.archive.close()
        try tamper(small, "UPDATE recordings SET state = 'failed', cause = 'x' WHERE state <> 'failed'")
        let faults = try audit(small).faults
        #expect(faults.map(\.kind) == ["state_differs", "state_differs"])
        #expect(Set(faults.compactMap(\.id)) == [sealed, empty])
        #expect(await small.run("verify") == .failure)
    }

    @Test func rowsThatNoEntryBeganAreFound() async throws {
        let (small, _, _, _) = try archive()
        let id = CallID.make()
        try tamper(
            small,
            "INSERT INTO calls (id, carrier, carrier_call_id, started_at, rate) VALUES ('\(id)', 'twilio', 'CA9', 5, 8000)",
            "INSERT INTO recordings (call_id, started_at, state) VALUES ('\(id)', 5, 'failed')")
        let found = try audit(small).findings
        #expect(found.map(\.kind) == ["unopened"])
        #expect(found.first?.id == id)
        #expect(await small.run("verify") == .failure)
    }

    @Test(arguments: ["calls", "recordings"])
    func aCallWithoutAFileThatWasRemovedIsFound(table: String) throws {
        let (small, _, failed, _) = try archive()
        try tamper(small, "DELETE FROM \(table) WHERE \(table == "calls" ? "id" : "call_id") = '\(failed)'")
        let found = try audit(small).findings
        #expect(found.map(\.kind) == ["row_missing"])
        #expect(found.first?.id == failed)
    }

    /// What comes after the sealing writes an entry with a digest of its own.
    @Test func laterChangesOfTheArchiveItselfAreRight() throws {
        let (small, sealed, failed, _) = try archive()
        let archive = small.archive
        try archive.applyAndWait(
            .annotate(id: sealed, streamID: "MZ9", agentID: nil, conversationID: "conv_1"))
        try archive.applyAndWait(.rendering(id: failed, ending: nil))
        #expect(try audit(small).findings.isEmpty)
        try archive.applyAndWait(
            .conversation(
                ConversationRow(
                    conversationID: "conv_1", callID: sealed, source: .webhook, receivedAt: 5,
                    eventTimestamp: 4)))
        try archive.applyAndWait(.fail(id: failed, cause: "bad_tape", ending: nil))
        try archive.applyAndWait(.rendering(id: failed, ending: nil))
        try archive.applyAndWait(
            .seal(
                id: failed,
                SealRequest(
                    file: nil, recoveryCause: "bad_tape",
                    ending: CallEnding(endedAt: 9, durationSamples: 1, who: .server, why: "crashed"))))
        #expect(try audit(small).findings.isEmpty)
        try tamper(small, "UPDATE calls SET stream_id = 'MZ1' WHERE id = '\(sealed)'")
        #expect(try audit(small).findings.map(\.id) == [sealed])
        #expect(try audit(small, of: [failed]).findings.isEmpty)
    }

    /// What ElevenLabs said of a conversation: received, with audio, and linked to a call that came later.
    @Test(arguments: [
        ("UPDATE conversations SET summary = 'All is well' WHERE conversation_id = 'conv_1'", "row_differs"),
        ("UPDATE conversations SET transcript = '[]' WHERE conversation_id = 'conv_1'", "row_differs"),
        ("UPDATE conversations SET call_id = NULL WHERE conversation_id = 'conv_1'", "row_differs"),
        ("DELETE FROM conversations WHERE conversation_id = 'conv_1'", "row_missing"),
        ("UPDATE conversations SET conversation_id = 'conv_2' WHERE conversation_id = 'conv_1'", "both"),
    ])
    func aConversationChangedByHandIsFound(statement: String, kind: String) throws {
        let (small, sealed, _, _) = try archive()
        var row = ConversationRow(
            conversationID: "conv_1", callID: nil, source: .webhook, receivedAt: 5, eventTimestamp: 4)
        row.summary = "Nothing is well"
        row.transcript = #"[{"role":"user"}]"#
        try small.archive.applyAndWait(.conversation(row))
        try small.archive.applyAndWait(
            .annotate(id: sealed, streamID: nil, agentID: nil, conversationID: "conv_1"))
        #expect(try small.archive.catalog.conversation("conv_1")?.callID == sealed)
        #expect(try audit(small).findings.isEmpty)
        try tamper(small, statement)
        let found = try audit(small).faults.map(\.kind)
        let both = ["conversation_unledgered", "conversation_row_missing"]
        #expect(found == (kind == "both" ? both : ["conversation_" + kind]))
    }

    /// An archive from before: entries without digests are counted and not wrong, until the row changes again.
    @Test func recordingsSealedBeforeAreCounted() throws {
        let (small, sealed, _, _) = try archive()
        small.archive.close()
        let connection = try SQLiteConnection(path: small.storage + "/archive.sqlite", access: .write)
        let entries = try Ledger.entries(connection, after: 0, limit: 1000)
        for trigger in ["ledger_no_update", "ledger_no_delete"] {
            try connection.execute("DROP TRIGGER \(trigger)")
        }
        try connection.execute("DELETE FROM ledger")
        try connection.execute("DELETE FROM ledger_head")
        for entry in entries {
            let old = try connection.first(
                "SELECT json_remove(?, '$.\(RowDigest.member)')", [.text(entry.detail)]
            ) { row throws(ArchiveError) in row.text(0) }
            try Ledger.append(
                connection, at: entry.at, kind: entry.kind, callID: entry.callID, detail: try #require(old))
        }
        let report = try audit(small)
        #expect(report.findings.isEmpty)
        #expect(report.undigested == 3)
        #expect(
            AuditText.lines(report).contains {
                $0.hasPrefix("3 recordings were sealed before rows were digested")
            })
        try tamper(small, "UPDATE recordings SET state = 'failed' WHERE call_id = '\(sealed)'")
        #expect(try audit(small).faults.map(\.kind) == ["state_differs"])
    }
}
