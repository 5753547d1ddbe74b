// The doors to the telephone world: webhooks in, call control out, and who may come in.

import Archive
import Carriers
import Cryptography
import Net
import Routing
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
    let rest: RESTSender
    let log: Log
    let metrics: MetricsRegistry
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

    /// A switchboard over `archive` for the calls of `floor`.
    public init(
        settings: SwitchboardSettings, archive: CallArchive, client: HTTPClient, floor: any CallFloor,
        passes: PassOffice, log: Log, metrics: MetricsRegistry
    ) throws(CryptographyError) {
        self.passes = passes
        let lookup = ContextLookup(
            service: settings.contexts, client: client, catalog: archive.catalog, log: log, metrics: metrics)
        let reception = Reception(settings: settings, lookup: lookup, log: log)
        parts = SwitchboardParts(
            settings: settings, archive: archive, client: client, floor: floor, passes: passes,
            reception: reception, errands: Errands(log: log),
            rest: RESTSender(client: client, log: log, metrics: metrics), log: log, metrics: metrics)
        guarding = try DoorGuard(settings, log: log, metrics: metrics)
        streams = StreamAccess(
            settings: settings, guarding: guarding, passes: passes, reception: reception)
        twilio = TwilioDoor(parts)
        telnyx = TelnyxDoor(parts)
        exotel = ExotelDoor(parts)
        elevenLabs = ElevenLabsDoor(parts)
        speech = SpeechDoor(parts)
        placer = CallPlacer(parts)
        telnyx.recordings.resume()
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

    /// Checks the upgrade of a media stream before it is answered.
    public func check(
        _ request: HTTPRequest, carrier: Carrier
    ) -> Result<StreamEvidence, StreamRefusal> {
        streams.check(request, carrier: carrier)
    }

    /// What becomes of a stream whose upgrade has proven `evidence`; nil when it is refused. Never waits.
    public func admit(
        _ start: StreamStart, evidence: StreamEvidence
    ) -> (start: StreamStart, plan: CallPlan)? {
        streams.admit(start, evidence: evidence)
    }

    /// A call has ended.
    public func callEnded(_ call: EndedCall) {
        telnyx.callEnded(call)
        elevenLabs.callEnded(call)
    }

    /// Begins to place a call; what becomes of it is told by its row.
    public func place(_ order: PlacementOrder) -> Result<DialRow, PlacementRefusal> { placer.place(order) }

    /// Ends the call that `carrier` knows by `carrierCallID`, by its REST service: for calls without a stream.
    public func hangUp(_ carrier: Carrier, carrierCallID: String) {
        placer.hangUp(carrier, carrierCallID: carrierCallID)
    }

    /// Waits until every errand is done, at most `milliseconds`. Returns how many are not.
    public func drain(milliseconds: Int64) -> Int { parts.errands.drain(milliseconds: milliseconds) }

    /// A problem document (RFC 9457).
    static func problem(
        _ status: Int, _ code: String, headers: [(name: String, value: String)] = []
    ) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: [("Content-Type", "application/problem+json")] + headers,
            body: .bytes(Array("{\"status\":\(status),\"code\":\"\(code)\"}".utf8)))
    }
}
