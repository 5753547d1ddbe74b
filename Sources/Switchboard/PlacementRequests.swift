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
        /// What the order says of its stream.
        var stream = StreamWishes()
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

    /// Throws for what `carrier` does not take of the stream of `call`, whose token counts by its length only.
    func check(_ call: Placement, by carrier: Carrier) throws(StreamOrderFault) {
        switch carrier {
        case .twilio: try StreamOrders.checkTwilio(call.stream)
        case .telnyx: _ = try settings.telnyx.stream.with(call.stream)
        case .exotel: try StreamOrders.checkExotel(call.stream)
        }
        do throws(SignallingError) {
            _ = try place(call, by: carrier)
        } catch {
            // Each by itself can be; together they are more than a document or an address holds.
            throw StreamOrderFault(member: "custom_parameters")
        }
    }

    /// The request that places a call. Throws what the carrier would not take.
    func place(_ call: Placement, by carrier: Carrier) throws(SignallingError) -> RESTRequest {
        guard let url = addresses.url(carrier, token: call.token, base: call.base, call.stream) else {
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
            url: url, name: call.stream.name, track: call.stream.track,
            statusCallback: call.base.url(target: "/twilio/stream-status"),
            statusCallbackMethod: call.stream.statusCallbackMethod,
            parameters: [(TwilioDoor.tokenParameter, call.token), ("From", call.from), ("To", call.to)]
                + call.stream.parameters.map { ($0.name, $0.value) })
        var verbs = [TwiML.Verb.connect(stream)]
        // Who answers a call whose agent then fails is told so, like who calls us.
        if let next = call.base.url(target: "/twilio/stream-ended") { verbs.append(.redirect(url: next)) }
        var new = TwilioNewCall(to: call.to, from: call.from, document: .twiml(TwiML(verbs)))
        // Callbacks may overtake the answer, from which alone we know Twilio's id of the call: ours is in their address.
        new.statusCallback = call.base.url(target: "/twilio/call-status?dial=" + call.id)
        new.statusCallbackEvents = TwilioNewCall.Event.allCases
        new.timeout = Self.ringSeconds
        return try service.create(new)
    }

    private func telnyx(_ call: Placement, _ url: String) throws(SignallingError) -> RESTRequest {
        let account = settings.telnyx
        let stream: TelnyxStreamSettings
        do throws(StreamOrderFault) {
            stream = try account.stream.with(call.stream)
        } catch {
            throw .invalid("stream")
        }
        var dial = TelnyxDial(
            connectionID: account.connectionID, to: call.to, from: call.from,
            streaming: stream.streaming(url: url, for: .dial))
        dial.timeoutSeconds = Self.ringSeconds
        dial.webhookURL = call.base.url(target: "/telnyx/webhook")
        var state: [UInt8] = []
        Array(call.id.utf8).withUnsafeBytes { Base64.encode($0, into: &state) }
        dial.tag = TelnyxTag(clientState: String(decoding: state, as: UTF8.self), commandID: call.id)
        return try telnyx.dial(dial)
    }

    /// What the stream of a Telnyx call is, beyond what its start will tell: our sound, where the order names another than
    /// the configured one, and the custom parameters, which `dial` does not take (carriers.md §3.1.4).
    func prepare(_ plan: inout CallPlan, _ wishes: StreamWishes?) {
        var asked = settings.telnyx.stream
        if let wishes {
            do throws(StreamOrderFault) {
                asked = try asked.with(wishes)
            } catch {
                // Refused before, and again when the request is made.
                return
            }
            plan.sound = StreamSound(codec: asked.bidirectionalCodec.rawValue, rate: asked.rate)
        }
        guard !asked.parameters.isEmpty else { return }
        plan.parameters = Dictionary(asked.parameters.map { ($0.name, $0.value) }) { first, _ in first }
    }

    private func exotel(_ call: Placement, _ url: String) throws(SignallingError) -> RESTRequest {
        var new = ExotelNewCall(dialledNumber: call.to, callerID: call.from, target: .stream(url: url))
        new.customField = call.id
        new.streamName = call.stream.name
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
