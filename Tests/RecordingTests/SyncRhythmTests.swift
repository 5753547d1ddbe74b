// When the thread that syncs tapes works, and when it rests.

import Testing

@testable import Recording

@Suite struct SyncRhythmTests {
    @Test func cleanTapesAreNeverAReasonToWork() {
        for passed: Int64 in [0, 1, 99, 100, 101, 1_000, 86_400_000] {
            for every: Int64 in [1, 5, 100, 1_000, 60_000] {
                #expect(TapeWriter.pause(passed: passed, every: every, isClean: true) > 0)
            }
        }
    }

    /// A tape is synced `every` milliseconds at the most after the last sync, or at once when that is longer ago.
    @Test func dirtyTapesWaitForTheRhythmAndNoLonger() {
        #expect(TapeWriter.pause(passed: 1_000, every: 1_000, isClean: false) == 0)
        #expect(TapeWriter.pause(passed: 5_000, every: 1_000, isClean: false) == 0)
        #expect(TapeWriter.pause(passed: 990, every: 1_000, isClean: false) == 10)
        // In steps that an end of the writer is not kept waiting by.
        #expect(TapeWriter.pause(passed: 0, every: 1_000, isClean: false) == 200)
        #expect(TapeWriter.pause(passed: 0, every: 1_000, isClean: true) == 200)
        #expect(TapeWriter.pause(passed: 9, every: 5, isClean: true) == 5)
    }
}
