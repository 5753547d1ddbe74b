// When a catalog is read as a file that does not change, and what happens when it changes all the same.

import Glibc
import Testing

@testable import Archive

@Suite struct CatalogRestTests {
    private func rest(_ storage: TemporaryStorage) -> CatalogRest? {
        CatalogRest.of(storage.layout, asksLock: true)
    }

    @Test func onlyWithoutAServerAndWithoutALog() throws {
        let storage = try TemporaryStorage()
        #expect(rest(storage) == nil)
        let archive = try storage.open()
        try archive.sealed(call(1))
        #expect(rest(storage) == nil)
        archive.close()
        let found = try #require(rest(storage))
        #expect(rest(storage) == found)
        // Leftovers of a reader are nothing; a log with something in it and a held lock are.
        let log = storage.layout.databasePath + "-wal"
        try write([], to: log)
        try write([], to: storage.layout.databasePath + "-shm")
        #expect(rest(storage) == found)
        try write([1], to: log)
        #expect(rest(storage) == nil)
        unlink(log)
        let lock = try StorageLock(storage.layout)
        #expect(rest(storage) == nil)
        #expect(CatalogRest.of(storage.layout, asksLock: false) == nil)
        lock.release(isWhole: true)
        #expect(rest(storage) == found)
    }

    /// What was read while somebody began to write does not count: it is read again.
    @Test func aQuestionThatAWriterInterruptedIsAskedAgain() throws {
        let storage = try TemporaryStorage()
        try storage.open().close()
        let catalog = Catalog(storage.layout, readers: 1)
        defer { catalog.close() }
        var counts: [Int64] = []
        var server: CallArchive?
        let answer = try catalog.read { connection throws(ArchiveError) in
            if counts.isEmpty {
                server = try CallArchive(storage.layout)
                try server?.applyAndWait(.open(call(1)))
            }
            counts.append(try connection.integer("SELECT count(*) FROM calls"))
            return counts.last
        }
        #expect(counts == [0, 1])
        #expect(answer == 1)
        server?.close()
    }

    @Test(arguments: [
        ("/tmp/a b/archive.sqlite", "file:/tmp/a%20b/archive.sqlite?immutable=1"),
        ("/a?b#c%d/é", "file:/a%3Fb%23c%25d/%C3%A9?immutable=1"),
    ])
    func addresses(path: String, address: String) {
        #expect(SQLiteConnection.immutableAddress(path) == address)
    }

    /// A question that would never end is broken off, and the connection is good for the next one.
    @Test(.timeLimit(.minutes(1))) func aQuestionIsBrokenOffInTime() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        defer { archive.close() }
        try archive.catalog.read { connection throws(ArchiveError) in
            #expect(throws: ArchiveError.tooSlow) {
                try connection.within(20) { () throws(ArchiveError) in
                    try connection.integer(
                        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
                    )
                }
            }
            #expect(
                try connection.integer(
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT count(*) FROM n"
                ) == 100_000)
        }
        #expect(try archive.catalog.list(milliseconds: 10_000).items.isEmpty)
    }
}
