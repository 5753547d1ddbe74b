// A whole call over real sockets: bridged, taped, rendered, sealed, and right to the sample.

import Archive
import Exchange
import Foundation
import Net
import Simulator
import Telemetry
import Testing

@Suite(.serialized) struct WholeCallTests {
    @Test func theDemoCallIsRecorded() async throws {
        let folder = NSTemporaryDirectory() + "teeline-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let agent = try SimulatedAgent.start(DemoScript.agent)
        defer { agent.stop() }
        let settings = try Settings(values: [
            "storage.path": folder, "server.port": "0", "server.carrier_auth": "off", "agent.id": "demo",
            "agent.base_url": agent.baseURL,
        ])
        let exchange = try TelephoneExchange.start(settings, log: Log(level: .debug))
        let network = try CarrierNetwork.start()
        defer { network.stop() }
        let result = await network.call(
            DemoScript.call(to: "ws://127.0.0.1:\(exchange.port)/twilio/media-stream"))
        print(result.end, result.samples, result.counts, result.playout)
        let unsealed = exchange.drainAndStop()
        #expect(unsealed == 0)
    }
}
