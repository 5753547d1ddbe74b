// A switchboard that places calls at one scripted service, and is told of them by webhooks without a socket.

import Archive
import Carriers
import Cryptography
import Foundation
import Patience
import Routing
import Signalling
import Telemetry
import Testing

@testable import Net
@testable import Switchboard

/// A carrier's REST service that notes what it is asked and answers as it is told.
final class ScriptedCarrier: HTTPHandler, @unchecked Sendable {
    // `lock` guards the notes and the script; `server` is set once, before any request.
    private let lock = Lock()
    private var noted: [HTTPRequest] = []
    private let answer: @Sendable (HTTPRequest) -> (status: Int, body: String)
    private var server: HTTPServer?

    var url: String { "http://127.0.0.1:\(server?.port ?? 0)" }
    var asked: [HTTPRequest] { lock.withLock { noted } }

    init(_ answer: @escaping @Sendable (HTTPRequest) -> (status: Int, body: String)) throws {
        self.answer = answer
        server = try HTTPServer.start(HTTPServerSettings(port: 0), handler: self)
    }

    func respond(to request: HTTPRequest) -> HTTPOutcome {
        lock.withLock { noted.append(request) }
        let (status, body) = answer(request)
        return .response(HTTPResponse(status: status, body: .bytes(Array(body.utf8))))
    }

    func stop() { server?.stop() }
}

/// A floor that says of every call whether there is room.
struct RoomyFloor: CallFloor {
    var said = Room.free
    func room(caller: String?, called: String?) -> Room { said }
    func carrierHungUp(_ carrier: Carrier, carrierCallID: String) -> Bool { false }
    func liveCall(_ id: String) -> (carrier: Carrier, carrierCallID: String)? { nil }
    func openStreams() -> [OpenStream] { [] }
    func hangUp(_ id: String) -> Bool { false }
}

/// The switchboard. Call `close` at the end.
final class DialBoard {
    static let to = "+15005550001"
    let folder: String
    let carrier: ScriptedCarrier
    let client = HTTPClient()
    let log = Log(level: .error)
    private(set) var archive: CallArchive
    private(set) var board: TelephoneSwitchboard
    private let settings: SwitchboardSettings

    init(
        room: Room = .free, plan: CallPlan = CallPlan(),
        _ answer: @escaping @Sendable (HTTPRequest) -> (status: Int, body: String) = { _ in (500, "") }
    ) throws {
        folder = NSTemporaryDirectory() + "teeline-dials-" + UUID().uuidString
        carrier = try ScriptedCarrier(answer)
        var settings = SwitchboardSettings(routing: RoutingTable(standard: plan))
        settings.authIsOff = true
        settings.requestsPerMinute = 1_000_000
        settings.messageMilliseconds = 50
        settings.proxies = TrustedProxies(base: PublicURL("https://voice.example.com"))
        settings.twilio.accountSID = "AC1"
        settings.twilio.authTokens = [Secret("12345")]
        settings.twilio.baseURL = carrier.url
        settings.telnyx.apiKey = Secret("KEY")
        settings.telnyx.connectionID = "2800000000000000001"
        settings.telnyx.baseURL = carrier.url
        settings.exotel.accountSID = "acct"
        settings.exotel.apiKey = Secret("exo_key_1")
        settings.exotel.apiToken = Secret("exo_token_2")
        settings.exotel.baseURL = carrier.url
        self.settings = settings
        archive = try CallArchive(StorageLayout(root: folder))
        board = try Self.open(archive, settings, client, room, log)
    }

    private static func open(
        _ archive: CallArchive, _ settings: SwitchboardSettings, _ client: HTTPClient, _ room: Room,
        _ log: Log
    ) throws -> TelephoneSwitchboard {
        try TelephoneSwitchboard(
            settings: settings, archive: archive, client: client, floor: RoomyFloor(said: room),
            passes: try PassOffice(archive: archive, milliseconds: 120_000, log: log), log: log,
            metrics: MetricsRegistry())
    }

    /// The server stops and another one starts over the same storage.
    func restart() throws {
        _ = board.drain(milliseconds: 0)
        archive.close()
        archive = try CallArchive(StorageLayout(root: folder))
        board = try Self.open(archive, settings, client, .free, log)
        board.takeUp()
    }

    /// Orders a call by `carrier`; its id.
    func order(_ carrier: Carrier) throws -> String {
        try board.place(PlacementOrder(carrier: carrier, to: Self.to, from: "+15005550006", plan: CallPlan()))
            .get().id
    }

    /// Waits until the service was asked for something whose path has `part`, at most 20 s; whether it was.
    func wasAsked(_ part: String, times: Int = 1) async throws -> Bool {
        try await eventually { carrier.asked.count { $0.path.contains(part) } >= times }
    }

    /// The row of call `id` once `isThere` holds, at most twenty seconds later; as it is then, if it does not.
    func row(_ id: String, until isThere: (DialRow) -> Bool) async throws -> DialRow {
        var found: DialRow?
        _ = try await eventually {
            found = try archive.catalog.dial(id)
            guard let row = found else { return false }
            return isThere(row)
        }
        return try #require(found)
    }

    /// Offers a form to `path`; the answer's body.
    @discardableResult func post(_ path: String, _ fields: [(String, String)]) throws -> String {
        let parts = path.split(separator: "?", maxSplits: 1).map(String.init)
        return try offer(
            HTTPRequest(
                method: "POST", path: parts[0], query: parts.count > 1 ? FormFields.query(parts[1]) : [],
                headers: [("Content-Type", "application/x-www-form-urlencoded")],
                body: FormFields(fields.map { (name: $0.0, value: $0.1) }).body, remoteAddress: "127.0.0.1"))
    }

    /// Offers Telnyx's event of the call with client_state `dial`.
    @discardableResult func event(_ kind: String, _ fields: String, dial: String? = nil) throws -> String {
        let state = dial.map { ",\"client_state\":\"\(Base64Text.encode($0))\"" } ?? ""
        let body =
            #"{"data":{"occurred_at":"2026-11-21T10:00:20Z","event_type":"\#(kind)","id":"\#(UUID().uuidString)","payload":{"call_control_id":"v3:call"\#(state),\#(fields)},"record_type":"event"}}"#
        return try offer(
            HTTPRequest(
                method: "POST", path: "/telnyx/webhook", headers: [("Content-Type", "application/json")],
                body: Array(body.utf8), remoteAddress: "127.0.0.1"))
    }

    private func offer(_ request: HTTPRequest) throws -> String {
        let response = try #require(try answer(board.offer(request)))
        #expect((200...204).contains(response.status))
        if case .bytes(let bytes) = response.body { return String(decoding: bytes, as: UTF8.self) }
        return ""
    }

    /// What is answered; a deferred answer is waited for, at most 20 s.
    private func answer(_ outcome: HTTPOutcome?) throws -> HTTPResponse? {
        switch outcome {
        case .response(let response): return response
        case .deferred(_, let fallback, let start):
            let deferral = HTTPDeferral(fallback: fallback, waits: HTTPWaits())
            start(HTTPReply(deferral))
            _ = waitUntil { deferral.isAnswered }
            return deferral.take()
        default: return nil
        }
    }

    /// Waits beside the tests' own threads until no errand is under way, at most 20 s; whether that came.
    func isQuiet() async throws -> Bool {
        try await eventually { board.parts.errands.count == 0 }
    }

    func close() {
        _ = board.drain(milliseconds: 0)
        archive.close()
        client.close()
        carrier.stop()
        do { try FileManager.default.removeItem(atPath: folder) } catch { return }
    }
}

extension FormFields {
    /// The fields of a query's text.
    static func query(_ text: String) -> [(name: String, value: String)] {
        FormFields(Array(text.utf8))?.fields ?? []
    }
}
