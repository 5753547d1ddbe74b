// Every door without, with a wrong and with the right proof; two secrets while they are changed; rates.

import Agents
import Cryptography
import Damage
import Foundation
import Net
import Signalling
import Telemetry
import Testing

@testable import Switchboard

@Suite struct DoorGuardTests {
    static let guarded = WebhookRoutes.all.filter { $0.kind != .api }

    private func guarding(
        _ lines: LoggedLines = LoggedLines(), _ change: (inout SwitchboardSettings) -> Void = { _ in }
    ) throws -> DoorGuard {
        var settings = DoorProofs.settings()
        change(&settings)
        return try DoorGuard(settings, log: lines.log, metrics: MetricsRegistry())
    }

    @Test(arguments: guarded) func theRightProofOpens(route: WebhookRoute) throws {
        let guarding = try guarding()
        #expect(guarding.refusal(of: try DoorProofs.request(route.kind, route.path), at: route) == nil)
        // The other listed secret, as long as it is being changed; Telnyx has one key here.
        guard route.kind != .telnyx else { return }
        #expect(
            guarding.refusal(of: try DoorProofs.request(route.kind, route.path, secret: "old"), at: route)
                == nil)
    }

    @Test(arguments: guarded) func nothingOpensNothing(route: WebhookRoute) throws {
        let lines = LoggedLines()
        let guarding = try guarding(lines)
        var request = try DoorProofs.request(route.kind, route.path)
        request.headers = [("Content-Type", "application/x-www-form-urlencoded")]
        request.query = []
        request.target = request.path
        let refusal = try #require(guarding.refusal(of: request, at: route))
        #expect(refusal.status == (route.kind == .exotel ? 401 : 403))
        #expect(lines.has("webhook_refused"))
    }

    /// Whole requests to every door, each changed in one place of what it proves itself by (seeded): none comes in.
    @Test(arguments: guarded.filter { $0.kind != .twilio })
    func aRequestChangedInOneBitOpensNothing(route: WebhookRoute) throws {
        let guarding = try guarding {
            // Exotel's addresses count besides its key.
            $0.exotel.allowedAddresses = (try? AddressList(["203.0.113.0/24"])) ?? .empty
        }
        let right = try DoorProofs.request(route.kind, route.path)
        #expect(guarding.refusal(of: right, at: route) == nil)
        var generator = SplitMix64(seed: 20_261_121)
        func random(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }
        func flipped(_ text: String) -> String {
            var bytes = Array(text.utf8)
            bytes[random(bytes.count)] ^= UInt8(1 << random(6))
            return String(decoding: bytes, as: UTF8.self)
        }
        var accepted = 0
        for _ in 0..<2_500 {
            var request = right
            switch route.kind {
            case .exotel:
                if random(4) == 0 {
                    // From elsewhere, whatever it says of others.
                    request.remoteAddress = "198.51.100.\(1 + random(250))"
                    request.headers.append(("X-Forwarded-For", "203.0.113.\(1 + random(250))"))
                } else {
                    request.query = [("key", flipped(DoorProofs.exotelKey))]
                }
            case .initiation:
                request.headers = [("Authorization", "Bearer " + flipped("initiation-new"))]
            default:
                // The body, the signature or its time.
                if random(2) == 0 {
                    request.body[random(request.body.count)] ^= UInt8(1 << random(8))
                } else {
                    let index = 1 + random(request.headers.count - 1)
                    let digits = request.headers[index].value.indices.filter {
                        request.headers[index].value[$0].isLetter || request.headers[index].value[$0].isNumber
                    }
                    var value = request.headers[index].value
                    let at = digits[random(digits.count)]
                    let old = value[at]
                    value.replaceSubrange(at...at, with: old == "7" ? "3" : "7")
                    request.headers[index].value = value
                }
            }
            if guarding.refusal(of: request, at: route) == nil { accepted += 1 }
        }
        #expect(accepted == 0)
    }

    @Test(arguments: guarded) func aWrongSecretOpensNothing(route: WebhookRoute) throws {
        let guarding = try guarding()
        var request = try DoorProofs.request(route.kind, route.path, secret: "other")
        if route.kind == .telnyx {
            let key = try Ed25519PrivateKey(seed: [UInt8](repeating: 1, count: 32))
            let now = PassOffice.now / 1000
            let signed = try TelnyxSignature.sign(body: request.body, at: now, key: key)
            request.headers = [
                (TelnyxSignature.header, signed.signature),
                (TelnyxSignature.timestampHeader, signed.timestamp),
            ]
        }
        #expect(guarding.refusal(of: request, at: route)?.status == 403)
    }

    @Test(arguments: guarded) func aBodyThatWasChangedOpensNothing(route: WebhookRoute) throws {
        // Exotel's and the initiation's proofs do not cover the body: that is theirs (carriers.md §4.1.4).
        guard [DoorKind.twilio, .telnyx, .elevenLabs].contains(route.kind) else { return }
        var request = try DoorProofs.request(route.kind, route.path)
        request.body = Array("CallSid=CA2&From=%2B15550100".utf8)
        #expect(try guarding().refusal(of: request, at: route)?.status == 403)
    }

    /// One that is ahead of the clock by more than five minutes is so for some seconds yet.
    @Test(arguments: [(DoorKind.telnyx, Int64(302)), (.elevenLabs, 1_802), (.elevenLabs, -310)])
    func anOldProofOpensNothing(kind: DoorKind, age: Int64) throws {
        let route = try #require(WebhookRoutes.all.first { $0.kind == kind })
        let request = try DoorProofs.request(kind, route.path, age: age)
        #expect(try guarding().refusal(of: request, at: route)?.status == 403)
    }

    @Test func aRemovedSecretIsOver() throws {
        let route = try #require(WebhookRoutes.at("/twilio/incoming-call"))
        let guarding = try guarding { $0.twilio.authTokens = [Secret("twilio-token-new")] }
        let old = try DoorProofs.request(.twilio, route.path, secret: "old")
        #expect(guarding.refusal(of: old, at: route)?.status == 403)
        #expect(guarding.refusal(of: try DoorProofs.request(.twilio, route.path), at: route) == nil)
    }

    @Test func withoutSecretsNobodyComesIn() throws {
        let guarding = try DoorGuard(
            SwitchboardSettings(routing: .init()), log: LoggedLines().log, metrics: MetricsRegistry())
        for route in Self.guarded {
            #expect(guarding.refusal(of: try DoorProofs.request(route.kind, route.path), at: route) != nil)
        }
    }

    @Test func offMeansOff() throws {
        let guarding = try guarding { $0.authIsOff = true }
        for route in Self.guarded {
            let request = HTTPRequest(method: "POST", path: route.path, remoteAddress: "203.0.113.9")
            #expect(guarding.refusal(of: request, at: route) == nil)
        }
    }

    @Test func thePublicAddressDecidesWhateverHeadersSay() throws {
        let route = try #require(WebhookRoutes.at("/twilio/incoming-call"))
        var request = try DoorProofs.request(.twilio, route.path)
        request.headers += [
            ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "http"),
            ("Forwarded", "host=evil.example"),
        ]
        #expect(try guarding().refusal(of: request, at: route) == nil)
        // Signed for another address: an untrusted peer's headers do not make it ours.
        let evil = try TwilioSignature.sign(
            url: "http://evil.example" + route.path, form: try #require(FormFields(request.body)),
            secret: Secret("twilio-token-new"))
        request.headers = request.headers.filter { $0.name != TwilioSignature.header }
        request.headers.append((TwilioSignature.header, evil))
        #expect(try guarding().refusal(of: request, at: route)?.status == 403)
        #expect(try guarding { $0.proxies = .init(base: nil) }.refusal(of: request, at: route)?.status == 403)
    }

    @Test func eachSourceHasItsOwnRate() throws {
        let guarding = try guarding { $0.requestsPerMinute = 4 }
        let route = try #require(WebhookRoutes.at("/twilio/stream-status"))
        var request = try DoorProofs.request(.twilio, route.path)
        // Requests that prove who they are do not count.
        for _ in 0..<50 { #expect(guarding.refusal(of: request, at: route) == nil) }
        // Of others ten at once, which is the least, then one every 15 s.
        request.headers = request.headers.filter { $0.name != TwilioSignature.header }
        var answers = (0..<10).map { _ in guarding.refusal(of: request, at: route)?.status }
        #expect(answers == Array(repeating: 403, count: 10))
        let limited = try #require(guarding.refusal(of: request, at: route))
        #expect(limited.status == 429)
        let wait = try #require(
            limited.headers.first { $0.name == "Retry-After" }.flatMap { Int($0.value) })
        #expect((5...15).contains(wait))
        // Whatever an untrusted peer says of others, it is itself.
        request.headers.append(("X-Forwarded-For", "198.51.100.4"))
        #expect(guarding.refusal(of: request, at: route)?.status == 429)
        request.remoteAddress = "203.0.113.10"
        answers = [guarding.refusal(of: request, at: route)?.status]
        #expect(answers == [403])
    }

    @Test func theLogTellsNoSecret() throws {
        let lines = LoggedLines()
        let guarding = try guarding(lines)
        for route in Self.guarded {
            var request = try DoorProofs.request(route.kind, route.path, secret: "other")
            request.body = Array("CallSid=CA9&From=%2B15550199&Digits=4711".utf8)
            _ = guarding.refusal(of: request, at: route)
        }
        let log = lines.all.joined(separator: "\n")
        #expect(lines.all.count == Self.guarded.count)
        for word in [
            "other", "15550199", "4711", "twilio-token", "wsec_", "initiation-", "exotel-key", "CA9",
        ] {
            #expect(!log.contains(word), "\(word)")
        }
    }
}
