// What the audio room refuses.

/// Why a resampler or transcoder could not be made.
public enum AudioError: Error, Sendable, Hashable {
    /// A sampling rate (hertz) outside `Resampler.supportedRates`.
    case unsupportedRate(Int)
    /// The resampling library returned this code (`RESAMPLER_ERR_…` of speexdsp), mostly out of memory.
    case resampler(code: Int32)
}
