// Threads that wait for the disk, so that nobody else has to.

import Telemetry

/// Some threads with one queue. Its length is bounded by who fills it: an entry a call.
final class DiskCrew: @unchecked Sendable {
    // `lock` guards `waiting` and `isStopping`; `threads` is written before `init` returns.
    private let lock = Lock()
    private var waiting: [@Sendable () -> Void] = []
    private var isStopping = false
    private var threads: [WorkerThread] = []

    init(name: String, threads count: Int) {
        threads = (0..<max(1, count)).map { number in
            WorkerThread(name: "\(name)-\(number)") { [self] in work() }
        }
    }

    /// Has `task` done by one of the threads.
    func run(_ task: @escaping @Sendable () -> Void) {
        lock.withLock {
            waiting.append(task)
            lock.signalOne()
        }
    }

    /// Does what waits and ends the threads.
    func stop() {
        lock.withLock(signal: true) { isStopping = true }
        for thread in threads { thread.join() }
        threads = []
    }

    private func work() {
        while let task = next() { task() }
    }

    private func next() -> (@Sendable () -> Void)? {
        lock.withLock {
            while waiting.isEmpty {
                if isStopping { return nil }
                lock.wait(milliseconds: 60_000)
            }
            return waiting.removeFirst()
        }
    }
}
