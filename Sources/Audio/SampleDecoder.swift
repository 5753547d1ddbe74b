// Bytes of any audio format to samples at its own rate.

/// Decodes a stream of bytes of one format into samples, keeping an odd byte of 16-bit sound for the next
/// call.
public struct SampleDecoder: Sendable {
    /// What the bytes are.
    public let format: AudioFormat
    private var oddByte: UInt8?

    /// A decoder of `format`.
    public init(_ format: AudioFormat) { self.format = format }

    /// Decodes `bytes` and appends the samples.
    public mutating func decode(_ bytes: UnsafeRawBufferPointer, into output: inout [Int16]) {
        switch format.codec {
        case .pcmu: G711.decode(bytes, .mu, into: &output)
        case .pcma: G711.decode(bytes, .a, into: &output)
        case .pcm16: decodeLinear(bytes, into: &output)
        }
    }

    /// The samples in `bytes`.
    public mutating func decode(_ bytes: [UInt8]) -> [Int16] {
        var output: [Int16] = []
        bytes.withUnsafeBytes { decode($0, into: &output) }
        return output
    }

    /// Forgets a byte kept over.
    public mutating func reset() { oddByte = nil }

    private mutating func decodeLinear(_ bytes: UnsafeRawBufferPointer, into output: inout [Int16]) {
        guard let last = bytes.last else { return }
        var rest = bytes[...]
        if let low = oddByte {
            output.append(Int16(bitPattern: UInt16(low) | UInt16(bytes[0]) << 8))
            oddByte = nil
            rest = rest.dropFirst()
        }
        LinearPCM.decode(UnsafeRawBufferPointer(rebasing: rest), into: &output)
        if rest.count % 2 == 1 { oddByte = last }
    }
}

/// Samples to bytes of any audio format, at its own rate.
public enum SampleEncoder {
    /// Encodes `samples` with `codec` and appends the bytes.
    public static func encode(
        _ samples: UnsafeBufferPointer<Int16>, as codec: AudioCodec, into output: inout [UInt8]
    ) {
        switch codec {
        case .pcmu: G711.encode(samples, .mu, into: &output)
        case .pcma: G711.encode(samples, .a, into: &output)
        case .pcm16: LinearPCM.encode(samples, into: &output)
        }
    }

    /// The bytes of `samples` in `codec`.
    public static func encode(_ samples: [Int16], as codec: AudioCodec) -> [UInt8] {
        var output: [UInt8] = []
        samples.withUnsafeBufferPointer { encode($0, as: codec, into: &output) }
        return output
    }
}
