// `teeline verify` and the doctor: what was done to an archive behind the server's back is named.

import Foundation
import Testing

@testable import Archive
@testable import teeline

@Suite struct VerifyTests {
    private func audit(_ small: SmallArchive, deep: Bool = true) throws -> [AuditFinding] {
        let catalog = Catalog(StorageLayout(root: small.storage), readers: 1)
        defer { catalog.close() }
        return try ArchiveAudit(catalog: catalog, isDeep: deep).run().findings
    }

    private func doctor(_ small: SmallArchive) -> DoctorFinding? {
        StorageChecks(storage: small.storage).findings().first { $0.subject == "recordings" }
    }

    /// Runs statements as somebody with `sqlite3` would, past the archive's own protection.
    private func tamper(_ small: SmallArchive, _ statements: String...) throws {
        let connection = try SQLiteConnection(path: small.storage + "/archive.sqlite", access: .write)
        for statement in ["PRAGMA foreign_keys = OFF"] + statements { try connection.execute(statement) }
    }

    @Test func nothingIsWrong() async throws {
        let small = try SmallArchive()
        _ = try small.seal("CA1", [1, 2, 3])
        _ = try small.seal("CA2", [4])
        #expect(try audit(small).isEmpty)
        #expect(doctor(small)?.grade == .ok)
        // Beside the server, which holds the lock, and without one.
        #expect(await small.run("verify") == .success)
        small.archive.close()
        #expect(await small.run("verify", "--json") == .success)
        #expect(doctor(small)?.grade == .ok)
    }

    @Test func anAlteredByteIsFound() async throws {
        let small = try SmallArchive()
        let id = try small.seal("CA1", [1, 2, 3])
        _ = try small.seal("CA2", [4])
        try small.alter(small.place(id), [1, 2, 4])
        let found = try audit(small)
        #expect(found.map(\.kind) == ["altered"])
        #expect(found.first?.id == id)
        let path = try small.archive.catalog.call(id)?.recording.path
        #expect(found.first?.path == path)
        #expect(await small.run("verify") == .failure)
        #expect(await small.run("verify", "--call-id", "CA1") == .failure)
        #expect(await small.run("verify", "--call-id", "CA2") == .success)
    }

    @Test func aFileOfAnotherLengthOrNoneIsFoundByTheDoctorToo() async throws {
        let small = try SmallArchive()
        let short = try small.seal("CA1", [1, 2, 3])
        let gone = try small.seal("CA2", [4])
        try small.alter(small.place(short), [1, 2])
        try FileManager.default.removeItem(atPath: small.place(gone))
        for deep in [false, true] {
            let found = try audit(small, deep: deep)
            #expect(
                Set(found.map { "\($0.kind) \($0.id ?? "")" }) == [
                    "wrong_length \(short)", "missing \(gone)",
                ])
        }
        let told = try #require(doctor(small))
        #expect(told.grade == .fail)
        for id in [short, gone] { #expect(told.text.contains(id)) }
        #expect(await small.run("verify") == .failure)
    }

    @Test func aStrayFileIsFound() async throws {
        let small = try SmallArchive()
        _ = try small.seal("CA1", [1])
        let stray = "recordings/2026/of-mine.mp3"
        try Data([1]).write(to: URL(fileURLWithPath: small.storage + "/" + stray))
        #expect(try audit(small).map(\.kind) == ["stray"])
        #expect(try audit(small).first?.path == stray)
        #expect(doctor(small)?.grade == .fail)
        // With a filter only what the filter lets through is looked at.
        #expect(await small.run("verify") == .failure)
        #expect(await small.run("verify", "--call-id", "CA1") == .success)
    }

    @Test func aFileThatCanBeWrittenIsNotedAndNotWrong() async throws {
        let small = try SmallArchive()
        let id = try small.seal("CA1", [1])
        #expect(chmod(try small.place(id), 0o600) == 0)
        #expect(try audit(small).map(\.grade) == [.note])
        #expect(doctor(small)?.grade == .warn)
        #expect(await small.run("verify") == .success)
    }

    @Test func anUnfinishedCallIsNotedOnceNobodyIsAtIt() throws {
        let small = try SmallArchive()
        try small.archive.applyAndWait(
            .open(CallRow(id: CallID.make(), carrier: "twilio", carrierCallID: "CA1", startedAt: 1)))
        #expect(try audit(small).isEmpty)
        small.archive.close()
        #expect(try audit(small).map(\.kind) == ["unfinished"])
        #expect(try audit(small).map(\.grade) == [.note])
    }

    @Test(arguments: [
        "UPDATE ledger SET detail = '{}' WHERE seq = 2", "UPDATE ledger SET at = at + 1 WHERE seq = 1",
        "DELETE FROM ledger WHERE seq = 2", "DELETE FROM ledger WHERE seq > 2",
        "UPDATE ledger SET detail = 'no JSON' WHERE seq = 2",
    ])
    func anEditedOrCutLedgerIsFound(statement: String) async throws {
        let small = try SmallArchive()
        _ = try small.seal("CA1", [1])
        _ = try small.seal("CA2", [2])
        try tamper(small, "DROP TRIGGER ledger_no_update", "DROP TRIGGER ledger_no_delete", statement)
        #expect(try audit(small, deep: false).contains { $0.kind == "ledger" && $0.grade == .fault })
        #expect(doctor(small)?.grade == .fail)
        #expect(await small.run("verify") == .failure)
        #expect(await small.run("verify", "--json", "--call-id", "CA1") == .failure)
    }

    /// Who changes file and row together leaves both in agreement; the ledger has the first seal.
    @Test func aRowRewrittenWithItsFileIsFound() async throws {
        let small = try SmallArchive()
        let id = try small.seal("CA1", [1, 2, 3])
        let path = try small.place(id)
        try small.alter(path, [1, 2, 4])
        let forged = Digest.sha256([1, 2, 4]).hex
        try tamper(
            small, "DROP TRIGGER recordings_keep", "UPDATE recordings SET sha256 = x'\(forged)'")
        #expect(try audit(small).map(\.kind) == ["row_differs"])
        #expect(try audit(small).first?.id == id)
        #expect(await small.run("verify") == .failure)
    }

    @Test func aRowThatWasRemovedIsFound() throws {
        let small = try SmallArchive()
        let id = try small.seal("CA1", [1])
        let path = try small.place(id)
        try FileManager.default.removeItem(atPath: path)
        let tables = ["turns", "events", "metrics", "recordings"]
        for table in tables { try tamper(small, "DELETE FROM \(table)") }
        try tamper(small, "DELETE FROM calls")
        #expect(try audit(small).map(\.kind) == ["row_missing"])
        #expect(try audit(small).first?.id == id)
    }

    @Test func aHeadKeptElsewhereShowsALedgerWrittenAnew() async throws {
        let small = try SmallArchive()
        _ = try small.seal("CA1", [1])
        let head = try small.archive.catalog.ledgerHead()
        let kept = "\(head.entries):\(head.hash.hex)"
        _ = try small.seal("CA2", [2])
        #expect(await small.run("verify", "--head", kept) == .success)
        let other = "\(head.entries):\(Digest.sha256([1]).hex)"
        #expect(await small.run("verify", "--head", other) == .failure)
        #expect(await small.run("verify", "--head", "999:\(head.hash.hex)") == .failure)
        for bad in [
            "", "1", "1:", "1:abc", "x:" + head.hash.hex, "-1:" + head.hash.hex, kept + "0", kept + ":1",
        ] {
            #expect(await small.run("verify", "--head=" + bad) == .usage, "\(bad)")
        }
    }

    @Test func theReportAsJSONHasEveryMember() throws {
        let small = try SmallArchive()
        let id = try small.seal("CA1", [1, 2, 3])
        try small.alter(small.place(id), [1, 2, 4])
        let catalog = Catalog(StorageLayout(root: small.storage), readers: 1)
        defer { catalog.close() }
        let report = try ArchiveAudit(catalog: catalog, isDeep: true).run()
        let bytes = Data(AuditText.json(report).utf8)
        let json = try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
        #expect(
            json.keys.sorted() == [
                "findings", "ledger_entries", "ledger_head", "recordings", "undigested", "whole",
            ])
        #expect(json["whole"] as? Bool == false)
        #expect(json["undigested"] as? Int == 0)
        let finding = try #require((json["findings"] as? [[String: Any]])?.first)
        #expect(finding["id"] as? String == id)
        #expect(finding["kind"] as? String == "altered")
        #expect((finding["path"] as? String)?.hasSuffix(id + ".mp3") == true)
        #expect(AuditText.lines(report)[0].hasPrefix("FAIL  \(id)  recordings/"))
    }

    @Test func withoutAnArchiveThereIsNothingToVerify() async {
        #expect(await Program.run(["verify", "--storage", "/nonexistent/teeline"]) == .storage)
    }
}
