// Peers that knock at the doors of a house with authentication on, with any proof or none.

import Agents
import Archive
import Cryptography
import Dispatch
import Foundation
import Signalling
import Switchboard
import Telemetry

/// The secrets of a guarded house, and proofs made with them.
enum Knock {
    static let base = "https://voice.example.com"
    static let exotelKey = "exotel-webhook-key-1"
    static let basic = "Basic " + Data("exotel:stream-password".utf8).base64EncodedString()
    static let wrongBasic = "Basic " + Data("exotel:other".utf8).base64EncodedString()
    /// RFC 8032, 7.1, test 2.
    static let seed: [UInt8] = [
        0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3, 0x46, 0xec, 0x11, 0x4e, 0x0f, 0x5b,
        0x8a, 0x31, 0x9f, 0x35, 0xab, 0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb,
    ]
    static let publicKey: [UInt8] = [
        0x3d, 0x40, 0x17, 0xc3, 0xe8, 0x43, 0x89, 0x5a, 0x92, 0xb7, 0x0a, 0xa7, 0x4d, 0x1b, 0x7e, 0xbc, 0x9c,
        0x98, 0x2c, 0xcf, 0x2e, 0xc4, 0x96, 0x8c, 0xc0, 0xcd, 0x55, 0xf1, 0x2a, 0xf4, 0x66, 0x0c,
    ]

    /// Settings of a guarded house.
    static let values = [
        "server.carrier_auth": "required", "server.public_url": base, "doors.requests_per_minute": "100000",
        "twilio.auth_token": "twilio-token-new,twilio-token-old",
        "telnyx.public_key": Data(publicKey).base64EncodedString(), "exotel.webhook_keys": exotelKey,
        "exotel.stream_credentials": "exotel:stream-password", "agent.webhook_secret": "wsec_house",
        "agent.initiation_secret": "initiation-house", "agent.fetch_conversation": "false",
    ]

    /// What none of a house's log lines may hold.
    static let secrets = [
        "twilio-token", exotelKey, "stream-password", "wsec_house", "initiation-house", "15550", "4711",
        String(basic.dropFirst(6)),
    ]

    /// The form of a call that comes in.
    static func form(_ call: String, from: String = "+15550100", to: String = "+15550199") -> [UInt8] {
        let fields = [
            ("CallSid", call), ("AccountSid", "AC1"), ("From", from), ("To", to), ("CallStatus", "ringing"),
            ("Direction", "inbound"), ("ApiVersion", "2010-04-01"), ("Digits", "4711"),
        ]
        return Array(
            fields.map { "\($0.0)=\($0.1.replacingOccurrences(of: "+", with: "%2B"))" }.joined(separator: "&")
                .utf8)
    }

    /// The header fields that prove a request to `target`, made with the right secret or a wrong one.
    static func proof(
        _ kind: DoorKind, _ target: String, body: [UInt8], isRight: Bool = true, token: String = "new"
    ) throws -> [(name: String, value: String)] {
        let now = ArchiveTime.now() / 1_000_000
        switch kind {
        case .twilio:
            let signature = try TwilioSignature.sign(
                url: base + target, form: FormFields(body) ?? FormFields(),
                secret: Secret(isRight ? "twilio-token-" + token : "another"))
            return [
                (TwilioSignature.header, signature), ("Content-Type", "application/x-www-form-urlencoded"),
            ]
        case .telnyx:
            let key = try Ed25519PrivateKey(seed: isRight ? seed : [UInt8](repeating: 1, count: 32))
            let signed = try TelnyxSignature.sign(body: body, at: now, key: key)
            return [
                (TelnyxSignature.header, signed.signature),
                (TelnyxSignature.timestampHeader, signed.timestamp),
            ]
        case .elevenLabs:
            let secret = Secret(isRight ? "wsec_house" : "wsec_other")
            return [(WebhookSignature.header, try WebhookSignature.sign(body: body, at: now, secret: secret))]
        case .initiation: return [("Authorization", "Bearer " + (isRight ? "initiation-house" : "other"))]
        case .exotel: return isRight ? [("Authorization", basic)] : [("Authorization", wrongBasic)]
        case .api: return []
        }
    }

    /// The signature of a Twilio stream's upgrade at `path`.
    static func upgrade(_ path: String, isRight: Bool = true) throws -> [(name: String, value: String)] {
        let secret = Secret(isRight ? "twilio-token-new" : "another")
        let url = base.replacingOccurrences(of: "https", with: "wss") + path
        return [(TwilioSignature.header, try TwilioSignature.sign(url: url, secret: secret))]
    }

    /// Sends a request as a proxy hands it on (its own Host, X-Forwarded-* added), and reads the answer's head and body.
    /// Beside the tests' own threads: the server needs those for what it answers later.
    static func send(
        _ port: UInt16, _ method: String = "POST", _ target: String,
        _ headers: [(name: String, value: String)] = [], body: [UInt8] = []
    ) async -> (status: Int, text: String) {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(returning: exchange(port, method, target, headers, body))
            }
        }
    }

    private static func exchange(
        _ port: UInt16, _ method: String, _ target: String, _ headers: [(name: String, value: String)],
        _ body: [UInt8]
    ) -> (status: Int, text: String) {
        guard let peer = RawPeer(port: port) else { return (0, "") }
        var head = "\(method) \(target) HTTP/1.1\r\nHost: 10.0.0.7:8765\r\n"
        head +=
            "X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: http\r\nX-Forwarded-For: 198.51.100.7\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        let isUpgrade = headers.contains { $0.name == "Upgrade" }
        if !isUpgrade { head += "Connection: close\r\n" }
        if !body.isEmpty { head += "Content-Length: \(body.count)\r\n" }
        peer.send(Array((head + "\r\n").utf8) + body)
        let answer = isUpgrade ? upgradeAnswer(of: peer) : peer.readToEnd(1 << 20)
        let text = String(decoding: answer, as: UTF8.self)
        let words = text.split(separator: " ", maxSplits: 2)
        return (words.count > 1 ? Int(words[1]) ?? 0 : 0, text)
    }

    /// The answer to an upgrade: its head, and its body, if it was refused.
    private static func upgradeAnswer(of peer: RawPeer) -> [UInt8] {
        peer.receive(until: { text in
            guard let end = text.range(of: "\r\n\r\n") else { return false }
            var length = 0
            for line in text[..<end.lowerBound].components(separatedBy: "\r\n") {
                guard line.lowercased().hasPrefix("content-length:") else { continue }
                length = Int(line.dropFirst(15).trimmingCharacters(in: .whitespaces)) ?? 0
            }
            return text[end.upperBound...].utf8.count >= length
        })
    }

    static let webSocket: [(name: String, value: String)] = [
        ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]

    /// The stream token that TwiML carries.
    static func token(in text: String) -> String? {
        let parts = text.components(separatedBy: "name=\"teeline_token\" value=\"")
        return parts.count == 2 ? parts[1].components(separatedBy: "\"").first : nil
    }
}

/// A house's log lines.
final class HouseLog: @unchecked Sendable {
    // `lock` guards `lines`.
    private let lock = Lock()
    private var lines: [String] = []

    var text: String { lock.withLock { lines.joined(separator: "\n") } }
    var log: Log { Log(level: .debug) { [self] line in lock.withLock { lines.append(line) } } }
}
