// The file of one tape: appended to, never rewritten.

import CLinux
import Glibc
import Tape
import Telemetry

/// An open tape. Confined to the writer's thread but for `synchronize`, which only reads the descriptor; the
/// descriptor is closed when the last owner lets go.
final class TapeFile: @unchecked Sendable {
    // `written`, `failure` and `dropped` are touched on the writer's thread only; `unsynced` and `isNamed` are guarded by `lock`;
    // `descriptor` never changes.
    private let lock = Lock()
    private var unsynced: RecordingError?
    private let descriptor: Int32
    private var isNamed = false
    /// The folder its name stands in.
    let folder: String
    /// Bytes of whole batches in the file.
    private(set) var written: Int64 = 0
    /// The first error of a write, when one failed.
    private(set) var failure: RecordingError?
    /// Bytes of batches that did not reach the file.
    private(set) var dropped: Int64 = 0
    private let largest: Int64

    /// Creates the tape at `path` (mode 0600: it holds what was said) and writes its magic.
    init(path: String, largest: Int64) throws(RecordingError) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .file(operation: "open_tape", errno: errno) }
        self.largest = largest
        folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        append(TapeLayout.magic)
        if let failure { throw failure }
    }

    deinit { close(descriptor) }

    /// Appends a batch whole, or not at all; returns what went wrong.
    @discardableResult func append(_ batch: [UInt8]) -> RecordingError? {
        guard written + Int64(batch.count) <= largest else {
            failure = failure ?? .tapeTooLarge
            dropped += Int64(batch.count)
            return .tapeTooLarge
        }
        var done = 0
        while done < batch.count {
            let count = batch.withUnsafeBytes {
                write(descriptor, $0.baseAddress.map { $0 + done }, batch.count - done)
            }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 {
                let error = RecordingError.file(operation: "write_tape", errno: count < 0 ? errno : EIO)
                failure = failure ?? error
                dropped += Int64(batch.count)
                // What was half written would hide all that follows; later batches may find room again.
                if ftruncate(descriptor, off_t(written)) != 0 {
                    failure = .file(operation: "truncate_tape", errno: errno)
                }
                return error
            }
            done += count
        }
        written += Int64(batch.count)
        return nil
    }

    /// Makes everything written so far survive a power cut. A failure is kept: the kernel takes the pages for
    /// clean after it, and later calls would say success. Returns it.
    func synchronize() -> RecordingError? {
        guard fdatasync(descriptor) != 0 else { return nil }
        let failed = RecordingError.file(operation: "sync_tape", errno: errno)
        lock.withLock { unsynced = unsynced ?? failed }
        return failed
    }

    /// Makes everything written to this tape's file system survive a power cut: one call for many tapes. Returns
    /// whether it did.
    func synchronizeAll() -> Bool { syncfs(descriptor) == 0 }

    /// Whether its name survives a power cut, too.
    var hasDurableName: Bool { lock.withLock { isNamed } }

    /// The folder was flushed, or could not be: the error's number, 0 for none. Returns the error.
    func folderWasSynchronized(_ code: Int32) -> RecordingError? {
        lock.withLock {
            isNamed = isNamed || code == 0
            guard code != 0 else { return nil }
            let failed = RecordingError.file(operation: "sync_folder", errno: code)
            unsynced = unsynced ?? failed
            return failed
        }
    }

    /// The first error of making the tape durable, when there was one.
    var syncFailure: RecordingError? { lock.withLock { unsynced } }
}
