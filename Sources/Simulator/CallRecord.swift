// The growing record of one simulated call.

import Audio
import Carriers
import Telemetry

/// What happened in a call so far; becomes its `SimulatedCallResult`.
struct CallRecord {
    private let settings: SimulatedCallSettings
    private var counts = SimulatedCounts()
    private var callerTrack: [UInt8] = []
    /// Frames of a codec with memory, in order; empty where one is missing.
    private var callerFrames: [[UInt8]] = []
    private var missing: [Range<Int64>] = []
    private var frameTimes: [MonotonicTime] = []
    private var commands: [ReceivedCommand] = []
    private var returned: [ReturnedMark] = []
    /// Keys sent.
    var keys: [CallerScript.Key] = []
    /// Microseconds from the opening to the first media message of the server.
    var firstSound: Int64?

    /// Most commands and marks kept.
    private static let most = 200_000

    init(_ settings: SimulatedCallSettings) { self.settings = settings }

    /// A frame was numbered: sent, or lost.
    mutating func sent(_ frame: [UInt8], from start: Int64, at now: Int64, fate: FrameFate) {
        if settings.keepsSound { frameTimes.append(MonotonicTime(nanoseconds: now * 1000)) }
        if fate.lost {
            counts.framesLost += 1
            return leaveOut(frame, from: start)
        }
        counts.framesSent += 1
        if fate.doubled { counts.framesDoubled += 1 }
        if fate.late { counts.framesLate += 1 }
        guard settings.keepsSound else { return }
        if settings.dialect.inbound.codec.isMemoryless {
            callerTrack.append(contentsOf: frame)
        } else {
            callerFrames.append(frame)
        }
    }

    /// A frame was left out by the carrier.
    mutating func skipped(_ frame: [UInt8], from start: Int64) {
        counts.framesSkipped += 1
        leaveOut(frame, from: start)
    }

    private mutating func leaveOut(_ frame: [UInt8], from start: Int64) {
        guard settings.keepsSound else { return }
        let format = settings.dialect.inbound
        if format.codec.isMemoryless {
            callerTrack.append(contentsOf: repeatElement(format.silenceByte, count: frame.count))
        } else {
            callerFrames.append([])
        }
        let end = start + Int64(frame.withUnsafeBytes { format.samples(in: $0) })
        if let last = missing.last, last.upperBound == start {
            missing[missing.count - 1] = last.lowerBound..<end
        } else {
            missing.append(start..<end)
        }
    }

    /// A frame left, or was left out, `microseconds` after it was due.
    mutating func lateness(_ microseconds: Int64) {
        counts.worstLateness = max(counts.worstLateness, microseconds)
    }

    /// A command of the server arrived.
    mutating func command(_ kind: ReceivedCommand.Kind, at position: Int64) {
        guard settings.keepsSound, commands.count < Self.most else { return }
        commands.append(ReceivedCommand(kind: kind, position: position))
    }

    /// The server sent what the carrier does not take.
    mutating func refused(at position: Int64) {
        counts.refusedMessages += 1
        command(.refused, at: position)
    }

    /// Marks came back.
    mutating func marks(_ marks: [ReturnedMark]) {
        guard settings.keepsSound, returned.count < Self.most else { return }
        returned.append(contentsOf: marks)
    }

    /// What the caller said and the carrier sent: frames in order, silence where one is missing.
    private var callerSamples: [Int16] {
        let format = settings.dialect.inbound
        guard !format.codec.isMemoryless else { return SoundCoding.decoded([callerTrack], format) }
        let sent = SoundCoding.decoded(callerFrames.filter { !$0.isEmpty }, format)
        let length = settings.dialect.frameSamples
        var samples: [Int16] = []
        var taken = 0
        for frame in callerFrames {
            if frame.isEmpty {
                samples.append(contentsOf: repeatElement(0, count: length))
            } else if taken + length <= sent.count {
                samples.append(contentsOf: sent[taken..<taken + length])
                taken += length
            }
        }
        return samples
    }

    /// The result, when the call is over.
    func result(of start: StreamStart, end: SimulatedEnd, code: UInt16, playout: PlayoutBuffer, at now: Int64)
        -> SimulatedCallResult
    {
        let rate = settings.dialect.inbound.rate
        let heardRate = settings.dialect.outbound.rate
        return SimulatedCallResult(
            carrier: settings.dialect.carrier, streamID: start.streamID, callID: start.callID,
            rate: rate, heardRate: heardRate, end: end, closeCode: code,
            samples: playout.clock * Int64(rate) / Int64(heardRate),
            endedAt: MonotonicTime(nanoseconds: now * 1000), frameTimes: frameTimes,
            heard: playout.heardSamples, caller: callerSamples,
            missing: missing, segments: playout.heardSegments, commands: commands, marks: returned,
            keys: keys, counts: counts, playout: playout.counts, firstSoundMicroseconds: firstSound)
    }
}
