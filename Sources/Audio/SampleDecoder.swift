// Bytes of any audio format to samples at its own rate.

/// Decodes a stream of one format into samples.
///
/// Sound without memory and G.722 may be cut anywhere (an odd byte of 16-bit sound waits for the next call). Of
/// Opus and AMR-WB each call takes exactly one payload, and appends as many samples as `AudioFormat.samples(in:)`
/// says, silence when it is malformed.
public struct SampleDecoder: ~Copyable, Sendable {
    /// What the bytes are.
    public let format: AudioFormat
    private var engine: DecoderEngine?
    private var order = ByteOrderDetector()
    private var oddByte: UInt8?

    /// A decoder of `format`.
    /// - Throws: `unsupportedRate` for a rate that the codec does not have, `coder` when its library fails.
    public init(_ format: AudioFormat) throws(AudioError) {
        self.format = format
        engine = try DecoderEngine(format)
    }

    /// Decodes `bytes` and appends the samples.
    public mutating func decode(_ bytes: UnsafeRawBufferPointer, into output: inout [Int16]) {
        switch format.codec {
        case .pcmu: G711.decode(bytes, .mu, into: &output)
        case .pcma: G711.decode(bytes, .a, into: &output)
        case .pcm16, .pcm16be, .pcm16auto: decodeLinear(bytes, into: &output)
        case .g722, .opus, .amrwb: engine?.decode(bytes, into: &output)
        }
    }

    /// The samples in `bytes`.
    public mutating func decode(_ bytes: [UInt8]) -> [Int16] {
        var output: [Int16] = []
        bytes.withUnsafeBytes { decode($0, into: &output) }
        return output
    }

    /// Decodes a payload that came out of its order: alone, so that the stream's own state stays as it is. A codec
    /// with memory begins anew with it, which blurs its first milliseconds; without memory for that it is silence.
    public mutating func decodeApart(_ bytes: UnsafeRawBufferPointer, into output: inout [Int16]) {
        if format.codec.isLinear {
            LinearPCM.decode(bytes, isBigEndian: isBigEndian, into: &output)
        } else if format.codec.isMemoryless {
            decode(bytes, into: &output)
        } else {
            do throws(AudioError) {
                try DecoderEngine(format)?.decode(bytes, into: &output)
            } catch {
                output.append(contentsOf: repeatElement(0, count: format.samples(in: bytes)))
            }
        }
    }

    /// Forgets all sound so far, and the byte order that was found.
    public mutating func reset() {
        oddByte = nil
        order = ByteOrderDetector()
        guard let engine, !engine.reset() else { return }
        do throws(AudioError) {
            self.engine = try DecoderEngine(format)
        } catch {
            // Without memory for a new state the old one goes on.
        }
    }

    private var isBigEndian: Bool {
        format.codec == .pcm16be || format.codec == .pcm16auto && order.isBigEndian == true
    }

    private mutating func decodeLinear(_ bytes: UnsafeRawBufferPointer, into output: inout [Int16]) {
        guard let last = bytes.last else { return }
        if format.codec == .pcm16auto { order.look(at: bytes) }
        let isBigEndian = isBigEndian
        var rest = bytes[...]
        if let first = oddByte {
            let pair = UInt16(first) | UInt16(bytes[0]) << 8
            output.append(Int16(bitPattern: isBigEndian ? pair.byteSwapped : pair))
            oddByte = nil
            rest = rest.dropFirst()
        }
        LinearPCM.decode(UnsafeRawBufferPointer(rebasing: rest), isBigEndian: isBigEndian, into: &output)
        if rest.count % 2 == 1 { oddByte = last }
    }
}

/// A decoder in one place, for those that are moved as values. Confined to the one that made it.
public final class DecoderCell {
    private var decoder: SampleDecoder

    /// A decoder of `format`. Throws what `SampleDecoder` throws.
    public init(_ format: AudioFormat) throws(AudioError) { decoder = try SampleDecoder(format) }

    /// Decodes the stream's next bytes, or next payload, and appends the samples.
    public func decode(_ bytes: UnsafeRawBufferPointer, into output: inout [Int16]) {
        decoder.decode(bytes, into: &output)
    }

    /// The samples in the stream's next bytes.
    public func samples(_ bytes: ArraySlice<UInt8>) -> [Int16] {
        var output: [Int16] = []
        bytes.withUnsafeBytes { decode($0, into: &output) }
        return output
    }

    /// Decodes a payload that came out of its order.
    public func decodeApart(_ bytes: UnsafeRawBufferPointer, into output: inout [Int16]) {
        decoder.decodeApart(bytes, into: &output)
    }
}
