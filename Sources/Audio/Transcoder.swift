// A stream of bytes of one audio format to another.

/// Turns a stream of one format into a stream of another: decode, resample, encode, by the shortest way.
///
/// Equal formats without memory pass bytes through untouched; μ-law and A-law at one rate go through a table.
/// State (an odd byte, the resampler's filter, a coder's) is kept from call to call, so cutting the input anywhere
/// gives the same output; of Opus and AMR-WB each call takes one payload. Codecs with memory come out in
/// whole frames of 20 ms.
public struct Transcoder: ~Copyable, Sendable {
    private enum Way: Sendable { case same, law(G711.Law), linear }

    /// The format taken.
    public let input: AudioFormat
    /// The format given.
    public let output: AudioFormat
    private let way: Way
    private var decoder: SampleDecoder
    private var resampler: Resampler
    private var encoder: SampleEncoder
    private var decoded: [Int16] = []
    private var resampled: [Int16] = []

    /// A transcoder from `input` to `output`.
    ///
    /// - Parameter aligned: see `Resampler`; takes the filter's delay off at the start.
    /// - Throws: what `Resampler` throws for the two rates, and what the coders throw.
    public init(from input: AudioFormat, to output: AudioFormat, aligned: Bool = false) throws(AudioError) {
        let decoder = try SampleDecoder(input)
        let encoder = try SampleEncoder(output)
        let resampler = try Resampler(from: input.rate, to: output.rate, aligned: aligned)
        self.input = input
        self.output = output
        self.decoder = decoder
        self.encoder = encoder
        self.resampler = resampler
        if input == output, input.codec.isMemoryless {
            way = .same
        } else if input.rate == output.rate, input.codec == .pcmu, output.codec == .pcma {
            way = .law(.mu)
        } else if input.rate == output.rate, input.codec == .pcma, output.codec == .pcmu {
            way = .law(.a)
        } else {
            way = .linear
        }
    }

    /// The resampling delay, in samples of the output.
    public var latency: Int { resampler.latency }

    /// Transcodes `bytes` and appends what is ready.
    public mutating func transcode(_ bytes: UnsafeRawBufferPointer, into target: inout [UInt8]) {
        switch way {
        case .same: target.append(contentsOf: bytes)
        case .law(let law): G711.convert(bytes, from: law, into: &target)
        case .linear:
            decoded.removeAll(keepingCapacity: true)
            decoder.decode(bytes, into: &decoded)
            guard input.rate != output.rate else { return encode(decoded, into: &target) }
            resampled.removeAll(keepingCapacity: true)
            decoded.withUnsafeBufferPointer { resampler.process($0, into: &resampled) }
            encode(resampled, into: &target)
        }
    }

    /// Transcodes `bytes`; what is ready.
    public mutating func transcode(_ bytes: [UInt8]) -> [UInt8] {
        var target: [UInt8] = []
        bytes.withUnsafeBytes { transcode($0, into: &target) }
        return target
    }

    /// Transcodes `count` samples of silence in place of input, and appends what is ready.
    public mutating func silence(_ count: Int, into target: inout [UInt8]) {
        guard case .linear = way else {
            target.append(
                contentsOf: repeatElement(output.silenceByte, count: count * output.bytesPerSample))
            return
        }
        decoded.removeAll(keepingCapacity: true)
        decoded.append(contentsOf: repeatElement(0, count: count))
        guard input.rate != output.rate else { return encode(decoded, into: &target) }
        resampled.removeAll(keepingCapacity: true)
        decoded.withUnsafeBufferPointer { resampler.process($0, into: &resampled) }
        encode(resampled, into: &target)
    }

    /// Whether sound waits for a frame of the output to be filled.
    public var hasPartialFrame: Bool { encoder.pendingSamples > 0 }

    /// Fills a frame of the output that is not full with silence, and appends it.
    public mutating func fillFrame(into target: inout [UInt8]) { encoder.flush(into: &target) }

    /// Appends the tail that the resampler holds and the last frame, and starts anew.
    public mutating func flush(into target: inout [UInt8]) {
        resampled.removeAll(keepingCapacity: true)
        resampler.flush(into: &resampled)
        encode(resampled, into: &target)
        encoder.flush(into: &target)
        reset()
    }

    /// Forgets all sound so far.
    public mutating func reset() {
        resampler.reset()
        decoder.reset()
        encoder.reset()
    }

    private mutating func encode(_ samples: [Int16], into target: inout [UInt8]) {
        samples.withUnsafeBufferPointer { encoder.encode($0, into: &target) }
    }
}
