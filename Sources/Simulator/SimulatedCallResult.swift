// What a simulated call amounted to: everything a judge needs.

import Audio
import Carriers
import Net
import Telemetry

/// Why a simulated call was over.
public enum SimulatedEnd: Sendable, Hashable {
    /// The carrier ended it as its settings say.
    case asPlanned
    /// The server closed the socket first.
    case server
    /// The connection never opened.
    case neverOpened(NetError)
    /// The connection broke.
    case broken
}

/// A command of the server and where on the call's clock it arrived.
public struct ReceivedCommand: Sendable, Hashable {
    /// What was received.
    public enum Kind: Sendable, Hashable {
        /// Sound of so many bytes.
        case media(bytes: Int)
        /// A mark.
        case mark(name: String)
        /// A clear that dropped so many samples.
        case clear(samples: Int64)
        /// Something the carrier does not take.
        case refused
    }
    /// What it was.
    public var kind: Kind
    /// Where it arrived, in samples.
    public var position: Int64
}

/// What the simulated carrier counted.
public struct SimulatedCounts: Sendable, Hashable, Codable {
    /// Media frames sent (twice sent frames count once).
    public var framesSent = 0
    /// Media frames numbered but lost.
    public var framesLost = 0
    /// Media frames left out by the carrier (DTX).
    public var framesSkipped = 0
    /// Media frames sent twice.
    public var framesDoubled = 0
    /// Media frames sent after their successor.
    public var framesLate = 0
    /// Messages of the server that the carrier does not take.
    public var refusedMessages = 0
    /// The longest time a frame left, or was left out, after it was due, in microseconds.
    public var worstLateness: Int64 = 0

    /// Nothing counted yet.
    public init() {}
}

/// The record of one simulated call.
public struct SimulatedCallResult: Sendable {
    /// The carrier.
    public var carrier: Carrier
    /// The stream's id.
    public var streamID: String
    /// The carrier's id of the call.
    public var callID: String
    /// Samples a second of every position and track here but those of what was heard.
    public var rate: Int
    /// Samples a second of what was heard: `heard`, `segments` and the marks. The same, unless Telnyx's directions
    /// differ.
    public var heardRate: Int
    /// Why it was over.
    public var end: SimulatedEnd
    /// The close code of the socket; 1006 without a close frame.
    public var closeCode: UInt16
    /// Length of the call on its clock, in samples.
    public var samples: Int64
    /// When the carrier saw that it was over.
    public var endedAt: MonotonicTime
    /// When each numbered frame left (lost ones included); empty under load.
    public var frameTimes: [MonotonicTime]
    /// What the caller heard, from position 0 (the first frame's timestamp); empty under load.
    public var heard: [Int16]
    /// What the caller said and the carrier sent, from position 0; silence where frames are missing.
    public var caller: [Int16]
    /// Where frames of the caller are missing, in samples.
    public var missing: [Range<Int64>]
    /// Which part of which media message was heard where.
    public var segments: [HeardSegment]
    /// The server's commands in order (at most 200,000).
    public var commands: [ReceivedCommand]
    /// The marks returned, in order.
    public var marks: [ReturnedMark]
    /// Keys sent and where, in samples.
    public var keys: [CallerScript.Key]
    /// What the carrier counted.
    public var counts: SimulatedCounts
    /// What its playout buffer counted.
    public var playout: PlayoutCounts
    /// Microseconds from the connection's opening to the first media message of the server, if one came.
    public var firstSoundMicroseconds: Int64?

    /// Where each `clear` arrived, in samples.
    public var clearPositions: [Int64] {
        commands.compactMap {
            if case .clear = $0.kind { return $0.position }
            return nil
        }
    }

    /// How long after `onset` (samples; where the caller began to interrupt) the first `clear` arrived, in
    /// milliseconds.
    public func clearReaction(after onset: Int64) -> Double? {
        clearPositions.first { $0 >= onset }.map { Double($0 - onset) * 1000 / Double(rate) }
    }

    /// How long after `onset` (samples) the caller first heard a sample of magnitude `level` or more, in
    /// milliseconds: the echo latency, when the other side is an echo.
    public func heardLatency(after onset: Int64, level: Int16) -> Double? {
        guard onset >= 0, onset < Int64(heard.count) else { return nil }
        return heard[Int(onset)...].firstIndex { abs(Int($0)) >= Int(level) }
            .map { Double(Int64($0) - onset) * 1000 / Double(rate) }
    }
}
