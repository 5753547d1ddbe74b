// The disk as sealing sees it: a protocol, so that tests can bring a disk that fails, and the real one.

import Glibc

/// The steps on files that sealing and repairing take. Paths are absolute. Each throws `ArchiveError.file`.
public protocol ArchiveFiles: Sendable {
    /// The length of a regular file, or nil when there is none.
    func length(_ path: String) throws(ArchiveError) -> Int64?
    /// Opens a file for reading and flushing; links are not followed.
    func open(_ path: String) throws(ArchiveError) -> Int32
    /// SHA-256 of everything in the file, read piece by piece from its beginning.
    func digest(_ descriptor: Int32) throws(ArchiveError) -> Digest
    /// Flushes the file to the disk.
    func synchronize(_ descriptor: Int32) throws(ArchiveError)
    /// Closes the descriptor; it is gone even when this throws (close(2)).
    func close(_ descriptor: Int32) throws(ArchiveError)
    /// Renames within one file system, atomically, over what may be there.
    func rename(_ path: String, to target: String) throws(ArchiveError)
    /// Flushes a folder's names to the disk.
    func synchronizeFolder(_ path: String) throws(ArchiveError)
    /// Makes a file readable only.
    func protect(_ path: String) throws(ArchiveError)
    /// Removes a file.
    func remove(_ path: String) throws(ArchiveError)
}

/// The real disk.
public struct POSIXFiles: ArchiveFiles {
    /// The real disk.
    public init() {}

    /// See `ArchiveFiles`.
    public func length(_ path: String) throws(ArchiveError) -> Int64? {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw .file(.measure, errno: errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .file(.measure, errno: EINVAL) }
        return Int64(status.st_size)
    }

    /// See `ArchiveFiles`.
    public func open(_ path: String) throws(ArchiveError) -> Int32 {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw .file(.open, errno: errno) }
        return descriptor
    }

    /// See `ArchiveFiles`.
    public func digest(_ descriptor: Int32) throws(ArchiveError) -> Digest {
        let running = Digest.Running()
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { piece.deallocate() }
        var offset: off_t = 0
        while true {
            let count = pread(descriptor, piece.baseAddress, piece.count, offset)
            if count < 0 {
                if errno == EINTR { continue }
                throw .file(.read, errno: errno)
            }
            if count == 0 { return running.finish() }
            running.update(UnsafeRawBufferPointer(rebasing: piece[..<count]))
            offset += count
        }
    }

    /// See `ArchiveFiles`.
    public func synchronize(_ descriptor: Int32) throws(ArchiveError) {
        guard fsync(descriptor) == 0 else { throw .file(.synchronize, errno: errno) }
    }

    /// See `ArchiveFiles`.
    public func close(_ descriptor: Int32) throws(ArchiveError) {
        guard Glibc.close(descriptor) == 0 || errno == EINTR else { throw .file(.close, errno: errno) }
    }

    /// See `ArchiveFiles`.
    public func rename(_ path: String, to target: String) throws(ArchiveError) {
        guard Glibc.rename(path, target) == 0 else { throw .file(.rename, errno: errno) }
    }

    /// See `ArchiveFiles`.
    public func synchronizeFolder(_ path: String) throws(ArchiveError) {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard descriptor >= 0 else { throw .file(.synchronizeFolder, errno: errno) }
        defer { Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .file(.synchronizeFolder, errno: errno) }
    }

    /// See `ArchiveFiles`.
    public func protect(_ path: String) throws(ArchiveError) {
        guard chmod(path, 0o440) == 0 else { throw .file(.protect, errno: errno) }
    }

    /// See `ArchiveFiles`.
    public func remove(_ path: String) throws(ArchiveError) {
        guard unlink(path) == 0 else { throw .file(.remove, errno: errno) }
    }
}
