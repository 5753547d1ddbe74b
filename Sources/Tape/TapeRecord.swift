// What a tape holds: kinds of records and their meaning.

import Telemetry

/// What a record on a tape says. The numbers are the format: they never change their meaning.
public enum TapeKind: UInt8, Sendable, CaseIterable {
    /// JSON `TapeHeader`; the first record of every tape.
    case header = 0
    /// Caller sound as received; `position` is its first sample on the call's clock.
    case callerMedia = 1
    /// Agent sound as sent to the carrier. Payload: turn (Int64), then the bytes.
    case agentMedia = 2
    /// A mark sent to the carrier: its name.
    case markSent = 3
    /// A mark that came back: its name.
    case markReturned = 4
    /// `clear` sent to the carrier.
    case clear = 5
    /// A key pressed by the caller: ASCII digit, then milliseconds (UInt16).
    case dtmf = 6
    /// Final transcript of the caller: turn (Int64), UTF-8 text.
    case callerText = 7
    /// What the agent means to say: turn (Int64), UTF-8 text.
    case agentText = 8
    /// What ElevenLabs believes was heard: turn (Int64), UTF-8 text.
    case agentCorrection = 9
    /// The caller interrupted: turn (Int64).
    case interruption = 10
    /// Agent sound was received: turn (Int64), samples at the recording rate (Int64).
    case agentSound = 11
    /// Something of the call's life: `TapeNote` as ASCII, optionally a space and a detail without numbers.
    case note = 12
    /// Sound of the carrier's outbound track as received (both-tracks streams), placed like `callerMedia`.
    case outboundMedia = 13
    /// Recording is paused from here; nothing said meanwhile reaches the tape.
    case pause = 14
    /// Recording goes on.
    case resume = 15
    /// JSON `TapeClosing`; the last record of a call that ended in order.
    case closing = 16
    /// Times of characters of agent sound: turn (Int64), JSON `TapeAlignment`.
    case alignment = 17
    /// Nothing came from the carrier for a while; `position` is where. Payload: samples (Int64), `TapeGapCause`.
    case gap = 18
    /// The agent's conversation is open: its id.
    case conversation = 19
}

/// Why nothing stands on a stretch of the caller's channel. The numbers are the format.
public enum TapeGapCause: UInt8, Sendable, CaseIterable {
    /// The carrier sent nothing.
    case notSent = 0
    /// Frame numbers are missing: a loss.
    case lost = 1
    /// It came before the stream's `start`, and could not be kept.
    case beforeStart = 2

    /// A short token for rows.
    public var token: String {
        switch self {
        case .notSent: "not_sent"
        case .lost: "frames_lost"
        case .beforeStart: "before_start"
        }
    }
}

/// One record, as read back from a tape.
public struct TapeRecord: Sendable, Hashable {
    /// What it says.
    public var kind: TapeKind
    /// When it was written, on the monotonic clock of the machine that wrote it.
    public var time: MonotonicTime
    /// Samples on the call's clock, at the recording rate; 0 where a kind has no position.
    public var position: Int64
    /// The kind's own bytes.
    public var payload: ArraySlice<UInt8>
    /// Where the record starts in the tape file, in bytes.
    public var offset: Int64

    /// A record made of its parts.
    public init(
        kind: TapeKind, time: MonotonicTime, position: Int64, payload: ArraySlice<UInt8>, offset: Int64 = 0
    ) {
        self.kind = kind
        self.time = time
        self.position = position
        self.payload = payload
        self.offset = offset
    }

    /// The turn that agent records begin with, or nil when the payload is too short.
    public var turn: Int64? { integer(at: 0) }

    /// The little-endian Int64 `offset` bytes into the payload, or nil when it is too short.
    public func integer(at offset: Int) -> Int64? {
        guard payload.count >= offset + 8 else { return nil }
        return payload.withUnsafeBytes {
            Int64(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Int64.self))
        }
    }

    /// The payload after its turn.
    public var body: ArraySlice<UInt8> { payload.dropFirst(8) }

    /// The payload after its turn as text (ill-formed UTF-8 is replaced).
    public var bodyText: String { String(decoding: body, as: UTF8.self) }

    /// The whole payload as text (ill-formed UTF-8 is replaced).
    public var text: String { String(decoding: payload, as: UTF8.self) }
}
