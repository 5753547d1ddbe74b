// Outbound calls: placed, and ended, by each carrier's REST service.

import Archive
import Carriers
import Net
import Routing
import Signalling
import Telemetry

/// Places calls and ends them.
struct CallPlacer: Sendable {
    private let parts: SwitchboardParts
    private let requests: PlacementRequests
    /// Whether there is room, and taking it, are one step.
    private let turn = Lock()

    /// How long a placed call may be without its stream, and its token waits for it, in milliseconds: it rings, and is
    /// answered.
    static let patienceMilliseconds = Int64(PlacementRequests.ringSeconds + 60) * 1000
    /// Most calls of an earlier server that are looked at: as many as `limits.calls` can be.
    private static let mostTakenUp = 100_000

    init(_ parts: SwitchboardParts) {
        self.parts = parts
        requests = PlacementRequests(settings: parts.settings, addresses: parts.addresses)
    }

    /// Calls that an earlier server placed and of which nobody told the end: what is left of their time is waited for, and
    /// those that have none left are over by now.
    func takeUp() {
        let now = ArchiveTime.now()
        do throws(ArchiveError) {
            for row in try parts.archive.catalog.openDials(before: .max, limit: Self.mostTakenUp) {
                // A clock that was set back gives nobody more time than a new call has.
                let age = max((now - row.requestedAt) / 1000, 0)
                guard let carrier = Carrier(rawValue: row.carrier), age < Self.patienceMilliseconds else {
                    parts.dialWent(
                        row.id, to: row.state == .answered ? .completed : .failed, cause: "unconfirmed")
                    continue
                }
                watch(row.id, carrier, milliseconds: Self.patienceMilliseconds - age)
                if let named = row.carrierCallID { _ = parts.named(row.id, carrier, named) }
                if row.state == .answered { parts.dials.isAnswered(row.id) }
            }
        } catch {
            parts.log(.error, "dial_unreadable", ["error": .text("\(error)")])
        }
    }

    // MARK: Placing

    /// Begins to place a call; what becomes of it is told by its row, which is on the disk when this returns. The request
    /// goes out afterwards. Waits for the disk: for the HTTP server's threads.
    func place(_ order: PlacementOrder) -> Result<DialRow, PlacementRefusal> {
        guard let base = parts.settings.proxies.base, requests.isConfigured(order.carrier) else {
            return .failure(.notConfigured)
        }
        guard let from = order.from ?? requests.number(order.carrier) else { return .failure(.badNumber) }
        if let stream = order.stream {
            let token = String(repeating: "t", count: StreamPass.characters)
            do throws(StreamOrderFault) {
                try requests.check(
                    PlacementRequests.Placement(
                        id: CallID.make(), to: order.to, from: from, token: token, base: base, stream: stream),
                    by: order.carrier)
            } catch {
                return .failure(.badStream(member: error.member))
            }
        }
        let id = CallID.make()
        if let refusal = begin(id, order.carrier) { return .failure(refusal) }
        let row = DialRow(
            id: id, carrier: order.carrier.rawValue, called: order.to, caller: from,
            requestedAt: ArchiveTime.now())
        do throws(ArchiveError) {
            try parts.archive.applyAndWait(.dial(row))
        } catch {
            // A call that nothing would tell of is not made.
            _ = parts.dials.end(id)
            parts.log(.error, "dial_not_kept", ["call": .text(id), "error": .text("\(error)")])
            return .failure(.notKept)
        }
        count(order.carrier, "requested")
        parts.errands.run { [self] in await carryOut(order, id: id, from: from, base: base) }
        return .success(row)
    }

    /// Takes a place for call `id`; why there is none.
    private func begin(_ id: String, _ carrier: Carrier) -> PlacementRefusal? {
        turn.withLock {
            switch parts.floor.room(caller: nil, called: nil) {
            case .busy: return .busy
            case .draining: return .draining
            case .free:
                watch(id, carrier, milliseconds: Self.patienceMilliseconds)
                return nil
            }
        }
    }

    /// Puts call `id` into the book for `milliseconds`. When by then there was neither a stream nor the carrier's word of its
    /// end, nothing more is waited for.
    private func watch(_ id: String, _ carrier: Carrier, milliseconds: Int64) {
        parts.dials.begin(id, carrier, milliseconds: milliseconds) { [parts] in
            if parts.dials.isCanceled(id) {
                parts.dialWent(id, to: .canceled, cause: "operator")
            } else {
                parts.dialWent(
                    id, to: parts.dials.hasAnswered(id) ? .completed : .failed, cause: "unconfirmed")
            }
        }
    }

    private func carryOut(_ order: PlacementOrder, id: String, from: String, base: PublicURL) async {
        let plan = await plan(order, id: id, from: from)
        guard !parts.dials.isCanceled(id) else {
            return parts.dialWent(id, to: .canceled, cause: "operator")
        }
        let request: RESTRequest
        do {
            let token = try parts.passes.issue(
                carrier: order.carrier, carrierCallID: nil, plan: plan,
                milliseconds: Self.patienceMilliseconds)
            guard parts.dials.keep(token.text, of: id) else {
                parts.passes.withdraw(token.text)
                return parts.dialWent(id, to: .canceled, cause: "operator")
            }
            request = try requests.place(
                PlacementRequests.Placement(
                    id: id, to: order.to, from: from, token: token.text, base: base,
                    stream: order.stream ?? StreamWishes()), by: order.carrier)
        } catch {
            parts.log(.error, "call_not_placed", ["call": .text(id), "error": .text("\(error)")])
            return fail(id, order.carrier, "not_sent")
        }
        do throws(RESTFailure) {
            let carrier = order.carrier
            let named = try await parts.rest.send(request, to: carrier.rawValue) {
                (answer) throws(RESTFailure) in try PlacementRequests.placed(answer, by: carrier)
            }
            count(carrier, "placed")
            let isCanceled = parts.named(id, carrier, named)
            parts.dialWent(id, to: .queued, carrierCallID: named)
            if isCanceled { await end(carrier, named, dial: id) }
        } catch {
            switch error {
            case .unanswered, .malformed, .unavailable:
                // The call may have been made, also by a service whose gateway says 504: the carrier's callbacks tell, and the
                // token lets its stream in. Asking again could make a second one.
                count(order.carrier, "unknown")
                parts.log(.warning, "call_unconfirmed", ["call": .text(id), "cause": .text(error.token)])
            default: fail(id, order.carrier, error.token)
            }
        }
    }

    /// What the rules say of the call; what the order says wins.
    private func plan(_ order: PlacementOrder, id: String, from: String) async -> CallPlan {
        var door = CallAtTheDoor(carrier: order.carrier, caller: from, called: order.to)
        door.direction = .outbound
        door.callID = id
        door.fields = order.plan.variables
        door.wishes.mode = order.plan.mode
        door.wishes.agentID = order.plan.agentID
        door.wishes.voiceID = order.plan.voiceID
        door.wishes.language = order.plan.language
        door.wishes.firstMessage = order.plan.firstMessage
        door.wishes.stays = order.plan.staysAfterSpeech ? true : nil
        var plan = await parts.reception.plan(for: door)
        plan.variables.merge(order.plan.variables) { $1 }
        // An order without texts waits for them.
        if order.plan.mode == .speech { plan.texts = order.plan.texts }
        plan.callID = id
        plan.caller = from
        plan.called = order.to
        if order.carrier == .telnyx { requests.prepare(&plan, order.stream) }
        return plan
    }

    private func fail(_ id: String, _ carrier: Carrier, _ cause: String) {
        count(carrier, cause)
        parts.dialWent(id, to: .failed, cause: cause)
    }

    // MARK: Ending

    /// Ends placed call `id`, whose stream has not begun. Returns whether that can be done.
    func cancel(_ row: DialRow) -> Bool {
        guard let carrier = Carrier(rawValue: row.carrier) else { return false }
        let dial = parts.dials.cancel(row.id)
        // From now on no stream of it is let in: at Exotel, which documents no hang-up, this is what ends it.
        if let token = dial?.token { parts.passes.withdraw(token) }
        if let named = row.carrierCallID ?? dial?.carrierCallID {
            parts.errands.run { [self] in await end(carrier, named, dial: row.id) }
            return true
        }
        // Its request is under way, or not sent yet: who sends it sees to it.
        return dial != nil
    }

    /// Ends the call that `carrier` knows by `carrierCallID`, by its REST service.
    func hangUp(_ carrier: Carrier, carrierCallID: String) {
        parts.errands.run { [self] in await end(carrier, carrierCallID, dial: nil) }
    }

    private func end(_ carrier: Carrier, _ carrierCallID: String, dial id: String?) async {
        let isRinging = state(id).map { !$0.isFinal && $0 != .answered } ?? false
        // What was over already ended in its own way: the carrier tells which, or the watch ends the waiting for it.
        if await hangUp(carrier, carrierCallID, unanswered: isRinging && carrier == .twilio), let id {
            // What the carrier says of it later is the same.
            parts.dialWent(id, to: isRinging ? .canceled : .completed, cause: "operator")
        }
    }

    /// Whether the carrier has ended the call by this; not so when it was over before. A ringing call that is answered just
    /// now cannot be canceled at Twilio, only completed (carriers.md §2.1.5).
    private func hangUp(_ carrier: Carrier, _ carrierCallID: String, unanswered: Bool) async -> Bool {
        guard let request = requests.hangUp(carrier, carrierCallID, unanswered: unanswered) else {
            return false
        }
        do throws(RESTFailure) {
            try await parts.rest.send(request, to: carrier.rawValue) { (answer) throws(RESTFailure) in
                try PlacementRequests.hungUp(answer, by: carrier)
            }
            return true
        } catch {
            if case .invalid = error, unanswered {
                return await hangUp(carrier, carrierCallID, unanswered: false)
            }
            return false
        }
    }

    private func state(_ id: String?) -> DialState? {
        guard let id else { return nil }
        do throws(ArchiveError) {
            return try parts.archive.catalog.dial(id)?.state
        } catch {
            parts.log(.error, "dial_unreadable", ["error": .text("\(error)")])
            return nil
        }
    }

    private func count(_ carrier: Carrier, _ outcome: String) {
        parts.metrics.add(
            "teeline_outbound_calls_total",
            labels: MetricsRegistry.label("carrier", carrier.rawValue) + ","
                + MetricsRegistry.label("outcome", outcome))
    }
}
