// Writes log lines where a reader may be slow or gone: who logs never waits.

import Glibc

/// Writes lines to a descriptor on a thread of its own. Lines that its reader leaves standing are kept up to a bound;
/// what goes beyond is lost, and counted in a line of its own as soon as there is room again.
public final class LogWriter: @unchecked Sendable {
    // `lock` guards everything but the constants.

    /// The process's standard output. When the process ends in order, its last lines have half a second.
    public static let standardOutput: LogWriter = {
        atexit { _ = LogWriter.standardOutput.flush(milliseconds: 500) }
        return LogWriter(descriptor: 1)
    }()

    private let descriptor: Int32
    private let most: Int
    private let lock = Lock()
    private var waiting: [UInt8] = []
    private var lost: Int64 = 0
    private var isWriting = false
    private var thread: WorkerThread?

    /// A writer to `descriptor` that keeps `bytes` at most for a reader that does not keep up.
    public init(descriptor: Int32, bytes: Int = 1 << 20) {
        self.descriptor = descriptor
        most = bytes
    }

    /// Takes `line`, without its line feed. Never waits for the reader.
    public func write(_ line: String) {
        lock.withLock {
            guard waiting.count + line.utf8.count < most else {
                lost += 1
                return
            }
            waiting.append(contentsOf: line.utf8)
            waiting.append(0x0A)
            if thread == nil { thread = WorkerThread(name: "log") { [self] in run() } }
            lock.signalOne()
        }
    }

    /// Waits until all is written, `milliseconds` at most; whether it is.
    public func flush(milliseconds: Int64) -> Bool {
        let end = MonotonicTime.now.adding(milliseconds: milliseconds)
        return lock.withLock {
            while !waiting.isEmpty || isWriting {
                let left = end.milliseconds(since: .now)
                guard left > 0 else { return false }
                // Short steps: the signal may go to the thread that writes.
                lock.wait(milliseconds: min(left, 5))
            }
            return true
        }
    }

    private func run() {
        while true {
            let bytes = lock.withLock {
                isWriting = false
                while waiting.isEmpty { lock.wait(milliseconds: 60_000) }
                isWriting = true
                if lost > 0 {
                    let line = Log.line(.warning, "log_lines_lost", ["lines": .number(lost)])
                    waiting.append(contentsOf: line.utf8)
                    waiting.append(0x0A)
                    lost = 0
                }
                defer { waiting = [] }
                return waiting
            }
            writeOut(bytes)
        }
    }

    /// Whole lines in one write, as far as the descriptor takes them: lines of several processes do not mix. A reader
    /// that is gone loses them.
    private func writeOut(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                var wish = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&wish, 1, -1)
            } else if errno != EINTR {
                return
            }
        }
    }
}
