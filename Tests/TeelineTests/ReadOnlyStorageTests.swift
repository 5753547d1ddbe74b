// Archives that cannot be written: a backup's copy, a read-only mount, another user's folder. And no trace of reading in others.

import Archive
import Foundation
import Testing

@testable import teeline

@Suite struct ReadOnlyStorageTests {
    /// An archive without a server that everybody may read and, root aside, nobody write.
    private func closed() throws -> (small: SmallArchive, id: String) {
        let small = try SmallArchive()
        let id = try small.seal("CA1", [1, 2, 3])
        try small.archive.applyAndWait(.storeContext(ContextRow(phone: "+15550100", fields: ["name": "Ada"])))
        small.archive.close()
        for path in try [""] + FileManager.default.subpathsOfDirectory(atPath: small.storage) {
            let place = small.storage + "/" + path
            var isFolder: ObjCBool = false
            #expect(FileManager.default.fileExists(atPath: place, isDirectory: &isFolder))
            #expect(chmod(place, isFolder.boolValue ? 0o555 : 0o444) == 0)
        }
        return (small, id)
    }

    private func names(_ small: SmallArchive) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: small.storage).sorted()
    }

    @Test(arguments: [
        (["recordings", "list"], "CA1"), (["recordings", "show", "CA1"], "CA1"),
        (["verify"], "nothing is wrong"),
        (["contexts", "list"], "+15550100"), (["export", "out"], "1 written"),
    ])
    func aReadOnlyArchiveIsRead(words: [String], told: String) throws {
        let (small, _) = try closed()
        // The program's own folder, where it puts what it exports; a user who may not write the storage.
        let out = small.folder + "/out"
        try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
        #expect(chmod(out, 0o777) == 0)
        let before = try names(small)
        let program = try FinishedProgram(
            words + ["--storage", small.storage], in: small.folder, asAnother: true)
        #expect(program.errors == "")
        #expect(program.status == 0)
        #expect(program.output.contains(told))
        #expect(try names(small) == before)
    }

    /// By a user who may write: nothing is made beside the catalog either.
    @Test func readingLeavesNoTrace() async throws {
        let small = try SmallArchive()
        _ = try small.seal("CA1", [1, 2, 3])
        small.archive.close()
        let before = try names(small)
        #expect(!before.contains { $0.hasSuffix("-wal") || $0.hasSuffix("-shm") })
        #expect(await small.run("verify") == .success)
        #expect(await small.run("recordings", "list") == .success)
        #expect(try names(small) == before)
    }

    /// Changes that wait in the log are never passed over.
    @Test func aLogThatWasLeftIsReadToo() throws {
        let small = try SmallArchive()
        _ = try small.seal("CA1", [1])
        let copy = small.folder + "/copy"
        // As a server leaves it that was killed: the catalog and its log.
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
        for name in ["archive.sqlite", "archive.sqlite-wal"] {
            try FileManager.default.copyItem(atPath: small.storage + "/" + name, toPath: copy + "/" + name)
        }
        #expect(try Catalog(StorageLayout(root: copy)).count() == 1)
    }

    @Test func aCatalogThatRestedIsReadAnewOnceAServerWrites() throws {
        let small = try SmallArchive()
        _ = try small.seal("CA1", [1])
        small.archive.close()
        let catalog = Catalog(StorageLayout(root: small.storage), readers: 1)
        defer { catalog.close() }
        #expect(try catalog.count() == 1)
        let other = try CallArchive(StorageLayout(root: small.storage))
        let row = CallRow(id: CallID.make(), carrier: "twilio", carrierCallID: "CA2", startedAt: 5)
        try other.applyAndWait(.open(row))
        #expect(try catalog.count() == 2)
        other.close()
        #expect(try catalog.count() == 2)
        let third = try CallArchive(StorageLayout(root: small.storage))
        defer { third.close() }
        try third.applyAndWait(.fail(id: row.id, cause: "disk_full", ending: nil))
        #expect(try catalog.call(row.id)?.recording.state == .failed)
        // A reader that begins beside the server sees what it writes from then on.
        let beside = Catalog(StorageLayout(root: small.storage))
        defer { beside.close() }
        #expect(try beside.count() == 2)
        try third.applyAndWait(
            .open(CallRow(id: CallID.make(), carrier: "twilio", carrierCallID: "CA3", startedAt: 6)))
        #expect(try beside.count() == 3)
    }
}
