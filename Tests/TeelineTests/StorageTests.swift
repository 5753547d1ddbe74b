// Storage folders that cannot be used: what doctor, server and readers say of them.

import Archive
import Foundation
import Testing

@testable import teeline

@Suite struct StorageTests {
    /// A folder that goes with the test.
    private final class Place {
        let path = NSTemporaryDirectory() + "teeline-place-" + UUID().uuidString
        init() throws {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        deinit { _ = try? FileManager.default.removeItem(atPath: path) }
    }

    private func folder(_ path: String) -> DoctorFinding? {
        StorageChecks(storage: path).findings().first { $0.subject == "storage" }
    }

    @Test func doctorSeesWhatServeCannotUse() throws {
        let place = try Place()
        #expect(symlink(place.path + "/not-mounted", place.path + "/dangle") == 0)
        try Data([1]).write(to: URL(fileURLWithPath: place.path + "/file"))
        for name in ["dangle", "dangle/sub", "file", "file/sub"] {
            #expect(folder(place.path + "/" + name)?.grade == .fail, "\(name)")
        }
        #expect(folder("/proc/teeline-test")?.grade == .fail)
        #expect(folder(place.path + "/new")?.grade == .ok)
        // It looked, and left nothing.
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: place.path).sorted() == ["dangle", "file"])
        try FileManager.default.createDirectory(
            atPath: place.path + "/not-mounted", withIntermediateDirectories: true)
        #expect(folder(place.path + "/dangle")?.grade == .ok)
        #expect(symlink(place.path + "/elsewhere", place.path + "/not-mounted/recordings") == 0)
        #expect(folder(place.path + "/dangle")?.grade == .fail)
    }

    @Test(arguments: ["dangle", "/proc/teeline-test"]) func serveSaysWhyItCannotStart(storage: String) throws
    {
        let place = try Place()
        #expect(symlink("not-mounted", place.path + "/dangle") == 0)
        let program = try FinishedProgram(["serve", "--port", "0", "--storage", storage], in: place.path)
        #expect(program.status == ExitCode.storage.rawValue)
        #expect(program.errors.contains("storage: \(storage)"))
        #expect(program.errors.contains("leads nowhere"))
    }

    /// A folder of 0700 seen by another user, or, where the tests do not run as root, one that is closed to its owner.
    @Test func whatMayNotBeReadIsNotToldAsAbsent() throws {
        let small = try SmallArchive()
        _ = try small.seal("CA1", [1])
        if geteuid() != 0 { #expect(chmod(small.storage, 0) == 0) }
        let program = try FinishedProgram(
            ["recordings", "list", "--storage", small.storage], in: small.folder, asAnother: true)
        #expect(program.status == ExitCode.storage.rawValue)
        #expect(program.errors.contains("Permission denied"))
        #expect(program.errors.contains("user of the server"))
        #expect(!program.errors.contains("no archive"))
        let none = try FinishedProgram(
            ["recordings", "list", "--storage", small.folder + "/none"], in: small.folder)
        #expect(none.status == ExitCode.storage.rawValue)
        #expect(none.errors.contains("there is no archive"))
    }
}
