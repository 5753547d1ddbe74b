// Calls over HTTP: placing, looking at, ending, speaking in them, and passes for streams.

import Archive
import Net
import Routing
import Wire

/// Answers for calls.
struct CallRoutes {
    let catalog: Catalog
    let live: (any LiveCallSource)?
    let control: (any CallControl)?
    let issuer: (any StreamTokenIssuer)?
    let orders: OrderMemory

    func answer(
        _ action: RouteAction, _ id: String, _ request: HTTPRequest
    ) throws(ArchiveError) -> HTTPResponse {
        if action == .call { return try look(id) }
        do throws(BodyFault) {
            let value = request.body.isEmpty ? BodyValue.object([]) : BodyValue(request.body)
            guard let value else { throw .syntax }
            switch action {
            case .placeCall: return place(try CallBody.order(value), request)
            case .issueToken: return issue(try CallBody.token(value))
            case .speak:
                let text = try BodyObject(value, known: ["text"]).required("text", limit: CallBody.textLimit)
                return speak(id, text)
            default:
                _ = try BodyObject(value, known: [])
                return hangUp(id)
            }
        } catch {
            return error.problem().response
        }
    }

    /// Places a call, once for each `Idempotency-Key`.
    private func place(_ order: CallOrder, _ request: HTTPRequest) -> HTTPResponse {
        guard let control else { return Self.problem(.carrierNotConfigured).response }
        let key = request.header("Idempotency-Key")
        if let key {
            guard OrderMemory.isKey(key) else { return Self.badKey.response }
            switch orders.begin(key, request.body) {
            case .new: break
            case .underWay: return Self.keyUnderWay.response
            case .otherOrder: return Self.keyOfAnother.response
            case .placed(let id): return repeated(id)
            }
        }
        switch control.place(order) {
        case .failure(let refusal):
            if let key { orders.forget(key) }
            return Self.problem(refusal).response
        case .success(let row):
            if let key { orders.placed(key, row.id) }
            return Self.placed(row)
        }
    }

    /// The answer to an order that was carried out before: how far its call is by now.
    private func repeated(_ id: String) -> HTTPResponse {
        do throws(ArchiveError) {
            guard let row = try catalog.dial(id) else { return Self.problem(.storageUnavailable).response }
            return Self.placed(row)
        } catch {
            return Self.problem(.storageUnavailable).response
        }
    }

    private static func placed(_ row: DialRow) -> HTTPResponse {
        var response = DeskHandler.json(json(row), status: 202)
        response.headers.append(("Location", "/v1/calls/\(row.id)"))
        return response
    }

    private static let badKey = Problem(
        status: 400, code: "bad_idempotency_key",
        detail: "Idempotency-Key is 1 to 255 printable ASCII characters.")
    private static let keyUnderWay = Problem(
        status: 409, code: "idempotency_key_under_way",
        detail: "The first order with this key is being placed.",
        headers: ["Retry-After": "1"])
    private static let keyOfAnother = Problem(
        status: 422, code: "idempotency_key_reused", detail: "This key belongs to an order with another body."
    )

    private func issue(_ order: StreamTokenOrder) -> HTTPResponse {
        guard let issuer else { return Self.problem(.carrierNotConfigured).response }
        switch issuer.issue(order) {
        case .failure(let refusal): return Self.problem(refusal).response
        case .success(let token):
            return DeskHandler.json(
                JSON.object([
                    ("token", JSON.quoted(token.token)),
                    ("expires_at", JSON.quoted(ArchiveTime.rfc3339(token.expiresAt))),
                    ("url", JSON.quoted(token.url)),
                ]), status: 201)
        }
    }

    private func hangUp(_ id: String) -> HTTPResponse {
        switch control?.hangUp(id) ?? .unknown {
        case .accepted: return Self.accepted(id)
        case .over: return Self.over.response
        case .unknown: return Problem.unknownCall.response
        }
    }

    private func speak(_ id: String, _ text: String) -> HTTPResponse {
        switch control?.speak(id, text) ?? .unknown {
        case .accepted: return Self.accepted(id)
        case .over: return Self.over.response
        case .unknown: return Problem.unknownCall.response
        case .wrongMode:
            return Problem(
                status: 409, code: "wrong_mode", detail: "Texts are spoken in calls of mode speech only."
            ).response
        case .notSpeaking:
            return Problem(
                status: 409, code: "not_speaking", detail: "The call does not speak yet, or not any more.",
                headers: ["Retry-After": "1"]
            ).response
        case .tooMany:
            return Problem(
                status: 429, code: "too_many_texts", detail: "Too many texts wait to be spoken.",
                headers: ["Retry-After": "5"]
            ).response
        }
    }

    /// What is known of a call: how it was placed, whether it runs, where its recording is.
    private func look(_ id: String) throws(ArchiveError) -> HTTPResponse {
        let dial = try catalog.dial(id)
        let running = (live?.liveCalls() ?? []).first { $0.id == id }
        let stored = try catalog.call(id)
        guard dial != nil || running != nil || stored != nil else { return Problem.unknownCall.response }
        let told: [CarrierEventRow] =
            if let name = stored?.call.carrierCallID ?? dial?.carrierCallID, !name.isEmpty {
                try catalog.carrierEvents(ofCarrierCall: name, limit: Self.eventLimit)
            } else { [] }
        return DeskHandler.json(
            JSON.object([
                ("id", JSON.quoted(id)), ("dial", dial.map { Self.json($0) } ?? "null"),
                ("live", running.map { Self.json($0) } ?? "null"),
                ("recording", stored == nil ? "null" : JSON.quoted("/v1/recordings/\(id)")),
                ("carrier_events", "[" + told.map { Self.json($0) }.joined(separator: ",") + "]"),
            ]))
    }

    /// Most webhooks of one call that are told.
    private static let eventLimit = 200

    /// A webhook as it is told: what happened, and when; not what it said, which holds numbers and transcripts.
    private static func json(_ event: CarrierEventRow) -> String {
        JSON.object([
            ("source", JSON.quoted(event.carrier)), ("kind", JSON.quoted(event.kind)),
            ("occurred_at", JSON.quoted(event.occurredAt.map { ArchiveTime.rfc3339($0) })),
            ("received_at", JSON.quoted(ArchiveTime.rfc3339(event.receivedAt))),
        ])
    }

    private static let over = Problem(status: 409, code: "call_over", detail: "The call is over.")

    private static func accepted(_ id: String) -> HTTPResponse {
        DeskHandler.json(JSON.object([("id", JSON.quoted(id))]), status: 202)
    }

    static func problem(_ refusal: CallControlRefusal) -> Problem {
        switch refusal {
        case .carrierNotConfigured:
            Problem(
                status: 409, code: "carrier_not_configured",
                detail: "This server cannot call by that carrier."
            )
        case .tooManyCalls(let seconds):
            Problem(
                status: 429, code: "too_many_calls", detail: "As many calls as allowed are under way.",
                headers: ["Retry-After": String(max(seconds, 1))])
        case .bad(let member): BodyFault.bad(member).problem()
        case .storageUnavailable:
            Problem(
                status: 503, code: "storage_unavailable",
                detail: "The order cannot be written down, so nobody was called.",
                headers: ["Retry-After": "30"])
        case .draining:
            Problem(
                status: 503, code: "draining", detail: "This server takes no new calls.",
                headers: ["Retry-After": "30"])
        }
    }

    /// A placed call.
    static func json(_ dial: DialRow) -> String {
        JSON.object([
            ("id", JSON.quoted(dial.id)), ("carrier", JSON.quoted(dial.carrier)),
            ("carrier_call_id", JSON.quoted(dial.carrierCallID)), ("to", JSON.quoted(dial.called)),
            ("from", JSON.quoted(dial.caller)), ("state", JSON.quoted(dial.state.rawValue)),
            ("cause", JSON.quoted(dial.cause)),
            ("requested_at", JSON.quoted(ArchiveTime.rfc3339(dial.requestedAt))),
            ("updated_at", JSON.quoted(ArchiveTime.rfc3339(dial.updatedAt))),
            ("ended_at", JSON.quoted(dial.endedAt.map { ArchiveTime.rfc3339($0) })),
        ])
    }

    /// A call that runs.
    static func json(_ call: LiveCall) -> String {
        JSON.object([
            ("id", JSON.quoted(call.id)), ("carrier", JSON.quoted(call.carrier)),
            ("carrier_call_id", JSON.quoted(call.carrierCallID)),
            ("agent_id", JSON.quoted(call.agentID)), ("caller", JSON.quoted(call.caller)),
            ("called", JSON.quoted(call.called)),
            ("started_at", JSON.quoted(ArchiveTime.rfc3339(call.startedAt))),
            ("phase", JSON.quoted(call.phase)),
        ])
    }
}
