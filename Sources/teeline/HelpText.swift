// The texts of --help, made from the tables.

import Exchange

/// The help of program and commands.
enum HelpText {
    /// The program's help.
    static var program: String {
        let width = Commands.all.map(\.name.count).max() ?? 0
        let commands = Commands.all.map { "  \(TextTable.padded($0.name, width))  \($0.summary)" }
        let codes = ExitCode.allCases.map { "  \($0.rawValue)  \($0.meaning)" }
        return """
            Teeline \(TeelineVersion.text): bridges telephone calls to a voice agent and records every one of them.

            Usage: teeline COMMAND [OPTIONS]

            \(commands.joined(separator: "\n"))

            teeline COMMAND --help tells more of one; teeline help settings lists every setting.

            Exit status
            \(codes.joined(separator: "\n"))

            """
    }

    /// The help of the commands that begin with `words`.
    static func of(_ words: [String]) -> String {
        guard !words.isEmpty else { return program }
        return Commands.all.filter { $0.words.starts(with: words) }.map { command($0) }
            .joined(separator: "\n")
    }

    private static func command(_ command: CommandSyntax) -> String {
        let operands = command.operands.map { operand in
            let name = operand.name + (operand.isRepeated ? "…" : "")
            return operand.isRequired ? " \(name)" : " [\(name)]"
        }.joined()
        var text =
            "Usage: teeline \(command.name)\(operands)\(command.options.isEmpty ? "" : " [OPTIONS]")\n\n"
        text += "\(command.details)\n"
        let heads = command.options.map {
            $0.placeholder.isEmpty ? $0.name : "\($0.name) \($0.placeholder)"
        }
        let width = heads.map(\.count).max() ?? 0
        if !heads.isEmpty { text += "\nOptions\n" }
        for (head, option) in zip(heads, command.options) {
            text += "  \(TextTable.padded(head, width))  \(option.meaning)\n"
        }
        if !command.examples.isEmpty { text += "\nExamples\n" }
        for example in command.examples { text += "  \(example)\n" }
        return text
    }

    /// Every setting as the table of the README (Markdown).
    static var settings: String {
        var text = "| key | variable | values | default | meaning |\n|---|---|---|---|---|\n"
        for key in SettingKey.all {
            let values =
                switch key.kind {
                case .text: "text"
                case .secret: "secret, environment only"
                case .flag: "true, false"
                case .integer(let bounds): "\(bounds.lowerBound)…\(bounds.upperBound)"
                case .decimal(let bounds): "\(bounds.lowerBound)…\(bounds.upperBound)"
                case .choice(let choices): choices.joined(separator: ", ")
                }
            let standard = key.standard.isEmpty ? "" : "`\(key.standard)`"
            let variables = ([key.variable] + key.aliases).map { "`\($0)`" }.joined(separator: ", ")
            text += "| `\(key.name)` | \(variables) | \(values) | \(standard) | \(key.meaning) |\n"
        }
        return text
    }
}
