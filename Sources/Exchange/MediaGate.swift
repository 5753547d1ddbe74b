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
        guard request.header("Upgrade")?.lowercased().contains("websocket") == true else { return nil }
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
            carrier: route.carrier, identity: identity, proofs: proofs, loop: loops.next(),
            office: office, at: now)
        guard office.hasRoom else {
            return refuse(
                503, office.isClosed ? "draining" : "too_many_calls", "No further call is taken now.")
        }
        if let trouble = office.disk.trouble {
            return refuse(503, trouble.rawValue, "No further call is taken: it could not be recorded.")
        }
        // A call counts from here only: an upgrade that turns out wrong, or whose peer is gone, leaves no call behind.
        return .upgrade { [loops, office] socket in
            guard office.admit(session) else {
                office.metrics.add(
                    "teeline_calls_refused_total", labels: MetricsRegistry.label("cause", "too_many_calls"))
                return socket.release()
            }
            loops.take(session, socket)
        }
    }

    func bodyLimit(for head: HTTPRequest) -> Int? { office.switchboard?.bodyLimit(for: head) }

    func tooMany(_ request: HTTPRequest) -> HTTPResponse? { office.switchboard?.tooMany(request) }

    private func refuse(_ status: Int, _ token: String, _ detail: String) -> HTTPOutcome {
        office.refused(token)
        return .response(Problem(status: status, code: token, detail: detail).response)
    }
}
