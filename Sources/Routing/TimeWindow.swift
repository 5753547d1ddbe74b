// Times of the week on a place's clock on the wall.

import Foundation

/// A day of the week, Monday first (ISO 8601).
public enum RoutingDay: String, Sendable, Hashable, CaseIterable {
    /// Monday to Sunday.
    case mon, tue, wed, thu, fri, sat, sun
}

/// A stretch of the day, on some days, in one time zone.
///
/// The clock on the wall counts: in the night the clocks go back an hour is there twice, in spring one is missing. A window
/// over midnight belongs to the day on which it begins.
public struct TimeWindow: Sendable, Hashable {
    /// Why a window cannot be.
    public enum Fault: Error, Sendable, Hashable {
        /// No time zone of that name is known (IANA: "Europe/London", "UTC").
        case zone
        /// Begin and end are no minutes of a day, or the same.
        case times
        /// There is no day in it.
        case days
    }

    /// The time zone.
    public let zone: TimeZone
    /// The days on which it begins.
    public let days: Set<RoutingDay>
    /// Its begin, in minutes after midnight: 0…1439.
    public let begin: Int
    /// Its end, in minutes after midnight: 1…1440, itself outside; below `begin` it is on the next day.
    public let end: Int

    /// A window of the zone named `zone`; all of each day unless times are given.
    public init(
        zone: String, days: Set<RoutingDay> = Set(RoutingDay.allCases), begin: Int = 0, end: Int = 1440
    ) throws(Fault) {
        // Foundation also takes offsets and abbreviations, which know no summer time.
        guard zone.contains("/") || zone == "UTC", let known = TimeZone(identifier: zone) else { throw .zone }
        guard (0..<1440).contains(begin), (1...1440).contains(end), begin != end else { throw .times }
        guard !days.isEmpty else { throw .days }
        self.zone = known
        self.days = days
        self.begin = begin
        self.end = end
    }

    /// Whether `time`, in microseconds since 1970 UTC, is in it.
    public func contains(_ time: Int64) -> Bool {
        let seconds = Self.floor(time, 1_000_000)
        let offset = zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds)))
        let local = seconds + Int64(offset)
        let day = Self.floor(local, 86_400)
        let minute = Int((local - day * 86_400) / 60)
        if begin < end { return days.contains(Self.weekday(day)) && (begin..<end).contains(minute) }
        if minute >= begin { return days.contains(Self.weekday(day)) }
        return minute < end && days.contains(Self.weekday(day - 1))
    }

    /// The weekday of a day counted from 1970-01-01, a Thursday.
    private static func weekday(_ day: Int64) -> RoutingDay {
        let index = Int(((day + 3) % 7 + 7) % 7)
        return RoutingDay.allCases[index]
    }

    /// The quotient, rounded down.
    private static func floor(_ value: Int64, _ unit: Int64) -> Int64 {
        let quotient = value / unit
        return value % unit < 0 ? quotient - 1 : quotient
    }
}
