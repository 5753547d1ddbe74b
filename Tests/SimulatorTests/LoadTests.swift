// The load engine against a small bridge: the figures are those of the calls.

import Audio
import Net
import Testing

@testable import Simulator

@Suite struct LoadTests {
    @Test func aSmallRun() async throws {
        // The agent's port must be known to the bridge before the run: take a free one.
        let probe = try SimulatedAgent.start(SimulatedAgentSettings())
        let port = probe.port
        probe.stop()
        let bridge = try SmallBridge.start(
            .agent(url: "ws://127.0.0.1:\(port)/v1/convai/conversation?agent_id=load"))
        var settings = LoadSettings(
            shares: [
                LoadShare(.twilio, url: bridge.url(.twilio)), LoadShare(.telnyx, url: bridge.url(.telnyx)),
            ],
            calls: 4, seconds: 2, rampMilliseconds: 200)
        settings.agent.port = port
        let report = try await LoadRun.run(settings)
        bridge.stop()
        #expect(report.calls == 4)
        #expect(report.completed == 4)
        #expect(report.failed == 0)
        #expect(report.conversations == 4)
        #expect(report.framesSent == 400)
        #expect(report.framesMissing == 0)
        #expect(report.framesArrived > 300)
        #expect(report.toAgent.count == report.framesArrived)
        #expect(report.toAgent.p50 >= 0 && report.toAgent.p50 < 50)
        #expect(report.turnToCarrier.count >= 4)
        #expect(report.chunkToCarrier.count >= report.turnToCarrier.count)
        #expect(report.callSeconds == 8)
        #expect(report.loopSeconds > 0 && report.loopSeconds <= report.cpuSeconds)
        #expect(report.clears == report.interruptions)
        #expect(report.interruptionToClear.count == report.interruptions)
        #expect(report.interruptions >= 1)
        #expect(report.samplesReceived > 0 && report.samplesReceived <= report.samplesSpoken)
    }

    @Test func callsThatFailAreInTheReport() async throws {
        let settings = LoadSettings(
            shares: [LoadShare(.twilio, url: "ws://127.0.0.1:1/")], calls: 2, seconds: 1, rampMilliseconds: 0)
        let report = try await LoadRun.run(settings)
        #expect(report.calls == 2)
        #expect(report.failed == 2)
        #expect(report.completed == 0)
        #expect(report.errors.values.reduce(0, +) == 2)
    }
}
