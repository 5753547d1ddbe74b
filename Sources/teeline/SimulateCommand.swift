// `teeline simulate`: many simulated calls to a server, measured.

import Carriers
import Foundation
import Net
import Simulator
import Switchboard

/// A load run from the command line.
struct SimulateCommand {
    private let settings: LoadSettings
    private let output: String?
    private let url: String

    init(_ arguments: ParsedArguments) throws(CommandFailure) {
        url = arguments.values["--url"] ?? "ws://127.0.0.1:8765"
        let carriers: [Carrier] =
            switch arguments.values["--carrier"] ?? "twilio" {
            case "telnyx": [.telnyx]
            case "exotel": [.exotel]
            case "mix": [.twilio, .telnyx, .exotel]
            default: [.twilio]
            }
        var shares: [LoadShare] = []
        for carrier in carriers {
            guard let address = Self.address(url, for: carrier, isMix: carriers.count > 1) else {
                throw CommandFailure(
                    .usage,
                    "--url must be ws://HOST:PORT or wss://HOST:PORT, with a path for one carrier, or with /stream"
                )
            }
            shares.append(LoadShare(Self.dialect(carrier), url: address))
        }
        var load = LoadSettings(
            shares: shares, calls: arguments.integer("--calls") ?? 10,
            seconds: arguments.integer("--seconds") ?? 30,
            rampMilliseconds: (arguments.integer("--ramp") ?? 5) * 1000)
        load.agent.port = UInt16(clamping: arguments.integer("--agent-port") ?? 8766)
        load.seed = UInt64.random(in: 1...UInt64.max)
        settings = load
        output = arguments.values["--json"]
    }

    /// The address for `carrier`: `http` becomes `ws`, and where no path is given the carrier's usual one is added.
    static func address(_ url: String, for carrier: Carrier, isMix: Bool) -> String? {
        guard var parts = URLComponents(string: url), let host = parts.host, !host.isEmpty else { return nil }
        switch parts.scheme {
        case "ws", "http": parts.scheme = "ws"
        case "wss", "https": parts.scheme = "wss"
        default: return nil
        }
        if parts.path.isEmpty || parts.path == "/" {
            parts.path = path(carrier)
        } else if isMix, !isGeneric(parts.path) {
            return nil
        }
        return parts.string
    }

    /// Whether streams of every carrier may go to `path`.
    private static func isGeneric(_ path: String) -> Bool {
        StreamRoutes.at(path).map { $0.carrier == nil } ?? false
    }

    /// Where a carrier's streams go, unless told otherwise.
    static func path(_ carrier: Carrier) -> String {
        switch carrier {
        case .twilio: "/twilio/media-stream"
        case .telnyx: "/media-stream"
        case .exotel: "/media"
        }
    }

    /// How a carrier speaks.
    static func dialect(_ carrier: Carrier) -> CarrierDialect {
        switch carrier {
        case .twilio: .twilio
        case .telnyx: .telnyx
        case .exotel: .exotel()
        }
    }

    func run() async throws(CommandFailure) -> ExitCode {
        // With the report on standard output nothing else is.
        let isQuiet = output == "-"
        if !isQuiet {
            Console.print("\(settings.calls) calls of \(settings.seconds) s to \(url)")
            Console.print(
                "the agent answers at http://127.0.0.1:\(settings.agent.port) (the server's ELEVENLABS_BASE_URL)"
            )
        }
        let report: LoadReport
        do throws(NetError) {
            report = try await LoadRun.run(settings)
        } catch {
            guard case .cannotListen = error else {
                throw CommandFailure(.network, "the simulator cannot start: \(AgentChecks.reason(error))")
            }
            throw CommandFailure(
                .network,
                "port \(settings.agent.port) is taken: choose another with --agent-port, and let the server's ELEVENLABS_BASE_URL say the same"
            )
        }
        if let output { try write(report, to: output) }
        if !isQuiet { for line in LoadText.lines(report) { Console.print(line) } }
        guard report.failed > 0 else { return .success }
        let unopened = report.errors.filter { $0.key.hasPrefix("never opened") }.values.reduce(0, +)
        if unopened == report.calls {
            throw CommandFailure(
                .network, "no call was taken: is the server running at \(url), with carrier auth off?")
        }
        if report.conversations == 0 {
            throw CommandFailure(
                .failure,
                "no conversation reached the agent: the server's ELEVENLABS_BASE_URL must be http://127.0.0.1:\(settings.agent.port)"
            )
        }
        return .failure
    }

    private func write(_ report: LoadReport, to path: String) throws(CommandFailure) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        var bytes: Data
        do {
            bytes = try encoder.encode(report)
        } catch {
            throw CommandFailure(.failure, "the report cannot be written as JSON")
        }
        bytes.append(0x0A)
        if path == "-" {
            FileHandle.standardOutput.write(bytes)
        } else {
            try CheckedFile.replace(path, with: bytes)
        }
    }
}
