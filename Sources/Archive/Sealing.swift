// Sealing a recording: what the catalog learns of it, and when. The steps on its file are `FilePlacing`.

import Glibc

/// Seals recordings with the means it is given.
struct Sealing {
    let layout: StorageLayout
    let files: any ArchiveFiles
    let changes: CatalogChanges

    /// Makes the recording of call `id` final. Sealing the same again changes nothing; sealing otherwise is refused.
    func seal(_ id: String, _ request: SealRequest) throws(ArchiveError) {
        try check(request)
        guard let stored = try RowMapping.stored(id, changes.connection) else { throw .unknownCall }
        let final = try layout.recording(id, startedAt: stored.call.startedAt)
        let temporary = try layout.temporaryRecording(id, startedAt: stored.call.startedAt)
        if stored.recording.state == .sealed || stored.recording.state == .recovered {
            return try confirm(stored.recording, request, temporary: layout.absolute(temporary))
        }
        guard let file = request.file else {
            // A call without audio: a valid row and no file.
            return try changes.seal(id, request, file: nil)
        }
        let hash = try place(temporary, as: final, bytes: file.bytes)

        // 8. Only now the catalog learns of it, all of it in one transaction: a row that says "sealed" has its file,
        //    its hash, its transcript and its entry in the ledger, or there is no such row.
        try changes.seal(id, request, file: (final, hash))
    }

    /// The catalog's step for a file that is in its place already.
    func sealPlaced(_ id: String, _ request: SealRequest, _ placed: PlacedFile) throws(ArchiveError) {
        try check(request)
        guard let stored = try RowMapping.stored(id, changes.connection) else { throw .unknownCall }
        if stored.recording.state == .sealed || stored.recording.state == .recovered {
            guard stored.recording.sha256 == placed.digest else { throw .differentSeal }
            return
        }
        try changes.seal(id, request, file: (placed.path, placed.digest))
    }

    /// See `FilePlacing`.
    func place(_ temporary: String, as final: String, bytes: Int64) throws(ArchiveError) -> Digest {
        try FilePlacing(layout: layout, files: files).place(temporary, as: final, bytes: bytes)
    }

    /// A second request for a sealed recording: nothing to do when it is the same one.
    private func confirm(
        _ recording: RecordingRow, _ request: SealRequest, temporary: String
    ) throws(ArchiveError) {
        let facts = request.file
        let same =
            recording.bytes == facts?.bytes && recording.samples == (facts?.samples ?? 0)
            && recording.rate == facts?.rate && recording.channels == facts?.channels
        guard same else { throw .differentSeal }
        try discard(temporary, if: recording.sha256)
    }

    /// Removes a file (absolute path) that was made once more, when it is what was sealed. Throws `differentSeal`.
    func discard(_ temporary: String, if sealed: Digest?) throws(ArchiveError) {
        guard try files.length(temporary) != nil else { return }
        let descriptor = try files.open(temporary)
        let digest = Result { () throws(ArchiveError) in try files.digest(descriptor) }
        try files.close(descriptor)
        guard try digest.get() == sealed else { throw .differentSeal }
        try files.remove(temporary)
    }

    private func check(_ request: SealRequest) throws(ArchiveError) {
        // A carrier's recording comes by adoption, with what tells where it is from.
        guard request.origin != .carrier else { throw .badValue(field: "origin") }
        if let file = request.file {
            guard file.bytes > 0 else { throw .badValue(field: "bytes") }
            guard file.samples >= 0 else { throw .badValue(field: "samples") }
            guard (1...1_000_000).contains(file.rate) else { throw .badValue(field: "rate") }
        }
        if let cause = request.recoveryCause {
            guard !cause.isEmpty, cause.utf8.count <= 200 else { throw .badValue(field: "cause") }
        }
    }
}
