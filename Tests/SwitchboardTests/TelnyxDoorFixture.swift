// A switchboard over a storage of its own, behind an HTTP server that Telnyx's webhooks are posted to.

import Archive
import Carriers
import Dispatch
import Foundation
import Net
import Patience
import Routing
import Telemetry
import Testing

@testable import Simulator
@testable import Switchboard

/// A switchboard with a simulated Telnyx behind it. Call `close` at the end.
final class TelnyxDesk {
    let folder: String
    let telnyx: SimulatedTelnyxREST
    let client = HTTPClient()
    private(set) var archive: CallArchive
    private(set) var switchboard: TelephoneSwitchboard
    private var server: HTTPServer
    let logged: LoggedLines
    private let settings: SwitchboardSettings

    init(
        pauses: [Int] = [10, 10], telnyx change: (inout SimulatedTelnyxSettings) -> Void = { _ in }
    ) throws {
        folder = NSTemporaryDirectory() + "teeline-switchboard-" + UUID().uuidString
        var service = SimulatedTelnyxSettings()
        change(&service)
        telnyx = try SimulatedTelnyxREST.start(service)
        var settings = SwitchboardSettings(routing: RoutingTable(standard: CallPlan()))
        settings.authIsOff = true
        settings.requestsPerMinute = 1_000_000
        settings.downloadPauses = pauses
        settings.messageMilliseconds = 200
        settings.telnyx.apiKey = .init(service.apiKey)
        settings.telnyx.baseURL = telnyx.desk.baseURL
        self.settings = settings
        archive = try CallArchive(StorageLayout(root: folder))
        logged = LoggedLines()
        switchboard = try Self.open(archive, settings, client, logged.log)
        server = try HTTPServer.start(HTTPServerSettings(port: 0), handler: BoardFront(board: switchboard))
    }

    private static func open(
        _ archive: CallArchive, _ settings: SwitchboardSettings, _ client: HTTPClient, _ log: Log
    ) throws -> TelephoneSwitchboard {
        try TelephoneSwitchboard(
            settings: settings, archive: archive, client: client, floor: EmptyFloor(),
            passes: try PassOffice(archive: archive, milliseconds: 120_000, log: log), log: log,
            metrics: MetricsRegistry())
    }

    /// The server stops and another one starts over the same storage.
    func restart() throws {
        _ = switchboard.drain(milliseconds: 5_000)
        archive.close()
        archive = try CallArchive(StorageLayout(root: folder))
        switchboard = try Self.open(archive, settings, client, logged.log)
        server.stop()
        server = try HTTPServer.start(HTTPServerSettings(port: 0), handler: BoardFront(board: switchboard))
        switchboard.takeUp()
    }

    /// Waits for errands, beside the tests' own threads, which the errands need, too.
    func settle() async {
        let board = switchboard
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                _ = board.drain(milliseconds: 5_000)
                continuation.resume()
            }
        }
    }

    /// Posts an event, again while it is answered 503, as Telnyx does; the answer's status.
    @discardableResult func offer(
        _ kind: String, _ event: String, call: String = "v3:call", _ fields: String = "", times: Int = 20
    ) async throws -> Int {
        let more = fields.isEmpty ? "" : "," + fields
        let body =
            #"{"data":{"event_type":"\#(kind)","id":"\#(event)","occurred_at":"2026-11-21T10:00:00Z","payload":{"call_control_id":"\#(call)"\#(more)},"record_type":"event"}}"#
        var status = 0
        for _ in 0..<times {
            status = try await client.send(
                HTTPClientRequest(
                    method: "POST", url: "http://127.0.0.1:\(server.port)/telnyx/webhook",
                    headers: [("Content-Type", "application/json")], body: Array(body.utf8))
            ).status
            if status != 503 { break }
        }
        return status
    }

    /// Waits until `condition` gives something, at most 20 s.
    func wait<Value>(_ condition: () throws -> Value?) async throws -> Value? {
        var value: Value?
        _ = try await eventually {
            value = try condition()
            return value != nil
        }
        return value
    }

    /// The row of the recording `id`.
    func row(_ id: String) async throws -> ListedCall? {
        try await wait { try archive.catalog.adopted(carrier: "telnyx", recordingID: id) }
    }

    func close() {
        _ = switchboard.drain(milliseconds: 5_000)
        server.stop()
        archive.close()
        client.close()
        telnyx.stop()
        do { try FileManager.default.removeItem(atPath: folder) } catch { return }
    }
}
