// Catalog against disk: every difference by name.

import Glibc

/// One difference between catalog and disk.
public enum ReconcileFinding: Sendable, Hashable {
    /// A sealed recording has no file.
    case missingFile(id: String)
    /// A sealed recording's file has another length.
    case wrongLength(id: String, expected: Int64, found: Int64)
    /// A sealed recording's file has other bytes.
    case wrongHash(id: String)
    /// A sealed recording's file cannot be read.
    case unreadable(id: String)
    /// A sealed recording's file can be written to (the power went before the protection reached the disk).
    case unprotected(id: String)
    /// A recording's file stands under its final name, but its row is not sealed: the server died between the two.
    /// Sealing it again completes it.
    case uncommitted(id: String)
    /// A temporary file that nobody writes any more. `superseded`: its recording is sealed, or its tape is there to
    /// make it anew.
    case leftover(path: String, superseded: Bool)
    /// A file that belongs to no row. It is never touched.
    case unknownFile(path: String)
    /// A folder that cannot be listed; what it holds was not looked at.
    case unreadableFolder(path: String, errno: Int32)
    /// A tape of a call the catalog does not know.
    case unknownTape(id: String)
    /// Sealed audio of a conversation is not as it was sealed.
    case conversationAudio(conversationID: String, AudioFault)
    /// A recording that was not finished.
    case unfinished(id: String, state: RecordingState, hasTape: Bool)
}

/// What is wrong with a sealed file.
public enum AudioFault: Sendable, Hashable {
    /// It is not there.
    case missing
    /// It has another length.
    case wrongLength
    /// It has other bytes.
    case wrongHash
    /// It cannot be read: a disk's error, a missing permission, something that is no file.
    case unreadable
    /// It can be written to.
    case unprotected
}

/// What a comparison found.
public struct ReconcileReport: Sendable, Hashable {
    /// Every difference, sorted by kind of walk: rows by identifier first, then files by path.
    public var findings: [ReconcileFinding]
    /// How many rows were looked at.
    public var rows: Int
    /// How many files were looked at.
    public var files: Int
}

/// Compares the catalog with the disk. Run it before calls begin, or beside a server for a look; it changes nothing.
public struct Reconciliation: Sendable {
    let layout: StorageLayout
    let catalog: Catalog
    let files: any ArchiveFiles

    /// A comparison of `catalog` with the disk behind `files`.
    public init(layout: StorageLayout, catalog: Catalog, files: any ArchiveFiles = POSIXFiles()) {
        self.layout = layout
        self.catalog = catalog
        self.files = files
    }

    /// Every difference; with `checkHashes` every sealed file is read and hashed. With `selected` only these calls and
    /// what belongs to them are looked at, and no file that belongs to none.
    public func report(
        checkHashes: Bool, of selected: Set<String>? = nil
    ) throws(ArchiveError) -> ReconcileReport {
        // Files first: a recording that is sealed meanwhile is then in the rows, and its file is asked for directly.
        let (found, closed) = StorageWalk(root: layout.root).walk(under: "recordings")
        let (taped, closedTapes) = StorageWalk(root: layout.root).walk(under: "tapes")
        let tapes = Set(taped.compactMap { StorageLayout.identifier(inName: Self.name(of: $0)) })
        var report = ReconcileReport(findings: [], rows: 0, files: found.count + tapes.count)
        var known: [String: RecordingState] = [:]
        var last = ""
        while true {
            let batch = try catalog.calls(after: last, limit: 1000)
            guard let end = batch.last else { break }
            for item in batch {
                known[item.call.id] = item.recording.state
                if let selected, !selected.contains(item.call.id) { continue }
                report.rows += 1
                report.findings += try findings(
                    item, hasTape: tapes.contains(item.call.id), checkHashes: checkHashes)
            }
            last = end.call.id
        }
        let (owned, faults) = try conversations(checkHashes: checkHashes, of: selected)
        report.findings += faults
        if selected != nil { return report }
        for path in found.sorted() where !owned.contains(path) {
            if let finding = try finding(file: path, known: known, tapes: tapes) {
                report.findings.append(finding)
            }
        }
        for id in tapes.sorted() where known[id] == nil { report.findings.append(.unknownTape(id: id)) }
        for folder in (closed + closedTapes).sorted(by: { $0.path < $1.path }) {
            report.findings.append(.unreadableFolder(path: folder.path, errno: folder.errno))
        }
        return report
    }

    /// Repairs what loses nothing (removes superseded leftovers, protects files) and returns the report of what is
    /// left to a person or to recovery.
    public func repair(_ report: ReconcileReport) throws(ArchiveError) -> ReconcileReport {
        var left = report
        left.findings = []
        for finding in report.findings {
            switch finding {
            case .leftover(let path, superseded: true): try files.remove(layout.absolute(path))
            case .unprotected(let id):
                guard let path = try catalog.call(id)?.recording.path else { continue }
                try files.protect(layout.absolute(path))
            case .conversationAudio(let id, .unprotected):
                guard let path = try catalog.conversation(id)?.audioPath else { continue }
                try files.protect(layout.absolute(path))
            default: left.findings.append(finding)
            }
        }
        return left
    }

    private func findings(
        _ item: ListedCall, hasTape: Bool, checkHashes: Bool
    ) throws(ArchiveError) -> [ReconcileFinding] {
        let id = item.call.id
        let final = try layout.recording(id, startedAt: item.call.startedAt)
        switch item.recording.state {
        case .recording, .rendering:
            var list: [ReconcileFinding] = [
                .unfinished(id: id, state: item.recording.state, hasTape: hasTape)
            ]
            if try files.length(layout.absolute(final)) != nil { list.append(.uncommitted(id: id)) }
            return list
        case .failed: return try files.length(layout.absolute(final)) == nil ? [] : [.uncommitted(id: id)]
        case .sealed, .recovered: break
        }
        guard let path = item.recording.path, let bytes = item.recording.bytes else { return [] }
        let place = layout.absolute(path)
        let sealed = checkHashes ? item.recording.sha256 : nil
        return try faults(place, bytes: bytes, sha256: sealed).map { fault throws(ArchiveError) in
            switch fault {
            case .missing: .missingFile(id: id)
            case .wrongLength:
                .wrongLength(id: id, expected: bytes, found: try files.length(place) ?? 0)
            case .wrongHash: .wrongHash(id: id)
            case .unreadable: .unreadable(id: id)
            case .unprotected: .unprotected(id: id)
            }
        }
    }

    /// What is wrong with a sealed file; its bytes are looked at when `sha256` is given.
    private func faults(_ place: String, bytes: Int64, sha256: Digest?) throws(ArchiveError) -> [AudioFault] {
        var list: [AudioFault] = []
        // One file that cannot be read is found like any other fault: the walk goes on to the next.
        do throws(ArchiveError) {
            guard let length = try files.length(place) else { return [.missing] }
            if length != bytes { return [.wrongLength] }
            if let sha256, try digest(of: place) != sha256 { list.append(.wrongHash) }
        } catch {
            return [.unreadable]
        }
        var status = stat()
        if lstat(place, &status) == 0, status.st_mode & 0o222 != 0 { list.append(.unprotected) }
        return list
    }

    private func digest(of place: String) throws(ArchiveError) -> Digest {
        let descriptor = try files.open(place)
        let digest = Result { () throws(ArchiveError) in try files.digest(descriptor) }
        try files.close(descriptor)
        return try digest.get()
    }

    /// Every file that is a conversation's audio, and what is wrong with them.
    private func conversations(
        checkHashes: Bool, of selected: Set<String>?
    ) throws(ArchiveError) -> (owned: Set<String>, faults: [ReconcileFinding]) {
        var owned: Set<String> = []
        var found: [ReconcileFinding] = []
        var last = ""
        while true {
            let batch = try catalog.conversationsWithAudio(after: last, limit: 1000)
            guard let end = batch.last else { return (owned, found) }
            for row in batch {
                guard let path = row.audioPath, let bytes = row.audioBytes else { continue }
                owned.insert(path)
                if let selected, row.callID.map({ selected.contains($0) }) != true { continue }
                let sealed = checkHashes ? row.audioSHA256 : nil
                for fault in try faults(layout.absolute(path), bytes: bytes, sha256: sealed) {
                    found.append(.conversationAudio(conversationID: row.conversationID, fault))
                }
            }
            last = end.conversationID
        }
    }

    private func finding(
        file path: String, known: [String: RecordingState], tapes: Set<String>
    ) throws(ArchiveError) -> ReconcileFinding? {
        // Gone meanwhile: sealed or removed by a server that runs beside.
        var status = stat()
        if lstat(layout.absolute(path), &status) != 0, errno == ENOENT { return nil }
        let name = Self.name(of: path)
        let isTemporary = name.hasSuffix(StorageLayout.temporarySuffix)
        guard let id = StorageLayout.identifier(inName: name), let state = known[id] else {
            return isTemporary ? .leftover(path: path, superseded: false) : .unknownFile(path: path)
        }
        if isTemporary {
            let superseded = state == .sealed || state == .recovered || tapes.contains(id)
            return .leftover(path: path, superseded: superseded)
        }
        // At its own place it was looked at with its row; anywhere else it is a stranger.
        guard let item = try catalog.call(id) else { return .unknownFile(path: path) }
        var own = item.recording.path
        if own == nil { own = try layout.recording(id, startedAt: item.call.startedAt) }
        return own == path ? nil : .unknownFile(path: path)
    }

    private static func name(of path: String) -> String {
        path.split(separator: "/").last.map { String($0) } ?? path
    }
}
