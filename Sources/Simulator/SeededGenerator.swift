// A small random number generator with a seed: the same seed, the same call.

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// A generator whose whole sequence follows from `seed`.
    public init(seed: UInt64) { state = seed }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A fraction in 0..<1, with 53 random bits.
    public mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A whole number in `0..<bound` (0 when `bound` is not positive).
    public mutating func below(_ bound: Int) -> Int {
        bound > 0 ? Int(truncatingIfNeeded: next() % UInt64(bound)) : 0
    }

    /// `digits` random lower-case hexadecimal digits, as in the carriers' ids.
    public mutating func hexadecimal(digits: Int) -> String {
        let alphabet = Array("0123456789abcdef".utf8)
        return String(decoding: (0..<max(digits, 0)).map { _ in alphabet[below(16)] }, as: UTF8.self)
    }

    /// A random UUID (version 4 layout, RFC 9562), as in Telnyx's ids.
    public mutating func uuid() -> String {
        let tail = hexadecimal(digits: 3)
        return [
            hexadecimal(digits: 8), hexadecimal(digits: 4), "4" + tail, "8" + hexadecimal(digits: 3),
            hexadecimal(digits: 12),
        ].joined(separator: "-")
    }
}
