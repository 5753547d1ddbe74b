// X-Twilio-Signature: whether a request is Twilio's, and the signature Twilio would give it.

import Cryptography
import Wire

/// The secrets Twilio signs with, and the check of its requests (carriers.md §2.3; twilio-python 9.13's
/// RequestValidator).
public struct TwilioSignature: Sendable {
    /// The header with the signature: base64.
    public static let header = "X-Twilio-Signature"
    /// The header that tells key and algorithm of a SharedKey's signature.
    public static let settingsHeader = "X-Twilio-Webhooks-Signature-Settings"

    /// How a signature is computed.
    public enum Algorithm: String, Sendable, Hashable, CaseIterable {
        /// With the account's auth token.
        case sha1 = "HMAC_SHA1"
        /// With the secret of a SharedKey.
        case sha256 = "HMAC_SHA256"
    }

    /// What of a request's body is signed.
    public enum Content: Sendable {
        /// There is none: GET, and the upgrade to WebSocket.
        case none
        /// The fields of a form, decoded; in any order.
        case form(FormFields)
        /// Anything else, raw: signed by the URL's `bodySHA256`.
        case raw([UInt8])

        /// The body of a request with header Content-Type `type`; nil when it says form and is none.
        public init?(type: String?, body: [UInt8]) {
            let media = (type ?? "").prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }.lowercased()
            if body.isEmpty {
                self = .none
            } else if media == "application/x-www-form-urlencoded" {
                guard let form = FormFields(body) else { return nil }
                self = .form(form)
            } else {
                self = .raw(body)
            }
        }
    }

    private let authTokens: [Secret]
    private let sharedKeys: [String: Secret]

    /// A check by any of `authTokens` (primary and secondary, while they are changed) and the SharedKeys' secrets by the
    /// keys' ids. Empty secrets count for nothing.
    public init(authTokens: [Secret], sharedKeys: [String: Secret] = [:]) {
        self.authTokens = authTokens.filter { !$0.isEmpty }
        self.sharedKeys = sharedKeys.filter { !$0.value.isEmpty }
    }

    /// Throws unless `signature` is of the request to `url`, with or without the port written (Twilio does both).
    ///
    /// - Parameters:
    ///   - url: as Twilio used it: scheme, host, port if written, path, query. Never from the request's Host.
    ///   - signature: the value of `header`.
    ///   - settings: the value of `settingsHeader`; nil for HMAC-SHA1 with an auth token.
    public func verify(
        url: String, content: Content = .none, signature: String?, settings: String? = nil
    ) throws(SignatureRefusal) {
        guard let url = SignedURL(url) else { throw .malformed }
        try verify(url, urls: url.portVariants, content, signature, settings)
    }

    /// Throws unless `signature` is of the upgrade of a media stream to `url` (carriers.md §2.3.2): signed like a request
    /// without parameters to the wss URL as TwiML has it. Tolerated: the port, https for wss, a slash at the path's end.
    public func verifyUpgrade(
        url: String, signature: String?, settings: String? = nil
    ) throws(SignatureRefusal) {
        guard let url = SignedURL(url) else { throw .malformed }
        try verify(url, urls: url.upgradeVariants, .none, signature, settings)
    }

    /// The signature of a request to `url` as base64.
    public static func sign(
        url: String, form: FormFields = FormFields(), secret: Secret, algorithm: Algorithm = .sha1
    ) throws(CryptographyError) -> String {
        let message = Array(url.utf8) + parameters(of: form)
        let code =
            switch algorithm {
            case .sha1: try HMAC.sha1(message, key: secret)
            case .sha256: try HMAC.sha256(message, key: secret)
            }
        var text: [UInt8] = []
        code.withUnsafeBytes { Base64.encode($0, into: &text) }
        return String(decoding: text, as: UTF8.self)
    }

    /// The query parameter that signs the raw `body`: `bodySHA256=…`.
    public static func bodyParameter(_ body: [UInt8]) throws(CryptographyError) -> String {
        "bodySHA256=" + (try SHA256Digest(of: body)).hex
    }

    private func verify(
        _ url: SignedURL, urls: [String], _ content: Content, _ signature: String?, _ settings: String?
    ) throws(SignatureRefusal) {
        guard let signature, !signature.isEmpty else { throw .missing }
        let (algorithm, secrets) = try keys(settings)
        var form = FormFields()
        switch content {
        case .none: break
        case .form(let fields): form = fields
        case .raw(let body):
            // Without its digest in the URL nothing would vouch for the body.
            guard let told = url.query("bodySHA256") else { throw .missing }
            guard ConstantTime.equal(told.utf8, try Self.digest(body).utf8) else { throw .mismatch }
        }
        var matches = false
        for secret in secrets {
            for url in urls {
                let expected: String
                do throws(CryptographyError) {
                    expected = try Self.sign(url: url, form: form, secret: secret, algorithm: algorithm)
                } catch { throw .unavailable }
                // No early end: the time does not tell which secret or spelling matched.
                if ConstantTime.equal(expected.utf8, signature.utf8) { matches = true }
            }
        }
        guard matches else { throw .mismatch }
    }

    /// Algorithm and secrets by the settings header `key=<id>,algorithm=<name>`: the first of each name counts; without
    /// algorithm it is HMAC-SHA1 with an auth token (twilio-python 9.13, get_signature_algorithm).
    private func keys(_ settings: String?) throws(SignatureRefusal) -> (Algorithm, [Secret]) {
        let parts = (settings ?? "").split(separator: ",").map { $0.split(separator: "=", maxSplits: 1) }
        func first(_ name: String) -> String? {
            parts.lazy.filter { $0.count == 2 && Self.trimmed($0[0]) == name }
                .map { Self.trimmed($0[1]) }.first { !$0.isEmpty }
        }
        let name = first("algorithm") ?? Algorithm.sha1.rawValue
        switch Algorithm(rawValue: name.uppercased()) {
        case .sha1:
            guard !authTokens.isEmpty else { throw .key }
            return (.sha1, authTokens)
        case .sha256:
            guard let secret = first("key").flatMap({ sharedKeys[$0] }) else { throw .key }
            return (.sha256, [secret])
        case nil: throw .algorithm
        }
    }

    private static func digest(_ body: [UInt8]) throws(SignatureRefusal) -> String {
        do throws(CryptographyError) { return try SHA256Digest(of: body).hex } catch { throw .unavailable }
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }

    /// Names in the order of their code points, which UTF-8 keeps, each with its different values in the same order;
    /// neither Swift's order of strings nor its equality is by code point.
    private static func parameters(of form: FormFields) -> [UInt8] {
        var values: [[UInt8]: Set<[UInt8]>] = [:]
        for field in form.fields {
            values[Array(field.name.utf8), default: []].insert(Array(field.value.utf8))
        }
        let precedes: ([UInt8], [UInt8]) -> Bool = { $0.lexicographicallyPrecedes($1) }
        return values.sorted { precedes($0.key, $1.key) }.flatMap { name, values in
            values.sorted(by: precedes).flatMap { name + $0 }
        }
    }
}
