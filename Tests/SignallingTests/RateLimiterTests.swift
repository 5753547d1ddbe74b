// Token buckets, by arithmetic.

import Signalling
import Testing

@Suite struct RateLimiterTests {
    private let one = IPAddress("192.0.2.1")
    private let two = IPAddress("192.0.2.2")

    /// Five at once, then 60 a minute: one each second.
    @Test func burstAndRate() {
        let limiter = RateLimiter(burst: 5, perMinute: 60)
        for _ in 0..<5 { #expect(limiter.admit(one, at: 10_000) == 0) }
        #expect(limiter.admit(one, at: 10_000) == 1000)
        #expect(limiter.admit(two, at: 10_000) == 0)
        #expect(limiter.admit(one, at: 10_400) == 600)
        #expect(limiter.admit(one, at: 10_999) == 1)
        #expect(limiter.admit(one, at: 11_000) == 0)
        #expect(limiter.admit(one, at: 11_000) == 1000)
        // A pause fills to the brim and no further, be it a second longer than needed, an hour or for ever.
        for pause in [17_000, 3_600_000, Int64.max] {
            for _ in 0..<5 { #expect(limiter.admit(one, at: pause) == 0) }
            #expect(limiter.admit(one, at: pause) == 1000)
        }
    }

    /// Over ten minutes, asked every 7 ms, 90 a minute and a burst of 3 let through 3 + 900 at most, and at least one less.
    @Test func noFractionIsLost() {
        let limiter = RateLimiter(burst: 3, perMinute: 90)
        let admitted = stride(from: Int64(0), through: 600_000, by: 7).count {
            limiter.admit(one, at: $0) == 0
        }
        #expect((902...903).contains(admitted))
    }

    /// After the time that was told there is a token, and not before.
    @Test(arguments: [1, 7, 59, 60, 61, 90, 999, 60_000, 1_000_000]) func theWaitIsRight(perMinute: Int) {
        let limiter = RateLimiter(burst: 1, perMinute: perMinute)
        #expect(limiter.admit(one, at: 0) == 0)
        let wait = limiter.admit(one, at: 0)
        #expect(wait == Int64((60_000 + perMinute - 1) / perMinute))
        if wait > 1 { #expect(limiter.admit(one, at: wait - 1) == 1) }
        #expect(limiter.admit(one, at: wait) == 0)
    }

    @Test func sourcesOfIPv6AreNetworks() {
        let limiter = RateLimiter(burst: 1, perMinute: 1)
        #expect(limiter.admit(IPAddress("2001:db8:0:1::1"), at: 0) == 0)
        #expect(limiter.admit(IPAddress("2001:db8:0:1:ffff::2"), at: 0) == 60_000)
        #expect(limiter.admit(IPAddress("2001:db8:0:2::1"), at: 0) == 0)
        #expect(limiter.admit(IPAddress("::ffff:192.0.2.1"), at: 0) == 0)
        #expect(limiter.admit(one, at: 0) == 60_000)
        #expect(limiter.admit(nil, at: 0) == 0)
        #expect(limiter.admit(nil, at: 0) == 60_000)
    }

    @Test func aClockThatGoesBackFillsNothing() {
        let limiter = RateLimiter(burst: 1, perMinute: 60)
        #expect(limiter.admit(one, at: 5000) == 0)
        #expect(limiter.admit(one, at: 0) == 1000)
        #expect(limiter.admit(one, at: Int64.min) == 1000)
        #expect(limiter.admit(one, at: Int64.max) == 0)
    }

    /// Three sources are kept: the fourth takes the place of the one that has been idle longest, not of the oldest.
    @Test func theIdlestIsForgotten() {
        let limiter = RateLimiter(burst: 1, perMinute: 1, sources: 3)
        let addresses = (0..<10).map { IPAddress("198.51.100.\($0)") }
        for index in 0..<3 { #expect(limiter.admit(addresses[index], at: Int64(index)) == 0) }
        #expect(limiter.admit(addresses[0], at: 3) > 0)  // empty, and used last
        #expect(limiter.admit(addresses[3], at: 4) == 0)  // in the place of 1
        #expect(limiter.count == 3)
        #expect(limiter.admit(addresses[0], at: 5) > 0)
        #expect(limiter.admit(addresses[2], at: 6) > 0)
        #expect(limiter.admit(addresses[1], at: 7) == 0)  // forgotten, so full again; in the place of 3
        #expect(limiter.admit(addresses[3], at: 8) == 0)
        #expect(limiter.count == 3)
    }

    @Test func manySourcesAreBounded() {
        let limiter = RateLimiter(burst: 1, perMinute: 1)
        for number in 0..<100_000 {
            let address = IPAddress("10.\(number >> 16).\(number >> 8 & 255).\(number & 255)")
            #expect(limiter.admit(address, at: 0) == 0)
        }
        #expect(limiter.count == 65_536)
    }
}
