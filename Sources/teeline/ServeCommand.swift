// `teeline serve`: a server until a signal.

import Exchange
import Telemetry

/// Runs a server.
struct ServeCommand {
    private let environment: ServerEnvironment

    init(_ arguments: ParsedArguments) { environment = ServerEnvironment(arguments) }

    func run() async throws(CommandFailure) -> ExitCode {
        let settings = try environment.settings()
        let signals = StopSignals()
        let log = Log(level: settings.logLevel)
        for warning in settings.warnings { log(.warning, "configuration", ["doubt": .text(warning)]) }
        let exchange: TelephoneExchange
        do throws(ExchangeError) {
            exchange = try TelephoneExchange.start(settings, log: log)
        } catch {
            throw CommandFailure(error, storage: settings.storage)
        }
        await signals.wait()
        return Self.stop(exchange)
    }

    /// Drains and stops; what could not be sealed is left for the next start.
    static func stop(_ exchange: TelephoneExchange) -> ExitCode {
        let left = exchange.drainAndStop()
        guard left > 0 else { return .success }
        Console.complain(
            "teeline: \(left) recordings are not sealed; the next start recovers them from their tapes")
        return .failure
    }
}
