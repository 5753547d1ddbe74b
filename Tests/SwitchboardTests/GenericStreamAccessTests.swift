// The path of all carriers: what is proven there is proven for one carrier, and lets in that carrier's stream only.

import Carriers
import Cryptography
import Foundation
import Net
import Routing
import Signalling
import Telemetry
import Testing

@testable import Switchboard

@Suite(.serialized) struct GenericStreamAccessTests {
    private static let path = "/stream"
    private static let basic = "Basic " + Data("exotel:stream-password".utf8).base64EncodedString()

    private func upgrade(
        token: String? = nil, headers: [(name: String, value: String)] = [], signed: String? = nil
    ) throws -> HTTPRequest {
        let target = Self.path + (token.map { "?token=" + $0 } ?? "")
        var headers = headers
        if let signed {
            let url = "wss://voice.example.com" + target
            headers.append(
                (TwilioSignature.header, try TwilioSignature.sign(url: url, secret: Secret(signed))))
        }
        return HTTPRequest(
            method: "GET", path: Self.path, target: target, query: token.map { [("token", $0)] } ?? [],
            headers: headers, remoteAddress: "203.0.113.9")
    }

    private func start(_ carrier: Carrier, _ call: String, token: String? = nil) -> StreamStart {
        StreamStart(
            carrier: carrier, streamID: "MZ1", callID: call, inbound: .pcmu8k, outbound: .pcmu8k,
            parameters: token.map { ["teeline_token": $0] } ?? [:])
    }

    private func proofs(_ request: HTTPRequest, _ board: TelephoneSwitchboard) throws -> StreamProofs {
        try board.check(request, anyOf: Carrier.allCases).get()
    }

    private func refusal(_ request: HTTPRequest, _ board: TelephoneSwitchboard) -> (Int, String)? {
        guard case .failure(let refusal) = board.check(request, anyOf: Carrier.allCases) else { return nil }
        return (refusal.response.status, refusal.cause)
    }

    private func cause(
        _ start: StreamStart, _ proofs: StreamProofs, _ board: TelephoneSwitchboard
    ) -> String? {
        if case .failure(let fault) = board.admit(start, proofs: proofs) { fault.cause } else { nil }
    }

    @Test func aProofIsGoodForItsCarrierOnly() async throws {
        let house = try ElevenLabsBoard { $0 = DoorProofs.settings() }
        let board = house.board
        func token(_ carrier: Carrier, _ call: String?) throws -> String {
            try board.passes.issue(carrier: carrier, carrierCallID: call, plan: CallPlan()).text
        }
        // Twilio's signature, which is the same for every call, and the token of one call.
        let twilio = try token(.twilio, "CA1")
        let signed = try proofs(upgrade(signed: "twilio-token-new"), board)
        #expect(signed.carriers == [.twilio])
        for carrier in [Carrier.telnyx, .exotel] {
            #expect(cause(start(carrier, "CA1", token: twilio), signed, board) == "otherCarrier")
            // Exotel's streams need no token where Exotel is recognised: Twilio is not Exotel.
            #expect(cause(start(carrier, "CA1"), signed, board) == "otherCarrier")
        }
        #expect(cause(start(.twilio, "CA1"), signed, board) == "no_token")
        #expect(cause(start(.twilio, "CA1", token: twilio), signed, board) == nil)

        // A token is of one carrier, and lets that one in once.
        for carrier in [Carrier.telnyx, .exotel] {
            let shown = try token(carrier, nil)
            let proven = try proofs(upgrade(token: shown), board)
            #expect(proven.carriers == [carrier])
            for other in Carrier.allCases where other != carrier {
                #expect(cause(start(other, "x", token: shown), proven, board) == "otherCarrier")
            }
            #expect(cause(start(carrier, "x"), proven, board) == nil)
            #expect(cause(start(carrier, "x"), proven, board) == "used")
        }

        // Exotel's credentials.
        let known = try proofs(upgrade(headers: [("Authorization", Self.basic)]), board)
        #expect(known.carriers == [.exotel])
        let other = try token(.twilio, "CA2")
        #expect(cause(start(.twilio, "CA2", token: other), known, board) == "otherCarrier")
        #expect(cause(start(.telnyx, "v3:a"), known, board) == "otherCarrier")
        #expect(cause(start(.exotel, "e"), known, board) == nil)

        // Two proofs at once are good for two, each for its own.
        let both = try token(.telnyx, nil)
        let two = try proofs(upgrade(token: both, signed: "twilio-token-new"), board)
        #expect(two.carriers == [.twilio, .telnyx])
        #expect(cause(start(.exotel, "e", token: both), two, board) == "otherCarrier")
        #expect(cause(start(.telnyx, "v3:b"), two, board) == nil)
        await house.close()
    }

    @Test func withoutAProofNobodyComesIn() async throws {
        let house = try ElevenLabsBoard { $0 = DoorProofs.settings() }
        let board = house.board
        let twilio = try board.passes.issue(carrier: .twilio, carrierCallID: "CA1", plan: CallPlan()).text
        let late = try board.passes.issue(
            carrier: .telnyx, carrierCallID: nil, plan: CallPlan(), milliseconds: 0
        ).text
        let wrong = "Basic " + Data("exotel:other".utf8).base64EncodedString()
        let cases: [(HTTPRequest, Int, String)] = [
            (try upgrade(), 401, "no_token"), (try upgrade(token: ""), 401, "no_token"),
            (try upgrade(token: "x"), 403, "unknown"), (try upgrade(token: late), 403, "expired"),
            // Twilio's token proves a call, not who shows it: that is what its signature is for.
            (try upgrade(token: twilio), 403, "otherCarrier"),
            (try upgrade(signed: "another"), 403, "mismatch"),
            (try upgrade(headers: [("Authorization", wrong)]), 403, "credentials"),
            (try upgrade(headers: [("Authorization", "Bearer x")]), 403, "unknown"),
        ]
        for (number, (request, status, word)) in cases.enumerated() {
            let found = try #require(refusal(request, board), "case \(number)")
            #expect(found == (status, word), "case \(number)")
        }
        await house.close()
    }

    @Test func withAuthenticationOffAllComeIn() async throws {
        let house = try ElevenLabsBoard {
            $0 = DoorProofs.settings()
            $0.authIsOff = true
        }
        let open = try proofs(upgrade(), house.board)
        #expect(open.carriers == Set(Carrier.allCases))
        for carrier in Carrier.allCases { #expect(cause(start(carrier, "x"), open, house.board) == nil) }
        await house.close()
    }

    /// A browser tells the page that opens a stream; a carrier tells none.
    @Test(
        arguments: [
            ("127.0.0.1:8765", "http://127.0.0.1:8765", true), ("localhost", "http://localhost:80", true),
            ("10.0.0.7:8765", "http://10.0.0.7:8765", true), ("[::1]:1", "http://[::1]:1", true),
            ("voice.example.com", "https://voice.example.com", true), ("evil.example", nil, true),
            ("127.0.0.1:8765", "https://evil.example", false), ("127.0.0.1:8765", "null", false),
            ("127.0.0.1:8765", "http://127.0.0.1:3000", false), ("127.0.0.1:8765", "127.0.0.1:8765", false),
            // A name that its owner has resolved to this server.
            ("evil.example:8765", "http://evil.example:8765", false),
            ("127.0.0.1.nip.io", "http://127.0.0.1.nip.io", false),
        ] as [(String, String?, Bool)])
    func withAuthenticationOffNoPageOpensAStream(host: String, origin: String?, isOpen: Bool) async throws {
        let house = try ElevenLabsBoard {
            $0 = DoorProofs.settings()
            $0.authIsOff = true
        }
        let request = try upgrade(
            headers: [("Host", host)] + (origin.map { [("Origin", $0)] } ?? []))
        let refused = refusal(request, house.board)
        #expect((refused == nil) == isOpen)
        if let refused { #expect(refused == (403, "foreign_origin")) }
        await house.close()
    }

    /// One upgrade counts once against its source, however many carriers it could have been.
    @Test func aStrangerIsCountedOnce() async throws {
        let house = try ElevenLabsBoard {
            $0 = DoorProofs.settings()
            $0.requestsPerMinute = 60
        }
        // A quarter of the minute's requests at once: 15 are answered, and one more for each second meanwhile.
        let began = MonotonicTime.now
        var statuses: [Int] = []
        while statuses.last != 429, statuses.count < 60 {
            statuses.append(try #require(refusal(upgrade(), house.board)).0)
        }
        let seconds = Int(MonotonicTime.now.milliseconds(since: began) / 1000) + 1
        #expect(statuses.last == 429 && statuses.dropLast().allSatisfy { $0 == 401 })
        #expect((15...15 + seconds).contains(statuses.count - 1))
        await house.close()
    }
}
