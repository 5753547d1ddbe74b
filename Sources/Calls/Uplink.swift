// The caller's way to the agent: ordered, placed, transcoded, never silent for long.

import Agents
import Audio
import Carriers
import Tape
import Telemetry
import Timeline

/// The machine of the caller's sound.
struct Uplink {
    /// Orders and places the caller's frames.
    private(set) var window: ArrivalWindow
    /// The call's clock, learned from the frames in time.
    private(set) var clock: CallClock
    private let format: AudioFormat
    private let kind: TapeKind
    private var transcoder: TranscoderCell?
    private var agentFormat: AudioFormat?
    /// When sound, or silence in its place, was last sent to the agent.
    private var lastSent: MonotonicTime?
    /// Samples of silence sent since the last frame.
    private var silenceSince: Int64 = 0
    /// What goes to the agent next. Reused.
    private(set) var sound: [UInt8] = []

    /// Longest pause of the carrier that is left unfilled, in milliseconds: a frame and a half and more.
    private let silenceAfter: Int64
    /// Most silence put in place of one gap, in milliseconds.
    static let longestFill: Int64 = 1_000

    /// A track in `format` of a stream that was opened at `opened`.
    init(format: AudioFormat, traits: ArrivalTraits, kind: TapeKind = .callerMedia, opened: MonotonicTime) {
        self.format = format
        self.kind = kind
        window = ArrivalWindow(rate: format.rate, traits: traits, opened: opened)
        clock = CallClock(rate: format.rate)
        silenceAfter = traits.patienceMilliseconds + 40
    }

    /// The agent listens from now on, in `format`.
    mutating func open(_ format: AudioFormat, at now: MonotonicTime) throws(AudioError) {
        transcoder = try TranscoderCell(from: self.format, to: format)
        agentFormat = format
        lastSent = now
        silenceSince = 0
    }

    /// The agent listens no more.
    mutating func close() {
        transcoder = nil
        agentFormat = nil
    }

    /// Takes a frame that is next in order, without a detour: returns whether it was. What goes to the agent
    /// stands in `sound`, empty when nothing does.
    mutating func receiveNext(
        _ payload: UnsafeRawBufferPointer, stamp: MediaStamp, at now: MonotonicTime, tape: inout TapeBatch,
        counters: inout CallCounters
    ) -> Bool {
        guard
            let frame = window.next(
                number: stamp.chunk ?? stamp.sequence, timestamp: stamp.timestamp,
                samples: format.samples(in: payload), at: now)
        else { return false }
        sound.removeAll(keepingCapacity: true)
        record(frame, payload, &tape, &counters)
        guard let transcoder else { return true }
        fill(frame, &counters)
        lastSent = now
        transcoder.transcode(payload, into: &sound)
        return true
    }

    /// Whether `tick` has something to do.
    func isDue(at now: MonotonicTime) -> Bool {
        if window.heldFrames > 0 { return true }
        guard let lastSent, agentFormat != nil else { return false }
        return now.milliseconds(since: lastSent) >= silenceAfter
    }

    /// Takes a frame as received.
    mutating func receive(
        _ payload: UnsafeRawBufferPointer, stamp: MediaStamp, at now: MonotonicTime, tape: inout TapeBatch,
        counters: inout CallCounters, toAgent: ([UInt8]) -> Void
    ) {
        var window = self.window
        window.arrive(
            number: stamp.chunk ?? stamp.sequence, timestamp: stamp.timestamp,
            samples: format.samples(in: payload), payload: payload, at: now
        ) { frame, bytes in
            take(frame, bytes, at: now, &tape, &counters, toAgent)
        }
        self.window = window
    }

    /// Time passes: gives up missing frames, and speaks silence in their place.
    mutating func tick(
        at now: MonotonicTime, tape: inout TapeBatch, counters: inout CallCounters, toAgent: ([UInt8]) -> Void
    ) {
        if window.heldFrames > 0 {
            var window = self.window
            window.tick(at: now) { frame, bytes in take(frame, bytes, at: now, &tape, &counters, toAgent) }
            self.window = window
        }
        guard let lastSent, agentFormat != nil else { return }
        let pause = now.milliseconds(since: lastSent)
        guard pause >= silenceAfter else { return }
        let frames = min(pause / 20, 50)
        speakSilence(samples: frames * Int64(format.rate) / 50, &counters, toAgent)
        self.lastSent = pause > 1_000 ? now : lastSent.adding(milliseconds: frames * 20)
    }

    /// The stream has ended: places what is still held.
    mutating func finish(
        at now: MonotonicTime, tape: inout TapeBatch, counters: inout CallCounters, toAgent: ([UInt8]) -> Void
    ) {
        var window = self.window
        window.finish { frame, bytes in take(frame, bytes, at: now, &tape, &counters, toAgent) }
        self.window = window
    }

    private mutating func take(
        _ frame: PlacedFrame, _ bytes: UnsafeRawBufferPointer, at now: MonotonicTime, _ tape: inout TapeBatch,
        _ counters: inout CallCounters, _ toAgent: ([UInt8]) -> Void
    ) {
        sound.removeAll(keepingCapacity: true)
        record(frame, bytes, &tape, &counters)
        guard !frame.isLate, let transcoder else { return }
        fill(frame, &counters)
        lastSent = now
        transcoder.transcode(bytes, into: &sound)
        if !sound.isEmpty { toAgent(sound) }
    }

    /// Puts a frame on the tape and learns the clock from it.
    private mutating func record(
        _ frame: PlacedFrame, _ bytes: UnsafeRawBufferPointer, _ tape: inout TapeBatch,
        _ counters: inout CallCounters
    ) {
        counters.bytesIn &+= Int64(bytes.count)
        if format.codec.isPacketed, format.measure(bytes).isMalformed { counters.badPayloads &+= 1 }
        if frame.gapBefore > 0 {
            let start = frame.position.samples - frame.gapBefore
            // A carrier that counts from the first frame tells that what is missing came before its `start`.
            let isFirst = kind == .callerMedia && start == 0 && frame.gapIsLoss
            let early = isFirst ? min(counters.framesBeforeStart * Int64(frame.samples), frame.gapBefore) : 0
            counters.framesNumberedBeforeStart += early / Int64(max(frame.samples, 1))
            tape.appendGap(start, early, .beforeStart, at: frame.arrival)
            tape.appendGap(
                start + early, frame.gapBefore - early, frame.gapIsLoss ? .lost : .notSent, at: frame.arrival)
        }
        tape.append(kind, at: frame.arrival, position: frame.position.samples, payload: bytes)
        guard !frame.isLate else { return }
        clock.observe(end: frame.position.advanced(by: Int64(frame.samples)), arrival: frame.arrival)
    }

    /// Appends to `sound` what stands for the hole before `frame` and was not spoken while waiting.
    private mutating func fill(_ frame: PlacedFrame, _ counters: inout CallCounters) {
        let missing = frame.gapBefore - silenceSince
        silenceSince = 0
        guard missing > 0 else { return }
        silence(samples: min(missing, Self.longestFill * Int64(format.rate) / 1000), &counters)
    }

    /// Appends silence to `sound`.
    private mutating func silence(samples: Int64, _ counters: inout CallCounters) {
        guard samples > 0, let transcoder else { return }
        counters.silenceSamples &+= samples
        transcoder.silence(Int(samples), into: &sound)
    }

    private mutating func speakSilence(
        samples: Int64, _ counters: inout CallCounters, _ toAgent: ([UInt8]) -> Void
    ) {
        sound.removeAll(keepingCapacity: true)
        silence(samples: samples, &counters)
        silenceSince += samples
        if !sound.isEmpty { toAgent(sound) }
    }
}

extension TapeBatch {
    /// Names a hole of `length` samples at `position`; none when it is empty.
    fileprivate mutating func appendGap(
        _ position: Int64, _ length: Int64, _ cause: TapeGapCause, at now: MonotonicTime
    ) {
        guard length > 0 else { return }
        let payload = withUnsafeBytes(of: length.littleEndian) { Array($0) } + [cause.rawValue]
        append(.gap, at: now, position: position, payload: payload)
    }
}
