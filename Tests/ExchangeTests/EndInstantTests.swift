// The instant of a call's end, whatever was done to the wall clock meanwhile.

import Telemetry
import Testing

@testable import Exchange

@Suite struct EndInstantTests {
    /// Microseconds of UTC, and nanoseconds of the clock that is never set.
    @Test(
        arguments: [
            (0, 0), (999, 0), (1000, 1), (5_000_000_000, 5_000_000), (86_400_000_000_000, 86_400_000_000),
            (-5000, 0),
        ] as [(Int64, Int64)])
    func itIsTheStartAndTheTimeThatPassed(nanoseconds: Int64, microseconds: Int64) {
        // The start is years ahead of this machine's wall clock, as after a step back.
        let start: Int64 = 4_000_000_000_000_000
        let began = MonotonicTime(nanoseconds: 7_000_000_123)
        let now = MonotonicTime(nanoseconds: began.nanoseconds + nanoseconds)
        #expect(CallOffice.endInstant(startedAt: start, began: began, now: now) == start + microseconds)
    }
}
