// Storages as a full disk, a lost catalog or a dead server leave them: what the next look makes of them is true.

import Archive
import Foundation
import Patience
import Simulator
import Tape
import Telemetry
import Testing

@testable import Exchange

@Suite(.serialized) struct LeftBehindTests {
    /// A storage in which one call of some seconds was recorded and sealed; its row, its tape's bytes.
    private struct Recorded {
        let folder: ScratchFolder
        let row: ListedCall
        let tape: Data
        /// How long the call took beyond its sound: its beginning and its end, as slow as they were. In microseconds.
        let beyond: Int64
        var storage: String { folder.path + "/storage" }
        var tapePath: String { storage + "/tapes/\(row.call.id).tape" }

        init(_ values: [String: String] = [:]) async throws {
            folder = try ScratchFolder()
            let house = try TestHouse(
                agent: ShortTalk.agent, values: values, folder: folder.path + "/storage")
            var call = ShortTalk.call(to: house.media(), milliseconds: 40_000)
            call.parameters = ["customer": "c-17", "zone": "ü"]
            let began = MonotonicTime.now
            let catalog = house.exchange.archive.catalog
            let result = try await house.call(call) { stream async throws in
                // The caller stays until the agent is there, and has spoken.
                #expect(try await eventually { try catalog.list().items.first?.call.conversationID != nil })
                #expect(try await house.network.hears(stream, milliseconds: 900))
                #expect(try await house.network.says(stream, milliseconds: 2_500))
            }
            #expect(result.end == .asPlanned)
            await house.settle()
            let whole = MonotonicTime.now.milliseconds(since: began) * 1000
            row = try #require(try catalog.list().items.first)
            // 8,000 samples a second.
            beyond = whole - row.call.durationSamples * 125
            #expect(row.recording.state == .sealed)
            #expect(house.close(keepsStorage: true) == 0)
            tape = try Data(
                contentsOf: URL(
                    fileURLWithPath: folder.path + "/storage/tapes/\(row.call.id).tape"))
        }

        /// Removes the catalog with all its rows.
        func loseCatalog() throws {
            for name in ScratchFolder.files(storage) where name.hasPrefix("archive.sqlite") {
                try FileManager.default.removeItem(atPath: storage + "/" + name)
            }
        }

        /// The tape up to about `part` of it, cut between two records: its end, and its closing, are not there.
        func cutTape(_ part: Double) throws -> Data {
            var parser = TapeParser()
            let most = Int64(Double(tape.count) * part)
            tape.withUnsafeBytes { parser.feed($0) }
            var end: Int64 = 0
            while let record = parser.next(), record.offset < most { end = record.offset }
            return tape.prefix(Int(end))
        }

        /// A catalog in which the call has ended by its caller's doing, `cause` having failed its recording.
        func failed(_ cause: String) throws {
            try loseCatalog()
            let archive = try CallArchive(StorageLayout(root: storage))
            defer { archive.close() }
            var open = row.call
            (open.endedAt, open.endWho, open.endWhy, open.durationSamples) = (nil, nil, nil, 0)
            try archive.applyAndWait(.open(open))
            try archive.applyAndWait(.fail(id: open.id, cause: cause, ending: row.call.ending))
        }

        /// A server on the storage, and the call's row once nothing is under way.
        func next<Answer>(_ body: (TestHouse, ListedCall) async throws -> Answer) async throws -> Answer {
            let house = try TestHouse(agent: ShortTalk.agent, folder: storage)
            await house.settle()
            let found = try #require(try house.exchange.archive.catalog.call(row.call.id))
            let answer = try await body(house, found)
            #expect(house.close(keepsStorage: true) == 0)
            return answer
        }
    }

    @Test(.timeLimit(.minutes(1))) func aRowThatIsLostIsMadeAgainFromItsTapeColumnByColumn() async throws {
        let before = try await Recorded()
        #expect(before.row.call.caller == "+15005550001" && before.row.call.called == "+15005550006")
        #expect(before.row.call.accountID != nil && before.row.call.agentID == "agent")
        #expect(before.row.call.conversationID != nil && before.row.call.parameters.contains("c-17"))
        try before.loseCatalog()
        try await before.next { _, after in
            var call = after.call
            // The end's instant is known from the start and the length: the way of `start` to us is not on the tape.
            let off = abs((call.endedAt ?? 0) - (before.row.call.endedAt ?? 0))
            #expect(off < max(500_000, before.beyond), "the end is off by \(off) microseconds")
            call.endedAt = before.row.call.endedAt
            #expect(call == before.row.call, "\(call) differs")
            var recording = after.recording
            #expect(recording.state == .recovered && recording.cause == "row_lost")
            (recording.state, recording.cause) = (.sealed, nil)
            recording.sealedAt = before.row.recording.sealedAt
            #expect(recording == before.row.recording)
        }
    }

    @Test(.timeLimit(.minutes(1))) func aTapeOfBeforeThereWereTheseFieldsStillReads() throws {
        let header = TapeHeader(
            callID: "c", carrier: "twilio", carrierCallID: "CA", streamID: "MZ", inbound: .pcmu8k,
            outbound: .pcmu8k, rate: 8000, startedAt: 1, hasOutboundTrack: false, clearReturnsMarks: true)
        // Fields that are nil are not written: this is what older tapes hold, byte for byte.
        let bytes = try JSONEncoder().encode(header)
        for name in ["caller", "called", "accountID", "agentID", "parameters"] {
            #expect(!String(decoding: bytes, as: UTF8.self).contains("\"\(name)\""))
        }
        #expect(try JSONDecoder().decode(TapeHeader.self, from: bytes) == header)
        var told = header
        told.caller = "+15005550001"
        #expect(!"\(told)".contains("1500") && !String(reflecting: told).contains("1500"))
    }

    @Test(.timeLimit(.minutes(1))) func aKnownEndOutlivesARecoveryFromHalfATape() async throws {
        let before = try await Recorded()
        let half = try before.cutTape(0.5)
        try before.failed("disk_write_tape_28")
        try half.write(to: URL(fileURLWithPath: before.tapePath))
        try await before.next { _, after in
            #expect(after.call.endWho == .caller && after.call.endWhy == "hangup")
            #expect(after.call.endedAt == before.row.call.endedAt)
            #expect(after.call.durationSamples == before.row.call.durationSamples)
            #expect(after.recording.state == .recovered && after.recording.cause == "disk_write_tape_28")
            let samples = after.recording.samples ?? 0
            let whole = before.row.recording.samples ?? 0
            #expect((whole / 4...whole * 3 / 4).contains(samples), "\(samples) of half a tape of \(whole)")
            let tail = MissingInterval(
                start: samples, length: before.row.call.durationSamples - samples,
                cause: "disk_write_tape_28")
            #expect(after.recording.missing == [tail])
        }
    }

    @Test(.timeLimit(.minutes(1))) func theEndOfACallOfADeadServerStaysOpen() async throws {
        let before = try await Recorded()
        let half = try before.cutTape(0.5)
        try before.loseCatalog()
        let archive = try CallArchive(StorageLayout(root: before.storage))
        var open = before.row.call
        (open.endedAt, open.endWho, open.endWhy, open.durationSamples) = (nil, nil, nil, 0)
        try archive.applyAndWait(.open(open))
        archive.close()
        try half.write(to: URL(fileURLWithPath: before.tapePath))
        try await before.next { _, after in
            #expect(after.call.endWho == .server && after.call.endWhy == "crashed")
            let samples = after.recording.samples ?? 0
            #expect(
                after.recording.missing == [MissingInterval(start: samples, length: 0, cause: "server_died")])
        }
    }

    @Test(.timeLimit(.minutes(1))) func whatTheDiskFailedIsMendedWhileTheServerRuns() async throws {
        let before = try await Recorded()
        try before.failed("disk_full")
        let started = before.row.call.startedAt
        let disk = SaidDisk()
        // The tape comes back after the start: what is mended is mended by the server that runs.
        try FileManager.default.removeItem(atPath: before.tapePath)
        let house = try TestHouse(
            agent: ShortTalk.agent, rhythm: .init(look: 20, mend: 100), watch: disk.watch(least: 1 << 20),
            folder: before.storage)
        disk.free = 0
        #expect(try await eventually { house.exchange.office.disk.trouble == .full })
        // A second one whose row stayed behind without a live call.
        let stray = CallRow(
            id: CallID.make(), carrier: "twilio", carrierCallID: "CA9", startedAt: started)
        try house.exchange.archive.applyAndWait(.open(stray))
        try before.tape.write(to: URL(fileURLWithPath: before.tapePath))
        #expect(
            try await house.tells("\nteeline_recordings_unfinished 2\n"), "what waits for room is counted")
        #expect(try house.exchange.archive.catalog.call(before.row.call.id)?.recording.state == .failed)
        disk.free = 1 << 40
        let catalog = house.exchange.archive.catalog
        #expect(
            try await eventually { try catalog.call(before.row.call.id)?.recording.state == .recovered })
        #expect(try catalog.call(before.row.call.id)?.call.endWhy == "hangup")
        #expect(try await eventually { try catalog.call(stray.id)?.recording.state == .failed })
        #expect(try catalog.call(stray.id)?.recording.cause == "left_unfinished_before_tape")
        #expect(try await eventually { house.exchange.unfinishedRecordings == 0 })
        #expect(house.close(keepsStorage: true) == 0)
    }
}
