// SHA-256 of bytes.

import COpenSSL

/// SHA-256 (FIPS 180-4).
public enum SHA256 {
    /// The digest of `bytes`: 32 bytes.
    public static func hash(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        let whole = Array(bytes)
        // The C function of the same name.
        _ = COpenSSL.SHA256(whole, whole.count, &digest)
        return digest
    }
}
