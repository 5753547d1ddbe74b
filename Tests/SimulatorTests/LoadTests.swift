// The load engine against a small bridge: the figures are those of the calls.

import Audio
import Net
import Testing

@testable import Simulator

@Suite struct LoadTests {
    @Test func aSmallRun() async throws {
        var taken: LoadReport?
        for _ in 0..<5 where taken == nil {
            // The agent's port must be known to the bridge before the run: take a free one, which another
            // may take before us.
            let probe = try SimulatedAgent.start(SimulatedAgentSettings())
            let port = probe.port
            probe.stop()
            let bridge = try SmallBridge.start(
                .agent(url: "ws://127.0.0.1:\(port)/v1/convai/conversation?agent_id=load"))
            defer { bridge.stop() }
            // So long that every call hears the agent, and so far apart that one of the two callers who speak
            // interrupts it, also where the machine stood still for a while.
            var settings = LoadSettings(
                shares: [
                    LoadShare(.twilio, url: bridge.url(.twilio)),
                    LoadShare(.telnyx, url: bridge.url(.telnyx)),
                ],
                calls: 4, seconds: 6, rampMilliseconds: 2000)
            settings.agent.port = port
            do throws(NetError) {
                taken = try await LoadRun.run(settings)
            } catch {
                guard case .cannotListen = error else { throw error }
            }
        }
        let report = try #require(taken)
        #expect(report.calls == 4)
        #expect(report.completed == 4)
        #expect(report.failed == 0)
        #expect(report.conversations == 4)
        // 50 a second.
        #expect(report.framesSent == 1200)
        #expect(report.framesMissing == 0)
        #expect(report.framesArrived == report.framesSent)
        #expect(report.toAgent.count == report.framesArrived)
        // Milliseconds; as microseconds they would be some thousand times as many.
        #expect(report.toAgent.p50 >= 0 && report.toAgent.p50 < 250)
        #expect(report.turnToCarrier.count >= 4)
        #expect(report.chunkToCarrier.count >= report.turnToCarrier.count)
        #expect(report.callSeconds == 24)
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
