// Words of a command line to values, by a command's syntax. Pure.

import Exchange

/// What was said on the command line of one command, checked against its syntax.
struct ParsedArguments: Sendable, Hashable {
    /// Operands in order.
    var operands: [String] = []
    /// Options with a value, by name.
    var values: [String: String] = [:]
    /// Options without one.
    var flags: Set<String> = []
    /// Whether help was asked for.
    var wantsHelp = false

    /// The number of an option whose syntax says that it is one.
    func integer(_ name: String) -> Int? { values[name].flatMap { Int($0) } }
}

/// Reads words by the usual rules: `--name value`, `--name=value`, `--` ends the options.
struct ArgumentParser {
    let syntax: CommandSyntax

    /// Reads `words`, those after the command's own.
    /// - Throws: `UsageError` naming the first word that is wrong.
    func parse(_ words: some Sequence<String>) throws(UsageError) -> ParsedArguments {
        var result = ParsedArguments()
        var rest = Array(words)[...]
        var optionsAreOver = false
        while let word = rest.popFirst() {
            if !optionsAreOver, word == "--" {
                optionsAreOver = true
            } else if !optionsAreOver, word == "--help" || word == "-h" {
                result.wantsHelp = true
            } else if !optionsAreOver, word.hasPrefix("-"), word != "-" {
                try take(word, &rest, into: &result)
            } else {
                let hasRoom =
                    result.operands.count < syntax.operands.count || syntax.operands.last?.isRepeated == true
                guard hasRoom else {
                    throw problem("\(quoted(word)) is one word too many")
                }
                result.operands.append(word)
            }
        }
        if result.wantsHelp { return result }
        let required = syntax.operands.count { $0.isRequired }
        guard result.operands.count >= required else {
            throw problem("\(syntax.operands[result.operands.count].name) is missing")
        }
        return result
    }

    private func take(
        _ word: String, _ rest: inout ArraySlice<String>, into result: inout ParsedArguments
    ) throws(UsageError) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        guard let option = syntax.options.first(where: { $0.name == name }) else {
            let near = Spelling.nearest(to: name, among: syntax.options.map(\.name) + ["--help"])
            throw problem("unknown option \(quoted(name))" + (near.map { "; did you mean \($0)?" } ?? ""))
        }
        guard result.values[name] == nil, !result.flags.contains(name) else {
            throw problem("\(name) is given twice")
        }
        if case .none = option.value {
            guard parts.count == 1 else { throw problem("\(name) takes no value") }
            result.flags.insert(name)
            return
        }
        let next = parts.count == 2 ? String(parts[1]) : rest.popFirst()
        guard let value = next, parts.count == 2 || value == "-" || !value.hasPrefix("--") else {
            throw problem("\(name) needs a value: \(name) \(option.placeholder)")
        }
        try check(value, of: option)
        result.values[name] = value
    }

    private func check(_ value: String, of option: OptionSyntax) throws(UsageError) {
        switch option.value {
        case .none: break
        case .text:
            guard !value.isEmpty else { throw problem("\(option.name) must not be empty") }
        case .integer(let bounds):
            guard let number = Int(value), bounds.contains(number) else {
                throw problem(
                    "\(option.name) must be a whole number from \(bounds.lowerBound) to \(bounds.upperBound)")
            }
        case .choice(let choices):
            guard choices.contains(value) else {
                throw problem("\(option.name) must be one of \(choices.joined(separator: ", "))")
            }
        }
    }

    private func problem(_ message: String) -> UsageError {
        UsageError(message: message, command: syntax.name)
    }

    private func quoted(_ word: String) -> String { "'\(word)'" }
}
