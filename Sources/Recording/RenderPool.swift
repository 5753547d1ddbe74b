// The encoders' threads: below the media threads in priority, calls that have ended first.

import CLinux
import Glibc
import Telemetry

/// One rendering on its way through the pool.
public final class RenderTask: @unchecked Sendable {
    // `make`, `renderer` and `hasFailed` are touched by the one thread that runs the task; all else is guarded by
    // the pool's lock.
    private let make: @Sendable () throws(RecordingError) -> CallRenderer
    private var renderer: CallRenderer?
    private var hasFailed = false
    fileprivate var isQueued = false
    fileprivate var isRunning = false
    fileprivate var isDirty = false
    fileprivate var lastRun = MonotonicTime(nanoseconds: 0)
    fileprivate var completion: (@Sendable (Result<RenderResult, RecordingError>) -> Void)?

    fileprivate init(_ make: @escaping @Sendable () throws(RecordingError) -> CallRenderer) {
        self.make = make
    }

    /// Renders what the tape has by now. When that fails the tape is rendered from its beginning once it has ended:
    /// a disk that was full may have room again.
    fileprivate func follow() {
        guard !hasFailed else { return }
        do throws(RecordingError) {
            let renderer = if let renderer { renderer } else { try make() }
            self.renderer = renderer
            try renderer.follow()
        } catch {
            hasFailed = true
            renderer = nil
        }
    }

    /// Renders the rest of a complete tape.
    fileprivate func finish() -> Result<RenderResult, RecordingError> {
        do throws(RecordingError) {
            defer { renderer = nil }
            let renderer = if let renderer { renderer } else { try make() }
            return .success(try renderer.finish())
        } catch {
            return .failure(error)
        }
    }
}

/// A few threads that render tapes.
public final class RenderPool: @unchecked Sendable {
    // Everything is guarded by `lock`.
    private let lock = Lock()
    private var urgent: [RenderTask] = []
    private var live: [RenderTask] = []
    private var isStopping = false
    private var threads: [WorkerThread] = []
    private var cpu: Int64 = 0
    private let followMilliseconds: Int64

    /// Starts `threads` threads, nicer by `nice` than the media threads; live tapes are followed about every
    /// `followMilliseconds`.
    public init(threads count: Int, nice: Int32 = 10, followMilliseconds: Int64 = 1_000) {
        self.followMilliseconds = followMilliseconds
        threads = (0..<max(1, count)).map { number in
            WorkerThread(name: "render-\(number)", nice: nice) { [self] in loop() }
        }
    }

    /// A task, not yet scheduled, for the renderer that `make` gives. It is called on the pool's threads, when the
    /// task first runs and again when following the live tape failed; it may wait for the disk.
    public func task(_ make: @escaping @Sendable () throws(RecordingError) -> CallRenderer) -> RenderTask {
        RenderTask(make)
    }

    /// More of the task's tape can be read.
    public func progress(_ task: RenderTask) {
        lock.withLock {
            task.isDirty = true
            guard !task.isQueued, task.completion == nil,
                MonotonicTime.now.milliseconds(since: task.lastRun) >= followMilliseconds
            else { return }
            task.isQueued = true
            live.append(task)
            lock.signalOne()
        }
    }

    /// The task's tape is complete: finish it, before all that are still live.
    public func finish(
        _ task: RenderTask, completion: @escaping @Sendable (Result<RenderResult, RecordingError>) -> Void
    ) {
        lock.withLock {
            task.completion = completion
            live.removeAll { $0 === task }
            task.isQueued = true
            if !task.isRunning { urgent.append(task) }
            lock.signalOne()
        }
    }

    /// Tasks that wait: finished calls, live calls.
    public var backlog: (finished: Int, live: Int) { lock.withLock { (urgent.count, live.count) } }

    /// CPU nanoseconds spent by finished tasks.
    public var cpuNanoseconds: Int64 { lock.withLock { cpu } }

    /// Finishes what has ended, forgets what is live, and joins the threads.
    public func stop() {
        lock.withLock(signal: true) { isStopping = true }
        for thread in threads { thread.join() }
        threads = []
    }

    private func loop() {
        while let task = take() {
            let completion = lock.withLock { task.completion }
            if let completion {
                let result = task.finish()
                if case .success(let render) = result { lock.withLock { cpu += render.cpuNanoseconds } }
                completion(result)
            } else {
                task.follow()
            }
            lock.withLock {
                task.isRunning = false
                task.isDirty = false
                task.lastRun = .now
                task.isQueued = false
                // The call may have ended while this slice ran.
                if completion == nil, task.completion != nil {
                    task.isQueued = true
                    urgent.append(task)
                    lock.signalOne()
                }
            }
        }
    }

    private func take() -> RenderTask? {
        lock.withLock {
            while true {
                let task =
                    !urgent.isEmpty
                    ? urgent.removeFirst() : isStopping || live.isEmpty ? nil : live.removeFirst()
                if let task {
                    task.isRunning = true
                    return task
                }
                if isStopping { return nil }
                lock.wait(milliseconds: 1_000)
            }
        }
    }
}
