// Waiting in tests: until something holds, by the monotonic clock, and never for ever.

import Glibc
import Telemetry

/// Waits until `condition` holds, at most `milliseconds`. Returns whether it does; it is asked once more when the time is up.
public func eventually(
    _ milliseconds: Int64 = 20_000, _ condition: () async throws -> Bool
) async throws -> Bool {
    let end = MonotonicTime.now.adding(milliseconds: milliseconds)
    while true {
        let isLast = MonotonicTime.now >= end
        if try await condition() { return true }
        if isLast { return false }
        try await Task.sleep(for: .milliseconds(10))
    }
}

/// The same on the caller's own thread, which stands still meanwhile: for what is not asynchronous.
public func waitUntil(_ milliseconds: Int64 = 20_000, _ condition: () -> Bool) -> Bool {
    let end = MonotonicTime.now.adding(milliseconds: milliseconds)
    while true {
        let isLast = MonotonicTime.now >= end
        if condition() { return true }
        if isLast { return false }
        usleep(2000)
    }
}
