// Bringing a file to its final place: every step of it, and why, in one function.

/// Places files with the means it is given.
struct FilePlacing {
    let layout: StorageLayout
    let files: any ArchiveFiles

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

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return String(path[..<slash])
    }
}
