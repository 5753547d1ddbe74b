// One captured request, sent again: Twilio's own retry gets the same answer, a replay opens nothing; and limits that hold.

import Archive
import Exchange
import Foundation
import Simulator
import Testing

@Suite(.serialized) struct ReplayedCallTests {
    private static let path = "/twilio/incoming-call"

    private func incoming(_ house: TestHouse, _ call: String, from: String = "+15550100") async throws
        -> String
    {
        let body = Knock.form(call, from: from)
        let answer = await Knock.send(
            house.exchange.port, "POST", Self.path, try Knock.proof(.twilio, Self.path, body: body),
            body: body)
        #expect(answer.status == 200)
        return answer.text
    }

    @Test func aReplayOpensNothing() async throws {
        let log = HouseLog()
        let house = try TestHouse(agent: ShortTalk.agent, values: Knock.values, log: log.log)
        let token = try #require(Knock.token(in: try await incoming(house, "CA1")))
        // Twilio asks again before the stream has come, twice at once.
        async let second = incoming(house, "CA1")
        async let third = incoming(house, "CA1")
        #expect(Knock.token(in: try await second) == token)
        #expect(Knock.token(in: try await third) == token)

        var call = ShortTalk.call(to: house.media(), milliseconds: 600)
        call.headers = try Knock.upgrade("/twilio/media-stream").map { ($0.name, $0.value) }
        call.parameters = ["teeline_token": token]
        call.identity = StreamIdentity(streamID: "MZ1", callID: "CA1", accountID: "AC1")
        #expect(await house.network.call(call).end == .asPlanned)
        await house.settle()
        let replayed = try await incoming(house, "CA1")
        #expect(Knock.token(in: replayed) == nil && replayed.contains("We are sorry"))
        _ = await house.network.call(call)
        await house.settle()
        #expect(log.text.contains(#""cause":"used""#))
        #expect(house.close() == 0)
    }

    /// What an earlier server answered is in the archive.
    @Test func aReplayAfterARestartOpensNothing() async throws {
        let house = try TestHouse(agent: ShortTalk.agent, values: Knock.values)
        func row(_ call: String, _ kind: String, secondsAgo: Int64) -> ArchiveChange {
            .carrierEvent(
                CarrierEventRow(
                    carrier: "twilio", key: kind + ":" + call, carrierCallID: call, kind: kind,
                    receivedAt: ArchiveTime.now() - secondsAgo * 1_000_000))
        }
        try await house.exchange.archive.apply(row("CA1", "call.incoming", secondsAgo: 20))
        try await house.exchange.archive.apply(row("CA2", "call.incoming", secondsAgo: 5))
        try await house.exchange.archive.apply(row("CA3", "call.completed", secondsAgo: 5))
        try await house.exchange.archive.apply(row("CA4", "call.ringing", secondsAgo: 20))
        #expect(Knock.token(in: try await incoming(house, "CA1")) == nil)
        // Twilio may still ask again: it waits for 15 s.
        #expect(Knock.token(in: try await incoming(house, "CA2")) != nil)
        #expect(Knock.token(in: try await incoming(house, "CA3")) == nil)
        // A call that was placed is told of before its webhook comes.
        #expect(Knock.token(in: try await incoming(house, "CA4")) != nil)
        house.close()
    }

    /// One line is one line, with `+` or without.
    @Test func limitsCountLines() async throws {
        let house = try TestHouse(
            agent: ShortTalk.agent, values: Knock.values.merging(["doors.calls_per_caller": "1"]) { $1 })
        #expect(Knock.token(in: try await incoming(house, "CA1", from: "+15550133")) != nil)
        #expect(Knock.token(in: try await incoming(house, "CA2", from: "15550133")) == nil)
        #expect(Knock.token(in: try await incoming(house, "CA3", from: "+1 (555) 01-33")) == nil)
        #expect(Knock.token(in: try await incoming(house, "CA4", from: "+15550134")) != nil)
        house.close()
    }

    /// Who guesses the API's token is slowed down; who has it is not.
    @Test func guessesAreCounted() async throws {
        let house = try TestHouse.atFixedAddress(values: ["doors.requests_per_minute": "40"])
        var statuses: [Int] = []
        for number in 0..<20 {
            statuses.append(try await house.ask("GET", "/v1/recordings", token: "guess-\(number)").status)
        }
        // A quarter of a minute's requests may come at once.
        #expect(statuses.prefix(10).allSatisfy { $0 == 401 } && statuses.suffix(5).contains(429))
        #expect(try await house.ask("GET", "/v1/recordings").status == 200)
        house.close()
    }
}
