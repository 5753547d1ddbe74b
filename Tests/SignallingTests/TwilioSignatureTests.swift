// Twilio's signatures: every vector both ways, and what the carrier's rules say beside them.

import Cryptography
import Foundation
@testable import Signalling
import Testing

@Suite struct TwilioSignatureTests {
    let twilio = TwilioSignature(
        authTokens: [Secret("12345")],
        sharedKeys: ["webhooks_sharedkey_x": Secret("sharedkey-secret-value")])
    let settings = "key=webhooks_sharedkey_x,algorithm=HMAC_SHA256"

    private func fields(_ vector: JSONDictionary) -> FormFields {
        let parameters = vector["params"] as? JSONDictionary ?? [:]
        return FormFields(
            parameters.flatMap { name, value in
                (value as? [String] ?? [value as? String ?? ""]).map { (name: name, value: $0) }
            })
    }

    @Test func everyVectorBothWays() throws {
        let vectors = try SignatureVectors.list("twilio_signature_vectors")
        #expect(vectors.count == 12)
        for vector in vectors {
            let (url, signature) = (try vector.text("url"), try vector.text("signature"))
            let form = fields(vector)
            let isShared = try vector.text("algorithm") == "HMAC_SHA256"
            #expect(
                try TwilioSignature.sign(
                    url: url, form: form, secret: Secret(vector.text("auth_token")),
                    algorithm: isShared ? .sha256 : .sha1) == signature)
            let raw = vector["raw_body"] as? String
            let content: TwilioSignature.Content =
                raw.map { .raw(Array($0.utf8)) } ?? (form.fields.isEmpty ? .none : .form(form))
            try twilio.verify(
                url: url, content: content, signature: signature, settings: isShared ? settings : nil)
            if let raw {
                #expect(
                    try TwilioSignature.bodyParameter(Array(raw.utf8))
                        == "bodySHA256=" + vector.text("body_sha256_hex"))
            }
        }
    }

    /// Requests as they came over the wire: the body decoded by our own reader of forms.
    @Test func everyRecordedRequest() throws {
        let names = try SignatureVectors.names("twilio_http_")
        #expect(names.count == 7)
        for name in names {
            let file = try SignatureVectors.object(name)
            let request = file["request"] as? JSONDictionary ?? file
            let headers = try #require(request["headers"] as? [String: String])
            let content = try #require(
                TwilioSignature.Content(
                    type: headers["Content-Type"], body: Array(request.text("body").utf8)))
            try twilio.verify(
                url: request.text("url"), content: content, signature: headers[TwilioSignature.header])
        }
    }

    @Test func theCapturedHandshake() throws {
        let file = try SignatureVectors.object("twilio_ws_handshake")
        let signature = try #require((file["headers"] as? [String: String])?[TwilioSignature.header])
        let base = try #require(PublicURL("https://bridge.example.com"))
        let target = try file.text("request_line").split(separator: " ")[1]
        let url = try #require(base.streamURL(target: String(target)))
        #expect(try url == file.text("signed_url"))
        try twilio.verifyUpgrade(url: url, signature: signature)
        #expect(try TwilioSignature.sign(url: url, secret: Secret("12345")) == signature)
    }

    /// carriers.md §2.3.2 and §2.3.3: these spellings of one stream are tolerated, others are not.
    @Test func spellingsOfAStream() throws {
        let signatures = [
            "hGVJmeOLwZmJhPeWsyRDIvgH8Zc=": true,  // wss
            "KP439dnhRyBwGAmv7jBbMqOXXjI=": true,  // :443
            "lZEvGu0Z5D37/G+S9TnXfxg6Af0=": true,  // https
            "K34XpNWz3mSbbFwtWeDWONZkGSc=": true,  // trailing slash
            "lXh33f5GRY3YJmeAfD1FMqLgVHQ=": false,  // :8443
        ]
        for url in ["wss://bridge.example.com/twilio/media", "https://bridge.example.com:443/twilio/media/"] {
            for (signature, isGood) in signatures {
                if isGood {
                    try twilio.verifyUpgrade(url: url, signature: signature)
                } else {
                    #expect(throws: SignatureRefusal.mismatch) {
                        try twilio.verifyUpgrade(url: url, signature: signature)
                    }
                }
            }
        }
        // A webhook's URL is not tolerated with a slash, nor as https for wss.
        for signature in ["lZEvGu0Z5D37/G+S9TnXfxg6Af0=", "K34XpNWz3mSbbFwtWeDWONZkGSc="] {
            #expect(throws: SignatureRefusal.mismatch) {
                try twilio.verify(url: "wss://bridge.example.com/twilio/media", signature: signature)
            }
        }
    }

    /// The port by the scheme (not the SDK's 80 for wss), user information and brackets left alone, a bare "?" kept:
    /// the quirks of twilio_signature_vectors.json are not ours.
    @Test func portsAreTriedBothWays() throws {
        let cases = [
            ("https://a.example/x", ["https://a.example/x", "https://a.example:443/x"]),
            ("http://a.example:80/x?", ["http://a.example/x?", "http://a.example:80/x?"]),
            ("wss://a.example/m", ["wss://a.example/m", "wss://a.example:443/m"]),
            ("ws://a.example", ["ws://a.example", "ws://a.example:80"]),
            (
                "wss://user:pass@a.example:8443/m",
                ["wss://user:pass@a.example/m", "wss://user:pass@a.example:8443/m"]
            ),
            (
                "https://[2001:db8::1]/?a=b:c",
                ["https://[2001:db8::1]/?a=b:c", "https://[2001:db8::1]:443/?a=b:c"]
            ),
            ("https://[2001:db8::1]:9/p", ["https://[2001:db8::1]/p", "https://[2001:db8::1]:9/p"]),
        ]
        for (url, expected) in cases { #expect(SignedURL(url)?.portVariants == expected, "\(url)") }
        for url in [
            "", "https", "https:/a", "ftp://a/b", "https://", "https://u@", "https://a:/", "https://a:x/",
        ] {
            #expect(SignedURL(url) == nil, "\(url)")
            #expect(throws: SignatureRefusal.malformed) { try twilio.verify(url: url, signature: "x") }
        }
    }

    /// Code points, not Swift's order: "Z" < "a" < "é"; "é" written as one and as two code points are two names.
    @Test func parametersAreOrderedByCodePoint() throws {
        let url = "https://bridge.example.com/"
        let form = FormFields([
            ("é", "2"), ("e\u{301}", "1"), ("a", "b"), ("Z", "9"), ("Z", "10"), ("Z", "9"), ("", ""),
        ])
        let plain = "Z10" + "Z9" + "ab" + "e\u{301}1" + "é2"
        #expect(
            try TwilioSignature.sign(url: url, form: form, secret: Secret("k"))
                == TwilioSignature.sign(url: url + plain, secret: Secret("k")))
    }

    @Test func tokensInRotation() throws {
        let url = "https://bridge.example.com/v"
        let both = TwilioSignature(authTokens: [Secret("old"), Secret("new"), Secret("")])
        for token in ["old", "new"] {
            try both.verify(url: url, signature: TwilioSignature.sign(url: url, secret: Secret(token)))
        }
        for token in ["", "other"] {
            let signature = try TwilioSignature.sign(url: url, secret: Secret(token))
            #expect(throws: SignatureRefusal.mismatch) { try both.verify(url: url, signature: signature) }
        }
        let none = TwilioSignature(authTokens: [Secret("")])
        let signature = try TwilioSignature.sign(url: url, secret: Secret(""))
        #expect(throws: SignatureRefusal.key) { try none.verify(url: url, signature: signature) }
    }

    /// twilio-python 9.13 get_signature_algorithm: the header's parts, and what is unknown is refused.
    @Test func settingsOfASharedKey() throws {
        let url = "https://bridge.example.com/v"
        let sha1 = try TwilioSignature.sign(url: url, secret: Secret("12345"))
        let sha256 = try TwilioSignature.sign(
            url: url, secret: Secret("sharedkey-secret-value"), algorithm: .sha256)
        for settings in [nil, "", "key=x", "algorithm=", "algorithm=HMAC_SHA1", ",=,algorithm=hmac_sha1"] {
            try twilio.verify(url: url, signature: sha1, settings: settings)
        }
        for settings in [settings, " algorithm = HMAC_SHA256 , key = webhooks_sharedkey_x "] {
            try twilio.verify(url: url, signature: sha256, settings: settings)
        }
        let refusals: [(String, String, SignatureRefusal)] = [
            (sha1, settings, .mismatch), (sha256, "algorithm=HMAC_SHA1", .mismatch),
            (sha256, "algorithm=HMAC_SHA256", .key), (sha256, "key=other,algorithm=HMAC_SHA256", .key),
            (sha256, "key=webhooks_sharedkey_x,algorithm=HMAC_SHA512", .algorithm),
            (sha1, "algorithm=none", .algorithm),
        ]
        for (signature, settings, refusal) in refusals {
            #expect(throws: refusal) {
                try twilio.verify(url: url, signature: signature, settings: settings)
            }
        }
    }

    @Test func bodiesThatNobodyVouchesFor() throws {
        let url = "https://bridge.example.com/v"
        let signature = try TwilioSignature.sign(url: url, secret: Secret("12345"))
        #expect(throws: SignatureRefusal.missing) {
            try twilio.verify(url: url, content: .raw(Array("{}".utf8)), signature: signature)
        }
        for missing in [nil, ""] {
            #expect(throws: SignatureRefusal.missing) { try twilio.verify(url: url, signature: missing) }
        }
        let form = "application/x-www-form-urlencoded"
        if case .form = TwilioSignature.Content(type: form.uppercased() + " ; charset=UTF-8", body: [0x61]) {
        } else {
            Issue.record("a form is not taken for one")
        }
        #expect(TwilioSignature.Content(type: form, body: Array("a=%".utf8)) == nil)
        guard case .raw? = TwilioSignature.Content(type: nil, body: [0x61]),
            case TwilioSignature.Content.none? = TwilioSignature.Content(type: form, body: [])
        else {
            Issue.record("bodies are not told apart")
            return
        }
    }

    @Test func nothingSecretIsShown() {
        var text = "\(twilio)" + String(reflecting: twilio)
        dump(twilio, to: &text)
        #expect(!text.contains("12345") && !text.contains("sharedkey-secret"))
    }
}
