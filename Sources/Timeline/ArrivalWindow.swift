// Orders a track's frames, waits a little for missing ones, and places each on the call's clock.

import Telemetry

/// The jitter window of one track. Pure: instants come from outside, frames leave by a closure.
public struct ArrivalWindow: Sendable {
    private struct Held: Sendable {
        var key: Int64
        var timestamp: Int64?
        var samples: Int
        var arrival: MonotonicTime
        var payload: [UInt8]

        init(
            _ key: Int64, _ timestamp: Int64?, _ samples: Int, _ payload: UnsafeRawBufferPointer,
            _ arrival: MonotonicTime
        ) {
            (self.key, self.timestamp, self.samples, self.arrival) = (key, timestamp, samples, arrival)
            self.payload = Array(payload)
        }
    }

    /// Counts so far.
    public private(set) var counts = ArrivalCounts()
    private let traits: ArrivalTraits
    private let rate: Int
    /// The frame number expected next; nil until the first numbered frame was placed.
    private var nextKey: Int64?
    /// Bit n: the frame numbered `nextKey - 1 - n` was placed.
    private var recent: UInt64 = 0
    private var held: [Held] = []
    /// Where the next frame goes if nothing is missing.
    private var head: Int64 = 0
    /// Timestamp (milliseconds) that stands for position `base`.
    private var base: (timestamp: Int64, position: Int64)?
    /// No sound of the track was spoken before this instant.
    private var origin: MonotonicTime
    private var latestArrival = MonotonicTime(nanoseconds: 0)
    private var frameSamples = 0
    /// Frames in a row with long-past numbers: late beyond use, or the first of a new count.
    private var strays: [Held] = []

    /// Most frames held back at once; beyond it the oldest gap is given up at once.
    static let mostHeld = 32
    /// Most frame numbers that can be missing at once; a wider jump is a damaged number.
    static let widestJump: Int64 = 3_000
    /// Numbers that can be counted to: 2^48 frames of 20 ms are 178,000 years.
    static let plausibleNumbers: Range<Int64> = -1..<1 << 48
    /// Frames in a row with long-past numbers after which the carrier is taken to have restarted counting.
    static let straysThatRestart = 3
    /// How far a place may run ahead of the time that has passed since the origin, in milliseconds.
    static let plausibleLeadMilliseconds: Int64 = 2_000
    /// How long the first frame may have waited to be read, in milliseconds. A stream may be open for long before its
    /// sound begins (Telnyx opens it before the callee answers), so that its age says less and less.
    static let longestStandstillMilliseconds: Int64 = 10_000

    /// A window for a track of `rate` hertz, of a stream that was opened at `opened`: what is read in a heap after a
    /// standstill may have been spoken since then.
    public init(rate: Int, traits: ArrivalTraits, opened: MonotonicTime) {
        self.rate = max(rate, 1)
        origin = opened
        self.traits = traits
    }

    /// The end of the last frame placed.
    public var end: MediaTime { MediaTime(samples: head) }
    /// Frames that wait for a missing one.
    public var heldFrames: Int { held.count }

    /// Takes a frame of `samples` samples; `number` is its chunk (or another rising number), `timestamp`
    /// milliseconds. Calls `deliver` for each frame that can be placed now, in order.
    public mutating func arrive(
        number: Int64?, timestamp: Int64?, samples: Int, payload: UnsafeRawBufferPointer,
        at now: MonotonicTime,
        deliver: (PlacedFrame, UnsafeRawBufferPointer) -> Void
    ) {
        guard samples > 0 else { return }
        counts.received += 1
        latestArrival = now
        if frameSamples == 0 {
            frameSamples = samples
            origin = max(origin, now.adding(milliseconds: -Self.longestStandstillMilliseconds))
        }
        guard let number else {
            place(skipped: 0, timestamp: timestamp, samples: samples, payload: payload, arrival: now, deliver)
            return
        }
        // Twilio counts from 1; who counts from 0 loses nothing by it.
        let next = nextKey ?? min(number, 1)
        // Beyond any count of frames a number is damaged, and arithmetic on it would overflow.
        if !Self.plausibleNumbers.contains(number) || number - next > Self.widestJump {
            // No carrier skips minutes of numbers: the number is damaged, the sound is not.
            counts.implausible += 1
            place(skipped: 0, timestamp: timestamp, samples: samples, payload: payload, arrival: now, deliver)
        } else if number == next {
            strays.removeAll(keepingCapacity: true)
            placeNumbered(number, timestamp, samples, payload, now, deliver)
            releaseReady(deliver)
        } else if number > next {
            if held.contains(where: { $0.key == number }) {
                counts.duplicate += 1
                return
            }
            let index = held.firstIndex { $0.key > number } ?? held.count
            held.insert(Held(number, timestamp, samples, payload, now), at: index)
            if held.count > Self.mostHeld { giveUp(deliver) }
        } else {
            late(number: number, timestamp: timestamp, samples: samples, payload: payload, now, deliver)
        }
    }

    /// Places a frame that is the next in order with nothing held back, the way of almost all frames; returns
    /// nil without taking it when it is not. Then it goes to `arrive`.
    public mutating func next(
        number: Int64?, timestamp: Int64?, samples: Int, at now: MonotonicTime
    ) -> PlacedFrame? {
        guard samples > 0, held.isEmpty, let number, number == nextKey else { return nil }
        counts.received += 1
        latestArrival = now
        if !strays.isEmpty { strays.removeAll(keepingCapacity: true) }
        recent = recent << 1 | 1
        nextKey = number &+ 1
        return placed(skipped: 0, timestamp: timestamp, samples: samples, arrival: now)
    }

    /// Gives up what has been waited for long enough.
    public mutating func tick(
        at now: MonotonicTime, deliver: (PlacedFrame, UnsafeRawBufferPointer) -> Void
    ) {
        while let oldest = held.min(by: { $0.arrival < $1.arrival }),
            now.milliseconds(since: oldest.arrival) >= traits.patienceMilliseconds
        {
            giveUp(deliver)
        }
    }

    /// Places everything that is held: the stream has ended.
    public mutating func finish(deliver: (PlacedFrame, UnsafeRawBufferPointer) -> Void) {
        while !held.isEmpty { giveUp(deliver) }
    }

    // MARK: Ordering

    private mutating func giveUp(_ deliver: (PlacedFrame, UnsafeRawBufferPointer) -> Void) {
        guard !held.isEmpty else { return }
        let frame = held.removeFirst()
        frame.payload.withUnsafeBytes {
            placeNumbered(frame.key, frame.timestamp, frame.samples, $0, frame.arrival, deliver)
        }
        releaseReady(deliver)
    }

    private mutating func releaseReady(_ deliver: (PlacedFrame, UnsafeRawBufferPointer) -> Void) {
        while let frame = held.first, let next = nextKey, frame.key <= next {
            held.removeFirst()
            frame.payload.withUnsafeBytes {
                placeNumbered(frame.key, frame.timestamp, frame.samples, $0, frame.arrival, deliver)
            }
        }
    }

    private mutating func placeNumbered(
        _ number: Int64, _ timestamp: Int64?, _ samples: Int, _ payload: UnsafeRawBufferPointer,
        _ arrival: MonotonicTime, _ deliver: (PlacedFrame, UnsafeRawBufferPointer) -> Void
    ) {
        let isFirst = nextKey == nil
        let skipped = max(0, number - (nextKey ?? 1))
        // Before the first frame only a carrier that is known to count from 1 can have lost something.
        let missing = isFirst && !(traits.countsFromOne && skipped <= 250) ? 0 : skipped
        recent = skipped >= 63 ? 1 : (recent << (UInt64(skipped) + 1)) | 1
        nextKey = number &+ 1
        place(
            skipped: missing, timestamp: timestamp, samples: samples, payload: payload, arrival: arrival,
            deliver)
    }

    private mutating func late(
        number: Int64, timestamp: Int64?, samples: Int, payload: UnsafeRawBufferPointer, _ now: MonotonicTime,
        _ deliver: (PlacedFrame, UnsafeRawBufferPointer) -> Void
    ) {
        let age = (nextKey ?? 1) - 1 - number
        if age < 64, recent & (1 << UInt64(age)) != 0 {
            counts.duplicate += 1
            return
        }
        counts.late += 1
        guard age < 64 else {
            strays.append(Held(number, timestamp, samples, payload, now))
            if strays.count >= Self.straysThatRestart { beginAnew(deliver) }
            return
        }
        recent |= 1 << UInt64(age)
        guard let timestamp, let position = position(of: timestamp), position >= 0, position < head else {
            return
        }
        deliver(
            PlacedFrame(
                position: MediaTime(samples: position), samples: samples, gapBefore: 0, gapIsLoss: false,
                isLate: true, arrival: now), payload)
    }

    /// The carrier has begun to count anew: follows it, from the first frame of the new count on.
    private mutating func beginAnew(_ deliver: (PlacedFrame, UnsafeRawBufferPointer) -> Void) {
        let frames = strays.sorted { $0.key < $1.key }
        strays.removeAll(keepingCapacity: true)
        counts.late -= Int64(frames.count)
        nextKey = frames.first?.key
        recent = 0
        for frame in frames where frame.key >= nextKey ?? 0 {
            frame.payload.withUnsafeBytes {
                placeNumbered(frame.key, frame.timestamp, frame.samples, $0, frame.arrival, deliver)
            }
        }
    }

    // MARK: Placing

    private mutating func place(
        skipped: Int64, timestamp: Int64?, samples: Int, payload: UnsafeRawBufferPointer,
        arrival: MonotonicTime,
        _ deliver: (PlacedFrame, UnsafeRawBufferPointer) -> Void
    ) {
        deliver(placed(skipped: skipped, timestamp: timestamp, samples: samples, arrival: arrival), payload)
    }

    private mutating func placed(
        skipped: Int64, timestamp: Int64?, samples: Int, arrival: MonotonicTime
    ) -> PlacedFrame {
        var position = head
        // Half a frame either way is rounding of the carrier's milliseconds, not a gap.
        let tolerance = Int64(max(samples, frameSamples) / 2)
        if let timestamp, let told = self.position(of: timestamp) {
            if told > head + tolerance {
                if isPlausible(told + Int64(samples), at: arrival) {
                    position = told
                } else {
                    counts.implausible += 1
                    position = bySkipped(skipped, at: arrival, samples: samples)
                    base = (timestamp, position)
                }
            } else if told < head - tolerance {
                // The carrier's clock went back: go on from here and count from the new origin.
                counts.implausible += 1
                position = bySkipped(skipped, at: arrival, samples: samples)
                base = (timestamp, position)
            }
        } else {
            position = bySkipped(skipped, at: arrival, samples: samples)
            if let timestamp { base = (timestamp, position) }
        }
        counts.lost += position > head ? skipped : 0
        let gap = position - head
        head = position + Int64(samples)
        return PlacedFrame(
            position: MediaTime(samples: position), samples: samples, gapBefore: gap, gapIsLoss: skipped > 0,
            isLate: false, arrival: arrival)
    }

    private func bySkipped(_ skipped: Int64, at arrival: MonotonicTime, samples: Int) -> Int64 {
        let (gap, overflow) = skipped.multipliedReportingOverflow(by: Int64(frameSamples))
        guard !overflow, gap >= 0, gap < Int64.max / 4 else { return head }
        let position = head + gap
        return isPlausible(position + Int64(samples), at: arrival) || base == nil && skipped <= 250
            ? position : head
    }

    /// The position a timestamp tells, or nil before the first one or when it is absurd.
    private func position(of timestamp: Int64) -> Int64? {
        guard let base else { return nil }
        let (difference, overflow) = timestamp.subtractingReportingOverflow(base.timestamp)
        guard !overflow, abs(difference / 1000) < 1 << 32 else { return Int64.max / 4 }
        return base.position + difference * Int64(rate) / 1000
    }

    /// A carrier's clock cannot run ahead of the time that has passed.
    private func isPlausible(_ end: Int64, at arrival: MonotonicTime) -> Bool {
        let passed = max(latestArrival, arrival).milliseconds(since: origin) + Self.plausibleLeadMilliseconds
        return end <= passed * Int64(rate) / 1000
    }
}
