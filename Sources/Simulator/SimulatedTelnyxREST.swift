// Telnyx's call control and recordings API, simulated: it checks what it is sent, and carries the calls out.

import Audio
import Carriers
import Net

/// Address, key and manners of a simulated Telnyx.
public struct SimulatedTelnyxSettings: Sendable {
    /// The API key.
    public var apiKey = "KEY0123456789ABCDEF"
    /// Where webhooks go.
    public var webhookURL = ""
    /// Signs webhooks; nil: nothing is signed.
    public var signer: HookSigner?
    /// How webhooks go.
    public var manners = HookManners()
    /// Who calls reach, or who rings.
    public var farEnd = FarEnd()
    /// The codec of the call's leg: PCMU in America, PCMA in Europe and India.
    public var legCodec = AudioFormat.pcmu8k
    /// What a recording's file holds, by format ("mp3", "wav").
    public var recordings: [String: [UInt8]] = [:]
    /// What a recording's transcription says; nil: none is made.
    public var transcription: String?
    /// How long a recording's link lives, in milliseconds (carriers.md 3.4: ten minutes).
    public var linkMilliseconds = 600_000
    /// The number of the connection.
    public var connectionID = "2800000000000000001"
    /// The port; 0 lets the kernel choose.
    public var port: UInt16 = 0
    /// From which ids follow.
    public var seed: UInt64 = 1
    /// The service's clock.
    public var clock: @Sendable () -> WallTime = { .now }

    /// Settings whose webhooks go to `webhookURL`.
    public init(webhookURL: String = "") { self.webhookURL = webhookURL }
}

/// One call of a simulated Telnyx.
public struct SimulatedTelnyxCall: Sendable {
    /// Its call_control_id.
    public let id: String
    /// The calling number.
    public let from: String
    /// The called number.
    public let to: String
    /// `incoming` or `outgoing`.
    public let direction: String
    /// `parked`, `bridging`, `answered`, `hangup`.
    public internal(set) var state: String
    /// Who ended it: `caller`, `callee`, or `unknown` for a command.
    public internal(set) var hangupSource = "unknown"
    /// The streams it had, as the carrier saw them.
    public internal(set) var streams: [SimulatedCallResult] = []
    /// The commands it was given, in order.
    public internal(set) var commands: [String] = []
    let legID: String
    let sessionID: String
    let started: WallTime
    var clientState: String?
    var command: Set<String> = []
    /// Streams that run, by id.
    var live: [String: LiveStream] = [:]
    /// Something of it is still to be told.
    var recording: TelnyxRecording?
}

/// A recording of a simulated Telnyx.
struct TelnyxRecording: Sendable {
    let id: String
    let callID: String
    let legID: String
    let sessionID: String
    let from: String
    let to: String
    let channels: String
    let format: String
    let began: WallTime
    var ended: WallTime?
    var isPaused = false
    /// Whether it is listed.
    var isSaved = false
}

/// A link to a recording's file.
struct TelnyxLink: Sendable {
    let recording: String
    let format: String
    var expires: Int64
}

/// What a simulated Telnyx knows.
struct TelnyxBooks: Sendable {
    var calls: [String: SimulatedTelnyxCall] = [:]
    var recordings: [TelnyxRecording] = []
    var links: [String: TelnyxLink] = [:]
}

/// A running simulated Telnyx. Authority: carriers.md 3.1 and 3.4 (Telnyx's SDK models and docs).
public final class SimulatedTelnyxREST: Sendable {
    /// Requests, faults, webhooks, scripted answers.
    public let desk: RESTDesk
    let settings: SimulatedTelnyxSettings
    let books = Watched(TelnyxBooks())

    /// Starts the service.
    public static func start(_ settings: SimulatedTelnyxSettings) throws(NetError) -> SimulatedTelnyxREST {
        let service = SimulatedTelnyxREST(
            desk: try RESTDesk(seed: settings.seed, clock: settings.clock), settings: settings)
        try service.desk.open(
            port: settings.port, { [unowned service] in service.answer($0) },
            refusal: { Self.error($0, title: "scripted").bytes })
        return service
    }

    private init(desk: RESTDesk, settings: SimulatedTelnyxSettings) {
        self.desk = desk
        self.settings = settings
    }

    /// The call `id`.
    public func call(_ id: String) -> SimulatedTelnyxCall? { books.value.calls[id] }

    /// All links given so far are dead from now on.
    public func expireLinks() {
        books.change { for key in $0.links.keys { $0.links[key]?.expires = .min } }
    }

    /// Stops; calls must have ended (`desk.settled`).
    public func stop() { desk.stop() }

    // MARK: Requests

    private func answer(_ request: HTTPRequest) -> HTTPResponse {
        if request.path.hasPrefix("/files/") { return file(request) }
        let parts = request.path.split(separator: "/").map(String.init)
        let action = parts.count == 5 && parts[1] == "calls" && parts[3] == "actions" ? parts[4] : nil
        let place =
            "\(request.method) " + (action.map { "actions/\($0)" } ?? parts.prefix(2).joined(separator: "/"))
        guard request.header("Authorization") == "Bearer " + settings.apiKey else {
            let given = request.header("Authorization") ?? ""
            desk.fault(place, given.isEmpty ? "Authorization is missing" : "Authorization is not the key")
            return RESTDesk.json(401, Self.error(401, title: "Authentication failed"))
        }
        guard parts.first == "v2", parts.count >= 2 else { return missing(place) }
        switch (request.method, parts.count, parts[1]) {
        case ("POST", 2, "calls"):
            guard let body = body(request, place) else { return invalid() }
            return dial(body, place)
        case ("POST", 5, "calls"):
            guard let action, let parameters = TelnyxParameters.of(action) else { return missing(place) }
            guard let body = body(request, place) else { return invalid() }
            return command(action, parameters, body, to: parts[2], place)
        case (_, _, "recordings"): return recordings(request, Array(parts.dropFirst(2)), place)
        case ("GET", 2, "recording_transcriptions"): return transcriptions(request, place)
        default: return missing(place)
        }
    }

    private func body(_ request: HTTPRequest, _ place: String) -> RESTValue? {
        let type = (request.header("Content-Type") ?? "").prefix { $0 != ";" }.lowercased()
        if !request.body.isEmpty, type != "application/json" {
            desk.fault(place, "Content-Type is not JSON's")
        }
        if let value = request.body.isEmpty ? [:] : RESTValue(request.body) { return value }
        desk.fault(place, "the body is not JSON")
        return nil
    }

    // MARK: Answers

    func missing(_ place: String) -> HTTPResponse {
        desk.fault(place, "there is no such resource or command")
        return RESTDesk.json(404, Self.error(404, title: "Resource not found"))
    }

    func invalid() -> HTTPResponse { RESTDesk.json(422, Self.error(422, title: "Invalid parameter")) }

    static let ok = RESTDesk.json(200, ["data": ["result": "ok"]])

    /// A command to a call that is over (carriers.md 3.1.5).
    static let ended = RESTDesk.json(
        422,
        [
            "errors": [
                [
                    "code": "90018", "title": "Call has already ended",
                    "detail": "This call is no longer active and can't receive commands.",
                ]
            ]
        ])

    /// An error in the service's shape: `code` is text. Codes that no source tells are the status.
    static func error(_ status: Int, code: String? = nil, title: String) -> RESTValue {
        ["errors": [["code": .text(code ?? String(status)), "title": .text(title), "detail": .text(title)]]]
    }
}
