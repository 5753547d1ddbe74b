// The grammar of the command line, as data: commands, operands, options.

/// What an option takes.
enum OptionValue: Sendable, Hashable {
    /// Nothing: it is there or not.
    case none
    /// Any text that is not empty.
    case text
    /// A whole number within bounds.
    case integer(ClosedRange<Int>)
    /// One of these.
    case choice([String])
}

/// One option of a command.
struct OptionSyntax: Sendable, Hashable {
    /// With its dashes: "--port".
    var name: String
    /// What it takes.
    var value: OptionValue
    /// How the help calls its value.
    var placeholder: String
    /// One line for the help.
    var meaning: String

    /// An option without a value.
    init(_ name: String, _ meaning: String) { self.init(name, .none, "", meaning) }

    /// An option that takes `value`.
    init(_ name: String, _ value: OptionValue, _ placeholder: String, _ meaning: String) {
        self.name = name
        self.value = value
        self.placeholder = placeholder
        self.meaning = meaning
    }
}

/// One word that a command takes besides options.
struct OperandSyntax: Sendable, Hashable {
    /// How the help calls it.
    var name: String
    /// Whether it must be there.
    var isRequired = true
    /// Whether further words of its kind may follow; only the last operand can be.
    var isRepeated = false
}

/// One command.
struct CommandSyntax: Sendable, Hashable {
    /// Its words: ["recordings", "list"].
    var words: [String]
    /// One line for the list of commands.
    var summary: String
    /// What it does, for its own help.
    var details: String
    /// Words after it.
    var operands: [OperandSyntax] = []
    /// Its options, `--help` not among them: every command has it.
    var options: [OptionSyntax] = []
    /// Lines that can be copied.
    var examples: [String] = []
    /// Whether everything after it is handed on unread.
    var takesAnything = false

    /// Its words with a space between.
    var name: String { words.joined(separator: " ") }
}

/// Why a command line cannot be understood.
struct UsageError: Error, Hashable {
    /// What is wrong, and with which word.
    var message: String
    /// The command whose help tells more; empty for the program's.
    var command = ""
}
