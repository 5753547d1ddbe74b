// Where carriers' media sockets come in.

import Archive
import Calls
import Carriers
import Desk
import Net
import Switchboard
import Telemetry

/// Takes carriers' upgrades and makes calls of them.
final class MediaGate: MediaDoor {
    private let office: CallOffice
    private let loops: LoopCrew

    init(office: CallOffice, loops: LoopCrew) {
        self.office = office
        self.loops = loops
    }

    func offer(_ request: HTTPRequest) -> HTTPOutcome? {
        if let outcome = office.switchboard?.offer(request) { return outcome }
        guard let route = StreamRoutes.at(request.path) else { return nil }
        guard request.header("Upgrade")?.lowercased().contains("websocket") == true else {
            return Self.isNoStream(request)
        }
        let proofs: StreamProofs
        guard let switchboard = office.switchboard else { return nil }
        switch switchboard.check(request, anyOf: route.carriers) {
        case .success(let shown): proofs = shown
        case .failure(let refusal):
            office.refused(refusal.cause)
            return .response(refusal.response)
        }
        let id = CallID.make()
        let now = MonotonicTime.now
        let identity = CallIdentity(
            callID: id, startedAt: ArchiveTime.now(), seed: UInt64.random(in: 1...UInt64.max))
        let session = CallSession(
            carrier: route.carrier, identity: identity, proofs: proofs, seat: loops.seat(),
            office: office, at: now)
        let place: HeldPlace
        switch office.place(for: session.key, claim(proofs)) {
        case .success(let held): place = held
        case .failure(let refusal):
            return refuse(
                503, refusal.rawValue,
                refusal == .tooManyStreams
                    ? "Too many streams without a start are open." : "No further call is taken now.")
        }
        if let trouble = office.disk.trouble {
            return refuse(503, trouble.rawValue, "No further call is taken: it could not be recorded.")
        }
        // A call counts from here only: an upgrade that turns out wrong, or whose peer is gone, leaves no call behind, and
        // its place is free when it is let go of.
        return .upgrade { [loops, office] socket in
            let isAdmitted = withExtendedLifetime(place) { office.admit(session) }
            guard isAdmitted else {
                office.metrics.add(
                    "teeline_calls_refused_total", labels: MetricsRegistry.label("cause", "draining"))
                return socket.release()
            }
            loops.take(session, socket)
        }
    }

    /// What a stream without its start counts as. Where nobody proves anything, nothing tells one from another.
    private func claim(_ proofs: StreamProofs) -> PlaceClaim {
        office.settings.carrierAuthIsOff
            ? PlaceClaim() : PlaceClaim(token: proofs.token, isOfACall: proofs.isOfACall)
    }

    /// The answer to a request for a stream's path that asks for no WebSocket (RFC 9110 §15.5.22, §15.5.6).
    private static func isNoStream(_ request: HTTPRequest) -> HTTPOutcome {
        guard ["GET", "HEAD"].contains(request.method) else {
            return .response(
                Problem(
                    status: 405, code: "method_not_allowed",
                    detail: "This is not done here; Allow says what is.", headers: ["Allow": "GET"]
                ).response)
        }
        return .response(
            Problem(
                status: 426, code: "upgrade_required", detail: "A media stream comes in here, by WebSocket.",
                headers: ["Upgrade": "websocket", "Connection": "Upgrade"]
            ).response)
    }

    func bodyLimit(for head: HTTPRequest) -> Int? { office.switchboard?.bodyLimit(for: head) }

    func tooMany(_ request: HTTPRequest) -> HTTPResponse? { office.switchboard?.tooMany(request) }

    private func refuse(_ status: Int, _ token: String, _ detail: String) -> HTTPOutcome {
        office.refused(token)
        return .response(Problem(status: status, code: token, detail: detail).response)
    }
}
