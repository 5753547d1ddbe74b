// Unguessable words for URLs.

import COpenSSL

/// Random bytes and tokens from the library's generator.
public enum RandomToken {
    /// 32 random bytes as base64url without padding (RFC 4648 §5): 43 characters that need no escape in a URL, 256 bits.
    public static func make() throws(CryptographyError) -> String { text(try bytes(32)) }

    /// `count` random bytes (RAND_bytes).
    public static func bytes(_ count: Int) throws(CryptographyError) -> [UInt8] {
        guard let number = Int32(exactly: count), number >= 0 else { throw .random }
        var output = [UInt8](repeating: 0, count: count)
        guard number == 0 || RAND_bytes(&output, number) == 1 else { throw .cleared(.random) }
        return output
    }

    /// `bytes` as base64url without padding.
    static func text(_ bytes: [UInt8]) -> String {
        // A zero stands behind the last character (EVP_EncodeBlock).
        var block = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
        let count = EVP_EncodeBlock(&block, bytes, Int32(bytes.count))
        let characters = block.prefix(Int(count)).compactMap { character -> UInt8? in
            switch character {
            case 0x2B: 0x2D
            case 0x2F: 0x5F
            case 0x3D: nil
            default: character
            }
        }
        return String(decoding: characters, as: UTF8.self)
    }
}
