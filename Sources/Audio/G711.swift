// ITU-T G.711: the logarithmic codes of telephony, μ-law and A-law.

/// G.711 companding between 8-bit codes and 16-bit linear samples.
///
/// Linear samples are the standard's 14-bit (μ-law) or 13-bit (A-law) values, left-justified in 16 bits, so
/// decoded values equal those of every common implementation in all 256 codes.
///
/// Encoding follows the decision values of Tables 1a/1b (A-law) and 2a/2b (μ-law):
/// - μ-law: a magnitude at or above decision value x(n) takes code n, the same for both signs. (Python's
///   audioop differs at 381 negative samples next to a decision value, because it floors −|x|/4 instead of
///   |x|/4; ffmpeg differs at segment edges, because it picks the nearest decoded value.)
/// - A-law: negative samples are taken as their one's complement, as in the ITU-T G.191 reference software.
public enum G711 {
    /// The two companding laws.
    public enum Law: Sendable, Hashable, CaseIterable {
        /// μ-law (North America, Japan).
        case mu
        /// A-law (elsewhere).
        case a
    }

    /// Linear value of every μ-law code.
    static let muLinear: [Int16] = (0...255).map { expandMu(UInt8($0)) }
    /// Linear value of every A-law code.
    static let aLinear: [Int16] = (0...255).map { expandA(UInt8($0)) }
    /// A-law code of every μ-law code: encode(decode(code)).
    static let muToA: [UInt8] = muLinear.map(compressA)
    /// μ-law code of every A-law code: encode(decode(code)).
    static let aToMu: [UInt8] = aLinear.map(compressMu)

    /// The linear sample of one code.
    public static func decode(_ code: UInt8, _ law: Law) -> Int16 {
        law == .mu ? muLinear[Int(code)] : aLinear[Int(code)]
    }

    /// The code of one linear sample.
    public static func encode(_ sample: Int16, _ law: Law) -> UInt8 {
        law == .mu ? compressMu(sample) : compressA(sample)
    }

    /// Decodes `codes`, one sample a byte, and appends the samples.
    public static func decode(_ codes: UnsafeRawBufferPointer, _ law: Law, into output: inout [Int16]) {
        let table = law == .mu ? muLinear : aLinear
        table.withUnsafeBufferPointer { table in
            output.appendFilled(codes.count) { target in
                for index in 0..<codes.count { target[index] = table[Int(codes[index])] }
            }
        }
    }

    /// Encodes `samples`, one byte a sample, and appends the codes.
    public static func encode(_ samples: UnsafeBufferPointer<Int16>, _ law: Law, into output: inout [UInt8]) {
        output.appendFilled(samples.count) { target in
            if law == .mu {
                for index in 0..<samples.count { target[index] = compressMu(samples[index]) }
            } else {
                for index in 0..<samples.count { target[index] = compressA(samples[index]) }
            }
        }
    }

    /// Turns codes of `law` into codes of the other law through a table and appends them.
    public static func convert(
        _ codes: UnsafeRawBufferPointer, from law: Law, into output: inout [UInt8]
    ) {
        let table = law == .mu ? muToA : aToMu
        table.withUnsafeBufferPointer { table in
            output.appendFilled(codes.count) { target in
                for index in 0..<codes.count { target[index] = table[Int(codes[index])] }
            }
        }
    }

    // MARK: One sample

    /// The standard's bias of 33, in 16-bit terms.
    private static let muBias: Int32 = 33 << 2

    @inline(__always)
    static func compressMu(_ sample: Int16) -> UInt8 {
        // The last decision value is 8159; above it everything is the highest code.
        let magnitude = min(abs(Int32(sample)), 8158 << 2 | 3) + muBias
        let segment = 24 - Int32(magnitude.leadingZeroBitCount)
        let code = UInt8(truncatingIfNeeded: segment << 4 | (magnitude >> (segment + 3)) & 0x0F)
        // All bits are sent inverted (note 2 of Table 2a); the sign bit is 1 for positive samples.
        return code ^ (sample < 0 ? 0x7F : 0xFF)
    }

    @inline(__always)
    static func compressA(_ sample: Int16) -> UInt8 {
        let magnitude = Int32(sample < 0 ? ~sample : sample)
        let code: Int32
        if magnitude < 256 {
            code = magnitude >> 4
        } else {
            let segment = 24 - Int32(magnitude.leadingZeroBitCount)
            code = segment << 4 | (magnitude >> (segment + 3)) & 0x0F
        }
        // Even bits are sent inverted (note 2 of Table 1a).
        return UInt8(truncatingIfNeeded: code) ^ (sample < 0 ? 0x55 : 0xD5)
    }

    private static func expandMu(_ code: UInt8) -> Int16 {
        let bits = Int32(~code)
        let magnitude = ((bits & 0x0F) << 3 + muBias) << ((bits >> 4) & 7) - muBias
        return Int16(truncatingIfNeeded: bits & 0x80 == 0 ? magnitude : -magnitude)
    }

    private static func expandA(_ code: UInt8) -> Int16 {
        let bits = Int32(code ^ 0x55)
        let segment = (bits >> 4) & 7
        var magnitude = (bits & 0x0F) << 4 + 8
        if segment > 0 { magnitude = (magnitude + 256) << (segment - 1) }
        return Int16(truncatingIfNeeded: bits & 0x80 == 0 ? -magnitude : magnitude)
    }
}

extension Array where Element: FixedWidthInteger {
    /// Appends `count` elements that `fill` writes. Grows geometrically, which `reserveCapacity` does not.
    @inline(__always)
    mutating func appendFilled(_ count: Int, _ fill: (UnsafeMutableBufferPointer<Element>) -> Void) {
        guard count > 0 else { return }
        let start = self.count
        append(contentsOf: repeatElement(0, count: count))
        withUnsafeMutableBufferPointer { fill(UnsafeMutableBufferPointer(rebasing: $0[start...])) }
    }
}
