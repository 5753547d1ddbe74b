// The doors to the telephone world: webhooks in, call control out, and who may come in.

import Agents
import Archive
import Carriers
import Cryptography
import Net
import Agents
import Routing
import Speech
import Signalling
import Telemetry

/// What all doors share.
struct SwitchboardParts: Sendable {
    let settings: SwitchboardSettings
    let archive: CallArchive
    let client: HTTPClient
    let floor: any CallFloor
    let passes: PassOffice
    let reception: Reception
    let errands: Errands
    let dials: DialBook
    let apologies: Apologies
    let turn: Lock
    let addresses: StreamAddress
    let rest: RESTSender
    let voices: Voices?
    let isDeveloper: @Sendable (HTTPRequest) -> Bool
    let log: Log
    let metrics: MetricsRegistry
}

/// Text to speech, and the voice it speaks with.
public struct Voices: Sendable {
    /// Has texts spoken.
    public var synthesizer: SpeechSynthesizer
    /// The configured voice.
    public var voice: SpeechVoice

    /// Both together.
    public init(synthesizer: SpeechSynthesizer, voice: SpeechVoice) {
        self.synthesizer = synthesizer
        self.voice = voice
    }
}

/// Answers the webhooks of carriers and of ElevenLabs, and places and ends calls.
public final class TelephoneSwitchboard: Sendable {
    /// The stream tokens.
    public let passes: PassOffice
    let parts: SwitchboardParts
    private let guarding: DoorGuard
    private let streams: StreamAccess
    private let twilio: TwilioDoor
    private let telnyx: TelnyxDoor
    private let exotel: ExotelDoor
    private let elevenLabs: ElevenLabsDoor
    private let speech: SpeechDoor
    private let placer: CallPlacer

    /// A switchboard over `archive` for the calls of `floor`. `isDeveloper` says whether a request bears the API's token.
    public init(
        settings: SwitchboardSettings, archive: CallArchive, client: HTTPClient, floor: any CallFloor,
        passes: PassOffice, voices: Voices? = nil,
        isDeveloper: @escaping @Sendable (HTTPRequest) -> Bool = { _ in false }, log: Log,
        metrics: MetricsRegistry
    ) throws(CryptographyError) {
        self.passes = passes
        let lookup = ContextLookup(
            service: settings.contexts, client: client, catalog: archive.catalog, log: log, metrics: metrics)
        let reception = Reception(settings: settings, lookup: lookup, log: log)
        parts = SwitchboardParts(
            settings: settings, archive: archive, client: client, floor: floor, passes: passes,
            reception: reception, errands: Errands(log: log), dials: DialBook(),
            apologies: Apologies(), turn: Lock(),
            addresses: StreamAddress(settings: settings),
            rest: RESTSender(client: client, log: log, metrics: metrics), voices: voices,
            isDeveloper: isDeveloper, log: log, metrics: metrics)
        guarding = try DoorGuard(settings, isDeveloper: isDeveloper, log: log, metrics: metrics)
        streams = StreamAccess(
            settings: settings, guarding: guarding, passes: passes, reception: reception)
        twilio = TwilioDoor(parts)
        telnyx = TelnyxDoor(parts)
        exotel = ExotelDoor(parts)
        elevenLabs = ElevenLabsDoor(parts)
        speech = SpeechDoor(parts)
        placer = CallPlacer(parts)
    }

    /// Most bytes of the body that follows `head`; nil when it knocks at none of these doors. Who is unknown may send 64
    /// KiB. ElevenLabs' audio is larger, and its HMAC covers the body, which therefore has to be read first: the large
    /// body is read only behind a signature that is at least well-formed and of our time. How many bytes all of them may have in
    /// memory is the server's bound (`HTTPServerSettings.largeBodyBytes`).
    public func bodyLimit(for head: HTTPRequest) -> Int? {
        guard let route = WebhookRoutes.at(head.path) else { return nil }
        let usual = WebhookRoute.usualBytes
        if route.bodyBytes <= usual { return route.bodyBytes }
        let length = head.header("Content-Length").flatMap { Int($0) }
        // What would be refused by its length needs no look.
        if let length, length <= usual || length > route.bodyBytes { return usual }
        let isPlausible: Bool
        if route.kind == .telnyx {
            isPlausible = TelnyxSignature.isPlausible(
                signature: head.header(TelnyxSignature.header),
                timestamp: head.header(TelnyxSignature.timestampHeader), at: PassOffice.now)
        } else {
            isPlausible = WebhookSignature.isPlausible(
                header: head.header(WebhookSignature.header), at: PassOffice.now)
        }
        guard parts.settings.authIsOff || isPlausible else {
            parts.metrics.add(
                "teeline_doors_refused_total",
                labels: MetricsRegistry.label("door", route.kind.rawValue) + ","
                    + MetricsRegistry.label("cause", "large_body"))
            parts.log(.warning, "large_body_refused", ["door": .text(route.kind.rawValue)])
            return usual
        }
        return route.bodyBytes
    }

    /// What becomes of `request`; nil when it knocks at none of these doors.
    public func offer(_ request: HTTPRequest) -> HTTPOutcome? {
        guard let route = WebhookRoutes.at(request.path) else { return nil }
        guard route.methods.contains(request.method) else {
            return .response(
                Self.problem(
                    405, "method_not_allowed", headers: [("Allow", route.methods.joined(separator: ", "))]))
        }
        if let refusal = guarding.refusal(of: request, at: route) { return .response(refusal) }
        switch route.action {
        case .twilioCall: return twilio.call(request, usually: nil)
        case .twilioSpeechCall: return twilio.call(request, usually: .speech)
        case .twilioStreamEnded: return twilio.streamEnded(request)
        case .twilioStreamStatus: return twilio.streamStatus(request)
        case .twilioCallStatus: return twilio.callStatus(request)
        case .twilioRecordingStatus: return twilio.recordingStatus(request)
        case .telnyxEvent: return telnyx.event(request)
        case .exotelStreamURL: return exotel.streamURL(request)
        case .exotelPassthru: return exotel.passthru(request)
        case .exotelStatus: return exotel.status(request)
        case .postCall: return elevenLabs.postCall(request)
        case .initiation: return elevenLabs.initiation(request)
        case .speechTest: return speech.test(request)
        case .speechConnections: return speech.connections(request)
        case .speechSynthesis: return speech.synthesis(request)
        }
    }

    /// 429 when the source of `request`, which has proven nothing, has asked too often without a proof.
    public func tooMany(_ request: HTTPRequest) -> HTTPResponse? { guarding.tooMany(request) }

    /// Takes up what an earlier server left undone. Once, when calls can come.
    public func takeUp() {
        placer.takeUp()
        telnyx.recordings.resume()
        elevenLabs.takeUp()
    }

    /// Checks the upgrade of a media stream that one of `carriers` opens before it is answered.
    public func check(
        _ request: HTTPRequest, anyOf carriers: [Carrier]
    ) -> Result<StreamProofs, StreamRefusal> {
        streams.check(request, anyOf: carriers)
    }

    /// A stream whose upgrade has shown `token` has ended without a start.
    public func streamCameToNothing(_ token: String) { parts.passes.streamCameToNothing(token) }

    /// What becomes of a stream whose upgrade has shown `proofs`. Never waits.
    public func admit(_ start: StreamStart, proofs: StreamProofs) -> Result<AdmittedStream, StreamFault> {
        let outcome = streams.admit(start, proofs: proofs)
        if case .success(let admitted) = outcome, start.carrier == .twilio {
            parts.apologies.hasStream(admitted.start.callID)
        }
        // A call placed by an earlier server is in no book, but its pass says that it was placed.
        if case .success(let admitted) = outcome, let id = admitted.plan.callID {
            _ = parts.dials.wentLive(id)
            parts.dialWent(id, to: .answered, carrierCallID: admitted.start.callID)
        }
        return outcome
    }

    /// What the call of `start`, which nobody announced, is to be when its caller's context is known too. Waits for the
    /// context service and the disk.
    public func plan(of start: StreamStart) async -> CallPlan {
        var call = CallAtTheDoor(carrier: start.carrier, caller: start.caller, called: start.called)
        call.fields = start.parameters
        return await parts.reception.plan(for: call)
    }

    /// A call has ended.
    public func callEnded(_ call: EndedCall) {
        if call.carrier == .twilio { parts.apologies.streamIsOver(call.carrierCallID) }
        if let apology = call.apology { parts.apologies.remember(call.carrierCallID, apology) }
        if call.isPlaced { parts.dialWent(call.id, to: .completed) }
        telnyx.callEnded(call)
        elevenLabs.callEnded(call)
    }

    /// Placed call `id` could not be taken when its stream came.
    public func placedCallFailed(_ id: String, cause: String) {
        parts.dialWent(id, to: .failed, cause: cause)
    }

    /// How many calls are being placed or ring; live ones are not among them, and those of `streams` neither: their sockets
    /// are open before anybody answers.
    public func dialsUnderWay(besides streams: Set<String>) -> Int { parts.dials.underWay(besides: streams) }

    /// The calls that go on at their carriers without a stream of ours.
    public var carrierCalls: [CarrierCall] { telnyx.messages }

    /// The address of a stream that shows `token`; nil without a public URL.
    public func streamURL(_ carrier: Carrier, token: String) -> String? {
        parts.settings.proxies.base.flatMap { parts.addresses.url(carrier, token: token, base: $0) }
    }

    /// Begins to place a call; what becomes of it is told by its row, which is on the disk then. Waits for the disk.
    public func place(_ order: PlacementOrder) -> Result<DialRow, PlacementRefusal> { placer.place(order) }

    /// Ends the call that `carrier` knows by `carrierCallID`, by its REST service: for calls without a stream.
    public func hangUp(_ carrier: Carrier, carrierCallID: String) {
        placer.hangUp(carrier, carrierCallID: carrierCallID)
    }

    /// Ends placed call `id`, whose stream has not begun.
    public func cancel(_ id: String) -> CancelOutcome {
        do throws(ArchiveError) {
            guard let row = try parts.archive.catalog.dial(id) else {
                return telnyx.hangUpMessage(id) ? .accepted : .unknown
            }
            return !row.state.isFinal && placer.cancel(row) ? .accepted : .over
        } catch {
            parts.log(.error, "dial_unreadable", ["error": .text("\(error)")])
            return .unknown
        }
    }

    /// Ends all calls that still ring: nobody would be there for who answers.
    public func cancelWaitingDials() {
        // One whose row is not on the disk yet is ended before its request goes out.
        for id in parts.dials.waiting where cancel(id) == .unknown { _ = parts.dials.cancel(id) }
    }

    /// Waits until every errand is done, at most `milliseconds`. Returns how many are not.
    public func drain(milliseconds: Int64) -> Int {
        parts.dials.stop()
        return parts.errands.drain(milliseconds: milliseconds)
    }

    /// A problem document (RFC 9457).
    static func problem(
        _ status: Int, _ code: String, headers: [(name: String, value: String)] = []
    ) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: [("Content-Type", "application/problem+json")] + headers,
            body: .bytes(Array("{\"status\":\(status),\"code\":\"\(code)\"}".utf8)))
    }
}
