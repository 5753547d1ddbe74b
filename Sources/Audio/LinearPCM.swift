// 16-bit linear PCM between bytes and numbers.

/// Signed 16-bit linear PCM, little-endian unless told otherwise.
public enum LinearPCM {
    /// Appends the whole samples in `bytes` (a last odd byte is not one and is left out).
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, isBigEndian: Bool = false, into output: inout [Int16]
    ) {
        output.appendFilled(bytes.count / 2) { target in
            if isBigEndian {
                for index in 0..<target.count {
                    let raw = bytes.loadUnaligned(fromByteOffset: index * 2, as: Int16.self)
                    target[index] = Int16(bigEndian: raw)
                }
            } else {
                for index in 0..<target.count {
                    let raw = bytes.loadUnaligned(fromByteOffset: index * 2, as: Int16.self)
                    target[index] = Int16(littleEndian: raw)
                }
            }
        }
    }

    /// Appends two bytes for every sample.
    public static func encode(
        _ samples: UnsafeBufferPointer<Int16>, isBigEndian: Bool = false, into output: inout [UInt8]
    ) {
        let (low, high) = isBigEndian ? (1, 0) : (0, 1)
        output.appendFilled(samples.count * 2) { target in
            for index in 0..<samples.count {
                let bits = UInt16(bitPattern: samples[index])
                target[index * 2 + low] = UInt8(truncatingIfNeeded: bits)
                target[index * 2 + high] = UInt8(truncatingIfNeeded: bits >> 8)
            }
        }
    }

    /// The whole samples in `bytes`.
    public static func samples(_ bytes: [UInt8]) -> [Int16] {
        var output: [Int16] = []
        bytes.withUnsafeBytes { decode($0, into: &output) }
        return output
    }

    /// The bytes of `samples`.
    public static func bytes(_ samples: [Int16]) -> [UInt8] {
        var output: [UInt8] = []
        samples.withUnsafeBufferPointer { encode($0, into: &output) }
        return output
    }
}
