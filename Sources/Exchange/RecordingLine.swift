// From a call's records to a sealed recording: tape, renderer, archive, in this order.

import Archive
import CLinux
import Glibc
import Calls
import Recording
import Tape
import Telemetry

/// What is told when a recording has become final.
struct SealedCall: Sendable {
    var callID: String
    var state: RecordingState
    var cause: String?
    /// Milliseconds from the end of the call to the sealed row.
    var milliseconds: Int64
}

/// Carries every call's recording from its first record to its row. Calls only hand batches in.
final class RecordingLine: @unchecked Sendable {
    // `tasks` and `unfinished` are guarded by `lock`.
    private let lock = Lock()
    private var tasks: [String: RenderTask] = [:]
    private var unfinished = 0
    private let archive: CallArchive
    private let settings: Settings
    private let log: Log
    private let metrics: MetricsRegistry
    let writer: TapeWriter
    let pool: RenderPool
    private let sealers = DiskCrew(name: "seal", threads: 4)

    init(archive: CallArchive, settings: Settings, log: Log, metrics: MetricsRegistry) {
        self.archive = archive
        self.settings = settings
        self.log = log
        self.metrics = metrics
        writer = TapeWriter(settings.tapes)
        pool = RenderPool(threads: settings.encoderThreads)
    }

    /// A call has begun: its row, then its tape.
    func open(_ row: CallRow) {
        lock.withLock { unfinished += 1 }
        submit(.open(row), "open_row", call: row.id)
        do throws(ArchiveError) {
            let tape = archive.layout.absolute(try archive.layout.tape(row.id))
            let task = task(row.id, startedAt: row.startedAt, tape: tape)
            lock.withLock { tasks[row.id] = task }
            writer.open(row.id, path: tape) { [pool, isLive = settings.rendersLive] in
                if isLive { pool.progress(task) }
            }
        } catch {
            log(.error, "tape_open_failed", ["call": .text(row.id), "error": .text("\(error)")])
        }
    }

    /// Hands a batch of records over. Never waits.
    func append(_ id: String, _ batch: [UInt8]) { writer.append(id, batch) }

    /// The conversation of a call is known.
    func annotate(_ id: String, conversation: String) {
        submit(
            .annotate(id: id, streamID: nil, agentID: nil, conversationID: conversation), "annotate", call: id
        )
    }

    /// A call that never began: a row and nothing else.
    func refuse(_ row: CallRow, ending: CallEnding) {
        submit(.open(row), "open_row", call: row.id)
        submit(.fail(id: row.id, cause: ending.why, ending: ending), "fail_row", call: row.id)
    }

    /// A call has ended; `done` is called when its recording is final.
    func close(
        _ id: String, startedAt: Int64, ending: CallEnding, done: @escaping @Sendable (SealedCall) -> Void
    ) {
        let ended = MonotonicTime.now
        submit(.rendering(id: id, ending: ending), "rendering_row", call: id)
        let finish: @Sendable (SealedCall) -> Void = { [self] sealed in
            var sealed = sealed
            sealed.milliseconds = MonotonicTime.now.milliseconds(since: ended)
            lock.withLock(signal: true) {
                unfinished -= 1
                tasks[id] = nil
            }
            done(sealed)
        }
        writer.close(id) { [self] outcome in
            if let failure = outcome.failure {
                log(
                    .error, "tape_failed",
                    [
                        "call": .text(id), "cause": .text(failure.token),
                        "dropped_bytes": .number(outcome.dropped),
                    ])
            }
            guard let task = lock.withLock({ tasks[id] }) else {
                fail(id, cause: outcome.failure?.token ?? "no_tape", ending: ending, finish)
                return
            }
            pool.finish(task) { [self] result in
                switch result {
                case .success(let render):
                    seal(id, render, dropped: outcome, recovery: nil, ending: ending, finish)
                case .failure(let error):
                    removePart(id, startedAt: startedAt)
                    fail(id, cause: error.token, ending: ending, finish)
                }
            }
        }
    }

    /// Renders the tape of a call that an earlier server left behind.
    func recover(_ row: ListedCall, cause: String, done: @escaping @Sendable (SealedCall) -> Void) {
        let began = MonotonicTime.now
        let id = row.call.id
        lock.withLock { unfinished += 1 }
        let finish: @Sendable (SealedCall) -> Void = { [self] sealed in
            var sealed = sealed
            sealed.milliseconds = MonotonicTime.now.milliseconds(since: began)
            lock.withLock(signal: true) { unfinished -= 1 }
            done(sealed)
        }
        do throws(ArchiveError) {
            let tape = archive.layout.absolute(try archive.layout.tape(id))
            let task = task(id, startedAt: row.call.startedAt, tape: tape)
            pool.finish(task) { [self] result in
                switch result {
                case .success(let render):
                    seal(id, render, dropped: nil, recovery: cause, ending: nil, finish)
                case .failure(let error):
                    removePart(id, startedAt: row.call.startedAt)
                    fail(id, cause: error.token, ending: nil, finish)
                }
            }
        } catch {
            fail(id, cause: "storage", ending: nil, finish)
        }
    }

    /// Waits until every recording is final, at most `milliseconds`. Returns how many are not.
    func drain(milliseconds: Int64) -> Int {
        let began = MonotonicTime.now
        return lock.withLock {
            while unfinished > 0 {
                let rest = milliseconds - MonotonicTime.now.milliseconds(since: began)
                guard rest > 0 else { break }
                lock.wait(milliseconds: min(rest, 200))
            }
            return unfinished
        }
    }

    /// Ends the threads; what waits is written and rendered first.
    func stop() {
        writer.stop()
        pool.stop()
        sealers.stop()
    }

    /// Recordings that are not final.
    var unfinishedCount: Int { lock.withLock { unfinished } }

    // MARK: Sealing

    private func seal(
        _ id: String, _ render: RenderResult, dropped: TapeOutcome?, recovery: String?, ending: CallEnding?,
        _ finish: @escaping @Sendable (SealedCall) -> Void
    ) {
        let request = SealRequest(
            render: render, dropped: dropped, recovery: recovery, ending: ending, settings: settings.render)
        guard let file = request.file else {
            return commit(id, .seal(id: id, request), request, render, ending, finish)
        }
        // The disk is waited for by threads of its own: many calls may end at once, and encoders have other work.
        sealers.run { [self] in
            do throws(ArchiveError) {
                let placed = try archive.place(id, startedAt: render.call.header.startedAt, bytes: file.bytes)
                commit(id, .sealPlaced(id: id, request, placed), request, render, ending, finish)
            } catch {
                log(.error, "seal_failed", ["call": .text(id), "error": .text("\(error)")])
                fail(id, cause: error.isDiskFull ? "disk_full" : "seal_failed", ending: ending, finish)
            }
        }
    }

    private func commit(
        _ id: String, _ change: ArchiveChange, _ request: SealRequest, _ render: RenderResult,
        _ ending: CallEnding?, _ finish: @escaping @Sendable (SealedCall) -> Void
    ) {
        archive.apply(change) { [self] result in
            switch result {
            case .success:
                metrics.observe("teeline_render_cpu_seconds", Double(render.cpuNanoseconds) / 1e9)
                if !settings.keepsOriginals { removeTape(id) }
                finish(
                    SealedCall(
                        callID: id, state: request.recoveryCause == nil ? .sealed : .recovered,
                        cause: request.recoveryCause, milliseconds: 0))
            case .failure(let error):
                log(.error, "seal_failed", ["call": .text(id), "error": .text("\(error)")])
                fail(id, cause: error.isDiskFull ? "disk_full" : "seal_failed", ending: ending, finish)
            }
        }
    }

    private func fail(
        _ id: String, cause: String, ending: CallEnding?, _ finish: @escaping @Sendable (SealedCall) -> Void
    ) {
        archive.apply(.fail(id: id, cause: cause, ending: ending)) { [self] result in
            if case .failure(let error) = result {
                // The row stays unfinished, its tape stays, and the next start takes both up again.
                log(.error, "fail_row_failed", ["call": .text(id), "error": .text("\(error)")])
            }
            finish(SealedCall(callID: id, state: .failed, cause: cause, milliseconds: 0))
        }
    }

    /// The rendering of a tape. The folder of its file is made by the thread that renders: a call must not wait for
    /// the disk, and a full disk must not keep its tape from being written.
    private func task(_ id: String, startedAt: Int64, tape: String) -> RenderTask {
        pool.task { [archive, render = settings.render] () throws(RecordingError) in
            do throws(ArchiveError) {
                let output = try archive.temporaryRecording(id, startedAt: startedAt)
                return CallRenderer(tapePath: tape, outputPath: output, settings: render)
            } catch {
                if case .file(_, let errno) = error { throw .file(operation: "make_folder", errno: errno) }
                throw .file(operation: "make_folder", errno: EINVAL)
            }
        }
    }

    /// Removes what a failed rendering has left: the tape has all of it, and the disk may be full.
    private func removePart(_ id: String, startedAt: Int64) {
        do throws(ArchiveError) {
            let path = archive.layout.absolute(
                try archive.layout.temporaryRecording(id, startedAt: startedAt))
            if unlink(path) != 0, errno != ENOENT {
                log(.warning, "part_not_removed", ["call": .text(id), "errno": .number(Int64(errno))])
            }
        } catch {
            log(.warning, "part_not_removed", ["call": .text(id)])
        }
    }

    private func submit(_ change: ArchiveChange, _ what: String, call id: String) {
        archive.apply(change) { [log] result in
            if case .failure(let error) = result {
                log(
                    .error, "archive_change_failed",
                    ["change": .text(what), "call": .text(id), "error": .text("\(error)")])
            }
        }
    }

    private func removeTape(_ id: String) {
        do throws(ArchiveError) {
            let path = archive.layout.absolute(try archive.layout.tape(id))
            if unlink(path) != 0 {
                log(.warning, "tape_not_removed", ["call": .text(id), "errno": .number(Int64(errno))])
            }
        } catch {
            log(.warning, "tape_not_removed", ["call": .text(id)])
        }
    }
}
