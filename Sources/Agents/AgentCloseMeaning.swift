// What the end of a conversation's socket means.

/// Why a conversation ended, from its WebSocket close code, the close reason and the last error message.
///
/// The codes are those of ElevenLabs' published schema and of what clients report; an error message's `code` and
/// `type` say more than the close that follows it.
public enum AgentCloseMeaning: Sendable, Hashable {
    /// 1000: the agent ended the conversation, or we did.
    case ended
    /// The conversation lasted as long as it may (1000 today, 1011 in 2024).
    case maximumDuration
    /// The account's credits are used up (1002 with a text that says so).
    case quotaExceeded
    /// 1002 because something took too long, or without a word.
    case serviceTimeout
    /// 1002 because the model, the voice or the agent's configuration failed.
    case serviceFailure
    /// 1008 or 3000: what we sent is not allowed. The same again would be refused again.
    case rejected
    /// 4300: the wait queue gave up.
    case queueTimedOut
    /// 1011: the service broke.
    case internalFailure
    /// 1006: the connection broke without a close.
    case network
    /// Another close code.
    case other(code: Int)

    /// The meaning of close `code` with `reason`, after `lastError` when one came.
    public init(code: Int, reason: String, lastError: AgentError? = nil) {
        let texts = [reason, lastError?.message ?? "", lastError?.type ?? ""].map { $0.lowercased() }
        func says(_ words: String) -> Bool { texts.contains { $0.contains(words) } }
        if says("quota") {
            self = .quotaExceeded
        } else if says("max_duration") || says("maximum duration") {
            self = .maximumDuration
        } else {
            // A 1000 or a broken connection after an error is still that error's doing.
            let isVague = code == 1000 || code == 1005 || code == 1006
            self = Self.plain(isVague ? lastError?.code ?? code : code, reason: reason, error: lastError)
        }
    }

    /// Whether a new conversation may be tried as long as no sound has been heard: after a time-out, an internal
    /// failure or a lost connection, never after a refusal or for want of credits.
    public var mayRetryBeforeAudio: Bool {
        switch self {
        case .serviceTimeout, .internalFailure, .network: true
        case .ended, .maximumDuration, .quotaExceeded, .serviceFailure, .rejected, .queueTimedOut, .other:
            false
        }
    }

    private static func plain(_ code: Int, reason: String, error: AgentError?) -> AgentCloseMeaning {
        switch code {
        case 1000: return .ended
        case 1002:
            // Operational types that are no time-outs end the same way when tried again.
            if let type = error?.type { return type.contains("timeout") ? .serviceTimeout : .serviceFailure }
            if reason.lowercased().contains("timeout") { return .serviceTimeout }
            return reason.isEmpty && error?.message == nil ? .serviceTimeout : .serviceFailure
        case 1006: return .network
        case 1008, 3000: return .rejected
        case 1011: return .internalFailure
        case 4300: return .queueTimedOut
        default: return .other(code: code)
        }
    }
}
