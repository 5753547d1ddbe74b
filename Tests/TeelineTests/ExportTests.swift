// Export and download: right files under right names, nothing overwritten, nothing altered passed on.

import Archive
import Foundation
import Testing

@testable import teeline

/// An archive in a temporary folder with calls of our choice.
private final class SmallArchive {
    let folder = NSTemporaryDirectory() + "teeline-export-" + UUID().uuidString
    let archive: CallArchive
    private var started: Int64 = 1_790_000_000_000_000

    var storage: String { folder + "/storage" }
    var target: String { folder + "/out" }

    init() throws { archive = try CallArchive(StorageLayout(root: folder + "/storage")) }

    deinit {
        archive.close()
        _ = try? FileManager.default.removeItem(atPath: folder)
    }

    /// Seals a call whose MP3 is `bytes`; returns our identifier.
    func seal(_ carrierID: String, _ bytes: [UInt8], carrier: String = "twilio") throws -> String {
        started += 1_000_000
        let row = CallRow(
            id: CallID.make(), carrier: carrier, carrierCallID: carrierID, caller: "+15005550001",
            startedAt: started)
        try archive.applyAndWait(.open(row))
        let path = try archive.temporaryRecording(row.id, startedAt: row.startedAt)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let file = SealedFile(
            bytes: Int64(bytes.count), samples: 8000, rate: 8000, channels: .dual, bitrate: 48_000, quality: 5
        )
        let ending = CallEnding(endedAt: started + 1, durationSamples: 8000, who: .caller, why: "hangup")
        try archive.applyAndWait(
            .seal(
                id: row.id,
                SealRequest(
                    file: file, ending: ending,
                    turns: [TurnRow(role: .agent, text: "Good “day”", startSamples: 0, endSamples: 800)])))
        return row.id
    }

    func run(_ words: String...) async -> ExitCode { await Program.run(words + ["--storage", storage]) }
    func export(_ filters: String...) async -> ExitCode {
        await Program.run(["export", target, "--storage", storage] + filters)
    }
    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: target).sorted() }
    func content(_ name: String) -> [UInt8]? {
        FileManager.default.contents(atPath: target + "/" + name).map(Array.init)
    }
    func json(_ name: String) throws -> [String: Any] {
        let bytes = try #require(content(name))
        return try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }
}

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
