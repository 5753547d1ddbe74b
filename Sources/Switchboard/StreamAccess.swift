// Who may open a media stream: what its upgrade has to prove, and what its start has to.

import Carriers
import Cryptography
import Net
import Routing
import Signalling

/// What an upgrade has proven. It goes with the stream until its start.
public struct StreamEvidence: Sendable {
    /// The stream token that came with the upgrade; it is claimed at the start.
    public var token: String?
    /// The placed call that the token is of.
    public var dial: String?
    /// Whether the carrier itself has been recognised (signature, credentials, address).
    public var isCarrier = false
    /// The mode of the path it came by, when neither a token nor a rule says another.
    public var usualMode: CallMode?

    /// Evidence of nothing.
    public init() {}
}

/// Why an upgrade is refused.
public struct StreamRefusal: Error, Sendable {
    /// A short token for metrics and log.
    public var cause: String
    /// The answer.
    public var response: HTTPResponse
}

/// A stream that is let in.
public struct AdmittedStream: Sendable {
    /// Its start, without what only the door needed.
    public var start: StreamStart
    /// What its call is.
    public var plan: CallPlan
}

/// Why a stream that has said who it is is not let in.
public struct StreamFault: Error, Sendable, Hashable {
    /// A short token for metrics and log: a `PassRefusal`'s, `no_token` or `auth_token`.
    public var cause: String
}

/// The check of media streams.
struct StreamAccess: Sendable {
    let settings: SwitchboardSettings
    let guarding: DoorGuard
    let passes: PassOffice
    let reception: Reception

    /// The path whose streams speak by themselves, as the text-to-speech page has it.
    static let speechPath = "/api/v1/elevenlabs-twilio/call/connection"

    /// Checks an upgrade before it is answered.
    func check(_ request: HTTPRequest, carrier: Carrier) -> Result<StreamEvidence, StreamRefusal> {
        var evidence = StreamEvidence()
        evidence.token = token(in: request, carrier: carrier)
        evidence.dial = evidence.token.flatMap { passes.dial(of: $0, carrier: carrier) }
        if request.path == Self.speechPath { evidence.usualMode = .speech }
        guard !settings.authIsOff, let refusal = fault(of: request, carrier, &evidence) else {
            return .success(evidence)
        }
        if let response = guarding.tooMany(request) {
            return .failure(StreamRefusal(cause: "too_many_requests", response: response))
        }
        return .failure(refusal)
    }

    /// Why an upgrade proves nothing; nil when it proves what its carrier's have to.
    private func fault(
        of request: HTTPRequest, _ carrier: Carrier, _ evidence: inout StreamEvidence
    ) -> StreamRefusal? {
        switch carrier {
        case .twilio:
            // The token comes with the start, as a custom parameter: Twilio's stream URLs have no query.
            if let cause = guarding.twilioUpgradeFault(request) { return refusal(403, cause) }
            evidence.isCarrier = true
        case .telnyx:
            guard let token = evidence.token else { return refusal(401, "no_token") }
            if let refused = passes.check(token, carrier: carrier) { return refusal(403, refused.rawValue) }
            // What stands beside the token is Telnyx's `stream_auth_token`, if it is anything.
            if let other = authorization(of: request), other != token, !isAuthToken(other) {
                return refusal(403, "auth_token")
            }
        case .exotel:
            if let token = evidence.token {
                if let refused = passes.check(token, carrier: carrier) {
                    return refusal(403, refused.rawValue)
                }
            } else {
                if let cause = guarding.exotelUpgradeFault(request) {
                    return refusal(cause == AccessRefusal.missing.rawValue ? 401 : 403, cause)
                }
                evidence.isCarrier = true
            }
        }
        return nil
    }

    /// What becomes of a stream whose upgrade has proven `evidence`: its start without the token, and its plan; or why it is
    /// refused. Answered from memory.
    func admit(_ told: StreamStart, evidence: StreamEvidence) -> Result<AdmittedStream, StreamFault> {
        var start = told
        // What stands in the start is for the door only, and never stored.
        let carried = start.parameters.removeValue(forKey: TwilioDoor.tokenParameter)
        start.parameters.removeValue(forKey: "token")
        start.authToken = nil
        if start.carrier == .telnyx, let authToken = told.authToken?.text, !settings.authIsOff,
            !isAuthToken(authToken)
        {
            return .failure(StreamFault(cause: "auth_token"))
        }
        if let token = evidence.token ?? carried {
            switch passes.claim(token, carrier: start.carrier, carrierCallID: start.callID) {
            case .failure(let refusal):
                guard settings.authIsOff else { return .failure(StreamFault(cause: refusal.rawValue)) }
            case .success(let plan):
                // Of a call that we placed we know the numbers; Exotel's `from` is then the one it dialled.
                let isPlaced = plan.callID != nil
                start.caller = (isPlaced ? plan.caller : nil) ?? start.caller ?? plan.caller
                start.called = (isPlaced ? plan.called : nil) ?? start.called ?? plan.called
                start.parameters.merge(plan.parameters ?? [:]) { told, _ in told }
                if start.carrier == .telnyx, let sound = plan.sound {
                    start.outbound = settings.telnyx.stream.outbound(sound)
                }
                return .success(AdmittedStream(start: start, plan: plan))
            }
        }
        // Without a token only Exotel's recognised streams are calls: their address is fixed in an applet. Twilio's
        // signature of a stream URL is the same for every call, so that it proves the carrier but no call.
        guard settings.authIsOff || (start.carrier == .exotel && evidence.isCarrier) else {
            return .failure(StreamFault(cause: "no_token"))
        }
        var call = CallAtTheDoor(carrier: start.carrier, caller: start.caller, called: start.called)
        call.wishes.usualMode = evidence.usualMode
        var plan = reception.decide(call, context: start.parameters)
        plan.awaitsContext = start.carrier == .exotel ? true : nil
        return .success(AdmittedStream(start: start, plan: plan))
    }

    /// The token of an upgrade: in the query, or as Authorization (Telnyx's `stream_auth_token` is "sent as part of the
    /// WebSocket connection"; where is not documented, so both forms of the field are read).
    private func token(in request: HTTPRequest, carrier: Carrier) -> String? {
        if let token = request.parameter("token"), !token.isEmpty { return token }
        return carrier == .telnyx ? authorization(of: request) : nil
    }

    /// What an upgrade's Authorization bears, by itself or as Bearer; nil for nothing and for another scheme.
    private func authorization(of request: HTTPRequest) -> String? {
        guard let field = request.header("Authorization"), !field.isEmpty else { return nil }
        if field.lowercased().hasPrefix("bearer ") { return String(field.dropFirst(7)) }
        return field.contains(" ") ? nil : field
    }

    /// Whether `text` is the `stream_auth_token` that Telnyx was given; anything is, where none was. That a stream shows
    /// none is no fault: where Telnyx puts it is not documented (carriers.md §3.3.3), and the token in the address is the
    /// proof.
    private func isAuthToken(_ text: String) -> Bool {
        guard let token = settings.telnyx.stream.authToken else { return true }
        return Secret(text) == token
    }

    private func refusal(_ status: Int, _ cause: String) -> StreamRefusal {
        let headers = status == 401 ? [("WWW-Authenticate", "Basic realm=\"teeline\"")] : []
        return StreamRefusal(
            cause: cause,
            response: TelephoneSwitchboard.problem(status, "not_authenticated", headers: headers))
    }
}
