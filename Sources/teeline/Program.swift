// The program: reads its command line, runs one command, exits with what came of it.

import Dispatch
import Exchange
import Glibc

/// The program.
@main struct Program {
    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        // What is written holds what people said and who they were: it is for this user only, SQLite's files too.
        umask(0o077)
        // Here, and not where they are awaited: this is still the process's only thread. For the same reason `main`
        // is not async: its body would run on another thread, and this one would let signals in.
        if let first = words.first, Commands.draining.contains(first) { StopSignals.block() }
        Task.detached { exit(await run(words).rawValue) }
        DispatchSemaphore(value: 0).wait()
    }

    /// Runs the command line `words`.
    static func run(_ words: [String]) async -> ExitCode {
        let invocation: Invocation
        do throws(UsageError) {
            invocation = try Invocation(words)
        } catch {
            let command = error.command.isEmpty ? "" : " \(error.command)"
            Console.complain("teeline: \(error.message)\nTry: teeline\(command) --help")
            return .usage
        }
        do throws(CommandFailure) {
            return try await run(invocation)
        } catch {
            Console.complain("teeline: \(error.message)")
            return error.code
        }
    }

    private static func run(_ invocation: Invocation) async throws(CommandFailure) -> ExitCode {
        switch invocation {
        case .help(let words):
            Console.put(HelpText.of(words))
            return words.isEmpty && CommandLine.arguments.count < 2 ? .usage : .success
        case .settings:
            Console.put(HelpText.settings)
            return .success
        case .version:
            Console.print("teeline \(TeelineVersion.text)")
            return .success
        case .handOver(_, let words):
            return ExitCode(rawValue: await Bench.run(words)) ?? .failure
        case .run(let command, let arguments):
            return try await run(command, arguments)
        }
    }

    private static func run(
        _ command: CommandSyntax, _ arguments: ParsedArguments
    ) async throws(CommandFailure) -> ExitCode {
        switch command {
        case Commands.serve: try await ServeCommand(arguments).run()
        case Commands.demo: try await DemoCommand(arguments).run()
        case Commands.simulate: try await SimulateCommand(arguments).run()
        case Commands.doctor: await DoctorCommand(arguments).run()
        case Commands.list: try RecordingsCommand(arguments).list()
        case Commands.show: try RecordingsCommand(arguments).show()
        case Commands.download: try RecordingsCommand(arguments).download()
        case Commands.export: try ExportCommand(arguments).run()
        case Commands.verify: try VerifyCommand(arguments).run()
        case Commands.reconcile: try await ReconcileCommand(arguments).run()
        case let command where Commands.contexts.contains(command):
            try await ContextsCommand(arguments).run(command)
        default: .usage
        }
    }
}
