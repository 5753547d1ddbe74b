// Sealing a recording: every step of it, and why, in one function.

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

    /// The steps on a file that is to be final, up to the catalog's own: everything that is sealed goes this way.
    /// Both paths are relative to the storage. Throws `noFile`, `wrongLength`, `file`.
    func place(_ temporary: String, as final: String, bytes: Int64) throws(ArchiveError) -> Digest {
        let finalPath = layout.absolute(final)
        let temporaryPath = layout.absolute(temporary)

        // 1. The file was written under a temporary name: whoever lists the folder never takes half a recording for a
        //    whole one. When a former attempt died after the rename, it stands under its final name already.
        let waiting = try files.length(temporaryPath)
        let isRenamed = waiting == nil
        let path = isRenamed ? finalPath : temporaryPath
        var found = waiting
        if isRenamed { found = try files.length(finalPath) }
        guard let length = found else { throw .noFile }

        // 2. Its length is checked against what its writer counted: a short write that nobody noticed ends here.
        guard length == bytes else { throw .wrongLength(expected: bytes, found: length) }

        // 3. Its bytes are hashed and flushed before it gets its name: after a power cut a rename may be there
        //    without the bytes. A flush that failed is never repeated on the same file (the kernel drops the dirty
        //    pages and then reports success): the file goes, and has to be made again from the tape.
        let descriptor = try files.open(path)
        let digest = Result { () throws(ArchiveError) in try files.digest(descriptor) }
        let flushed = Result { () throws(ArchiveError) in try files.synchronize(descriptor) }

        // 4. It is closed, whatever went wrong before; some file systems report a late error only here.
        let closed = Result { () throws(ArchiveError) in try files.close(descriptor) }
        if case .failure(let error) = flushed {
            if !isRenamed { try files.remove(temporaryPath) }
            throw error
        }
        let hash = try digest.get()
        try closed.get()

        // 5. The rename is atomic: there is either no recording or a whole one. What it may replace is the orphan of a
        //    former attempt, for the row is not sealed.
        if !isRenamed { try files.rename(temporaryPath, to: finalPath) }

        // 6. The name itself is flushed: without this the file is back under its old name after a power cut.
        try files.synchronizeFolder(Self.folder(of: finalPath))

        // 7. From here on nobody changes it by mistake.
        try files.protect(finalPath)
        return hash
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

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return String(path[..<slash])
    }
}
