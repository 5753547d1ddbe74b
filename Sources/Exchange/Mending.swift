// Recordings that are not final and that nobody works on, while the server runs: tried again once the disk is well.

import Archive
import Telemetry

/// Takes up again, from time to time, what was left: rows without a live call, and recordings that failed by the disk's
/// doing while their tape is there.
final class Mending: @unchecked Sendable {
    /// What is known of a recording that was tried.
    private struct Attempt {
        var next: MonotonicTime
        var pause: Int64
    }

    // `attempts` and `stranded` are guarded by `lock`.
    private let lock = Lock()
    private var attempts: [String: Attempt] = [:]
    private var stranded = 0
    private let recovery: Recovery
    private let disk: DiskWatch

    /// The first pause between two attempts at one recording, and the longest: it doubles, in milliseconds.
    static let pauses: (first: Int64, last: Int64) = (30_000, 3_600_000)

    init(_ recovery: Recovery, disk: DiskWatch) {
        self.recovery = recovery
        self.disk = disk
    }

    /// Recordings that wait to be taken up again, as of the last round.
    var waiting: Int { lock.withLock { stranded } }

    /// One round at the instant `now`. Waits for the disk: not for a thread of calls.
    func round(at now: MonotonicTime) {
        do throws(ArchiveError) {
            // Both before and after the look: a call that begins or ends meanwhile is in one of them.
            let before = recovery.line.activeCalls
            let unfinished = try recovery.archive.catalog.unfinished()
            let failed = try recovery.archive.catalog.failedByDisk().filter { recovery.hasTape($0) }
            let active = before.union(recovery.line.activeCalls)
            let left = (unfinished + failed).filter { !active.contains($0.call.id) }
            let due = lock.withLock { () -> [ListedCall] in
                stranded = left.count
                let ids = Set(left.map(\.call.id))
                attempts = attempts.filter { ids.contains($0.key) }
                // Without room every attempt would fail and take what room there is.
                guard disk.trouble == nil else { return [] }
                return left.filter { isDue($0.call.id, at: now) }
            }
            for row in due { takeUp(row) }
        } catch {
            recovery.log(.error, "mending_failed", ["error": .text("\(error)")])
        }
    }

    private func takeUp(_ row: ListedCall) {
        if row.recording.state == .failed {
            recovery.recover(row, cause: row.recording.cause ?? "failed")
        } else {
            recovery.takeUp(row, cause: "left_unfinished")
        }
    }

    /// Whether a recording is to be tried now; if so, the next time is later. Under the lock.
    private func isDue(_ id: String, at now: MonotonicTime) -> Bool {
        let known = attempts[id]
        if let known, now < known.next { return false }
        let pause = min(known.map { $0.pause * 2 } ?? Self.pauses.first, Self.pauses.last)
        attempts[id] = Attempt(next: now.adding(milliseconds: pause), pause: pause)
        return true
    }
}
