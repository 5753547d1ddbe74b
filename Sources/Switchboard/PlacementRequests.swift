// The REST requests that place and end calls, by carrier, and what their answers say.

import Carriers
import Cryptography
import Routing
import Signalling
import Wire

/// Makes requests and reads answers; sends nothing.
struct PlacementRequests: Sendable {
    let settings: SwitchboardSettings
    let addresses: StreamAddress

    /// Seconds a call may ring: Twilio's `Timeout` (default 60, carriers.md §2.1.4), Telnyx's `timeout_secs`. Exotel takes
    /// no such number.
    static let ringSeconds = 60

    /// A call to be placed, with all that its request needs.
    struct Placement: Sendable {
        /// Our identifier.
        var id: String
        var to: String
        var from: String
        var token: String
        var base: PublicURL
    }

    /// Whether there are keys for `carrier`.
    func isConfigured(_ carrier: Carrier) -> Bool {
        switch carrier {
        case .twilio: twilio != nil
        case .telnyx: !settings.telnyx.apiKey.isEmpty && !settings.telnyx.connectionID.isEmpty
        case .exotel:
            !settings.exotel.accountSID.isEmpty && !settings.exotel.apiKey.isEmpty
                && !settings.exotel.apiToken.isEmpty
        }
    }

    /// The configured number that `carrier`'s calls show; nil: none.
    func number(_ carrier: Carrier) -> String? {
        let number =
            switch carrier {
            case .twilio: settings.twilio.phoneNumber
            case .telnyx: settings.telnyx.phoneNumber
            case .exotel: settings.exotel.callerID
            }
        return number.isEmpty ? nil : number
    }

    // MARK: Placing

    /// The request that places a call. Throws what the carrier would not take.
    func place(_ call: Placement, by carrier: Carrier) throws(SignallingError) -> RESTRequest {
        guard let url = addresses.url(carrier, token: call.token, base: call.base) else {
            throw .invalid("url")
        }
        switch carrier {
        case .twilio: return try twilio(call, url)
        case .telnyx: return try telnyx(call, url)
        case .exotel: return try exotel(call, url)
        }
    }

    /// The carrier's identifier of the call it was asked to make.
    static func placed(_ answer: RESTAnswer, by carrier: Carrier) throws(RESTFailure) -> String {
        switch carrier {
        case .twilio: try TwilioREST.call(answer).callSid
        case .telnyx: try TelnyxREST.dialled(answer).callControlID
        case .exotel: try ExotelREST.call(answer).callSid
        }
    }

    private func twilio(_ call: Placement, _ url: String) throws(SignallingError) -> RESTRequest {
        guard let service = twilio else { throw .missingField("AccountSid") }
        let stream = try TwiML.Stream(
            url: url, statusCallback: call.base.url(target: "/twilio/stream-status"),
            parameters: [(TwilioDoor.tokenParameter, call.token), ("From", call.from), ("To", call.to)])
        var new = TwilioNewCall(to: call.to, from: call.from, document: .twiml(TwiML([.connect(stream)])))
        // Callbacks may overtake the answer, from which alone we know Twilio's id of the call: ours is in their address.
        new.statusCallback = call.base.url(target: "/twilio/call-status?dial=" + call.id)
        new.statusCallbackEvents = TwilioNewCall.Event.allCases
        new.timeout = Self.ringSeconds
        return try service.create(new)
    }

    private func telnyx(_ call: Placement, _ url: String) throws(SignallingError) -> RESTRequest {
        let account = settings.telnyx
        var dial = TelnyxDial(
            connectionID: account.connectionID, to: call.to, from: call.from,
            streaming: Self.streaming(account, url))
        dial.timeoutSeconds = Self.ringSeconds
        dial.webhookURL = call.base.url(target: "/telnyx/webhook")
        var state: [UInt8] = []
        Array(call.id.utf8).withUnsafeBytes { Base64.encode($0, into: &state) }
        dial.tag = TelnyxTag(clientState: String(decoding: state, as: UTF8.self), commandID: call.id)
        return try telnyx.dial(dial)
    }

    /// The stream of a dialled call. All codecs but Opus and L16 have one rate, which is not asked for.
    private static func streaming(_ account: TelnyxAccount, _ url: String) -> TelnyxStreaming {
        let codec = TelnyxStreaming.Codec(rawValue: account.bidirectionalCodec) ?? .pcmu
        var streaming = TelnyxStreaming(
            url: url, track: TelnyxStreaming.Track(rawValue: account.track),
            codec: TelnyxStreaming.Codec(rawValue: account.streamCodec), mode: .rtp,
            bidirectionalCodec: codec)
        if [.opus, .l16].contains(codec) { streaming.bidirectionalRate = account.samplingRate }
        streaming.targetLegs = TelnyxStreaming.Legs(rawValue: account.targetLegs)
        if account.silenceWhenIdle { streaming.sendsSilence = true }
        return streaming
    }

    private func exotel(_ call: Placement, _ url: String) throws(SignallingError) -> RESTRequest {
        var new = ExotelNewCall(dialledNumber: call.to, callerID: call.from, target: .stream(url: url))
        new.customField = call.id
        var target = "/exotel/status"
        if let key = settings.exotel.webhookKeys.first {
            let field = FormFields([("key", Self.text(key))])
            target += "?" + String(decoding: field.body, as: UTF8.self)
        }
        new.statusCallback = call.base.url(target: target)
        new.statusCallbackEvents = ["ringing", "answered", "terminal"]
        return try exotel.connect(new)
    }

    // MARK: Ending

    /// The request that ends a call; nil for Exotel, which documents none. `unanswered`: only while it rings.
    func hangUp(_ carrier: Carrier, _ carrierCallID: String, unanswered: Bool) -> RESTRequest? {
        switch carrier {
        case .twilio: twilio?.hangUp(carrierCallID, unanswered: unanswered)
        case .telnyx: telnyx.hangUp(carrierCallID)
        case .exotel: nil
        }
    }

    /// Reads the answer to `hangUp`; a call that is over is `alreadyOver`.
    static func hungUp(_ answer: RESTAnswer, by carrier: Carrier) throws(RESTFailure) {
        if carrier == .telnyx { try TelnyxREST.command(answer) } else { try TwilioREST.update(answer) }
    }

    // MARK: Services

    private var twilio: TwilioREST? {
        let account = settings.twilio
        guard !account.accountSID.isEmpty else { return nil }
        if !account.apiKeySID.isEmpty, !account.apiKeySecret.isEmpty {
            return TwilioREST(
                base: account.baseURL, accountSid: account.accountSID, keySid: account.apiKeySID,
                secret: Self.text(account.apiKeySecret))
        }
        guard let token = account.authTokens.first, !token.isEmpty else { return nil }
        return TwilioREST(
            base: account.baseURL, accountSid: account.accountSID, secret: Self.text(token))
    }

    private var telnyx: TelnyxREST {
        TelnyxREST(base: settings.telnyx.baseURL, key: Self.text(settings.telnyx.apiKey))
    }

    private var exotel: ExotelREST {
        ExotelREST(
            base: settings.exotel.baseURL, accountSid: settings.exotel.accountSID,
            key: Self.text(settings.exotel.apiKey), token: Self.text(settings.exotel.apiToken))
    }

    private static func text(_ secret: Secret) -> String { String(decoding: secret.bytes, as: UTF8.self) }
}
