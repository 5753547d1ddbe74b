// What a command line asks for.

import Exchange

/// A command line, understood.
enum Invocation: Hashable {
    /// Help of the program, of a command, or of a group of commands.
    case help([String])
    /// The table of settings.
    case settings
    /// The version.
    case version
    /// A command with its arguments.
    case run(CommandSyntax, ParsedArguments)
    /// A command that reads its words itself.
    case handOver(CommandSyntax, [String])

    /// Reads the words after the program's name.
    /// - Throws: `UsageError`.
    init(_ words: [String]) throws(UsageError) {
        guard let first = words.first else {
            self = .help([])
            return
        }
        switch first {
        case "--version", "version": self = .version
        case "--help", "-h", "help": self = try Self.asked(Array(words.dropFirst()))
        default: self = try Self.command(words)
        }
    }

    private static func asked(_ words: [String]) throws(UsageError) -> Invocation {
        if words == ["settings"] { return .settings }
        guard words.isEmpty || Commands.all.contains(where: { $0.words.starts(with: words) }) else {
            throw unknown(words.joined(separator: " "), among: Commands.all.map(\.name) + ["settings"])
        }
        return .help(words)
    }

    private static func command(_ words: [String]) throws(UsageError) -> Invocation {
        if let command = Commands.all.first(where: { words.starts(with: $0.words) }) {
            let rest = Array(words.dropFirst(command.words.count))
            let asksHelp = rest.contains("--help") || rest.contains("-h")
            if command.takesAnything, !asksHelp { return .handOver(command, rest) }
            if command.takesAnything { return .help(command.words) }
            let arguments = try ArgumentParser(syntax: command).parse(rest)
            return arguments.wantsHelp ? .help(command.words) : .run(command, arguments)
        }
        let first = words.first ?? ""
        if first.hasPrefix("-") { throw UsageError(message: "unknown option '\(first)'") }
        let group = Commands.all.filter { $0.words.first == first }
        guard !group.isEmpty else {
            throw unknown(first, among: Set(Commands.all.map { $0.words[0] }).sorted())
        }
        guard let second = words.dropFirst().first else {
            throw UsageError(
                message: "\(first) what? \(group.map(\.name).joined(separator: ", "))", command: first)
        }
        if second == "--help" || second == "-h" { return .help([first]) }
        throw unknown(first + " " + second, among: group.map(\.name))
    }

    private static func unknown(_ name: String, among names: [String]) -> UsageError {
        let near = Spelling.nearest(to: name, among: names).map { "; did you mean \($0)?" } ?? ""
        return UsageError(message: "unknown command '\(name)'\(near)")
    }
}
