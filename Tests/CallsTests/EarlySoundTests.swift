// Sound that comes before a stream's start: counted, not kept, and not called lost.

import Calls
import Carriers
import Tape
import Telemetry
import Testing

@Suite struct EarlySoundTests {
    private struct Gap: Equatable {
        var position: Int64
        var length: Int64
        var cause: TapeGapCause?
    }

    /// The gaps on the tape of a call whose first `early` frames came before `start`; `skipped` numbers after them are
    /// really missing.
    private func told(
        _ carrier: Carrier, early: Int, skipped: Int64 = 0
    ) -> (gaps: [Gap], counts: [String: Int64]) {
        var stage = Stage(carrier)
        for _ in 0..<early {
            stage.now = stage.now.adding(milliseconds: 20)
            stage.frame()
        }
        stage.start()
        stage.frames += skipped
        stage.pass(400, frames: true)
        return Self.gaps(&stage)
    }

    /// Hangs up; the gaps on the tape, and the call's counts.
    private static func gaps(_ stage: inout Stage) -> (gaps: [Gap], counts: [String: Int64]) {
        stage.machine.hangUp(.drained, at: stage.now, &stage.hands)
        var parser = TapeParser()
        TapeLayout.magic.withUnsafeBytes { parser.feed($0) }
        stage.machine.takeTape().withUnsafeBytes { parser.feed($0) }
        var found: [Gap] = []
        while let record = parser.next() {
            guard record.kind == .gap else { continue }
            found.append(
                Gap(
                    position: record.position, length: record.integer(at: 0) ?? -1,
                    cause: record.payload.last.flatMap { TapeGapCause(rawValue: $0) }))
        }
        return (found, stage.machine.namedCounts)
    }

    @Test func twilioTellsByItsNumbersWhatCameTooEarly() {
        // Ten frames of 160 samples; Twilio counts chunks from 1.
        let (gaps, counts) = told(.twilio, early: 10)
        #expect(gaps == [Gap(position: 0, length: 1_600, cause: .beforeStart)])
        #expect(counts["frames_before_start"] == 10 && counts["frames_lost"] == 0)
        #expect(counts["frames_received"] == 20)
    }

    @Test func whatIsReallyMissingKeepsItsName() {
        let (gaps, counts) = told(.twilio, early: 4, skipped: 3)
        #expect(
            gaps == [
                Gap(position: 0, length: 640, cause: .beforeStart),
                Gap(position: 640, length: 480, cause: .lost),
            ])
        #expect(counts["frames_before_start"] == 4 && counts["frames_lost"] == 3)
        let lost = told(.twilio, early: 0, skipped: 2)
        #expect(lost.gaps == [Gap(position: 0, length: 320, cause: .lost)])
        #expect(lost.counts["frames_before_start"] == 0 && lost.counts["frames_lost"] == 2)
    }

    @Test(arguments: [Carrier.telnyx, .exotel])
    func othersTellTheNumberOnly(_ carrier: Carrier) {
        let (_, counts) = told(carrier, early: 5)
        #expect(counts["frames_before_start"] == 5)
        #expect(counts["frames_lost"] == 0)
    }

    /// The server stood still for three seconds after the upgrade: start, sound, a pause and more sound are read in
    /// one heap. A timestamp that lies no further ahead than the stream is old (and two seconds) is true, whenever it is
    /// read; beyond that it is damaged, and what follows is placed without a pause.
    @Test(arguments: [(2_500, true), (5_100, false)] as [(Int64, Bool)])
    func aPauseThatIsReadInAHeapIsAPause(timestamp: Int64, isPause: Bool) {
        var stage = Stage(.twilio)
        stage.now = stage.now.adding(milliseconds: 3_000)
        stage.start()
        for _ in 0..<5 { stage.frame() }
        stage.carrier { peer, output in
            [UInt8](repeating: 0x55, count: 160).withUnsafeBytes {
                peer.encodeMedia($0, chunk: 6, timestamp: timestamp, into: &output)
            }
        }
        let (gaps, counts) = Self.gaps(&stage)
        // Five frames are 100 ms of sound.
        let pause = Gap(position: 800, length: (timestamp - 100) * 8, cause: .notSent)
        #expect(gaps == (isPause ? [pause] : []))
        #expect(counts["timestamps_implausible"] == (isPause ? 0 : 1))
    }
}
