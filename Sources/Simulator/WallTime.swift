// Dates as the services write them, from a number of microseconds.

import Glibc

/// A moment, in the writings of the simulated services.
public struct WallTime: Sendable, Hashable {
    /// Microseconds since 1970-01-01 00:00 UTC.
    public var microseconds: Int64

    /// The moment `microseconds` after 1970-01-01 00:00 UTC.
    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// The system's clock.
    public static var now: WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    /// Whole seconds.
    public var seconds: Int64 { microseconds / 1_000_000 }

    private func parts(offset: Int64 = 0) -> (tm, Int64) {
        var time = time_t(seconds + offset)
        var parts = tm()
        gmtime_r(&time, &parts)
        return (parts, microseconds % 1_000_000)
    }

    /// "Fri, 11 Sep 2026 17:34:20 +0000" (RFC 2822), Twilio's.
    public var rfc2822: String {
        let (time, _) = parts()
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return
            "\(days[Int(time.tm_wday)]), \(Self.two(time.tm_mday)) \(months[Int(time.tm_mon)]) \(1900 + time.tm_year) \(Self.clock(time)) +0000"
    }

    /// "2026-09-11T17:34:20.076316Z", Telnyx's.
    public var iso8601: String {
        let (time, fraction) = parts()
        let digits = String(1_000_000 + fraction).dropFirst()
        return "\(Self.date(time))T\(Self.clock(time)).\(digits)Z"
    }

    /// "2026-09-11 23:04:20" in India's time, as Exotel seems to write it.
    public var exotel: String {
        let (time, _) = parts(offset: 19_800)
        return "\(Self.date(time)) \(Self.clock(time))"
    }

    private static func date(_ time: tm) -> String {
        "\(1900 + time.tm_year)-\(two(time.tm_mon + 1))-\(two(time.tm_mday))"
    }

    private static func clock(_ time: tm) -> String {
        "\(two(time.tm_hour)):\(two(time.tm_min)):\(two(time.tm_sec))"
    }

    private static func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
