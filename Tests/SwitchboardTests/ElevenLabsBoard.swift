// A switchboard over an archive of its own, behind a real HTTP server, with its log in memory.

import Archive
import Carriers
import Cryptography
import Dispatch
import Foundation
import Net
import Routing
import Signalling
import Telemetry

@testable import Switchboard

/// Lines of a log.
final class LoggedLines: @unchecked Sendable {
    // `lock` guards `lines`.
    private let lock = Lock()
    private var lines: [String] = []

    var all: [String] { lock.withLock { lines } }
    var log: Log { Log(level: .debug) { [self] line in lock.withLock { lines.append(line) } } }
    func has(_ event: String) -> Bool { all.contains { $0.contains("\"event\":\"\(event)\"") } }
}

/// A switchboard in a temporary folder. Call `close` at the end.
final class ElevenLabsBoard: Sendable {
    static let webhookSecret = "wsec_0123456789abcdef"
    static let initiationSecret = "initiation-secret-1"

    let folder: String
    let archive: CallArchive
    let client = HTTPClient()
    let logged = LoggedLines()
    let metrics = MetricsRegistry()
    let board: TelephoneSwitchboard
    let server: HTTPServer

    var url: String { "http://127.0.0.1:\(server.port)" }

    init(_ change: (inout SwitchboardSettings) -> Void = { _ in }) throws {
        folder = NSTemporaryDirectory() + "teeline-board-" + UUID().uuidString
        archive = try CallArchive(StorageLayout(root: folder))
        for name in [
            "teeline_elevenlabs_webhooks_total", "teeline_conversations_total",
            "teeline_context_lookups_total", "teeline_doors_refused_total",
        ] {
            metrics.declare(name, .counter, help: "Counted.")
        }
        var settings = SwitchboardSettings(routing: RoutingTable())
        settings.requestsPerMinute = 100_000
        settings.elevenLabs.webhookSecrets = [Secret(Self.webhookSecret)]
        settings.elevenLabs.initiationSecrets = [Secret(Self.initiationSecret)]
        change(&settings)
        let passes = try PassOffice(archive: archive, milliseconds: 60_000, log: logged.log)
        board = try TelephoneSwitchboard(
            settings: settings, archive: archive, client: client, floor: EmptyFloor(), passes: passes,
            log: logged.log, metrics: metrics)
        server = try HTTPServer.start(
            HTTPServerSettings(
                port: 0,
                bodyLimits: [
                    HTTPBodyLimit(
                        path: "/elevenlabs/webhook", bytes: 64 << 20, seconds: WebhookRoutes.largeBodySeconds)
                ]), handler: BoardFront(board: board))
    }

    /// The row of a call that has ended.
    @discardableResult
    func endedCall(_ number: UInt64, conversation: String?, startedAt: Int64 = ArchiveTime.now()) throws
        -> String
    {
        let id = CallID.make(milliseconds: startedAt / 1000, high: 0, low: number)
        try archive.applyAndWait(
            .open(
                CallRow(
                    id: id, carrier: "twilio", carrierCallID: "CA\(number)", conversationID: conversation,
                    startedAt: startedAt)))
        try archive.applyAndWait(
            .fail(
                id: id, cause: "test",
                ending: CallEnding(
                    endedAt: startedAt + 1_000_000, durationSamples: 8000, who: .carrier, why: "hangup",
                    conversationID: conversation)))
        return id
    }

    func post(
        _ path: String, _ body: [UInt8], _ headers: [(name: String, value: String)] = []
    ) async throws -> HTTPClientResponse {
        try await client.send(
            HTTPClientRequest(
                method: "POST", url: url + path, headers: [("Content-Type", "application/json")] + headers,
                body: body))
    }

    /// How often a metric with these labels was counted.
    func counted(_ name: String, _ labels: String) -> Int {
        let line = metrics.text().split(separator: "\n").first { $0.hasPrefix("\(name){\(labels)} ") }
        return line.flatMap { Int($0.split(separator: " ").last ?? "") } ?? 0
    }

    /// Waits for errands beside the tests' own threads, which the errands need, too. Returns how many were left.
    @discardableResult func close() async -> Int {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [self] in
                let left = board.drain(milliseconds: 5_000)
                server.stop()
                archive.close()
                client.close()
                do { try FileManager.default.removeItem(atPath: folder) } catch {
                    return continuation.resume(returning: left)
                }
                continuation.resume(returning: left)
            }
        }
    }
}

/// Hands requests to the switchboard.
struct BoardFront: HTTPHandler {
    let board: TelephoneSwitchboard

    func respond(to request: HTTPRequest) -> HTTPOutcome {
        board.offer(request) ?? .response(HTTPResponse(status: 404))
    }

    func bodyLimit(for head: HTTPRequest) -> Int? { board.bodyLimit(for: head) }
}
