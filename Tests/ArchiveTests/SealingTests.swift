// Sealing: the whole way, twice, and with a disk that fails or a server that dies at each step.

import Glibc
import Testing

@testable import Archive

@Suite struct SealingTests {
    @Test func aCallBecomesARecording() async throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        let row = call(1, caller: "+15550100")
        try await archive.openCall(row)
        #expect(try archive.catalog.call(row.id)?.recording.state == .recording)
        try await archive.markRendering(row.id, ending: ending())
        #expect(try archive.catalog.call(row.id)?.recording.state == .rendering)
        let bytes = Array("abc".utf8)
        try write(bytes, to: archive.temporaryRecording(row.id, startedAt: row.startedAt))
        try await archive.seal(row.id, request(bytes))
        let detail = try #require(try archive.catalog.detail(row.id))
        #expect(detail.recording.state == .sealed)
        #expect(detail.recording.path == "recordings/2026/11/21/\(row.id).mp3")
        #expect(detail.recording.bytes == 3)
        // FIPS 180-4, SHA-256 of "abc".
        #expect(
            detail.recording.sha256?.hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
        #expect(detail.recording.samples == 40000)
        #expect(detail.recording.sealedAt == TemporaryStorage.start + 60_000_000)
        #expect(detail.call.endWho == .caller)
        #expect(detail.call.endWhy == "hangup")
        #expect(detail.call.durationSamples == 40000)
        #expect(detail.call.caller == "+15550100")
        #expect(detail.turns == request(bytes).turns)
        #expect(detail.events == request(bytes).events)
        #expect(detail.metrics == MetricsRow())
        #expect(read(storage.layout.absolute(try #require(detail.recording.path))) == bytes)
        var status = stat()
        #expect(stat(storage.layout.absolute(try #require(detail.recording.path)), &status) == 0)
        #expect(status.st_mode & 0o777 == 0o440)
        #expect(try storage.allFiles().count == 1)
        #expect(try archive.reconcile(checkHashes: true).findings.isEmpty)
        #expect(
            try archive.catalog.ledger().map(\.kind) == [
                "call.opened", "recording.rendering", "recording.sealed",
            ])
        archive.close()
    }

    @Test func everyChangeTwiceIsOnce() async throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        let bytes = someBytes()
        let row = call(1)
        for _ in 0..<2 { try await archive.openCall(row) }
        for _ in 0..<2 { try await archive.markRendering(row.id, ending: ending()) }
        for _ in 0..<2 { try await archive.fail(row.id, cause: "disk_full") }
        try write(bytes, to: archive.temporaryRecording(row.id, startedAt: row.startedAt))
        for _ in 0..<2 { try await archive.seal(row.id, request(bytes, recovery: "server_killed")) }
        let entries = try archive.catalog.ledgerHead().entries
        #expect(entries == 4)
        // The same bytes rendered once more: the file goes, nothing else happens.
        try write(bytes, to: archive.temporaryRecording(row.id, startedAt: row.startedAt))
        try await archive.seal(row.id, request(bytes, recovery: "server_killed"))
        #expect(try archive.catalog.ledgerHead().entries == entries)
        #expect(try storage.allFiles().count == 1)
        let recording = try #require(try archive.catalog.call(row.id)).recording
        #expect(recording.state == .recovered)
        #expect(recording.cause == "server_killed")
        #expect(recording.missing == [MissingInterval(start: 8000, length: 1600, cause: "server_killed")])
        archive.close()
    }

    @Test func anotherFileIsRefused() async throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        let row = call(1)
        try archive.sealed(row)
        try write(someBytes(seed: 2), to: archive.temporaryRecording(row.id, startedAt: row.startedAt))
        await #expect(throws: ArchiveError.differentSeal) {
            try await archive.seal(row.id, request(someBytes(seed: 2)))
        }
        await #expect(throws: ArchiveError.differentSeal) {
            try await archive.seal(row.id, request(someBytes(4999)))
        }
        await #expect(throws: ArchiveError.differentSeal) {
            try await archive.seal(row.id, SealRequest(file: nil))
        }
        await #expect(throws: ArchiveError.wrongState(.sealed)) { try await archive.fail(row.id, cause: "x") }
        await #expect(throws: ArchiveError.wrongState(.sealed)) { try await archive.markRendering(row.id) }
        let path = try #require(try archive.catalog.call(row.id)?.recording.path)
        #expect(read(storage.layout.absolute(path)) == someBytes())
        archive.close()
    }

    @Test func aCallWithoutAudioIsARowWithoutAFile() async throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        let row = call(1)
        try await archive.openCall(row)
        for _ in 0..<2 { try await archive.sealEmpty(row.id, ending: ending(.carrier, "stream_stopped")) }
        let stored = try #require(try archive.catalog.call(row.id))
        #expect(stored.recording.state == .sealed)
        #expect(!stored.recording.hasAudio)
        #expect(stored.recording.samples == 0)
        #expect(try archive.reconcile().findings.isEmpty)
        #expect(try storage.allFiles().isEmpty)
        archive.close()
    }

    @Test(arguments: [(0, 4999), (4999, 5000), (5001, 5000), (5000, 4999), (5000, 5001)] as [(Int, Int)])
    func aWrongLengthIsNotSealed(written: Int, said: Int) async throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        let row = call(1)
        try await archive.openCall(row)
        try write(someBytes(written), to: archive.temporaryRecording(row.id, startedAt: row.startedAt))
        await #expect(throws: ArchiveError.wrongLength(expected: Int64(said), found: Int64(written))) {
            try await archive.seal(row.id, request(someBytes(said)))
        }
        #expect(try archive.catalog.call(row.id)?.recording.state == .recording)
        archive.close()
    }

    @Test func noFileNoSeal() async throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        try await archive.openCall(call(1))
        await #expect(throws: ArchiveError.noFile) { try await archive.seal(id(1), request(someBytes())) }
        await #expect(throws: ArchiveError.unknownCall) {
            try await archive.seal(id(2), request(someBytes()))
        }
        await #expect(throws: ArchiveError.unknownCall) { try await archive.markRendering(id(2)) }
        await #expect(throws: ArchiveError.unknownCall) { try await archive.fail(id(2), cause: "x") }
        await #expect(throws: ArchiveError.badValue(field: "id")) {
            try await archive.openCall(
                CallRow(id: "../../../../../etc/passwdxx", carrier: "x", carrierCallID: "y", startedAt: 0))
        }
        archive.close()
    }

    /// Sealing takes eight steps on the disk: length, open, digest, fsync, close, rename, fsync of the folder,
    /// chmod; the folder's making is before.
    static let failures: [(step: Int, code: Int32)] = (1...8).flatMap { step in
        [EIO, ENOSPC, EDQUOT, EROFS].map { (step, $0) }
    }

    @Test(arguments: failures)
    func aDiskThatFailsLosesNothing(step: Int, code: Int32) throws {
        let storage = try TemporaryStorage()
        let row = call(1)
        let bytes = someBytes()
        let archive = try storage.open()
        try archive.applyAndWait(.open(row))
        try archive.applyAndWait(.rendering(id: row.id, ending: ending()))
        try write(bytes, to: archive.temporaryRecording(row.id, startedAt: row.startedAt))
        archive.close()

        let disk = FailingFiles(at: step, errno: code)
        let broken = try Reopened(storage, disk)
        #expect(throws: ArchiveError.self) {
            try broken.archive.applyAndWait(.seal(id: row.id, request(bytes)))
        }
        let recording = try #require(try broken.archive.catalog.call(row.id)).recording
        #expect(recording.state == .rendering)
        #expect(recording.sha256 == nil)
        #expect(try broken.archive.catalog.verifyLedger().isEmpty)
        // The disk is well again: the same request succeeds; after a failed flush the file has to be made anew.
        let path = try broken.archive.temporaryRecording(row.id, startedAt: row.startedAt)
        if step == 4 {
            #expect(access(path, F_OK) != 0)
            try write(bytes, to: path)
        }
        try broken.archive.applyAndWait(.seal(id: row.id, request(bytes)))
        #expect(try broken.archive.catalog.call(row.id)?.recording.state == .sealed)
        #expect(try broken.archive.reconcile(checkHashes: true).findings.isEmpty)
        broken.archive.close()
    }

    static let kills: [(step: Int, afterwards: Bool)] = (1...9).flatMap { [($0, false), ($0, true)] }

    @Test(arguments: kills)
    func aServerThatDiesLeavesWhatReconcileNames(step: Int, afterwards: Bool) throws {
        let storage = try TemporaryStorage()
        let row = call(1)
        let bytes = someBytes()
        let archive = try storage.open()
        try archive.applyAndWait(.open(row))
        try archive.applyAndWait(.rendering(id: row.id, ending: ending()))
        try write(bytes, to: archive.temporaryRecording(row.id, startedAt: row.startedAt))
        try write([1], to: storage.layout.absolute(storage.layout.tape(row.id)))
        archive.close()

        let dying = try Reopened(storage, FailingFiles(at: step, dead: true, afterwards: afterwards))
        if step <= 8 {
            #expect(throws: ArchiveError.self) {
                try dying.archive.applyAndWait(.seal(id: row.id, request(bytes)))
            }
        } else {
            try dying.archive.applyAndWait(.seal(id: row.id, request(bytes)))
        }
        dying.archive.close()

        let next = try Reopened(storage, POSIXFiles())
        let report = try next.archive.reconcile(checkHashes: true)
        let renamed = step > 6 || (step == 6 && afterwards)
        let unfinished = ReconcileFinding.unfinished(id: row.id, state: .rendering, hasTape: true)
        let temporary = try storage.layout.temporaryRecording(row.id, startedAt: row.startedAt)
        if step > 8 {
            #expect(report.findings.isEmpty)
        } else if renamed {
            #expect(report.findings == [unfinished, .uncommitted(id: row.id)])
        } else {
            #expect(report.findings == [unfinished, .leftover(path: temporary, superseded: true)])
        }
        #expect(try next.archive.catalog.unfinished().map(\.call.id) == (step > 8 ? [] : [row.id]))
        let left = try next.archive.repair(report)
        #expect(left.findings.allSatisfy { $0 == unfinished || $0 == .uncommitted(id: row.id) })
        // Recovery renders the tape again (the same bytes) and seals.
        if step <= 8 {
            try write(bytes, to: next.archive.temporaryRecording(row.id, startedAt: row.startedAt))
            try next.archive.applyAndWait(.seal(id: row.id, request(bytes, recovery: "server_killed")))
        }
        #expect(try next.archive.reconcile(checkHashes: true).findings.isEmpty)
        #expect(try next.archive.catalog.verifyLedger().isEmpty)
        next.archive.close()
    }

    /// An archive opened with another disk.
    struct Reopened {
        let archive: CallArchive
        init(_ storage: TemporaryStorage, _ files: any ArchiveFiles) throws {
            archive = try storage.open(files: files)
        }
    }
}
