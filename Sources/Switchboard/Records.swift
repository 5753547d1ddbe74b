// What the doors write down: webhooks as they were received, and how outbound calls go on.

import Archive
import Carriers
import Net
import Signalling
import Telemetry
import Wire

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

    /// Keeps a webhook. `key` tells it from every other one of its carrier: the same one again changes nothing.
    func record(_ request: HTTPRequest, carrier: Carrier, kind: String, call: String?, key: String) {
        record(
            CarrierEventRow(
                carrier: carrier.rawValue, key: String(key.prefix(256)), carrierCallID: call,
                kind: String(kind.prefix(64)), receivedAt: ArchiveTime.now(),
                detail: Self.detail(request)))
    }

    /// Keeps a webhook.
    func record(_ row: CarrierEventRow) {
        archive.apply(.carrierEvent(row)) { [log] result in
            if case .failure(let error) = result {
                log(.error, "webhook_not_kept", ["kind": .text(row.kind), "error": .text("\(error)")])
            }
        }
    }

    /// An outbound call has gone on, by the carrier's word, which may name it by our own identifier `dial` too: that is known
    /// before the carrier's. `unanswered` is what became of it if nobody has answered, where the word does not say.
    func dialWent(
        _ carrier: Carrier, dial id: String?, carrierCallID: String, to told: DialState, cause: String?,
        unanswered: DialState? = nil
    ) {
        guard let row = dial(carrier, id, carrierCallID) else { return }
        let isCanceled = dials.name(row.id, carrierCallID)
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

    /// `text` without the tokens and keys of our own addresses, which carriers tell back (carriers.md §3.1.6).
    static func withoutTokens(_ text: String) -> String {
        text.replacing(/((?:[?&]|\\u0026)(?:token|key)=)[^"&\\\s]+/) { "\($0.output.1)" }
    }

    private static func isObject(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { raw in
            var scanner = JSONScanner(raw)
            guard case .object = scanner.value() else { return false }
            return scanner.finish()
        }
    }

    /// All fields of a request as one JSON object; a body that is none of the kinds we know is left out. Tokens and keys
    /// of ours are not kept.
    static func detail(_ request: HTTPRequest) -> String {
        let isJSON = request.header("Content-Type")?.lowercased().hasPrefix("application/json") == true
        if isJSON, request.body.count <= 60 << 10, let text = String(validating: request.body, as: UTF8.self),
            isObject(request.body)
        {
            return withoutTokens(text)
        }
        var fields = request.query.filter { $0.name != "key" && $0.name != "token" }
        if !isJSON, let form = FormFields(request.body) { fields += form.fields }
        var seen: Set<String> = []
        let members = fields.filter { seen.insert($0.name).inserted }
            .map { (name: $0.name, json: JSONText.quoted(withoutTokens($0.value))) }
        let text = JSONText.object(members)
        return text.utf8.count <= 60 << 10 ? text : "{}"
    }
}

extension DialRow {
    /// Whether we ended it without the carrier's word: it was never named, or nothing was told of it for too long.
    var wasGivenUp: Bool { state.isFinal && (carrierCallID == nil || cause == "unconfirmed") }
}
