// Reads a `.env`: variables, line by line, and what is wrong with it. Pure.

import Foundation

/// The variables of a `.env`, with the line each stands on.
struct Dotenv: Sendable, Hashable {
    /// Values by name; of a name that stands twice the last one.
    private(set) var values: [String: String] = [:]
    /// The line a name stands on, from 1.
    private(set) var lines: [String: Int] = [:]
    /// What is wrong with a line, by its number; no value is in it.
    private(set) var problems: [Int: String] = [:]

    /// Reads lines of `NAME=value`: comments, `export `, and single or double quotes as common bridges write them.
    init(_ text: String) {
        // A "\r\n" is one Character, and a new line like "\n".
        let all = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in all.enumerated() { read(line, number: index + 1) }
    }

    private mutating func read(_ rawLine: Substring, number: Int) {
        var line = rawLine.drop { $0 == " " || $0 == "\t" || $0 == "\u{FEFF}" }
        guard !line.isEmpty, !line.hasPrefix("#") else { return }
        if line.hasPrefix("export ") { line = line.dropFirst(7).drop { $0 == " " } }
        func problem(_ text: String) { problems[number] = text }
        guard let equals = line.firstIndex(of: "=") else {
            return problem("there is no = in it; a line is NAME=value, a comment begins with #")
        }
        let name = line[..<equals].trimmingCharacters(in: .whitespaces)
        guard Self.isName(name) else {
            return problem("what stands before = is no name: letters, digits and _ only")
        }
        var value = line[line.index(after: equals)...].trimmingCharacters(in: .whitespaces)
        if let quote = value.first, quote == "\"" || quote == "'" {
            guard let end = value.dropFirst().firstIndex(of: quote) else {
                return problem("the value of \(name) begins with \(quote) and does not end with it")
            }
            let rest = value[value.index(after: end)...].trimmingCharacters(in: .whitespaces)
            guard rest.isEmpty || rest.hasPrefix("#") else {
                return problem("something follows the closing \(quote) of \(name)")
            }
            value = String(value[value.index(after: value.startIndex)..<end])
        } else if value.hasPrefix("#") {
            value = ""
        } else if let comment = value.range(of: " #") {
            value = value[..<comment.lowerBound].trimmingCharacters(in: .whitespaces)
        }
        values[name] = value
        lines[name] = number
    }

    private static func isName(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, !(0x30...0x39).contains(first) else { return false }
        return bytes.allSatisfy {
            switch $0 {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
            default: false
            }
        }
    }
}
