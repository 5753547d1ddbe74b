// temporary
import Exchange
import Foundation
import Telemetry

if CommandLine.arguments.dropFirst().first == "serve" {
    let settings = try SettingsLoader.load(environment: ProcessInfo.processInfo.environment)
    let exchange = try TelephoneExchange.start(settings, log: Log(level: settings.logLevel))
    signal(SIGTERM, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGTERM)
    source.setEventHandler {
        _ = exchange.drainAndStop(); exit(0)
    }
    source.resume()
    dispatchMain()
} else {
    exit(await Bench.run(Array(CommandLine.arguments.dropFirst(2))))
}
