// Dates of HTTP (RFC 9110 §5.6.7).

import Archive

/// Instants in seconds since 1970, as HTTP writes them.
public enum HTTPDate {
    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT".
    public static func text(_ seconds: Int64) -> String {
        let (year, month, day) = ArchiveTime.date(seconds * 1_000_000)
        let dayNumber = (seconds - (seconds % 86400 + 86400) % 86400) / 86400
        let ofDay = (seconds % 86400 + 86400) % 86400
        // 1970-01-01 was a Thursday.
        let weekday = days[Int(((dayNumber + 4) % 7 + 7) % 7)]
        let clock = [ofDay / 3600, ofDay / 60 % 60, ofDay % 60].map { two(Int($0)) }.joined(separator: ":")
        let digits = String(year)
        let padded = String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
        return "\(weekday), \(two(day)) \(months[month - 1]) \(padded) \(clock) GMT"
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }

    /// Reads the three forms a recipient has to accept; nil for anything else, which is then ignored. Two digits of a
    /// year are of this century up to 2069 and of the last one from 1970.
    public static func parse(_ text: String) -> Int64? {
        let parts = text.split(whereSeparator: { $0 == " " || $0 == "," || $0 == "-" }).map { String($0) }
        // asctime: "Sun Nov  6 08:49:37 1994"
        if parts.count == 5, !text.contains(",") {
            return instant(day: parts[2], month: parts[1], year: parts[4], clock: parts[3])
        }
        // IMF-fixdate and RFC 850: "Sunday, 06-Nov-94 08:49:37 GMT"
        guard parts.count == 6, text.contains(","), parts[5] == "GMT" else { return nil }
        return instant(day: parts[1], month: parts[2], year: parts[3], clock: parts[4])
    }

    private static func instant(day: String, month: String, year: String, clock: String) -> Int64? {
        let pieces = clock.split(separator: ":", omittingEmptySubsequences: false)
        guard pieces.count == 3, pieces.allSatisfy({ $0.utf8.count == 2 }), let hour = Int(pieces[0]),
            let minute = Int(pieces[1]), let second = Int(pieces[2]), let dayNumber = Int(day),
            let monthIndex = months.firstIndex(of: month), var yearNumber = Int(year), year.utf8.count <= 4
        else { return nil }
        if year.utf8.count == 2 { yearNumber += yearNumber < 70 ? 2000 : 1900 }
        let microseconds = ArchiveTime.instant(
            year: yearNumber, month: monthIndex + 1, day: dayNumber, hour: hour, minute: minute,
            second: second)
        return microseconds.map { $0 / 1_000_000 }
    }
}
