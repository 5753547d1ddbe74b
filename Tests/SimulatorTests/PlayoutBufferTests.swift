// The playout buffer by arithmetic: what plays when, what marks say, what clear leaves.

import Audio
import Testing

@testable import Simulator

/// `count` bytes of value `value`.
func sound(_ value: UInt8, _ count: Int) -> [UInt8] { [UInt8](repeating: value, count: count) }

extension PlayoutBuffer {
    /// Takes an array where the buffer takes a pointer.
    @discardableResult
    mutating func receive(_ bytes: [UInt8], at position: Int64) -> [ReturnedMark] {
        bytes.withUnsafeBytes { receive($0, at: position) }
    }
}

@Suite struct PlayoutBufferTests {
    @Test func idleBufferIsSilent() {
        var buffer = PlayoutBuffer(rules: .twilio)
        #expect(buffer.advance(to: 800).isEmpty)
        #expect(buffer.heardTrack == sound(0xFF, 800))
        #expect(buffer.heardSegments.isEmpty)
    }

    @Test(arguments: [Int64(0), 1, 160, 12_345])
    func soundStartsAtArrivalWhenIdle(arrival: Int64) {
        var buffer = PlayoutBuffer(rules: .twilio)
        buffer.receive(sound(7, 160), at: arrival)
        _ = buffer.advance(to: arrival + 400)
        #expect(
            buffer.heardTrack == sound(0xFF, Int(arrival)) + sound(7, 160) + sound(0xFF, 240))
        #expect(
            buffer.heardSegments
                == [HeardSegment(message: 0, firstSample: 0, position: arrival, count: 160)])
    }

    @Test func messagesPlayInOrderWithoutAHole() {
        var buffer = PlayoutBuffer(rules: .twilio)
        buffer.receive(sound(1, 100), at: 10)
        buffer.receive(sound(2, 50), at: 20)
        buffer.receive(sound(3, 30), at: 159)
        buffer.receive(sound(4, 30), at: 200)
        _ = buffer.advance(to: 230)
        #expect(buffer.heardSegments.map(\.position) == [10, 110, 160, 200])
        #expect(
            buffer.heardTrack
                == sound(0xFF, 10) + sound(1, 100) + sound(2, 50) + sound(3, 30) + sound(0xFF, 10)
                + sound(4, 30))
    }

    @Test func onlyWhatIsBeforeTheClockWasHeard() {
        var buffer = PlayoutBuffer(rules: .twilio)
        buffer.receive(sound(9, 800), at: 100)
        _ = buffer.advance(to: 300)
        #expect(buffer.heardTrack == sound(0xFF, 100) + sound(9, 200))
        #expect(buffer.heardSegments.map(\.count) == [200])
        #expect(buffer.queuedSamples == 600)
    }

    @Test func theClockNeverGoesBack() {
        var buffer = PlayoutBuffer(rules: .twilio)
        _ = buffer.advance(to: 500)
        buffer.receive(sound(1, 10), at: 400)
        #expect(buffer.clock == 500)
        _ = buffer.advance(to: 510)
        #expect(buffer.heardSegments.map(\.position) == [500])
    }

    @Test func aMarkReturnsWhenTheSoundBeforeItWasPlayed() {
        var buffer = PlayoutBuffer(rules: .twilio)
        buffer.receive(sound(1, 160), at: 0)
        #expect(buffer.mark("a", at: 5).isEmpty)
        buffer.receive(sound(1, 160), at: 5)
        #expect(buffer.mark("b", at: 6).isEmpty)
        #expect(buffer.advance(to: 159).isEmpty)
        #expect(buffer.advance(to: 160) == [ReturnedMark(name: "a", position: 160, cleared: false)])
        #expect(buffer.advance(to: 1000) == [ReturnedMark(name: "b", position: 320, cleared: false)])
        #expect(buffer.outstandingMarks == 0)
    }

    @Test func aMarkReturnsAtOnceWhenIdle() {
        var buffer = PlayoutBuffer(rules: .twilio)
        #expect(buffer.mark("first", at: 40) == [ReturnedMark(name: "first", position: 40, cleared: false)])
        buffer.receive(sound(1, 10), at: 50)
        #expect(buffer.mark("late", at: 60) == [ReturnedMark(name: "late", position: 60, cleared: false)])
    }

    @Test func severalMarksAtOnePlaceReturnInOrder() {
        var buffer = PlayoutBuffer(rules: .telnyx())
        buffer.receive(sound(1, 160), at: 0)
        for name in ["a", "b", "c"] { _ = buffer.mark(name, at: 1) }
        #expect(buffer.advance(to: 160).map(\.name) == ["a", "b", "c"])
        #expect(buffer.counts.marksPlayed == 3)
    }

    @Test(arguments: [Int64(100), 130, 160, 259])
    func clearCutsAtItsPositionAndReturnsMarks(position: Int64) {
        var buffer = PlayoutBuffer(rules: .twilio)
        buffer.receive(sound(1, 60), at: 100)
        _ = buffer.mark("one", at: 100)
        buffer.receive(sound(2, 100), at: 100)
        _ = buffer.mark("two", at: 100)
        let returned = buffer.clear(at: position)
        let played = position >= 160
        #expect(
            returned == [
                ReturnedMark(name: "one", position: played ? 160 : position, cleared: !played),
                ReturnedMark(name: "two", position: position, cleared: true),
            ])
        #expect(buffer.counts.samplesCleared == 260 - position)
        _ = buffer.advance(to: 400)
        let whole = sound(0xFF, 100) + sound(1, 60) + sound(2, 100)
        #expect(buffer.heardTrack == Array(whole.prefix(Int(position))) + sound(0xFF, 400 - Int(position)))
        #expect(buffer.heardSegments.reduce(0) { $0 + $1.count } == position - 100)
    }

    @Test func soundAfterAClearStartsAtItsArrival() {
        var buffer = PlayoutBuffer(rules: .twilio)
        buffer.receive(sound(1, 8000), at: 0)
        _ = buffer.clear(at: 800)
        buffer.receive(sound(2, 80), at: 810)
        _ = buffer.advance(to: 1000)
        #expect(
            buffer.heardTrack
                == sound(1, 800) + sound(0xFF, 10) + sound(2, 80) + sound(0xFF, 110))
        #expect(buffer.heardSegments.map(\.message) == [0, 1])
    }

    @Test(arguments: [true, false])
    func exotelReturnsOrForgetsMarks(returns: Bool) {
        var buffer = PlayoutBuffer(rules: .exotel(rate: 8000, clearReturnsMarks: returns))
        buffer.receive(sound(1, 3200), at: 0)
        _ = buffer.mark("a", at: 0)
        #expect(buffer.clear(at: 100).map(\.name) == (returns ? ["a"] : []))
        #expect(buffer.advance(to: 9000).isEmpty)
        #expect(buffer.counts.marksCleared == 1)
    }

    @Test func clearOfAnIdleBufferIsHarmless() {
        var buffer = PlayoutBuffer(rules: .telnyx())
        #expect(buffer.clear(at: 5).isEmpty)
        #expect(buffer.clear(at: 5).isEmpty)
        #expect(buffer.counts.clears == 2)
    }

    @Test func twilioHoldsTenMinutes() {
        var buffer = PlayoutBuffer(rules: .twilio, keepsSound: false)
        buffer.receive(sound(1, 4_799_999), at: 0)
        buffer.receive(sound(2, 160), at: 0)
        #expect(buffer.queuedSamples == 4_800_000)
        #expect(buffer.counts.samplesOverLimit == 159)
        buffer.receive(sound(3, 160), at: 60)
        #expect(buffer.counts.samplesOverLimit == 159 + 100)
    }

    @Test(arguments: [(159, 1), (160, 0), (240_000, 0), (240_001, 1), (0, 1)])
    func telnyxWantsTwentyMillisecondsToThirtySeconds(bytes: Int, odd: Int) {
        var buffer = PlayoutBuffer(rules: .telnyx(), keepsSound: false)
        buffer.receive(sound(1, bytes), at: 0)
        #expect(buffer.counts.oddPieces == odd)
        #expect(buffer.queuedSamples == Int64(bytes))
    }

    /// The cases of the vector `exotel_chunk_rules.json`.
    @Test(arguments: [
        (320, false), (640, false), (1600, false), (3199, false), (3200, true), (3300, false), (3520, true),
        (6400, true), (32_000, true), (99_840, true), (100_000, false), (100_160, false),
    ])
    func exotelChunkRules(bytes: Int, fits: Bool) {
        #expect(PlayoutRules.exotel(rate: 8000, clearReturnsMarks: true).allows(bytes: bytes) == fits)
    }

    @Test func sixteenBitSoundCountsSamplesAndReportsHalves() {
        var buffer = PlayoutBuffer(rules: .exotel(rate: 16_000, clearReturnsMarks: true))
        buffer.receive(sound(5, 3201), at: 10)
        _ = buffer.advance(to: 2000)
        #expect(buffer.counts.splitSamples == 1)
        #expect(buffer.counts.samplesReceived == 1600)
        #expect(buffer.heardTrack == sound(0, 20) + sound(5, 3200) + sound(0, 780))
    }

    @Test func withoutSoundOnlyNumbersAreKept() {
        var buffer = PlayoutBuffer(rules: .twilio, keepsSound: false)
        buffer.receive(sound(1, 160), at: 0)
        _ = buffer.mark("m", at: 0)
        #expect(buffer.advance(to: 200).map(\.position) == [160])
        #expect(buffer.heardTrack.isEmpty)
        #expect(buffer.heardSegments.isEmpty)
    }

    /// Cutting the same bytes into messages otherwise changes nothing that is heard.
    @Test(arguments: [1, 7, 20, 160, 333, 2000])
    func theCutDoesNotMatter(piece: Int) {
        let whole = (0..<2000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var buffer = PlayoutBuffer(rules: .twilio)
        for start in stride(from: 0, to: whole.count, by: piece) {
            buffer.receive(Array(whole[start..<min(start + piece, whole.count)]), at: 50)
        }
        _ = buffer.advance(to: 2050)
        #expect(buffer.heardTrack == sound(0xFF, 50) + whole)
    }
}
