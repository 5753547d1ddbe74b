// Export and download: right files under right names, nothing overwritten, nothing altered passed on.

import Archive
import Foundation
import Testing

@testable import teeline

@Suite struct ExportTests {
    @Test func everySealedCallIsExportedWhole() async throws {
        let small = try SmallArchive()
        let id = try small.seal("v3:a+b", [1, 2, 3])
        _ = try small.seal("CA2", [4, 5])
        #expect(await small.export() == .success)
        #expect(try small.names() == ["CA2.json", "CA2.mp3", "v3_a_b.json", "v3_a_b.mp3"])
        #expect(small.content("v3_a_b.mp3") == [1, 2, 3])
        let document = try small.json("v3_a_b.json")
        #expect(document.keys.sorted() == ["audio_file", "call", "events", "metrics", "recording", "turns"])
        let call = try #require(document["call"] as? [String: Any])
        #expect(call["id"] as? String == id)
        #expect(call["carrier_call_id"] as? String == "v3:a+b")
        #expect(call["caller"] as? String == "+15005550001")
        let turns = try #require(document["turns"] as? [[String: Any]])
        #expect(turns.map { $0["text"] as? String } == ["Good “day”"])
        let recording = try #require(document["recording"] as? [String: Any])
        #expect(recording["bytes"] as? Int == 3)
        // SHA-256 of 01 02 03, by sha256sum.
        #expect(
            recording["sha256"] as? String
                == "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81")
    }

    @Test func aSecondExportChangesNothing() async throws {
        let small = try SmallArchive()
        _ = try small.seal("CA1", [1])
        #expect(await small.export() == .success)
        let before = small.content("CA1.json")
        #expect(await small.export() == .success)
        #expect(small.content("CA1.json") == before)
        #expect(try small.names() == ["CA1.json", "CA1.mp3"])
    }

    @Test func twoCallsOfOneNameStayTwo() async throws {
        let small = try SmallArchive()
        let first = try small.seal("same/id", [1])
        let second = try small.seal("same:id", [2])
        for _ in 0..<2 {
            #expect(await small.export() == .success)
            #expect(
                try small.names() == [
                    "same_id-\(second).json", "same_id-\(second).mp3", "same_id.json", "same_id.mp3",
                ])
            #expect(small.content("same_id.mp3") == [1])
            #expect(ExportDocument.identifier(inFile: small.target + "/same_id.json") == first)
            #expect(small.content("same_id-\(second).mp3") == [2])
        }
    }

    @Test func aNameKeepsItsCallWhateverTheFilter() async throws {
        let small = try SmallArchive()
        let first = try small.seal("same", [1], carrier: "twilio")
        _ = try small.seal("same", [2], carrier: "telnyx")
        #expect(await small.export("--carrier", "telnyx") == .success)
        #expect(small.content("same.mp3") == [2])
        #expect(await small.export() == .success)
        #expect(small.content("same.mp3") == [2])
        #expect(small.content("same-\(first).mp3") == [1])
    }

    @Test func whatDiffersIsLeftAlone() async throws {
        let small = try SmallArchive()
        _ = try small.seal("CA1", [1])
        #expect(await small.export() == .success)
        try Data([9]).write(to: URL(fileURLWithPath: small.target + "/CA1.mp3"))
        #expect(await small.export() == .failure)
        #expect(small.content("CA1.mp3") == [9])
    }

    /// What ElevenLabs tells after the first export belongs into the next one.
    @Test func aDocumentGrowsWithWhatIsToldLater() async throws {
        let small = try SmallArchive()
        let id = try small.seal("CA1", [1])
        let other = try small.seal("CA2", [2])
        #expect(await small.export() == .success)
        let before = try #require(small.content("CA1.json"))
        let untouched = small.content("CA2.json")
        try small.archive.applyAndWait(
            .annotate(id: id, streamID: nil, agentID: nil, conversationID: "conv_1"))
        try small.archive.applyAndWait(
            .conversation(
                ConversationRow(
                    conversationID: "conv_1", status: "done", source: .webhook, receivedAt: 9,
                    eventTimestamp: 1)))
        let again = try FinishedProgram(
            ["export", small.target, "--storage", small.storage], in: small.folder)
        #expect(again.status == ExitCode.success.rawValue)
        #expect(again.output.contains("0 written, 1 updated, 1 there already"))
        let call = try #require(try small.json("CA1.json")["call"] as? [String: Any])
        #expect(call["conversation"] as? String == "/v1/recordings/\(id)/conversation")
        #expect(call["conversation_id"] as? String == "conv_1")
        #expect(small.content("CA2.json") == untouched)
        #expect(ExportDocument.identifier(inFile: small.target + "/CA2.json") == other)
        #expect(try small.names() == ["CA1.json", "CA1.mp3", "CA2.json", "CA2.mp3"])
        let after = try #require(small.content("CA1.json"))
        #expect(await small.export() == .success)
        #expect(small.content("CA1.json") == after)
        // The other way round nothing is replaced: an older archive does not take back what was told.
        let path = small.target + "/CA1.json"
        #expect(!ExportDocument.isSuperseded(path, by: Data(before)))
    }

    @Test(arguments: [
        (#"{"call":{"id":"another"},"recording":{"sha256":"SHA"}}"#, "another call"),
        (#"{"call":{"id":"ID"},"recording":{"sha256":"00"}}"#, "other audio"),
        (#"{"call":{"id":"ID"}}"#, "no audio"), ("[]", "no document"), ("", "nothing"),
    ])
    func anotherDocumentIsNeverOverwritten(text: String, what: String) async throws {
        let small = try SmallArchive()
        let id = try small.seal("CA1", [1])
        #expect(await small.export() == .success)
        let sha256 = try #require(try small.archive.catalog.call(id)?.recording.sha256?.hex)
        // At the long name, too, where a call goes whose short name is another's.
        let foreign = text.replacing("ID", with: id).replacing("SHA", with: sha256)
        for name in ["CA1.json", "CA1-\(id).json"] {
            try Data(foreign.utf8).write(to: URL(fileURLWithPath: small.target + "/" + name))
        }
        #expect(await small.export() == .failure, "\(what)")
        for name in ["CA1.json", "CA1-\(id).json"] {
            #expect(small.content(name) == Array(foreign.utf8), "\(what)")
        }
    }

    @Test func anAlteredRecordingIsNotPassedOn() async throws {
        let small = try SmallArchive()
        let id = try small.seal("CA1", [1, 2])
        let row = try #require(try small.archive.catalog.call(id))
        let path = small.archive.layout.absolute(try #require(row.recording.path))
        try FileManager.default.removeItem(atPath: path)
        try Data([1, 3]).write(to: URL(fileURLWithPath: path))
        #expect(await small.export() == .failure)
        #expect(try small.names() == [])
        #expect(await small.run("recordings", "download", id, "--output", small.folder + "/x") == .storage)
    }

    @Test func anExportCutShortIsTakenUp() async throws {
        let small = try SmallArchive()
        _ = try small.seal("CA1", [1])
        try FileManager.default.createDirectory(atPath: small.target, withIntermediateDirectories: true)
        try Data([1]).write(to: URL(fileURLWithPath: small.target + "/CA1.mp3"))
        #expect(await small.export() == .success)
        #expect(try small.names() == ["CA1.json", "CA1.mp3"])
    }

    @Test func downloadsAreWholeAndNeverOverwrite() async throws {
        let small = try SmallArchive()
        let id = try small.seal("CA1", [7, 8])
        let path = small.folder + "/got.mp3"
        #expect(await small.run("recordings", "download", "CA1", "--output", path) == .success)
        #expect(FileManager.default.contents(atPath: path).map(Array.init) == [7, 8])
        #expect(await small.run("recordings", "download", id, "--output", path) == .success)
        #expect(
            await small.run("recordings", "download", id, "--transcript", "txt", "--output", path) == .failure
        )
        #expect(FileManager.default.contents(atPath: path).map(Array.init) == [7, 8])
        #expect(await small.run("recordings", "download", "CA9", "--output", path) == .notFound)
    }

    @Test(
        arguments: [
            (["list"], ExitCode.success), (["list", "--json"], .success), (["list", "--limit", "0"], .usage),
            (["list", "--from", "yesterday"], .usage), (["list", "--cursor", "nonsense"], .usage),
            (["list", "--end", "caller:hangup", "--state", "sealed"], .success), (["show", "CA1"], .success),
            (["show", "CA1", "--json"], .success), (["show", "CA9"], .notFound),
        ] as [([String], ExitCode)])
    func reading(words: [String], code: ExitCode) async throws {
        let small = try SmallArchive()
        _ = try small.seal("CA1", [1])
        #expect(await Program.run(["recordings"] + words + ["--storage", small.storage]) == code)
    }

    @Test func theLocksHolderIsSeenAndNotDisturbed() throws {
        let small = try SmallArchive()
        let layout = StorageLayout(root: small.storage)
        #expect(StorageHolder.of(layout) == .process(ProcessInfo.processInfo.processIdentifier))
        #expect(StorageHolder.of(StorageLayout(root: small.folder + "/none")) == .nobody)
        #expect(StorageChecks(storage: small.storage).findings().allSatisfy { $0.grade != .fail })
    }
}
