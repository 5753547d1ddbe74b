// A server without calls takes next to nothing of the machine.

import Foundation
import Glibc
import Simulator
import Testing

@testable import Exchange

@Suite(.serialized) struct IdleServerTests {
    /// The processor's time that this process has had, in milliseconds.
    private func processorMilliseconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1_000_000
    }

    /// Every thread waits: one that looked round without end would have all, or its share, of a processor.
    @Test func `a server rests before its first call and after it`() async throws {
        let house = try TestHouse(agent: ShortTalk.agent, values: ["recording.sync_ms": "100"])
        for isAfter in [false, true] {
            if isAfter {
                _ = await house.network.call(ShortTalk.call(to: house.media()))
                await house.settle()
            }
            // Longer than any rhythm of the threads that keep tapes.
            try await Task.sleep(for: .milliseconds(300))
            // A tenth of a processor on the average, in bursts or not: a machine that stands still adds nothing to it.
            let before = processorMilliseconds()
            try await Task.sleep(for: .milliseconds(3_000))
            let taken = processorMilliseconds() - before
            #expect(taken < 300)
        }
        house.close()
    }
}
