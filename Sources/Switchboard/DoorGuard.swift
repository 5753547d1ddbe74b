// Who may knock: rates of unknown sources, and the proof that each kind of door asks for.

import Agents
import Archive
import Cryptography
import Net
import Signalling
import Telemetry

/// Checks requests before anything is done for them.
struct DoorGuard: Sendable {
    private let settings: SwitchboardSettings
    private let limiter: RateLimiter
    private let twilio: TwilioSignature
    private let telnyx: TelnyxSignature
    private let exotel: ExotelAccess
    private let elevenLabs: WebhookSignature
    private let log: Log
    private let metrics: MetricsRegistry
    private let isDeveloper: @Sendable (HTTPRequest) -> Bool

    init(
        _ settings: SwitchboardSettings,
        isDeveloper: @escaping @Sendable (HTTPRequest) -> Bool = { _ in false },
        log: Log, metrics: MetricsRegistry
    ) throws(CryptographyError) {
        self.settings = settings
        self.isDeveloper = isDeveloper
        self.log = log
        self.metrics = metrics
        limiter = RateLimiter(
            burst: max(settings.requestsPerMinute / 4, 10), perMinute: settings.requestsPerMinute)
        twilio = TwilioSignature(
            authTokens: settings.twilio.authTokens, sharedKeys: settings.twilio.sharedKeys)
        telnyx = try TelnyxSignature(publicKeys: settings.telnyx.publicKeys)
        exotel = try ExotelAccess(
            credentials: settings.exotel.streamCredentials.compactMap {
                BasicCredentials(key: $0.user, token: $0.password)
            }, addresses: settings.exotel.allowedAddresses)
        elevenLabs = WebhookSignature(secrets: settings.elevenLabs.webhookSecrets)
    }

    /// The answer to a request that may not come in at `route`; nil when it may. What proves who it is does not count
    /// against its source: a carrier comes from few addresses, which strangers may share behind a proxy.
    func refusal(of request: HTTPRequest, at route: WebhookRoute) -> HTTPResponse? {
        if route.kind == .api {
            // As for the API: carriers' authentication being off opens no developer's door.
            guard !isDeveloper(request) else { return nil }
            return tooMany(request)
                ?? TelephoneSwitchboard.problem(
                    401, "not_authenticated", headers: [("WWW-Authenticate", "Bearer")])
        }
        // Where anybody may come, nobody is counted: a load test comes from one address.
        if settings.authIsOff { return nil }
        guard let cause = fault(of: request, at: route.kind) else { return nil }
        metrics.add(
            "teeline_doors_refused_total",
            labels: MetricsRegistry.label("door", route.kind.rawValue) + ","
                + MetricsRegistry.label("cause", cause))
        if let refusal = tooMany(request) { return refusal }
        log(.warning, "webhook_refused", ["door": .text(route.kind.rawValue), "cause": .text(cause)])
        let isUnnamed = route.kind == .exotel && cause == AccessRefusal.missing.rawValue
        return TelephoneSwitchboard.problem(
            isUnnamed ? 401 : 403, "not_authenticated",
            headers: isUnnamed ? [("WWW-Authenticate", "Basic realm=\"teeline\"")] : [])
    }

    /// 429 when the source of `request` has asked too often without a proof.
    func tooMany(_ request: HTTPRequest) -> HTTPResponse? {
        let sender = settings.proxies.sender(peer: request.remoteAddress, headers: request.headers)
        let wait = limiter.admit(sender, at: MonotonicTime.now.nanoseconds / 1_000_000)
        guard wait > 0 else { return nil }
        metrics.add("teeline_doors_limited_total")
        return TelephoneSwitchboard.problem(
            429, "too_many_requests", headers: [("Retry-After", String(max(1, (wait + 999) / 1000)))])
    }

    /// Why `request` proves nothing; nil when it proves what `kind` asks for.
    private func fault(of request: HTTPRequest, at kind: DoorKind) -> String? {
        switch kind {
        case .api: nil
        case .twilio: fault { () throws(SignatureRefusal) in try verifyTwilio(request) }
        case .telnyx:
            fault { () throws(SignatureRefusal) in
                try telnyx.verify(
                    body: request.body, signature: request.header(TelnyxSignature.header),
                    timestamp: request.header(TelnyxSignature.timestampHeader), at: PassOffice.now)
            }
        case .elevenLabs:
            fault { () throws(SignatureRefusal) in
                try elevenLabs.verify(
                    header: request.header(WebhookSignature.header), body: request.body, at: PassOffice.now)
            }
        case .exotel: exotelFault(request)
        case .initiation: initiationFault(request)
        }
    }

    private func fault(_ check: () throws(SignatureRefusal) -> Void) -> String? {
        do throws(SignatureRefusal) {
            try check()
            return nil
        } catch {
            return error.rawValue
        }
    }

    private func verifyTwilio(_ request: HTTPRequest) throws(SignatureRefusal) {
        let base = settings.proxies.base(peer: request.remoteAddress, headers: request.headers)
        guard let url = base?.url(target: request.target) else { throw .malformed }
        let content = TwilioSignature.Content(type: request.header("Content-Type"), body: request.body)
        guard let content else { throw .malformed }
        try twilio.verify(
            url: url, content: content, signature: request.header(TwilioSignature.header),
            settings: request.header(TwilioSignature.settingsHeader))
    }

    /// Exotel's webhooks are unsigned (carriers.md §4.1.4): their address has an unguessable value in it, or they bear the
    /// credentials of a stream; and they come from the allowed addresses, where there are any.
    private func exotelFault(_ request: HTTPRequest) -> String? {
        let sender = settings.proxies.sender(peer: request.remoteAddress, headers: request.headers)
        if let key = request.parameter("key"), !settings.exotel.webhookKeys.isEmpty {
            let isKnown = settings.exotel.webhookKeys.reduce(false) { $1 == Secret(key) || $0 }
            guard isKnown else { return AccessRefusal.credentials.rawValue }
            return accessFault { () throws(AccessRefusal) in try exotel.verify(sender: sender) }
        }
        return accessFault { () throws(AccessRefusal) in
            try exotel.verify(authorization: request.header("Authorization"), sender: sender)
        }
    }

    private func accessFault(_ check: () throws(AccessRefusal) -> Void) -> String? {
        do throws(AccessRefusal) {
            try check()
            return nil
        } catch {
            return error.rawValue
        }
    }

    private func initiationFault(_ request: HTTPRequest) -> String? {
        guard let field = request.header("Authorization"), field.lowercased().hasPrefix("bearer ") else {
            return SignatureRefusal.missing.rawValue
        }
        let told = Secret(String(field.dropFirst(7)))
        let isKnown = settings.elevenLabs.initiationSecrets.reduce(false) {
            ($1 == told && !$1.isEmpty) || $0
        }
        return isKnown ? nil : SignatureRefusal.mismatch.rawValue
    }

    // MARK: Media streams

    /// Why the upgrade of a Twilio stream proves nothing; nil when it is Twilio's.
    func twilioUpgradeFault(_ request: HTTPRequest) -> String? {
        fault { () throws(SignatureRefusal) in
            let base = settings.proxies.base(peer: request.remoteAddress, headers: request.headers)
            guard let url = base?.streamURL(target: request.target) else { throw .malformed }
            try twilio.verifyUpgrade(
                url: url, signature: request.header(TwilioSignature.header),
                settings: request.header(TwilioSignature.settingsHeader))
        }
    }

    /// Why the upgrade of an Exotel stream proves nothing; nil when it is Exotel's.
    func exotelUpgradeFault(_ request: HTTPRequest) -> String? {
        let sender = settings.proxies.sender(peer: request.remoteAddress, headers: request.headers)
        return accessFault { () throws(AccessRefusal) in
            try exotel.verify(authorization: request.header("Authorization"), sender: sender)
        }
    }
}
