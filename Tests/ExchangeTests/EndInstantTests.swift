// The instant of a call's end, whatever was done to the wall clock meanwhile.

import Archive
import Calls
import Net
import Simulator
import Switchboard
import Telemetry
import Testing

@testable import Exchange

@Suite struct EndInstantTests {
    /// Microseconds of UTC, and nanoseconds of the clock that is never set.
    @Test(
        arguments: [
            (0, 0), (999, 0), (1000, 1), (5_000_000_000, 5_000_000), (86_400_000_000_000, 86_400_000_000),
            (-5000, 0),
        ] as [(Int64, Int64)])
    func itIsTheStartAndTheTimeThatPassed(nanoseconds: Int64, microseconds: Int64) {
        let start: Int64 = 4_000_000_000_000_000
        let began = MonotonicTime(nanoseconds: 7_000_000_123)
        let now = MonotonicTime(nanoseconds: began.nanoseconds + nanoseconds)
        #expect(CallOffice.endInstant(startedAt: start, began: began, now: now) == start + microseconds)
    }

    /// A call that began an hour ahead of this machine's wall clock, as after a step back, and took five seconds.
    @Test func aRowNeverEndsBeforeItStarts() async throws {
        let house = try TestHouse(agent: SimulatedAgentSettings())
        let office = house.exchange.office
        let loop = try EventLoop.start(name: "test")
        defer { loop.stop() }
        let identity = CallIdentity(
            callID: CallID.make(), startedAt: ArchiveTime.now() + 3_600_000_000, seed: 1)
        let session = CallSession(
            carrier: .twilio, identity: identity, proofs: StreamProofs(), seat: LoopSeat(on: loop),
            office: office,
            at: MonotonicTime.now.adding(milliseconds: -5000))
        office.ended(
            session, carrier: .twilio, identity: identity, end: CallEnd(.carrier, .hangup), start: nil,
            clock: 0,
            rate: 8000, counts: [:])
        await house.settle()
        let catalog = Catalog(StorageLayout(root: house.folder))
        let row = try #require(try catalog.call(identity.callID)).call
        catalog.close()
        let length = try #require(row.endedAt) - identity.startedAt
        #expect((5_000_000..<60_000_000).contains(length))
        house.close()
    }
}
