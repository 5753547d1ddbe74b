// A call: events in, actions out. Four machines (lifecycle, uplink, playout, tape) and the rules between.

import Agents
import Audio
import Carriers
import Routing
import Tape
import Telemetry
import Timeline

/// What a call is made with.
public struct CallIdentity: Sendable, Hashable {
    /// Our id of the call.
    public var callID: String
    /// Start of the call, microseconds since 1970 (UTC).
    public var startedAt: Int64
    /// Seed of the retry jitter.
    public var seed: UInt64

    /// An identity made of its parts.
    public init(callID: String, startedAt: Int64, seed: UInt64) {
        self.callID = callID
        self.startedAt = startedAt
        self.seed = seed
    }
}

/// The rules of one call. Pure: every instant comes from outside, everything wanted leaves by `CallActions`.
public struct CallMachine {
    /// Who it is. The call's id may be given by its plan, at its start.
    public internal(set) var identity: CallIdentity
    /// What it is to be; the configured agent until its start says otherwise.
    public internal(set) var plan = CallPlan()
    let rules: CallRules
    var lifecycle: Lifecycle
    var carrierCodec: CarrierCodec
    /// Finds out who speaks, on a stream of which that is not known yet: until then the codec is nobody's.
    var recognition: CarrierRecognition?
    var agentCodec = AgentCodec()
    var uplink: Uplink?
    var outbound: Uplink?
    var playout: Playout?
    var announcer: Announcer?
    var voicemail: Voicemail?
    var counters = CallCounters()
    var lastAgentError: AgentError?
    var message: [UInt8] = []
    /// The stream's start, once it came.
    public internal(set) var start: StreamStart? {
        didSet {
            hasStarted = start != nil
            rate = start?.inbound.rate ?? 8000
        }
    }
    /// Whether the start came: asked with every message, where looking at `start` itself would copy it.
    var hasStarted = false
    /// Samples a second of the call's clock.
    public private(set) var rate = 8000
    /// Records that wait to be handed to the tape.
    public internal(set) var tape = TapeBatch()
    /// The carrier's name of a call that was recognised, but for which there was no room.
    public internal(set) var turnedAway: String?
    var bytesBeforeStart = 0
    var badInARow = 0
    var agentSaidEnd = false
    /// Since when everything has been played, while the call drains.
    private var drainedAt: MonotonicTime?
    var heardAgent = false

    /// A call on a stream of `carrier` that has just been opened; `outbound` and `linear` as in `CarrierCodec`.
    public init(
        carrier: Carrier, outbound: AudioFormat? = nil, linear: AudioCodec = .pcm16auto,
        identity: CallIdentity, rules: CallRules, at now: MonotonicTime
    ) {
        self.identity = identity
        self.rules = rules
        carrierCodec = CarrierCodec(carrier: carrier, outbound: outbound, linear: linear)
        lifecycle = Lifecycle(rules: rules, carriers: [carrier], at: now, seed: identity.seed)
    }

    /// A call on a stream that one of `carriers` has just opened: which, its first messages tell.
    public init(
        recognising carriers: Set<Carrier>, outbound: AudioFormat? = nil,
        linear: AudioCodec = .pcm16auto, identity: CallIdentity, rules: CallRules, at now: MonotonicTime
    ) {
        self.identity = identity
        self.rules = rules
        let recognition = CarrierRecognition(carriers)
        self.recognition = recognition
        carrierCodec = CarrierCodec(
            carrier: recognition.carrier ?? .twilio, outbound: outbound, linear: linear)
        lifecycle = Lifecycle(rules: rules, carriers: carriers, at: now, seed: identity.seed)
    }

    /// Whose stream it is; nil while nobody can tell.
    public var carrier: Carrier? {
        guard let recognition else { return carrierCodec.carrier }
        return recognition.carrier
    }
    /// Where the call stands.
    public var phase: CallPhase { lifecycle.phase }
    /// How far the call's clock has come, in samples at the call's rate.
    public var clockSamples: Int64 { uplink?.window.end.samples ?? 0 }
    /// Counts so far, by name.
    public var namedCounts: [String: Int64] { counters.named(with: uplink?.window.counts ?? ArrivalCounts()) }

    /// What became known of the call after it had begun: what the agent is told by `plan`. Who answers stays.
    public mutating func learn(_ plan: CallPlan) {
        self.plan.awaitsContext = nil
        guard plan.mode == .agent, self.plan.mode == .agent else { return }
        self.plan.variables = plan.variables
        self.plan.firstMessage = plan.firstMessage
        self.plan.language = plan.language
        self.plan.voiceID = plan.voiceID
    }

    /// Takes the records that wait, for the tape's writer.
    public mutating func takeTape() -> [UInt8] { tape.take() }

    /// Time passes: limits, silence, tails, pacing. Call about every 20 ms.
    public mutating func tick(at now: MonotonicTime, _ actions: inout some CallActions) {
        guard phase != .ended else { return }
        if uplink?.isDue(at: now) == true {
            forwardUplink(&actions) { uplink, tape, counters, send in
                uplink.tick(at: now, tape: &tape, counters: &counters, toAgent: send)
            }
        }
        if var outbound {
            outbound.tick(at: now, tape: &tape, counters: &counters) { _ in }
            self.outbound = outbound
        }
        pump(at: now, &actions)
        announce(at: now, &actions)
        switch lifecycle.due(at: now, isDrained: hasDrained(at: now)) {
        case .nothing: break
        case .openAgent:
            lifecycle.beginAttempt(at: now)
            beginAttempt(&actions)
        case .failAttempt:
            actions.closeAgent()
            attemptFailed(mayRetry: true, end: CallEnd(.agent, .agentUnreachable), at: now, &actions)
        case .end(let end): finish(end, sawEnd: false, at: now, &actions)
        }
    }

    /// Whether all sound has been played, and the caller's frames of that time have come: a call's clock is its caller's,
    /// and what was heard after the last frame would be missing at the recording's end.
    private mutating func hasDrained(at now: MonotonicTime) -> Bool {
        guard playout?.isDrained(at: now) ?? true, phase == .draining else {
            drainedAt = nil
            return false
        }
        guard counters.framesSent > 0 else { return true }
        let since = drainedAt ?? now
        drainedAt = since
        return now.milliseconds(since: since) >= rules.tailMilliseconds
    }

    /// The server wants the call to end now.
    public mutating func hangUp(
        _ why: CallEndReason, at now: MonotonicTime, _ actions: inout some CallActions
    ) {
        finish(CallEnd(.server, why), sawEnd: false, at: now, &actions)
    }

    /// The carrier says by another way than its stream that the call is over: it ends as by `stop`.
    public mutating func carrierHungUp(at now: MonotonicTime, _ actions: inout some CallActions) {
        let end = phase == .draining ? lifecycle.pendingEnd : nil
        finish(end ?? CallEnd(.caller, .hangup), sawEnd: true, at: now, &actions)
    }

    // MARK: Shared steps

    mutating func beginAttempt(_ actions: inout some CallActions) {
        counters.agentAttempts += 1
        agentCodec = AgentCodec()
        lastAgentError = nil
        agentSaidEnd = false
        actions.openAgent()
    }

    /// An attempt to reach the agent failed: another one, or the end.
    mutating func attemptFailed(
        mayRetry: Bool, end: CallEnd, at now: MonotonicTime, _ actions: inout some CallActions
    ) {
        note("agent_attempt_failed", at: now)
        uplink?.close()
        if mayRetry, lifecycle.retry(at: now) { return }
        finish(end, sawEnd: false, at: now, &actions)
    }

    /// Sends what the playout has ready.
    mutating func pump(at now: MonotonicTime, _ actions: inout some CallActions) {
        guard playout?.hasWaiting == true, var playout else { return }
        self.playout = nil
        let sentBefore = counters.bytesOut
        playout.pump(at: now, codec: carrierCodec, tape: &tape, counters: &counters) {
            actions.sendToCarrier($0, urgent: false)
        }
        self.playout = playout
        if counters.firstAudioMilliseconds < 0, counters.bytesOut > sentBefore,
            let started = lifecycle.startedAt
        {
            counters.firstAudioMilliseconds = now.milliseconds(since: started)
        }
    }

    /// Runs a step of the uplink whose sound goes to the agent.
    mutating func forwardUplink<Actions: CallActions>(
        _ actions: inout Actions,
        _ step: (inout Uplink, inout TapeBatch, inout CallCounters, ([UInt8]) -> Void) -> Void
    ) {
        guard var uplink = self.uplink else { return }
        self.uplink = nil
        var message = self.message
        let codec = agentCodec
        if var voicemail {
            step(&uplink, &tape, &counters) { voicemail.hear($0) }
            self.voicemail = voicemail
            self.uplink = uplink
            return
        }
        step(&uplink, &tape, &counters) { sound in
            message.removeAll(keepingCapacity: true)
            sound.withUnsafeBytes { codec.encodeUserAudio($0, into: &message) }
            actions.sendToAgent(message, urgent: false)
        }
        self.message = message
        self.uplink = uplink
    }

    /// Ends the call: the last records, both sockets closed, then told.
    mutating func finish(
        _ end: CallEnd, sawEnd: Bool, at now: MonotonicTime, _ actions: inout some CallActions
    ) {
        guard phase != .ended else { return }
        countUnrecognised()
        forwardUplink(&actions) { uplink, tape, counters, send in
            uplink.finish(at: now, tape: &tape, counters: &counters, toAgent: send)
        }
        if var outbound {
            outbound.finish(at: now, tape: &tape, counters: &counters) { _ in }
            self.outbound = outbound
        }
        lifecycle.end()
        uplink?.close()
        if announcer?.isSpeaking == true { actions.stopSpeaking() }
        actions.closeAgent()
        actions.closeCarrier(code: end.why == .drained ? 1001 : 1000)
        if hasStarted { tape.appendClosing(end, sawEnd: sawEnd, counts: namedCounts, at: now) }
        actions.callEnded(end)
    }

    /// Records something of the call's life.
    mutating func note(_ text: String, at now: MonotonicTime) {
        guard hasStarted else { return }
        tape.append(.note, at: now, text: text)
    }
}
