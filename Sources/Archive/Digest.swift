// SHA-256 of bytes, in one go or piece by piece, and its comparison in constant time.

import COpenSSL

/// A SHA-256 digest (FIPS 180-4): 32 bytes.
public struct Digest: Sendable, Hashable {
    /// The 32 bytes.
    public let bytes: [UInt8]

    /// A digest read back; nil when it has not 32 bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.bytes = bytes
    }

    private init(hashed: [UInt8]) { bytes = hashed }

    /// 32 zero bytes: the digest of nothing yet.
    init(zeros: Void) { bytes = [UInt8](repeating: 0, count: 32) }

    /// The digest of `bytes`.
    public static func sha256(_ bytes: [UInt8]) -> Digest {
        var output = [UInt8](repeating: 0, count: 32)
        SHA256(bytes, bytes.count, &output)
        return Digest(hashed: output)
    }

    /// 64 lower-case hexadecimal digits.
    public var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Whether both are equal, in a time that does not depend on where they differ (CRYPTO_memcmp).
    public func equalsInConstantTime(_ other: Digest) -> Bool {
        CRYPTO_memcmp(bytes, other.bytes, 32) == 0
    }

    /// SHA-256 piece by piece.
    final class Running {
        private var context: OpaquePointer?

        init() {
            context = EVP_MD_CTX_new()
            EVP_DigestInit_ex(context, EVP_sha256(), nil)
        }

        deinit { EVP_MD_CTX_free(context) }

        func update(_ piece: UnsafeRawBufferPointer) {
            EVP_DigestUpdate(context, piece.baseAddress, piece.count)
        }

        func finish() -> Digest {
            var output = [UInt8](repeating: 0, count: 32)
            EVP_DigestFinal_ex(context, &output, nil)
            return Digest(hashed: output)
        }
    }
}
