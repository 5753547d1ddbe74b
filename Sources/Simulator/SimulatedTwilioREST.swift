// Twilio's Calls API, simulated: it checks what it is sent, and carries the calls out.

import Carriers
import Net

/// Address, account and manners of a simulated Twilio.
public struct SimulatedTwilioSettings: Sendable {
    /// The account's SID.
    public var account = "AC0123456789abcdef0123456789abcdef"
    /// Names and secrets that Basic authorization takes besides the account's: API keys.
    public var credentials: [String: String] = ["AC0123456789abcdef0123456789abcdef": "12345"]
    /// Signs webhooks and the stream's upgrade; nil: nothing is signed.
    public var signer: HookSigner?
    /// Who calls reach, unless `farEnds` says otherwise for a number.
    public var farEnd = FarEnd()
    /// Who calls to some numbers reach.
    public var farEnds: [String: FarEnd] = [:]
    /// The port; 0 lets the kernel choose.
    public var port: UInt16 = 0
    /// From which ids follow.
    public var seed: UInt64 = 1
    /// The service's clock.
    public var clock: @Sendable () -> WallTime = { .now }

    /// Settings of the account that the vectors of this project use.
    public init() {}
}

/// One call of a simulated Twilio.
public struct SimulatedTwilioCall: Sendable {
    /// Its SID.
    public let sid: String
    /// The number dialled.
    public let to: String
    /// The number shown.
    public let from: String
    /// `outbound-api` or `inbound`.
    public let direction: String
    /// `queued`, `ringing`, `in-progress`, and how it ended.
    public internal(set) var status = "queued"
    /// The streams it had, as the carrier saw them.
    public internal(set) var streams: [SimulatedCallResult] = []
    /// The names of the TwiML verbs it came to.
    public internal(set) var verbs: [String] = []
    var created: WallTime
    var answered: WallTime?
    var ended: WallTime?
    var parameters: [String: [String]] = [:]
    var sequence = 0
    var live: LiveStream?
    /// TwiML or an address that a redirect left for the call.
    var redirect: TwilioDirections?

    /// Whether it is over.
    public var isOver: Bool { !["queued", "ringing", "in-progress"].contains(status) }
    func first(_ name: String) -> String? { parameters[name]?.first }
}

/// Where a call's TwiML comes from.
enum TwilioDirections: Sendable {
    case inline(String)
    case address(url: String, method: String)
}

/// A running simulated Twilio. Authority: carriers.md of the project's protocol notes (Twilio's OpenAPI document, its docs for
/// TwiML and requests).
public final class SimulatedTwilioREST: Sendable {
    /// Requests, faults, webhooks, scripted answers.
    public let desk: RESTDesk
    let settings: SimulatedTwilioSettings
    let calls = Watched<[String: SimulatedTwilioCall]>([:])

    /// Starts the service.
    public static func start(_ settings: SimulatedTwilioSettings = .init()) throws(NetError)
        -> SimulatedTwilioREST
    {
        let service = SimulatedTwilioREST(
            desk: try RESTDesk(seed: settings.seed, clock: settings.clock), settings: settings)
        try service.desk.open(
            port: settings.port, { [unowned service] in service.answer($0) },
            refusal: { Self.error($0, "scripted").bytes })
        return service
    }

    private init(desk: RESTDesk, settings: SimulatedTwilioSettings) {
        self.desk = desk
        self.settings = settings
    }

    /// The call `sid`.
    public func call(_ sid: String) -> SimulatedTwilioCall? { calls.value[sid] }

    /// Stops; calls must have ended (`desk.settled`).
    public func stop() { desk.stop() }

    // MARK: Requests

    private func answer(_ request: HTTPRequest) -> HTTPResponse {
        let root = "/2010-04-01/Accounts/"
        let parts = request.path.dropFirst(root.count).split(separator: "/").map(String.init)
        guard request.path.hasPrefix(root), parts.count >= 2, parts[1].hasPrefix("Calls") else {
            desk.fault("\(request.method) elsewhere", "there is no such resource")
            return missing(request)
        }
        let place = "\(request.method) " + (parts.count == 2 ? "Calls.json" : "Calls/{sid}.json")
        let given = request.header("Authorization") ?? ""
        guard settings.credentials.contains(where: { FormText.basic($0.key, $0.value) == given }) else {
            desk.fault(
                place, given.isEmpty ? "Authorization is missing" : "Authorization is not the account's")
            return RESTDesk.json(401, Self.error(401, "Authenticate"))
        }
        guard parts[0] == settings.account else {
            desk.fault(place, "the account is another one")
            return missing(request)
        }
        switch (request.method, parts.count) {
        case ("POST", 2) where parts[1] == "Calls.json":
            guard let fields = form(request, place) else { return bad() }
            return create(fields, place)
        case ("POST", 3) where parts[2].hasSuffix(".json"):
            guard let fields = form(request, place) else { return bad() }
            return update(String(parts[2].dropLast(5)), fields, place, request)
        case ("GET", 3) where parts[2].hasSuffix(".json"):
            guard let call = call(String(parts[2].dropLast(5))) else { return missing(request) }
            return RESTDesk.json(200, resource(call))
        default:
            desk.fault(place, "there is no such resource or method")
            return missing(request)
        }
    }

    private func form(_ request: HTTPRequest, _ place: String) -> [String: [String]]? {
        let type = (request.header("Content-Type") ?? "").prefix { $0 != ";" }.lowercased()
        if type != "application/x-www-form-urlencoded" { desk.fault(place, "Content-Type is no form's") }
        guard let fields = FormText.fields(request.body) else {
            desk.fault(place, "the body is no form")
            return nil
        }
        return Dictionary(grouping: fields, by: \.name).mapValues { $0.map(\.value) }
    }

    private func create(_ fields: [String: [String]], _ place: String) -> HTTPResponse {
        let faults = TwilioParameters.create.faults(fields)
        for fault in faults { desk.fault(place, fault) }
        guard faults.isEmpty else { return bad() }
        let sid = "CA" + desk.random { $0.hexadecimal(digits: 32) }
        var call = SimulatedTwilioCall(
            sid: sid, to: fields["To"]?.first ?? "", from: fields["From"]?.first ?? "",
            direction: "outbound-api", created: desk.clock())
        call.parameters = fields
        calls.change { $0[sid] = call }
        desk.work { [self] in await carryOut(sid) }
        return RESTDesk.json(201, resource(call))
    }

    private func update(
        _ sid: String, _ fields: [String: [String]], _ place: String, _ request: HTTPRequest
    ) -> HTTPResponse {
        let faults = TwilioParameters.update.faults(fields)
        for fault in faults { desk.fault(place, fault) }
        guard faults.isEmpty else { return bad() }
        // A call that is over is not found: carriers.md 2.1.5.
        guard let call = call(sid), !call.isOver else { return missing(request) }
        if fields["Status"]?.first == "canceled", call.status == "in-progress" {
            desk.fault(place, "Status=canceled is for calls that are not answered yet")
            return bad()
        }
        let directions = TwilioParameters.directions(fields)
        let (changed, live) = calls.change { calls -> (SimulatedTwilioCall, LiveStream?) in
            var changed = calls[sid] ?? call
            if let directions {
                changed.redirect = directions
            } else {
                changed.status = fields["Status"]?.first ?? "completed"
                changed.ended = desk.clock()
            }
            calls[sid] = changed
            return (changed, changed.live)
        }
        live?.hangUp()
        return RESTDesk.json(200, resource(changed))
    }

    // MARK: Answers

    private func bad() -> HTTPResponse { RESTDesk.json(400, Self.error(400, "The request is not valid")) }

    private func missing(_ request: HTTPRequest) -> HTTPResponse {
        RESTDesk.json(
            404,
            [
                "code": 20404, "message": .text("The requested resource \(request.path) was not found"),
                "more_info": "https://www.twilio.com/docs/errors/20404", "status": 404,
            ])
    }

    private static func error(_ status: Int, _ message: String) -> RESTValue {
        ["message": .text(message), "status": .integer(Int64(status))]
    }

    /// The Call resource, as vector `twilio_rest_call_create` has it.
    func resource(_ call: SimulatedTwilioCall) -> RESTValue {
        let uri = "/2010-04-01/Accounts/\(settings.account)/Calls/\(call.sid)"
        let seconds = call.answered.flatMap { begin in call.ended.map { $0.seconds - begin.seconds } }
        return [
            "sid": .text(call.sid), "date_created": .text(call.created.rfc2822),
            "date_updated": .text(desk.clock().rfc2822), "parent_call_sid": nil,
            "account_sid": .text(settings.account), "to": .text(call.to), "from": .text(call.from),
            "phone_number_sid": nil, "status": .text(call.status),
            "start_time": RESTValue(call.answered?.rfc2822), "end_time": RESTValue(call.ended?.rfc2822),
            "duration": RESTValue(seconds.map(String.init)), "price": nil, "price_unit": "USD",
            "direction": .text(call.direction), "answered_by": nil, "annotation": nil,
            "api_version": "2010-04-01", "forwarded_from": nil, "group_sid": nil, "caller_name": nil,
            "queue_time": "0", "trunk_sid": nil, "uri": .text(uri + ".json"),
            "subresource_uris": [
                "recordings": .text(uri + "/Recordings.json"), "streams": .text(uri + "/Streams.json"),
            ],
        ]
    }
}
