// One JSON line an event on standard output. Values are tokens and numbers, never what a person said.

import CLinux

/// How much an event matters.
public enum LogLevel: Int, Sendable, Comparable, CaseIterable {
    /// For those who build it.
    case debug
    /// The course of things.
    case info
    /// Something an operator should look at.
    case warning
    /// Something is lost or refused.
    case error

    /// The level called `name` ("debug", "info", "warning" or "warn", "error"), whatever its case.
    public init?(name: String) {
        switch name.lowercased() {
        case "debug", "trace": self = .debug
        case "info": self = .info
        case "warning", "warn": self = .warning
        case "error", "critical": self = .error
        default: return nil
        }
    }

    /// The name in a log line.
    public var name: String {
        switch self {
        case .debug: "debug"
        case .info: "info"
        case .warning: "warning"
        case .error: "error"
        }
    }

    /// Less important is less.
    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}

/// A value in a log line.
public enum LogValue: Sendable, Hashable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    /// A token, an id of ours, a file name: never a number of a telephone, a digit pressed, or words of a call.
    case text(String)
    /// A count.
    case number(Int64)

    /// A token.
    public init(stringLiteral value: String) { self = .text(value) }
    /// A count.
    public init(integerLiteral value: Int64) { self = .number(value) }
}

/// Writes log lines.
public struct Log: Sendable {
    /// Events below this level are not written.
    public var level: LogLevel
    private let sink: @Sendable (String) -> Void

    /// A log that hands each line, without its line feed, to `sink`; standard output when none is given.
    public init(level: LogLevel = .info, sink: (@Sendable (String) -> Void)? = nil) {
        self.level = level
        self.sink = sink ?? { LogWriter.standardOutput.write($0) }
    }

    /// Writes `event` with `fields` in their order.
    public func callAsFunction(
        _ level: LogLevel, _ event: String, _ fields: KeyValuePairs<String, LogValue> = [:]
    ) {
        guard level >= self.level else { return }
        sink(Self.line(level, event, fields))
    }

    /// The line of `event`, now.
    static func line(
        _ level: LogLevel, _ event: String, _ fields: KeyValuePairs<String, LogValue>
    ) -> String {
        var line =
            "{\"time\":\"\(Self.timestamp())\",\"level\":\"\(level.name)\",\"event\":\(Self.quoted(event))"
        for (name, value) in fields {
            switch value {
            case .text(let text): line += ",\(Self.quoted(name)):\(Self.quoted(text))"
            case .number(let number): line += ",\(Self.quoted(name)):\(number)"
            }
        }
        return line + "}"
    }

    /// The present time as RFC 3339 with milliseconds, UTC.
    private static func timestamp() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let milliseconds = String(now.tv_nsec / 1_000_000 + 1000).dropFirst()
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))T\(two(parts.tm_hour)):"
            + "\(two(parts.tm_min)):\(two(parts.tm_sec)).\(milliseconds)Z"
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            default:
                if scalar.value < 0x20 {
                    let hex = String(scalar.value, radix: 16)
                    result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }
}
