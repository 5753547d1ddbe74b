// The limits a call lives by, as values.

import Audio

/// Limits and choices of a call. Milliseconds throughout.
public struct CallRules: Sendable, Hashable {
    /// Longest wait for `start` on a fresh stream (Twilio and Exotel send it at once; Telnyx at answer).
    public var startMilliseconds: Int64 = 15_000
    /// The same for Telnyx, whose stream may open while the callee's phone still rings.
    public var telnyxStartMilliseconds: Int64 = 90_000
    /// Most bytes taken before `start`.
    public var bytesBeforeStart = 64 << 10
    /// Longest silence of the carrier's socket before the call ends as idle.
    public var idleMilliseconds: Int64 = 30_000
    /// Longest call.
    public var maxMilliseconds: Int64 = 4 * 3600 * 1000
    /// Attempts to open the agent's conversation.
    public var agentAttempts = 4
    /// First pause between attempts; it doubles, with jitter of half of it.
    public var agentRetryMilliseconds: Int64 = 250
    /// Longest wait for the conversation's metadata in one attempt (queueing at the agent included).
    public var agentOpenMilliseconds: Int64 = 15_000
    /// Longest wait for unplayed agent sound once the agent has ended.
    public var drainMilliseconds: Int64 = 30_000
    /// How long a call goes on after its last sound was played, for the caller's frames of that time.
    public var tailMilliseconds: Int64 = 100
    /// Most agent sound waiting in our hands; what comes beyond is dropped and counted.
    public var backlogMilliseconds: Int64 = 120_000
    /// Bad messages in a row after which a stream is given up.
    public var badMessages = 50
    /// What the agent is expected to send; nil: anything. Its metadata decides, a difference is counted.
    public var expectedAgentOutput: AudioFormat?
    /// Whether pressed keys are told to the agent as a contextual update.
    public var tellsAgentKeys = true

    /// The defaults.
    public init() {}
}
