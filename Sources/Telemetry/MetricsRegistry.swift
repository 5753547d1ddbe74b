// Counters, gauges and histograms, and their text for Prometheus.

/// What kind of metric a family is.
public enum MetricKind: String, Sendable, Hashable {
    /// Only rises; its name ends in `_total`.
    case counter
    /// Rises and falls.
    case gauge
    /// Counts of observations up to bounds, with their sum.
    case histogram
}

/// All metrics of a process. Text format 0.0.4 of Prometheus ("Exposition formats").
public final class MetricsRegistry: @unchecked Sendable {
    // Everything is guarded by `lock`.
    private struct Family {
        var kind: MetricKind
        var help: String
        var bounds: [Double]
        var values: [String: Double] = [:]
        var buckets: [String: [Int64]] = [:]
        var sums: [String: Double] = [:]
    }

    private let lock = Lock()
    private var families: [String: Family] = [:]

    /// An empty registry.
    public init() {}

    /// Declares a metric before its first use; `bounds` are a histogram's upper bounds, rising.
    public func declare(_ name: String, _ kind: MetricKind, help: String, bounds: [Double] = []) {
        lock.withLock {
            if families[name] == nil { families[name] = Family(kind: kind, help: help, bounds: bounds) }
        }
    }

    /// Adds `amount` to a counter or gauge. `labels` as they stand between the braces, made by `label`.
    public func add(_ name: String, _ amount: Double = 1, labels: String = "") {
        lock.withLock { families[name]?.values[labels, default: 0] += amount }
    }

    /// Sets a gauge (or a counter that is counted elsewhere).
    public func set(_ name: String, _ value: Double, labels: String = "") {
        lock.withLock { families[name]?.values[labels] = value }
    }

    /// Adds an observation to a histogram.
    public func observe(_ name: String, _ value: Double, labels: String = "") {
        lock.withLock {
            guard let bounds = families[name]?.bounds else { return }
            var counts = families[name]?.buckets[labels] ?? Array(repeating: 0, count: bounds.count + 1)
            counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
            families[name]?.buckets[labels] = counts
            families[name]?.sums[labels, default: 0] += value
        }
    }

    /// One label: `name="value"`, with the value escaped.
    public static func label(_ name: String, _ value: String) -> String {
        let escaped = value.flatMap { character -> String in
            switch character {
            case "\\": "\\\\"
            case "\"": "\\\""
            case "\n": "\\n"
            default: String(character)
            }
        }
        return "\(name)=\"\(String(escaped))\""
    }

    /// All metrics as text.
    public func text() -> String {
        lock.withLock {
            var text = ""
            for (name, family) in families.sorted(by: { $0.key < $1.key }) {
                text += "# HELP \(name) \(family.help)\n# TYPE \(name) \(family.kind.rawValue)\n"
                if family.kind == .histogram {
                    for (labels, counts) in family.buckets.sorted(by: { $0.key < $1.key }) {
                        var sum: Int64 = 0
                        for (index, count) in counts.enumerated() {
                            sum += count
                            let bound =
                                index < family.bounds.count ? Self.number(family.bounds[index]) : "+Inf"
                            text +=
                                "\(name)_bucket{\(labels)\(labels.isEmpty ? "" : ",")le=\"\(bound)\"} \(sum)\n"
                        }
                        let braces = labels.isEmpty ? "" : "{\(labels)}"
                        text += "\(name)_sum\(braces) \(Self.number(family.sums[labels] ?? 0))\n"
                        text += "\(name)_count\(braces) \(sum)\n"
                    }
                } else {
                    let values = family.values.isEmpty ? ["": 0] : family.values
                    for (labels, value) in values.sorted(by: { $0.key < $1.key }) {
                        text += "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(Self.number(value))\n"
                    }
                }
            }
            return text
        }
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
    }
}
