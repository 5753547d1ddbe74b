// A pthread mutex with a condition: what the thread sanitizer understands.

import CLinux

/// A lock that several threads share, with a condition to wait on.
public final class Lock: @unchecked Sendable {
    // The mutex and the condition are made for being shared; the pointers never change.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    /// An open lock.
    public init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        condition = .allocate(capacity: 1)
        condition.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Runs `body` alone. With `signal`, wakes all that wait when it is done.
    public func withLock<Value, Failure: Error>(
        signal: Bool = false, _ body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        pthread_mutex_lock(mutex)
        defer {
            if signal { pthread_cond_broadcast(condition) }
            pthread_mutex_unlock(mutex)
        }
        return try body()
    }

    /// Takes the lock; `unlock` must follow on the same thread.
    public func lock() { pthread_mutex_lock(mutex) }

    /// Gives the lock back.
    public func unlock() { pthread_mutex_unlock(mutex) }

    /// Inside `withLock`: wakes one that waits.
    public func signalOne() { pthread_cond_signal(condition) }

    /// Inside `withLock`: lets others in until a signal, or `milliseconds` have passed.
    public func wait(milliseconds: Int64) {
        var until = timespec()
        clock_gettime(CLOCK_MONOTONIC, &until)
        let nanoseconds = Int64(until.tv_nsec) + milliseconds % 1000 * 1_000_000
        until.tv_sec += Int(milliseconds / 1000 + nanoseconds / 1_000_000_000)
        until.tv_nsec = Int(nanoseconds % 1_000_000_000)
        pthread_cond_timedwait(condition, mutex, &until)
    }
}
