// What the doors write down: webhooks as they were received, and how outbound calls go on.

import Archive
import Carriers
import Net
import Signalling
import Telemetry

extension SwitchboardParts {
    /// Whether the call `carrierCallID` may come in; if so it has its place from here on, so that of many that come at
    /// once no more come in than may. Asked again for the same call it is the same place.
    func enter(_ carrier: Carrier, _ carrierCallID: String, caller: String?, called: String?) -> Room {
        turn.withLock {
            passes.leave(carrier, carrierCallID)
            let room = floor.room(caller: caller, called: called)
            if room == .free { passes.hold(carrier, carrierCallID, caller: caller, called: called) }
            return room
        }
    }

    /// The row of a webhook. `key` tells it from every other one of its carrier: the same one again changes nothing.
    static func row(
        _ request: HTTPRequest, carrier: Carrier, kind: String, call: String?, key: String
    ) -> CarrierEventRow {
        CarrierEventRow(
            carrier: carrier.rawValue, key: String(key.prefix(256)), carrierCallID: call,
            kind: String(kind.prefix(64)), receivedAt: ArchiveTime.now(), detail: detail(request))
    }

    /// Keeps a webhook.
    func record(_ row: CarrierEventRow) {
        archive.apply(.carrierEvent(row)) { [log] result in
            if case .failure(let error) = result {
                log(
                    .error, "webhook_not_kept",
                    ["kind": .text(Self.logged(row.kind)), "error": .text("\(error)")])
            }
        }
    }

    /// The same; `then` is told, on the archive's thread, when it is on the disk, or with false when it is to be sent again,
    /// for it may be kept then.
    func record(_ row: CarrierEventRow, then: @escaping @Sendable (_ isKept: Bool) -> Void) {
        archive.apply(.carrierEvent(row)) { [log] result in
            guard case .failure(let error) = result else { return then(true) }
            log(
                .error, "webhook_not_kept",
                ["kind": .text(Self.logged(row.kind)), "error": .text("\(error)")])
            then(!error.isPassing)
        }
    }

    /// Answers a webhook by `answer` once `row` is on the disk; 503 when that fails or takes too long.
    func whenKept(_ row: CarrierEventRow, _ answer: HTTPResponse) -> HTTPOutcome {
        .deferred(limitMilliseconds: Self.keepMilliseconds, fallback: Self.notKept) { reply in
            record(row) { isKept in reply.send(isKept ? answer : Self.notKept) }
        }
    }

    /// How long a webhook whose row has to outlive this server may take until it is on the disk, in milliseconds: Telnyx
    /// waits for about 2 s in practice (carriers.md §3.1.1), the others for longer.
    static let keepMilliseconds = 1_500

    /// What a webhook that is not on the disk is answered: its sender is to send it again.
    static var notKept: HTTPResponse {
        TelephoneSwitchboard.problem(503, "not_kept", headers: [("Retry-After", "5")])
    }

    /// An outbound call has gone on, by the carrier's word, which may name it by our own identifier `dial` too: that is known
    /// before the carrier's. `unanswered` is what became of it if nobody has answered, where the word does not say.
    func dialWent(
        _ carrier: Carrier, dial id: String?, carrierCallID: String, to told: DialState, cause: String?,
        unanswered: DialState? = nil
    ) {
        guard let row = dial(carrier, id, carrierCallID) else { return }
        let isCanceled = named(row.id, carrier, carrierCallID)
        var state = told
        // The row may not be on the disk yet: the book is asked, too.
        if let unanswered, !dials.hasAnswered(row.id), row.state.rank < DialState.answered.rank {
            state = isCanceled ? .canceled : unanswered
        }
        dialWent(row.id, to: state, carrierCallID: carrierCallID, cause: cause)
        guard !state.isFinal else { return }
        // Ended before it had a name: now it can be. So can one that was given up and was made all the same: no stream of it is
        // let in any more, and who answers would hear nothing.
        if isCanceled || row.wasGivenUp { CallPlacer(self).hangUp(carrier, carrierCallID: carrierCallID) }
    }

    /// The carrier has told its own identifier of placed call `id`: its token lets no other call in. Returns whether the call is
    /// to be ended.
    ///
    /// Twilio's `sid` and Telnyx's `call_control_id` are what a stream's start says, too (carriers.md §2.2, §3.3.2). Of Exotel
    /// nothing says that `Sid` is the stream's `call_sid`.
    func named(_ id: String, _ carrier: Carrier, _ carrierCallID: String) -> Bool {
        if carrier != .exotel, let token = dials.token(of: id), passes.bind(token, to: carrierCallID) != nil {
            log(.error, "stream_of_another_call", ["call": .text(id)])
            _ = floor.hangUp(id)
        }
        return dials.name(id, carrierCallID)
    }

    /// The outbound call that a carrier means.
    private func dial(_ carrier: Carrier, _ id: String?, _ carrierCallID: String) -> DialRow? {
        do throws(ArchiveError) {
            if let id, CallID.isValid(id), let row = try archive.catalog.dial(id),
                row.carrier == carrier.rawValue
            {
                return row
            }
            return try archive.catalog.dial(carrier: carrier.rawValue, carrierCallID: carrierCallID)
        } catch {
            log(.error, "dial_unreadable", ["error": .text("\(error)")])
            return nil
        }
    }

    /// Outbound call `id` has gone on. Once it is over no stream of it is let in.
    func dialWent(_ id: String, to state: DialState, carrierCallID: String? = nil, cause: String? = nil) {
        if state == .answered { dials.isAnswered(id) }
        if state.isFinal, let token = dials.end(id) { passes.withdraw(token) }
        let news = DialProgress(
            state: state, carrierCallID: carrierCallID, cause: cause, at: ArchiveTime.now())
        archive.apply(.dialProgress(id: id, news)) { [log] result in
            if case .failure(let error) = result {
                log(.error, "dial_not_kept", ["call": .text(id), "error": .text("\(error)")])
            }
        }
    }
}

extension DialRow {
    /// Whether we ended it without the carrier's word: it was never named, or nothing was told of it for too long.
    var wasGivenUp: Bool { state.isFinal && (carrierCallID == nil || cause == "unconfirmed") }
}
