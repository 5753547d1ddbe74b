// A value that several threads share and that can be waited on.

import Dispatch
import Telemetry

/// A guarded value; whoever waits for something of it is told when it comes true.
public final class Watched<State: Sendable>: @unchecked Sendable {
    // `lock` guards everything.
    private let lock = Lock()
    private var state: State
    private var waiters: [Int: Waiter] = [:]
    private var number = 0

    private struct Waiter {
        let until: @Sendable (State) -> Bool
        let continuation: CheckedContinuation<Bool, Never>
    }

    /// A value to begin with.
    public init(_ state: State) { self.state = state }

    /// The value as it is.
    public var value: State { lock.withLock { state } }

    /// Changes the value alone, and tells those whose wish has come true.
    @discardableResult public func change<Value>(_ body: (inout State) -> Value) -> Value {
        let (value, happy) = lock.withLock {
            let value = body(&state)
            let happy = waiters.filter { $0.value.until(state) }
            for key in happy.keys { waiters[key] = nil }
            return (value, happy)
        }
        for waiter in happy.values { waiter.continuation.resume(returning: true) }
        return value
    }

    /// Waits until `until` is true of the value, at most `milliseconds`; whether it came true.
    public func wait(milliseconds: Int, until: @escaping @Sendable (State) -> Bool) async -> Bool {
        await withCheckedContinuation { continuation in
            let key: Int? = lock.withLock {
                if until(state) { return nil }
                number += 1
                waiters[number] = Waiter(until: until, continuation: continuation)
                return number
            }
            guard let key else { return continuation.resume(returning: true) }
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(max(milliseconds, 0))) {
                [self] in
                let late = lock.withLock { waiters.removeValue(forKey: key) }
                late?.continuation.resume(returning: false)
            }
        }
    }
}
