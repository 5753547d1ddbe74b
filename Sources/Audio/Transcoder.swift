// A stream of bytes of one audio format to another.

/// Turns a stream of one format into a stream of another: decode, resample, encode, by the shortest way.
///
/// Equal formats pass bytes through untouched; μ-law and A-law at one rate go through a table. State (an odd
/// byte, the resampler's filter) is kept from call to call, so cutting the input anywhere gives the same
/// output.
public struct Transcoder: ~Copyable, Sendable {
    private enum Way: Sendable { case same, law(G711.Law), linear }

    /// The format taken.
    public let input: AudioFormat
    /// The format given.
    public let output: AudioFormat
    private let way: Way
    private var decoder: SampleDecoder
    private var resampler: Resampler
    private var decoded: [Int16] = []
    private var resampled: [Int16] = []

    /// A transcoder from `input` to `output`.
    ///
    /// - Parameter aligned: see `Resampler`; takes the filter's delay off at the start.
    /// - Throws: what `Resampler` throws for the two rates.
    public init(from input: AudioFormat, to output: AudioFormat, aligned: Bool = false) throws(AudioError) {
        self.input = input
        self.output = output
        decoder = SampleDecoder(input)
        resampler = try Resampler(from: input.rate, to: output.rate, aligned: aligned)
        if input == output {
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

    /// Appends the tail that the resampler holds and starts anew.
    public mutating func flush(into target: inout [UInt8]) {
        resampled.removeAll(keepingCapacity: true)
        resampler.flush(into: &resampled)
        encode(resampled, into: &target)
        decoder.reset()
    }

    /// Forgets all sound so far.
    public mutating func reset() {
        decoder.reset()
        resampler.reset()
    }

    private func encode(_ samples: [Int16], into target: inout [UInt8]) {
        samples.withUnsafeBufferPointer { SampleEncoder.encode($0, as: output.codec, into: &target) }
    }
}
