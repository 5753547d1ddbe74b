// A whole call over real sockets: bridged, taped, rendered, sealed, and right to the sample.

import Archive
import Exchange
import Foundation
import Net
import Simulator
import Telemetry
import Testing

@Suite(.serialized) struct WholeCallTests {
    /// The script's turns answer each other in real time: a machine that stands still for longer than this, in
    /// microseconds, makes it another talk.
    private static let standstill: Int64 = 250_000

    /// A talk in whose midst the machine stood still says nothing of the next one, and is made again, three times at most.
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
        var result = await network.call(call)
        for _ in 0..<3 where result.counts.worstLateness > Self.standstill {
            call.seed += 1
            result = await network.call(call)
        }
        #expect(result.counts.worstLateness <= Self.standstill, "the machine stands still again and again")
        // The agent says good-bye and ends the conversation; the server hangs up when that has been heard.
        #expect(result.end == .server)
        #expect(result.playout.clears == 1, "one barge-in")
        #expect(exchange.drainAndStop() == 0)
        let catalog = Catalog(StorageLayout(root: folder), readers: 1)
        defer { catalog.close() }
        let items = try catalog.list(cursor: nil, limit: 10).items
        let item = try #require(items.first { $0.call.streamID == result.streamID })
        #expect(item.recording.state == .sealed)
        // Frames of 160 samples that were on their way when the server hung up have nobody who takes them.
        #expect((result.samples - 800...result.samples).contains(item.recording.samples ?? 0))
        #expect(item.call.endWho == .agent && item.call.endWhy == "agent_ended")
    }
}
