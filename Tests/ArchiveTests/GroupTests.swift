// Many changes in one commit, and many files brought to their places at once.

import Glibc
import Telemetry
import Testing

@testable import Archive

@Suite struct GroupTests {
    /// Puts `changes` in the queue while the writer is held up, so that they are done together.
    private func together(_ changes: [ArchiveChange], _ archive: CallArchive) -> [Result<
        ChangeOutcome, ArchiveError
    >] {
        let results = Guarded<[Int: Result<ChangeOutcome, ArchiveError>]>([:])
        let isReleased = Guarded(false)
        // The completion of this one runs on the writer's thread and holds it.
        archive.apply(.note(kind: "test.hold", callID: nil, detail: "{}")) { _ in
            _ = isReleased.wait { $0 ? true : nil }
        }
        for (index, change) in changes.enumerated() {
            archive.apply(change) { result in results.change { $0[index] = result } }
        }
        isReleased.change { $0 = true }
        let all = results.wait(milliseconds: 20_000) { $0.count == changes.count ? $0 : nil } ?? [:]
        return changes.indices.compactMap { all[$0] }
    }

    @Test(.timeLimit(.minutes(1))) func whoHoldsTheCatalogIsWaitedForOnceNotForEachChange() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open(settings: ArchiveSettings(busyMilliseconds: 500))
        let other = try SQLiteConnection(path: storage.layout.databasePath, access: .write)
        let results = Guarded(0)
        let isReleased = Guarded(false)
        archive.apply(.note(kind: "test.hold", callID: nil, detail: "{}")) { _ in
            _ = isReleased.wait { $0 ? true : nil }
        }
        // Once the first note is on the disk its completion holds the writer: all that follow are one group.
        while try archive.catalog.ledgerHead().entries == 0 {}
        for _ in 0..<40 {
            archive.apply(.note(kind: "test.note", callID: nil, detail: "{}")) { result in
                if case .failure(let error) = result, error.mayPass { results.change { $0 += 1 } }
            }
        }
        try other.execute("BEGIN IMMEDIATE")
        let began = MonotonicTime.now
        isReleased.change { $0 = true }
        #expect(results.wait(milliseconds: 40_000) { $0 == 40 ? true : nil } == true)
        // For each it would be 20 s.
        #expect(MonotonicTime.now.milliseconds(since: began) < 12_000)
        try other.execute("ROLLBACK")
        try archive.applyAndWait(.note(kind: "test.note", callID: nil, detail: "{}"))
        archive.close()
    }

    @Test func aChangeThatFailsTakesNoOtherWithIt() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        var changes: [ArchiveChange] = (1...40).map { .open(call($0)) }
        changes.insert(.rendering(id: id(99), ending: nil), at: 20)
        let results = together(changes, archive)
        #expect(results.count == 41)
        for (index, result) in results.enumerated() {
            switch result {
            case .success: #expect(index != 20)
            case .failure(let error): #expect(index == 20 && error == .unknownCall)
            }
        }
        #expect(try archive.catalog.count() == 40)
        // The note, then forty entries without a hole.
        #expect(try archive.catalog.ledgerHead().entries == 41)
        #expect(try archive.catalog.verifyLedger().isEmpty)
        archive.close()
    }

    @Test func aLaterChangeSeesAnEarlierOneOfItsGroup() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        let row = call(1)
        let results = together(
            [
                .open(row), .rendering(id: row.id, ending: ending()),
                .fail(id: row.id, cause: "x", ending: nil),
            ],
            archive)
        #expect(results.count == 3)
        for result in results { #expect(throws: Never.self) { try result.get() } }
        #expect(try archive.catalog.call(row.id)?.recording.state == .failed)
        archive.close()
    }

    /// A database that may not grow: what fails is not there, and of a group that is rolled back nothing is.
    @Test func whatDoesNotFitFailsAndNothingIsHalfDone() throws {
        let storage = try TemporaryStorage()
        try storage.open().close()
        let small = try SQLiteConnection(path: storage.layout.databasePath, access: .write)
        let pages = try small.integer("PRAGMA page_count")
        _ = try small.integer("PRAGMA max_page_count = \(pages + 6)")
        var failures: Int64 = 0
        var isCommitted = true
        do throws(ArchiveError) {
            try small.group {
                for number in 1...400 {
                    do throws(ArchiveError) {
                        try CatalogChanges(connection: small, now: 0).open(call(number))
                    } catch {
                        failures += 1
                    }
                }
            }
        } catch {
            isCommitted = false
        }
        // SQLite may take a full disk as the end of the whole transaction, or of the part (sqlite.org/lang_transaction.html).
        #expect(failures > 0 && failures < 400)
        let kept = isCommitted ? 400 - failures : 0
        #expect(try small.integer("SELECT count(*) FROM calls") == kept)
        #expect(try small.integer("SELECT coalesce(max(entries), 0) FROM ledger_head") == kept)
        #expect(try small.integer("SELECT count(*) FROM ledger") == kept)
    }

    /// An error that rolls everything back: nothing of the group is there, and that is said.
    @Test func aGroupThatIsRolledBackIsNotDone() throws {
        let storage = try TemporaryStorage()
        try storage.open().close()
        let connection = try SQLiteConnection(path: storage.layout.databasePath, access: .write)
        #expect(throws: ArchiveError.self) {
            try connection.group {
                do throws(ArchiveError) {
                    try CatalogChanges(connection: connection, now: 0).open(call(1))
                    try connection.execute("ROLLBACK")
                } catch {
                    Issue.record("\(error)")
                }
            }
        }
        #expect(try connection.integer("SELECT count(*) FROM calls") == 0)
        // And the next transaction is one of its own again.
        try CatalogChanges(connection: connection, now: 0).open(call(2))
        #expect(try connection.integer("SELECT count(*) FROM calls") == 1)
    }

    @Test func filesArePlacedAtOnceAndSealedAfterwards() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        let rows = (1...24).map { call($0) }
        for row in rows {
            try archive.applyAndWait(.open(row))
            try write(
                someBytes(3000, seed: 3), to: archive.temporaryRecording(row.id, startedAt: row.startedAt))
        }
        let failures = Guarded<[ArchiveError]>([])
        let threads = (0..<8).map { share in
            WorkerThread(name: "place-\(share)") {
                for row in rows[(share * 3)..<(share * 3 + 3)] {
                    do throws(ArchiveError) {
                        let bytes = read(
                            archive.layout.absolute(
                                try archive.layout.temporaryRecording(row.id, startedAt: row.startedAt)))
                        let placed = try archive.place(
                            row.id, startedAt: row.startedAt, bytes: Int64(bytes.count))
                        try archive.applyAndWait(.sealPlaced(id: row.id, request(bytes), placed))
                        // The same once more changes nothing, and its file is not touched again.
                        try archive.applyAndWait(.sealPlaced(id: row.id, request(bytes), placed))
                    } catch {
                        failures.change { $0.append(error) }
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(failures.change { $0 } == [])
        #expect(try archive.reconcile(checkHashes: true).findings.isEmpty)
        for row in rows {
            #expect(try archive.catalog.call(row.id)?.recording.state == .sealed)
            #expect(throws: ArchiveError.wrongState(.sealed)) {
                try archive.place(row.id, startedAt: row.startedAt, bytes: 1)
            }
        }
        #expect(try archive.catalog.verifyLedger().isEmpty)
        archive.close()
    }
}
