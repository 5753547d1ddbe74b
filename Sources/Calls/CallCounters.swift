// What is counted in a call.

import Timeline

/// Counts of one call, for its closing record, its row and the metrics.
public struct CallCounters: Sendable, Hashable {
    /// Bytes of caller sound received.
    public var bytesIn: Int64 = 0
    /// Bytes of agent sound sent.
    public var bytesOut: Int64 = 0
    /// Media messages sent to the carrier.
    public var framesSent: Int64 = 0
    /// Frames of the caller that came before `start` and were not kept.
    public var framesBeforeStart: Int64 = 0
    /// Of these, those whose numbers are missing at the beginning: they were not lost.
    public var framesNumberedBeforeStart: Int64 = 0
    /// Messages of the carrier that were not understood.
    public var badCarrierMessages: Int64 = 0
    /// Payloads of the carrier that are no packet of their codec; each is silence of 20 ms.
    public var badPayloads: Int64 = 0
    /// Events of the carrier unknown to us.
    public var unknownCarrierEvents: Int64 = 0
    /// Complaints of the carrier (`error` events).
    public var carrierErrors: Int64 = 0
    /// Messages of the agent that were not understood.
    public var badAgentMessages: Int64 = 0
    /// Events of the agent unknown to us.
    public var unknownAgentEvents: Int64 = 0
    /// Interruptions obeyed.
    public var interruptions: Int64 = 0
    /// Bytes of stale agent sound dropped after an interruption.
    public var staleBytes: Int64 = 0
    /// Bytes of agent sound dropped because too much was waiting.
    public var overflowBytes: Int64 = 0
    /// Samples of silence sent to the agent in place of missing frames.
    public var silenceSamples: Int64 = 0
    /// Pings of the agent answered.
    public var pings: Int64 = 0
    /// Attempts to open the agent's conversation.
    public var agentAttempts: Int64 = 0
    /// 1 when the agent's sound is of another format than expected.
    public var formatSurprises: Int64 = 0
    /// Milliseconds from `start` to the conversation's metadata; -1 when it never came.
    public var setupMilliseconds: Int64 = -1
    /// Milliseconds from `start` to the first agent sound sent; -1 when none was.
    public var firstAudioMilliseconds: Int64 = -1

    /// All zero.
    public init() {}

    /// The counts by name, with those of the arrival window.
    public func named(with arrivals: ArrivalCounts) -> [String: Int64] {
        [
            "bytes_in": bytesIn, "bytes_out": bytesOut, "frames_sent": framesSent,
            "bad_carrier_messages": badCarrierMessages, "bad_payloads": badPayloads,
            "unknown_carrier_events": unknownCarrierEvents, "carrier_errors": carrierErrors,
            "bad_agent_messages": badAgentMessages, "unknown_agent_events": unknownAgentEvents,
            "interruptions": interruptions, "stale_bytes": staleBytes, "overflow_bytes": overflowBytes,
            "format_surprises": formatSurprises, "silence_samples": silenceSamples, "pings": pings,
            "agent_attempts": agentAttempts,
            "setup_ms": setupMilliseconds, "first_audio_ms": firstAudioMilliseconds,
            "frames_received": arrivals.received, "frames_late": arrivals.late,
            "frames_duplicate": arrivals.duplicate,
            "frames_lost": max(0, arrivals.lost - framesNumberedBeforeStart),
            "frames_before_start": framesBeforeStart,
            "timestamps_implausible": arrivals.implausible,
        ]
    }
}
