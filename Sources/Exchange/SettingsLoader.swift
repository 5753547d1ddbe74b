// Reads the configuration: file, `.env`, environment; tells everything that is wrong at once.

import Foundation

/// Everything that is wrong with a configuration.
public struct SettingsError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One sentence a mistake, each naming the key and what to do. No value of a secret is in them.
    public var problems: [String]

    /// The problems, a line each.
    public var description: String { problems.map { "  - \($0)" }.joined(separator: "\n") }
}

/// Reads values of `SettingKey.all` from where they may stand.
public enum SettingsLoader {
    /// Loads the settings: `TEELINE_CONFIG` (or config/teeline.json when it exists), `.env` in `folder`, then
    /// `environment`, each winning over the one before, whichever of a key's names it uses.
    /// - Throws: `SettingsError` with all problems.
    public static func load(
        environment: [String: String], folder: String = "."
    ) throws(SettingsError) -> Settings {
        var problems: [String] = []
        var values: [String: String] = [:]
        let dotenv = readDotenv(folder + "/.env", &problems)
        let named = [environment, dotenv.values].lazy.compactMap { $0["TEELINE_CONFIG"] }.first {
            !$0.isEmpty
        }
        let path = named ?? folder + "/config/teeline.json"
        if FileManager.default.fileExists(atPath: path) {
            readFile(path, into: &values, &problems)
        } else if named != nil {
            problems.append("TEELINE_CONFIG names a file that does not exist: \(path)")
        }
        // Names are resolved in each source for itself: an environment that uses another name of a key wins all the same.
        for source in [dotenv.values, environment] {
            values.merge(resolved(source)) { _, new in new }
        }
        // The environment is other programs', too; only TEELINE_ is ours alone.
        var warnings: [String] = []
        for name in environment.keys.sorted() where SettingNames.isUnknown(name) {
            if name.hasPrefix("TEELINE_") {
                problems.append(SettingNames.problem(name))
            } else {
                warnings.append(SettingNames.problem(name))
            }
        }
        var settings = try Settings(values: values, problems: problems)
        settings.warnings = warnings
        return settings
    }

    /// Values by key of the variables of one source; a key's own name wins over its others, an empty one is none.
    private static func resolved(_ variables: [String: String]) -> [String: String] {
        var values: [String: String] = [:]
        for key in SettingKey.all {
            for variable in key.aliases.reversed() + [key.variable] {
                if let value = variables[variable], !value.isEmpty { values[key.name] = value }
            }
        }
        return values
    }

    private static func readDotenv(_ path: String, _ problems: inout [String]) -> Dotenv {
        guard FileManager.default.fileExists(atPath: path) else { return Dotenv("") }
        do {
            let dotenv = Dotenv(try String(contentsOfFile: path, encoding: .utf8))
            var mistakes = dotenv.problems
            for (name, line) in dotenv.lines where SettingNames.isUnknown(name) {
                mistakes[line] = SettingNames.problem(name)
            }
            problems += mistakes.sorted { $0.key < $1.key }.map { ".env line \($0.key): \($0.value)" }
            return dotenv
        } catch {
            problems.append(".env cannot be read: check its permissions and that it is UTF-8")
            return Dotenv("")
        }
    }

    private static func readFile(
        _ path: String, into values: inout [String: String], _ problems: inout [String]
    ) {
        let document: Any
        do {
            document = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            problems.append("\(path) is not a JSON document that can be read")
            return
        }
        guard let groups = document as? [String: Any] else {
            problems.append("\(path) must hold a JSON object of groups")
            return
        }
        let keys = Dictionary(uniqueKeysWithValues: SettingKey.all.map { ($0.name, $0) })
        for (group, content) in groups.sorted(by: { $0.key < $1.key }) where !group.hasPrefix("$") {
            guard let members = content as? [String: Any] else {
                problems.append("\(path): \(group) must be an object")
                continue
            }
            for (member, value) in members.sorted(by: { $0.key < $1.key }) {
                let name = group + "." + member
                guard let key = keys[name] else {
                    let near = Spelling.nearest(to: name, among: SettingKey.all.map(\.name))
                    problems.append(
                        "\(path): \(name) is no key of this server"
                            + (near.map { "; did you mean \($0)?" } ?? ""))
                    continue
                }
                if case .secret = key.kind {
                    problems.append(
                        "\(path): \(name) is a secret; set \(key.variable) in the environment instead")
                    continue
                }
                guard let text = self.text(value) else {
                    problems.append("\(path): \(name) must be a string, a number, true or false")
                    continue
                }
                values[name] = text
            }
        }
    }

    /// A JSON scalar as the text that the environment would hold.
    private static func text(_ value: Any) -> String? {
        if let text = value as? String { return text }
        guard let number = value as? NSNumber else { return nil }
        // JSONSerialization gives true and false as NSNumber, too; their type tells them apart.
        if String(cString: number.objCType) == "c" || String(cString: number.objCType) == "B" {
            return number.boolValue ? "true" : "false"
        }
        return number.stringValue
    }
}
