// One server per storage.

import CLinux
import Glibc

/// The lock of a storage: held by the one server that writes it, given back by the kernel when that server
/// dies, however it dies (flock(2)).
public final class StorageLock: Sendable {
    private let descriptor: Guarded<Int32?>

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
        // The number is for people and for the message above; the lock itself is the kernel's.
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(opened, 0) == 0, pwrite(opened, text, text.count, 0) == text.count else {
            let code = errno
            close(opened)
            throw .file(.lock, errno: code)
        }
        descriptor = Guarded(opened)
    }

    deinit { release() }

    /// Gives the lock back; a second time does nothing.
    public func release() {
        descriptor.change { held in
            if let open = held { close(open) }
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
