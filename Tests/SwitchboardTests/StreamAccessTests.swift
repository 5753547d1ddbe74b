// Media streams: what their upgrade and their start have to prove, and what survives a restart.

import Archive
import Audio
import Carriers
import Cryptography
import Foundation
import Net
import Routing
import Signalling
import Telemetry
import Testing

@testable import Switchboard

@Suite(.serialized) struct StreamAccessTests {
    private func house() throws -> ElevenLabsBoard { try ElevenLabsBoard { $0 = DoorProofs.settings() } }

    private func start(
        _ carrier: Carrier, _ call: String, _ parameters: [String: String] = [:]
    ) -> StreamStart {
        StreamStart(
            carrier: carrier, streamID: "MZ1", callID: call, inbound: .pcmu8k, outbound: .pcmu8k,
            parameters: parameters)
    }

    private func plan(_ agent: String) -> CallPlan {
        var plan = CallPlan()
        plan.agentID = agent
        return plan
    }

    private func upgrade(
        _ path: String, query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = []
    ) -> HTTPRequest {
        let text = query.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
        return HTTPRequest(
            method: "GET", path: path, target: text.isEmpty ? path : path + "?" + text, query: query,
            headers: headers, remoteAddress: "203.0.113.9")
    }

    private func cause(_ result: Result<StreamEvidence, StreamRefusal>) -> String? {
        if case .failure(let refusal) = result { refusal.cause } else { nil }
    }

    @Test func twilioSignsItsUpgrade() async throws {
        let house = try house()
        let path = "/twilio/media-stream"
        let signature = try TwilioSignature.sign(
            url: "wss://voice.example.com" + path, secret: Secret("twilio-token-new"))
        let right = upgrade(path, headers: [(TwilioSignature.header, signature)])
        guard case .success(let evidence) = house.board.check(right, carrier: .twilio) else {
            Issue.record("refused")
            return
        }
        #expect(cause(house.board.check(upgrade(path), carrier: .twilio)) == "missing")
        let other = upgrade("/other", headers: [(TwilioSignature.header, signature)])
        #expect(cause(house.board.check(other, carrier: .twilio)) == "mismatch")
        // The signature of an upgrade is the same for every call: without a token it is none.
        #expect(house.board.admitted(start(.twilio, "CA1"), evidence: evidence) == nil)
        let token = try house.board.passes.issue(
            carrier: .twilio, carrierCallID: "CA1", plan: plan("agent_7"))
        let told = start(.twilio, "CA1", ["teeline_token": token.text, "x": "y"])
        #expect(house.board.admitted(start(.twilio, "CA2", told.parameters), evidence: evidence) == nil)
        let admitted = try #require(house.board.admitted(told, evidence: evidence))
        #expect(admitted.plan.agentID == "agent_7" && admitted.start.parameters == ["x": "y"])
        #expect(house.board.admitted(told, evidence: evidence) == nil)
        await house.close()
    }

    @Test func telnyxShowsItsTokenAtTheUpgrade() async throws {
        let house = try house()
        let token = try house.board.passes.issue(carrier: .telnyx, carrierCallID: nil, plan: plan("agent_8"))
            .text
        let other = try house.board.passes.issue(carrier: .exotel, carrierCallID: nil, plan: plan("a")).text
        #expect(cause(house.board.check(upgrade("/media-stream"), carrier: .telnyx)) == "no_token")
        #expect(
            cause(house.board.check(upgrade("/audio", query: [("token", other)]), carrier: .telnyx))
                == "otherCarrier")
        #expect(
            cause(house.board.check(upgrade("/audio", query: [("token", "x")]), carrier: .telnyx))
                == "unknown")
        for request in [
            upgrade("/media-stream", query: [("token", token)]),
            upgrade("/media-stream", headers: [("Authorization", "Bearer " + token)]),
            upgrade("/media-stream", headers: [("Authorization", token)]),
        ] {
            guard case .success(let evidence) = house.board.check(request, carrier: .telnyx) else {
                Issue.record("refused")
                continue
            }
            #expect(evidence.token == token)
        }
        await house.close()
    }

    /// `stream_auth_token` is checked wherever it comes back (carriers.md §3.3.3); that it does not is no fault.
    @Test func telnyxShowsTheAuthToken() async throws {
        let house = try ElevenLabsBoard {
            $0 = DoorProofs.settings()
            $0.telnyx.stream.authToken = Secret("auth token")
        }
        func token() throws -> String {
            try house.board.passes.issue(carrier: .telnyx, carrierCallID: nil, plan: plan("a")).text
        }
        let pass = try token()
        func check(_ field: String?) -> String? {
            let headers = field.map { [(name: "Authorization", value: $0)] } ?? []
            return cause(
                house.board.check(
                    upgrade("/media-stream", query: [("token", pass)], headers: headers), carrier: .telnyx))
        }
        // Nothing, the right one, the pass itself, and a scheme that Telnyx was never seen with.
        for field in [nil, "Bearer auth token", "Bearer " + pass, pass, "Basic eDp5"] {
            #expect(check(field) == nil, "\(field ?? "none")")
        }
        #expect(check("Bearer other") == "auth_token" && check("other") == "auth_token")
        var told = start(.telnyx, "v3:a")
        var evidence = StreamEvidence()
        evidence.token = pass
        told.authToken = StreamAuthToken("other")
        #expect(house.board.admitted(told, evidence: evidence) == nil)
        told.authToken = StreamAuthToken("auth token")
        let admitted = try #require(house.board.admitted(told, evidence: evidence))
        #expect(admitted.start.authToken == nil && admitted.start.parameters.isEmpty)
        await house.close()
    }

    @Test func exotelHasATokenOrCredentials() async throws {
        let house = try house()
        let basic = "Basic " + Data("exotel:stream-password".utf8).base64EncodedString()
        let wrong = "Basic " + Data("exotel:other".utf8).base64EncodedString()
        func cause(_ headers: [(name: String, value: String)]) -> String? {
            self.cause(house.board.check(upgrade("/media", headers: headers), carrier: .exotel))
        }
        #expect(cause([]) == "missing" && cause([("Authorization", wrong)]) == "credentials")
        let request = upgrade("/media", headers: [("Authorization", basic)])
        guard case .success(let evidence) = house.board.check(request, carrier: .exotel) else {
            Issue.record("refused")
            return
        }
        // Its address is fixed in an applet: recognised credentials are a call without a token.
        #expect(house.board.admitted(start(.exotel, "e1"), evidence: evidence) != nil)
        #expect(house.board.admitted(start(.twilio, "CA1"), evidence: evidence) == nil)
        await house.close()
    }

    /// Eight threads, 1,000 tokens, one start each: every token lets in exactly one.
    @Test func ofManyAtOnceOneWins() async throws {
        let house = try house()
        let tokens = try (0..<1_000).map { number in
            try house.board.passes.issue(carrier: .twilio, carrierCallID: "CA\(number)", plan: CallPlan())
                .text
        }
        let winners = Winners()
        let board = house.board
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<8 {
                group.addTask {
                    await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
                        Thread {
                            for (number, token) in tokens.enumerated() {
                                let told = StreamStart(
                                    carrier: .twilio, streamID: "MZ\(thread)", callID: "CA\(number)",
                                    inbound: .pcmu8k, outbound: .pcmu8k, parameters: ["teeline_token": token])
                                if board.admitted(told, evidence: StreamEvidence()) != nil {
                                    winners.add(number)
                                }
                            }
                            done.resume()
                        }.start()
                    }
                }
            }
        }
        #expect(winners.counts.count == 1_000 && winners.counts.values.allSatisfy { $0 == 1 })
        await house.close()
    }

    @Test func aPassSurvivesARestartUnlessItIsUsed() async throws {
        let house = try house()
        let waiting = try house.board.passes.issue(
            carrier: .twilio, carrierCallID: "CA1", plan: plan("agent_9"))
        let used = try house.board.passes.issue(carrier: .twilio, carrierCallID: "CA2", plan: plan("a"))
        let late = try house.board.passes.issue(
            carrier: .twilio, carrierCallID: "CA3", plan: plan("a"), milliseconds: 0)
        _ = house.board.passes.claim(used.text, carrier: .twilio, carrierCallID: "CA2")
        // What was asked for before this is on the disk when this is.
        try await house.archive.apply(.note(kind: "test", callID: nil, detail: "{}"))
        let next = try PassOffice(archive: house.archive, milliseconds: 60_000, log: house.logged.log)
        #expect(next.check(used.text, carrier: .twilio) == .unknown)
        #expect(next.check(late.text, carrier: .twilio) != nil)
        #expect(next.check(waiting.text, carrier: .telnyx) == .otherCarrier)
        let claimed = next.claim(waiting.text, carrier: .twilio, carrierCallID: "CA1")
        #expect(claimed == .success(plan("agent_9")))
        #expect(next.claim(waiting.text, carrier: .twilio, carrierCallID: "CA1") == .failure(.used))
        #expect(!house.logged.all.contains { $0.contains(waiting.text) || $0.contains(used.text) })
        await house.close()
    }

    /// The server is killed before the claim is on the disk: after that the token opens nothing, and after a stop it would.
    @Test func aPassThatAKilledServerLetInOpensNothingMore() async throws {
        let house = try house()
        let used = try house.board.passes.issue(carrier: .twilio, carrierCallID: "CA1", plan: plan("a"))
        try await house.archive.apply(.note(kind: "test", callID: nil, detail: "{}"))
        let locked = try LockedCatalog(folder: house.folder)
        #expect(
            (try? house.board.passes.claim(used.text, carrier: .twilio, carrierCallID: "CA1").get()) != nil)
        // What the disk would have at this moment, had the process been killed.
        let left = house.folder + "-left"
        try FileManager.default.copyItem(atPath: house.folder, toPath: left)
        defer { try? FileManager.default.removeItem(atPath: left) }
        try locked.release()
        var archive = try CallArchive(StorageLayout(root: left))
        #expect(archive.forgottenPasses == 1)
        var passes = try PassOffice(archive: archive, milliseconds: 60_000, log: house.logged.log)
        #expect(passes.check(used.text, carrier: .twilio) == .unknown)
        // This one stops by itself: what it issued stays good, and what was used stays used.
        let waiting = try passes.issue(carrier: .twilio, carrierCallID: "CA2", plan: plan("b"))
        let shown = try passes.issue(carrier: .twilio, carrierCallID: "CA3", plan: plan("c"))
        _ = passes.claim(shown.text, carrier: .twilio, carrierCallID: "CA3")
        archive.close()
        archive = try CallArchive(StorageLayout(root: left))
        passes = try PassOffice(archive: archive, milliseconds: 60_000, log: house.logged.log)
        #expect(archive.forgottenPasses == 0)
        #expect(passes.check(waiting.text, carrier: .twilio) == nil)
        #expect(passes.check(shown.text, carrier: .twilio) == .unknown)
        // A stop after a claim that could not be written is none.
        archive.claimWasLost()
        archive.close()
        archive = try CallArchive(StorageLayout(root: left))
        #expect(archive.forgottenPasses == 1)
        archive.close()
        #expect(house.logged.has("passes_forgotten"))
        await house.close()
    }

    /// Why a stream is refused is told, not only that it is.
    @Test func everyRefusalHasItsCause() async throws {
        let house = try house()
        func told(_ call: String, _ token: String?) -> StreamStart {
            start(.twilio, call, token.map { ["teeline_token": $0] } ?? [:])
        }
        func issue(_ call: String, milliseconds: Int64? = nil) throws -> String {
            try house.board.passes.issue(
                carrier: .twilio, carrierCallID: call, plan: plan("a"), milliseconds: milliseconds
            ).text
        }
        func cause(_ call: String, _ token: String?) -> String? {
            house.board.refusal(told(call, token), evidence: StreamEvidence())
        }
        let good = try issue("CA1")
        #expect(cause("CA1", nil) == "no_token")
        #expect(cause("CA1", String(repeating: "x", count: good.count)) == "unknown")
        #expect(cause("CA2", good) == "otherCall")
        #expect(cause("CA3", try issue("CA3", milliseconds: 0)) == "expired")
        let other = try house.board.passes.issue(carrier: .telnyx, carrierCallID: nil, plan: plan("a"))
        #expect(cause("CA1", other.text) == "otherCarrier")
        #expect(cause("CA1", good) == nil)
        #expect(cause("CA1", good) == "used")
        await house.close()
    }

    @Test func aPassThatIsLateOpensNothing() async throws {
        let house = try house()
        let office = try PassOffice(archive: house.archive, milliseconds: 0, log: house.logged.log)
        let token = try office.issue(carrier: .telnyx, carrierCallID: nil, plan: CallPlan()).text
        #expect(office.check(token, carrier: .telnyx) == .expired)
        #expect(office.claim(token, carrier: .telnyx, carrierCallID: "v3:1") == .failure(.expired))
        await house.close()
    }
}

extension TelephoneSwitchboard {
    /// What the upgrade at a path of `carrier`'s proves.
    func check(_ request: HTTPRequest, carrier: Carrier) -> Result<StreamEvidence, StreamRefusal> {
        check(request, anyOf: [carrier]).map { $0[carrier] ?? StreamEvidence() }
    }

    /// What a stream is let in as; nil when it is refused.
    func admitted(_ start: StreamStart, evidence: StreamEvidence) -> AdmittedStream? {
        let outcome = admit(start, proofs: StreamProofs([start.carrier: evidence]))
        return if case .success(let stream) = outcome { stream } else { nil }
    }

    /// Why a stream is refused; nil when it is let in.
    func refusal(_ start: StreamStart, evidence: StreamEvidence) -> String? {
        let outcome = admit(start, proofs: StreamProofs([start.carrier: evidence]))
        return if case .failure(let fault) = outcome { fault.cause } else { nil }
    }
}

/// Who won, counted by threads.
final class Winners: @unchecked Sendable {
    // `lock` guards `found`.
    private let lock = Lock()
    private var found: [Int: Int] = [:]

    var counts: [Int: Int] { lock.withLock { found } }
    func add(_ number: Int) { lock.withLock { found[number, default: 0] += 1 } }
}
