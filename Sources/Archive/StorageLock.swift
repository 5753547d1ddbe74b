// One server per storage.

import CLinux
import Glibc

/// The lock of a storage: held by the one server that writes it, given back by the kernel when that server
/// dies, however it dies (flock(2)). The file names its process while it runs, and nobody once it has stopped with everything
/// written: so a server knows how the one before it ended.
public final class StorageLock: Sendable {
    private let descriptor: Guarded<Int32?>
    /// Whether the process that had the lock before stopped with everything written; true when there was none.
    let wasWhole: Bool

    /// Takes the lock at once or throws `storageLocked` with the process that has it.
    public init(_ layout: StorageLayout) throws(ArchiveError) {
        let opened = open(layout.lockPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard opened >= 0 else { throw .file(.open, errno: errno) }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            let holder = Self.process(in: opened)
            close(opened)
            guard code == EWOULDBLOCK else { throw .file(.lock, errno: code) }
            throw .storageLocked(process: holder)
        }
        wasWhole = Self.process(in: opened) == nil
        // The number is for people and for the message above; the lock itself is the kernel's.
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(opened, 0) == 0, pwrite(opened, text, text.count, 0) == text.count,
            // After a power cut, too, it has to show that this process ran.
            fdatasync(opened) == 0
        else {
            let code = errno
            close(opened)
            throw .file(.lock, errno: code)
        }
        descriptor = Guarded(opened)
    }

    deinit { release(isWhole: false) }

    /// Gives the lock back; a second time does nothing. `isWhole` says that everything is written: when that cannot be noted
    /// the next process takes it for unknown, which is safe.
    func release(isWhole: Bool) {
        descriptor.change { held in
            if let open = held {
                if isWhole { _ = ftruncate(open, 0) }
                close(open)
            }
            held = nil
        }
    }

    private static func process(in descriptor: Int32) -> Int32? {
        var text = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &text, text.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: text[..<count].prefix { $0 != 10 }, as: UTF8.self))
    }
}
