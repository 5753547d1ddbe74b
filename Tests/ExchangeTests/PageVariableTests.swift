// The variables that the carriers' guides and the common bridges name: each is understood, our own names win.

import Exchange
import Foundation
import Switchboard
import Testing

@Suite struct PageVariableTests {
    private func load(_ variables: [String: String]) throws -> Settings {
        let folder = NSTemporaryDirectory() + "teeline-variables-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(atPath: folder) } }
        return try SettingsLoader.load(environment: variables, folder: folder)
    }

    @Test func eachIsUnderstood() throws {
        let settings = try load([
            "ELEVENLABS_AGENT_ID": "agent_1", "ELEVEN_LABS_API_KEY": "key-1", "VOICE_ID": "voice_1",
            "BASE_URL": "https://your-domain.com", "TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t1,t2",
            "TWILIO_PHONE_NUMBER": "+1234567890", "TELNYX_API_KEY": "KEY1", "BRIDGE_PORT": "10002",
            "HOST": "127.0.0.1", "LOG_LEVEL": "DEBUG", "ELEVENLABS_OUTPUT_FORMAT": "pcm_44100",
        ])
        #expect(settings.agentID == "agent_1" && settings.agentKey == "key-1")
        #expect(settings.speech.voice.voiceID == "voice_1")
        #expect(settings.switchboard.proxies.base?.authority == "your-domain.com")
        #expect(settings.switchboard.twilio.accountSID == "AC1")
        #expect(settings.switchboard.twilio.authTokens.count == 2)
        #expect(settings.switchboard.twilio.phoneNumber == "+1234567890")
        #expect(!settings.switchboard.telnyx.apiKey.isEmpty)
        #expect(settings.port == 10_002 && settings.host == "127.0.0.1" && settings.logLevel == .debug)
        #expect(settings.rules.expectedAgentOutput?.rate == 44_100)
        #expect(settings.carriers.first { $0.carrier == .twilio }?.missing == [])
    }

    @Test func webhookBaseURLIsThePublicURL() throws {
        let settings = try load(["WEBHOOK_BASE_URL": "https://hooks.example.com"])
        #expect(settings.switchboard.proxies.base?.authority == "hooks.example.com")
    }

    @Test(arguments: [
        ("PORT", "BRIDGE_PORT", "1234", "4321"), ("TEELINE_VOICE_ID", "VOICE_ID", "ours", "theirs"),
        ("ELEVENLABS_API_KEY", "ELEVEN_LABS_API_KEY", "ours", "theirs"),
        ("TEELINE_PUBLIC_URL", "BASE_URL", "https://ours.example", "https://theirs.example"),
    ])
    func ourOwnNameWins(own: String, other: String, ours: String, theirs: String) throws {
        func shown(_ settings: Settings) -> [String] {
            [
                String(settings.port), settings.speech.voice.voiceID, settings.agentKey ?? "",
                settings.switchboard.proxies.base?.authority ?? "",
            ]
        }
        let both = shown(try load([own: ours, other: theirs]))
        #expect(both == shown(try load([own: ours])))
        #expect(both != shown(try load([other: theirs])))
        // An empty one is none.
        #expect(shown(try load([own: "", other: theirs])) == shown(try load([other: theirs])))
    }
}
