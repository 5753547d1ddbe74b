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
    /// `environment`, each winning over the one before.
    /// - Throws: `SettingsError` with all problems.
    public static func load(
        environment: [String: String], folder: String = "."
    ) throws(SettingsError) -> Settings {
        var problems: [String] = []
        var values: [String: String] = [:]
        let named = environment["TEELINE_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        let path = named ?? folder + "/config/teeline.json"
        if FileManager.default.fileExists(atPath: path) {
            readFile(path, into: &values, &problems)
        } else if named != nil {
            problems.append("TEELINE_CONFIG names a file that does not exist: \(path)")
        }
        var variables: [String: String] = [:]
        let dotenv = folder + "/.env"
        if FileManager.default.fileExists(atPath: dotenv) {
            do {
                variables = parseDotenv(try String(contentsOfFile: dotenv, encoding: .utf8))
            } catch {
                problems.append(".env cannot be read: check its permissions and that it is UTF-8")
            }
        }
        variables.merge(environment) { _, new in new }
        for key in SettingKey.all {
            for variable in key.aliases.reversed() + [key.variable] {
                if let value = variables[variable], !value.isEmpty { values[key.name] = value }
            }
        }
        let known = Set(SettingKey.all.flatMap { [$0.variable] + $0.aliases } + ["TEELINE_CONFIG"])
        for name in variables.keys.sorted() where name.hasPrefix("TEELINE_") && !known.contains(name) {
            problems.append("\(name) is no variable of this server: see the table in the README")
        }
        return try Settings(values: values, problems: problems)
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
                    problems.append("\(path): \(name) is no key of this server")
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

    /// Lines of `NAME=value`: comments, `export `, and single or double quotes as common bridges write them.
    static func parseDotenv(_ text: String) -> [String: String] {
        var values: [String: String] = [:]
        for rawLine in text.split(whereSeparator: \.isNewline) {
            var line = rawLine.drop { $0 == " " || $0 == "\t" }
            guard !line.hasPrefix("#") else { continue }
            if line.hasPrefix("export ") { line = line.dropFirst(7).drop { $0 == " " } }
            guard let equals = line.firstIndex(of: "=") else { continue }
            let name = line[..<equals].trimmingCharacters(in: .whitespaces)
            var value = line[line.index(after: equals)...].trimmingCharacters(in: .whitespaces)
            if let quote = value.first, quote == "\"" || quote == "'",
                let end = value.dropFirst().firstIndex(of: quote)
            {
                value = String(value[value.index(after: value.startIndex)..<end])
            } else if let comment = value.range(of: " #") {
                value = value[..<comment.lowerBound].trimmingCharacters(in: .whitespaces)
            }
            if !name.isEmpty { values[name] = value }
        }
        return values
    }
}
