// One thread on epoll: the media sockets' loop, and the executor of the calls on it.

import CLinux
import Dispatch
import Glibc
import Telemetry

/// A thread that waits on epoll, runs the jobs of the actors that live on it, and ticks.
///
/// Everything loop-confined (sockets, calls) is touched only on the loop's own thread. A turn is: the events of
/// one `epoll_wait`, due tickers, queued jobs, then one write for each socket that has something to send.
public final class EventLoop: SerialExecutor, @unchecked Sendable {
    // `lock` guards the members marked so; all else is touched on the loop's thread only.

    /// A piece of work that waits for its turn.
    private enum Work {
        case job(UnownedJob)
        case body(@Sendable () -> Void)
    }

    private let name: String
    private let epoll: Int32
    private let wakeup: Int32
    private let lock = Lock()
    private var queue: [Work] = []  // lock
    private var isSleeping = false  // lock
    private var isStopping = false  // lock
    private var afterlife: DispatchQueue?  // lock; set once the thread has ended
    private var thread = pthread_t()  // written by `start`, read by `stop`

    private var running: [Work] = []
    private var descriptors = DescriptorTable()
    private var tickers = TickerHeap()
    private var dirty: [any LoopFlushable] = []
    private var isOpen = true
    /// Where sockets of this loop read into, one at a time.
    let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 64)
    /// Where TLS puts what it deciphered, one socket at a time.
    let plainBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 64)
    /// Mask keys of the loop's client sockets.
    var maskKeys = MaskKeys()

    /// Which loop the current thread is. Never pthread_self: the optimizer hoists it across executor hops.
    private static let slot: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()
    private static let wakeToken = UInt64.max

    /// Starts a loop with its own thread. Throws `NetError.system` when the kernel gives no epoll.
    public static func start(name: String) throws(NetError) -> EventLoop {
        let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw .system(operation: "epoll_create1", errno: errno) }
        let wakeup = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard wakeup >= 0 else {
            let code = errno
            Glibc.close(epoll)
            throw .system(operation: "eventfd", errno: code)
        }
        let loop = EventLoop(name: name, epoll: epoll, wakeup: wakeup)
        var event = epoll_event()
        event.events = Readiness.read.rawValue
        event.data.u64 = wakeToken
        guard epoll_ctl(epoll, EPOLL_CTL_ADD, wakeup, &event) == 0 else {
            let code = errno
            loop.closeDescriptors()
            throw .system(operation: "epoll_ctl", errno: code)
        }
        let retained = Unmanaged.passRetained(loop)
        let status = pthread_create(&loop.thread, nil, { EventLoop.main($0) }, retained.toOpaque())
        guard status == 0 else {
            retained.release()
            loop.closeDescriptors()
            throw .system(operation: "pthread_create", errno: status)
        }
        return loop
    }

    private init(name: String, epoll: Int32, wakeup: Int32) {
        self.name = name
        self.epoll = epoll
        self.wakeup = wakeup
    }

    deinit {
        readBuffer.deallocate()
        plainBuffer.deallocate()
    }

    // MARK: Work from anywhere

    /// Takes a Swift job of an actor that lives here.
    public func enqueue(_ job: consuming ExecutorJob) { submit(.job(UnownedJob(job))) }

    /// Runs `body` on the loop, soon. Callable from any thread.
    public func execute(_ body: @escaping @Sendable () -> Void) { submit(.body(body)) }

    private func submit(_ work: Work) {
        // The work may be all that holds the loop, and end elsewhere before this returns: no caller of an unowned
        // executor holds it.
        let held = Unmanaged.passRetained(self)
        defer { held.release() }
        lock.lock()
        defer { lock.unlock() }
        if let afterlife {
            afterlife.async { self.perform(work) }
            return
        }
        queue.append(work)
        if isSleeping {
            isSleeping = false
            eventfd_write(wakeup, 1)
        }
    }

    private func perform(_ work: Work) {
        pthread_setspecific(Self.slot, Unmanaged.passUnretained(self).toOpaque())
        defer { pthread_setspecific(Self.slot, nil) }
        run(work)
    }

    @inline(__always)
    private func run(_ work: Work) {
        switch work {
        case .job(let job): job.runSynchronously(on: asUnownedSerialExecutor())
        case .body(let body): body()
        }
    }

    /// This loop as an actor's `unownedExecutor`.
    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    /// Whether the caller is on the loop's thread (by a thread-specific slot, never pthread_self).
    public var isCurrent: Bool {
        pthread_getspecific(Self.slot) == Unmanaged.passUnretained(self).toOpaque()
    }

    /// Lets `assumeIsolated` pass in callbacks on the loop's thread.
    public func checkIsolated() { precondition(isCurrent, "not on the event loop") }
    /// The same.
    public func isIsolatingCurrentContext() -> Bool? { isCurrent }

    // MARK: Time

    /// Calls `body` on the loop about every `milliseconds` until the returned ticker is cancelled.
    public func every(milliseconds: Int, _ body: @escaping @Sendable () -> Void) -> Ticker {
        let interval = Int64(max(milliseconds, 1)).multipliedReportingOverflow(by: 1_000_000).partialValue
        return schedule(Ticker(interval: interval, body), after: milliseconds)
    }

    /// Calls `body` on the loop once, about `milliseconds` from now, unless the returned ticker is cancelled.
    public func after(milliseconds: Int, _ body: @escaping @Sendable () -> Void) -> Ticker {
        schedule(Ticker(interval: 0, body), after: milliseconds)
    }

    private func schedule(_ ticker: Ticker, after milliseconds: Int) -> Ticker {
        let due = MonotonicTime.now.adding(milliseconds: Int64(max(milliseconds, 0))).nanoseconds
        if isCurrent {
            tickers.insert(ticker, due: due)
        } else {
            execute { self.tickers.insert(ticker, due: due) }
        }
        return ticker
    }

    // MARK: Descriptors, on the loop

    /// Watches `descriptor` until `unwatch`; the loop holds `handler` as long.
    func watch(
        _ descriptor: Int32, _ interest: Readiness, handler: any DescriptorHandler
    ) throws(NetError) -> Registration {
        guard isOpen else { throw .system(operation: "epoll_ctl", errno: ECANCELED) }
        return try descriptors.add(descriptor, interest, epoll: epoll, handler: handler)
    }
    /// Changes what it is watched for.
    func change(_ registration: Registration, to interest: Readiness) {
        descriptors.change(registration, to: interest, epoll: epoll)
    }
    /// Watches a descriptor no more.
    func unwatch(_ registration: Registration) { descriptors.remove(registration, epoll: epoll) }
    /// Has `socket` flush at the end of this turn.
    func markDirty(_ socket: any LoopFlushable) { dirty.append(socket) }

    // MARK: The thread

    /// Ends the loop and joins its thread. Sockets on it are cut (code 1006) and queued work is run before.
    /// Called on the loop itself, it ends after the current turn and is not joined.
    /// Work that comes later runs one piece at a time on a dispatch queue, so that nobody awaits for ever.
    public func stop() {
        let first = lock.withLock {
            if isStopping { return false }
            isStopping = true
            eventfd_write(wakeup, 1)
            return true
        }
        guard first else { return }
        if isCurrent { pthread_detach(thread) } else { pthread_join(thread, nil) }
    }

    private static func main(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let argument else { return nil }
        let loop = Unmanaged<EventLoop>.fromOpaque(argument).takeRetainedValue()
        pthread_setspecific(slot, argument)
        teeline_set_thread_name(loop.name)
        loop.turn()
        loop.windDown()
        pthread_setspecific(slot, nil)
        return nil
    }

    private func turn() {
        let capacity: Int32 = 256
        withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: Int(capacity)) { events in
            while true {
                let (idle, stopping) = lock.withLock {
                    isSleeping = queue.isEmpty && !isStopping
                    return (isSleeping, isStopping)
                }
                if stopping { return }
                let count = epoll_wait(epoll, events.baseAddress, capacity, idle ? timeout() : 0)
                lock.withLock { isSleeping = false }
                for index in 0..<Int(max(count, 0)) { dispatch(events[index]) }
                runTickers()
                runQueued(rounds: 8)
                flushDirty()
            }
        }
    }

    private func dispatch(_ event: epoll_event) {
        if event.data.u64 == Self.wakeToken {
            var value: eventfd_t = 0
            eventfd_read(wakeup, &value)
        } else if let handler = descriptors.handler(of: event.data.u64) {
            handler.ready(Readiness(rawValue: event.events))
        }
    }

    /// Milliseconds to the next ticker, rounded up; -1 without one.
    private func timeout() -> Int32 {
        guard let due = tickers.earliest else { return -1 }
        let left = due &- MonotonicTime.now.nanoseconds
        return left <= 0 ? 0 : Int32(clamping: (left &+ 999_999) / 1_000_000)
    }

    private func runTickers() {
        guard let earliest = tickers.earliest else { return }
        let now = MonotonicTime.now.nanoseconds
        guard earliest <= now else { return }
        while let body = tickers.popDue(now) { body() }
    }

    /// Runs queued work and what it queues, at most `rounds` times over, so that events get their turn.
    private func runQueued(rounds: Int) {
        for _ in 0..<rounds {
            let isEmpty = lock.withLock {
                if queue.isEmpty { return true }
                swap(&queue, &running)
                return false
            }
            if isEmpty { return }
            for work in running { run(work) }
            running.removeAll(keepingCapacity: true)
        }
    }

    private func flushDirty() {
        guard !dirty.isEmpty else { return }
        var index = 0
        while index < dirty.count {  // a flush may mark another socket
            dirty[index].flushAtEndOfTurn()
            index += 1
        }
        dirty.removeAll(keepingCapacity: true)
    }

    private func windDown() {
        runQueued(rounds: 64)
        isOpen = false
        flushDirty()
        for handler in descriptors.handlers { handler.loopWillStop() }
        runQueued(rounds: 64)
        tickers.removeAll()
        dirty = []
        lock.withLock {
            let later = DispatchQueue(label: name)
            for work in queue {
                later.async { self.perform(work) }
            }
            queue = []
            afterlife = later
        }
        closeDescriptors()
    }

    private func closeDescriptors() {
        for descriptor in [epoll, wakeup] { Glibc.close(descriptor) }
    }
}
