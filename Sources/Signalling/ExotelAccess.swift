// Who may come in Exotel's name: Basic credentials of the stream's URL, and addresses.

import Cryptography
import Wire

/// Why a request is not taken for Exotel's.
public enum AccessRefusal: String, Error, Sendable, Hashable, CaseIterable {
    /// There are no credentials: answer 401, before the upgrade.
    case missing
    /// The credentials are none of ours: answer 401.
    case credentials
    /// The sender's address is not in the list: answer 403.
    case address
    /// Neither credentials nor addresses are configured: nobody may.
    case closed
    /// The check could not be made.
    case unavailable
}

/// One name and password of HTTP Basic (RFC 7617). Exotel sends what stands in the stream's URL, so they are ours to
/// choose (carriers.md §4.3).
public struct BasicCredentials: Sendable {
    fileprivate let pair: Secret

    /// The credentials `key` and `token`; nil when one is empty or the key has a colon, which would make
    /// it another pair (RFC 7617 §2).
    public init?(key: String, token: Secret) {
        guard !key.isEmpty, !token.isEmpty, !key.utf8.contains(UInt8(ascii: ":")) else { return nil }
        pair = Secret(Array(key.utf8) + [UInt8(ascii: ":")] + token.bytes)
    }

    /// The credentials in the user information of `streamURL`, percent-decoded; nil without.
    public init?(streamURL: String) {
        let authority = streamURL.drop { $0 != "/" }.drop { $0 == "/" }.prefix { !"/?#".contains($0) }
        guard let at = authority.lastIndex(of: "@") else { return nil }
        let user = authority[..<at].split(separator: ":", maxSplits: 1)
        guard user.count == 2, let key = Self.decode(user[0]), let token = Self.decode(user[1]) else {
            return nil
        }
        self.init(key: key, token: Secret(token))
    }

    /// The value of the header Authorization that carries them.
    public var authorization: String { "Basic " + CanonicalBase64.encode(pair.bytes) }

    private static func decode(_ text: Substring) -> String? {
        // A form's decoding, but for the plus, which stands for itself in user information (RFC 3986 §3.2.1).
        let escaped = text.split(separator: "+", omittingEmptySubsequences: false).joined(separator: "%2B")
        guard !escaped.contains("&"), !escaped.contains("=") else { return nil }
        return FormFields(escaped.utf8)?.fields.first?.name
    }
}

/// The check of what comes in Exotel's name. Exotel signs nothing.
public struct ExotelAccess: Sendable {
    private let digests: [SHA256Digest]
    private let addresses: AddressList

    /// Access by any of `credentials`, from `addresses`. Where both are configured both are needed.
    public init(credentials: [BasicCredentials], addresses: AddressList = .empty) throws(CryptographyError) {
        var digests: [SHA256Digest] = []
        for credential in credentials { digests.append(try SHA256Digest(of: credential.pair.bytes)) }
        self.digests = digests
        self.addresses = addresses
    }

    /// Throws unless a request with header Authorization `authorization` may come from `sender`.
    ///
    /// Digests of name and password together are compared, all of them and in constant time: neither which half is wrong
    /// nor a name that exists shows in the time this takes.
    public func verify(authorization: String?, sender: IPAddress?) throws(AccessRefusal) {
        guard !digests.isEmpty || !addresses.isEmpty else { throw .closed }
        try verify(sender: sender)
        guard !digests.isEmpty else { return }
        guard let authorization, !authorization.isEmpty else { throw .missing }
        // The scheme's name is in either case (RFC 9110 §11.1).
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "basic" else { throw .missing }
        guard let pair = CanonicalBase64.decode(String(parts[1])) else { throw .credentials }
        let digest: SHA256Digest
        do throws(CryptographyError) { digest = try SHA256Digest(of: pair) } catch { throw .unavailable }
        var found = false
        for known in digests where ConstantTime.equal(known.bytes, digest.bytes) { found = true }
        guard found else { throw .credentials }
    }

    /// Throws unless `sender` is in the list, or there is none: for callbacks, which bear no credentials.
    public func verify(sender: IPAddress?) throws(AccessRefusal) {
        guard !addresses.isEmpty else { return }
        guard let sender, addresses.contains(sender) else { throw .address }
    }
}
