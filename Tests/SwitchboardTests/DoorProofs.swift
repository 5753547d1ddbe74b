// Proofs of who knocks, as carriers and ElevenLabs make them.

import Agents
import Archive
import Carriers
import Cryptography
import Foundation
import Net
import Signalling
import Telemetry

@testable import Switchboard

/// Secrets, and requests that bear a proof by them.
enum DoorProofs {
    static let base = "https://voice.example.com"
    static let exotelKey = "exotel-key-0123456789"
    /// RFC 8032, 7.1, test 1.
    static let seed: [UInt8] = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44,
        0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    ]
    static let publicKey: [UInt8] = [
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e,
        0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
    ]

    /// Settings with a secret for every door, two where they can be changed.
    static func settings() -> SwitchboardSettings {
        var settings = SwitchboardSettings(routing: .init())
        settings.proxies = TrustedProxies(base: PublicURL(base))
        settings.requestsPerMinute = 1_000_000
        settings.twilio.authTokens = [Secret("twilio-token-new"), Secret("twilio-token-old")]
        settings.telnyx.publicKeys = [Data(publicKey).base64EncodedString()]
        settings.exotel.webhookKeys = [Secret(exotelKey), Secret("exotel-key-old")]
        settings.exotel.streamCredentials = [("exotel", Secret("stream-password"))]
        settings.elevenLabs.webhookSecrets = [Secret("wsec_new"), Secret("wsec_old")]
        settings.elevenLabs.initiationSecrets = [Secret("initiation-new"), Secret("initiation-old")]
        return settings
    }

    /// A request to `target` as `kind` proves itself with its secret number `secret`, at `age` seconds ago.
    static func request(
        _ kind: DoorKind, _ target: String, body: [UInt8] = Array("CallSid=CA1&From=%2B15550100".utf8),
        secret: String = "new", age: Int64 = 0
    ) throws -> HTTPRequest {
        let seconds = ArchiveTime.now() / 1_000_000 - age
        var headers: [(name: String, value: String)] = [("Host", "10.0.0.7:8765")]
        var target = target
        switch kind {
        case .twilio:
            headers.append(("Content-Type", "application/x-www-form-urlencoded"))
            let form = FormFields(body) ?? FormFields()
            let signature = try TwilioSignature.sign(
                url: base + target, form: form, secret: Secret("twilio-token-" + secret))
            headers.append((TwilioSignature.header, signature))
        case .telnyx:
            let key = try Ed25519PrivateKey(seed: seed)
            let signed = try TelnyxSignature.sign(body: body, at: seconds, key: key)
            headers.append((TelnyxSignature.header, signed.signature))
            headers.append((TelnyxSignature.timestampHeader, signed.timestamp))
        case .exotel: target += "?key=" + (secret == "new" ? exotelKey : "exotel-key-" + secret)
        case .elevenLabs:
            let signature = try WebhookSignature.sign(
                body: body, at: seconds, secret: Secret("wsec_" + secret))
            headers.append((WebhookSignature.header, signature))
        case .initiation: headers.append(("Authorization", "Bearer initiation-" + secret))
        case .api: break
        }
        let parts = target.split(separator: "?", maxSplits: 1).map(String.init)
        let query = parts.count > 1 ? [("key", String(parts[1].dropFirst(4)))] : []
        return HTTPRequest(
            method: "POST", path: parts[0], target: target, query: query, headers: headers, body: body,
            remoteAddress: "203.0.113.9")
    }
}
