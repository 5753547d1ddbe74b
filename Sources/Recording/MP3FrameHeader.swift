// The four bytes at the start of an MPEG audio layer III frame.

/// A frame header (ISO/IEC 11172-3 2.4.1.3, 13818-3; MPEG-2.5 by its common extension).
public struct MP3FrameHeader: Sendable, Hashable {
    /// Samples a second (hertz).
    public let rate: Int
    /// Thousands of bits a second.
    public let kilobits: Int
    /// 1 or 2.
    public let channels: Int
    /// Bits 7–6 of the fourth byte: 0 stereo, 1 joint stereo, 2 dual channel, 3 mono.
    public let mode: Int
    /// 1152 in MPEG-1, else 576.
    public let samplesPerFrame: Int
    /// Bytes of the frame, header included.
    public let length: Int

    /// Bytes of side information behind the header.
    public var sideInformationLength: Int {
        samplesPerFrame == 1152 ? (channels == 2 ? 32 : 17) : (channels == 2 ? 17 : 9)
    }

    /// Reads the header at the start of `bytes`; nil if there is none, or if the bit rate is free.
    public init?(_ bytes: some Collection<UInt8>) {
        let head = Array(bytes.prefix(4))
        // Eleven bits of sync, layer III.
        guard head.count == 4, head[0] == 0xFF, head[1] & 0xE6 == 0xE2 else { return nil }
        let version = Int(head[1] >> 3 & 3)
        let rateIndex = Int(head[2] >> 2 & 3)
        guard version != 1, rateIndex != 3 else { return nil }
        let isMPEG1 = version == 3
        kilobits = (isMPEG1 ? Self.mpeg1Kilobits : Self.mpeg2Kilobits)[Int(head[2] >> 4)]
        guard kilobits > 0 else { return nil }
        rate = [44100, 48000, 32000][rateIndex] / (isMPEG1 ? 1 : version == 2 ? 2 : 4)
        mode = Int(head[3] >> 6)
        channels = mode == 3 ? 1 : 2
        samplesPerFrame = isMPEG1 ? 1152 : 576
        length = samplesPerFrame / 8 * kilobits * 1000 / rate + Int(head[2] >> 1 & 1)
    }

    private static let mpeg1Kilobits = [
        0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0,
    ]
    private static let mpeg2Kilobits = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0]
}
