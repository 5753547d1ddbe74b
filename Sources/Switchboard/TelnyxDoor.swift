// Telnyx's webhook: events of calls acknowledged at once, those of recordings once they are on the disk; then acted on.

import Archive
import Carriers
import Cryptography
import Net
import Signalling
import Telemetry

/// Answers Telnyx.
struct TelnyxDoor: Sendable {
    let parts: SwitchboardParts
    let book = TelnyxCallBook()
    let commands: TelnyxCommands
    let recordings: TelnyxRecordings
    private let replays = ReplayMemory()
    private let underWay = KeysUnderWay()

    init(_ parts: SwitchboardParts) {
        self.parts = parts
        commands = TelnyxCommands(parts)
        recordings = TelnyxRecordings(parts, commands: commands, book: book)
        remember()
    }

    /// Events that an earlier server took are known here, too, as long as their signatures hold.
    private func remember() {
        do {
            let wall = ArchiveTime.now()
            let rows = try parts.archive.catalog.carrierEventKeys(
                carrier: Carrier.telnyx.rawValue, since: wall - ReplayMemory.standardLifetime * 1000)
            for row in rows {
                let age = max(wall - row.receivedAt, 0) / 1000
                _ = try replays.admit(TelnyxSignature.replayKey(id: row.key), at: Self.now - age)
            }
        } catch {
            parts.log(.error, "telnyx_events_unreadable", ["error": .text("\(error)")])
        }
    }

    /// An event: acknowledged, and acted on afterwards. Who rings does not wait for the disk; what tells of a recording is
    /// told once, and therefore acknowledged when it is on the disk, or else asked for again (Telnyx repeats on 503).
    func event(_ request: HTTPRequest) -> HTTPOutcome {
        // The signature is of the body alone: what stands in a query nobody has signed.
        guard request.method == "POST" || parts.settings.authIsOff else {
            parts.log(.warning, "telnyx_event_by_query", ["hint": "set the webhook's method to POST"])
            return .response(TelephoneSwitchboard.problem(400, "unsigned_query"))
        }
        let key = TelnyxSignature.replayKey(
            body: request.body, signature: request.header(TelnyxSignature.header) ?? request.target)
        do throws(CryptographyError) {
            guard try replays.admit(key, at: Self.now) == .fresh else {
                count("teeline_telnyx_events_total", "kind", "duplicate")
                // What is not on the disk yet is not known yet.
                return .response(
                    underWay.contains(key) ? SwitchboardParts.notKept : HTTPResponse(status: 200))
            }
        } catch {
            parts.log(.error, "telnyx_event_failed", ["error": .text("\(error)")])
            return .response(TelephoneSwitchboard.problem(503, "not_ready"))
        }
        let event: TelnyxEvent
        do throws(SignallingError) {
            event =
                request.method == "GET"
                ? try TelnyxEvent(query: request.query) : try TelnyxEvent(json: request.body)
        } catch {
            forget(key)
            count("teeline_telnyx_events_total", "kind", "malformed")
            parts.log(.warning, "telnyx_event_malformed", ["error": .text("\(error)")])
            return .response(TelephoneSwitchboard.problem(400, "malformed"))
        }
        return take(event, request, key)
    }

    /// A call has ended: it has to be hung up when Telnyx does not know. Closing the stream does not end it.
    func callEnded(_ call: EndedCall) {
        guard call.carrier == .telnyx, !call.carrierHasHungUp, commands.isAble else { return }
        parts.errands.run { [self] in
            switch call.apology {
            case .busy: await apologise(call.carrierCallID, as: .busy, "busy")
            case .fallback: await fallBack(call.carrierCallID, "call_failed")
            case nil: await commands.hangUp(call.carrierCallID)
            }
        }
    }

    private func take(_ event: TelnyxEvent, _ request: HTTPRequest, _ key: String) -> HTTPOutcome {
        let kind = if case .other = event.kind { "other" } else { event.kind.name }
        count("teeline_telnyx_events_total", "kind", kind)
        let row = CarrierEventRow(
            carrier: Carrier.telnyx.rawValue, key: String(event.id.prefix(256)),
            carrierCallID: event.callControlID, kind: event.kind.name,
            occurredAt: event.occurredAt.flatMap(ArchiveTime.parse), receivedAt: ArchiveTime.now(),
            detail: SwitchboardParts.detail(request))
        let base = parts.settings.proxies.base(peer: request.remoteAddress, headers: request.headers)
        let action = event.callControlID.flatMap { book.take(event, of: $0, at: Self.now) }
        guard Self.isOfRecording(event.kind) else {
            parts.errands.run { [self] in
                parts.record(row)
                await act(on: event, action, base)
            }
            return .response(HTTPResponse(status: 200))
        }
        underWay.insert(key)
        return .deferred(
            limitMilliseconds: SwitchboardParts.keepMilliseconds, fallback: SwitchboardParts.notKept
        ) { [self] reply in
            parts.record(row) { isKept in
                if !isKept { forget(key) }
                underWay.remove(key)
                guard isKept else { return reply.send(SwitchboardParts.notKept) }
                // Before the answer: a server that is asked to stop behind it waits for the errand.
                parts.errands.run { await act(on: event, action, base) }
                reply.send(HTTPResponse(status: 200))
            }
        }
    }

    private static func isOfRecording(_ kind: TelnyxEventKind) -> Bool {
        switch kind {
        case .recordingSaved, .transcriptionSaved, .recordingError: true
        default: false
        }
    }

    private func act(on event: TelnyxEvent, _ action: TelnyxCourse.Action?, _ base: PublicURL?) async {
        tell(event)
        if let id = event.callControlID, let action { await act(action, id, event, base) }
        switch event.kind {
        case .recordingSaved: await recordings.saved(event)
        case .transcriptionSaved: await recordings.transcribed(event)
        case .recordingError: await recordings.failed(event)
        default: break
        }
    }

    /// Tells the floor and the outbound call of `event`.
    private func tell(_ event: TelnyxEvent) {
        guard let id = event.callControlID else { return }
        switch event.kind {
        case .callInitiated where event.direction == .outgoing: went(event, id, to: .ringing)
        case .callAnswered: went(event, id, to: .answered)
        case .callHangup:
            went(
                event, id, to: .completed, unanswered: Self.end(event.hangupCause), cause: event.hangupCause)
            _ = parts.floor.carrierHungUp(.telnyx, carrierCallID: id)
            parts.passes.leave(.telnyx, id)
            recordings.hungUp(event)
        case .streamingFailed:
            count("teeline_incoming_calls_total", "carrier", "telnyx", "outcome", "stream_failed")
            parts.log(.error, "telnyx_stream_failed", ["call": .text(TelnyxCommands.mark(id))])
        default: break
        }
    }

    private func went(
        _ event: TelnyxEvent, _ id: String, to state: DialState, unanswered: DialState? = nil,
        cause: String? = nil
    ) {
        parts.dialWent(
            .telnyx, dial: event.clientState.flatMap(Base64Text.decode), carrierCallID: id, to: state,
            cause: cause.map { String($0.prefix(64)) }, unanswered: unanswered)
    }

    /// What the hangup_cause (carriers.md §3.1.6) of an outbound call that nobody answered makes of it. Normal clearing of
    /// a ringing call is somebody's who would wait no longer.
    static func end(_ cause: String?) -> DialState {
        switch cause {
        case "user_busy": .busy
        case "no_answer", "timeout", "normal_clearing": .noAnswer
        case "originator_cancel": .canceled
        default: .failed
        }
    }

    private func forget(_ key: String) {
        do throws(CryptographyError) {
            try replays.forget(key)
        } catch {
            parts.log(.error, "telnyx_event_failed", ["error": .text("\(error)")])
        }
    }

    func count(_ metric: String, _ labels: String...) {
        let pairs = stride(from: 0, to: labels.count - 1, by: 2).map {
            MetricsRegistry.label(labels[$0], labels[$0 + 1])
        }
        parts.metrics.add(metric, labels: pairs.joined(separator: ","))
    }

    /// Milliseconds of the clock that only goes on.
    static var now: Int64 { MonotonicTime.now.nanoseconds / 1_000_000 }
}

/// Keys of events that are being brought to the disk. Shared by threads.
private final class KeysUnderWay: @unchecked Sendable {
    // `lock` guards `keys`: how often each is under way, for one that failed may come again before its end is noted.
    private let lock = Lock()
    private var keys: [String: Int] = [:]

    func insert(_ key: String) { lock.withLock { keys[key, default: 0] += 1 } }
    func remove(_ key: String) { lock.withLock { keys[key] = keys[key].flatMap { $0 > 1 ? $0 - 1 : nil } } }
    func contains(_ key: String) -> Bool { lock.withLock { keys[key] != nil } }
}
