// Whether nobody writes a catalog, so that it can be read where nothing can be written.

import CLinux
import Glibc

/// The state of a catalog's file while no server has it. Read as a file that does not change (`immutable`,
/// sqlite.org/uri.html), a catalog needs neither its index (`-shm`) nor permission to make one, and reading leaves no
/// trace. That is right only as long as the state stays the same.
struct CatalogRest: Hashable {
    private var device: UInt64
    private var inode: UInt64
    private var size: Int64
    /// Seconds and nanoseconds of the last write and of the last change of the file's own data.
    private var times: [Int]

    /// The catalog's state when it rests: everything is in the one file (its log is empty or not there) and no server
    /// holds the storage. Nil otherwise. With `asksLock: false` the lock is asked only when there is an index, which
    /// every server has open: asking takes the lock for an instant.
    static func of(_ layout: StorageLayout, asksLock: Bool) -> CatalogRest? {
        var status = stat()
        if lstat(layout.databasePath + "-wal", &status) == 0, status.st_size > 0 { return nil }
        if lstat(layout.databasePath + "-journal", &status) == 0 { return nil }
        let hasIndex = lstat(layout.databasePath + "-shm", &status) == 0
        if asksLock || hasIndex, !isFree(layout, unknown: !hasIndex) { return nil }
        guard lstat(layout.databasePath, &status) == 0 else { return nil }
        return CatalogRest(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
            times: [
                status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
            ])
    }

    /// Whether no server holds the storage; `unknown` when this user may not ask.
    private static func isFree(_ layout: StorageLayout, unknown: Bool) -> Bool {
        let descriptor = open(layout.lockPath, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return errno == ENOENT || unknown }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) == 0
    }
}
