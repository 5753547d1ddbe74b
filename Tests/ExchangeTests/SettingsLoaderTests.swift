// Where settings may stand: which source wins, what is refused, and how that is told.

import Foundation
import Testing

@testable import Exchange

@Suite struct SettingsLoaderTests {
    private func load(
        _ environment: [String: String] = [:], dotenv: String? = nil, file: String? = nil
    ) throws -> Settings {
        let folder = NSTemporaryDirectory() + "teeline-loader-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: folder + "/config", withIntermediateDirectories: true)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(atPath: folder) } }
        if let dotenv { try Data(dotenv.utf8).write(to: URL(fileURLWithPath: folder + "/.env")) }
        if let file { try Data(file.utf8).write(to: URL(fileURLWithPath: folder + "/config/teeline.json")) }
        return try SettingsLoader.load(environment: environment, folder: folder)
    }

    private func problems(_ environment: [String: String] = [:], dotenv: String? = nil) -> [String] {
        do {
            _ = try load(environment, dotenv: dotenv)
            return []
        } catch {
            return (error as? SettingsError)?.problems ?? ["\(error)"]
        }
    }

    /// Each source by another name of the key: the environment wins over `.env`, which wins over the file.
    @Test(arguments: [("PORT", "BRIDGE_PORT"), ("BRIDGE_PORT", "PORT"), ("PORT", "PORT")])
    func theSourceDecidesAndNotTheName(inDotenv: String, inEnvironment: String) throws {
        let file = #"{"server": {"port": 18804}}"#
        let dotenv = "\(inDotenv)=18805\n"
        #expect(try load(file: file).port == 18804)
        #expect(try load(dotenv: dotenv, file: file).port == 18805)
        #expect(try load([inEnvironment: "18806"], dotenv: dotenv, file: file).port == 18806)
        // An empty one is none.
        #expect(try load([inEnvironment: ""], dotenv: dotenv, file: file).port == 18805)
    }

    @Test(arguments: [
        "https://", "http://", "https://:443", "https://api.example.com:99999", "https://api.example.com:0",
        "https://api.example.com:", "https://api.example.com:44x", "https://user@api.example.com",
        "https://a b", "https://api.example.com?x=1", "https://api.example.com#x", "https:///v1",
        "https://[::1", "wss://api.example.com", "api.example.com", "https://api example.com",
    ])
    func anAddressThatIsNoneIsRefused(url: String) {
        for name in ["ELEVENLABS", "TWILIO", "TELNYX", "EXOTEL"] {
            let found = problems([name + "_BASE_URL": url])
            #expect(found.count == 1 && found[0].hasPrefix(name + "_BASE_URL must be an address"), "\(url)")
        }
        // The number may stand in the query of the context's address, so it can have one.
        #expect(problems(["TEELINE_CONTEXT_URL": url]).count == (url.contains("?") ? 0 : 1), "\(url)")
    }

    @Test(arguments: [
        "https://api.elevenlabs.io", "https://api.eu.residency.elevenlabs.io/", "http://127.0.0.1:8766",
        "http://[::1]:8766", "https://gateway.example.com:8443/elevenlabs", "http://localhost:1",
    ])
    func anAddressIsTaken(url: String) throws {
        #expect(try load(["ELEVENLABS_BASE_URL": url]).agentBaseURL == url)
    }

    @Test func aContextServicesAddressMayHoldThePlaceholder() throws {
        for url in ["https://crm.example.com/{phone}", "https://crm.example.com/lookup?phone={phone}&x=1"] {
            #expect(try load(["TEELINE_CONTEXT_URL": url]).switchboard.contexts != nil)
        }
    }

    @Test(arguments: [
        ("ELEVENLABS_AGENTID", "ELEVENLABS_AGENT_ID"), ("TWILIO_AUTHTOKEN", "TWILIO_AUTH_TOKEN"),
        ("TELNYX_PUBLICKEY", "TELNYX_PUBLIC_KEY"), ("EXOTEL_WEBHOOK_KEY", "EXOTEL_WEBHOOK_KEYS"),
        ("ELEVEN_LABS_API_KEYS", "ELEVEN_LABS_API_KEY"), ("TEELINE_API_TOKNE", "TEELINE_API_TOKEN"),
    ])
    func aMisspeltNameIsTold(name: String, meant: String) throws {
        let text = "\(name) is no variable of this server; did you mean \(meant)?"
        #expect(
            problems(dotenv: "# ours\n\nLOG_LEVEL=info\n\(name)=very-secret\n") == [".env line 4: " + text])
        if name.hasPrefix("TEELINE_") {
            #expect(problems([name: "very-secret"]) == [text])
        } else {
            #expect(try load([name: "very-secret"]).warnings == [text])
        }
    }

    /// RFC 8032, 7.1, test 2, is a key; what is none is told with all other mistakes, before anything is started.
    @Test func aKeyOfTelnyxIsOneOrIsTold() throws {
        let key = "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
        for keys in [key, key + "," + key, ""] {
            #expect(
                try load(["TELNYX_PUBLIC_KEY": keys]).switchboard.telnyx.publicKeys.count == keys.count / 44)
        }
        for keys in ["abc", String(key.dropLast()), key + ",abc", String(key.dropFirst(4)), "----"] {
            let found = problems(["TELNYX_PUBLIC_KEY": keys, "PORT": "many"])
            #expect(
                found.count == 2 && found.contains { $0.hasPrefix("TELNYX_PUBLIC_KEY must be") }, "\(keys)")
        }
    }

    @Test(arguments: [
        ("localhost", "127.0.0.1"), ("LocalHost", "127.0.0.1"), ("127.0.0.2", "127.0.0.2"), ("::1", "::1"),
        ("", "127.0.0.1"),
    ])
    func anAddressOfThisMachineIsBound(host: String, bound: String) throws {
        let settings = try load(["HOST": host])
        #expect(settings.host == bound && settings.isLoopback)
    }

    @Test(arguments: [
        "999.1.1.1", "127.0.0", "127.evil.com", "localhost.", "voice.example.com", "[::1]", "127.0.0.1:8765",
        " ", "::g", "0x7f.0.0.1",
    ])
    func aHostThatIsNoAddressIsTold(host: String) {
        let found = problems(["HOST": host])
        #expect(found.count == 1 && found[0].hasPrefix("HOST must be an address of this machine"))
    }

    @Test func whatIsNotOursIsNobodysBusiness() throws {
        let settings = try load(
            ["PATH": "/bin", "TWILIO_PROFILE": "work", "PORT": "1"], dotenv: "DATABASE_URL=postgres://x\n")
        #expect(
            settings.warnings == ["TWILIO_PROFILE is no variable of this server: see the table in the README"]
        )
    }

    @Test(arguments: [
        ("ELEVENLABS_AGENT_ID agent_1", "there is no = in it"), ("nonsense", "there is no = in it"),
        ("ELEVENLABS_AGENT_ID=\"agent_1", "does not end with it"),
        ("LOG_LEVEL='info", "does not end with it"),
        ("LOG_LEVEL=\"info\"x", "something follows the closing"), ("=x", "is no name"),
        ("A B=x", "is no name"),
        ("1A=x", "is no name"),
    ])
    func aLineThatCannotBeReadIsTold(line: String, text: String) {
        for end in ["\n", "\r\n"] {
            let found = problems(dotenv: "# a comment" + end + end + line + end + "PORT=1" + end)
            #expect(found.count == 1)
            #expect(found.first?.hasPrefix(".env line 3: ") == true)
            #expect(found.first?.contains(text) == true)
        }
    }

    @Test(arguments: [
        ("A=b", "b"), ("export A=b", "b"), ("  A = b ", "b"), ("A=\"b c\"", "b c"),
        ("A='b # c' # d", "b # c"),
        ("A=b # c", "b"), ("A=b#c", "b#c"), ("A=", ""), ("A=\"\"", ""), ("A=b=c", "b=c"),
        ("\u{FEFF}A=b", "b"),
        ("A=it's", "it's"), ("A= # c", ""),
    ])
    func linesThatCanBeRead(line: String, value: String) {
        let dotenv = Dotenv(line)
        #expect(dotenv.problems.isEmpty)
        #expect(dotenv.values == ["A": value])
    }

    @Test func noValueOfASecretIsTold() {
        let text =
            "TWILIO_AUTH_TOKEN=\"very-secret\nTWILIO_AUTHTOKEN=very-secret\nvery-secret\nvery secret=1\n"
        let found = problems(dotenv: text)
        #expect(found.count == 4)
        #expect(found.allSatisfy { !$0.contains("secret") })
    }

    @Test func theConfigurationFileMayBeNamedInDotenv() {
        #expect(
            problems(dotenv: "TEELINE_CONFIG=/nonexistent/teeline.json\n")
                == ["TEELINE_CONFIG names a file that does not exist: /nonexistent/teeline.json"])
    }

    @Test func bitRatesAreToldInWords() {
        #expect(
            problems(["TEELINE_NARROWBAND_KBPS": "16"]) == [
                "TEELINE_NARROWBAND_KBPS (recording.narrowband_kbps) cannot be used at 8000 Hz: 16 kbit/s leave no "
                    + "room for the tag that tells players the length; the least is 24"
            ])
        #expect(
            problems(["TEELINE_NARROWBAND_KBPS": "50"]) == [
                "TEELINE_NARROWBAND_KBPS (recording.narrowband_kbps) cannot be used at 8000 Hz: MP3 has no 50 kbit/s "
                    + "at 8000 Hz; it has 24, 32, 40, 48, 56, 64"
            ])
        for problem in problems(["TEELINE_WIDEBAND_KBPS": "9", "TEELINE_NARROWBAND_KBPS": "8"]) {
            #expect(problem.hasPrefix("TEELINE_") && !problem.contains("kilobits:"))
        }
    }
}
