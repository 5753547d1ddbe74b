// What an earlier server left behind, or this one's disk: every tape without a sealed row is rendered and sealed.

import Archive
import Foundation
import Recording
import Tape
import Telemetry

/// Takes up unfinished calls, at start and while the server runs.
struct Recovery {
    let archive: CallArchive
    let line: RecordingLine
    let log: Log

    /// Compares catalog and disk, reports differences, and hands every unfinished tape to the recording line.
    func run() throws(ArchiveError) {
        var report = try archive.reconcile()
        var adopted: Set<String> = []
        for finding in report.findings {
            if case .unknownTape(let id) = finding, try adopt(id) { adopted.insert(id) }
        }
        // What belongs to a call that has its row again is no difference any more.
        report.findings.removeAll { $0.call.map { adopted.contains($0) } ?? false }
        for finding in try archive.repair(report).findings { tell(finding) }
        for row in try archive.catalog.unfinished() {
            takeUp(row, cause: adopted.contains(row.call.id) ? "row_lost" : "server_died")
        }
        try retryFailed()
    }

    /// Renders the tape of an unfinished row; one without a tape has failed.
    func takeUp(_ row: ListedCall, cause: String) {
        guard hasTape(row) else { return line.giveUp(row, cause: cause + "_before_tape") }
        recover(row, cause: cause)
    }

    /// Whether the tape of a call is there.
    func hasTape(_ row: ListedCall) -> Bool {
        do throws(ArchiveError) {
            return FileManager.default.fileExists(
                atPath: archive.layout.absolute(try archive.layout.tape(row.call.id)))
        } catch {
            return false
        }
    }

    /// Renders the tape of a call and says what it came to.
    func recover(_ row: ListedCall, cause: String) {
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
        for row in found where hasTape(row) { recover(row, cause: row.recording.cause ?? "failed") }
    }

    /// A tape whose row never reached the catalog: the row is made from its header. Returns whether it was.
    private func adopt(_ id: String) throws(ArchiveError) -> Bool {
        let path = archive.layout.absolute(try archive.layout.tape(id))
        guard let header = CallRenderer.header(ofTape: path) else {
            log(.warning, "tape_without_header", ["call": .text(id)])
            return false
        }
        try archive.applyAndWait(
            .open(
                CallRow(
                    id: id, carrier: header.carrier, carrierCallID: header.carrierCallID,
                    streamID: header.streamID, accountID: header.accountID, caller: header.caller,
                    called: header.called, agentID: header.agentID, startedAt: header.startedAt,
                    rate: header.rate, parameters: SealRequest.object(header.parameters ?? [:]))))
        return true
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
        case .leftover(let path, _):
            log(.info, "temporary_file_left", ["path": .text(StorageName.told(path))])
        case .unknownFile(let path):
            log(.warning, "file_without_row", ["path": .text(StorageName.told(path))])
        case .unreadableFolder(let path, let errno):
            log(
                .error, "folder_unreadable",
                ["path": .text(StorageName.told(path)), "error": .text(String(cString: strerror(errno)))])
        case .unknownTape(let id): log(.warning, "tape_without_row", ["call": .text(id)])
        }
    }
}
