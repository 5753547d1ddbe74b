// How a recording is coded as MP3, and which settings are refused.

/// Why MP3 settings are refused.
public enum MP3SettingsError: Error, Sendable, Hashable {
    /// No MPEG audio layer III at this sampling rate (hertz).
    case rate(Int)
    /// Layer III has no such bit rate at this sampling rate; LAME would silently take another.
    case unknownBitRate(kilobits: Int, rate: Int)
    /// Frames of this bit rate are too short for the Info tag, without which players start late and show a
    /// wrong length.
    case bitRateTooLowForTag(kilobits: Int, least: Int)
    /// LAME's quality is 0 (best) to 9.
    case quality(Int)
}

extension MP3SettingsError: CustomStringConvertible {
    /// What is wrong, and what would do.
    public var description: String {
        switch self {
        case .rate(let rate): "MP3 has no sampling rate of \(rate) Hz"
        case .unknownBitRate(let kilobits, let rate):
            "MP3 has no \(kilobits) kbit/s at \(rate) Hz; it has \(Self.list(MP3Settings.acceptedKilobits(rate: rate)))"
        case .bitRateTooLowForTag(let kilobits, let least):
            "\(kilobits) kbit/s leave no room for the tag that tells players the length; the least is \(least)"
        case .quality(let quality): "\(quality) is no quality of LAME's; they are 0 (best) to 9"
        }
    }

    private static func list(_ numbers: [Int]) -> String { numbers.map { "\($0)" }.joined(separator: ", ") }
}

/// Rate, channels, bit rate and effort of an MP3 recording. Always constant bit rate.
public struct MP3Settings: Sendable, Hashable {
    /// What the channels hold.
    public enum Channels: String, Sendable, Hashable, CaseIterable, Codable {
        /// Left and right kept apart: plain stereo, never joint, so a silent channel decodes to digital zero.
        case dual
        /// One channel, (left + right) ∕ 2, which cannot clip.
        case mixed
    }

    /// Samples a second, in and out (hertz).
    public var rate: Int
    /// One channel or two.
    public var channels: Channels
    /// Thousands of bits a second, both channels together.
    public var kilobits: Int
    /// LAME's quality, 0 (slow, best) to 9; 5 by default, 7 costs two thirds of it.
    public var quality: Int

    /// Settings; without `kilobits` those of `standardKilobits`.
    public init(rate: Int = 8000, channels: Channels = .dual, kilobits: Int? = nil, quality: Int = 5) {
        self.rate = rate
        self.channels = channels
        self.kilobits = kilobits ?? Self.standardKilobits(rate: rate)
        self.quality = quality
    }

    /// What one rate allows.
    struct RateRow: Sendable {
        let rate: Int
        /// The least bit rate whose frame holds the Info tag.
        ///
        /// A frame is 72 × bit rate ∕ rate bytes (144 × from 32 kHz on). LAME's tag takes 156 bytes after the
        /// 4 of the header and the side information (17 bytes in stereo, 32 from 32 kHz on): 177 or 192
        /// bytes. At 8 kHz 24 kbit/s gives 216 and 16 gives 144; at 16 kHz 40 gives 180 and 32 gives 144; at
        /// 24 kHz 64 gives 192 and 56 gives 168. Below, LAME drops the tag without a word. Tried with LAME
        /// 3.100 at every rate; the stereo limit is used for one channel too.
        let least: Int
        /// Enough for two voices without audible loss, with no low-pass below the Nyquist frequency (from 32
        /// kHz on: 15 kHz).
        let standard: Int
        let bitRates: [Int]
    }

    private static let mpeg25 = [8, 16, 24, 32, 40, 48, 56, 64]
    private static let mpeg2 = mpeg25 + [80, 96, 112, 128, 144, 160]
    private static let mpeg1 = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
    /// ISO/IEC 11172-3 and 13818-3 bit rates; MPEG-2.5 (8–12 kHz) as LAME takes them, up to 64.
    static let rows: [RateRow] = [
        RateRow(rate: 8000, least: 24, standard: 48, bitRates: mpeg25),
        RateRow(rate: 11025, least: 32, standard: 48, bitRates: mpeg25),
        RateRow(rate: 12000, least: 32, standard: 56, bitRates: mpeg25),
        RateRow(rate: 16000, least: 40, standard: 64, bitRates: mpeg2),
        RateRow(rate: 22050, least: 56, standard: 80, bitRates: mpeg2),
        RateRow(rate: 24000, least: 64, standard: 96, bitRates: mpeg2),
        RateRow(rate: 32000, least: 48, standard: 128, bitRates: mpeg1),
        RateRow(rate: 44100, least: 64, standard: 128, bitRates: mpeg1),
        RateRow(rate: 48000, least: 64, standard: 128, bitRates: mpeg1),
    ]

    /// The bit rate taken by default: 48 at 8 kHz, 64 at 16 kHz, 96 at 24 kHz.
    public static func standardKilobits(rate: Int) -> Int {
        rows.first { $0.rate == rate }?.standard ?? 64
    }

    /// The bit rates `validate` accepts at `rate`; none for a rate MP3 does not have.
    public static func acceptedKilobits(rate: Int) -> [Int] {
        guard let row = rows.first(where: { $0.rate == rate }) else { return [] }
        return row.bitRates.filter { $0 >= row.least }
    }

    /// Refuses what LAME would round or could not tag.
    public func validate() throws(MP3SettingsError) {
        guard let row = Self.rows.first(where: { $0.rate == rate }) else { throw .rate(rate) }
        guard row.bitRates.contains(kilobits) else { throw .unknownBitRate(kilobits: kilobits, rate: rate) }
        guard kilobits >= row.least else {
            throw .bitRateTooLowForTag(kilobits: kilobits, least: row.least)
        }
        guard (0...9).contains(quality) else { throw .quality(quality) }
    }

    /// Samples of one channel in one MP3 frame: 576 up to 24 kHz (MPEG-2 and 2.5), 1152 above.
    public var samplesPerFrame: Int { rate < 32000 ? 576 : 1152 }
}
