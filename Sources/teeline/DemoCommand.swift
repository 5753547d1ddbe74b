// `teeline demo`: a server, one simulated call, what was recorded of it.

import Archive
import Carriers
import Exchange
import Glibc
import Net
import Simulator
import Telemetry

/// Shows the whole of it on one machine.
struct DemoCommand {
    private let port: String
    private let storage: String
    private let carrier: Carrier
    private let isOnce: Bool

    init(_ arguments: ParsedArguments) {
        let variables = ServerEnvironment(arguments).variables
        port = variables["PORT"].flatMap { $0.isEmpty ? nil : $0 } ?? "8765"
        storage = variables["TEELINE_STORAGE"].flatMap { $0.isEmpty ? nil : $0 } ?? "storage"
        carrier = arguments.values["--carrier"].flatMap { Carrier(rawValue: $0) } ?? .twilio
        isOnce = arguments.flags.contains("--once")
    }

    func run() async throws(CommandFailure) -> ExitCode {
        let signals = StopSignals()
        let agent: SimulatedAgent
        let network: CarrierNetwork
        do throws(NetError) {
            agent = try SimulatedAgent.start(DemoScript.agent)
            network = try CarrierNetwork.start()
        } catch {
            throw CommandFailure(.network, "the simulated agent cannot start: \(AgentChecks.reason(error))")
        }
        defer {
            network.stop()
            agent.stop()
        }
        let exchange = try start(agent: agent)
        introduce(exchange, agent)
        guard let outcome = await call(exchange, network, signals) else {
            Console.print("\nStopped before the call was over; its recording holds what there was.")
            return ServeCommand.stop(exchange)
        }
        do throws(CommandFailure) {
            try await tell(outcome, exchange)
        } catch {
            exchange.drainAndStop()
            throw error
        }
        if !isOnce, !signals.hasCome {
            Console.print(
                styled: "\n\(Console.bold("Serving")) on http://127.0.0.1:\(exchange.port) until Ctrl-C.")
            await signals.wait()
        }
        return ServeCommand.stop(exchange)
    }

    /// A server on embedded settings: neither file nor environment can make the demo fail.
    private func start(agent: SimulatedAgent) throws(CommandFailure) -> TelephoneExchange {
        let settings: Settings
        do throws(SettingsError) {
            settings = try Settings(values: [
                "server.host": "127.0.0.1", "server.port": port, "server.carrier_auth": "off",
                "server.drain_seconds": "2", "storage.path": storage, "agent.id": "demo",
                "agent.base_url": agent.baseURL,
            ])
        } catch {
            throw CommandFailure(error)
        }
        do throws(ExchangeError) {
            return try TelephoneExchange.start(settings, log: Self.quietLog)
        } catch {
            guard case .net(.cannotListen(EADDRINUSE), _, let port) = error else {
                throw CommandFailure(error, storage: storage)
            }
            throw CommandFailure(
                .network,
                "port \(port) is taken, perhaps by another teeline. Stop it, or let the system choose a port: teeline demo --port 0"
            )
        }
    }

    /// Warnings, but for the two that a demo deserves by its nature.
    private static var quietLog: Log {
        Log(level: .warning) { line in
            let expected = ["\"carrier_auth_off\"", "\"api_without_token\""]
            guard !expected.contains(where: { line.contains($0) }) else { return }
            Console.complain(line)
        }
    }

    private var path: String { SimulateCommand.path(carrier) }

    private func introduce(_ exchange: TelephoneExchange, _ agent: SimulatedAgent) {
        Console.print(
            styled:
                "\(Console.bold("Teeline \(TeelineVersion.text)")) demo: one call, simulated at both ends, recorded in between\n"
        )
        let rows = [
            ["  caller", "a simulated \(carrier.rawValue) stream to ws://127.0.0.1:\(exchange.port)\(path)"],
            ["  bridge", "http://127.0.0.1:\(exchange.port), this machine only"],
            ["  agent", "a simulated ElevenLabs agent at \(agent.baseURL)"],
            ["  archive", "\(storage)/"],
        ]
        for line in TextTable.lines(head: [], rows: rows) { Console.print(line) }
        Console.print()
    }

    /// Places the call and shows it; nil when a signal came meanwhile.
    private func call(
        _ exchange: TelephoneExchange, _ network: CarrierNetwork, _ signals: StopSignals
    ) async -> SimulatedCallResult? {
        var settings = DemoScript.call(
            to: "ws://127.0.0.1:\(exchange.port)\(path)", dialect: SimulateCommand.dialect(carrier))
        // Ids of its own for every demo: carriers never give one twice.
        settings.seed = UInt64.random(in: 1...UInt64.max)
        let ready = settings
        let calling = Task { await network.call(ready) }
        let screen = DemoScreen(storage: exchange.archive.layout, catalog: exchange.archive.catalog)
        await screen.watch(until: signals)
        return signals.hasCome ? nil : await calling.value
    }

    private func tell(
        _ result: SimulatedCallResult, _ exchange: TelephoneExchange
    ) async throws(CommandFailure) {
        if case .neverOpened(let error) = result.end {
            throw CommandFailure(
                .network, "the simulated call could not be placed: \(AgentChecks.reason(error))")
        }
        guard let detail = try await recording(of: result.callID, in: exchange) else {
            throw CommandFailure(.failure, "the call has no final recording; see \(storage)/")
        }
        let report = DemoReport(
            detail: detail, result: result, layout: exchange.archive.layout, port: exchange.port)
        for line in try await report.lines() { Console.print(styled: line) }
    }

    /// Waits, ten seconds at most, until the recording of the carrier's call is final.
    private func recording(
        of callID: String, in exchange: TelephoneExchange
    ) async throws(CommandFailure) -> RecordingDetail? {
        var filter = CallFilter()
        filter.callID = callID
        let began = MonotonicTime.now
        while MonotonicTime.now.milliseconds(since: began) < 10_000 {
            do throws(ArchiveError) {
                let listed = try exchange.archive.catalog.list(filter, limit: 1).items.first
                if let listed, listed.recording.state.isFinal {
                    return try exchange.archive.catalog.detail(listed.call.id)
                }
            } catch {
                throw CommandFailure(error, storage: storage)
            }
            usleep(50_000)
        }
        return nil
    }
}
