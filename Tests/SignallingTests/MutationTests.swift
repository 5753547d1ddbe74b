// Thousands of requests of each carrier, each with one bit turned: none may pass.

import Damage
import Cryptography
import Foundation
import Signalling
import Testing

@Suite struct MutationTests {
    private let count = 5000
    typealias Headers = [(name: String, value: String)]

    /// Counts the damaged requests that pass, by what was damaged. Each part must have been damaged at least 100 times.
    private struct Tally {
        var tried: [String: Int] = [:]
        var accepted: [String: Int] = [:]

        mutating func note(_ part: String, passes: Bool) {
            tried[part, default: 0] += 1
            if passes { accepted[part, default: 0] += 1 }
        }
    }

    private func judge(_ tally: Tally, parts: Int) {
        #expect(tally.tried.values.reduce(0, +) == count)
        #expect(tally.tried.count == parts && tally.tried.values.allSatisfy { $0 > 100 })
        #expect(tally.accepted.isEmpty, "accepted although damaged: \(tally.accepted)")
    }

    private func header(_ name: String, _ headers: Headers) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// One bit of name or value of header `name` turned. Names are the same in either case (RFC 9110 §5.1), so that bit
    /// is not turned.
    private func damage(_ name: String, _ headers: inout Headers, _ random: inout SplitMix64) throws {
        let index = try #require(headers.firstIndex { $0.name == name })
        if random.below(4) > 0 {
            headers[index].value = random.flipped(headers[index].value)
        } else {
            repeat {
                headers[index].name = random.flipped(name)
            } while headers[index].name.lowercased()
                == name.lowercased()
        }
    }

    // MARK: Twilio

    /// What arrives, and how its URL is found again.
    private struct TwilioArrival {
        var rule: TrustedProxies
        var peer = "10.1.2.3"
        var headers: Headers
        var target: String
        var body: [UInt8]
        var isUpgrade: Bool

        func passes(_ twilio: TwilioSignature) -> Bool {
            func value(_ name: String) -> String? {
                headers.first { $0.name.lowercased() == name.lowercased() }?.value
            }
            guard let base = rule.base(peer: peer, headers: headers),
                let url = isUpgrade ? base.streamURL(target: target) : base.url(target: target),
                let content = TwilioSignature.Content(type: value("Content-Type"), body: body)
            else { return false }
            let signature = value(TwilioSignature.header)
            let settings = value(TwilioSignature.settingsHeader)
            do throws(SignatureRefusal) {
                if isUpgrade {
                    try twilio.verifyUpgrade(url: url, signature: signature, settings: settings)
                } else {
                    try twilio.verify(url: url, content: content, signature: signature, settings: settings)
                }
                return true
            } catch { return false }
        }
    }

    /// What a form says, as it is signed: names with their different values.
    private func meaning(_ body: [UInt8]) -> [[UInt8]: Set<[UInt8]>]? {
        FormFields(body).map { form in
            Dictionary(
                form.fields.map { (Array($0.name.utf8), [Array($0.value.utf8)]) },
                uniquingKeysWith: { $0.union($1) })
        }
    }

    @Test func twilio() throws {
        let seed: UInt64 = 0x7A11_1234
        print("MutationTests.twilio: seed \(seed)")
        var random = SplitMix64(seed: seed)
        let twilio = TwilioSignature(
            authTokens: [Secret("token one"), Secret("token two")], sharedKeys: ["key1": Secret("shared")])
        let proxies = try AddressList(["10.0.0.0/8"])
        var tally = Tally()
        let parts = [
            "body", "parameter", "path", "base", "port", "signature", "settings", "proxy headers",
            "foreign proxy",
        ]
        for _ in 0..<count {
            let part = random.one(of: parts)
            let authority = "bridge\(random.below(9)).example:\(1024 + random.below(60_000))"
            let isForwarded = part.contains("proxy")
            let isUpgrade = part != "body" && part != "parameter" && random.below(3) == 0
            let isShared = part == "settings" || random.below(4) == 0
            var form = FormFields(
                (0...random.below(8)).map { _ in (name: random.word(1, 8), value: random.text(upTo: 12)) })
            var arrival = TwilioArrival(
                rule: TrustedProxies(
                    base: isForwarded ? nil : PublicURL("https://" + authority), proxies: proxies),
                headers: [("Content-Type", "application/x-www-form-urlencoded")],
                target: "/twilio/\(random.word(1, 10))?\(random.word(1, 5))=\(random.word(1, 9))",
                body: form.body,
                isUpgrade: isUpgrade)
            if isUpgrade { (arrival.body, form) = ([], FormFields()) }
            if part == "body", Bool.random(using: &random) {
                // A body that is no form is signed by its digest in the URL.
                (arrival.headers, arrival.body, form) = (
                    [("Content-Type", "application/json")], form.body, FormFields()
                )
                arrival.target += "&" + (try TwilioSignature.bodyParameter(arrival.body))
            }
            let url = (isUpgrade ? "wss://" : "https://") + authority + arrival.target
            let signature = try TwilioSignature.sign(
                url: url, form: form,
                secret: Secret(isShared ? "shared" : random.one(of: ["token one", "token two"])),
                algorithm: isShared ? .sha256 : .sha1)
            arrival.headers.append((TwilioSignature.header, signature))
            if isShared {
                arrival.headers.append((TwilioSignature.settingsHeader, "key=key1,algorithm=HMAC_SHA256"))
            }
            arrival.headers += [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", authority)]
            try #require(arrival.passes(twilio))

            let before = arrival
            repeat {
                arrival = before
                switch part {
                case "body": arrival.body = random.flipped(before.body)
                case "parameter":
                    let index = random.below(form.fields.count)
                    var other = form
                    if Bool.random(using: &random) || form.fields[index].value.isEmpty {
                        other.fields[index].name = random.flipped(form.fields[index].name)
                    } else {
                        other.fields[index].value = random.flipped(form.fields[index].value)
                    }
                    arrival.body = other.body
                case "path": arrival.target = random.flipped(before.target)
                case "base":
                    arrival.rule = TrustedProxies(base: PublicURL("https://" + random.flipped(authority)))
                case "port":
                    let host = authority.prefix { $0 != ":" }
                    let port = random.flipped(String(authority.dropFirst(host.count + 1)))
                    arrival.rule = TrustedProxies(base: PublicURL("https://\(host):\(port)"))
                case "signature": try damage(TwilioSignature.header, &arrival.headers, &random)
                case "settings": try damage(TwilioSignature.settingsHeader, &arrival.headers, &random)
                case "proxy headers":
                    try damage(
                        random.one(of: ["X-Forwarded-Proto", "X-Forwarded-Host"]), &arrival.headers, &random)
                default:
                    arrival.peer = random.one(of: ["11.1.2.3", "26.1.2.3", "10.1.2", "::1", "fd00::a01:203"])
                }
                // A form that says the same is the same: %2b is %2B (RFC 3986 §2.1). So is an algorithm's name in
                // either case (twilio-python compares it in upper case).
            } while isSame(before, arrival)
            tally.note(part, passes: arrival.passes(twilio))
        }
        judge(tally, parts: parts.count)
    }

    private func isSame(_ one: TwilioArrival, _ other: TwilioArrival) -> Bool {
        if one.body != other.body {
            let isForm = header("Content-Type", one.headers)?.hasPrefix("application/x-www") == true
            return isForm && meaning(one.body) == meaning(other.body)
        }
        guard let settings = header(TwilioSignature.settingsHeader, one.headers),
            let others = header(TwilioSignature.settingsHeader, other.headers), settings != others
        else { return false }
        return settings.prefix(19) == others.prefix(19)
            && settings.dropFirst(19).uppercased() == others.dropFirst(19).uppercased()
    }

    // MARK: Telnyx

    @Test func telnyx() throws {
        let seed: UInt64 = 0x7E15_1234
        print("MutationTests.telnyx: seed \(seed)")
        var random = SplitMix64(seed: seed)
        let keys = try (1...2).map { try Ed25519PrivateKey(seed: .init(repeating: $0, count: 32)) }
        let publicKeys = keys.map { Data($0.publicKey.bytes).base64EncodedString() }
        let telnyx = try TelnyxSignature(publicKeys: publicKeys)
        var tally = Tally()
        for _ in 0..<count {
            let seconds = Int64(1_790_000_000 + random.below(1_000_000))
            var body = Array(
                "{\"data\":{\"id\":\"\(random.word(1, 36))\",\"text\":\"\(random.text(upTo: 60))\"}}".utf8)
            let signed = try TelnyxSignature.sign(body: body, at: seconds, key: random.one(of: keys))
            var headers: Headers = [
                (TelnyxSignature.header, signed.signature),
                (TelnyxSignature.timestampHeader, signed.timestamp),
            ]
            var checker = telnyx
            func passes() -> Bool {
                do throws(SignatureRefusal) {
                    try checker.verify(
                        body: body, signature: header(TelnyxSignature.header, headers),
                        timestamp: header(TelnyxSignature.timestampHeader, headers), at: seconds * 1000)
                    return true
                } catch { return false }
            }
            try #require(passes())
            let part = random.one(of: ["body", "signature", "timestamp", "key"])
            switch part {
            case "body": body = random.flipped(body)
            case "signature": try damage(TelnyxSignature.header, &headers, &random)
            case "timestamp": try damage(TelnyxSignature.timestampHeader, &headers, &random)
            default:
                checker = try TelnyxSignature(
                    publicKeys: keys.map {
                        Data(random.flipped($0.publicKey.bytes)).base64EncodedString()
                    })
            }
            tally.note(part, passes: passes())
        }
        judge(tally, parts: 4)
    }

    // MARK: Exotel

    @Test func exotel() throws {
        let seed: UInt64 = 0xE207_1234
        print("MutationTests.exotel: seed \(seed)")
        var random = SplitMix64(seed: seed)
        var tally = Tally()
        for _ in 0..<count {
            let pairs = (0..<2).map { _ in (random.word(1, 20), random.text(upTo: 20) + "x") }
            let credentials = try pairs.map { try #require(BasicCredentials(key: $0.0, token: Secret($0.1))) }
            var address = "192.0.\(random.below(256)).\(random.below(256))"
            let access = try ExotelAccess(credentials: credentials, addresses: AddressList([address]))
            let used = random.below(2)
            let authorization = credentials[used].authorization
            var headers: Headers = [("Authorization", authorization)]
            func passes() -> Bool {
                do throws(AccessRefusal) {
                    try access.verify(
                        authorization: header("Authorization", headers), sender: IPAddress(address))
                    return true
                } catch { return false }
            }
            try #require(passes())
            let part = random.one(of: ["header", "key or token", "address"])
            switch part {
            case "header":
                // The scheme's name is the same in either case (RFC 9110 §11.1).
                repeat {
                    headers = [("Authorization", authorization)]
                    try damage("Authorization", &headers, &random)
                } while headers[0].name == "Authorization"
                    && headers[0].value.lowercased().hasPrefix("basic ")
                    && headers[0].value.dropFirst(6) == authorization.dropFirst(6)
            case "key or token":
                let pair = random.flipped(pairs[used].0 + ":" + pairs[used].1)
                headers = [("Authorization", "Basic " + Data(pair.utf8).base64EncodedString())]
            default: address = random.flipped(address)
            }
            tally.note(part, passes: passes())
        }
        judge(tally, parts: 3)
    }
}
