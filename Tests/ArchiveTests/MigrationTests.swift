// From version 1 of the schema to version 2: nothing of what was there is lost.

import Testing

@testable import Archive

@Suite struct MigrationTests {
    /// An archive of version 1 with a sealed, a failed and a running call, made by SQL alone.
    static func oldArchive() throws -> TemporaryStorage {
        let storage = try TemporaryStorage()
        try storage.layout.prepare()
        let connection = try SQLiteConnection(path: storage.layout.databasePath, access: .write)
        try Schema.migrate(connection, with: [try #require(Schema.migrations.first)])
        #expect(try connection.integer("PRAGMA user_version") == 1)
        for (number, state) in ["sealed", "failed", "recording"].enumerated() {
            try connection.execute(
                """
                INSERT INTO calls (id, carrier, carrier_call_id, started_at, rate, conversation_id, parameters)
                VALUES (?, 'twilio', ?, ?, 8000, ?, '{"a":"b"}')
                """,
                [
                    .text(id(number)), .text("CA\(number)"), .integer(TemporaryStorage.start),
                    .text("conv_\(number)"),
                ])
            try connection.execute(
                "INSERT INTO recordings (call_id, started_at, state) VALUES (?, ?, ?)",
                [.text(id(number)), .integer(TemporaryStorage.start), .text(state)])
            try Ledger.append(
                connection, at: TemporaryStorage.start, kind: "call.opened", callID: id(number), detail: "{}")
        }
        let path = try storage.layout.recording(id(0), startedAt: TemporaryStorage.start)
        try storage.layout.prepareFolder(of: path, files: POSIXFiles())
        try write(someBytes(), to: storage.layout.absolute(path))
        try POSIXFiles().protect(storage.layout.absolute(path))
        try connection.execute(
            """
            UPDATE recordings SET path = ?, bytes = 5000, sha256 = ?, samples = 40000, rate = 8000,
            channels = 'dual', sealed_at = 1 WHERE call_id = ?
            """, [.text(path), .blob(Digest.sha256(someBytes()).bytes), .text(id(0))])
        try connection.execute(
            "INSERT INTO turns VALUES (?, 0, 'caller', 'Hi', NULL, NULL, 0, 8000, NULL, NULL, NULL, NULL, 0)",
            [.text(id(0))])
        return storage
    }

    @Test func aVersionOneArchiveMigratesWithItsRows() throws {
        let storage = try Self.oldArchive()
        let archive = try storage.open()
        defer { archive.close() }
        let rows = try archive.catalog.list().items
        #expect(rows.map(\.call.carrierCallID) == ["CA2", "CA1", "CA0"])
        #expect(rows.allSatisfy { $0.recording.origin == .bridge && $0.recording.provenance == nil })
        #expect(rows.map(\.recording.state) == [.recording, .failed, .sealed])
        #expect(rows.last?.recording.sha256 == Digest.sha256(someBytes()))
        #expect(try archive.catalog.turns(id(0)).map(\.text) == ["Hi"])
        #expect(try archive.catalog.verifyLedger().isEmpty)
        #expect(try archive.catalog.ledgerHead().entries == 3)
        #expect(
            try archive.reconcile(checkHashes: true).findings
                == [.unfinished(id: id(2), state: .recording, hasTape: false)])
        #expect(try archive.catalog.checkDatabase().isEmpty)
        #expect(try archive.catalog.context("+15550100") == nil)
        // The old calls are found by what is new.
        #expect(try archive.catalog.call(ofConversation: "conv_1")?.call.id == id(1))
        // What was under way goes on.
        try archive.applyAndWait(.fail(id: id(2), cause: "disk_full", ending: nil))
    }

    @Test func aReaderDoesNotReadTheOlderSchema() throws {
        let storage = try Self.oldArchive()
        #expect(throws: ArchiveError.noArchive) { try Catalog(storage.layout).count() }
    }

    /// A copy that this version of the server never opened: what lacks is an index.
    @Test func aReaderReadsTheSecondSchema() throws {
        let storage = try TemporaryStorage()
        try storage.layout.prepare()
        let connection = try SQLiteConnection(path: storage.layout.databasePath, access: .write)
        try Schema.migrate(connection, with: Array(Schema.migrations.prefix(2)))
        #expect(try Catalog(storage.layout).count() == 0)
        try Schema.migrate(connection)
        #expect(try connection.integer("PRAGMA user_version") == 3)
    }

    /// Lists by why calls ended need no sorting, whatever else narrows them.
    @Test(arguments: [nil, RecordingState.failed]) func listsByTheEndComeFromItsIndex(state: RecordingState?)
        throws
    {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        defer { archive.close() }
        var filter = CallFilter()
        filter.endWhy = "idle"
        filter.state = state
        let (sql, values) = Catalog.listStatement(filter, after: nil, limit: 50)
        let plan = try archive.catalog.read { connection throws(ArchiveError) in
            try connection.rows("EXPLAIN QUERY PLAN " + sql, values) { row throws(ArchiveError) in row.text(3)
            }
        }
        #expect(plan.first?.contains("calls_by_end_why (end_why=?)") == true, "\(plan)")
        #expect(plan.allSatisfy { $0.hasPrefix("SEARCH") }, "\(plan)")
    }

    @Test func everyTableIsStrict() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        defer { archive.close() }
        let loose = try archive.catalog.read { connection throws(ArchiveError) in
            try connection.rows(
                "SELECT name FROM pragma_table_list WHERE type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'"
            ) { row throws(ArchiveError) in row.text(0) }
        }
        #expect(loose.isEmpty)
    }

    /// Reads that the server does while calls run come from an index.
    @Test(arguments: [
        "SELECT 1 FROM dials WHERE carrier_call_id = 'x' AND carrier = 'y'",
        "SELECT 1 FROM carrier_events WHERE carrier_call_id = 'x' ORDER BY number",
        "SELECT 1 FROM conversations WHERE call_id = 'x'",
        "SELECT 1 FROM calls WHERE conversation_id = 'x'",
        "SELECT 1 FROM calls WHERE end_why = 'idle' ORDER BY started_at DESC, id DESC",
        "SELECT 1 FROM passes WHERE expires_at <= 5",
        "SELECT 1 FROM recordings r WHERE r.origin = 'carrier' AND json_extract(r.provenance, '$.carrier') = 'x' AND json_extract(r.provenance, '$.recording_id') = 'y'",
        "SELECT 1 FROM recordings r WHERE r.origin <> 'bridge' AND r.origin = 'voicemail' ORDER BY r.started_at DESC, r.call_id DESC",
    ])
    func readsComeFromAnIndex(sql: String) throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        defer { archive.close() }
        let plan = try archive.catalog.read { connection throws(ArchiveError) in
            try connection.rows("EXPLAIN QUERY PLAN " + sql) { row throws(ArchiveError) in row.text(3) }
        }
        #expect(plan.allSatisfy { $0.hasPrefix("SEARCH") }, "\(plan)")
    }
}
