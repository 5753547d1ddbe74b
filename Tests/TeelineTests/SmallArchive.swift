// An archive for the tests of commands.

import Archive
import Foundation
import Testing

@testable import teeline

/// An archive in a temporary folder with calls of our choice.
final class SmallArchive {
    let folder = NSTemporaryDirectory() + "teeline-export-" + UUID().uuidString
    let archive: CallArchive
    private var started: Int64 = 1_790_000_000_000_000

    var storage: String { folder + "/storage" }
    var target: String { folder + "/out" }

    init() throws { archive = try CallArchive(StorageLayout(root: folder + "/storage")) }

    deinit {
        Glibc.chmod(storage, 0o700)
        archive.close()
        _ = try? FileManager.default.removeItem(atPath: folder)
    }

    /// Seals a call whose MP3 is `bytes`; returns our identifier.
    func seal(
        _ carrierID: String, _ bytes: [UInt8], carrier: String = "twilio", text: String = "Good “day”"
    ) throws -> String {
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
                    turns: [TurnRow(role: .agent, text: text, startSamples: 0, endSamples: 800)])))
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

    /// The place of a call's sealed file.
    func place(_ id: String) throws -> String {
        let row = try #require(try archive.catalog.call(id))
        return archive.layout.absolute(try #require(row.recording.path))
    }

    /// Puts other bytes where a sealed file is, as somebody with a shell would.
    func alter(_ path: String, _ bytes: [UInt8]) throws {
        try FileManager.default.removeItem(atPath: path)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o400], ofItemAtPath: path)
    }
}
