// A call as the catalog keeps it.

/// Whose doing a call's end was.
public enum EndParty: String, Sendable, Hashable, CaseIterable {
    /// The carrier ended the stream.
    case carrier
    /// The caller hung up.
    case caller
    /// The agent ended the conversation.
    case agent
    /// This server ended it (drain, limit, error of its own).
    case server
    /// A connection broke.
    case network
}

/// How a call ended.
public struct CallEnding: Sendable, Hashable {
    /// When (microseconds UTC).
    public var endedAt: Int64
    /// How long it was on its own clock, in samples of the call's rate.
    public var durationSamples: Int64
    /// Whose doing.
    public var who: EndParty
    /// Why: a short token ("hangup", "stream_stopped", "agent_timeout"), at most 64 characters, nothing personal.
    public var why: String
    /// The agent's conversation, when it became known during the call.
    public var conversationID: String?

    /// An ending made of its parts.
    public init(
        endedAt: Int64, durationSamples: Int64, who: EndParty, why: String, conversationID: String? = nil
    ) {
        self.endedAt = endedAt
        self.durationSamples = durationSamples
        self.who = who
        self.why = why
        self.conversationID = conversationID
    }
}

/// One call: who, when, by what way.
public struct CallRow: Sendable, Hashable {
    /// Our own identifier (`CallID`).
    public var id: String
    /// The carrier's name ("twilio", "telnyx", "exotel"); "unknown" for a stream that ended before it said whose it was.
    public var carrier: String
    /// The carrier's identifier of the call.
    public var carrierCallID: String
    /// The carrier's identifier of the media stream.
    public var streamID: String?
    /// The account at the carrier.
    public var accountID: String?
    /// The calling number, as the carrier gave it. Personal: never in a log.
    public var caller: String?
    /// The called number, as the carrier gave it. Personal: never in a log.
    public var called: String?
    /// The agent that answered.
    public var agentID: String?
    /// The agent's conversation.
    public var conversationID: String?
    /// Start (microseconds UTC).
    public var startedAt: Int64
    /// End (microseconds UTC), nil while it runs.
    public var endedAt: Int64?
    /// Length on the call's own clock, in samples of `rate`.
    public var durationSamples: Int64
    /// Samples per second of the call's clock.
    public var rate: Int
    /// Whose doing the end was.
    public var endWho: EndParty?
    /// Why it ended, a short token.
    public var endWhy: String?
    /// The carrier's custom parameters as one JSON object.
    public var parameters: String

    /// A call that begins.
    public init(
        id: String, carrier: String, carrierCallID: String, streamID: String? = nil, accountID: String? = nil,
        caller: String? = nil, called: String? = nil, agentID: String? = nil, conversationID: String? = nil,
        startedAt: Int64, endedAt: Int64? = nil, durationSamples: Int64 = 0, rate: Int = 8000,
        endWho: EndParty? = nil, endWhy: String? = nil, parameters: String = "{}"
    ) {
        self.id = id
        self.carrier = carrier
        self.carrierCallID = carrierCallID
        self.streamID = streamID
        self.accountID = accountID
        self.caller = caller
        self.called = called
        self.agentID = agentID
        self.conversationID = conversationID
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.durationSamples = durationSamples
        self.rate = rate
        self.endWho = endWho
        self.endWhy = endWhy
        self.parameters = parameters
    }
}

/// Says nothing of the numbers in it, wherever it is printed.
extension CallRow: CustomStringConvertible, CustomDebugStringConvertible {
    /// The call's own identifier and carrier.
    public var description: String { "call \(id) (\(carrier))" }
    /// The same as `description`: a dump must not tell more.
    public var debugDescription: String { description }
}
