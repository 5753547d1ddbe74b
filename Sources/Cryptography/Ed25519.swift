// Signatures by Ed25519 (RFC 8032): keys as raw bytes, handles of the library for one operation only.

import COpenSSL

/// A public key that verifies signatures.
public struct Ed25519PublicKey: Sendable, Hashable {
    /// The 32 bytes of the key (RFC 8032 §5.1.5).
    public let bytes: [UInt8]

    /// The key of 32 raw bytes; any other length is refused, so no SPKI or PEM.
    public init(raw bytes: [UInt8]) throws(CryptographyError) {
        guard bytes.count == 32 else { throw .key }
        self.bytes = bytes
    }

    /// Whether `signature` (64 bytes) is this key's of `message`. Bytes that are no signature are none of this key's.
    public func verifies(_ signature: [UInt8], of message: [UInt8]) throws(CryptographyError) -> Bool {
        guard signature.count == 64 else { return false }
        let key = EVP_PKEY_new_raw_public_key(NID_ED25519, nil, bytes, bytes.count)
        defer { EVP_PKEY_free(key) }
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        guard let key, let context, EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1 else {
            throw .cleared(.key)
        }
        let verdict = EVP_DigestVerify(context, signature, signature.count, message, message.count)
        if verdict != 1 { ERR_clear_error() }
        return verdict == 1
    }
}

/// A private key that signs. Made of its seed; its description shows nothing.
public struct Ed25519PrivateKey: Sendable {
    private let seed: Secret
    /// The public key that verifies what this one signs.
    public let publicKey: Ed25519PublicKey

    /// The key of a seed of 32 bytes (RFC 8032 §5.1.5).
    public init(seed bytes: [UInt8]) throws(CryptographyError) {
        guard bytes.count == 32 else { throw .key }
        seed = Secret(bytes)
        let key = EVP_PKEY_new_raw_private_key(NID_ED25519, nil, bytes, bytes.count)
        defer { EVP_PKEY_free(key) }
        var raw = [UInt8](repeating: 0, count: 32)
        var count = raw.count
        guard let key, EVP_PKEY_get_raw_public_key(key, &raw, &count) == 1, count == 32
        else { throw .cleared(.key) }
        publicKey = try Ed25519PublicKey(raw: raw)
    }

    /// The signature of `message`: 64 bytes, always the same for the same message.
    public func signature(of message: [UInt8]) throws(CryptographyError) -> [UInt8] {
        let key = EVP_PKEY_new_raw_private_key(NID_ED25519, nil, seed.bytes, seed.bytes.count)
        defer { EVP_PKEY_free(key) }
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        var signature = [UInt8](repeating: 0, count: 64)
        var count = signature.count
        guard let key, let context, EVP_DigestSignInit(context, nil, nil, nil, key) == 1,
            EVP_DigestSign(context, &signature, &count, message, message.count) == 1, count == 64
        else { throw .cleared(.signing) }
        return signature
    }
}
