// How often each source may ask: a token bucket for each.

import Telemetry

/// Buckets of tokens that fill steadily. Shared by threads.
///
/// A source is an IPv4 address or the /64 of an IPv6 address, which one subscriber has (RFC 6177 §2); all that cannot be
/// read as an address are one. When more sources come than are kept, the idlest is forgotten: its bucket is the fullest.
public final class RateLimiter: @unchecked Sendable {
    /// A source's bucket, and its neighbours in the order of last use.
    private struct Bucket {
        var source: IPAddress?
        // In `unit`ths of a token.
        var level: Int64
        var filledAt: Int64
        var older: Int
        var newer: Int
    }

    /// Parts of a token: at n tokens a minute n parts come every millisecond, so nothing is rounded.
    private static let unit: Int64 = 60_000
    private static let none = -1

    // `lock` guards everything that changes.
    private let lock = Lock()
    private var places: [IPAddress?: Int] = [:]
    private var buckets: [Bucket] = []
    private var oldest = RateLimiter.none
    private var newest = RateLimiter.none
    private let capacity: Int64
    private let perMinute: Int64
    private let limit: Int

    /// Lets `burst` requests through at once and `perMinute` in the long run, for each of at most `sources` sources.
    public init(burst: Int, perMinute: Int, sources: Int = 65_536) {
        capacity = Int64(min(max(burst, 1), 1_000_000)) * Self.unit
        self.perMinute = Int64(min(max(perMinute, 1), 1_000_000))
        limit = max(sources, 1)
    }

    /// How many sources are kept.
    public var count: Int { lock.withLock { buckets.count } }

    /// Takes a token for a request of `source`: 0 when there is one, else after how many milliseconds there will be one
    /// (for Retry-After, RFC 9110 §10.2.3). `now` is in milliseconds; it may stand still or go back, which fills nothing.
    public func admit(_ source: IPAddress?, at now: Int64) -> Int64 {
        let source = source.map { $0.isFour ? $0 : $0.network(prefix: 64) }
        return lock.withLock {
            let place = place(of: source, now)
            fill(place, now)
            let missing = Self.unit - buckets[place].level
            guard missing > 0 else {
                buckets[place].level -= Self.unit
                return 0
            }
            return (missing + perMinute - 1) / perMinute
        }
    }

    private func fill(_ place: Int, _ now: Int64) {
        let (elapsed, overflow) = now.subtractingReportingOverflow(buckets[place].filledAt)
        buckets[place].filledAt = now
        guard overflow || elapsed > 0 else { return }
        let missing = capacity - buckets[place].level
        // Compared before it is multiplied, so that no time is too long.
        if overflow ? now > 0 : elapsed > missing / perMinute {
            buckets[place].level = capacity
        } else if !overflow {
            buckets[place].level += elapsed * perMinute
        }
    }

    /// The bucket of `source`, now the one used last: its own, a new one, or the idlest's.
    private func place(of source: IPAddress?, _ now: Int64) -> Int {
        let place: Int
        if let known = places[source] {
            place = known
            unlink(place)
        } else {
            let fresh = Bucket(
                source: source, level: capacity, filledAt: now, older: Self.none, newer: Self.none)
            if buckets.count < limit {
                place = buckets.count
                buckets.append(fresh)
            } else {
                place = oldest
                places[buckets[place].source] = nil
                unlink(place)
                buckets[place] = fresh
            }
            places[source] = place
        }
        buckets[place].older = newest
        buckets[place].newer = Self.none
        if newest != Self.none { buckets[newest].newer = place } else { oldest = place }
        newest = place
        return place
    }

    private func unlink(_ place: Int) {
        let (older, newer) = (buckets[place].older, buckets[place].newer)
        if older != Self.none { buckets[older].newer = newer } else { oldest = newer }
        if newer != Self.none { buckets[newer].older = older } else { newest = older }
    }
}
