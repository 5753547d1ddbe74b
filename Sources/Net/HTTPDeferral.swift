// Requests that are answered later: a connection sleeps until its answer comes, its time is up, or the server stops.

import CMicroHTTPD
import Glibc
import Telemetry

/// The answer to a deferred request, given once from any thread.
public final class HTTPReply: Sendable {
    private let deferral: HTTPDeferral

    init(_ deferral: HTTPDeferral) { self.deferral = deferral }

    deinit { deferral.settle(nil) }

    /// Answers the request. Only the first answer counts, and only within the limit; descriptors of the others are
    /// closed. A reply that is let go of unanswered is answered by the fallback.
    public func send(_ response: HTTPResponse) { deferral.settle(response) }
}

/// One deferred request.
final class HTTPDeferral: @unchecked Sendable {
    // The lock of `waits` guards all but the constants.
    private let waits: HTTPWaits
    private var fallback: HTTPResponse?
    private var response: HTTPResponse?
    private var isSettled = false
    /// The connection while it is suspended.
    fileprivate var connection: OpaquePointer?
    /// When the fallback is due, while it is suspended.
    fileprivate var due = MonotonicTime(nanoseconds: 0)

    init(fallback: HTTPResponse, waits: HTTPWaits) {
        self.fallback = fallback
        self.waits = waits
    }

    deinit {
        // Nobody came for these; their descriptors are closed.
        if let response { _ = HTTPAnswer(response) }
        if let fallback { _ = HTTPAnswer(fallback) }
    }

    /// Answers by `response`, or by the fallback for nil; what comes second is dropped.
    func settle(_ response: HTTPResponse?) {
        let isDropped = waits.lock.withLock { settleLocked(response) }
        if isDropped, let response { _ = HTTPAnswer(response) }
    }

    /// The same with the lock held. Whether it came too late.
    fileprivate func settleLocked(_ response: HTTPResponse?) -> Bool {
        guard !isSettled else { return true }
        isSettled = true
        self.response = response
        waits.wake(self)
        return false
    }

    fileprivate var isReady: Bool { isSettled }
    /// Whether the answer is there.
    var isAnswered: Bool { waits.lock.withLock { isSettled } }

    /// The answer, once, on the daemon's thread.
    func take() -> HTTPResponse {
        waits.lock.withLock {
            defer { response = nil }
            if let response { return response }
            guard let fallback else { return HTTPResponse(status: 500) }
            self.fallback = nil
            return fallback
        }
    }
}

/// What an HTTP server waits for, and until when: deferred answers, the ends of bodies, and requests when places are few.
/// One thread watches the clock.
final class HTTPWaits: @unchecked Sendable {
    // `lock` guards everything below it.
    fileprivate let lock = Lock()
    private var deferrals: [ObjectIdentifier: HTTPDeferral] = [:]
    private var bodies: [ObjectIdentifier: (descriptor: Int32, due: MonotonicTime)] = [:]
    /// When the thread looks next; nil while there is nothing to look at.
    private var next: MonotonicTime?
    private var isStopping = false
    private var thread: WorkerThread?
    private var crowd: HTTPCrowd
    /// Whether the thread will look at the crowd by itself.
    private var isCrowdWatched = false

    /// Waits of a server; without a crowd nobody has to go.
    init(crowd: HTTPCrowd = HTTPCrowd(places: 1, seconds: 0)) { self.crowd = crowd }

    /// `connection` is there, and has asked for nothing yet.
    func hasCome(_ connection: OpaquePointer) { rests(connection, isNew: true) }

    /// `connection` has sent a request line.
    func isAsking(_ connection: OpaquePointer) { lock.withLock { crowd.ask(connection) } }

    /// `connection` has been answered, and may ask again.
    func isIdle(_ connection: OpaquePointer) { rests(connection, isNew: false) }

    private func rests(_ connection: OpaquePointer, isNew: Bool) {
        let descriptor = teeline_http_descriptor(connection)
        lock.withLock {
            if isNew {
                crowd.come(connection, descriptor: descriptor, at: .now)
            } else {
                crowd.rest(connection, descriptor: descriptor, at: .now)
            }
            lookAtCrowd()
        }
    }

    /// `connection` is about to be closed.
    func hasGone(_ connection: OpaquePointer) { lock.withLock { crowd.go(connection) } }

    func start() {
        lock.withLock { thread = WorkerThread(name: "http-waits") { [self] in watch() } }
    }

    /// Settles every deferral by its fallback; from now on none is suspended. Joins the thread.
    func stop() {
        let thread = lock.withLock(signal: true) {
            isStopping = true
            for deferral in Array(deferrals.values) { _ = deferral.settleLocked(nil) }
            defer { self.thread = nil }
            return self.thread
        }
        thread?.join()
    }

    /// Suspends `connection` until `deferral` is settled; false when it is already, or the server stops.
    func suspend(_ deferral: HTTPDeferral, _ connection: OpaquePointer, milliseconds: Int) -> Bool {
        lock.withLock {
            guard !isStopping, !deferral.isReady else { return false }
            MHD_suspend_connection(connection)
            deferral.connection = connection
            deferral.due = MonotonicTime.now.adding(
                milliseconds: Int64(clamping: min(max(milliseconds, 0), 86_400_000)))
            deferrals[ObjectIdentifier(deferral)] = deferral
            look(at: deferral.due)
            return true
        }
    }

    /// Cuts the connection of `exchange` when its header, or its body, has not come within `seconds`; 0 for never.
    func watch(_ exchange: HTTPExchange, descriptor: Int32, seconds: Int) {
        guard descriptor >= 0, seconds > 0 else { return }
        exchange.isWatched = true
        let due = MonotonicTime.now.adding(milliseconds: Int64(min(seconds, 86_400)) * 1000)
        lock.withLock {
            bodies[ObjectIdentifier(exchange)] = (descriptor, due)
            look(at: due)
        }
    }

    /// The header or the body of `exchange` is whole, or its request over: its descriptor is not touched any more.
    func forget(_ exchange: HTTPExchange) {
        guard exchange.isWatched else { return }
        exchange.isWatched = false
        lock.withLock { _ = bodies.removeValue(forKey: ObjectIdentifier(exchange)) }
    }

    /// With the lock held: lets the suspended connection of `deferral` go on.
    fileprivate func wake(_ deferral: HTTPDeferral) {
        deferrals.removeValue(forKey: ObjectIdentifier(deferral))
        // A suspended connection lives; once it goes on its pointer is not used again.
        if let connection = deferral.connection { MHD_resume_connection(connection) }
        deferral.connection = nil
    }

    private func look(at due: MonotonicTime) {
        if let next, next <= due { return }
        next = due
        lock.signalOne()
    }

    private func lookAtCrowd() {
        // Whoever comes later is due later.
        guard !isCrowdWatched, let due = crowd.due else { return }
        isCrowdWatched = true
        look(at: due)
    }

    private func watch() {
        lock.withLock {
            while !isStopping {
                guard let next else {
                    lock.wait(milliseconds: 60_000)
                    continue
                }
                let now = MonotonicTime.now
                if now < next {
                    lock.wait(milliseconds: next.milliseconds(since: now) + 1)
                } else {
                    expire(now)
                }
            }
        }
    }

    private func expire(_ now: MonotonicTime) {
        var earliest: MonotonicTime?
        for deferral in Array(deferrals.values) {
            if deferral.due <= now {
                _ = deferral.settleLocked(nil)
            } else {
                earliest = min(earliest ?? deferral.due, deferral.due)
            }
        }
        for (exchange, body) in Array(bodies) {
            if body.due <= now {
                // The daemon finds the stream at its end and closes it.
                shutdown(body.descriptor, Int32(SHUT_RDWR))
                bodies.removeValue(forKey: exchange)
            } else {
                earliest = min(earliest ?? body.due, body.due)
            }
        }
        // The daemon finds these streams at their ends, too.
        for descriptor in crowd.takeOverdue(at: now) { shutdown(descriptor, Int32(SHUT_RDWR)) }
        let due = crowd.due
        isCrowdWatched = due != nil
        if let due { earliest = min(earliest ?? due, due) }
        // Not more often than every 10 ms, however many there are.
        next = earliest.map { max($0, now.adding(milliseconds: 10)) }
    }
}
