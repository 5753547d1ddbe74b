// One thread on epoll: the media sockets' loop, and the executor of the calls on it.

import CLinux
import Glibc
import Telemetry

/// Who is told that a descriptor is ready. Called on the loop.
protocol DescriptorWatcher: AnyObject {
    /// The descriptor can be read, written, or has failed (then both are worth trying).
    func descriptorReady(readable: Bool, writable: Bool)
    /// The wakeup is over: what it queued can leave by one write.
    func flushAfterWakeup()
    /// About every 100 ms, for time limits.
    func checkDeadline(at now: MonotonicTime)
    /// The loop ends: what it watches for goes now.
    func loopEnds()
}

/// A thread that waits on epoll, runs the jobs of the actors that live on it, and ticks.
///
/// Everything loop-confined (sockets, calls) is touched only on the loop's own thread.
public final class EventLoop: SerialExecutor, @unchecked Sendable {
    // `work`, `isAwake` and `isStopping` are guarded by `lock`; all else is touched on the loop's thread only.
    private enum Work {
        case job(UnownedJob)
        case body(@Sendable () -> Void)
    }

    private struct Slot {
        var generation: UInt32
        var watcher: (any DescriptorWatcher)?
    }

    private let epoll: Int32
    private let wake: Int32
    private let lock = Lock()
    private var work: [Work] = []
    private var isAwake = false
    private var isStopping = false
    private var thread: WorkerThread?

    private var slots: [Slot] = []
    private var freeSlots: [Int] = []
    private var dirty: [any DescriptorWatcher] = []
    private var tickers: [Ticker] = []
    private var lastDeadlines = MonotonicTime(nanoseconds: 0)
    /// Where sockets of the loop read into; what stays is copied.
    let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
    /// Random bytes for masks, taken from the kernel by the kilobyte.
    var masks = MaskSource()

    /// The slot in which a thread finds its loop. `pthread_self` is hoisted across executor hops; this is not.
    private static let current: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    /// Starts a loop with its own thread. Throws `NetError.system` when the kernel gives no epoll.
    public static func start(name: String) throws(NetError) -> EventLoop {
        let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw .system(operation: "epoll_create1", errno: errno) }
        let wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard wake >= 0 else {
            close(epoll)
            throw .system(operation: "eventfd", errno: errno)
        }
        // A peer that is gone must be an error of a write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        let loop = EventLoop(epoll: epoll, wake: wake)
        loop.thread = WorkerThread(name: name) { loop.run() }
        return loop
    }

    private init(epoll: Int32, wake: Int32) {
        self.epoll = epoll
        self.wake = wake
        var event = epoll_event()
        event.events = EPOLLIN.rawValue
        event.data.u64 = UInt64.max
        epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &event)
    }

    deinit {
        close(epoll)
        close(wake)
        readBuffer.deallocate()
    }

    // MARK: Executor

    /// Takes a Swift job of an actor that lives here.
    public func enqueue(_ job: consuming ExecutorJob) { add(.job(UnownedJob(job))) }

    /// This loop as an actor's executor.
    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    /// Traps when the caller is not on this loop: `assumeIsolated` asks.
    public func checkIsolated() { precondition(isCurrent, "not on this event loop") }

    /// Whether the caller is isolated by this loop.
    public func isIsolatingCurrentContext() -> Bool? { isCurrent }

    /// Runs `body` on the loop, soon. Callable from any thread.
    public func execute(_ body: @escaping @Sendable () -> Void) { add(.body(body)) }

    /// Whether the caller is on the loop's thread.
    public var isCurrent: Bool {
        pthread_getspecific(Self.current)
            == UnsafeMutableRawPointer(Unmanaged.passUnretained(self).toOpaque())
    }

    /// Calls `body` on the loop about every `milliseconds` until the returned ticker is cancelled. Callable from
    /// any thread.
    public func every(milliseconds: Int, _ body: @escaping @Sendable () -> Void) -> Ticker {
        let ticker = Ticker(milliseconds: Int64(max(1, milliseconds)), body: body)
        if isCurrent {
            tickers.append(ticker)
        } else {
            execute { [self] in tickers.append(ticker) }
        }
        return ticker
    }

    /// Ends the loop and joins its thread. Not from the loop itself.
    public func stop() {
        lock.withLock { isStopping = true }
        poke()
        thread?.join()
        thread = nil
    }

    private func add(_ item: Work) {
        let mustWake = lock.withLock { () -> Bool in
            work.append(item)
            let sleeping = !isAwake
            isAwake = true
            return sleeping
        }
        if mustWake, !isCurrent { poke() }
    }

    private func poke() {
        var one: UInt64 = 1
        // A full counter has woken the loop already.
        _ = write(wake, &one, 8)
    }

    // MARK: Descriptors (on the loop)

    /// Watches `descriptor`; the token names it from now on.
    func watch(_ descriptor: Int32, for interest: EPOLL_EVENTS, _ watcher: any DescriptorWatcher) -> UInt64 {
        let index = freeSlots.popLast() ?? slots.count
        if index == slots.count { slots.append(Slot(generation: 0, watcher: nil)) }
        slots[index].generation &+= 1
        slots[index].watcher = watcher
        let token = UInt64(slots[index].generation) << 32 | UInt64(index)
        control(EPOLL_CTL_ADD, descriptor, interest, token)
        return token
    }

    /// Changes what `descriptor` is watched for.
    func change(_ descriptor: Int32, to interest: EPOLL_EVENTS, token: UInt64) {
        control(EPOLL_CTL_MOD, descriptor, interest, token)
    }

    /// Watches `descriptor` no more; a stale event of it is recognised by the generation.
    func unwatch(_ descriptor: Int32, token: UInt64) {
        control(EPOLL_CTL_DEL, descriptor, EPOLL_EVENTS(0), token)
        let index = Int(token & 0xFFFF_FFFF)
        slots[index].watcher = nil
        freeSlots.append(index)
    }

    /// `watcher` has something to send at the end of this wakeup.
    func needsFlush(_ watcher: any DescriptorWatcher) { dirty.append(watcher) }

    private func control(_ operation: Int32, _ descriptor: Int32, _ interest: EPOLL_EVENTS, _ token: UInt64) {
        var event = epoll_event()
        event.events = interest.rawValue
        event.data.u64 = token
        epoll_ctl(epoll, operation, descriptor, &event)
    }

    // MARK: The thread

    private func run() {
        pthread_setspecific(Self.current, UnsafeMutableRawPointer(Unmanaged.passUnretained(self).toOpaque()))
        var events = [epoll_event](repeating: epoll_event(), count: 256)
        while true {
            let (hasWork, stop) = lock.withLock { () -> (Bool, Bool) in
                isAwake = !work.isEmpty
                return (!work.isEmpty, isStopping)
            }
            if stop, !hasWork { break }
            let count = epoll_wait(epoll, &events, Int32(events.count), hasWork ? 0 : timeout())
            lock.withLock { isAwake = true }
            for index in 0..<max(0, Int(count)) { dispatch(events[index]) }
            runWork()
            runTickers()
            flush()
        }
        // Sockets that are still open, or waiting for the peer's part of a close, are given back to their owners:
        // libmicrohttpd ends the process when it is stopped before all of its upgraded sockets are back.
        for slot in slots { slot.watcher?.loopEnds() }
        runWork()
        pthread_setspecific(Self.current, nil)
    }

    private func dispatch(_ event: epoll_event) {
        let token = event.data.u64
        if token == UInt64.max {
            var count: UInt64 = 0
            _ = read(wake, &count, 8)
            return
        }
        let index = Int(token & 0xFFFF_FFFF)
        guard index < slots.count, slots[index].generation == UInt32(token >> 32),
            let watcher = slots[index].watcher
        else { return }
        let failed = event.events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0
        watcher.descriptorReady(
            readable: failed || event.events & EPOLLIN.rawValue != 0,
            writable: failed || event.events & EPOLLOUT.rawValue != 0)
    }

    private func runWork() {
        let items = lock.withLock { () -> [Work] in
            let items = work
            work = []
            return items
        }
        for item in items {
            switch item {
            case .job(let job): job.runSynchronously(on: asUnownedSerialExecutor())
            case .body(let body): body()
            }
        }
    }

    private func runTickers() {
        guard !tickers.isEmpty || !slots.isEmpty else { return }
        let now = MonotonicTime.now
        for ticker in tickers where !ticker.isCancelled && now >= ticker.due {
            ticker.advance(past: now)
            ticker.body()
        }
        tickers.removeAll { $0.isCancelled }
        if now.milliseconds(since: lastDeadlines) >= 100 {
            lastDeadlines = now
            for slot in slots { slot.watcher?.checkDeadline(at: now) }
        }
    }

    private func flush() {
        // Flushing may fail a socket, which marks nothing dirty again.
        while !dirty.isEmpty {
            let watchers = dirty
            dirty.removeAll(keepingCapacity: true)
            for watcher in watchers { watcher.flushAfterWakeup() }
        }
    }

    private func timeout() -> Int32 {
        var wait: Int64 = slots.count > freeSlots.count ? 100 : 1_000
        let now = MonotonicTime.now
        for ticker in tickers {
            wait = min(wait, max(0, (ticker.due.nanoseconds - now.nanoseconds + 999_999) / 1_000_000))
        }
        return Int32(wait)
    }
}
