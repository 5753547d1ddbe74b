// What all calls of a server share: settings, the recording line, the way to the agent, the list of live calls.

import Archive
import Calls
import Carriers
import Desk
import Net
import Routing
import Switchboard
import Tape
import Telemetry

/// A live call, as others see it.
struct LiveCallEntry: Sendable {
    var session: CallSession
    /// The call's id; its session's key until the stream has begun.
    var callID: String
    /// Nil while the stream has not said whose it is.
    var carrier: Carrier?
    var agentID: String?
    var start: StreamStart?
    /// What it is; nil until its stream has begun.
    var plan: CallPlan?
    var startedAt: Int64
    var phase: CallPhase = .awaitingStart
    var conversation: String?
}

/// The calls' common ground.
final class CallOffice: @unchecked Sendable {
    // `live`, `places`, `isDraining` and `board` are guarded by `lock`; the rest never changes.
    let settings: Settings
    let line: RecordingLine
    let agentDoor: AgentDoor
    let speech: any SpeechSource
    let disk: DiskWatch
    /// Who may open a stream; set once before the first upgrade.
    var switchboard: TelephoneSwitchboard? {
        get { lock.withLock { board } }
        set { lock.withLock { board = newValue } }
    }
    let log: Log
    let metrics: MetricsRegistry
    private let lock = Lock()
    /// One admission at a time, so that limits hold.
    private let turn = Lock()
    private var live: [String: LiveCallEntry] = [:]
    private var places: StreamPlaces
    private var isDraining = false
    private var board: TelephoneSwitchboard?

    init(
        settings: Settings, line: RecordingLine, agentDoor: AgentDoor, speech: any SpeechSource,
        disk: DiskWatch, log: Log, metrics: MetricsRegistry
    ) {
        self.settings = settings
        places = StreamPlaces(calls: settings.maxCalls)
        self.line = line
        self.disk = disk
        self.agentDoor = agentDoor
        self.speech = speech
        self.log = log
        self.metrics = metrics
    }

    /// Gives session `key` a place, before its upgrade is answered: so no more are upgraded than have one.
    func place(for key: String, _ claim: PlaceClaim) -> Result<HeldPlace, PlaceRefusal> {
        let refusal: PlaceRefusal? = lock.withLock {
            isDraining ? .draining : places.take(key, claim, live: live.count)
        }
        if let refusal { return .failure(refusal) }
        return .success(HeldPlace { [self] in lock.withLock { places.abandon(key) } })
    }

    /// Takes a new call in, which has its place; false when the server is draining.
    func admit(_ session: CallSession) -> Bool {
        lock.withLock {
            guard !isDraining else { return false }
            places.opened(session.key)
            live[session.key] = LiveCallEntry(
                session: session, callID: session.key, carrier: session.carrier, startedAt: ArchiveTime.now())
            return true
        }
    }

    /// Says what becomes of the stream of session `key` that has said who it is.
    func admission(_ start: StreamStart, proofs: StreamProofs, key: String) -> StreamAdmission {
        let admitted: AdmittedStream
        switch switchboard?.admit(start, proofs: proofs) {
        case .success(let stream): admitted = stream
        case .failure(let fault):
            refused(fault.cause)
            return .refused(.streamRefused)
        case nil:
            refused("draining")
            return .refused(.streamRefused)
        }
        let start = admitted.start
        // Two calls are never one: an id that is taken is not given again.
        guard !lock.withLock({ live.values.contains { $0.callID == admitted.plan.callID } }) else {
            refused("id_taken")
            return .refused(.streamRefused)
        }
        var plan = admitted.plan
        plan.agentID = agentID(of: admitted.plan)
        // A call we placed had its place before it rang; the limits of one number are for those who ring us.
        let isPlaced = plan.callID != nil
        let room: Room = turn.withLock {
            let found = self.room(
                caller: isPlaced ? nil : start.caller, called: isPlaced ? nil : start.called, besides: key)
            // Counted from here on: of two calls of one number that come together each sees the other.
            if found == .free {
                lock.withLock {
                    live[key]?.start = start
                    live[key]?.carrier = start.carrier
                    places.began(key)
                }
            }
            return found
        }
        guard room == .free else {
            refused(disk.trouble?.rawValue ?? CallEndReason.busy.rawValue)
            if let id = plan.callID { switchboard?.placedCallFailed(id, cause: CallEndReason.busy.rawValue) }
            return .refused(.busy)
        }
        return .admitted(start, plan)
    }

    /// Tells `then`, from any thread, what the call of `start` is to be when its caller is known.
    func inform(of start: StreamStart, then: @escaping @Sendable (CallPlan) -> Void) {
        guard let switchboard else { return then(CallPlan()) }
        Task { then(await switchboard.plan(of: start)) }
    }

    /// Counts a stream that was refused.
    func refused(_ cause: String) {
        metrics.add("teeline_calls_refused_total", labels: MetricsRegistry.label("cause", cause))
        log(.warning, "stream_refused", ["cause": .text(cause)])
    }

    /// The stream of a call has begun.
    func started(_ session: CallSession, start: StreamStart, header: TapeHeader, plan: CallPlan) {
        let id = header.callID
        let agentID = agentID(of: plan)
        lock.withLock {
            live[session.key]?.callID = id
            live[session.key]?.start = start
            live[session.key]?.plan = plan
            live[session.key]?.agentID = agentID
            live[session.key]?.phase = .connecting
        }
        line.open(
            row(
                id, start.carrier, start: start, agentID: agentID, startedAt: header.startedAt,
                rate: header.rate))
        let carrier = start.carrier.rawValue
        metrics.add("teeline_calls_started_total", labels: MetricsRegistry.label("carrier", carrier))
        log(.info, "call_started", ["call": .text(id), "carrier": .text(carrier)])
    }

    /// The agent's conversation of a call is open.
    func conversationOpened(_ session: CallSession, call id: String, conversation: String) {
        lock.withLock {
            live[session.key]?.conversation = conversation
            live[session.key]?.phase = .live
        }
        line.annotate(id, conversation: conversation)
    }

    /// A call has come to another phase.
    func progressed(_ session: CallSession, phase: CallPhase) {
        lock.withLock { live[session.key]?.phase = phase }
    }

    /// A call has ended. `carrier` is nil when its stream never said whose it is; `turnedAway` is the carrier's name of one that
    /// was recognised and had no room.
    func ended(
        _ session: CallSession, carrier: Carrier?, identity: CallIdentity, end: CallEnd, start: StreamStart?,
        clock: Int64, rate: Int, counts: [String: Int64], turnedAway: String? = nil
    ) {
        let id = identity.callID
        let (entry, idle) = lock.withLock { (live[session.key], places.left(session.key)) }
        // Last of all: who waits for the last call finds its recording on its way.
        defer { lock.withLock(signal: true) { live[session.key] = nil } }
        if let token = idle?.token { switchboard?.streamCameToNothing(token) }
        let ending = CallEnding(
            endedAt: Self.endInstant(startedAt: identity.startedAt, began: session.began, now: .now),
            durationSamples: clock,
            who: EndParty(rawValue: end.who.rawValue) ?? .server,
            why: end.why.rawValue, conversationID: entry?.conversation)
        let labels =
            MetricsRegistry.label("carrier", carrier?.rawValue ?? Carrier.unrecognised) + ","
            + MetricsRegistry.label("who", end.who.rawValue) + ","
            + MetricsRegistry.label("why", end.why.rawValue)
        metrics.add("teeline_calls_ended_total", labels: labels)
        count(counts)
        if counts["format_surprises"] ?? 0 > 0 {
            log(.warning, "agent_format_differs", ["call": .text(id)])
        }
        log(
            .info, "call_ended",
            [
                "call": .text(id), "who": .text(end.who.rawValue), "why": .text(end.why.rawValue),
                "milliseconds": .number(clock * 1000 / Int64(max(rate, 1))),
            ])
        if let carrier, let carrierCallID = start?.callID ?? turnedAway {
            switchboard?.callEnded(
                EndedCall(
                    id: id, carrier: carrier, carrierCallID: carrierCallID,
                    conversationID: entry?.conversation, carrierHasHungUp: end.why == .hangup,
                    isPlaced: entry?.plan?.callID != nil, apology: end.why.apology))
        }
        guard start != nil else {
            let row = row(
                id, carrier, start: nil, agentID: nil, startedAt: identity.startedAt, rate: rate)
            line.refuse(row, ending: ending)
            return
        }
        line.close(id, startedAt: identity.startedAt, ending: ending) { [log, metrics] sealed in
            metrics.add(
                "teeline_recordings_total", labels: MetricsRegistry.label("state", sealed.state.rawValue))
            metrics.observe("teeline_seal_seconds", Double(sealed.milliseconds) / 1000)
            log(
                sealed.state == .failed ? .error : .info, "recording_\(sealed.state.rawValue)",
                [
                    "call": .text(sealed.callID), "milliseconds": .number(sealed.milliseconds),
                    "cause": .text(sealed.cause ?? ""),
                ])
        }
    }

    /// When a call ended: its start and the time that has passed. The wall clock may have been set meanwhile, and a call
    /// never ends before it starts. Microseconds UTC.
    static func endInstant(startedAt: Int64, began: MonotonicTime, now: MonotonicTime) -> Int64 {
        startedAt + max(0, now.nanoseconds - began.nanoseconds) / 1000
    }

    // MARK: The server's view

    /// All live calls.
    var entries: [LiveCallEntry] { lock.withLock { Array(live.values) } }
    /// How many calls are live.
    var liveCount: Int { lock.withLock { live.count } }

    /// How many places are taken, those of upgrades that are being answered among them.
    var placesTaken: Int { lock.withLock { live.count + places.underWay } }

    /// Takes no more calls.
    func drain() { lock.withLock { isDraining = true } }
    /// Whether no more calls are taken.
    var isClosed: Bool { lock.withLock { isDraining } }

    /// Waits until no call is live, at most `milliseconds`. Returns how many still are.
    func waitForCalls(milliseconds: Int64) -> Int {
        let began = MonotonicTime.now
        return lock.withLock {
            while !live.isEmpty {
                let rest = milliseconds - MonotonicTime.now.milliseconds(since: began)
                guard rest > 0 else { break }
                lock.wait(milliseconds: min(rest, 200))
            }
            return live.count
        }
    }

    /// The agent of a plan; nil when none speaks.
    private func agentID(of plan: CallPlan) -> String? {
        guard plan.mode == .agent else { return nil }
        return plan.agentID ?? (settings.agentID.isEmpty ? nil : settings.agentID)
    }

    private func row(
        _ id: String, _ carrier: Carrier?, start: StreamStart?, agentID: String?, startedAt: Int64,
        rate: Int
    ) -> CallRow {
        CallRow(
            id: id, carrier: carrier?.rawValue ?? Carrier.unrecognised,
            carrierCallID: start?.callID ?? "",
            streamID: start?.streamID, accountID: start?.accountID, caller: start?.caller,
            called: start?.called,
            agentID: agentID, startedAt: startedAt, rate: rate,
            parameters: SealRequest.object(start?.parameters ?? [:]))
    }

    private func count(_ counts: [String: Int64]) {
        for (name, count) in counts where count > 0 {
            guard let metric = ExchangeMetrics.ofCounts[name] else { continue }
            metrics.add(metric, Double(count))
        }
        if let setup = counts["setup_ms"], setup >= 0 {
            metrics.observe("teeline_agent_setup_seconds", Double(setup) / 1000)
        }
    }
}
