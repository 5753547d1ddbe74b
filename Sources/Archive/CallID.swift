// A call's own identifier: sortable by time, unguessable, safe as a file name.

import COpenSSL
import Glibc

/// Identifiers of calls: 26 characters of Crockford's base 32 in lower case, laid out as a ULID
/// (github.com/ulid/spec): 48 bits of Unix milliseconds, then 80 random bits. They sort by time as text.
public enum CallID {
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    /// The identifier for an instant and 80 random bits (16 high ones, 64 low ones).
    /// Milliseconds outside 0 ..< 2^48 are clamped.
    public static func make(milliseconds: Int64, high: UInt16, low: UInt64) -> String {
        let time = UInt64(min(max(milliseconds, 0), (1 << 48) - 1))
        let upper = time << 16 | UInt64(high)
        var characters = [UInt8](repeating: 0, count: 26)
        // 128 bits in 26 groups of five, from the right; the first group has three bits only.
        for place in 0..<26 {
            let shift = 5 * (25 - place)
            let group: UInt64 =
                if shift >= 64 {
                    upper >> UInt64(shift - 64)
                } else if shift > 59 {
                    upper << UInt64(64 - shift) | low >> UInt64(shift)
                } else {
                    low >> UInt64(shift)
                }
            characters[place] = alphabet[Int(group & 31)]
        }
        return String(decoding: characters, as: UTF8.self)
    }

    /// A new identifier, by the wall clock and OpenSSL's random generator.
    public static func make() -> String {
        var random = [UInt8](repeating: 0, count: 10)
        if RAND_bytes(&random, 10) != 1 {
            // OpenSSL has no entropy: the kernel's source never fails once the machine is up.
            var generator = SystemRandomNumberGenerator()
            for place in random.indices { random[place] = UInt8.random(in: 0...255, using: &generator) }
        }
        let low = random.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return make(
            milliseconds: ArchiveTime.now() / 1000, high: UInt16(random[0]) << 8 | UInt16(random[1]), low: low
        )
    }

    /// Whether `text` has the form of an identifier (and so may be part of a file name).
    public static func isValid(_ text: String) -> Bool {
        let characters = Array(text.utf8)
        guard characters.count == 26, characters[0] <= UInt8(ascii: "7") else { return false }
        return characters.allSatisfy { alphabet.contains($0) }
    }
}
