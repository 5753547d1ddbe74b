// A whole call over real sockets: bridged, taped, rendered, sealed, and right to the sample.

import Archive
import Exchange
import Foundation
import Net
import Patience
import Simulator
import Telemetry
import Testing

@Suite(.serialized) struct WholeCallTests {
    /// The script's turns answer each other in real time: a machine that stands still for longer than this, in
    /// microseconds, may make it another talk.
    private static let standstill: Int64 = 250_000

    /// A talk that went wrong with the machine standing still in its midst is made again, three times at most.
    @Test func theDemoCallIsRecorded() async throws {
        let folder = NSTemporaryDirectory() + "teeline-" + UUID().uuidString
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(atPath: folder) } }
        let agent = try SimulatedAgent.start(DemoScript.agent)
        defer { agent.stop() }
        let settings = try Settings(values: [
            "storage.path": folder, "server.port": "0", "server.carrier_auth": "off", "agent.id": "demo",
            "agent.base_url": agent.baseURL,
        ])
        let exchange = try TelephoneExchange.start(settings, log: Log(level: .error))
        let network = try CarrierNetwork.start()
        defer { network.stop() }
        var call = DemoScript.call(to: "ws://127.0.0.1:\(exchange.port)/twilio/media-stream")
        var faults: [String] = []
        for attempt in 1...4 {
            let result = await network.call(call)
            faults = try await Self.faults(of: result, exchange.archive.catalog)
            if faults.isEmpty || result.counts.worstLateness <= Self.standstill || attempt == 4 { break }
            call.seed += 1
        }
        #expect(faults == [])
        #expect(exchange.drainAndStop() == 0)
    }

    /// What is wrong with a talk: of the promises that are about real time. Its recording is sealed in any case.
    private static func faults(of result: SimulatedCallResult, _ catalog: Catalog) async throws -> [String] {
        var found: ListedCall?
        let isFinal = try await eventually(60_000) {
            found = try catalog.list(cursor: nil, limit: 10).items.first {
                $0.call.streamID == result.streamID
            }
            return found?.recording.state.isFinal == true
        }
        let item = try #require(found)
        #expect(isFinal && item.recording.state == .sealed)
        var faults: [String] = []
        // The agent says good-bye and ends the conversation; the server hangs up when that has been heard.
        if result.end != .server { faults.append("ended: \(result.end)") }
        if item.call.endWho != .agent || item.call.endWhy != "agent_ended" {
            faults.append("ended by \(item.call.endWho?.rawValue ?? ""): \(item.call.endWhy ?? "")")
        }
        // One barge-in.
        if result.playout.clears != 1 { faults.append("\(result.playout.clears) clears") }
        // Frames of 160 samples that were on their way when the server hung up have nobody who takes them.
        if !(result.samples - 800...result.samples).contains(item.recording.samples ?? 0) {
            faults.append("\(item.recording.samples ?? 0) samples of \(result.samples) are recorded")
        }
        return faults
    }
}
