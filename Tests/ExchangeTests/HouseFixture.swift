// A whole house for tests: exchange, agent and carriers in one process, storage in a temporary folder.

import Archive
import Foundation
import Net
import Patience
import Simulator
import Telemetry
import Testing

@testable import Exchange

/// A running house. Call `close` at the end.
final class TestHouse: Sendable {
    let folder: String
    let exchange: TelephoneExchange
    let agent: SimulatedAgent
    let network: CarrierNetwork
    let client = HTTPClient()

    init(
        agent settings: SimulatedAgentSettings, door: AgentDoorSettings = .init(),
        values: [String: String] = [:], log: Log = Log(level: .error),
        bounds: ArchiveSettings = ArchiveSettings(), rhythm: Caretaker.Rhythm = Caretaker.Rhythm(),
        watch: DiskWatch? = nil, folder given: String? = nil
    ) throws {
        folder = given ?? NSTemporaryDirectory() + "teeline-house-" + UUID().uuidString
        agent = try SimulatedAgent.start(settings, door: door)
        network = try CarrierNetwork.start()
        var all = [
            "storage.path": folder, "server.port": "0", "server.carrier_auth": "off", "agent.id": "agent",
            "agent.base_url": agent.baseURL, "server.drain_seconds": "5",
        ]
        all.merge(values) { _, new in new }
        do {
            exchange = try TelephoneExchange.start(
                Settings(values: all), log: log, bounds: bounds, rhythm: rhythm, watch: watch)
        } catch {
            network.stop()
            agent.stop()
            client.close()
            // There may be none yet.
            if given == nil { try? FileManager.default.removeItem(atPath: folder) }
            throw error
        }
    }

    /// The media address of `path`.
    func media(_ path: String = "/twilio/media-stream") -> String { "ws://127.0.0.1:\(exchange.port)\(path)" }

    /// Asks the desk.
    func get(_ path: String, method: String = "GET", headers: [(name: String, value: String)] = [])
        async throws(NetError)
        -> HTTPClientResponse
    {
        try await client.send(
            HTTPClientRequest(
                method: method, url: "http://127.0.0.1:\(exchange.port)\(path)", headers: headers,
                answerBytes: 64 << 20))
    }

    /// Asks the desk for JSON.
    func json(_ path: String) async throws -> [String: Any] {
        let response = try await get(path)
        return try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any] ?? [:]
    }

    /// The desk's metrics, as text.
    func metrics() async throws -> String { String(decoding: try await get("/metrics").body, as: UTF8.self) }

    /// Whether `line` comes to stand in the metrics, within twenty seconds: much is counted beside what it counts.
    func tells(_ line: String) async throws -> Bool {
        try await eventually { try await metrics().contains(line) }
    }

    /// Makes a call whose caller hangs up when `body` is through with it; what the carrier saw of it.
    func call(_ settings: SimulatedCallSettings, until body: (LiveStream) async throws -> Void) async throws
        -> SimulatedCallResult
    {
        let stream = network.begin(settings)
        do {
            try await body(stream)
        } catch {
            stream.hangUp()
            throw error
        }
        stream.hangUp()
        return try #require(await stream.result(), "the call does not end")
    }

    /// Waits until no call is live and no recording unfinished, at most a minute: then that is an issue.
    func settle(_ location: SourceLocation = #_sourceLocation) async {
        let began = MonotonicTime.now
        // Live calls first: one leaves them when its recording is on its way.
        while exchange.liveCalls > 0 || exchange.unfinishedRecordings > 0 {
            guard MonotonicTime.now.milliseconds(since: began) < 60_000 else {
                Issue.record(
                    "live calls: \(exchange.liveCalls), unfinished: \(exchange.unfinishedRecordings)",
                    sourceLocation: location)
                return
            }
            do { try await Task.sleep(for: .milliseconds(25)) } catch { return }
        }
    }

    /// Drains, stops, and removes the storage. Returns how many recordings were left unsealed.
    @discardableResult func close(keepsStorage: Bool = false) -> Int {
        let left = exchange.drainAndStop()
        network.stop()
        agent.stop()
        client.close()
        if keepsStorage { return left }
        do { try FileManager.default.removeItem(atPath: folder) } catch { return left }
        return left
    }
}

/// A short talk: the agent greets, the caller answers.
enum ShortTalk {
    static let agent: SimulatedAgentSettings = {
        var agent = SimulatedAgentSettings(turns: [
            AgentTurn(
                "Good morning.", sound: .tone(hertz: 620, level: 8000), milliseconds: 900,
                trigger: .afterPrevious(milliseconds: 0))
        ])
        // In one piece and to its end: where the machine stands still it is heard later, but without a hole,
        // and the caller's answer, which has its place on the call's clock, does not cut it off.
        agent.burstFactor = 100
        agent.isInterruptible = false
        return agent
    }()

    static func call(
        to url: String, dialect: CarrierDialect = .twilio, milliseconds: Int = 2_000, seed: UInt64 = 1
    )
        -> SimulatedCallSettings
    {
        SimulatedCallSettings(
            url: url, dialect: dialect,
            script: CallerScript([
                .init(.silence, milliseconds: 1_100),
                .init(.tone(hertz: 440, level: 8000), milliseconds: 400),
            ]), ending: .hangUp(atMilliseconds: milliseconds), seed: seed)
    }
}
