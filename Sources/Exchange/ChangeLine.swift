// The changes of calls' rows on their way to the catalog: in order for each call, and again when the disk or a lock says no.

import Archive
import Telemetry

/// Brings every change of a call's row to the catalog. Changes of one call are done one after another; one that
/// fails for the time being waits here, with all that follow it, and is tried again until it is done.
final class ChangeLine: @unchecked Sendable {
    typealias Completion = @Sendable (Result<ChangeOutcome, ArchiveError>) -> Void

    private struct Entry {
        var change: ArchiveChange
        var name: String
        var attempts = 0
        var completion: Completion
    }

    /// Bounds and pauses.
    struct Limits {
        /// Most changes that wait, over all calls: 4 for each of 16,384 calls. One beyond is given up and counted.
        var entries = 65_536
        /// The pause before what waits is tried again, in milliseconds.
        var pauseMilliseconds: Int64 = 250
    }

    // `queues`, `count`, `waiting`, `probe`, `rows` and `isStopping` are guarded by `lock`; `thread` is written before
    // `init` returns.
    private let lock = Lock()
    /// What is to be done of each call; the first of them is under way unless the call is among `waiting`.
    private var queues: [String: [Entry]] = [:]
    private var count = 0
    /// Calls whose first change has failed for the time being, longest first.
    private var waiting: [String] = []
    /// The call whose change is being tried again: one at a time, for each attempt may cost the catalog seconds.
    private var probe: String?
    /// Rows of calls that are not final: a catalog that has lost one gets it again.
    private var rows: [String: CallRow] = [:]
    private var isStopping = false
    private var thread: WorkerThread?
    private let archive: CallArchive
    private let log: Log
    private let metrics: MetricsRegistry
    private let limits: Limits
    private let onTrouble: @Sendable (ArchiveError) -> Void

    /// A line into `archive`; `onTrouble` is told of each failure that another attempt may mend.
    init(
        archive: CallArchive, log: Log, metrics: MetricsRegistry, limits: Limits = Limits(),
        onTrouble: @escaping @Sendable (ArchiveError) -> Void = { _ in }
    ) {
        self.archive = archive
        self.log = log
        self.metrics = metrics
        self.limits = limits
        self.onTrouble = onTrouble
        thread = WorkerThread(name: "row-retry") { [self] in retryLoop() }
    }

    /// Keeps the row of a call, to be brought again when the catalog does not know it.
    func keep(_ row: CallRow) { lock.withLock { rows[row.id] = row } }

    /// The call is final.
    func forget(_ id: String) { lock.withLock { rows[id] = nil } }

    /// Has `change` of call `id` done, after everything that was handed in of it before. `completion` must not block.
    func submit(
        _ change: ArchiveChange, _ name: String, call id: String,
        completion: @escaping Completion = { _ in }
    ) {
        let entry = Entry(change: change, name: name, completion: completion)
        let (isTaken, isFirst) = lock.withLock { () -> (Bool, Bool) in
            guard count < limits.entries else { return (false, false) }
            count += 1
            queues[id, default: []].append(entry)
            guard queues[id]?.count == 1 else { return (true, false) }
            // Where others wait already the catalog is not asked once more: it would be held up for seconds.
            guard waiting.isEmpty else {
                waiting.append(id)
                return (true, false)
            }
            return (true, true)
        }
        guard isTaken else {
            giveUp(entry, call: id, .queueFull)
            return completion(.failure(.queueFull))
        }
        if isFirst { attempt(entry, call: id) }
    }

    /// Calls with changes that wait for another attempt, or are at it.
    var waitingCalls: Int { lock.withLock { waiting.count + (probe == nil ? 0 : 1) } }

    /// Ends the thread; what waits is not tried again.
    func stop() {
        lock.withLock(signal: true) { isStopping = true }
        thread?.join()
        thread = nil
    }

    // MARK: Attempts

    private func attempt(_ entry: Entry, call id: String) {
        archive.apply(entry.change) { [self] result in
            switch result {
            case .success:
                if entry.attempts > 0 {
                    log(
                        .info, "archive_change_done",
                        [
                            "change": .text(entry.name), "call": .text(id),
                            "attempts": .number(Int64(entry.attempts + 1)),
                        ])
                }
                finish(entry, call: id, result)
            case .failure(.unknownCall) where bringRow(id): break
            case .failure(let error) where error.mayPass: postpone(entry, call: id, error)
            case .failure(let error):
                giveUp(entry, call: id, error)
                finish(entry, call: id, result)
            }
        }
    }

    /// The first change of call `id` is done with: the next one, and all that waited for better times.
    private func finish(_ entry: Entry, call id: String, _ result: Result<ChangeOutcome, ArchiveError>) {
        var isSuccess = false
        if case .success = result { isSuccess = true }
        let next = lock.withLock { () -> [(String, Entry)] in
            count -= 1
            if probe == id { probe = nil }
            queues[id]?.removeFirst()
            var next: [(String, Entry)] = []
            if let following = queues[id]?.first { next.append((id, following)) } else { queues[id] = nil }
            guard isSuccess else { return next }
            for other in waiting { if let first = queues[other]?.first { next.append((other, first)) } }
            waiting = []
            return next
        }
        entry.completion(result)
        for (id, entry) in next { attempt(entry, call: id) }
    }

    private func postpone(_ entry: Entry, call id: String, _ error: ArchiveError) {
        lock.withLock {
            if probe == id { probe = nil }
            queues[id]?[0].attempts += 1
            waiting.append(id)
        }
        count(entry, "retry")
        onTrouble(error)
        guard entry.attempts == 0 else { return }
        log(
            .warning, "archive_change_waits",
            ["change": .text(entry.name), "call": .text(id), "error": .text("\(error)")])
    }

    /// The catalog does not know the call: its row goes first. Returns whether there is one to bring, once.
    private func bringRow(_ id: String) -> Bool {
        let entry = lock.withLock { () -> Entry? in
            guard let row = rows.removeValue(forKey: id) else { return nil }
            let entry = Entry(change: .open(row), name: "open_row", completion: { _ in })
            count += 1
            queues[id]?.insert(entry, at: 0)
            return entry
        }
        guard let entry else { return false }
        attempt(entry, call: id)
        return true
    }

    private func giveUp(_ entry: Entry, call id: String, _ error: ArchiveError) {
        count(entry, "given_up")
        log(
            .error, "archive_change_failed",
            ["change": .text(entry.name), "call": .text(id), "error": .text("\(error)")])
    }

    private func count(_ entry: Entry, _ outcome: String) {
        metrics.add(
            "teeline_archive_change_failed_total",
            labels: MetricsRegistry.label("change", entry.name) + ","
                + MetricsRegistry.label("outcome", outcome))
    }

    private func retryLoop() {
        while true {
            let (next, stop) = lock.withLock { () -> ((String, Entry)?, Bool) in
                if !isStopping { lock.wait(milliseconds: limits.pauseMilliseconds) }
                guard !isStopping, probe == nil, !waiting.isEmpty else { return (nil, isStopping) }
                let id = waiting.removeFirst()
                guard let entry = queues[id]?.first else { return (nil, false) }
                probe = id
                return ((id, entry), false)
            }
            if let (id, entry) = next { attempt(entry, call: id) }
            if stop { return }
        }
    }
}
