// A pthread mutex with an owner.

import Glibc

/// A pthread mutex at a fixed address. (`Synchronization.Mutex` gives the thread sanitizer false races.)
final class PthreadMutex: @unchecked Sendable {
    // The mutex guards itself.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    @inline(__always)
    func lock() { pthread_mutex_lock(mutex) }

    @inline(__always)
    func unlock() { pthread_mutex_unlock(mutex) }

    /// Runs `body` with the mutex held.
    @inline(__always)
    func withLock<Value: ~Copyable>(_ body: () -> Value) -> Value {
        lock()
        defer { unlock() }
        return body()
    }
}
