// A load report as people read it.

import Simulator

/// Lines of a load report.
enum LoadText {
    static func lines(_ report: LoadReport) -> [String] {
        func seconds(_ value: Double) -> String { TextTable.decimal(value) + " s" }
        var rows = [
            ["calls", "\(report.completed) of \(report.calls) as planned, \(report.failed) failed"],
            ["length", "\(seconds(report.seconds)), \(seconds(report.callSeconds)) of call in it"],
            [
                "caller's sound",
                "\(report.framesSent) frames sent, \(report.framesArrived) seen at the agent, \(report.framesMissing) missing between them",
            ],
            [
                "agent's sound",
                "\(report.mediaReceived) messages received, \(report.oddPieces) of a size not asked for, \(report.refusedMessages) refused",
            ],
            [
                "marks",
                "\(report.marks) received, \(report.marksPlayed) played, \(report.marksCleared) cleared",
            ],
            ["barge-in", "\(report.interruptions) interruptions, \(report.clears) clears"],
            ["pings", "\(report.pings) sent, \(report.pongs) answered"],
            ["simulator", "\(seconds(report.cpuSeconds)) CPU of its own"],
        ]
        for (reason, count) in report.errors.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
            rows.append(["failed", "\(count): \(reason)"])
        }
        let latencies = [
            ("caller → agent", report.toAgent), ("agent's turn → caller", report.turnToCarrier),
            ("agent's chunk → caller", report.chunkToCarrier),
            ("interruption → clear", report.interruptionToClear), ("ping → pong", report.pong),
            ("open → first sound", report.firstSound), ("simulator's own lateness", report.lateness),
        ]
        let table = latencies.map { name, summary in
            [name, "\(summary.count)"]
                + [summary.p50, summary.p90, summary.p99, summary.p999, summary.most].map {
                    summary.count == 0 ? "-" : TextTable.decimal($0)
                }
        }
        return [""] + TextTable.lines(head: [], rows: rows) + [""]
            + TextTable.lines(
                head: ["MILLISECONDS", "COUNT", "P50", "P90", "P99", "P99.9", "MOST"], rows: table)
    }
}
