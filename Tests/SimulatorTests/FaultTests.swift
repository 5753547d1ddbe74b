// Faults follow from the seed, in the shares they are given.

import Testing

@testable import Simulator

@Suite struct FaultTests {
    private static func fates(_ faults: CarrierFaults, seed: UInt64, count: Int = 10_000) -> [FrameFate] {
        var plan = FaultPlan(faults, seed: seed)
        return (0..<count).map { _ in plan.fate() }
    }

    @Test func withoutFaultsNothingHappens() {
        #expect(Self.fates(CarrierFaults(), seed: 1).allSatisfy { $0 == FrameFate() })
    }

    @Test func theSameSeedGivesTheSameFaults() {
        var faults = CarrierFaults()
        (faults.loss, faults.duplication, faults.reordering) = (0.1, 0.05, 0.02)
        #expect(Self.fates(faults, seed: 7) == Self.fates(faults, seed: 7))
        #expect(Self.fates(faults, seed: 7) != Self.fates(faults, seed: 8))
    }

    /// 10,000 draws: within four standard deviations of the binomial distribution.
    @Test(arguments: [0.01, 0.1, 0.5])
    func lossIsAsLargeAsConfigured(share: Double) {
        var faults = CarrierFaults()
        faults.loss = share
        let lost = Double(Self.fates(faults, seed: 3).count { $0.lost })
        #expect(abs(lost - 10_000 * share) < 4 * (10_000 * share * (1 - share)).squareRoot())
    }

    @Test func everythingIsLostAtOne() {
        var faults = CarrierFaults()
        faults.loss = 1
        #expect(Self.fates(faults, seed: 3).allSatisfy { $0.lost })
    }

    @Test(arguments: [(0, false), (99, false), (100, true), (149, true), (150, false)])
    func skippedStretches(milliseconds: Int64, skips: Bool) {
        var faults = CarrierFaults()
        faults.skipped = [Stall(start: 100, length: 50)]
        #expect(FaultPlan(faults, seed: 1).skips(atMilliseconds: milliseconds) == skips)
    }

    @Test func aStallHoldsAndThenBursts() {
        let delays = PathDelays(stalls: [Stall(start: 1000, length: 500)])
        var generator = SeededGenerator(seed: 1)
        let arrivals = [900, 1000, 1200, 1499, 1500].map { delays.arrival(of: $0 * 1000, &generator) }
        #expect(arrivals == [900_000, 1_500_000, 1_500_000, 1_500_000, 1_500_000])
    }

    @Test func jitterStaysInItsBounds() {
        let delays = PathDelays(fixed: 10, jitter: 30)
        var generator = SeededGenerator(seed: 1)
        let waits = (0..<1000).map { _ in delays.arrival(of: 0, &generator) }
        #expect(waits.allSatisfy { $0 >= 10_000 && $0 <= 40_000 })
        #expect(Set(waits).count > 900)
    }

    @Test func aDelayLineKeepsTheOrder() {
        var line = DelayLine<Int>()
        line.append(1, due: 100)
        line.append(2, due: 50)
        line.append(3, due: 200)
        var came: [(Int64, Int)] = []
        while let next = line.next(at: 150) { came.append((next.due, next.message)) }
        #expect(came.map(\.0) == [100, 100])
        #expect(came.map(\.1) == [1, 2])
        #expect(!line.isEmpty)
        #expect(line.next(at: 200)?.message == 3)
        #expect(line.isEmpty)
    }

    @Test(arguments: [
        (0.0, "..."), (0.5, "one two..."), (1.0, "one two three four..."), (-3, "..."),
        (9, "one two three four..."),
    ])
    func aCutTextEndsWhereItWasHeard(share: Double, expected: String) {
        #expect(AgentConversation.cut("one two three four", to: share) == expected)
    }

    @Test func sharesFollowTheirWeights() {
        let settings = LoadSettings(
            shares: [
                LoadShare(.twilio, url: "a", weight: 2), LoadShare(.telnyx, url: "b"),
                LoadShare(.exotel(), url: "c", weight: 0),
            ], calls: 6, seconds: 1, rampMilliseconds: 0)
        #expect((0..<6).compactMap { settings.share(of: $0)?.url } == ["a", "a", "b", "a", "a", "b"])
        let none = LoadSettings(shares: [], calls: 1, seconds: 1, rampMilliseconds: 0)
        #expect(none.share(of: 0) == nil)
    }
}
