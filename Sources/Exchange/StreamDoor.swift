// Who may open a media stream: what an upgrade has to prove, and what its start has to.

import Calls
import Carriers
import Desk
import Net
import Routing

/// What an upgrade has proven. It goes with the stream until its start.
struct StreamEvidence: Sendable {
    /// The stream token that came with the upgrade, already checked; it is claimed at the start.
    var token: String?
    /// Whether the carrier itself has been recognised (signature, credentials, address).
    var isCarrier = false
}

/// Why an upgrade is refused.
struct StreamRefusal: Error {
    /// A short token for the metrics and the log.
    var cause: String
    var response: HTTPResponse
}

/// The door of the media streams.
final class StreamDoor: Sendable {
    private let settings: Settings

    init(settings: Settings) { self.settings = settings }

    /// Checks an upgrade before it is answered.
    func check(_ request: HTTPRequest, carrier: Carrier) -> Result<StreamEvidence, StreamRefusal> {
        if settings.carrierAuthIsOff { return .success(StreamEvidence()) }
        let problem = Problem(
            status: 401, code: "carrier_auth_required",
            detail:
                "This server takes no unauthenticated media streams. See TEELINE_CARRIER_AUTH in its README."
        )
        return .failure(StreamRefusal(cause: "carrier_auth_required", response: problem.response))
    }

    /// Says what becomes of a stream whose upgrade has proven `evidence`.
    func admit(_ start: StreamStart, evidence: StreamEvidence) -> StreamAdmission {
        .admitted(start, CallPlan())
    }
}
