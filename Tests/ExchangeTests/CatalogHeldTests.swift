// A catalog that takes no change for a while: every row comes all the same, in order, and is counted until then.

import Archive
import Foundation
import Patience
import Simulator
import Telemetry
import Testing

@testable import Exchange

@Suite(.serialized) struct CatalogHeldTests {
    private let impatient = ArchiveSettings(busyMilliseconds: 20)

    /// The row of the call that the carrier knows as `result`.
    private func row(_ result: SimulatedCallResult, _ catalog: Catalog) throws -> ListedCall? {
        var filter = CallFilter()
        filter.callID = result.callID
        return try catalog.list(filter).items.first
    }

    @Test(.timeLimit(.minutes(1))) func aCallWhoseWholeLifeNobodyCouldWriteDownIsSealedWithoutARestart()
        async throws
    {
        let house = try TestHouse(agent: ShortTalk.agent, bounds: impatient)
        let other = try CatalogHold(storage: house.folder)
        try other.hold()
        // Long enough for its conversation to be opened, also where the machine stands still for seconds.
        let result = await house.network.call(ShortTalk.call(to: house.media(), milliseconds: 5_000))
        #expect(result.end == .asPlanned)
        #expect(
            try await house.tells(
                #"teeline_archive_change_failed_total{change="open_row",outcome="retry"}"#))
        #expect(try row(result, house.exchange.archive.catalog) == nil)
        #expect(house.exchange.unfinishedRecordings == 1, "a recording without a row is not done")
        try other.release()
        #expect(try await eventually { house.exchange.unfinishedRecordings == 0 })
        let found = try #require(try row(result, house.exchange.archive.catalog))
        #expect(found.recording.state == .sealed && found.recording.missing.isEmpty)
        #expect(found.recording.samples == result.samples)
        #expect(found.call.endWho == .caller && found.call.endWhy == "hangup")
        #expect(found.call.conversationID != nil && found.call.caller == "+15005550001")
        #expect(try await !house.metrics().contains(#"outcome="given_up""#))
        #expect(house.close() == 0)
    }

    @Test(.timeLimit(.minutes(1))) func aHoldAcrossTheEndOfACallCostsNothing() async throws {
        let house = try TestHouse(agent: ShortTalk.agent, bounds: impatient)
        let other = try CatalogHold(storage: house.folder)
        let result = try await house.call(ShortTalk.call(to: house.media(), milliseconds: 60_000)) {
            stream async throws in
            #expect(try await eventually { try house.exchange.archive.catalog.unfinished().count == 1 })
            try other.hold()
            // So much of the caller comes while nothing can be written down.
            let before = await house.network.spoken(in: stream)
            #expect(try await house.network.says(stream, milliseconds: before + 500))
        }
        // Everything is done but for the rows: the file stands under its own name.
        #expect(
            try await eventually {
                ScratchFolder.files(house.folder + "/recordings").contains { $0.hasSuffix(".mp3") }
            })
        #expect(try row(result, house.exchange.archive.catalog)?.recording.state == .recording)
        try other.release()
        #expect(try await eventually { house.exchange.unfinishedRecordings == 0 })
        #expect(try row(result, house.exchange.archive.catalog)?.recording.state == .sealed)
        #expect(house.close() == 0)
    }

    /// A line into an archive of its own.
    private func line(
        _ folder: ScratchFolder, _ limits: ChangeLine.Limits = ChangeLine.Limits()
    ) throws -> (ChangeLine, CallArchive) {
        let archive = try CallArchive(StorageLayout(root: folder.path), settings: impatient)
        let metrics = MetricsRegistry()
        ExchangeMetrics.declare(in: metrics)
        return (
            ChangeLine(archive: archive, log: Log(level: .error) { _ in }, metrics: metrics, limits: limits),
            archive
        )
    }

    @Test func aRowThatTheCatalogHasLostIsBroughtAgain() async throws {
        let folder = try ScratchFolder()
        let (line, archive) = try line(folder)
        let row = CallRow(
            id: CallID.make(), carrier: "twilio", carrierCallID: "CA1", startedAt: 1_795_255_362_000_000)
        line.keep(row)
        let done = StatusBox()
        line.submit(.rendering(id: row.id, ending: nil), "rendering_row", call: row.id) { result in
            if case .success = result { done.value = 1 } else { done.value = 0 }
        }
        #expect(try await eventually { done.value != nil })
        #expect(done.value == 1)
        #expect(try archive.catalog.call(row.id)?.recording.state == .rendering)
        // A call nobody has kept is given up at once: there is nothing to bring.
        let stranger = StatusBox()
        line.submit(.rendering(id: CallID.make(), ending: nil), "rendering_row", call: "x") { result in
            if case .failure(.unknownCall) = result { stranger.value = 1 } else { stranger.value = 0 }
        }
        #expect(try await eventually { stranger.value == 1 })
        line.stop()
        archive.close()
    }

    @Test func whatWaitsIsBounded() async throws {
        let folder = try ScratchFolder()
        let (line, archive) = try line(folder, .init(entries: 2, pauseMilliseconds: 20))
        let other = try CatalogHold(storage: folder.path)
        try other.hold()
        let row = CallRow(
            id: CallID.make(), carrier: "twilio", carrierCallID: "CA1", startedAt: 1_795_255_362_000_000)
        let refused = StatusBox()
        line.submit(.open(row), "open_row", call: row.id)
        #expect(try await eventually { line.waitingCalls == 1 })
        line.submit(.rendering(id: row.id, ending: nil), "rendering_row", call: row.id)
        line.submit(.fail(id: row.id, cause: "x", ending: nil), "fail_row", call: row.id) { result in
            if case .failure(.queueFull) = result { refused.value = 1 }
        }
        #expect(refused.value == 1)
        try other.release()
        #expect(try await eventually { try archive.catalog.call(row.id)?.recording.state == .rendering })
        line.stop()
        archive.close()
    }

    @Test(.timeLimit(.minutes(1))) func aDrainCountsARecordingWithoutAFinalRow() async throws {
        let folder = try ScratchFolder()
        let archive = try CallArchive(StorageLayout(root: folder.path), settings: impatient)
        let log = Log(level: .error) { _ in }
        let disk = DiskWatch(folder: folder.path, least: 0, log: log)
        let metrics = MetricsRegistry()
        ExchangeMetrics.declare(in: metrics)
        let line = RecordingLine(
            archive: archive, settings: try Settings(values: [:]), log: log, metrics: metrics, disk: disk)
        let other = try CatalogHold(storage: folder.path)
        try other.hold()
        let row = CallRow(
            id: CallID.make(), carrier: "twilio", carrierCallID: "CA1", startedAt: 1_795_255_362_000_000)
        line.refuse(
            row,
            ending: CallEnding(endedAt: row.startedAt, durationSamples: 0, who: .carrier, why: "no_start"))
        #expect(line.drain(milliseconds: 60_000, patience: 300) == 1)
        try other.release()
        #expect(line.drain(milliseconds: 20_000) == 0)
        #expect(try archive.catalog.call(row.id)?.recording.cause == "no_start")
        line.stop()
        archive.close()
    }
}
