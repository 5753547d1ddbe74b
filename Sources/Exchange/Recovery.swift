// What an earlier server left behind: every tape without a sealed row is rendered and sealed as recovered.

import Archive
import Foundation
import Recording
import Tape
import Telemetry

/// Takes up unfinished calls at start.
struct Recovery {
    let archive: CallArchive
    let line: RecordingLine
    let log: Log

    /// Compares catalog and disk, reports differences, and hands every unfinished tape to the recording line.
    func run() throws(ArchiveError) {
        var report = try archive.reconcile()
        for finding in report.findings { try adopt(finding) }
        report = try archive.repair(try archive.reconcile())
        for finding in report.findings { tell(finding) }
        for row in try archive.catalog.unfinished() {
            let path = archive.layout.absolute(try archive.layout.tape(row.call.id))
            guard FileManager.default.fileExists(atPath: path) else {
                try archive.applyAndWait(
                    .fail(id: row.call.id, cause: "server_died_before_tape", ending: ending(row)))
                continue
            }
            recover(row, cause: "server_died")
        }
        try retryFailed()
    }

    private func recover(_ row: ListedCall, cause: String) {
        log(.warning, "recovering", ["call": .text(row.call.id)])
        line.recover(row, cause: cause) { [log] sealed in
            log(
                sealed.state == .failed ? .error : .info, "recovered",
                [
                    "call": .text(sealed.callID), "state": .text(sealed.state.rawValue),
                    "cause": .text(sealed.cause ?? ""),
                ])
        }
    }

    /// Causes that another attempt cannot mend: the tape itself is of no use.
    private static let hopeless: Set<String> = ["bad_tape", "tape_version"]

    /// Recordings that failed with their tape on the disk are tried again: whatever stood in the way then (a full
    /// disk for one) may be gone.
    private func retryFailed() throws(ArchiveError) {
        var filter = CallFilter()
        filter.state = .failed
        var found: [ListedCall] = []
        var cursor: String?
        repeat {
            let page = try archive.catalog.list(filter, cursor: cursor, limit: Catalog.pageLimit)
            found += page.items.filter { !Self.hopeless.contains($0.recording.cause ?? "") }
            cursor = page.next
        } while cursor != nil
        for row in found {
            let path = archive.layout.absolute(try archive.layout.tape(row.call.id))
            guard FileManager.default.fileExists(atPath: path) else { continue }
            recover(row, cause: row.recording.cause ?? "failed")
        }
    }

    private func ending(_ row: ListedCall) -> CallEnding? {
        guard row.call.endWho == nil else { return nil }
        return CallEnding(endedAt: row.call.startedAt, durationSamples: 0, who: .server, why: "crashed")
    }

    /// A tape whose row never reached the catalog: the row is made from its header.
    private func adopt(_ finding: ReconcileFinding) throws(ArchiveError) {
        guard case .unknownTape(let id) = finding else { return }
        let path = archive.layout.absolute(try archive.layout.tape(id))
        guard let header = CallRenderer.header(ofTape: path) else {
            log(.warning, "tape_without_header", ["call": .text(id)])
            return
        }
        try archive.applyAndWait(
            .open(
                CallRow(
                    id: id, carrier: header.carrier, carrierCallID: header.carrierCallID,
                    streamID: header.streamID,
                    startedAt: header.startedAt, rate: header.rate)))
    }

    private func tell(_ finding: ReconcileFinding) {
        switch finding {
        case .unfinished: break
        case .missingFile(let id): log(.error, "recording_file_missing", ["call": .text(id)])
        case .wrongLength(let id, _, _): log(.error, "recording_file_wrong_length", ["call": .text(id)])
        case .wrongHash(let id): log(.error, "recording_file_altered", ["call": .text(id)])
        case .unreadable(let id): log(.error, "recording_file_unreadable", ["call": .text(id)])
        case .unprotected(let id): log(.warning, "recording_file_writable", ["call": .text(id)])
        case .uncommitted(let id): log(.warning, "recording_uncommitted", ["call": .text(id)])
        case .conversationAudio(let id, let fault):
            log(
                fault == .unprotected ? .warning : .error, "conversation_audio_\(fault)",
                ["conversation": .text(id)])
        case .leftover: log(.info, "temporary_file_left")
        case .unknownFile: log(.warning, "file_without_row")
        case .unknownTape(let id): log(.warning, "tape_without_row", ["call": .text(id)])
        }
    }
}
