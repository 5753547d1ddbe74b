// SHA-256 for naming and checking, where a digest that cannot be made only costs the cache.

import Cryptography

extension SHA256Digest {
    /// The digest's 32 bytes; empty when OpenSSL gave none: such a key or file is never found again.
    static func plain(_ bytes: some Collection<UInt8>) -> [UInt8] {
        do throws(CryptographyError) {
            return try SHA256Digest(of: bytes).bytes
        } catch {
            return []
        }
    }
}
