// What a start says of a storage that is not as its catalog has it: by name where the name is ours.

import Archive
import Foundation
import Telemetry
import Testing

@testable import Exchange

@Suite(.serialized) struct NamedDifferenceTests {
    /// Log lines of a server.
    private final class Lines: @unchecked Sendable {
        // Guarded by `lock`.
        private let lock = Lock()
        private var kept: [String] = []
        var all: [String] { lock.withLock { kept } }
        func keep(_ line: String) { lock.withLock { kept.append(line) } }
        func of(_ event: String) -> [String] { all.filter { $0.contains("\"\(event)\"") } }
    }

    @Test(.timeLimit(.minutes(1))) func aFaultOfTheDeskTellsItsCallAndNoNumber() async throws {
        let lines = Lines()
        let house = try TestHouse(agent: ShortTalk.agent, log: Log(level: .info) { lines.keep($0) })
        _ = await house.network.call(ShortTalk.call(to: house.media(), milliseconds: 400))
        await house.settle()
        let row = try #require(try house.exchange.archive.catalog.list().items.first)
        let path = house.folder + "/" + (row.recording.path ?? "")
        try FileManager.default.removeItem(atPath: path)
        #expect(try await house.get("/v1/recordings/\(row.call.id)/audio.mp3").status == 500)
        let fault = try #require(lines.of("desk_fault").first)
        #expect(fault.contains(row.call.id) && !fault.contains("/2026"))
        // A path may hold a number: it is no call's.
        house.exchange.archive.catalog.close()
        _ = try await house.get("/v1/contexts/%2B15005550001")
        #expect(lines.of("desk_fault").count == 2)
        #expect(!lines.all.contains { $0.contains("15005550001") })
        house.close()
    }

    @Test func everyDifferenceAtTheStartHasAName() throws {
        let folder = try ScratchFolder()
        let storage = folder.path + "/storage"
        let day = storage + "/recordings/2026/11/21"
        try FileManager.default.createDirectory(atPath: day, withIntermediateDirectories: true)
        let (own, half) = (CallID.make(), CallID.make())
        for name in ["\(own).mp3", "\(half).mp3.part", "+15005550001 says hello.mp3"] {
            #expect(FileManager.default.createFile(atPath: day + "/" + name, contents: Data([1])))
        }
        let lines = Lines()
        let house = try TestHouse(
            agent: ShortTalk.agent, log: Log(level: .info) { lines.keep($0) }, folder: storage)
        #expect(house.close(keepsStorage: true) == 0)

        let strange = Digest.sha256(Array("recordings/2026/11/21/+15005550001 says hello.mp3".utf8)).hex
        let unknown = lines.of("file_without_row")
        #expect(unknown.count == 2)
        #expect(unknown.contains { $0.contains("recordings/2026/11/21/\(own).mp3") })
        #expect(unknown.contains { $0.contains("recordings/2026/11/21/sha256:\(strange)") })
        #expect(lines.of("temporary_file_left").first?.contains("2026/11/21/\(half).mp3.part") == true)
        #expect(!lines.all.contains { $0.contains("hello") || $0.contains("1500555") })
    }
}
