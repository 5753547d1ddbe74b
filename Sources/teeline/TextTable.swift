// Text for terminals: columns, lengths of time, sizes.

/// Text in columns.
enum TextTable {
    /// `rows` under `head`, each column as wide as its widest cell, the last one as it is. Cells are `ShownText`.
    static func lines(head: [String], rows: [[String]]) -> [String] {
        let all = (head.isEmpty ? rows : [head] + rows).map { $0.map { ShownText.of($0) } }
        let columns = all.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            all.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return all.map { row in
            let cells = row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : padded(cell, widths[column])
            }
            return cells.joined(separator: "  ")
        }
    }

    /// `text` with spaces after it until it has `width` characters.
    static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// `text` in lines of at most `width` characters, broken at spaces where there are any.
    static func wrapped(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        if !line.isEmpty || lines.isEmpty { lines.append(line) }
        return lines
    }

    /// Milliseconds as "1:02:03.4", hours and minutes only where there are some: "3.4 s".
    static func time(_ milliseconds: Int64) -> String {
        let tenths = max(milliseconds, 0) / 100
        let seconds = tenths / 10
        guard seconds >= 60 else { return "\(seconds).\(tenths % 10) s" }
        let hours = seconds / 3600
        let minutes = "\(seconds / 60 % 60)"
        let rest = "\(seconds % 60 < 10 ? "0" : "")\(seconds % 60).\(tenths % 10)"
        return hours == 0
            ? "\(minutes):\(rest)" : "\(hours):\(minutes.count < 2 ? "0" : "")\(minutes):\(rest)"
    }

    /// Bytes as "1.5 MiB".
    static func size(_ bytes: Int64) -> String {
        var value = Double(bytes)
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if value < 1024 { return unit == "B" ? "\(bytes) B" : "\(decimal(value)) \(unit)" }
            value /= 1024
        }
        return "\(decimal(value)) TiB"
    }

    /// A number with `digits` decimals.
    static func decimal(_ value: Double, digits: Int = 1) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "-" }
        var scale: Int64 = 1
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int64((abs(value) * Double(scale)).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(scaled)" }
        let fraction = String(scaled % scale)
        return "\(sign)\(scaled / scale).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
    }

    /// Samples at `rate` as whole milliseconds.
    static func milliseconds(_ samples: Int64, rate: Int) -> Int64 {
        guard rate > 0 else { return 0 }
        return samples / Int64(rate) * 1000 + samples % Int64(rate) * 1000 / Int64(rate)
    }
}
