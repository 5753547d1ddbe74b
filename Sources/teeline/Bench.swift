// `teeline bench`: what a call costs, split by thread, against bare LAME on the same sound.

import Foundation
import Recording
import Simulator

/// One run of the bench: how many calls, how long, made how.
struct BenchCase: Codable {
    var name: String
    var calls: Int
    var seconds: Int
    var quality: Int
    /// Whether MP3s are made while the calls run.
    var live: Bool
}

/// What a run cost. CPU in milliseconds per call-second.
struct BenchFigures: Codable {
    var run: BenchCase
    var bridge: Double
    var tape: Double
    var render: Double
    var desk: Double
    var total: Double
    /// Bare LAME on the same sound with the same settings.
    var lame: Double
    /// The kernel's share at the least: one recv and one send for each frame, nothing else.
    var floor: Double
    var load: Double
    var toAgentP50: Double
    var toAgentP99: Double
    var turnToCarrierP50: Double
    var turnToCarrierP99: Double
    var clearP50: Double
    var clearP99: Double
    var framesMissing: Int
    var failed: Int
    var recordings: Int
    /// Milliseconds from the end of a call to its sealed row.
    var sealP50: Double
    var sealMost: Double
    /// Resident memory of the server per call, MiB, at an early and a late moment.
    var memoryEarly: Double
    var memoryLate: Double
}

/// The bench.
enum Bench {
    /// Runs the cases that `arguments` ask for (`--quick` for one), prints a table, writes `--json FILE`.
    /// Returns the exit code.
    static func run(_ arguments: [String]) async -> Int32 {
        var cases = [
            BenchCase(name: "q7, 50 calls", calls: 50, seconds: 30, quality: 7, live: true),
            BenchCase(name: "q7, 200 calls", calls: 200, seconds: 30, quality: 7, live: true),
            BenchCase(name: "q5, 50 calls", calls: 50, seconds: 30, quality: 5, live: true),
            BenchCase(name: "q5, 200 calls", calls: 200, seconds: 30, quality: 5, live: true),
            BenchCase(name: "q7, 100 calls", calls: 100, seconds: 30, quality: 7, live: true),
            BenchCase(name: "deferred, 100 calls", calls: 100, seconds: 30, quality: 7, live: false),
            BenchCase(name: "q5, 280 calls", calls: 280, seconds: 40, quality: 5, live: true),
            BenchCase(name: "q7, 350 calls", calls: 350, seconds: 40, quality: 7, live: true),
            BenchCase(name: "deferred, 700 calls", calls: 700, seconds: 40, quality: 7, live: false),
        ]
        if arguments.contains("--quick") { cases = Array(cases.prefix(1)) }
        if let index = arguments.firstIndex(of: "--only"), index + 1 < arguments.count {
            cases = cases.filter { $0.name.contains(arguments[index + 1]) }
        }
        say(
            "CPU in milliseconds per call-second; latencies in milliseconds; 8 kHz, dual channel, 48 kbit/s;\n"
                + "floor is what the kernel takes to pass the frames alone")
        say(BenchTable.head)
        var figures: [BenchFigures] = []
        for one in cases {
            do {
                let result = try await BenchRun(one).measure()
                figures.append(result)
                say(BenchTable.line(result))
            } catch {
                FileHandle.standardError.write(Data("bench: \(one.name) failed: \(error)\n".utf8))
                return 1
            }
        }
        guard let index = arguments.firstIndex(of: "--json"), index + 1 < arguments.count else { return 0 }
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            try encoder.encode(figures).write(to: URL(fileURLWithPath: arguments[index + 1]))
        } catch {
            FileHandle.standardError.write(Data("bench: cannot write \(arguments[index + 1])\n".utf8))
            return 1
        }
        return 0
    }
}

/// Writes a line at once, whether a terminal or a file listens.
private func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

/// The table of the bench.
enum BenchTable {
    static let head =
        "run                   bridge  tape render  total   LAME  floor  b+t/LAME total/LAME  →agent p50/p99   →caller p50/p99  clear p50/p99   lost fail  seal p50/max   MiB/call"

    static func line(_ figures: BenchFigures) -> String {
        func number(_ value: Double, _ width: Int, _ digits: Int = 2) -> String {
            let text = String(format: "%.\(digits)f", value)
            return String(repeating: " ", count: max(0, width - text.count)) + text
        }
        let name = figures.run.name.padding(toLength: 20, withPad: " ", startingAt: 0)
        return "\(name) \(number(figures.bridge, 7)) \(number(figures.tape, 5)) \(number(figures.render, 6))"
            + " \(number(figures.total, 6)) \(number(figures.lame, 6)) \(number(figures.floor, 6))"
            + " \(number((figures.bridge + figures.tape) / max(figures.lame, 0.001), 9)) \(number(figures.total / max(figures.lame, 0.001), 10))"
            + " \(number(figures.toAgentP50, 9))/\(number(figures.toAgentP99, 0))"
            + " \(number(figures.turnToCarrierP50, 10))/\(number(figures.turnToCarrierP99, 0))"
            + " \(number(figures.clearP50, 8))/\(number(figures.clearP99, 0))"
            + " \(number(Double(figures.framesMissing), 6, 0)) \(number(Double(figures.failed), 4, 0))"
            + " \(number(figures.sealP50, 7, 0))/\(number(figures.sealMost, 0, 0))"
            + " \(number(figures.memoryEarly, 7))→\(number(figures.memoryLate, 0))"
    }
}
