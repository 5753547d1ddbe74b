// The arrival window as tables: what comes when, and where it is placed.

import Damage
import Telemetry
import Testing
import Timeline

/// A frame that arrives: number, timestamp and instant in milliseconds.
private struct Arrival {
    var number: Int64?
    var timestamp: Int64?
    var at: Int64
}

/// Places frames of 20 ms at 8 kHz; the last tick is at `end` milliseconds.
private func placed(
    _ arrivals: [Arrival], traits: ArrivalTraits = .twilio, opened: Int64 = 0, end: Int64? = nil
) -> (frames: [PlacedFrame], counts: ArrivalCounts) {
    var window = ArrivalWindow(
        rate: 8_000, traits: traits, opened: MonotonicTime(nanoseconds: 0).adding(milliseconds: opened))
    var frames: [PlacedFrame] = []
    let payload = [UInt8](repeating: 0x55, count: 160)
    for arrival in arrivals {
        let now = MonotonicTime(nanoseconds: 0).adding(milliseconds: arrival.at)
        window.tick(at: now) { frame, _ in frames.append(frame) }
        payload.withUnsafeBytes {
            window.arrive(
                number: arrival.number, timestamp: arrival.timestamp, samples: 160, payload: $0, at: now
            ) { frame, _ in frames.append(frame) }
        }
    }
    if let end {
        window.tick(at: MonotonicTime(nanoseconds: 0).adding(milliseconds: end)) { frame, _ in
            frames.append(frame)
        }
    }
    window.finish { frame, _ in frames.append(frame) }
    return (frames, window.counts)
}

/// Frames numbered `numbers`, each on time.
private func punctual(_ numbers: [Int64]) -> [Arrival] {
    numbers.map { Arrival(number: $0, timestamp: ($0 - 1) * 20, at: $0 * 20) }
}

@Suite struct ArrivalWindowTests {
    @Test(
        arguments: [
            ([1, 2, 3, 4, 5]), ([2, 1, 3, 5, 4]), ([1, 3, 2, 4, 5]), ([1, 4, 3, 2, 5]),
            ([1, 2, 2, 3, 4, 5, 5]),
        ] as [[Int64]])
    func everyFrameHasItsPlaceOnce(numbers: [Int64]) {
        let arrivals = numbers.enumerated().map { index, number in
            Arrival(number: number, timestamp: (number - 1) * 20, at: Int64(index) * 10)
        }
        let (frames, counts) = placed(arrivals)
        #expect(frames.map(\.position.samples) == [0, 160, 320, 480, 640])
        #expect(frames.allSatisfy { $0.gapBefore == 0 && !$0.isLate })
        #expect(counts.duplicate == Int64(numbers.count - 5) && counts.lost == 0 && counts.late == 0)
    }

    @Test(arguments: 1...10 as ClosedRange<Int64>) func aLossIsAGapOfItsLength(lost: Int64) {
        let (frames, counts) = placed(punctual([1, 2] + (3 + lost..<8 + lost)))
        #expect(frames.map(\.position.samples) == [0, 160] + (0..<5).map { (2 + lost + $0) * 160 })
        #expect(frames[2].gapBefore == lost * 160 && frames[2].gapIsLoss)
        #expect(counts.lost == lost)
    }

    @Test func aPauseOfTheCarrierIsAGapWithoutALoss() {
        let (frames, counts) = placed([
            Arrival(number: 1, timestamp: 0, at: 20), Arrival(number: 2, timestamp: 420, at: 440),
        ])
        #expect(frames[1].position.samples == 3_360 && frames[1].gapBefore == 3_200 && !frames[1].gapIsLoss)
        #expect(counts.lost == 0)
    }

    @Test func aFrameAfterItsGapWasGivenUpIsPlacedAndCalledLate() {
        let (frames, counts) = placed([
            Arrival(number: 1, timestamp: 0, at: 20), Arrival(number: 3, timestamp: 40, at: 60),
            Arrival(number: 4, timestamp: 60, at: 140), Arrival(number: 2, timestamp: 20, at: 160),
            Arrival(number: 2, timestamp: 20, at: 161),
        ])
        #expect(frames.map(\.position.samples) == [0, 320, 480, 160])
        #expect(frames.map(\.isLate) == [false, false, false, true])
        #expect(counts.late == 1 && counts.duplicate == 1)
    }

    /// Twilio counts from 1 without exception; Telnyx's own example begins with 2.
    @Test(arguments: [(ArrivalTraits.twilio, 160), (.telnyx, 0), (.exotel, 0)] as [(ArrivalTraits, Int64)])
    func aStreamThatStartsWithTwo(traits: ArrivalTraits, first: Int64) {
        let (frames, _) = placed(
            [Arrival(number: 2, timestamp: 20, at: 40), Arrival(number: 3, timestamp: 40, at: 60)],
            traits: traits,
            end: 1_000)
        #expect(frames.map(\.position.samples) == [first, first + 160])
    }

    @Test func aRestartOfTheNumbersIsFollowed() {
        var arrivals = punctual(Array(1...100))
        arrivals += (1...20).map {
            Arrival(number: $0, timestamp: 2_000 + ($0 - 1) * 20, at: 2_000 + $0 * 20)
        }
        let (frames, counts) = placed(arrivals)
        // Not one frame of the new count is dropped, the two that could have been very late ones either.
        #expect(frames.map(\.position.samples) == (0..<120).map { $0 * 160 })
        #expect(counts.received == 120 && counts.late == 0 && counts.lost == 0)
    }

    /// Twilio's numbers begin with 1; nothing says so of the others.
    @Test(arguments: [ArrivalTraits.twilio, .telnyx, .exotel], [0, 1] as [Int64])
    func theFirstNumberIsNoLoss(traits: ArrivalTraits, first: Int64) {
        let arrivals = (0..<10 as Range<Int64>).map {
            Arrival(number: first + $0, timestamp: $0 * 20, at: 20 + $0 * 20)
        }
        let (frames, counts) = placed(arrivals, traits: traits)
        #expect(frames.map(\.position.samples) == (0..<10).map { $0 * 160 })
        #expect(frames.allSatisfy { $0.gapBefore == 0 && !$0.isLate })
        #expect(counts.received == 10 && counts.late == 0 && counts.lost == 0 && counts.duplicate == 0)
    }

    @Test(arguments: [Int64.max, Int64.min, -1, 0, 1 << 40, -(1 << 62)]) func absurdNumbers(number: Int64) {
        let (frames, _) = placed(
            punctual([1, 2]) + [Arrival(number: number, timestamp: 40, at: 60)] + punctual([4, 5, 6]))
        #expect(frames.allSatisfy { $0.position.samples >= 0 && $0.position.samples <= 2_120 * 8 })
    }

    @Test(arguments: [Int64.max, Int64.min, -1, 1 << 40, -(1 << 62), 86_400_000]) func absurdTimestamps(
        timestamp: Int64
    ) {
        let (frames, counts) = placed(
            punctual([1, 2]) + [Arrival(number: 3, timestamp: timestamp, at: 60)] + punctual([4, 5, 6]))
        #expect(frames.count == 6)
        #expect(frames.allSatisfy { $0.position.samples >= 0 && $0.position.samples <= 2_120 * 8 })
        #expect(counts.implausible >= 1)
    }

    /// Two frames and one behind a pause, read at once, `age` milliseconds after the stream's opening: what may have
    /// been spoken since then is a pause, what cannot have been (two seconds are granted) is a damaged timestamp.
    /// Nobody waits for ten seconds to be read.
    @Test(
        arguments: [
            (0, 1_980, true), (0, 2_000, false), (3_000, 2_500, true), (3_000, 4_980, true),
            (3_000, 5_000, false), (9_000, 10_980, true), (80_000, 11_980, true), (80_000, 12_000, false),
            (80_000, 60_000, false),
        ] as [(Int64, Int64, Bool)])
    func aPauseReadInAHeap(age: Int64, timestamp: Int64, isPause: Bool) {
        let now: Int64 = 100_000
        let arrivals = [(1, 0), (2, 20), (3, timestamp)].map {
            Arrival(number: $0, timestamp: $1, at: now)
        }
        let (frames, counts) = placed(arrivals, opened: now - age)
        #expect(frames.map(\.position.samples) == [0, 160, isPause ? timestamp * 8 : 320])
        #expect(frames.last?.gapBefore == (isPause ? timestamp * 8 - 320 : 0))
        #expect(counts.implausible == (isPause ? 0 : 1))
    }

    @Test func heldFramesAreBounded() {
        var window = ArrivalWindow(
            rate: 8_000, traits: .exotel, opened: MonotonicTime(nanoseconds: 0))
        for number in 2...3_000 as ClosedRange<Int64> where number % 2 == 0 {
            [UInt8](repeating: 0, count: 160).withUnsafeBytes {
                window.arrive(
                    number: number, timestamp: nil, samples: 160, payload: $0,
                    at: MonotonicTime(nanoseconds: 0)
                ) { _, _ in }
            }
            #expect(window.heldFrames <= 32)
        }
    }
}

@Suite struct CallClockTests {
    /// Three hours by a carrier whose crystal is off by `ppm`, with jitter that only delays: the position of an
    /// instant stays within the least jitter of the window and 10 s of drift.
    @Test(arguments: [-100, 0, 100], [0, 20]) func hours(ppm: Int64, jitter: Int64) {
        var clock = CallClock(rate: 8_000)
        var random = SplitMix64(seed: UInt64(bitPattern: ppm &+ jitter))
        var worst: Int64 = 0
        for frame in 1...540_000 as ClosedRange<Int64> {
            let ideal = frame * 20_000_000 - frame * 20 * ppm
            let delay = Int64.random(in: 0...max(jitter, 0), using: &random) * 1_000_000
            clock.observe(
                end: MediaTime(samples: frame * 160), arrival: MonotonicTime(nanoseconds: ideal + delay))
            guard frame % 500 == 0 else { continue }
            let told = clock.position(at: MonotonicTime(nanoseconds: ideal)).samples
            worst = max(worst, abs(told - frame * 160))
        }
        // 10 s × 100 ppm are 1 ms: 8 samples. Of 250 frames one comes with hardly any jitter.
        #expect(worst <= 8 + jitter)
    }

    @Test func beforeAnyFrameItCountsFromTheAnchor() {
        var clock = CallClock(rate: 16_000)
        #expect(clock.position(at: MonotonicTime(nanoseconds: 5)) == .zero)
        clock.anchor(at: MonotonicTime(nanoseconds: 1_000_000_000))
        #expect(clock.position(at: MonotonicTime(nanoseconds: 1_500_000_000)).samples == 8_000)
    }
}
