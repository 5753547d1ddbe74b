// Deterministic damage to messages: bit flips, cuts, insertions, doubling, huge numbers, deep nesting.

/// SplitMix64 (Steele, Lea, Flood 2014): the same damage on every run.
public struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    /// A generator that begins at `seed`.
    public init(seed: UInt64) { state = seed }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// `message` with one to three wounds.
public func mutated(_ message: [UInt8], using random: inout SplitMix64) -> [UInt8] {
    var bytes = message
    for _ in 0..<Int.random(in: 1...3, using: &random) {
        guard !bytes.isEmpty else { break }
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<9, using: &random) {
        case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes.removeSubrange(at...)
        case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
        case 3:
            let end = min(bytes.count, at + Int.random(in: 1...40, using: &random))
            bytes.insert(contentsOf: bytes[at..<end], at: at)
        case 4: bytes.insert(contentsOf: Array("99999999999999999999999999".utf8), at: at)
        case 5: bytes.insert(contentsOf: [UInt8](repeating: 0x5B, count: 2000), at: at)
        case 6: bytes.remove(at: at)
        case 7:
            bytes.insert(contentsOf: Array("{}[],:\"\\u\\ud800-1e9".utf8.shuffled(using: &random)), at: at)
        default:
            // A digit becomes another, or a word loses its quotes: still JSON more often than not.
            if let digit = bytes.firstIndex(where: { 0x30...0x39 ~= $0 }) {
                bytes.replaceSubrange(digit...digit, with: Array("-9223372036854775808".utf8))
            }
        }
    }
    return bytes
}
