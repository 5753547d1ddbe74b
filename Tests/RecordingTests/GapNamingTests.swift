// Holes that several causes share: each part bears its own.

import Tape
import Timeline
import Testing

@testable import Recording

@Suite struct GapNamingTests {
    private struct Part: Equatable {
        var start: Int64
        var length: Int64
        var cause: String
    }

    private func parts(_ ledger: GapLedger, _ hole: Interval) -> [Part] {
        var found: [Part] = []
        ledger.name(hole) { found.append(Part(start: $0.start, length: $0.length, cause: $1)) }
        return found
    }

    @Test func twoCausesSideBySideKeepTheirNames() {
        var ledger = GapLedger()
        ledger.gap(Interval(start: 0, length: 640), .beforeStart)
        ledger.gap(Interval(start: 640, length: 480), .lost)
        #expect(
            parts(ledger, Interval(start: 0, length: 1_120)) == [
                Part(start: 0, length: 640, cause: "before_start"),
                Part(start: 640, length: 480, cause: "frames_lost"),
            ])
    }

    @Test func oneCauseNamesTheWholeHole() {
        var ledger = GapLedger()
        ledger.gap(Interval(start: 160, length: 160), .notSent)
        #expect(
            parts(ledger, Interval(start: 100, length: 300)) == [
                Part(start: 100, length: 300, cause: "not_sent")
            ])
        #expect(
            parts(GapLedger(), Interval(start: 0, length: 80)) == [
                Part(start: 0, length: 80, cause: "no_frames")
            ])
    }
}
