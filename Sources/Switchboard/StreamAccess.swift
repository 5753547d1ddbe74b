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
    /// Whether the token is of a call that is known: one that came in or was placed, or whose name the token was issued for.
    public var isOfACall = false
    /// The mode of the path it came by, when neither a token nor a rule says another.
    public var usualMode: CallMode?

    /// Evidence of nothing.
    public init() {}
}

/// What an upgrade has proven to each carrier that it may be of: at a path of one carrier that is one.
public struct StreamProofs: Sendable {
    private var evidence: [Carrier: StreamEvidence]

    /// The proofs of `evidence`.
    public init(_ evidence: [Carrier: StreamEvidence] = [:]) { self.evidence = evidence }

    /// Whose streams the upgrade may open.
    public var carriers: Set<Carrier> { Set(evidence.keys) }
    /// The placed call that a token is of; a token is of one carrier.
    public var dial: String? { evidence.values.lazy.compactMap(\.dial).first }

    /// The token that the upgrade showed.
    public var token: String? { evidence.values.lazy.compactMap(\.token).first }
    /// Whether a carrier or a call that is known stands behind the upgrade, and not only a token for any call.
    public var isOfACall: Bool { evidence.values.contains { $0.isCarrier || $0.isOfACall } }

    /// What is proven for a stream of `carrier`; nil when nothing is, and such a stream is not let in.
    public subscript(_ carrier: Carrier) -> StreamEvidence? {
        get { evidence[carrier] }
        set { evidence[carrier] = newValue }
    }
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
    /// A short token for metrics and log: a `PassRefusal`'s, `no_token` or `auth_token`. `otherCarrier` is also a stream whose
    /// upgrade proved another carrier than the one that its frames are of.
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

    /// Checks an upgrade before it is answered: it has to prove what one of `carriers` has to, and is good for those whose
    /// proof it bears.
    func check(_ request: HTTPRequest, anyOf carriers: [Carrier]) -> Result<StreamProofs, StreamRefusal> {
        if settings.authIsOff, isOfAPage(request) {
            let response = TelephoneSwitchboard.problem(403, "foreign_origin")
            return .failure(StreamRefusal(cause: "foreign_origin", response: response))
        }
        var proofs = StreamProofs()
        var refusals: [StreamRefusal] = []
        for carrier in carriers {
            var evidence = StreamEvidence()
            evidence.token = token(in: request, carrier: carrier)
            evidence.dial = evidence.token.flatMap { passes.dial(of: $0, carrier: carrier) }
            evidence.isOfACall =
                evidence.dial != nil
                || evidence.token.map { passes.isOfACall($0, carrier: carrier) } == true
            if request.path == Self.speechPath { evidence.usualMode = .speech }
            if !settings.authIsOff, let refusal = fault(of: request, carrier, &evidence) {
                refusals.append(refusal)
            } else {
                proofs[carrier] = evidence
            }
        }
        guard proofs.carriers.isEmpty, let refusal = Self.closest(refusals) else { return .success(proofs) }
        if let response = guarding.tooMany(request) {
            return .failure(StreamRefusal(cause: "too_many_requests", response: response))
        }
        return .failure(refusal)
    }

    /// Whether a page of another site opens the stream, in the browser of somebody who reaches this server: browsers tell
    /// the Origin of every WebSocket (RFC 6455 §4.1), carriers none (carriers.md §2.1). A name that a page had resolved to
    /// this server's address is its own origin, so that the host has to be one that no stranger can name.
    private func isOfAPage(_ request: HTTPRequest) -> Bool {
        if request.isFromAnotherSite { return true }
        guard request.header("Origin") != nil, let authority = request.authority else { return false }
        if authority.isLoopback || IPAddress(authority.host.filter { $0 != "[" && $0 != "]" }) != nil {
            return false
        }
        let base = settings.proxies.base.flatMap { HTTPAuthority($0.authority) }
        return authority.host != base?.host
    }

    /// Of several carriers' refusals the one that says most: of a proof that was shown and is wrong before one of a proof that
    /// was not shown, and of that the one that asks for it.
    private static func closest(_ refusals: [StreamRefusal]) -> StreamRefusal? {
        func rank(_ refusal: StreamRefusal) -> Int {
            switch refusal.cause {
            case SignatureRefusal.missing.rawValue, SignatureRefusal.key.rawValue,
                AccessRefusal.closed.rawValue, "no_token":
                refusal.response.status == 401 ? 1 : 0
            case PassRefusal.otherCarrier.rawValue: 2
            default: 3
            }
        }
        return refusals.max { rank($0) < rank($1) }
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

    /// What becomes of a stream whose upgrade has shown `proofs`: its start without the token, and its plan; or why it is
    /// refused. Answered from memory.
    func admit(_ told: StreamStart, proofs: StreamProofs) -> Result<AdmittedStream, StreamFault> {
        // What one carrier's proof lets in is that carrier's stream, whatever its frames say they are.
        guard let evidence = proofs[told.carrier] else {
            return .failure(StreamFault(cause: PassRefusal.otherCarrier.rawValue))
        }
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
