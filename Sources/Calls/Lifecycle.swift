// The states of a call and their time limits.

import Agents
import Carriers
import Telemetry

/// Where a call stands.
public enum CallPhase: String, Sendable, Hashable {
    /// The stream is open; `start` has not come.
    case awaitingStart = "awaiting_start"
    /// The agent's conversation is being opened.
    case connecting
    /// An attempt failed; the next one is due later.
    case retrying
    /// Both sides talk.
    case live
    /// The stream is a one-way fork: it is recorded without an agent.
    case recordingOnly = "recording_only"
    /// The agent has ended; the rest of its sound is played.
    case draining
    /// It is over.
    case ended
}

/// What a limit that has passed asks for.
enum LifecycleDue: Equatable {
    case nothing
    case openAgent
    case failAttempt
    case end(CallEnd)
}

/// The machine of phases, limits and attempts.
struct Lifecycle {
    private(set) var phase: CallPhase = .awaitingStart
    /// What the call ends with once it has drained.
    private(set) var pendingEnd: CallEnd?
    private(set) var startedAt: MonotonicTime?
    private(set) var attempts = 0
    private let rules: CallRules
    /// When the stream was opened.
    let openedAt: MonotonicTime
    private var lastHeard: MonotonicTime
    private var deadline: MonotonicTime
    /// State of the generator that spreads retries (xorshift64; Marsaglia 2003).
    private var random: UInt64

    /// A stream that one of `carriers` opens at `now`.
    init(rules: CallRules, carriers: Set<Carrier>, at now: MonotonicTime, seed: UInt64) {
        self.rules = rules
        openedAt = now
        lastHeard = now
        deadline = now
        random = seed | 1
        expect(carriers)
    }

    /// The start is waited for as long as the most patient of `carriers` needs, counted from the opening.
    mutating func expect(_ carriers: Set<Carrier>) {
        guard phase == .awaitingStart else { return }
        let waits = carriers.map {
            $0 == .telnyx ? rules.telnyxStartMilliseconds : rules.startMilliseconds
        }
        deadline = openedAt.adding(milliseconds: waits.max() ?? rules.startMilliseconds)
    }

    /// The carrier said something.
    mutating func heard(at now: MonotonicTime) { lastHeard = now }

    /// `start` came; the call goes on in `phase` (connecting, live or recordingOnly).
    mutating func start(_ phase: CallPhase, at now: MonotonicTime) {
        startedAt = now
        self.phase = phase
        if phase == .connecting { beginAttempt(at: now) }
    }

    /// An attempt begins.
    mutating func beginAttempt(at now: MonotonicTime) {
        attempts += 1
        phase = .connecting
        deadline = now.adding(milliseconds: rules.agentOpenMilliseconds)
    }

    /// The conversation is open.
    mutating func agentIsLive() { phase = .live }

    /// An attempt failed in a way that another may mend. Returns whether another is due.
    mutating func retry(at now: MonotonicTime) -> Bool {
        guard attempts < rules.agentAttempts else { return false }
        let pause = rules.agentRetryMilliseconds << Int64(min(attempts - 1, 6))
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        let jitter = Int64(random % UInt64(max(pause / 2, 1)))
        phase = .retrying
        deadline = now.adding(milliseconds: pause / 2 + pause / 4 + jitter)
        return true
    }

    /// The agent is done: the call ends with `end` when its sound has been played.
    mutating func drain(then end: CallEnd, at now: MonotonicTime) {
        guard phase != .ended, phase != .draining else { return }
        phase = .draining
        pendingEnd = end
        deadline = now.adding(milliseconds: rules.drainMilliseconds)
    }

    mutating func end() { phase = .ended }

    /// What is due at `now`.
    func due(at now: MonotonicTime, isDrained: Bool) -> LifecycleDue {
        if phase != .ended, let startedAt {
            if now.milliseconds(since: startedAt) >= rules.maxMilliseconds {
                return .end(CallEnd(.server, .maxDuration))
            }
            if now.milliseconds(since: lastHeard) >= rules.idleMilliseconds {
                return .end(CallEnd(.carrier, .idle))
            }
        }
        switch phase {
        case .awaitingStart: return now >= deadline ? .end(CallEnd(.carrier, .noStart)) : .nothing
        case .connecting: return now >= deadline ? .failAttempt : .nothing
        case .retrying: return now >= deadline ? .openAgent : .nothing
        case .draining:
            guard isDrained || now >= deadline else { return .nothing }
            return .end(pendingEnd ?? CallEnd(.agent, .agentEnded))
        case .live, .recordingOnly, .ended: return .nothing
        }
    }
}
