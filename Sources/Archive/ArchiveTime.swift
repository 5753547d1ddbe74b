// Instants as integer microseconds of UTC, and their text.

import Glibc

/// Instants of the archive: microseconds since 1970-01-01T00:00:00Z, without leap seconds (POSIX time).
public enum ArchiveTime {
    /// The present instant of the wall clock.
    public static func now() -> Int64 {
        var value = timespec()
        clock_gettime(CLOCK_REALTIME, &value)
        return Int64(value.tv_sec) * 1_000_000 + Int64(value.tv_nsec) / 1000
    }

    /// Year, month and day of an instant in UTC (proleptic Gregorian calendar).
    public static func date(_ microseconds: Int64) -> (year: Int, month: Int, day: Int) {
        let days = floorDivide(microseconds, 86_400_000_000)
        // Days are counted from 0000-03-01, so that a leap day ends a year; 146,097 days are 400 years.
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let civilMonth = month < 10 ? month + 3 : month - 9
        return (Int(yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0)), Int(civilMonth), Int(day))
    }

    /// RFC 3339 with microseconds: "2026-11-21T10:02:42.000001Z".
    public static func rfc3339(_ microseconds: Int64) -> String {
        let (year, month, day) = date(microseconds)
        let rest = (microseconds % 86_400_000_000 + 86_400_000_000) % 86_400_000_000
        let seconds = rest / 1_000_000
        return padded(Int64(year), 4) + "-" + padded(Int64(month), 2) + "-" + padded(Int64(day), 2) + "T"
            + padded(seconds / 3600, 2) + ":" + padded(seconds / 60 % 60, 2) + ":" + padded(seconds % 60, 2)
            + "." + padded(rest % 1_000_000, 6) + "Z"
    }

    /// The instant of a day and time of UTC. Nil when a part is out of its range.
    public static func instant(
        year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0, microsecond: Int = 0
    ) -> Int64? {
        guard (0...9999).contains(year), (1...12).contains(month), (0...23).contains(hour),
            (0...59).contains(minute), (0...60).contains(second), (0...999_999).contains(microsecond)
        else { return nil }
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard day >= 1, day <= lengths[month - 1] else { return nil }
        let shiftedYear = Int64(month <= 2 ? year - 1 : year)
        let era = floorDivide(shiftedYear, 400)
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = Int64((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1)
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        let seconds = days * 86_400 + Int64(hour) * 3600 + Int64(minute) * 60 + Int64(second)
        return seconds * 1_000_000 + Int64(microsecond)
    }

    /// Reads RFC 3339 ("2026-11-21T10:02:42.5+01:00", also with a space for T, or a bare date). Nil otherwise.
    public static func parse(_ text: String) -> Int64? {
        var reader = DigitReader(Array(text.utf8))
        guard let year = reader.number(4), reader.skip("-"), let month = reader.number(2), reader.skip("-"),
            let day = reader.number(2)
        else { return nil }
        if reader.isAtEnd { return instant(year: year, month: month, day: day) }
        guard reader.skip("T") || reader.skip("t") || reader.skip(" "), let hour = reader.number(2),
            reader.skip(":"), let minute = reader.number(2), reader.skip(":"), let second = reader.number(2)
        else { return nil }
        var fraction = 0
        if reader.skip(".") {
            guard let read = reader.microseconds() else { return nil }
            fraction = read
        }
        guard
            let local = instant(
                year: year, month: month, day: day, hour: hour, minute: minute, second: second,
                microsecond: fraction)
        else { return nil }
        if reader.skip("Z") || reader.skip("z") { return reader.isAtEnd ? local : nil }
        let sign: Int64
        if reader.skip("+") { sign = 1 } else if reader.skip("-") { sign = -1 } else { return nil }
        guard let hours = reader.number(2), hours < 24, reader.skip(":"), let minutes = reader.number(2),
            minutes < 60, reader.isAtEnd
        else { return nil }
        return local - sign * Int64(hours * 60 + minutes) * 60_000_000
    }

    /// `number` in decimal with at least `digits` digits.
    static func padded(_ number: Int64, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }

    private static func floorDivide(_ number: Int64, _ by: Int64) -> Int64 {
        number >= 0 ? number / by : (number + 1) / by - 1
    }
}

/// Reads fixed digits off the front of a text.
private struct DigitReader {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { place == bytes.count }

    mutating func skip(_ character: Character) -> Bool {
        guard place < bytes.count, bytes[place] == character.asciiValue else { return false }
        place += 1
        return true
    }

    mutating func number(_ digits: Int) -> Int? {
        guard bytes.count - place >= digits else { return nil }
        var value = 0
        for byte in bytes[place..<place + digits] {
            guard byte >= 48, byte <= 57 else { return nil }
            value = value * 10 + Int(byte - 48)
        }
        place += digits
        return value
    }

    /// One or more digits of a fraction of a second; beyond the sixth they are dropped.
    mutating func microseconds() -> Int? {
        var value = 0
        var digits = 0
        while place < bytes.count, bytes[place] >= 48, bytes[place] <= 57 {
            if digits < 6 { value = value * 10 + Int(bytes[place] - 48) }
            digits += 1
            place += 1
        }
        guard digits > 0 else { return nil }
        for _ in min(digits, 6)..<6 { value *= 10 }
        return value
    }
}
