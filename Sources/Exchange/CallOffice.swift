// What all calls of a server share: settings, the recording line, the way to the agent, the list of live calls.

import Archive
import Calls
import Carriers
import Desk
import Net
import Tape
import Telemetry

/// A live call, as others see it.
struct LiveCallEntry: Sendable {
    var session: CallSession
    var carrier: Carrier
    var start: StreamStart?
    var startedAt: Int64
    var phase: CallPhase = .awaitingStart
    var conversation: String?
}

/// The calls' common ground.
final class CallOffice: @unchecked Sendable {
    // `live`, `isDraining` and `conversations` are guarded by `lock`; the rest never changes.
    let settings: Settings
    let line: RecordingLine
    let agentDoor: AgentDoor
    let log: Log
    let metrics: MetricsRegistry
    private let lock = Lock()
    private var live: [String: LiveCallEntry] = [:]
    private var isDraining = false

    init(settings: Settings, line: RecordingLine, agentDoor: AgentDoor, log: Log, metrics: MetricsRegistry) {
        self.settings = settings
        self.line = line
        self.agentDoor = agentDoor
        self.log = log
        self.metrics = metrics
    }

    /// Whether a new call would be taken in now.
    var hasRoom: Bool { lock.withLock { !isDraining && live.count < settings.maxCalls } }

    /// Takes a new call in, unless the server is full or draining.
    func admit(_ session: CallSession) -> Bool {
        lock.withLock {
            guard !isDraining, live.count < settings.maxCalls else { return false }
            live[session.identity.callID] = LiveCallEntry(
                session: session, carrier: session.carrier, startedAt: session.identity.startedAt)
            return true
        }
    }

    /// The stream of a call has begun.
    func started(_ session: CallSession, start: StreamStart, header: TapeHeader) {
        let id = session.identity.callID
        lock.withLock {
            live[id]?.start = start
            live[id]?.phase = .connecting
        }
        line.open(row(session, start: start, rate: header.rate))
        metrics.add(
            "teeline_calls_started_total", labels: MetricsRegistry.label("carrier", session.carrier.rawValue))
        log(.info, "call_started", ["call": .text(id), "carrier": .text(session.carrier.rawValue)])
    }

    /// The agent's conversation of a call is open.
    func conversationOpened(_ id: String, conversation: String) {
        lock.withLock {
            live[id]?.conversation = conversation
            live[id]?.phase = .live
        }
        line.annotate(id, conversation: conversation)
    }

    /// A call has come to another phase.
    func progressed(_ id: String, phase: CallPhase) { lock.withLock { live[id]?.phase = phase } }

    /// A call has ended.
    func ended(
        _ session: CallSession, end: CallEnd, start: StreamStart?, clock: Int64, rate: Int,
        counts: [String: Int64]
    ) {
        let id = session.identity.callID
        let entry = lock.withLock(signal: true) { live.removeValue(forKey: id) }
        let ending = CallEnding(
            endedAt: ArchiveTime.now(), durationSamples: clock,
            who: EndParty(rawValue: end.who.rawValue) ?? .server,
            why: end.why.rawValue, conversationID: entry?.conversation)
        let labels =
            MetricsRegistry.label("carrier", session.carrier.rawValue) + ","
            + MetricsRegistry.label("who", end.who.rawValue) + ","
            + MetricsRegistry.label("why", end.why.rawValue)
        metrics.add("teeline_calls_ended_total", labels: labels)
        count(counts)
        log(
            .info, "call_ended",
            [
                "call": .text(id), "who": .text(end.who.rawValue), "why": .text(end.why.rawValue),
                "milliseconds": .number(clock * 1000 / Int64(max(rate, 1))),
            ])
        guard start != nil else {
            line.refuse(row(session, start: nil, rate: rate), ending: ending)
            return
        }
        line.close(id, startedAt: session.identity.startedAt, ending: ending) { [log, metrics] sealed in
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

    // MARK: The server's view

    /// All live calls.
    var entries: [LiveCallEntry] { lock.withLock { Array(live.values) } }
    /// How many calls are live.
    var liveCount: Int { lock.withLock { live.count } }

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

    private func row(_ session: CallSession, start: StreamStart?, rate: Int) -> CallRow {
        CallRow(
            id: session.identity.callID, carrier: session.carrier.rawValue,
            carrierCallID: start?.callID ?? "",
            streamID: start?.streamID, accountID: start?.accountID, caller: start?.caller,
            called: start?.called,
            agentID: settings.agentID.isEmpty ? nil : settings.agentID, startedAt: session.identity.startedAt,
            rate: rate, parameters: SealRequest.object(start?.parameters ?? [:]))
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
