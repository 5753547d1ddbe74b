// What a rendering of a tape yields besides the sound.

import Tape

/// Who spoke a turn.
public enum RenderedRole: String, Sendable, Hashable {
    /// The person on the telephone.
    case caller
    /// The agent.
    case agent
}

/// One turn of the transcript, on the call's clock.
public struct RenderedTurn: Sendable, Hashable {
    /// Who spoke.
    public var role: RenderedRole
    /// The caller's words, or what the agent meant to say.
    public var text: String
    /// Of the agent's text, the part that was heard by the playout truth; nil for the caller.
    public var heardText: String?
    /// What ElevenLabs believes was heard of an interrupted response.
    public var correctedText: String?
    /// First sample on the call's clock.
    public var start: Int64
    /// The sample after the last, on the call's clock.
    public var end: Int64
    /// Samples the agent made, sent and had heard; nil for the caller.
    public var generated: Int64?
    /// Samples sent to the carrier, padding included; nil for the caller.
    public var sent: Int64?
    /// Samples the caller heard; nil for the caller.
    public var heard: Int64?
    /// The agent's number of the turn.
    public var eventID: Int64?
    /// Whether less was heard than was made.
    public var isInterrupted: Bool
}

/// Something that happened, on the call's clock.
public struct RenderedEvent: Sendable, Hashable {
    /// What: `dtmf`, `clear`, `interruption`, `gap`, `mark`, or a note of the tape.
    public var kind: String
    /// Where on the call's clock.
    public var position: Int64
    /// How long, in samples (0 for an instant).
    public var length: Int64
    /// Its own detail: the digit, the cause of a gap, the name of a mark.
    public var detail: String
}

/// Everything a tape tells, derived again the same from the same tape.
public struct RenderedCall: Sendable, Hashable {
    /// The tape's header.
    public var header: TapeHeader
    /// The tape's closing; nil when the server died during the call.
    public var closing: TapeClosing?
    /// Length of the call in samples; both channels have it exactly.
    public var samples: Int64
    /// Turns in the order of their start.
    public var turns: [RenderedTurn]
    /// Events in the order of their position.
    public var events: [RenderedEvent]
    /// Stretches that are missing from the caller's channel, with their cause.
    public var missing: [(interval: Interval, cause: String)]
    /// Samples of caller sound placed; with `missing` they make up the length.
    public var callerSamples: Int64
    /// Samples of agent sound that were heard.
    public var agentSamples: Int64
    /// The agent's conversation, when one was open.
    public var conversationID: String?
    /// Bytes of the tape that are whole records.
    public var tapeBytes: Int64
    /// Bytes at the tape's end that are no whole record: a torn tail.
    public var tornBytes: Int64

    /// Equal by what is derived.
    public static func == (left: RenderedCall, right: RenderedCall) -> Bool {
        left.header == right.header && left.closing == right.closing && left.samples == right.samples
            && left.turns == right.turns && left.events == right.events
            && left.missing.map(\.interval) == right.missing.map(\.interval)
            && left.callerSamples == right.callerSamples && left.agentSamples == right.agentSamples
    }

    /// Hashes the length and the header.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(header)
        hasher.combine(samples)
    }
}
