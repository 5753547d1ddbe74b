// Exotel's Connect Voice AI API, simulated: it checks what it is sent, and carries the calls out.

import Carriers
import Net

/// Address, account and manners of a simulated Exotel.
public struct SimulatedExotelSettings: Sendable {
    /// The account's SID.
    public var account = "exampleacct1"
    /// The API key.
    public var apiKey = "exo_key_1"
    /// The API token.
    public var apiToken = "exo_token_2"
    /// Who calls reach, or who rings.
    public var farEnd = FarEnd()
    /// How the stream's messages are spelt.
    public var spelling = CarrierPeer.Dialect.documented
    /// The recording's address in details and callbacks; nil: there is none.
    public var recordingURL: String?
    /// Most streams at once, as ActiveStreams tells.
    public var throttleLimit = 100
    /// The port; 0 lets the kernel choose.
    public var port: UInt16 = 0
    /// From which ids follow.
    public var seed: UInt64 = 1
    /// The service's clock.
    public var clock: @Sendable () -> WallTime = { .now }

    /// Settings of the account that the vectors of this project use.
    public init() {}
}

/// One call of a simulated Exotel.
public struct SimulatedExotelCall: Sendable {
    /// Its Sid.
    public let sid: String
    /// The number dialled: `From`, of all names.
    public let from: String
    /// The ExoPhone: `CallerId`.
    public let callerID: String
    /// `queued`, `in-progress`, and how it ended.
    public internal(set) var status = "in-progress"
    /// The streams it had, as the carrier saw them.
    public internal(set) var streams: [SimulatedCallResult] = []
    let created: WallTime
    var ended: WallTime?
    var parameters: [String: String] = [:]
}

/// A running simulated Exotel. Authority: carriers.md 4 (Exotel's samples and docs).
public final class SimulatedExotelREST: Sendable {
    /// Requests, faults, callbacks, scripted answers.
    public let desk: RESTDesk
    let settings: SimulatedExotelSettings
    let calls = Watched<[String: SimulatedExotelCall]>([:])
    let active = Watched(0)

    /// Starts the service.
    public static func start(_ settings: SimulatedExotelSettings = .init()) throws(NetError)
        -> SimulatedExotelREST
    {
        let service = SimulatedExotelREST(
            desk: try RESTDesk(seed: settings.seed, clock: settings.clock), settings: settings)
        try service.desk.open(
            port: settings.port, { [unowned service] in service.answer($0) },
            refusal: { Self.error($0, "scripted").bytes })
        return service
    }

    private init(desk: RESTDesk, settings: SimulatedExotelSettings) {
        self.desk = desk
        self.settings = settings
    }

    /// The call `sid`.
    public func call(_ sid: String) -> SimulatedExotelCall? { calls.value[sid] }

    /// Stops; calls must have ended (`desk.settled`).
    public func stop() { desk.stop() }

    // MARK: Requests

    private func answer(_ request: HTTPRequest) -> HTTPResponse {
        let root = "/v1/Accounts/\(settings.account)/"
        let rest = request.path.hasPrefix(root) ? String(request.path.dropFirst(root.count)) : ""
        let isDetails = rest.hasPrefix("Calls/") && request.method == "GET"
        let place =
            "\(request.method) " + (isDetails ? "Calls/{sid}.json" : rest.isEmpty ? "elsewhere" : rest)
        guard request.header("Authorization") == FormText.basic(settings.apiKey, settings.apiToken) else {
            let given = request.header("Authorization") ?? ""
            desk.fault(
                place, given.isEmpty ? "Authorization is missing" : "Authorization is not the account's")
            return RESTDesk.json(401, Self.error(401, "Authentication failed"))
        }
        switch (request.method, rest) {
        case ("POST", "Calls/connect.json"), ("POST", "Calls/connect"):
            return connect(request, isJSON: rest.hasSuffix(".json"), place)
        case ("GET", "ActiveStreams"):
            let body =
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><TwilioResponse><Stream><ActiveStreamCount>\(active.value)</ActiveStreamCount><ThrottleLimit>\(settings.throttleLimit)</ThrottleLimit></Stream></TwilioResponse>"
            return Self.xml(body)
        case ("GET", _) where isDetails && rest.hasSuffix(".json"):
            return details(request, String(rest.dropFirst(6).dropLast(5)), place)
        default:
            desk.fault(place, "there is no such resource or method")
            return RESTDesk.json(404, Self.error(404, "Not found"))
        }
    }

    private func connect(_ request: HTTPRequest, isJSON: Bool, _ place: String) -> HTTPResponse {
        let type = (request.header("Content-Type") ?? "").prefix { $0 != ";" }.lowercased()
        if type != "application/x-www-form-urlencoded" { desk.fault(place, "Content-Type is no form's") }
        guard let fields = FormText.fields(request.body) else {
            desk.fault(place, "the body is no form")
            return RESTDesk.json(400, Self.error(400, "Bad request"))
        }
        let faults = ExotelParameters.faults(fields)
        for fault in faults { desk.fault(place, fault) }
        guard faults.isEmpty else { return RESTDesk.json(400, Self.error(400, "Bad or missing parameters")) }
        let sid = desk.random { $0.hexadecimal(digits: 31) } + "m"
        let parameters = Dictionary(fields.map { ($0.name, $0.value) }) { first, _ in first }
        var call = SimulatedExotelCall(
            sid: sid, from: parameters["From"] ?? "", callerID: parameters["CallerId"] ?? "",
            created: desk.clock())
        call.parameters = parameters
        calls.change { $0[sid] = call }
        let wanted = fields.filter { $0.name.hasPrefix("StatusCallbackEvents[") }.map(\.value)
        desk.work { [self] in await carryOut(sid, wanted) }
        guard isJSON else {
            return Self.xml(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><TwilioResponse><Call><Sid>\(sid)</Sid><Status>in-progress</Status></Call></TwilioResponse>"
            )
        }
        return RESTDesk.json(200, ["Call": resource(call, withRecording: false)])
    }

    private func details(_ request: HTTPRequest, _ sid: String, _ place: String) -> HTTPResponse {
        for (name, value) in request.query {
            switch name {
            case "details":
                if value != "true", value != "false" { desk.fault(place, "details is no truth value") }
            case "RecordingUrlValidity":
                if !(5...60).contains(Int(value) ?? 0) {
                    desk.fault(place, "RecordingUrlValidity is not in 5…60")
                }
            default: desk.fault(place, "a query parameter is not known")
            }
        }
        guard let call = call(sid) else { return RESTDesk.json(404, Self.error(404, "Call not found")) }
        return RESTDesk.json(200, ["Call": resource(call, withRecording: true)])
    }

    // MARK: Answers

    private static func xml(_ text: String) -> HTTPResponse {
        HTTPResponse(
            status: 200, headers: [("Content-Type", "application/xml")], body: .bytes(Array(text.utf8)))
    }

    private static func error(_ status: Int, _ message: String) -> RESTValue {
        ["RestException": ["Status": .integer(Int64(status)), "Message": .text(message)]]
    }

    /// The Call resource, as vector `exotel_rest_call_details` has it.
    private func resource(_ call: SimulatedExotelCall, withRecording: Bool) -> RESTValue {
        let seconds = call.ended.map { $0.seconds - call.created.seconds }
        return [
            "Sid": .text(call.sid), "ParentCallSid": nil, "DateCreated": .text(call.created.exotel),
            "DateUpdated": .text(desk.clock().exotel), "AccountSid": .text(settings.account),
            "To": .text(call.callerID), "From": .text(call.from), "PhoneNumberSid": .text(call.callerID),
            "Status": .text(call.status), "StartTime": .text(call.created.exotel),
            "EndTime": RESTValue(call.ended?.exotel), "Duration": RESTValue(seconds.map(String.init)),
            "Price": nil, "Direction": "outbound-api", "AnsweredBy": "human", "ForwardedFrom": nil,
            "CallerName": nil,
            "Uri": .text("/v1/Accounts/\(settings.account)/Calls/\(call.sid).json"),
            "RecordingUrl": RESTValue(withRecording && call.ended != nil ? settings.recordingURL : nil),
        ]
    }
}

/// The fields of Calls/connect, as carriers.md 4.1.2 lists them.
enum ExotelParameters {
    private static let known: [String: RESTShape] = [
        "From": .text(), "CallerId": .text(), "StreamUrl": .anySocket,
        "StreamType": .oneOf(["bidirectional"]),
        "Url": .address, "Record": .oneOf(["true", "false"]),
        "RecordingChannels": .oneOf(["single", "dual"]),
        "TimeLimit": .integer(1...14_400), "CustomField": .text(limit: 128), "StreamName": .text(limit: 32),
        "StatusCallback": .address,
        "StatusCallbackContentType": .oneOf([
            "multipart/form-data", "application/x-www-form-urlencoded", "application/json",
        ]),
    ]

    /// What is wrong with `fields`.
    static func faults(_ fields: [(name: String, value: String)]) -> [String] {
        var faults: [String] = []
        var seen: Set<String> = []
        for (name, value) in fields {
            if !seen.insert(name).inserted, name != "StatusCallbackEvents[]" {
                faults.append("\(name) stands twice")
            }
            if name.hasPrefix("StatusCallbackEvents["), name.hasSuffix("]") {
                if !["answered", "terminal", "ringing"].contains(value) {
                    faults.append("StatusCallbackEvents has a value that is not known")
                }
                continue
            }
            guard let shape = known[name] else {
                let folded = known.keys.contains { $0.lowercased() == name.lowercased() }
                faults.append(folded ? "\(name) is written in the wrong case" : "\(name) is not known")
                continue
            }
            let typed: RESTValue =
                if case .integer = shape { Int64(value).map(RESTValue.integer) ?? .text(value) } else {
                    .text(value)
                }
            if let fault = shape.fault(of: typed) { faults.append("\(name) \(fault)") }
        }
        for name in ["From", "CallerId"] where !seen.contains(name) { faults.append("\(name) is missing") }
        if seen.contains("StreamUrl") == seen.contains("Url") { faults.append("wants one of StreamUrl, Url") }
        if seen.contains("StreamUrl") != seen.contains("StreamType") {
            faults.append("StreamUrl and StreamType stand together")
        }
        if let url = fields.first(where: { $0.name == "StreamUrl" })?.value {
            if url.utf8.count >= 600 { faults.append("StreamUrl has 600 characters or more") }
            if let fault = ExotelStreamAddress(url).fault { faults.append("StreamUrl " + fault) }
        }
        return faults
    }
}
