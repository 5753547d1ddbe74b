// A streaming sampling-rate converter: the owner of one speexdsp resampler.
import CSpeexDSP

/// Converts mono samples from one rate to another, keeping its filter's state from call to call.
///
/// Quality 5 of speexdsp: tones up to 80 % of the band come out 80 dB or more above everything else, and what
/// lies above the new Nyquist frequency (from 1.1 times on) is 80 dB or more down. The ratio is a fraction of
/// whole numbers, so nothing drifts: after n samples in, ⌈n × to ∕ from⌉ samples are out (less the constant
/// latency if `aligned`). How the input is cut makes no difference to the output. Equal rates pass samples
/// through untouched.
public struct Resampler: ~Copyable, @unchecked Sendable {
    // @unchecked Sendable: the handle has one owner, which cannot be copied; it moves with it from thread to
    // thread.
    private let state: OpaquePointer?
    /// Samples a second in (hertz).
    public let inputRate: Int
    /// Samples a second out (hertz).
    public let outputRate: Int
    /// Whether the filter's delay is taken off at the start, so that output sample 0 is the time of input
    /// sample 0.
    public let aligned: Bool

    /// Rates taken, in hertz.
    public static let supportedRates = 8000...96000
    private static let quality: Int32 = 5
    private static let silence = [Int16](repeating: 0, count: 256)

    /// A resampler from `inputRate` to `outputRate` hertz.
    ///
    /// - Parameter aligned: takes the filter's delay off at the start: the first output comes late by
    ///   `latency` and then belongs to the first input exactly. For files; a live stream wants an even flow
    ///   instead.
    /// - Throws: `unsupportedRate`, or `resampler` when the library cannot allocate.
    public init(from inputRate: Int, to outputRate: Int, aligned: Bool = false) throws(AudioError) {
        state = try Self.make(from: inputRate, to: outputRate, aligned: aligned)
        self.inputRate = inputRate
        self.outputRate = outputRate
        self.aligned = aligned
    }

    deinit {
        if let state { speex_resampler_destroy(state) }
    }

    /// The filter's delay in output samples (a constant of the two rates; 3 to 6 ms).
    public var latency: Int { state.map { Int(speex_resampler_get_output_latency($0)) } ?? 0 }

    /// Resamples `input` and appends what is ready.
    public mutating func process(_ input: UnsafeBufferPointer<Int16>, into output: inout [Int16]) {
        guard let state else {
            output.append(contentsOf: input)
            return
        }
        // A piece of input is small enough for the library's 32-bit counts.
        var rest = input[...]
        while !rest.isEmpty {
            let piece = UnsafeBufferPointer(rebasing: rest.prefix(8192))
            rest = rest.dropFirst(piece.count)
            Self.run(state, piece, room: piece.count * outputRate / inputRate + 2, into: &output)
        }
    }

    /// Appends the tail that the filter still holds, as if silence followed, and starts anew.
    ///
    /// An aligned resampler has then given ⌈n × to ∕ from⌉ samples for n in, another one `latency` more.
    public mutating func flush(into output: inout [Int16]) {
        guard let state else { return }
        var left = Int(speex_resampler_get_input_latency(state))
        while left > 0 {
            let count = min(left, Self.silence.count)
            Self.silence.withUnsafeBufferPointer {
                Self.run(
                    state, UnsafeBufferPointer(rebasing: $0[..<count]),
                    room: count * outputRate / inputRate + 2,
                    into: &output)
            }
            left -= count
        }
        reset()
    }

    /// Forgets all sound so far.
    public mutating func reset() {
        guard let state else { return }
        speex_resampler_reset_mem(state)
        if aligned { speex_resampler_skip_zeros(state) }
    }

    private static func make(
        from inputRate: Int, to outputRate: Int, aligned: Bool
    ) throws(AudioError) -> OpaquePointer? {
        for rate in [inputRate, outputRate] where !supportedRates.contains(rate) {
            throw .unsupportedRate(rate)
        }
        guard inputRate != outputRate else { return nil }
        var code: Int32 = 0
        guard let made = speex_resampler_init(1, UInt32(inputRate), UInt32(outputRate), quality, &code) else {
            throw .resampler(code: code)
        }
        if aligned { speex_resampler_skip_zeros(made) }
        return made
    }

    private static func run(
        _ state: OpaquePointer, _ input: UnsafeBufferPointer<Int16>, room: Int, into output: inout [Int16]
    ) {
        var made: UInt32 = 0
        output.appendFilled(room) { target in
            var taken = UInt32(input.count)
            made = UInt32(room)
            speex_resampler_process_int(state, 0, input.baseAddress, &taken, target.baseAddress, &made)
        }
        output.removeLast(room - Int(made))
    }
}
