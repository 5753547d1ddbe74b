// Whether the storage has room for a further call: what is free, and what the last write said.

import Archive
import CLinux
import Glibc
import Recording
import Telemetry

/// Watches the disk under the storage. It is looked at by `look`, which waits for the disk; everything else answers
/// from memory.
final class DiskWatch: @unchecked Sendable {
    /// Why no call is taken.
    enum Trouble: String, Sendable {
        /// Less room than the settings ask for, or a write that found none.
        case full = "disk_full"
        /// A write failed otherwise.
        case failing = "disk_error"
    }

    // `free`, `isShort` and `fault` are guarded by `lock`.
    private let lock = Lock()
    private var free: Int64 = -1
    private var isShort = false
    private var fault: Trouble?
    private let least: Int64
    private let log: Log
    private let measure: @Sendable () -> Int64?
    private let probe: @Sendable () -> Int32

    /// A watch on the storage at `folder`; below `least` free bytes it is full. `measure` tells the free bytes, `probe`
    /// tries to write and gives the error's number, 0 for none.
    init(
        folder: String, least: Int64, log: Log, measure: (@Sendable () -> Int64?)? = nil,
        probe: (@Sendable () -> Int32)? = nil
    ) {
        self.least = least
        self.log = log
        self.measure = measure ?? { Self.freeBytes(folder) }
        self.probe = probe ?? { Self.tryToWrite(folder) }
    }

    /// What stands against further calls; nil for nothing.
    var trouble: Trouble? { lock.withLock { isShort ? .full : fault } }

    /// Bytes that may still be written, as of the last look; -1 before the first one.
    var freeBytes: Int64 { lock.withLock { free } }

    /// A tape could not be written or made durable.
    func failed(_ error: RecordingError) {
        // The bound of one tape says nothing of the disk.
        guard case .file(_, let errno) = error else { return }
        failed(Self.trouble(errno))
    }

    /// The archive could not write.
    func failed(_ error: ArchiveError) {
        if case .file(_, let errno) = error { return failed(Self.trouble(errno)) }
        failed(error.isDiskFull ? .full : .failing)
    }

    private func failed(_ trouble: Trouble) { change { fault = trouble } }

    /// Looks at the disk. A failure that was told stands until something can be written again.
    func look() {
        let found = measure()
        var tried: Int32 = 0
        if lock.withLock({ fault != nil }) { tried = probe() }
        change {
            if let found {
                free = found
                isShort = found < least
            }
            if fault != nil { fault = tried == 0 ? nil : Self.trouble(tried) }
        }
    }

    /// Changes what is known, and tells when calls are refused from here on, or taken again.
    private func change(_ body: () -> Void) {
        let (before, after, free) = lock.withLock { () -> (Trouble?, Trouble?, Int64) in
            let before = isShort ? .full : fault
            body()
            return (before, isShort ? .full : fault, self.free)
        }
        guard before != after else { return }
        if let after {
            log(
                .error, "storage_closed",
                [
                    "cause": .text(after.rawValue), "free_bytes": .number(free),
                    "least_bytes": .number(least),
                    "hint": "no further call is taken; calls that run go on, nothing is deleted",
                ])
        } else {
            log(.info, "storage_open", ["free_bytes": .number(free)])
        }
    }

    private static func trouble(_ code: Int32) -> Trouble {
        [ENOSPC, EDQUOT, EFBIG].contains(code) ? .full : .failing
    }

    /// Bytes that this user may write on the file system of `folder` (statvfs(3): f_bavail of f_frsize).
    private static func freeBytes(_ folder: String) -> Int64? {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return nil }
        let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(
            by: UInt64(status.f_frsize))
        return overflow ? .max : Int64(clamping: bytes)
    }

    /// Writes a small file and removes it.
    private static func tryToWrite(_ folder: String) -> Int32 {
        let path = folder + "/room.probe"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return errno }
        var code: Int32 = 0
        let bytes = [UInt8](repeating: 0, count: 64 << 10)
        var done = 0
        while done < bytes.count, code == 0 {
            let count = bytes.withUnsafeBytes {
                write(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done)
            }
            if count > 0 {
                done += count
            } else if count == 0 {
                code = EIO
            } else if errno != EINTR {
                code = errno
            }
        }
        if code == 0, fdatasync(descriptor) != 0 { code = errno }
        close(descriptor)
        unlink(path)
        return code
    }
}
