// The JSON documents at the two ends of a tape.

import Audio

/// The first record of a tape: what must be known to read the rest.
public struct TapeHeader: Sendable, Hashable, Codable {
    /// Version of the tape format.
    public var version: Int
    /// Our id of the call.
    public var callID: String
    /// The carrier's name ("twilio").
    public var carrier: String
    /// The carrier's id of the call.
    public var carrierCallID: String
    /// The carrier's id of the stream.
    public var streamID: String
    /// Sound as received.
    public var inbound: AudioFormat
    /// Sound as sent.
    public var outbound: AudioFormat
    /// The call's clock, hertz: positions count samples at this rate.
    public var rate: Int
    /// Start of the call, microseconds since 1970 (UTC).
    public var startedAt: Int64
    /// Whether the carrier streams what it plays, too (then the agent's channel is taken from there).
    public var hasOutboundTrack: Bool
    /// Whether the carrier returns the pending marks on `clear`.
    public var clearReturnsMarks: Bool
    /// What spoke to the caller ("agent", "speech", "voicemail"); nil on tapes of before there was a choice: the agent.
    public var mode: String?
    /// The account at the carrier; nil on older tapes, as all that follows.
    public var accountID: String?
    /// The calling number, as the carrier gave it. Personal: the tape is as private as the catalog.
    public var caller: String?
    /// The called number, as the carrier gave it. Personal.
    public var called: String?
    /// The agent that was to answer.
    public var agentID: String?
    /// The carrier's custom parameters.
    public var parameters: [String: String]?

    /// The version written today.
    public static let currentVersion = 1

    /// A header made of its parts.
    public init(
        callID: String, carrier: String, carrierCallID: String, streamID: String, inbound: AudioFormat,
        outbound: AudioFormat, rate: Int, startedAt: Int64, hasOutboundTrack: Bool, clearReturnsMarks: Bool
    ) {
        version = Self.currentVersion
        self.callID = callID
        self.carrier = carrier
        self.carrierCallID = carrierCallID
        self.streamID = streamID
        self.inbound = inbound
        self.outbound = outbound
        self.rate = rate
        self.startedAt = startedAt
        self.hasOutboundTrack = hasOutboundTrack
        self.clearReturnsMarks = clearReturnsMarks
    }
}

/// Says nothing of the numbers in it, wherever it is printed.
extension TapeHeader: CustomStringConvertible, CustomDebugStringConvertible {
    /// The call's own identifier and carrier.
    public var description: String { "tape of call \(callID) (\(carrier))" }
    /// The same as `description`: a dump must not tell more.
    public var debugDescription: String { description }
}

/// The last record of a tape whose call ended in order.
public struct TapeClosing: Sendable, Hashable, Codable {
    /// Whose doing the end was ("caller").
    public var who: String
    /// Why, as a token ("hangup").
    public var why: String
    /// Whether the end of the carrier's stream was seen (stop or close), so that its instant ends the clock.
    public var sawEnd: Bool
    /// Counts of the call by name ("frames_received").
    public var counts: [String: Int64]

    /// A closing made of its parts.
    public init(who: String, why: String, sawEnd: Bool, counts: [String: Int64]) {
        self.who = who
        self.why = why
        self.sawEnd = sawEnd
        self.counts = counts
    }
}

/// Times of the characters of the agent's next sound, as the agent told them.
public struct TapeAlignment: Sendable, Hashable, Codable {
    /// The characters.
    public var characters: [String]
    /// Their starts, milliseconds from the piece's start.
    public var starts: [Int]

    /// An alignment made of its parts.
    public init(characters: [String], starts: [Int]) {
        self.characters = characters
        self.starts = starts
    }
}
