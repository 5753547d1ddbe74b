// Windows on the clock on the wall: midnight, weekdays, and the days the clocks change (dates of the tz database).

import Foundation
import Routing
import Testing

/// The instant of an RFC 3339 text in UTC, in microseconds since 1970.
func instant(_ text: String) throws -> Int64 {
    let date = try #require(ISO8601DateFormatter().date(from: text))
    return Int64(date.timeIntervalSince1970) * 1_000_000
}

@Suite struct TimeWindowTests {
    private static let weekdays: Set<RoutingDay> = [.mon, .tue, .wed, .thu, .fri]

    struct Case: Sendable, CustomTestStringConvertible {
        var zone: String
        var days: Set<RoutingDay> = Set(RoutingDay.allCases)
        var begin: Int
        var end: Int
        var time: String
        var expected: Bool
        var testDescription: String { "\(zone) \(begin)-\(end) at \(time)" }
    }

    static let cases: [Case] = [
        // 2026-11-20 is a Friday, 2026-11-21 a Saturday. The begin is inside, the end is not.
        Case(zone: "UTC", begin: 540, end: 1020, time: "2026-11-20T08:59:59Z", expected: false),
        Case(zone: "UTC", begin: 540, end: 1020, time: "2026-11-20T09:00:00Z", expected: true),
        Case(zone: "UTC", begin: 540, end: 1020, time: "2026-11-20T16:59:59Z", expected: true),
        Case(zone: "UTC", begin: 540, end: 1020, time: "2026-11-20T17:00:00Z", expected: false),
        Case(zone: "UTC", days: weekdays, begin: 0, end: 1440, time: "2026-11-20T23:59:59Z", expected: true),
        Case(zone: "UTC", days: weekdays, begin: 0, end: 1440, time: "2026-11-21T00:00:00Z", expected: false),
        // Over midnight: the window is that of the day on which it begins.
        Case(zone: "UTC", days: [.fri], begin: 1320, end: 360, time: "2026-11-20T21:59:59Z", expected: false),
        Case(zone: "UTC", days: [.fri], begin: 1320, end: 360, time: "2026-11-20T22:00:00Z", expected: true),
        Case(zone: "UTC", days: [.fri], begin: 1320, end: 360, time: "2026-11-21T05:59:59Z", expected: true),
        Case(zone: "UTC", days: [.fri], begin: 1320, end: 360, time: "2026-11-21T06:00:00Z", expected: false),
        Case(zone: "UTC", days: [.fri], begin: 1320, end: 360, time: "2026-11-20T05:00:00Z", expected: false),
        Case(zone: "UTC", days: [.sun], begin: 1320, end: 360, time: "2026-11-23T01:00:00Z", expected: true),
        // London is an hour ahead in summer: 09:00 there is 08:00 UTC, in winter 09:00 UTC.
        Case(zone: "Europe/London", begin: 540, end: 600, time: "2026-07-01T08:00:00Z", expected: true),
        Case(zone: "Europe/London", begin: 540, end: 600, time: "2026-07-01T09:00:00Z", expected: false),
        Case(zone: "Europe/London", begin: 540, end: 600, time: "2026-12-01T09:00:00Z", expected: true),
        // 2026-03-29 01:00 UTC: 01:00 to 02:00 is not there. 00:59:59 is followed by 02:00.
        Case(zone: "Europe/London", begin: 60, end: 120, time: "2026-03-29T00:59:59Z", expected: false),
        Case(zone: "Europe/London", begin: 60, end: 120, time: "2026-03-29T01:00:00Z", expected: false),
        Case(zone: "Europe/London", begin: 120, end: 180, time: "2026-03-29T01:00:00Z", expected: true),
        Case(
            zone: "Europe/London", days: [.sat], begin: 1320, end: 150, time: "2026-03-29T01:29:59Z",
            expected: true),
        Case(
            zone: "Europe/London", days: [.sat], begin: 1320, end: 150, time: "2026-03-29T01:30:00Z",
            expected: false),
        // 2026-10-25 01:00 UTC: 01:00 to 02:00 is there twice.
        Case(zone: "Europe/London", begin: 60, end: 120, time: "2026-10-25T00:00:00Z", expected: true),
        Case(zone: "Europe/London", begin: 60, end: 120, time: "2026-10-25T00:59:59Z", expected: true),
        Case(zone: "Europe/London", begin: 60, end: 120, time: "2026-10-25T01:00:00Z", expected: true),
        Case(zone: "Europe/London", begin: 60, end: 120, time: "2026-10-25T02:00:00Z", expected: false),
        // New York, 2026-03-08 07:00 UTC: 02:00 EST is 03:00 EDT; 2026-11-01 06:00 UTC: 02:00 EDT is 01:00 EST.
        Case(zone: "America/New_York", begin: 120, end: 180, time: "2026-03-08T07:00:00Z", expected: false),
        Case(zone: "America/New_York", begin: 60, end: 120, time: "2026-03-08T06:59:59Z", expected: true),
        Case(zone: "America/New_York", begin: 180, end: 240, time: "2026-03-08T07:00:00Z", expected: true),
        Case(zone: "America/New_York", begin: 60, end: 120, time: "2026-11-01T05:30:00Z", expected: true),
        Case(zone: "America/New_York", begin: 60, end: 120, time: "2026-11-01T06:30:00Z", expected: true),
        Case(zone: "America/New_York", begin: 60, end: 120, time: "2026-11-01T07:00:00Z", expected: false),
        // The weekday is the place's: Friday evening in New York is Saturday in UTC.
        Case(
            zone: "America/New_York", days: [.fri], begin: 1200, end: 1320, time: "2026-11-21T01:30:00Z",
            expected: true),
        // Half an hour off.
        Case(zone: "Asia/Kolkata", begin: 540, end: 541, time: "2026-11-20T03:30:30Z", expected: true),
        // Before 1970: 1969-12-31 was a Wednesday.
        Case(zone: "UTC", days: [.wed], begin: 1439, end: 1440, time: "1969-12-31T23:59:59Z", expected: true),
    ]

    @Test(arguments: cases) func contains(_ each: Case) throws {
        let window = try TimeWindow(zone: each.zone, days: each.days, begin: each.begin, end: each.end)
        #expect(window.contains(try instant(each.time)) == each.expected)
    }

    @Test(arguments: [
        ("Europe/Lundon", 0, 1440, TimeWindow.Fault.zone), ("EST", 0, 1440, .zone), ("", 0, 1440, .zone),
        ("GMT+3", 0, 1440, .zone), ("UTC", 600, 600, .times), ("UTC", -1, 5, .times),
        ("UTC", 1440, 5, .times),
        ("UTC", 5, 1441, .times), ("UTC", 5, 0, .times),
    ])
    func cannotBe(zone: String, begin: Int, end: Int, fault: TimeWindow.Fault) {
        #expect(throws: fault) { _ = try TimeWindow(zone: zone, begin: begin, end: end) }
    }

    @Test func needsADay() {
        #expect(throws: TimeWindow.Fault.days) { _ = try TimeWindow(zone: "UTC", days: []) }
    }

    /// The ends of what a number can say do not trap.
    @Test(arguments: [Int64.min, Int64.max, -1, 0]) func takesAnyTime(time: Int64) throws {
        #expect(try TimeWindow(zone: "Europe/London").contains(time))
    }
}
