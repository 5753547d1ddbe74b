// README and example files against the program: what they say is what it does.

import Desk
import Exchange
import Foundation
import Switchboard
import Testing

@testable import teeline

@Suite struct PaperTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    private func file(_ name: String) throws -> String {
        String(
            decoding: try #require(FileManager.default.contents(atPath: Self.root + "/" + name)),
            as: UTF8.self)
    }

    /// What stands between `<!-- name -->` and `<!-- /name -->`.
    private func block(_ name: String, in text: String) throws -> String {
        let start = try #require(text.range(of: "<!-- \(name) -->\n"))
        let end = try #require(text.range(of: "<!-- /\(name) -->"))
        return String(text[start.upperBound..<end.lowerBound])
    }

    @Test func theTableOfSettingsIsTheProgramsOwn() throws {
        #expect(try block("settings", in: file("README.md")) == HelpText.settings)
    }

    @Test func theTableOfRoutesIsTheRoutersOwn() throws {
        var table = "| route | is |\n|---|---|\n"
        for route in Routes.all { table += "| `\(route.method) \(route.path)` | \(route.summary) |\n" }
        #expect(try block("routes", in: file("README.md")) == table)
    }

    @Test func theTableOfDoorsIsTheSwitchboardsOwn() throws {
        var table = "| door | who knocks | is |\n|---|---|---|\n"
        for route in WebhookRoutes.all {
            let methods = route.methods.joined(separator: ", ")
            table += "| `\(methods) \(route.path)` | \(route.kind.title) | \(route.summary) |\n"
        }
        for route in StreamRoutes.all {
            table += "| `wss://…\(route.path)` | \(route.who) | \(route.summary) |\n"
        }
        #expect(try block("doors", in: file("README.md")) == table)
    }

    /// Both proxy examples let every door's requests through, and nothing is in them that is no door.
    @Test func theProxyExamplesKnowEveryDoor() throws {
        let paths = WebhookRoutes.all.map(\.path) + StreamRoutes.all.map(\.path)
        let nginx = try file("config/nginx.conf")
        let patterns = nginx.matches(of: /location (~|=) (\S+) \{/).map { match in
            match.1 == "=" ? "^" + match.2 + "$" : String(match.2)
        }
        let caddy = try file("config/Caddyfile")
        let words = Set(caddy.split(whereSeparator: \.isWhitespace).map(String.init))
        for path in paths {
            let isKnown = try patterns.contains { try Regex($0).firstMatch(in: path) != nil }
            #expect(isKnown, "\(path) in nginx.conf")
            #expect(words.contains(path), "\(path) in Caddyfile")
        }
        #expect(try !patterns.contains { try Regex($0).firstMatch(in: "/metrics") != nil })
    }

    @Test func theTableOfExitStatusesIsTheProgramsOwn() throws {
        var table = "| status | means |\n|---|---|\n"
        for code in ExitCode.allCases { table += "| \(code.rawValue) | \(code.meaning) |\n" }
        #expect(try block("status", in: file("README.md")) == table)
    }

    @Test func everyCommandIsInTheReadme() throws {
        let readme = try file("README.md")
        for command in Commands.all { #expect(readme.contains("teeline \(command.name)"), "\(command.name)") }
    }

    @Test func theExampleFileHoldsEveryKeyAndItsDefault() throws {
        let bytes = Data(try file("config/teeline.example.json").utf8)
        let groups = try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
        var found: [String: String] = [:]
        for (group, members) in groups where !group.hasPrefix("$") {
            for (name, value) in try #require(members as? [String: Any]) {
                let text = (value as? String) ?? "\(value)"
                found[group + "." + name] =
                    (value as? NSNumber).map {
                        CFBooleanLike.isBoolean($0) ? ($0.boolValue ? "true" : "false") : text
                    } ?? text
            }
        }
        let expected = SettingKey.all.filter { $0.kind != .secret }
        #expect(found == Dictionary(uniqueKeysWithValues: expected.map { ($0.name, $0.standard) }))
    }

    @Test func theExampleFileIsAccepted() throws {
        let folder = NSTemporaryDirectory() + "teeline-paper-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(atPath: folder) } }
        let settings = try SettingsLoader.load(
            environment: ["TEELINE_CONFIG": Self.root + "/config/teeline.example.json"], folder: folder)
        #expect(settings.port == 8765 && settings.isLoopback && !settings.carrierAuthIsOff)
    }

    @Test(arguments: ["teeline.service", "nginx.conf", "Caddyfile"])
    func theProxiesLeadToTheMediaPaths(name: String) throws {
        let text = try file("config/" + name)
        #expect(name == "teeline.service" ? text.contains("teeline serve") : text.contains("127.0.0.1:8765"))
    }

    @Test func noFileAtTheTopTellsOfAMachine() throws {
        for name in ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "storage/README.md"] {
            let text = try file(name)
            for folder in ["/ro" + "ot/", "/wo" + "rk/"] { #expect(!text.contains(folder), "\(name)") }
        }
    }
}

/// Tells JSON's true and false from its numbers: both are NSNumber.
private enum CFBooleanLike {
    static func isBoolean(_ number: NSNumber) -> Bool {
        ["c", "B"].contains(String(cString: number.objCType))
    }
}
