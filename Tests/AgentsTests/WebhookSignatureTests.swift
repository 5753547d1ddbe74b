// ElevenLabs's webhook signatures: every vector both ways, and the bounds in time.

import Damage
import Agents
import Cryptography
import Foundation
import Testing

@Suite struct WebhookSignatureTests {
    /// One case of the vector file.
    private struct Case: Decodable {
        var name: String
        var header: String
        var raw_body_base64: Data
        var now_unix: Int64
        var secret: String
        var expect_valid: Bool
    }

    private struct File: Decodable { var cases: [Case] }

    private func cases() throws -> [Case] {
        try JSONDecoder().decode(File.self, from: vector("webhook_signature")).cases
    }

    private func refusal(
        _ signature: WebhookSignature, _ header: String?, _ body: [UInt8], at now: Int64
    ) -> SignatureRefusal? {
        do throws(SignatureRefusal) {
            try signature.verify(header: header, body: body, at: now)
            return nil
        } catch { return error }
    }

    @Test func everyVector() throws {
        let cases = try cases()
        #expect(cases.count == 17)
        let refusals: [String: SignatureRefusal] = [
            // The file's own remark: a strict receiver may refuse what comes from the future. We do.
            "future_timestamp": .time,
            "expired": .time, "missing_v0": .missing, "unknown_scheme": .missing, "missing_header": .missing,
        ]
        for vector in cases {
            let signature = WebhookSignature(secrets: [Secret(vector.secret)])
            let expected =
                refusals[vector.name] ?? (vector.expect_valid ? nil : SignatureRefusal.mismatch)
            #expect(
                refusal(signature, vector.header, Array(vector.raw_body_base64), at: vector.now_unix * 1000)
                    == expected, "\(vector.name)")
        }
    }

    @Test(arguments: ["valid", "valid_utf8_body"]) func signsAsTheVectors(name: String) throws {
        let vector = try #require(try cases().first { $0.name == name })
        #expect(
            try WebhookSignature.sign(
                body: Array(vector.raw_body_base64), at: 1_739_537_297, secret: Secret(vector.secret))
                == vector.header)
    }

    /// 1,800 s past and 300 s ahead pass; one millisecond more does not.
    @Test func tolerance() throws {
        let signature = WebhookSignature(secrets: [Secret("wsec_a")])
        let header = try WebhookSignature.sign(body: [1], at: 1_000_000, secret: Secret("wsec_a"))
        for (now, isGood) in [
            (1_001_800_000, true), (1_001_800_001, false), (999_700_000, true), (999_699_999, false),
        ] as [(Int64, Bool)] {
            #expect(refusal(signature, header, [1], at: now) == (isGood ? nil : .time))
        }
    }

    @Test func secretsInRotation() throws {
        let both = WebhookSignature(secrets: [Secret("wsec_old"), Secret(""), Secret("wsec_new")])
        for name in ["wsec_old", "wsec_new"] {
            let header = try WebhookSignature.sign(body: [2], at: 5, secret: Secret(name))
            #expect(refusal(both, header, [2], at: 5000) == nil)
        }
        for name in ["", "old", "wsec_other"] {
            let header = try WebhookSignature.sign(body: [2], at: 5, secret: Secret(name))
            #expect(refusal(both, header, [2], at: 5000) == .mismatch)
        }
        let header = try WebhookSignature.sign(body: [2], at: 5, secret: Secret(""))
        #expect(refusal(WebhookSignature(secrets: [Secret("")]), header, [2], at: 5000) == .key)
        var text = "\(both)"
        dump(both, to: &text)
        #expect(!text.contains("wsec"))
    }

    @Test func headersThatAreNone() throws {
        let signature = WebhookSignature(secrets: [Secret("s")])
        let good = try WebhookSignature.sign(body: [], at: 5, secret: Secret("s"))
        let code = String(good.dropFirst(7))
        #expect(good == "t=5,v0=" + code)
        for (header, expected) in [
            (nil, .missing), ("", .missing), (",", .missing), ("v0=" + code, .missing), ("t=5,", .missing),
            ("t=,v0=" + code, .malformed), ("t=+5,v0=" + code, .malformed),
            ("t=5,t=5,v0=" + code, .malformed),
            ("t=99999999999999999999,v0=" + code, .malformed), ("t=5,v0=", .mismatch),
            ("t=05,v0=" + code, .mismatch),
            (good + String(repeating: ",v0=x", count: 1000), .malformed),
        ] as [(String?, SignatureRefusal)] {
            #expect(refusal(signature, header, [], at: 5000) == expected, "\(header ?? "nil")")
        }
    }

    /// 5,000 single bits of header and body turned: none passes.
    @Test func mutations() throws {
        let seed: UInt64 = 0xE1E7_E41A_B501
        print("WebhookSignatureTests: seed \(seed)")
        var random = SplitMix64(seed: seed)
        let signature = WebhookSignature(secrets: [Secret("wsec_one"), Secret("wsec_two")])
        var accepted = 0
        for _ in 0..<5000 {
            var body = (0..<Int.random(in: 1...200, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            var header = Array(
                try WebhookSignature.sign(body: body, at: 1_790_000_000, secret: Secret("wsec_two")).utf8)
            try signature.verify(
                header: String(decoding: header, as: UTF8.self), body: body, at: 1_790_000_000_000)
            let bit = UInt8(1) << UInt8.random(in: 0..<8, using: &random)
            if Bool.random(using: &random) {
                body[Int.random(in: body.indices, using: &random)] ^= bit
            } else {
                header[Int.random(in: header.indices, using: &random)] ^= bit
            }
            let damaged = String(decoding: header, as: UTF8.self)
            if refusal(signature, damaged, body, at: 1_790_000_000_000) == nil { accepted += 1 }
        }
        #expect(accepted == 0)
    }
}
