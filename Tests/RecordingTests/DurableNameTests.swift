// A tape's name is made durable with its first bytes.

import Foundation
import Glibc
import Patience
import Tape
import Telemetry
import Testing

@testable import Recording

@Suite struct DurableNameTests {
    /// Folders that were flushed, in order, and what each flush came to.
    private final class Flushes: @unchecked Sendable {
        // Guarded by `lock`.
        private let lock = Lock()
        private var done: [String] = []
        private var errors: [Int32]
        private var told = 0
        init(errors: [Int32] = []) { self.errors = errors }
        var folders: [String] { lock.withLock { done } }
        /// Errors that were told to whoever watches the disk.
        var troubles: Int { lock.withLock { told } }
        func tell() { lock.withLock { told += 1 } }
        func flush(_ folder: String) -> Int32 {
            lock.withLock {
                done.append(folder)
                return errors.isEmpty ? 0 : errors.removeFirst()
            }
        }
    }

    private func outcome(
        _ flushes: Flushes, batches: Int, troubles: Int = 0, every: Int64 = 5
    ) async throws -> TapeOutcome {
        let folder = try MP3TestFolder()
        let path = folder.file("call.tape")
        var settings = TapeWriterSettings()
        settings.syncMilliseconds = every
        let writer = TapeWriter(
            settings, synchronizeFolder: { flushes.flush($0) }, onTrouble: { _ in flushes.tell() })
        writer.open("call", path: path) {}
        for _ in 1...batches {
            writer.append("call", [1, 2, 3])
            // The next batch comes when this one has been flushed.
            let isFlushed = try await eventually(30_000) {
                !flushes.folders.isEmpty && flushes.troubles >= troubles
            }
            #expect(isFlushed, "not while the call runs")
        }
        let outcome = await withCheckedContinuation { continuation in
            writer.close("call") { continuation.resume(returning: $0) }
        }
        writer.stop()
        #expect(flushes.folders.first == String(path.dropLast("/call.tape".count)))
        return outcome
    }

    @Test func theFolderIsFlushedOnceForATape() async throws {
        let flushes = Flushes()
        let outcome = try await outcome(flushes, batches: 5)
        #expect(outcome.failure == nil)
        #expect(flushes.folders.count == 1, "flushed \(flushes.folders.count) times")
    }

    /// The thread rests in steps of 200 ms at most.
    @Test func aRhythmOfSeveralStepsIsKept() async throws {
        #expect(try await outcome(Flushes(), batches: 1, every: 450).failure == nil)
    }

    @Test func aFlushThatFailsIsTold() async throws {
        let outcome = try await outcome(Flushes(errors: [EIO]), batches: 1, troubles: 1)
        #expect(outcome.failure == .file(operation: "sync_folder", errno: EIO))
    }

    @Test func theRealFolderIsFlushed() throws {
        let folder = try MP3TestFolder()
        #expect(TapeWriter.flush(String(folder.file("x").dropLast(2))) == 0)
        #expect(TapeWriter.flush(folder.file("gone")) == ENOENT)
    }
}
