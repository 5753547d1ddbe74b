// The lock, the schema's versions, readers beside the writer, the ledger, the queue and the privacy of errors.

import Glibc
import Testing

@testable import Archive

@Suite struct DurabilityTests {
    @Test func aSecondServerIsRefused() throws {
        let storage = try TemporaryStorage()
        let first = try storage.open()
        #expect(throws: ArchiveError.storageLocked(process: getpid())) { try storage.open() }
        first.close()
        let second = try storage.open()
        second.close()
    }

    @Test func readersSeeWhatIsCommittedBesideTheServer() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        let reader = Catalog(storage.layout)
        for number in 0..<20 {
            try archive.applyAndWait(.open(call(number)))
            #expect(try reader.count() == number + 1)
        }
        archive.close()
        #expect(try reader.count() == 20)
        reader.close()
        #expect(throws: ArchiveError.closed) { try reader.count() }
        // Without a server and without its index.
        let alone = Catalog(storage.layout)
        #expect(try alone.count() == 20)
        #expect(try alone.checkDatabase().isEmpty)
        alone.close()
    }

    @Test func newFoldersAreFlushedByName() throws {
        let storage = try TemporaryStorage()
        let layout = StorageLayout(root: storage.layout.root + "/inner")
        let files = FailingFiles(at: 0)
        try layout.prepare(files: files)
        // The storage's own name in its parent, and two names in the storage.
        #expect(files.steps == 3)
        try layout.prepare(files: files)
        #expect(files.steps == 3, "what was there is not flushed again")
        let failing = StorageLayout(root: storage.layout.root + "/other")
        #expect(throws: ArchiveError.file(.synchronizeFolder, errno: EIO)) {
            try failing.prepare(files: FailingFiles(at: 2))
        }
    }

    @Test func aFolderThatCannotBeListedHidesNoOther() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        defer { archive.close() }
        try write([1], to: storage.layout.recordingsFolder + "/stray")
        // A file where a folder should be: opendir(3) gives ENOTDIR, for every user.
        rmdir(storage.layout.tapesFolder)
        try write([1], to: storage.layout.tapesFolder)
        #expect(
            try archive.reconcile().findings == [
                .unknownFile(path: "recordings/stray"), .unreadableFolder(path: "tapes", errno: ENOTDIR),
            ])
    }

    @Test func aReaderCannotWrite() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        #expect(throws: ArchiveError.self) {
            try archive.catalog.read { connection throws(ArchiveError) in
                try connection.execute("DELETE FROM calls")
            }
        }
        archive.close()
    }

    @Test func noArchiveIsSaidSo() throws {
        let storage = try TemporaryStorage()
        #expect(throws: ArchiveError.noArchive) { try Catalog(storage.layout).count() }
        let connection = try SQLiteConnection(path: storage.layout.databasePath, access: .write)
        _ = connection
        #expect(throws: ArchiveError.noArchive) { try Catalog(storage.layout).count() }
    }

    // SQLITE_CANTOPEN, SQLITE_READONLY and the extended SQLITE_CANTOPEN_DIRTYWAL (sqlite.org/rescode.html).
    @Test(arguments: [14, 8, 14 | 5 << 8] as [Int32])
    func anUnreadableFolderIsSaidSo(code: Int32) {
        let error = ArchiveError.sqlite(code: code, statement: "open")
        #expect(ReaderPool.explain(error, folderIsWritable: false, indexExists: false) == .unreadableFolder)
        #expect(ReaderPool.explain(error, folderIsWritable: true, indexExists: false) == error)
        #expect(ReaderPool.explain(error, folderIsWritable: false, indexExists: true) == error)
    }

    @Test func theSchemaGrowsFromNothingAndStepByStep() throws {
        let storage = try TemporaryStorage()
        let connection = try SQLiteConnection(path: storage.layout.databasePath, access: .write)
        #expect(try connection.integer("PRAGMA user_version") == 0)
        try Schema.migrate(connection)
        #expect(try connection.integer("PRAGMA user_version") == Int64(Schema.current))
        try CatalogChanges(connection: connection, now: 0).open(call(1))
        let next =
            Schema.migrations + [
                Migration(number: 90, statements: ["ALTER TABLE calls ADD COLUMN note TEXT"]),
                Migration(
                    number: 91, statements: ["UPDATE calls SET note = 'x'", "CREATE INDEX y ON calls (note)"]),
            ]
        for _ in 0..<2 { try Schema.migrate(connection, with: next) }
        #expect(try connection.integer("PRAGMA user_version") == 91)
        #expect(try connection.integer("SELECT count(*) FROM calls WHERE note = 'x'") == 1)
        // A database of a newer program.
        #expect(throws: ArchiveError.newerDatabase(found: 91, known: Schema.current)) {
            try Schema.migrate(connection)
        }
        #expect(throws: ArchiveError.newerDatabase(found: 91, known: Schema.current)) { try storage.open() }
        #expect(throws: ArchiveError.newerDatabase(found: 91, known: Schema.current)) {
            try Catalog(storage.layout).count()
        }
    }

    @Test func aStepThatFailsLeavesTheOldSchema() throws {
        let storage = try TemporaryStorage()
        let connection = try SQLiteConnection(path: storage.layout.databasePath, access: .write)
        let steps = [Migration(number: 1, statements: ["CREATE TABLE a (b)", "CREATE TABLE nonsense ("])]
        #expect(throws: ArchiveError.self) { try Schema.migrate(connection, with: steps) }
        #expect(try connection.integer("PRAGMA user_version") == 0)
        #expect(try connection.integer("SELECT count(*) FROM sqlite_schema") == 0)
    }

    @Test func aForeignDatabaseIsRefused() throws {
        let storage = try TemporaryStorage()
        let connection = try SQLiteConnection(path: storage.layout.databasePath, access: .write)
        try connection.execute("CREATE TABLE theirs (x)")
        #expect(throws: ArchiveError.foreignDatabase) { try storage.open() }
    }

    @Test func aFullDatabaseChangesNothing() throws {
        let storage = try TemporaryStorage()
        let connection = try SQLiteConnection(path: storage.layout.databasePath, access: .write)
        try Schema.migrate(connection)
        let changes = CatalogChanges(connection: connection, now: 0)
        try changes.open(call(1))
        let pages = try connection.integer("PRAGMA page_count")
        _ = try connection.integer("PRAGMA max_page_count = \(pages)")
        var row = call(2)
        row.parameters = "\"" + String(repeating: "x", count: 20000) + "\""
        do {
            try changes.open(row)
            Issue.record("a full database took a row")
        } catch {
            #expect(error.isDiskFull)
        }
        #expect(try connection.integer("SELECT count(*) FROM calls") == 1)
        _ = try connection.integer("PRAGMA max_page_count = 100000")
        try changes.open(row)
        #expect(try Ledger.verify(connection, published: nil).isEmpty)
    }

    @Test func theQueueIsBounded() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open(settings: ArchiveSettings(queueLimit: 8))
        let refused = Guarded(0)
        let done = Guarded(0)
        for number in 0..<500 {
            archive.apply(.open(call(number))) { result in
                switch result {
                case .success: done.change { $0 += 1 }
                case .failure(let error):
                    if error == .queueFull { refused.change { $0 += 1 } }
                }
            }
        }
        archive.close()
        let counts = (done.change { $0 }, refused.change { $0 })
        #expect(counts.0 + counts.1 == 500)
        #expect(counts.0 >= 8)
        #expect(counts.1 > 0)
        #expect(try Catalog(storage.layout).count() == counts.0)
        #expect(throws: ArchiveError.closed) { try archive.applyAndWait(.open(call(1000))) }
    }

    /// A ledger of ten entries on a connection that may tamper.
    static func ledger(_ storage: TemporaryStorage) throws -> SQLiteConnection {
        let connection = try SQLiteConnection(path: storage.layout.databasePath, access: .write)
        try Schema.migrate(connection)
        for number in 1...10 {
            try CatalogChanges(connection: connection, now: Int64(number)).note(
                "note", nil, #"{"n":\#(number)}"#)
        }
        return connection
    }

    @Test(arguments: 1...10, ["at", "kind", "detail", "call_id", "hash", "previous"])
    func aChangedEntryShows(sequence: Int, column: String) throws {
        let storage = try TemporaryStorage()
        let connection = try Self.ledger(storage)
        #expect(try Ledger.verify(connection, published: nil).isEmpty)
        #expect(throws: ArchiveError.self) { try connection.execute("UPDATE ledger SET at = 99") }
        #expect(throws: ArchiveError.self) { try connection.execute("DELETE FROM ledger") }
        try connection.execute("DROP TRIGGER ledger_no_update")
        let value: SQLiteValue =
            switch column {
            case "at": .integer(999)
            case "hash", "previous": .blob([UInt8](repeating: 9, count: 32))
            default: .text("{}")
            }
        try connection.execute(
            "UPDATE ledger SET \(column) = ? WHERE seq = ?", [value, .integer(Int64(sequence))])
        let faults = try Ledger.verify(connection, published: nil)
        #expect(faults.contains(.changed(sequence: Int64(sequence))))
    }

    @Test(arguments: 0..<10)
    func aCutTailShows(kept: Int) throws {
        let storage = try TemporaryStorage()
        let connection = try Self.ledger(storage)
        let published = try Ledger.head(connection)
        try connection.execute("DROP TRIGGER ledger_no_delete")
        try connection.execute("DELETE FROM ledger WHERE seq > ?", [.integer(Int64(kept))])
        #expect(
            try Ledger.verify(connection, published: nil) == [.cut(expected: 10, found: Int64(kept))])
        // With the head forged as well only a published head helps.
        let last = try Ledger.entries(connection, after: 0, limit: 100).last?.hash ?? Ledger.zero
        try connection.execute(
            "UPDATE ledger_head SET entries = ?, hash = ?", [.integer(Int64(kept)), .blob(last.bytes)])
        #expect(try Ledger.verify(connection, published: nil).isEmpty)
        #expect(
            try Ledger.verify(connection, published: published) == [.cut(expected: 10, found: Int64(kept))])
    }

    @Test func aRewrittenLedgerDiffersFromThePublishedHead() throws {
        let one = try Self.ledger(TemporaryStorage())
        let other = try Self.ledger(TemporaryStorage())
        let head = try Ledger.head(one)
        #expect(try Ledger.head(other) == head)
        try CatalogChanges(connection: other, now: 5).note("note", nil, "{}")
        #expect(try Ledger.verify(other, published: head).isEmpty)
        let forged = LedgerHead(entries: 10, hash: .sha256([1]))
        #expect(try Ledger.verify(other, published: forged) == [.otherHead])
    }

    @Test func aSealedFileIsNotExchangedBySQL() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        try archive.sealed(call(1))
        archive.close()
        let connection = try SQLiteConnection(path: storage.layout.databasePath, access: .write)
        #expect(throws: ArchiveError.self) {
            try connection.execute(
                "UPDATE recordings SET sha256 = ?", [.blob([UInt8](repeating: 1, count: 32))])
        }
    }

    static let secret = "+15550123456"

    @Test func errorsAndDescriptionsTellNothing() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        var row = call(1, caller: Self.secret, called: Self.secret)
        row.parameters = "{" + Self.secret
        do {
            try archive.applyAndWait(.open(row))
            Issue.record("broken JSON was taken")
        } catch {
            #expect(!String(describing: error).contains("5550123456"))
            #expect(!String(reflecting: error).contains("5550123456"))
        }
        #expect(!String(reflecting: row).contains("5550123456"))
        let turn = TurnRow(role: .caller, text: Self.secret, startSamples: 0)
        #expect(!"\(turn)".contains("5550123456"))
        let event = EventRow(kind: "dtmf", position: 1, detail: Self.secret)
        #expect(!"\(event)".contains("5550123456"))
        row.parameters = "{}"
        try archive.applyAndWait(.open(row))
        for entry in try archive.catalog.ledger() { #expect(!"\(entry)".contains("5550123456")) }
        archive.close()
    }
}
