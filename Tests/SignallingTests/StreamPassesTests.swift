// Stream tokens: one winner, and every way to be refused.

import Damage
import Carriers
import Cryptography
@testable import Signalling
import Synchronization
import Telemetry
import Testing

/// What the threads of one race share.
private final class Race: Sendable {
    let turn = Atomic(0)
    let results = Results()

    final class Results: @unchecked Sendable {
        // `lock` guards `told`. (`Synchronization.Mutex` gives the thread sanitizer false races.)
        private let lock = Lock()
        private var told: [Int: [Result<Int, PassRefusal>]] = [:]

        func withLock<Answer>(_ body: (inout [Int: [Result<Int, PassRefusal>]]) -> Answer) -> Answer {
            lock.withLock { body(&told) }
        }
    }
}

@Suite(.serialized) struct StreamPassesTests {
    private let passes = StreamPasses<String>(lifetime: 60_000, limit: 4)

    private func refusal(_ result: Result<String, PassRefusal>) -> PassRefusal? {
        if case .failure(let refusal) = result { refusal } else { nil }
    }

    @Test func oncePerToken() throws {
        let pass = try passes.issue(carrier: .twilio, callID: "CA1", content: "plan", at: 1000)
        #expect(pass.expiresAt == 61_000)
        #expect(try SHA256Digest(of: pass.token.utf8) == pass.digest)
        // Looking does not use it up, nor does any refusal.
        #expect(passes.check(pass.token, carrier: .twilio, at: 1000) == nil)
        #expect(passes.check(pass.token, carrier: .telnyx, at: 1000) == .otherCarrier)
        #expect(refusal(passes.claim(pass.token, carrier: .exotel, callID: "CA1", at: 1000)) == .otherCarrier)
        #expect(refusal(passes.claim(pass.token, carrier: .twilio, callID: "CA2", at: 1000)) == .otherCall)
        #expect(refusal(passes.claim(pass.token, carrier: .twilio, callID: "", at: 1000)) == .otherCall)
        #expect(refusal(passes.claim(pass.token, carrier: .twilio, callID: "CA1", at: 61_000)) == .expired)
        #expect(passes.check(pass.token, carrier: .twilio, at: 61_000) == .expired)
        #expect(passes.claim(pass.token, carrier: .twilio, callID: "CA1", at: 60_999) == .success("plan"))
        #expect(refusal(passes.claim(pass.token, carrier: .twilio, callID: "CA1", at: 60_999)) == .used)
        #expect(passes.check(pass.token, carrier: .twilio, at: 60_999) == .used)
    }

    /// A placed call's token is issued before its carrier names the call: from then on no other call opens it.
    @Test func aTokenIsBoundWhenItsCallIsNamed() throws {
        let pass = try passes.issue(carrier: .twilio, callID: nil, content: "plan", at: 0)
        #expect(passes.bind(pass.digest, to: "CA1") == nil)
        #expect(refusal(passes.claim(pass.token, carrier: .twilio, callID: "CA2", at: 1)) == .otherCall)
        #expect(passes.claim(pass.token, carrier: .twilio, callID: "CA1", at: 1) == .success("plan"))
        #expect(passes.bind(pass.digest, to: "CA1") == nil)
        // The stream came before the name, and was another call's.
        let early = try passes.issue(carrier: .twilio, callID: nil, content: "plan", at: 0)
        #expect(passes.claim(early.token, carrier: .twilio, callID: "CA2", at: 1) == .success("plan"))
        #expect(passes.bind(early.digest, to: "CA1") == "CA2")
        #expect(passes.bind(try SHA256Digest(of: "unknown".utf8), to: "CA1") == nil)
    }

    @Test func aTokenOfIdleStreamsIsForgotten() throws {
        let pass = try passes.issue(carrier: .telnyx, callID: nil, content: "plan", at: 0)
        for _ in 1...7 { #expect(!passes.cameToNothing(pass.digest)) }
        #expect(passes.check(pass.token, carrier: .telnyx, at: 1) == nil)
        #expect(passes.cameToNothing(pass.digest))
        #expect(passes.check(pass.token, carrier: .telnyx, at: 1) == .unknown)
        #expect(!passes.cameToNothing(pass.digest))
        // What has let its stream in stays used, whatever else ends.
        let used = try passes.issue(carrier: .telnyx, callID: nil, content: "plan", at: 0)
        #expect(passes.claim(used.token, carrier: .telnyx, callID: "v3:1", at: 1) == .success("plan"))
        for _ in 1...9 { #expect(!passes.cameToNothing(used.digest)) }
        #expect(passes.check(used.token, carrier: .telnyx, at: 1) == .used)
    }

    /// 1,000 tokens of all carriers, each tried twice, late, for another call, by another carrier, in every order: one claim
    /// of each wins, and it is the right one in time.
    @Test func ofManyTriesExactlyOneWins() throws {
        let passes = StreamPasses<Int>(lifetime: 60_000, limit: 2_000)
        var random = SplitMix64(seed: 20_261_121)
        var winners = 0
        for number in 0..<1_000 {
            let carrier = Carrier.allCases[number % Carrier.allCases.count]
            let other = Carrier.allCases[(number + 1) % Carrier.allCases.count]
            let pass = try passes.issue(carrier: carrier, callID: "call\(number)", content: number, at: 0)
            let tries: [(carrier: Carrier, call: String, at: Int64, mayWin: Bool)] = [
                (carrier, "call\(number)", 59_999, true), (carrier, "call\(number)", 1, true),
                (carrier, "call\(number)", 60_000, false), (carrier, "call\(number + 1)", 1, false),
                (other, "call\(number)", 1, false),
            ]
            var won: [Bool] = []
            for (carrier, call, at, mayWin) in tries.shuffled(using: &random) {
                if case .success(let content) = passes.claim(
                    pass.token, carrier: carrier, callID: call, at: at)
                {
                    #expect(content == number)
                    won.append(mayWin)
                }
            }
            #expect(won == [true])
            winners += won.count
        }
        #expect(winners == 1_000)
    }

    @Test func unknownTokens() throws {
        let pass = try passes.issue(carrier: .telnyx, callID: nil, content: "", at: 0)
        for text in ["", "x", String(repeating: "A", count: 43), pass.token + "A", pass.digest.hex] {
            #expect(passes.check(text, carrier: .telnyx, at: 0) == .unknown)
            #expect(refusal(passes.claim(text, carrier: .telnyx, callID: "v3:1", at: 0)) == .unknown)
        }
        passes.withdraw(pass.digest)
        #expect(refusal(passes.claim(pass.token, carrier: .telnyx, callID: "v3:1", at: 0)) == .unknown)
    }

    @Test func boundAtFirstUse() throws {
        let pass = try passes.issue(carrier: .telnyx, callID: nil, content: "a", at: 0)
        #expect(passes.claim(pass.token, carrier: .telnyx, callID: "v3:1", at: 1) == .success("a"))
        #expect(refusal(passes.claim(pass.token, carrier: .telnyx, callID: "v3:1", at: 2)) == .used)
        #expect(refusal(passes.claim(pass.token, carrier: .telnyx, callID: "v3:2", at: 2)) == .otherCall)
    }

    @Test func bounded() throws {
        for at in 0..<4 as Range<Int64> {
            _ = try passes.issue(carrier: .twilio, callID: nil, content: "", at: at)
        }
        #expect(throws: StreamPassError.full) {
            try passes.issue(carrier: .twilio, callID: nil, content: "", at: 59_999)
        }
        #expect(passes.count == 4)
        // At 60,001 ms the first two are over, so two find room.
        for _ in 0..<2 { _ = try passes.issue(carrier: .twilio, callID: nil, content: "", at: 60_001) }
        #expect(throws: StreamPassError.full) {
            try passes.issue(carrier: .twilio, callID: nil, content: "", at: 60_001)
        }
        passes.purge(at: 60_003)
        #expect(passes.count == 2)
        let last = try passes.issue(carrier: .twilio, callID: nil, content: "", at: Int64.max)
        #expect(last.expiresAt == Int64.max)
    }

    @Test func survivesARestart() throws {
        let pass = try passes.issue(carrier: .exotel, callID: "e1", content: "before", at: 0)
        let after = StreamPasses<String>(lifetime: 60_000, limit: 1)
        try after.restore(
            digest: pass.digest, carrier: .exotel, callID: "e1", content: "after", expiresAt: pass.expiresAt,
            at: 10)
        #expect(refusal(after.claim(pass.token, carrier: .exotel, callID: "e2", at: 20)) == .otherCall)
        #expect(after.claim(pass.token, carrier: .exotel, callID: "e1", at: 20) == .success("after"))
        // What is known stays as it is: used.
        try after.restore(
            digest: pass.digest, carrier: .exotel, callID: nil, content: "again", expiresAt: 99_000, at: 30)
        #expect(refusal(after.claim(pass.token, carrier: .exotel, callID: "e1", at: 40)) == .used)
        let other = try SHA256Digest(of: [1])
        #expect(throws: StreamPassError.full) {
            try after.restore(
                digest: other, carrier: .exotel, callID: nil, content: "", expiresAt: 99_000, at: 59_999)
        }
    }

    /// 1,000 tokens, each claimed by eight threads at once: one winner each. In several rounds, since where few processors
    /// are, now and then the threads of a round take turns.
    @Test(arguments: 1...8) func oneWinnerOfManyThreads(round: Int) async throws {
        let tries = 1000
        let passes = StreamPasses<Int>(lifetime: 60_000, limit: tries)
        let tokens = try (0..<tries).map {
            try passes.issue(carrier: .twilio, callID: nil, content: $0, at: 0).token
        }
        let race = Race()
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<8 {
                group.addTask {
                    await ClaimThread.run {
                        for index in 0..<tries {
                            // All eight are at this token, or past the gate that lets them to it.
                            race.turn.add(1, ordering: .sequentiallyConsistent)
                            // Those that wait do so on their feet for a while, so that several start at once.
                            var looks = 0
                            while race.turn.load(ordering: .sequentiallyConsistent) < 8 * (index + 1) {
                                looks += 1
                                if looks % 64 == 0 { ClaimThread.giveWay() }
                            }
                            let result = passes.claim(
                                tokens[index], carrier: .twilio, callID: "CA\(thread)", at: 1)
                            race.results.withLock { $0[index, default: []].append(result) }
                        }
                    }
                }
            }
        }
        race.results.withLock { results in
            #expect(results.count == tries)
            let fair = results.count { index, outcomes in
                outcomes.count == 8 && outcomes.count { $0 == .success(index) } == 1
                    && outcomes.count { $0 == .failure(.otherCall) } == 7
            }
            #expect(fair == tries)
        }
    }

    @Test func nothingSecretIsShown() throws {
        let pass = try passes.issue(carrier: .twilio, callID: nil, content: "", at: 0)
        var text = "\(pass)" + String(reflecting: pass)
        dump(pass, to: &text)
        dump(passes, to: &text)
        #expect(!text.contains(pass.token))
    }
}
