// ElevenLabs-Signature: whether a webhook is ElevenLabs's, and the signature it would bear.

import Cryptography

/// The secrets ElevenLabs signs webhooks with, and their check (elevenlabs.md §4.6; elevenlabs-python 2.78's
/// construct_event).
public struct WebhookSignature: Sendable {
    /// The header with time and signatures.
    public static let header = "ElevenLabs-Signature"
    /// How old a webhook may be, in seconds.
    public static let tolerance: Int64 = 1800
    /// How far its time may be ahead of ours, in seconds: our own bound, the SDK has none.
    public static let lead: Int64 = 300

    private let secrets: [Secret]

    /// A check by any of `secrets`, each whole: its prefix `wsec_` is part of the key. Empty ones count for nothing.
    public init(secrets: [Secret]) { self.secrets = secrets.filter { !$0.isEmpty } }

    /// Throws unless one signature in `header` is of this very `body` and the header's time, and that is near `now`.
    ///
    /// - Parameters:
    ///   - header: `t=<Unix seconds>,v0=<hex>`, in any order, with several v0; blanks around the parts are let pass.
    ///   - body: the raw bytes: JSON written anew never verifies.
    ///   - now: milliseconds UTC.
    public func verify(header: String?, body: [UInt8], at now: Int64) throws(SignatureRefusal) {
        let (time, told) = try Self.parts(of: header, at: now)
        guard !secrets.isEmpty else { throw .key }
        var matches = false
        for secret in secrets {
            let expected: String
            do throws(CryptographyError) {
                expected = try Self.code(time, body, secret)
            } catch { throw .unavailable }
            // No early end: the time does not tell which secret or signature matched.
            for signature in told where ConstantTime.equal(expected.utf8, signature.utf8) { matches = true }
        }
        guard matches else { throw .mismatch }
    }

    /// Whether `header` is at least formed like one of ElevenLabs' and of our time: all that can be told of it before the
    /// body, which it signs, has been read.
    public static func isPlausible(header: String?, at now: Int64) -> Bool {
        do throws(SignatureRefusal) {
            return try parts(of: header, at: now).told.contains { code in
                code.utf8.count == 64
                    && code.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
            }
        } catch {
            return false
        }
    }

    /// The time and the signatures of a header whose time is near `now`.
    private static func parts(
        of header: String?, at now: Int64
    ) throws(SignatureRefusal) -> (time: Substring, told: [Substring]) {
        guard let header, !header.isEmpty else { throw .missing }
        guard header.utf8.count <= 4096 else { throw .malformed }
        var times: [Substring] = []
        var told: [Substring] = []
        for part in header.split(separator: ",") {
            let part = trimmed(part)
            if part.hasPrefix("t=") {
                times.append(part.dropFirst(2))
            } else if part.hasPrefix("v0=") {
                told.append(part.dropFirst(3))
            }
        }
        guard let time = times.first, !told.isEmpty else { throw .missing }
        // Two times: which one is signed would be a guess.
        guard times.count == 1, let seconds = SignatureTime.seconds(time) else { throw .malformed }
        // As the SDK does it: older by 1,800 s is let pass, by one millisecond more is not.
        guard seconds * 1000 >= now - tolerance * 1000, seconds * 1000 <= now + lead * 1000 else {
            throw .time
        }
        return (time, told)
    }

    /// The header of a webhook with `body` signed at `seconds` (Unix), as ElevenLabs would send it.
    public static func sign(
        body: [UInt8], at seconds: Int64, secret: Secret
    ) throws(CryptographyError) -> String {
        "t=\(seconds),v0=" + (try code(String(seconds)[...], body, secret))
    }

    /// Lower-case hexadecimal HMAC-SHA256 of time, full stop and body.
    private static func code(
        _ time: Substring, _ body: [UInt8], _ secret: Secret
    ) throws(CryptographyError) -> String {
        let message = Array(time.utf8) + [UInt8(ascii: ".")] + body
        return Hexadecimal.text(try HMAC.sha256(message, key: secret))
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while text.last == " " || text.last == "\t" { text = text.dropLast() }
        return text
    }
}
