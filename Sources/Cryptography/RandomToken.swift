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
        let alphabet = [UInt8]("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var characters: [UInt8] = []
        var bits: UInt32 = 0
        var held = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            held += 8
            while held >= 6 {
                held -= 6
                characters.append(alphabet[Int(bits >> UInt32(held) & 63)])
            }
        }
        if held > 0 { characters.append(alphabet[Int(bits << UInt32(6 - held) & 63)]) }
        return String(decoding: characters, as: UTF8.self)
    }
}
