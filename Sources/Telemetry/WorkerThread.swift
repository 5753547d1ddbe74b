// A thread with a name and a priority of its own.

import CLinux

/// A running thread; joined or detached once.
public final class WorkerThread: @unchecked Sendable {
    // `handle` is written before `init` returns and read by `join` and `detach` only.
    private var handle = pthread_t()

    private final class Body {
        let name: String
        let nice: Int32
        let run: @Sendable () -> Void
        init(name: String, nice: Int32, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.nice = nice
            self.run = run
        }
    }

    /// Starts a thread called `name` (15 bytes are shown) that runs `body`, nicer by `nice` than its process.
    public init(name: String, nice: Int32 = 0, _ body: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(Body(name: name, nice: nice, run: body))
        let failed = pthread_create(
            &handle, nil,
            { argument in
                guard let argument else { return nil }
                let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                _ = teeline_set_thread_name(body.name)
                // A refusal only costs the priority. Without the second a nice thread that wakes still interrupts
                // the others for its turn.
                if body.nice != 0 {
                    _ = teeline_set_thread_nice(body.nice)
                    _ = teeline_set_thread_batch()
                }
                body.run()
                return nil
            }, box.toOpaque())
        if failed != 0 { box.release() }
        precondition(failed == 0, "the system gives no thread")
    }

    /// Waits for the end of the thread. Call once.
    public func join() { pthread_join(handle, nil) }

    /// Lets the thread end by itself; in place of `join`, for the thread itself.
    public func detach() { pthread_detach(handle) }
}
