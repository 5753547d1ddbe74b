// Log lines and metrics, byte for byte.

import Telemetry
import Testing

/// Keeps the lines of a log.
private final class Lines: @unchecked Sendable {
    // `kept` is guarded by `lock`.
    private let lock = Lock()
    private var kept: [String] = []

    func add(_ line: String) { lock.withLock { kept.append(line) } }
    var all: [String] { lock.withLock { kept } }
}

@Suite struct LogTests {
    private func line(_ level: LogLevel, _ fields: KeyValuePairs<String, LogValue>) -> String? {
        let lines = Lines()
        Log(level: .info) { lines.add($0) }(level, "event", fields)
        // The time is another one at every run: 24 characters of RFC 3339 after {"time":".
        return lines.all.first.map { "{" + $0.dropFirst(#"{"time":"2026-11-21T10:00:00.000Z","#.count) }
    }

    @Test(arguments: [
        ("plain", #""plain""#), ("quote\"", #""quote\"""#), ("back\\slash", #""back\\slash""#),
        ("line\nfeed", #""line\nfeed""#), ("tab\t", #""tab\u0009""#), ("\u{1F}", #""\u001f""#),
        ("é€😀", "\"é€😀\""),
    ])
    func textsAreEscaped(text: String, json: String) {
        #expect(line(.info, ["a": .text(text)]) == #"{"level":"info","event":"event","a":\#(json)}"#)
    }

    @Test func fieldsKeepTheirOrder() {
        let expected = #"{"level":"error","event":"event","z":-1,"a":9223372036854775807}"#
        #expect(line(.error, ["z": .number(-1), "a": .number(.max)]) == expected)
    }

    @Test func lessImportantIsNotWritten() {
        #expect(line(.debug, [:]) == nil)
        #expect(line(.info, [:]) != nil)
    }

    @Test(
        arguments: [
            ("DEBUG", LogLevel.debug), ("trace", .debug), ("Info", .info), ("warn", .warning),
            ("WARNING", .warning),
            ("critical", .error), ("", nil), ("loud", nil),
        ] as [(String, LogLevel?)])
    func levels(name: String, level: LogLevel?) { #expect(LogLevel(name: name) == level) }
}

/// Expected texts by the Prometheus text format 0.0.4.
@Suite struct MetricsTests {
    @Test func aCounterBeginsAtZeroAndRises() {
        let metrics = MetricsRegistry()
        metrics.declare("a_total", .counter, help: "As.")
        #expect(metrics.text() == "# HELP a_total As.\n# TYPE a_total counter\na_total 0\n")
        metrics.add("a_total", labels: MetricsRegistry.label("of", "x"))
        metrics.add("a_total", 2.5, labels: MetricsRegistry.label("of", "x"))
        #expect(metrics.text() == "# HELP a_total As.\n# TYPE a_total counter\na_total{of=\"x\"} 3.5\n")
    }

    @Test func aHistogramCountsUpToItsBounds() {
        let metrics = MetricsRegistry()
        metrics.declare("t", .histogram, help: "T.", bounds: [1, 2])
        for value in [0.5, 1, 1.5, 3] { metrics.observe("t", value) }
        #expect(
            metrics.text() == """
                # HELP t T.
                # TYPE t histogram
                t_bucket{le="1"} 2
                t_bucket{le="2"} 3
                t_bucket{le="+Inf"} 4
                t_sum 6
                t_count 4

                """)
    }

    @Test func labelsAreEscaped() {
        #expect(MetricsRegistry.label("a", "b\"\\\nc") == #"a="b\"\\\nc""#)
    }

    @Test func whatIsNotDeclaredIsNotCounted() {
        let metrics = MetricsRegistry()
        metrics.add("unknown")
        metrics.observe("unknown", 1)
        #expect(metrics.text() == "")
    }
}

@Suite struct SteadyClockTests {
    @Test func itFollowsTheMonotonicClockAlone() {
        let began = MonotonicTime(nanoseconds: 5_000_000_000)
        let clock = SteadyClock(wall: 1_795_000_000_000, at: began)
        #expect(clock.milliseconds(at: began) == 1_795_000_000_000)
        #expect(clock.milliseconds(at: began.adding(milliseconds: 60_000)) == 1_795_000_060_000)
        #expect(clock.milliseconds(at: began.adding(milliseconds: -1)) == 1_794_999_999_999)
    }
}
