// The doors of the house, read from Package.swift.

import Foundation

/// What Package.swift says of targets and their dependencies.
enum Manifest {
    /// Every target with the targets it may import.
    static let doors: [String: Set<String>] = parse(
        FileManager.default.contents(atPath: SourceFile.root + "/Package.swift")
            .map { String(decoding: $0, as: UTF8.self) } ?? "")

    /// All modules of the package, C libraries among them.
    static let rooms = Set(doors.keys)

    /// Reads the manifest: the calls `room(…)`, `tests(…)`, `.target(…)`, `.executableTarget(…)`, `.testTarget(…)` and
    /// `.systemLibrary(…)` below `targets:`.
    static func parse(_ text: String) -> [String: Set<String>] {
        guard let start = text.range(of: "targets: [\n") else { return [:] }
        let lines = text[start.upperBound...].components(separatedBy: "\n")
            .filter { !$0.trimmingCharacters(in: .whitespaces).hasPrefix("//") }
        var doors: [String: Set<String>] = [:]
        for call in calls(in: lines.joined(separator: "\n")) {
            let strings = call.arguments.matches(of: /"([^"]*)"/).map { String($0.output.1) }
            guard let name = strings.first else { continue }
            switch call.name {
            case "room": doors[name] = list(after: "[", in: call.arguments)
            case "tests":
                let title = call.arguments.firstMatch(of: /as:\s*"([^"]*)"/).map { String($0.output.1) }
                doors[title ?? name + "Tests"] = list(after: "[", in: call.arguments).union([name])
            case ".systemLibrary": doors[name] = []
            default:
                let path = call.arguments.firstMatch(of: /path:\s*"(?:Sources|Tests)\/([^"]*)"/)
                    .map { String($0.output.1) }
                let known = list(after: "dependencies: [", in: call.arguments)
                doors[name] = known
                // A target that lies elsewhere is found by its folder, too.
                if let path { doors[path] = known }
            }
        }
        return doors
    }

    /// The quoted names between `opening` and the next bracket.
    private static func list(after opening: String, in text: String) -> Set<String> {
        guard let start = text.range(of: opening) else { return [] }
        let inside = text[start.upperBound...].prefix { $0 != "]" }
        return Set(inside.matches(of: /"([^"]*)"/).map { String($0.output.1) })
    }

    /// Calls at the outermost level, with the text between their brackets.
    private static func calls(in text: String) -> [(name: String, arguments: String)] {
        var found: [(name: String, arguments: String)] = []
        var name = ""
        var arguments = ""
        var depth = 0
        for character in text {
            if character == "(" { depth += 1 }
            if depth > 0 { arguments.append(character) }
            if character == ")" {
                depth -= 1
                if depth == 0 {
                    found.append((name: name, arguments: arguments))
                    name = ""
                    arguments = ""
                }
                if depth < 0 { return found }
            } else if depth == 0 {
                if character.isLetter || character == "." { name.append(character) } else { name = "" }
                if character == "]" { return found }
            }
        }
        return found
    }

    /// The modules that `file` imports, however it says so.
    static func imports(of file: SourceFile) -> [String] {
        file.lines.compactMap { line in
            // Imports stand at the margin; most lines do not.
            guard let first = line.utf8.first, "@ifp".utf8.contains(first) else { return nil }
            return line.firstMatch(
                of:
                    /^(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|private|fileprivate)\s+)?import\s+(?:(?:struct|class|enum|protocol|func|let|var|typealias|actor)\s+)?(\w+)/
            ).map { String($0.output.1) }
        }
    }
}
