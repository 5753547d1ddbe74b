// The one thread that writes tapes, and the one that makes them durable. No call ever waits for either.

import CLinux
import Glibc
import Tape
import Telemetry

/// The bounds of tape writing.
public struct TapeWriterSettings: Sendable, Hashable {
    /// How often dirty tapes are made durable, in milliseconds: a power cut loses at most this much.
    public var syncMilliseconds: Int64 = 1_000
    /// Most bytes waiting for the disk over all calls; batches beyond are dropped, counted, and named on the row.
    public var queueBytes = 64 << 20
    /// Largest tape, in bytes; batches beyond are dropped, counted, and named on the row.
    public var largestTape: Int64 = 2 << 30

    /// The defaults.
    public init() {}
}

/// How the writing of a tape went.
public struct TapeOutcome: Sendable, Hashable {
    /// Bytes in the file.
    public var bytes: Int64
    /// Bytes that did not reach it.
    public var dropped: Int64
    /// The first error, when there was one.
    public var failure: RecordingError?
}

/// Writes the tapes of all calls.
public final class TapeWriter: @unchecked Sendable {
    // `queue`, `queuedBytes`, `lost`, `dirty` and `isStopping` are guarded by `lock`; `files` belongs
    // to the writing thread.
    private enum Order {
        case open(String, path: String, onProgress: @Sendable () -> Void)
        case append(String, [UInt8])
        case close(String, @Sendable (TapeOutcome) -> Void)
    }

    private struct Open {
        var file: TapeFile?
        var failure: RecordingError?
        var lost: Int64 = 0
        var onProgress: @Sendable () -> Void
    }

    private let settings: TapeWriterSettings
    private let lock = Lock()
    private var queue: [Order] = []
    private var queuedBytes = 0
    private var lost: [String: Int64] = [:]
    private var dirty: [ObjectIdentifier: TapeFile] = [:]
    private var isStopping = false
    private var files: [String: Open] = [:]
    private var threads: [WorkerThread] = []
    private let onTrouble: @Sendable (RecordingError) -> Void
    private let synchronizeFolder: @Sendable (String) -> Int32

    /// Starts the two threads; `onTrouble` is told on them of every write and every flush that failed.
    /// `synchronizeFolder` flushes a folder's names and gives the error's number, 0 for none.
    public init(
        _ settings: TapeWriterSettings = TapeWriterSettings(),
        synchronizeFolder: @escaping @Sendable (String) -> Int32 = TapeWriter.flush,
        onTrouble: @escaping @Sendable (RecordingError) -> Void = { _ in }
    ) {
        self.settings = settings
        self.onTrouble = onTrouble
        self.synchronizeFolder = synchronizeFolder
        // A tape at the process's file size limit (ulimit -f) is an error of its write, not the end of all calls.
        signal(SIGXFSZ, SIG_IGN)
        threads = [
            WorkerThread(name: "tape-writer") { [self] in writeLoop() },
            WorkerThread(name: "tape-sync", nice: 5) { [self] in syncLoop() },
        ]
    }

    /// Opens a tape for call `id` at `path`. `onProgress` is called on the writer's thread when more of the
    /// tape can be read.
    public func open(_ id: String, path: String, onProgress: @escaping @Sendable () -> Void) {
        lock.withLock { queue.append(.open(id, path: path, onProgress: onProgress)) }
    }

    /// Appends a batch to the tape of call `id`. Never waits: beyond the queue's bound the batch is dropped.
    public func append(_ id: String, _ batch: [UInt8]) {
        guard !batch.isEmpty else { return }
        lock.withLock {
            guard queuedBytes + batch.count <= settings.queueBytes else {
                lost[id, default: 0] += Int64(batch.count)
                return
            }
            queuedBytes += batch.count
            queue.append(.append(id, batch))
        }
    }

    /// Closes the tape of call `id` after everything appended so far.
    public func close(_ id: String, completion: @escaping @Sendable (TapeOutcome) -> Void) {
        lock.withLock(signal: true) { queue.append(.close(id, completion)) }
    }

    /// Writes what waits, makes it durable, and ends the threads.
    public func stop() {
        lock.withLock(signal: true) { isStopping = true }
        for thread in threads { thread.join() }
        threads = []
    }

    /// Bytes that wait for the disk.
    public var waitingBytes: Int { lock.withLock { queuedBytes } }

    // MARK: The writing thread

    private func writeLoop() {
        while true {
            let (orders, stop) = lock.withLock { () -> ([Order], Bool) in
                if queue.isEmpty, !isStopping { lock.wait(milliseconds: 20) }
                let orders = queue
                queue = []
                return (orders, isStopping)
            }
            for order in orders { carryOut(order) }
            if stop, orders.isEmpty { return }
        }
    }

    private func carryOut(_ order: Order) {
        switch order {
        case .open(let id, let path, let onProgress):
            do throws(RecordingError) {
                files[id] = Open(
                    file: try TapeFile(path: path, largest: settings.largestTape), onProgress: onProgress)
            } catch {
                files[id] = Open(file: nil, failure: error, onProgress: onProgress)
                onTrouble(error)
            }
        case .append(let id, let batch):
            lock.withLock { queuedBytes -= batch.count }
            guard let open = files[id] else { return }
            guard let file = open.file else {
                files[id]?.lost += Int64(batch.count)
                return
            }
            if let error = file.append(batch) { onTrouble(error) }
            lock.withLock { dirty[ObjectIdentifier(file)] = file }
            open.onProgress()
        case .close(let id, let completion):
            let open = files.removeValue(forKey: id)
            let lost = lock.withLock { self.lost.removeValue(forKey: id) ?? 0 }
            let dropped = lost + (open?.lost ?? 0) + (open?.file?.dropped ?? 0)
            // Somebody waits for the answer, also when the tape was never opened.
            let missing: RecordingError? = open == nil ? .file(operation: "open_tape", errno: ENOENT) : nil
            completion(
                TapeOutcome(
                    bytes: open?.file?.written ?? 0, dropped: dropped,
                    failure: missing ?? open?.failure ?? open?.file?.failure ?? open?.file?.syncFailure))
        }
    }

    // MARK: The syncing thread

    /// From this many dirty tapes on their file system is synced as a whole.
    private static let manyTapes = 8

    private func syncLoop() {
        var last = MonotonicTime.now
        while true {
            let (files, stop) = lock.withLock { () -> ([TapeFile]?, Bool) in
                let pause = Self.pause(
                    passed: MonotonicTime.now.milliseconds(since: last), every: settings.syncMilliseconds,
                    isClean: dirty.isEmpty)
                if !isStopping, pause > 0 {
                    lock.wait(milliseconds: pause)
                    return (nil, false)
                }
                defer { dirty = [:] }
                return (Array(dirty.values), isStopping)
            }
            guard let files else { continue }
            // Of many dirty tapes one sync of their file system is cheaper than one each; when it fails, each
            // tape learns for itself.
            if files.count < Self.manyTapes || files.first?.synchronizeAll() != true {
                for file in files { if let error = file.synchronize() { onTrouble(error) } }
            }
            nameDurably(files.filter { !$0.hasDurableName })
            last = .now
            if stop, files.isEmpty { return }
        }
    }

    /// How long the syncing thread rests before it looks again, in milliseconds; 0 when it is time to sync: `every` so
    /// many since the last one, `passed` since then, and nothing to do while all tapes are clean.
    static func pause(passed: Int64, every: Int64, isClean: Bool) -> Int64 {
        // An end of the writer and a new tape are seen this soon.
        let longest = min(max(every, 1), 200)
        let rest = every - passed
        return rest > 0 ? min(rest, longest) : isClean ? longest : 0
    }

    /// Makes the names of new tapes survive a power cut: a file whose name is lost is lost (fsync(2): "an explicit fsync()
    /// on a file descriptor for the directory is also needed").
    private func nameDurably(_ files: [TapeFile]) {
        for folder in Set(files.map(\.folder)) {
            let code = synchronizeFolder(folder)
            for file in files where file.folder == folder {
                if let error = file.folderWasSynchronized(code) { onTrouble(error) }
            }
        }
    }

    /// Flushes the names in `folder`; the error's number, 0 for none.
    public static func flush(_ folder: String) -> Int32 {
        let descriptor = Glibc.open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard descriptor >= 0 else { return errno }
        defer { Glibc.close(descriptor) }
        return fsync(descriptor) == 0 ? 0 : errno
    }
}
