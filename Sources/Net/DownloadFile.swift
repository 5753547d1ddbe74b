// The file that a download is written to.

import Glibc
import Telemetry

/// A new file, written by one thread at a time, and closed once.
final class DownloadFile: @unchecked Sendable {
    // `lock` guards `descriptor`: a cancelled download closes while a piece may be on its way.
    private let lock = Lock()
    private let path: String
    private var descriptor: Int32

    /// Makes the file; it must not exist.
    init(path: String) throws(NetError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system(operation: "open", errno: errno) }
        self.path = path
        self.descriptor = descriptor
    }

    deinit { if descriptor >= 0 { Glibc.close(descriptor) } }

    /// Appends `bytes`; the error that prevented it, if any.
    func append(_ bytes: UnsafeRawBufferPointer) -> NetError? {
        lock.withLock {
            guard descriptor >= 0 else { return .cancelled }
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = UnsafeRawBufferPointer(rebasing: rest)
                let count = write(descriptor, piece.baseAddress, piece.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return .system(operation: "write", errno: errno) }
                rest = rest.dropFirst(count)
            }
            return nil
        }
    }

    /// Closes it; an error that the disk kept until now is told.
    func close() throws(NetError) {
        let failed: Int32 = lock.withLock {
            guard descriptor >= 0 else { return 0 }
            defer { descriptor = -1 }
            return Glibc.close(descriptor) == 0 ? 0 : errno
        }
        if failed != 0 { throw .system(operation: "close", errno: failed) }
    }

    /// Closes and removes it.
    func remove() {
        lock.withLock {
            if descriptor >= 0 { Glibc.close(descriptor) }
            descriptor = -1
        }
        unlink(path)
    }
}
