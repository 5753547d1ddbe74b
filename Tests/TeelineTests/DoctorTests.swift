// The doctor, against a machine and an agent of our own making.

import Exchange
import Foundation
import Net
import Simulator
import Testing

@testable import teeline

@Suite struct DoctorTests {
    private func grades(_ values: [String: String]) async throws -> [DoctorFinding.Grade] {
        await AgentChecks(try Settings(values: values)).findings().map(\.grade)
    }

    @Test func aPublicAgentIsKnockedAt() async throws {
        let agent = try SimulatedAgent.start(nil, agents: ["known": DemoScript.agent])
        defer { agent.stop() }
        let base = ["agent.base_url": agent.baseURL]
        #expect(try await grades(base.merging(["agent.id": "known"]) { $1 }) == [.ok, .ok])
        #expect(try await grades(base.merging(["agent.id": "unknown"]) { $1 }) == [.ok, .fail])
        #expect(try await grades(base) == [.ok, .warn])
    }

    @Test func aPrivateAgentsKeyIsTried() async throws {
        var door = AgentDoorSettings()
        door.apiKey = "right-key"
        door.needsAuthorization = true
        let agent = try SimulatedAgent.start(DemoScript.agent, door: door)
        defer { agent.stop() }
        let base = ["agent.base_url": agent.baseURL, "agent.id": "private"]
        #expect(try await grades(base.merging(["agent.api_key": "right-key"]) { $1 }) == [.ok, .ok])
        #expect(try await grades(base.merging(["agent.api_key": "wrong-key"]) { $1 }) == [.ok, .fail])
        #expect(try await grades(base) == [.ok, .fail])
    }

    @Test func anAgentThatIsNotThereFails() async throws {
        // Port 9 (discard) of the loopback: nobody serves it.
        #expect(try await grades(["agent.base_url": "http://127.0.0.1:9", "agent.id": "a"]) == [.fail])
    }

    @Test func portsAreFreeOursOrAnothers() async throws {
        let folder = NSTemporaryDirectory() + "teeline-doctor-" + UUID().uuidString
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(atPath: folder) } }
        var left: [DoctorFinding.Grade] = []
        // The port that the server has left may be given to another socket of these tests at once.
        for _ in 0..<5 where left != [.ok] {
            let server = try TelephoneExchange.start(
                Settings(values: ["server.port": "0", "storage.path": folder]), log: .init(level: .error))
            let settings = try Settings(values: ["server.port": "\(server.port)", "storage.path": folder])
            #expect(await MachineChecks.port(settings).map(\.grade) == [.ok])
            server.drainAndStop()
            left = await MachineChecks.port(settings).map(\.grade)
        }
        #expect(left == [.ok])
        let agent = try SimulatedAgent.start(DemoScript.agent)
        defer { agent.stop() }
        let foreign = try Settings(values: ["server.port": "\(agent.port)"])
        #expect(await MachineChecks.port(foreign).map(\.grade) == [.fail])
    }

    @Test func everyMistakeOfTheConfigurationIsALine() {
        let (settings, findings) = SettingsChecks.load(
            ServerEnvironment(
                ParsedArguments(),
                environment: [
                    "PORT": "many", "TEELINE_QUALITY": "11", "TEELINE_NONSENSE": "1", "HOST": "0.0.0.0",
                    "TELNYX_PUBLIC_KEY": "abc",
                ]))
        #expect(settings == nil)
        #expect(findings.map(\.grade) == [.fail, .fail, .fail, .fail, .fail])
        #expect(findings.contains { $0.text.hasPrefix("TELNYX_PUBLIC_KEY must be") })
        #expect(findings.allSatisfy { !$0.remedy.isEmpty })
    }

    @Test func anotherProgramsVariableIsAWarning() {
        let (settings, findings) = SettingsChecks.load(
            ServerEnvironment(ParsedArguments(), environment: ["ELEVENLABS_AGENTID": "agent_1"]))
        #expect(settings != nil)
        #expect(findings.map(\.grade) == [.warn])
        #expect(findings[0].text.contains("ELEVENLABS_AGENT_ID") && !findings[0].text.contains("agent_1"))
    }

    @Test func optionsWinOverTheEnvironment() {
        let arguments = ParsedArguments(values: [
            "--port": "1", "--storage": "a", "--host": "h", "--config": "c",
        ])
        let environment = ServerEnvironment(arguments, environment: ["PORT": "2", "LOG_LEVEL": "debug"])
        #expect(
            environment.variables == [
                "PORT": "1", "TEELINE_STORAGE": "a", "HOST": "h", "TEELINE_CONFIG": "c", "LOG_LEVEL": "debug",
            ])
    }

    @Test func theLibrariesOfThisMachineWillDo() {
        #expect(MachineChecks.libraries().allSatisfy { $0.grade != .fail })
    }
}
