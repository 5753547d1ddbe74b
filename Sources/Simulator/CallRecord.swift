// The growing record of one simulated call.

import Audio
import Carriers
import Telemetry

/// What happened in a call so far; becomes its `SimulatedCallResult`.
struct CallRecord {
    private let settings: SimulatedCallSettings
    private var counts = SimulatedCounts()
    private var callerTrack: [UInt8] = []
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
        if settings.keepsSound { callerTrack.append(contentsOf: frame) }
    }

    /// A frame was left out by the carrier.
    mutating func skipped(_ frame: [UInt8], from start: Int64) {
        counts.framesSkipped += 1
        leaveOut(frame, from: start)
    }

    private mutating func leaveOut(_ frame: [UInt8], from start: Int64) {
        guard settings.keepsSound else { return }
        callerTrack.append(
            contentsOf: repeatElement(settings.dialect.inbound.silenceByte, count: frame.count))
        let end = start + Int64(settings.dialect.inbound.samples(inBytes: frame.count))
        if let last = missing.last, last.upperBound == start {
            missing[missing.count - 1] = last.lowerBound..<end
        } else {
            missing.append(start..<end)
        }
    }

    /// A frame left `microseconds` after it was due.
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

    /// The result, when the call is over.
    func result(of start: StreamStart, end: SimulatedEnd, code: UInt16, playout: PlayoutBuffer, at now: Int64)
        -> SimulatedCallResult
    {
        SimulatedCallResult(
            carrier: settings.dialect.carrier, streamID: start.streamID, callID: start.callID,
            rate: settings.dialect.inbound.rate, end: end, closeCode: code, samples: playout.clock,
            endedAt: MonotonicTime(nanoseconds: now * 1000), frameTimes: frameTimes,
            heard: SoundCoding.decoded(playout.heardTrack, codec: settings.dialect.outbound.codec),
            caller: SoundCoding.decoded(callerTrack, codec: settings.dialect.inbound.codec),
            missing: missing, segments: playout.heardSegments, commands: commands, marks: returned,
            keys: keys, counts: counts, playout: playout.counts, firstSoundMicroseconds: firstSound)
    }
}
