// A storage without room: no further call, by whatever door, and those that run go on.

import Archive
import Foundation
import Glibc
import Patience
import Recording
import Simulator
import Telemetry
import Testing

@testable import Exchange

/// A disk whose free bytes and whose next write the test says.
final class SaidDisk: @unchecked Sendable {
    // Guarded by `lock`.
    private let lock = Lock()
    private var room: Int64 = 1 << 40
    private var code: Int32 = 0
    /// Free bytes.
    var free: Int64 {
        get { lock.withLock { room } }
        set { lock.withLock { room = newValue } }
    }
    /// What writing comes to: an error's number, 0 for none.
    var error: Int32 {
        get { lock.withLock { code } }
        set { lock.withLock { code = newValue } }
    }

    func watch(least: Int64) -> DiskWatch {
        DiskWatch(
            folder: "/nonexistent", least: least, log: Log(level: .error) { _ in }, measure: { self.free },
            probe: { self.error })
    }
}

@Suite(.serialized) struct FullDiskTests {
    @Test func roomIsWhatTheSettingsAskFor() {
        let disk = SaidDisk()
        let watch = disk.watch(least: 1_000)
        #expect(watch.freeBytes == -1 && watch.trouble == nil)
        disk.free = 999
        watch.look()
        #expect(watch.trouble == .full && watch.freeBytes == 999)
        disk.free = 1_000
        watch.look()
        #expect(watch.trouble == nil && watch.freeBytes == 1_000)
    }

    @Test func aWriteThatFailedStandsUntilOneSucceeds() {
        let disk = SaidDisk()
        let watch = disk.watch(least: 0)
        disk.error = EDQUOT
        watch.failed(RecordingError.file(operation: "write_tape", errno: ENOSPC))
        #expect(watch.trouble == .full)
        // A quota: the file system has room, and writes none of ours.
        watch.look()
        #expect(watch.trouble == .full)
        disk.error = EIO
        watch.look()
        #expect(watch.trouble == .failing)
        disk.error = 0
        watch.look()
        #expect(watch.trouble == nil)
        watch.failed(ArchiveError.sqlite(code: 13, statement: "COMMIT"))
        #expect(watch.trouble == .full, "SQLITE_FULL is 13 (sqlite.org/rescode.html)")
        watch.look()
        // One tape at its largest says nothing of the disk.
        watch.failed(RecordingError.tapeTooLarge)
        #expect(watch.trouble == nil)
    }

    @Test func theRealDiskIsMeasuredAndWrittenTo() throws {
        let folder = try ScratchFolder()
        let watch = DiskWatch(folder: folder.path, least: 1, log: Log(level: .error) { _ in })
        watch.failed(RecordingError.file(operation: "write_tape", errno: ENOSPC))
        watch.look()
        #expect(watch.trouble == nil && watch.freeBytes > 0)
        #expect(ScratchFolder.files(folder.path).isEmpty)
        let gone = DiskWatch(folder: folder.path + "/gone", least: 1, log: Log(level: .error) { _ in })
        gone.failed(RecordingError.file(operation: "write_tape", errno: ENOSPC))
        gone.look()
        #expect(gone.trouble == .failing)
    }

    @Test(.timeLimit(.minutes(1))) func noCallIsTakenWithoutRoomAndThoseThatRunGoOn() async throws {
        let disk = SaidDisk()
        let house = try TestHouse(
            agent: ShortTalk.agent, rhythm: .init(look: 20, mend: 60_000), watch: disk.watch(least: 1 << 20))
        #expect(try await house.get("/readyz").status == 200)
        let running = try await house.call(ShortTalk.call(to: house.media(), milliseconds: 60_000)) {
            stream in
            // Its stream has begun: until then it would be refused like any other.
            #expect(try await eventually { try house.exchange.archive.catalog.unfinished().count == 1 })
            disk.free = 1 << 19
            #expect(try await eventually { house.exchange.office.disk.trouble != nil })
            try await expectRefusals(house)
            // It goes on.
            let before = await house.network.spoken(in: stream)
            #expect(try await house.network.says(stream, milliseconds: before + 500))
        }
        #expect(running.end == .asPlanned, "a call that ran was ended")
        await house.settle()
        #expect(try house.exchange.archive.catalog.list().items.map(\.recording.state) == [.sealed])
        disk.free = 1 << 40
        #expect(try await eventually { house.exchange.office.disk.trouble == nil })
        let next = await house.network.call(ShortTalk.call(to: house.media(), milliseconds: 300, seed: 3))
        #expect(next.end == .asPlanned)
        #expect(house.close() == 0)
    }

    /// What those are told who come while `house` has no room.
    private func expectRefusals(_ house: TestHouse) async throws {
        let ready = try await house.get("/readyz")
        #expect(ready.status == 503)
        #expect(String(decoding: ready.body, as: UTF8.self).contains("disk_full"))
        let refused = await house.network.call(ShortTalk.call(to: house.media(), seed: 2))
        #expect(refused.end != .asPlanned && refused.samples == 0)
        // Webhooks ask here: they say their busy sentence.
        #expect(house.exchange.office.room(caller: nil, called: nil) == .busy)
        let metrics = try await house.metrics()
        #expect(metrics.contains(#"teeline_calls_refused_total{cause="disk_full"} 1"#))
        #expect(metrics.contains("\nteeline_storage_full 1\n"))
        #expect(metrics.contains("\nteeline_storage_free_bytes 524288\n"))
    }
}
