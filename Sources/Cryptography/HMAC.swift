// Keyed digests (RFC 2104) over SHA-1 and SHA-256.

import COpenSSL

/// HMAC. SHA-1 is here because Twilio signs with it; as HMAC it stands (RFC 6194 §3.3).
public enum HMAC {
    /// HMAC-SHA1 of `message`: 20 bytes.
    public static func sha1(_ message: [UInt8], key: Secret) throws(CryptographyError) -> [UInt8] {
        try code(EVP_sha1(), 20, message, key)
    }

    /// HMAC-SHA256 of `message`: 32 bytes.
    public static func sha256(_ message: [UInt8], key: Secret) throws(CryptographyError) -> [UInt8] {
        try code(EVP_sha256(), 32, message, key)
    }

    private static func code(
        _ digest: OpaquePointer?, _ count: UInt32, _ message: [UInt8], _ key: Secret
    ) throws(CryptographyError) -> [UInt8] {
        guard let keyCount = Int32(exactly: key.bytes.count) else { throw .key }
        var output = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var written: UInt32 = 0
        let done = COpenSSL.HMAC(
            digest, key.bytes, keyCount, message, message.count, &output, &written)
        guard done != nil, written == count else { throw .cleared(.digest) }
        return Array(output.prefix(Int(count)))
    }
}
