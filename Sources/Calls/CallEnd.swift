// How a call ended: whose doing, and why.

/// Whose doing the end of a call was.
public enum CallParty: String, Sendable, Hashable, Codable, CaseIterable {
    /// The person on the telephone.
    case caller
    /// The carrier, or its stream.
    case carrier
    /// The agent, or its service.
    case agent
    /// This server: limits, drain, an operator.
    case server
}

/// Why a call ended. The raw values are a column, a metric label and a filter.
public enum CallEndReason: String, Sendable, Hashable, Codable, CaseIterable {
    /// The carrier said `stop`: the caller hung up, or the carrier's flow went on.
    case hangup
    /// The carrier closed its socket without `stop`.
    case streamClosed = "stream_closed"
    /// The carrier's connection broke.
    case streamLost = "stream_lost"
    /// The carrier sent nothing for too long.
    case idle
    /// No `start` within the limit, or too much before it.
    case noStart = "no_start"
    /// The stream had no right to be a call: its token is missing, used, late, or another call's.
    case streamRefused = "stream_refused"
    /// Too many calls at once, in all or for this number.
    case busy
    /// All texts have been spoken.
    case speechEnded = "speech_ended"
    /// Text to speech failed and nothing could be spoken.
    case speechFailed = "speech_failed"
    /// The voicemail's message ended in silence.
    case messageSilence = "message_silence"
    /// The voicemail's message reached its longest.
    case messageFull = "message_full"
    /// The caller ended the voicemail's message by a key.
    case messageKey = "message_key"
    /// The announced audio is of a kind that is not handled.
    case unsupportedFormat = "unsupported_format"
    /// The carrier's messages are not of its dialect.
    case badMessages = "bad_messages"
    /// The carrier took our sound too slowly.
    case carrierTooSlow = "carrier_too_slow"
    /// The agent ended the conversation.
    case agentEnded = "agent_ended"
    /// The agent's maximum duration was reached.
    case agentMaxDuration = "agent_max_duration"
    /// The agent's service could not be reached.
    case agentUnreachable = "agent_unreachable"
    /// The agent's service refused: key, agent id, override, policy.
    case agentRefused = "agent_refused"
    /// The agent account's quota or concurrency is used up.
    case agentQuota = "agent_quota"
    /// The agent's service failed during the call.
    case agentFailed = "agent_failed"
    /// The connection to the agent broke.
    case agentLost = "agent_lost"
    /// The agent's audio format is unknown.
    case agentFormat = "agent_format"
    /// The call reached this server's maximum duration.
    case maxDuration = "max_duration"
    /// The server is stopping and its drain limit has passed.
    case drained
    /// An operator hung up.
    case operatorHangup = "operator_hangup"
    /// The server stopped while the call ran; the tape was recovered at the next start.
    case crashed
}

/// How a call ended.
public struct CallEnd: Sendable, Hashable, Codable {
    /// Whose doing.
    public var who: CallParty
    /// Why.
    public var why: CallEndReason

    /// An end by `who` because of `why`.
    public init(_ who: CallParty, _ why: CallEndReason) {
        self.who = who
        self.why = why
    }
}
