// Our signatures before the carriers' own packages, and theirs before us: 500 random requests each way.

import Damage
import Agents
import Cryptography
import Foundation
import Signalling
import Testing

@Suite struct OfficialValidatorTests {
    private let count = 500

    /// Whether `body` does not refuse.
    private func passes(_ body: () throws(SignatureRefusal) -> Void) -> Bool {
        do throws(SignatureRefusal) {
            try body()
            return true
        } catch { return false }
    }

    /// Holds our `verdicts` against the package's `answers`; both verdicts must occur.
    private func compare(_ verdicts: [Bool], _ answers: [JSONDictionary]) throws {
        try #require(verdicts.count == answers.count)
        for (index, answer) in answers.enumerated() {
            #expect(verdicts[index] == answer["valid"] as? Bool, "request \(index)")
        }
        #expect(verdicts.count { $0 } > count / 4 && verdicts.count { !$0 } > count / 4)
    }

    /// A request of Twilio's without signature.
    private struct TwilioRequest {
        var url: String
        var form: [(String, String)] = []
        var body: String?
        var secret: String
        var algorithm: TwilioSignature.Algorithm

        init(_ random: inout SplitMix64) throws {
            let scheme = random.one(of: ["https", "https", "http", "wss"])
            let port = random.one(of: ["", "", ":443", ":8443", ":80"])
            url = "\(scheme)://\(random.word(1, 12)).example\(port)/\(random.word(0, 20))"
            if Bool.random(using: &random) { url += "/?\(random.word(1, 5))=\(random.word(0, 9))%20" }
            secret = random.word(1, 40)
            algorithm = random.one(of: TwilioSignature.Algorithm.allCases)
            if random.below(4) == 0 {
                let text = "{\"text\": \"\(random.word(0, 30))é\"}"
                body = text
                let mark = url.contains("?") ? "&" : "?"
                url += mark + (try TwilioSignature.bodyParameter(Array(text.utf8)))
            } else {
                let names = (0..<5).map { _ in random.text(upTo: 6) }
                form = (0..<random.below(20)).map { _ in (random.one(of: names), random.text(upTo: 20)) }
            }
        }

        var settings: String { algorithm == .sha1 ? "" : "key=k,algorithm=HMAC_SHA256" }
        var fields: FormFields { FormFields(form.map { (name: $0.0, value: $0.1) }) }

        func verify(_ signature: String) throws(SignatureRefusal) {
            try TwilioSignature(authTokens: [Secret(secret)], sharedKeys: ["k": Secret(secret)]).verify(
                url: url, content: body.map { .raw(Array($0.utf8)) } ?? .form(fields), signature: signature,
                settings: settings)
        }

        func line(_ more: JSONDictionary) -> JSONDictionary {
            let line: JSONDictionary = [
                "secret": secret, "url": url, "form": form.map { [$0.0, $0.1] },
                "body": body ?? NSNull() as Any, "settings": settings,
            ]
            return line.merging(more) { $1 }
        }
    }

    @Test func twilio() throws {
        let seed: UInt64 = 0x7A11_0001
        print("OfficialValidatorTests.twilio: seed \(seed)")
        var random = SplitMix64(seed: seed)
        var lines: [JSONDictionary] = []
        var verdicts: [Bool] = []
        var requests: [TwilioRequest] = []
        for index in 0..<count {
            var request = try TwilioRequest(&random)
            var signature = try TwilioSignature.sign(
                url: request.url, form: request.fields, secret: Secret(request.secret),
                algorithm: request.algorithm)
            if index % 2 == 1 {
                switch random.below(5) {
                case 0: signature = random.flipped(signature)
                case 1: request.url += "x"
                case 2: request.secret += "x"
                case 3 where !request.form.isEmpty:
                    request.form[0].1 = random.flipped(request.form[0].1) + "x"
                case 3 where request.body != nil: request.body? += " "
                default: request.url = request.url.replacing(".example", with: ".exampla")
                }
            }
            lines.append(request.line(["signature": signature]))
            verdicts.append(passes { () throws(SignatureRefusal) in try request.verify(signature) })
        }
        for _ in 0..<count {
            let request = try TwilioRequest(&random)
            requests.append(request)
            lines.append(request.line(["sign": true]))
        }
        let answers = try OfficialValidator.twilio.answers(to: lines)
        try compare(verdicts, Array(answers.prefix(count)))
        for (request, answer) in zip(requests, answers.suffix(count)) {
            try request.verify(answer.text("signature"))
        }
    }

    @Test func telnyx() throws {
        let seed: UInt64 = 0x7E15_0002
        print("OfficialValidatorTests.telnyx: seed \(seed)")
        var random = SplitMix64(seed: seed)
        var lines: [JSONDictionary] = []
        var verdicts: [Bool] = []
        var unsigned: [(body: String, timestamp: Int64)] = []
        for index in 0..<count {
            let key = try Ed25519PrivateKey(seed: (0..<32).map { _ in UInt8(random.below(256)) })
            let publicKey = Data(key.publicKey.bytes).base64EncodedString()
            let seconds = Int64(1_790_000_000 + random.below(1_000_000))
            var now = seconds + Int64(random.below(601)) - 300
            var body = "{\"data\":\"\(random.text(upTo: 200))\"}"
            var (signature, timestamp) = try TelnyxSignature.sign(
                body: Array(body.utf8), at: seconds, key: key)
            if index % 2 == 1 {
                switch random.below(4) {
                case 0: body = random.flipped(body)
                case 1: timestamp = String(seconds + random.one(of: [-1, 1]))
                case 2: now = seconds + random.one(of: [-301, 301, -100_000, 100_000])
                default:
                    let bytes = random.flipped(Array(try #require(Data(base64Encoded: signature))))
                    signature = Data(bytes).base64EncodedString()
                }
            }
            lines.append([
                "key": publicKey, "body": body, "signature": signature, "timestamp": timestamp, "now": now,
            ])
            let telnyx = try TelnyxSignature(publicKeys: [publicKey])
            verdicts.append(
                passes { () throws(SignatureRefusal) in
                    try telnyx.verify(
                        body: Array(body.utf8), signature: signature, timestamp: timestamp, at: now * 1000)
                })
        }
        for _ in 0..<count {
            let seedBytes = (0..<32).map { _ in UInt8(random.below(256)) }
            unsigned.append((random.text(upTo: 200), Int64(1_790_000_000 + random.below(1_000_000))))
            lines.append([
                "sign": true, "seed": Data(seedBytes).base64EncodedString(),
                "body": unsigned[unsigned.count - 1].body,
                "timestamp": unsigned[unsigned.count - 1].timestamp,
            ])
        }
        let answers = try OfficialValidator.telnyx.answers(to: lines)
        try compare(verdicts, Array(answers.prefix(count)))
        for (request, answer) in zip(unsigned, answers.suffix(count)) {
            try TelnyxSignature(publicKeys: [answer.text("key")]).verify(
                body: Array(request.body.utf8), signature: answer.text("signature"),
                timestamp: String(request.timestamp), at: request.timestamp * 1000)
        }
    }

    @Test func elevenLabs() throws {
        let seed: UInt64 = 0xE1E7_0003
        print("OfficialValidatorTests.elevenLabs: seed \(seed)")
        var random = SplitMix64(seed: seed)
        var lines: [JSONDictionary] = []
        var verdicts: [Bool] = []
        for index in 0..<count {
            let seconds = Int64(1_790_000_000 + random.below(1_000_000))
            // To 300 s ahead, beyond which we refuse and the package does not.
            var now = seconds + Int64(random.below(2101)) - 300
            var secret = "wsec_" + random.word(0, 40)
            var body = "{\"data\":\"\(random.word(0, 200))é\"}"
            var header = try WebhookSignature.sign(
                body: Array(body.utf8), at: seconds, secret: Secret(secret))
            if index % 2 == 1 {
                switch random.below(5) {
                case 0: body += random.one(of: [" ", "\n", "x"])
                case 1: header = header.replacing("t=\(seconds)", with: "t=\(seconds + 1)")
                case 2: now = seconds + 1801 + Int64(random.below(1000))
                case 3: secret += "x"
                default:
                    header = random.one(of: [
                        header + "0", header.uppercased(), String(header.dropLast()), "",
                    ])
                }
            }
            lines.append(["secret": secret, "body": body, "signature": header, "now": now])
            verdicts.append(
                passes { () throws(SignatureRefusal) in
                    try WebhookSignature(secrets: [Secret(secret)]).verify(
                        header: header, body: Array(body.utf8), at: now * 1000)
                })
        }
        var unsigned: [JSONDictionary] = []
        for _ in 0..<count {
            unsigned.append([
                "sign": true, "secret": "wsec_" + random.word(0, 40), "body": random.text(upTo: 200),
                "timestamp": String(1_790_000_000 + random.below(1_000_000)),
            ])
        }
        let answers = try OfficialValidator.elevenlabs.answers(to: lines + unsigned)
        try compare(verdicts, Array(answers.prefix(count)))
        for (request, answer) in zip(unsigned, answers.suffix(count)) {
            let seconds = try #require(Int64(request.text("timestamp")))
            try WebhookSignature(secrets: [Secret(request.text("secret"))]).verify(
                header: answer.text("signature"), body: Array(request.text("body").utf8), at: seconds * 1000)
        }
    }
}
