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
    // `tasks`, `active` and `unsaved` are guarded by `lock`.
    private let lock = Lock()
    private var tasks: [String: RenderTask] = [:]
    /// Calls whose recording is on its way.
    private var active: Set<String> = []
    /// Calls whose last word the catalog did not take.
    private var unsaved: Set<String> = []
    let archive: CallArchive
    let settings: Settings
    let log: Log
    private let metrics: MetricsRegistry
    let writer: TapeWriter
    let pool: RenderPool
    private let changes: ChangeLine
    private let disk: DiskWatch
    private let sealers = DiskCrew(name: "seal", threads: 4)

    init(
        archive: CallArchive, settings: Settings, log: Log, metrics: MetricsRegistry, disk: DiskWatch
    ) {
        self.archive = archive
        self.settings = settings
        self.log = log
        self.metrics = metrics
        self.disk = disk
        writer = TapeWriter(settings.tapes, onTrouble: { disk.failed($0) })
        pool = RenderPool(threads: settings.encoderThreads)
        changes = ChangeLine(archive: archive, log: log, metrics: metrics) { error in
            if error.isDiskTrouble { disk.failed(error) }
        }
    }

    /// A call has begun: its row, then its tape.
    func open(_ row: CallRow) {
        lock.withLock { _ = active.insert(row.id) }
        changes.keep(row)
        changes.submit(.open(row), "open_row", call: row.id)
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
        changes.submit(
            .annotate(id: id, streamID: nil, agentID: nil, conversationID: conversation), "annotate", call: id
        )
    }

    /// A call that never began: a row and nothing else.
    func refuse(_ row: CallRow, ending: CallEnding) {
        lock.withLock { _ = active.insert(row.id) }
        changes.submit(.open(row), "open_row", call: row.id)
        fail(row.id, cause: ending.why, ending: ending) { _ in }
    }

    /// A call has ended; `done` is called when its recording is final.
    func close(
        _ id: String, startedAt: Int64, ending: CallEnding, done: @escaping @Sendable (SealedCall) -> Void
    ) {
        let ended = MonotonicTime.now
        changes.submit(.rendering(id: id, ending: ending), "rendering_row", call: id)
        let finish: @Sendable (SealedCall) -> Void = { sealed in
            var sealed = sealed
            sealed.milliseconds = MonotonicTime.now.milliseconds(since: ended)
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

    /// Renders the tape of a call whose recording is not final, or failed: left by an earlier server, or by a disk that
    /// was full. Nothing is done when it is under way already.
    func recover(_ row: ListedCall, cause: String, done: @escaping @Sendable (SealedCall) -> Void) {
        let began = MonotonicTime.now
        let id = row.call.id
        guard lock.withLock({ active.insert(id).inserted }) else { return }
        let ending = row.call.ending
        let finish: @Sendable (SealedCall) -> Void = { sealed in
            var sealed = sealed
            sealed.milliseconds = MonotonicTime.now.milliseconds(since: began)
            done(sealed)
        }
        do throws(ArchiveError) {
            let tape = archive.layout.absolute(try archive.layout.tape(id))
            let task = task(id, startedAt: row.call.startedAt, tape: tape)
            pool.finish(task) { [self] result in
                switch result {
                case .success(let render):
                    seal(id, render, dropped: nil, recovery: cause, ending: ending, finish)
                case .failure(let error):
                    removePart(id, startedAt: row.call.startedAt)
                    guard row.recording.state != .failed else {
                        // The row says already why there is none.
                        conclude(id, isSaved: true)
                        return finish(
                            SealedCall(
                                callID: id, state: .failed, cause: row.recording.cause, milliseconds: 0))
                    }
                    fail(id, cause: error.token, ending: ending, finish)
                }
            }
        } catch {
            fail(id, cause: "storage", ending: ending, finish)
        }
    }

    /// The recording of a call that left no tape: there is none, and why.
    func giveUp(_ row: ListedCall, cause: String) {
        let id = row.call.id
        guard lock.withLock({ active.insert(id).inserted }) else { return }
        let crashed = CallEnding(
            endedAt: row.call.startedAt, durationSamples: 0, who: .server, why: CallEndReason.crashed.rawValue
        )
        fail(id, cause: cause, ending: row.call.ending ?? crashed) { _ in }
    }

    /// Waits until every recording is final, at most `milliseconds`, and at most `patience` for rows that the catalog
    /// does not take. Returns how many recordings have no final row.
    func drain(milliseconds: Int64, patience: Int64 = 15_000) -> Int {
        let began = MonotonicTime.now
        var movedAt = began
        var last = -1
        while true {
            let left = lock.withLock { () -> Int in
                if !active.isEmpty { lock.wait(milliseconds: 200) }
                return active.count
            }
            let now = MonotonicTime.now
            if left != last || changes.waitingCalls < left { movedAt = now }
            last = left
            if left == 0 || now.milliseconds(since: began) >= milliseconds
                || now.milliseconds(since: movedAt) >= patience
            {
                return unfinishedCount
            }
        }
    }

    /// Ends the threads; what waits is written and rendered first.
    func stop() {
        writer.stop()
        pool.stop()
        sealers.stop()
        changes.stop()
    }

    /// Recordings that are not final.
    var unfinishedCount: Int { lock.withLock { active.union(unsaved).count } }
    /// Calls whose recording is on its way.
    var activeCalls: Set<String> { lock.withLock { active } }

    // MARK: Sealing

    private func seal(
        _ id: String, _ render: RenderResult, dropped: TapeOutcome?, recovery: String?, ending: CallEnding?,
        _ finish: @escaping @Sendable (SealedCall) -> Void
    ) {
        let request = SealRequest(
            render: render, dropped: dropped, recovery: recovery, ending: ending, settings: settings.render)
        guard let file = request.file else {
            return commit(id, .seal(id: id, request), request, render, finish)
        }
        // The disk is waited for by threads of its own: many calls may end at once, and encoders have other work.
        sealers.run { [self] in
            do throws(ArchiveError) {
                let placed = try archive.place(id, startedAt: render.call.header.startedAt, bytes: file.bytes)
                commit(id, .sealPlaced(id: id, request, placed), request, render, finish)
            } catch .wrongState {
                // Sealed meanwhile: it is what it should be.
                removePart(id, startedAt: render.call.header.startedAt)
                conclude(id, isSaved: true)
            } catch {
                log(.error, "seal_failed", ["call": .text(id), "error": .text("\(error)")])
                if error.isDiskTrouble { disk.failed(error) }
                fail(id, cause: error.isDiskFull ? "disk_full" : "seal_failed", ending: ending, finish)
            }
        }
    }

    private func commit(
        _ id: String, _ change: ArchiveChange, _ request: SealRequest, _ render: RenderResult,
        _ finish: @escaping @Sendable (SealedCall) -> Void
    ) {
        changes.submit(change, "seal", call: id) { [self] result in
            switch result {
            case .success:
                metrics.observe("teeline_render_cpu_seconds", Double(render.cpuNanoseconds) / 1e9)
                if !settings.keepsOriginals { removeTape(id) }
                conclude(id, isSaved: true)
                finish(
                    SealedCall(
                        callID: id, state: request.recoveryCause == nil ? .sealed : .recovered,
                        cause: request.recoveryCause, milliseconds: 0))
            case .failure(let error):
                log(.error, "seal_failed", ["call": .text(id), "error": .text("\(error)")])
                fail(id, cause: "seal_failed", ending: request.ending, finish)
            }
        }
    }

    private func fail(
        _ id: String, cause: String, ending: CallEnding?, _ finish: @escaping @Sendable (SealedCall) -> Void
    ) {
        changes.submit(.fail(id: id, cause: cause, ending: ending), "fail_row", call: id) { [self] result in
            // Otherwise the row stays unfinished and its tape stays: both are taken up again.
            var isSaved = false
            if case .success = result { isSaved = true }
            conclude(id, isSaved: isSaved)
            finish(SealedCall(callID: id, state: .failed, cause: cause, milliseconds: 0))
        }
    }

    /// Nothing more is done for the recording of a call.
    private func conclude(_ id: String, isSaved: Bool) {
        changes.forget(id)
        lock.withLock(signal: true) {
            active.remove(id)
            tasks[id] = nil
            if isSaved { unsaved.remove(id) } else { unsaved.insert(id) }
        }
    }
}
