// The command line: every word of the grammar, and what is said when one is wrong.

import Exchange
import Testing

@testable import teeline

@Suite struct ArgumentParserTests {
    private static let syntax = CommandSyntax(
        words: ["test"], summary: "", details: "",
        operands: [OperandSyntax(name: "ID"), OperandSyntax(name: "MORE", isRequired: false)],
        options: [
            OptionSyntax("--port", .integer(0...65_535), "N", "a number"),
            OptionSyntax("--name", .text, "TEXT", "a text"),
            OptionSyntax("--kind", .choice(["one", "two"]), "KIND", "a choice"),
            OptionSyntax("--once", "a flag"),
        ])

    private func parse(_ line: String) throws(UsageError) -> ParsedArguments {
        try ArgumentParser(syntax: Self.syntax).parse(line.split(separator: " ").map(String.init))
    }

    @Test(
        arguments: [
            ("x", ["x"], [:], []), ("x y", ["x", "y"], [:], []),
            ("x --port 80", ["x"], ["--port": "80"], []), ("--port 80 x", ["x"], ["--port": "80"], []),
            ("x --port=80", ["x"], ["--port": "80"], []), ("x --once", ["x"], [:], ["--once"]),
            ("x --name=a=b", ["x"], ["--name": "a=b"], []), ("x --name -", ["x"], ["--name": "-"], []),
            ("x --name -5", ["x"], ["--name": "-5"], []), ("x --name=--odd", ["x"], ["--name": "--odd"], []),
            ("--once -- --port", ["--port"], [:], ["--once"]), ("-", ["-"], [:], []),
            ("x --kind two --port 0", ["x"], ["--kind": "two", "--port": "0"], []),
            ("x --port 65535", ["x"], ["--port": "65535"], []),
        ] as [(String, [String], [String: String], Set<String>)])
    func words(line: String, operands: [String], values: [String: String], flags: Set<String>) throws {
        let expected = ParsedArguments(operands: operands, values: values, flags: flags)
        #expect(try parse(line) == expected)
    }

    @Test(arguments: [
        ("", "ID is missing"), ("x y z", "'z' is one word too many"),
        ("x --port", "--port needs a value: --port N"), ("x --port --once", "--port needs a value: --port N"),
        ("x --port -1", "--port must be a whole number from 0 to 65535"),
        ("x --port 65536", "--port must be a whole number from 0 to 65535"),
        ("x --port 8o", "--port must be a whole number from 0 to 65535"),
        ("x --port=", "--port must be a whole number from 0 to 65535"),
        ("x --port 99999999999999999999", "--port must be a whole number from 0 to 65535"),
        ("x --name=", "--name must not be empty"), ("x --kind three", "--kind must be one of one, two"),
        ("x --once=1", "--once takes no value"), ("x --once --once", "--once is given twice"),
        ("x --name a --name b", "--name is given twice"),
        ("x --prot 80", "unknown option '--prot'; did you mean --port?"),
        ("x --quux", "unknown option '--quux'"), ("x -p", "unknown option '-p'"),
    ])
    func mistakes(line: String, message: String) {
        #expect(throws: UsageError(message: message, command: "test")) { try parse(line) }
    }

    @Test(arguments: ["--help", "-h", "x --help", "x y -h", "--port 80 --help"])
    func helpNeedsNothingElse(line: String) throws { #expect(try parse(line).wantsHelp) }

    @Test(arguments: [
        ("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("flaw", "lawn", 2),
        ("demo", "demo", 0), ("srve", "serve", 1),
    ])
    func levenshtein(left: String, right: String, distance: Int) {
        #expect(Spelling.distance(left, right) == distance)
        #expect(Spelling.distance(right, left) == distance)
    }
}

@Suite struct InvocationTests {
    @Test(arguments: [
        ("", Invocation.help([])), ("--help", .help([])), ("-h", .help([])), ("help", .help([])),
        ("help demo", .help(["demo"])), ("demo --help", .help(["demo"])),
        ("help recordings", .help(["recordings"])), ("recordings --help", .help(["recordings"])),
        ("recordings list -h", .help(["recordings", "list"])), ("help settings", .settings),
        ("--version", .version), ("version", .version), ("bench --help", .help(["bench"])),
        ("bench --quick --json x", .handOver(Commands.bench, ["--quick", "--json", "x"])),
        ("demo --once", .run(Commands.demo, ParsedArguments(flags: ["--once"]))),
        (
            "recordings show abc --json",
            .run(Commands.show, ParsedArguments(operands: ["abc"], flags: ["--json"]))
        ),
    ])
    func lines(line: String, expected: Invocation) throws {
        #expect(try Invocation(line.split(separator: " ").map(String.init)) == expected)
    }

    @Test(arguments: [
        ("srve", "unknown command 'srve'; did you mean serve?"), ("xyzzy", "unknown command 'xyzzy'"),
        ("recordings", "recordings what? recordings list, recordings show, recordings download"),
        ("recordings lst", "unknown command 'recordings lst'; did you mean recordings list?"),
        ("--verbose", "unknown option '--verbose'"), ("help nothing", "unknown command 'nothing'"),
        ("export", "DIR is missing"), ("demo extra", "'extra' is one word too many"),
    ])
    func mistakes(line: String, message: String) {
        let error = #expect(throws: UsageError.self) {
            try Invocation(line.split(separator: " ").map(String.init))
        }
        #expect(error?.message == message)
    }

    @Test func everyCommandHelpsWithEveryOption() {
        for command in Commands.all {
            let text = HelpText.of(command.words)
            #expect(text.hasPrefix("Usage: teeline \(command.name)"))
            for option in command.options { #expect(text.contains("  \(option.name)"), "\(option.name)") }
            #expect(HelpText.program.contains(command.summary))
            #expect(Set(command.options.map(\.name)).count == command.options.count)
        }
    }

    @Test func theProgramRunsEveryCommandOfTheTable() async {
        // A command that is in the table but not in the program would be told as misuse.
        for code in ExitCode.allCases {
            #expect(HelpText.program.contains("  \(code.rawValue)  \(code.meaning)"))
        }
        #expect(ExitCode.allCases.map(\.rawValue) == [0, 1, 2, 3, 4, 5, 6, 7])
        #expect(await Program.run(["--nonsense"]) == .usage)
        #expect(await Program.run(["--version"]) == .success)
        #expect(await Program.run(["recordings", "list", "--storage", "/nonexistent/teeline"]) == .storage)
        #expect(await Program.run(["recordings", "list", "--storage", "/x", "--state", "odd"]) == .usage)
    }
}
