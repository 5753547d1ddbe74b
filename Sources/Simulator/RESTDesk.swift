// What every simulated REST service is made of: its server, its notes, its scripted answers, its work under way.

import Dispatch
import Net
import Telemetry

/// The desk of one simulated service.
public final class RESTDesk: @unchecked Sendable {
    // `notes` guards itself; `server` and `network` are set before the first request; all else is constant.

    struct Notes: Sendable {
        var requests: [RESTRequest] = []
        var faults: [RESTFault] = []
        var hooks: [SentHook] = []
        var scripted: [ScriptedAnswer] = []
        var working = 0
        var generator: SeededGenerator
    }

    let notes: Watched<Notes>
    let client = HTTPClient()
    let network: CarrierNetwork
    private var server: HTTPServer?
    /// The service's clock.
    let clock: @Sendable () -> WallTime

    init(seed: UInt64, clock: @escaping @Sendable () -> WallTime) throws(NetError) {
        notes = Watched(Notes(generator: SeededGenerator(seed: seed)))
        network = try CarrierNetwork.start(name: "rest-media", everyMilliseconds: 10)
        self.clock = clock
    }

    /// Begins to answer with `answer`.
    func open(
        port: UInt16 = 0, _ answer: @escaping @Sendable (HTTPRequest) -> HTTPResponse,
        refusal: @escaping @Sendable (Int) -> [UInt8]
    ) throws(NetError) {
        let door = RESTDoor(desk: self, answer: answer, refusal: refusal)
        server = try HTTPServer.start(
            HTTPServerSettings(port: port, bodyBytes: 8 << 20), handler: door)
    }

    /// The address of the service: "http://127.0.0.1:1234".
    public var baseURL: String { "http://127.0.0.1:\(server?.port ?? 0)" }
    /// What clients did wrong so far. A test asserts that there is nothing.
    public var faults: [RESTFault] { notes.value.faults }
    /// The requests so far.
    public var requests: [RESTRequest] { notes.value.requests }
    /// The webhooks sent so far, one entry an attempt.
    public var hooks: [SentHook] { notes.value.hooks }

    /// Answers the next fitting request so, instead of doing what it asks.
    public func script(_ answer: ScriptedAnswer) { notes.change { $0.scripted.append(answer) } }

    /// Waits until nothing is under way: no call, no webhook. Whether that came within `milliseconds`.
    public func settled(withinMilliseconds milliseconds: Int = 20_000) async -> Bool {
        await notes.wait(milliseconds: milliseconds) { $0.working == 0 }
    }

    /// Waits until a webhook of `event` was answered 2xx, at most `milliseconds`.
    public func sent(_ event: String, withinMilliseconds milliseconds: Int = 10_000) async -> Bool {
        await notes.wait(milliseconds: milliseconds) {
            $0.hooks.contains { $0.event == event && (200...299).contains($0.status) }
        }
    }

    /// Stops listening. Calls must have ended (`settled`).
    public func stop() {
        server?.stop()
        client.close()
        network.stop()
    }

    // MARK: For services

    func fault(_ place: String, _ reason: String) {
        notes.change { $0.faults.append(RESTFault(place: place, reason: reason)) }
    }

    func random<Value>(_ body: (inout SeededGenerator) -> Value) -> Value {
        notes.change { body(&$0.generator) }
    }

    /// Does `work` beside the answers; `settled` waits for it.
    func work(_ work: @escaping @Sendable () async -> Void) {
        notes.change { $0.working += 1 }
        Task { [notes] in
            await work()
            notes.change { $0.working -= 1 }
        }
    }

    /// A JSON answer.
    static func json(_ status: Int, _ value: RESTValue, _ headers: [(name: String, value: String)] = [])
        -> HTTPResponse
    {
        HTTPResponse(
            status: status, headers: [("Content-Type", "application/json")] + headers,
            body: .bytes(value.bytes))
    }
}

/// Answers the requests of one service, and notes them.
private final class RESTDoor: HTTPHandler {
    private let desk: RESTDesk
    private let answer: @Sendable (HTTPRequest) -> HTTPResponse
    private let refusal: @Sendable (Int) -> [UInt8]

    init(
        desk: RESTDesk, answer: @escaping @Sendable (HTTPRequest) -> HTTPResponse,
        refusal: @escaping @Sendable (Int) -> [UInt8]
    ) {
        self.desk = desk
        self.answer = answer
        self.refusal = refusal
    }

    func respond(to request: HTTPRequest) -> HTTPOutcome {
        let scripted = desk.notes.change { notes -> ScriptedAnswer? in
            notes.scripted.firstIndex { $0.path.isEmpty || request.path.contains($0.path) }
                .map { notes.scripted.remove(at: $0) }
        }
        let response =
            scripted.map {
                HTTPResponse(
                    status: $0.status, headers: [("Content-Type", "application/json")] + $0.headers,
                    body: .bytes($0.body ?? refusal($0.status)))
            } ?? answer(request)
        desk.notes.change {
            $0.requests.append(
                RESTRequest(
                    method: request.method, path: request.path, target: request.target,
                    headers: request.headers, body: request.body, status: response.status))
        }
        return .response(response)
    }
}
