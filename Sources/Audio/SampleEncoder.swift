// Samples to bytes of any audio format, at its own rate.

/// Encodes a stream of samples into one format.
///
/// G.711 and linear sound come out at once. G.722, Opus and AMR-WB come out in whole frames of 20 ms: what is
/// left over waits for the next call, or for `flush`. The same samples always give the same bytes, however cut.
public struct SampleEncoder: ~Copyable, Sendable {
    /// What the bytes are.
    public let format: AudioFormat
    private var engine: EncoderEngine?
    /// Samples that do not fill a frame yet.
    private var pending: [Int16] = []

    /// An encoder of `format`.
    /// - Throws: `unsupportedRate` for a rate that the codec does not have, `coder` when its library fails.
    public init(_ format: AudioFormat) throws(AudioError) {
        self.format = format
        engine = try EncoderEngine(format)
    }

    /// Samples that wait for their frame to be filled.
    public var pendingSamples: Int { pending.count }

    /// Encodes `samples` and appends the bytes that are ready.
    public mutating func encode(_ samples: UnsafeBufferPointer<Int16>, into output: inout [UInt8]) {
        guard !format.codec.isMemoryless else {
            return Self.encode(samples, as: format.codec, into: &output)
        }
        pending.append(contentsOf: samples)
        let frame = format.frameSamples
        var start = 0
        pending.withUnsafeBufferPointer {
            while start + frame <= $0.count {
                engine?.encode(UnsafeBufferPointer(rebasing: $0[start..<start + frame]), into: &output)
                start += frame
            }
        }
        pending.removeFirst(start)
    }

    /// The bytes of `samples` that are ready.
    public mutating func encode(_ samples: [Int16]) -> [UInt8] {
        var output: [UInt8] = []
        samples.withUnsafeBufferPointer { encode($0, into: &output) }
        return output
    }

    /// Fills a frame that is not full with silence, and appends its bytes.
    public mutating func flush(into output: inout [UInt8]) {
        guard !pending.isEmpty else { return }
        let silence = [Int16](repeating: 0, count: format.frameSamples - pending.count)
        silence.withUnsafeBufferPointer { encode($0, into: &output) }
    }

    /// Forgets all sound so far.
    public mutating func reset() {
        pending.removeAll(keepingCapacity: true)
        guard let engine, !engine.reset() else { return }
        do throws(AudioError) {
            self.engine = try EncoderEngine(format)
        } catch {
            // Without memory for a new state the old one goes on.
        }
    }

    // MARK: Without memory

    /// Encodes `samples` with a codec without memory and appends the bytes; nothing for the others.
    public static func encode(
        _ samples: UnsafeBufferPointer<Int16>, as codec: AudioCodec, into output: inout [UInt8]
    ) {
        switch codec {
        case .pcmu: G711.encode(samples, .mu, into: &output)
        case .pcma: G711.encode(samples, .a, into: &output)
        case .pcm16, .pcm16auto: LinearPCM.encode(samples, into: &output)
        case .pcm16be: LinearPCM.encode(samples, isBigEndian: true, into: &output)
        case .g722, .opus, .amrwb: break
        }
    }

    /// The bytes of `samples` in a codec without memory; nothing for the others.
    public static func encode(_ samples: [Int16], as codec: AudioCodec) -> [UInt8] {
        var output: [UInt8] = []
        samples.withUnsafeBufferPointer { encode($0, as: codec, into: &output) }
        return output
    }
}
