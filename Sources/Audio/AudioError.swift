// What the audio room refuses.

/// Why a resampler, coder or transcoder could not be made.
public enum AudioError: Error, Sendable, Hashable {
    /// A sampling rate (hertz) outside `Resampler.supportedRates`, or one that the codec does not have.
    case unsupportedRate(Int)
    /// The resampling library returned this code (`RESAMPLER_ERR_…` of speexdsp), mostly out of memory.
    case resampler(code: Int32)
    /// A codec's library could not make a coder (its own code, 0 when it tells none), mostly out of memory.
    case coder(AudioCodec, code: Int32)
}
