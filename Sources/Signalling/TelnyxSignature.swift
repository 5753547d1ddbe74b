// Telnyx's webhooks: Ed25519 over timestamp, bar and raw body.

import Cryptography
import Wire

/// The public keys Telnyx signs with, and the check of its webhooks (carriers.md §3.3.1; telnyx-python 4.189's
/// webhook_verification).
public struct TelnyxSignature: Sendable {
    /// The header with the signature: base64 of 64 bytes.
    public static let header = "Telnyx-Signature-Ed25519"
    /// The header with the time of signing: Unix seconds.
    public static let timestampHeader = "Telnyx-Timestamp"
    /// How far from now the time may be, in seconds, in both directions.
    public static let tolerance: Int64 = 300

    private let keys: [Ed25519PublicKey]

    /// A check by any of `publicKeys`: each the base64 of a raw key of 32 bytes, as Mission Control shows it. SPKI and PEM
    /// are refused, as by Telnyx's SDK.
    public init(publicKeys: [String]) throws(CryptographyError) {
        var keys: [Ed25519PublicKey] = []
        for text in publicKeys {
            guard let bytes = CanonicalBase64.decode(text) else { throw .key }
            keys.append(try Ed25519PublicKey(raw: bytes))
        }
        self.keys = keys
    }

    /// Throws unless `signature` is of this very `body` and `timestamp`, and the timestamp is near `now`.
    ///
    /// - Parameters:
    ///   - body: the raw bytes: JSON written anew never verifies.
    ///   - now: milliseconds UTC.
    public func verify(
        body: [UInt8], signature: String?, timestamp: String?, at now: Int64
    ) throws(SignatureRefusal) {
        guard let signature, let timestamp, !signature.isEmpty, !timestamp.isEmpty else { throw .missing }
        guard let seconds = SignatureTime.seconds(timestamp), let bytes = CanonicalBase64.decode(signature),
            bytes.count == 64
        else { throw .malformed }
        // Whole seconds, as in the SDK: 300 pass, 301 do not.
        guard abs(SignatureTime.seconds(milliseconds: now) - seconds) <= Self.tolerance else { throw .time }
        guard !keys.isEmpty else { throw .key }
        let message = Self.message(timestamp, body)
        for key in keys {
            do throws(CryptographyError) {
                if try key.verifies(bytes, of: message) { return }
            } catch { throw .unavailable }
        }
        throw .mismatch
    }

    /// Whether a webhook's headers could be of one of Telnyx's of `now` (milliseconds UTC): well-formed and of our time.
    /// That proves nothing; it says for whom it is worth reading a long body.
    public static func isPlausible(signature: String?, timestamp: String?, at now: Int64) -> Bool {
        guard let signature, let timestamp, let seconds = SignatureTime.seconds(timestamp),
            CanonicalBase64.decode(signature)?.count == 64
        else { return false }
        return abs(SignatureTime.seconds(milliseconds: now) - seconds) <= tolerance
    }

    /// The headers of a webhook with `body` signed at `seconds` (Unix), as Telnyx would send it.
    public static func sign(
        body: [UInt8], at seconds: Int64, key: Ed25519PrivateKey
    ) throws(CryptographyError) -> (signature: String, timestamp: String) {
        let timestamp = String(seconds)
        return (CanonicalBase64.encode(try key.signature(of: message(timestamp, body))), timestamp)
    }

    /// By what a webhook is known again: the event's `data.id`, which a repeated delivery keeps; without one the
    /// signature. Only for bodies whose signature holds.
    public static func replayKey(body: [UInt8], signature: String) -> String {
        let id: String? = body.withUnsafeBytes { raw in
            var whole = JSONScanner(raw)
            guard whole.value() != nil, whole.finish() else { return nil }
            return JSONContainer(bytes: raw).member("data")?.object?.member("id")?.text?.string(limit: 128)
        }
        if let id, !id.isEmpty { return replayKey(id: id) }
        return "signature " + signature
    }

    /// The same for the event called `id`.
    public static func replayKey(id: String) -> String { "id " + id }

    private static func message(_ timestamp: String, _ body: [UInt8]) -> [UInt8] {
        Array(timestamp.utf8) + [UInt8(ascii: "|")] + body
    }
}
