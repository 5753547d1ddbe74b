// The Info tag in the first frame of an MP3, as LAME writes it.

/// What an MP3's Info frame says (Xing header with LAME extension, "Mp3 Info Tag rev 1 specifications").
public struct InfoTag: Sendable, Hashable {
    /// Length of the whole frame in bytes.
    public let frameLength: Int
    /// Samples a second (hertz).
    public let rate: Int
    /// Channels of the stream.
    public let channels: Int
    /// Samples of one channel in one frame.
    public let samplesPerFrame: Int
    /// Frames of sound; the Info frame is not counted.
    public let frames: Int
    /// Bytes of the stream, Info frame included, ID3 not.
    public let streamBytes: Int
    /// Seek table: for every percent of the time the place in the stream, in 256ths.
    public let seekTable: [UInt8]
    /// Samples the encoder put before the sound.
    public let encoderDelay: Int
    /// Samples after the sound.
    public let padding: Int
    /// Length of the stream once more, from the LAME part.
    public let musicLength: Int
    /// CRC-16 of everything after the Info frame.
    public let musicCRC: UInt16
    /// CRC-16 of the Info frame up to this number.
    public let tagCRC: UInt16
    /// Whether `tagCRC` is right.
    public let isIntact: Bool

    /// Samples of one channel that a decoder gives which trims delay and padding.
    public var samples: Int { frames * samplesPerFrame - encoderDelay - padding }

    /// Reads the tag at the start of `frame`; nil if there is none.
    public init?(_ frame: [UInt8]) {
        guard let header = MP3FrameHeader(frame), frame.count >= header.length else { return nil }
        let start = 4 + header.sideInformationLength
        // Everything up to and with the tag's CRC.
        guard header.length >= start + 156, Array(frame[start..<start + 4]) == Array("Info".utf8) else {
            return nil
        }
        func number(_ offset: Int, _ length: Int) -> Int {
            frame[start + offset..<start + offset + length].reduce(0) { $0 << 8 | Int($1) }
        }
        // Flags: frame count, byte count, seek table and quality are all there.
        guard number(4, 4) & 0xF == 0xF else { return nil }
        frameLength = header.length
        rate = header.rate
        channels = header.channels
        samplesPerFrame = header.samplesPerFrame
        frames = number(8, 4)
        streamBytes = number(12, 4)
        seekTable = Array(frame[start + 16..<start + 116])
        encoderDelay = number(141, 3) >> 12
        padding = number(141, 3) & 0xFFF
        musicLength = number(148, 4)
        musicCRC = UInt16(number(152, 2))
        tagCRC = UInt16(number(154, 2))
        isIntact = CRC16.of(frame[..<(start + 154)]) == tagCRC
    }

    /// Writes another encoder delay (0…4095) into a frame that holds a tag, and the tag's CRC anew.
    static func setEncoderDelay(_ delay: Int, in frame: inout [UInt8]) {
        guard (0...4095).contains(delay), InfoTag(frame) != nil, let header = MP3FrameHeader(frame) else {
            return
        }
        let start = 4 + header.sideInformationLength
        frame[start + 141] = UInt8(delay >> 4)
        frame[start + 142] = UInt8(delay & 0xF) << 4 | frame[start + 142] & 0xF
        let crc = CRC16.of(frame[..<(start + 154)])
        frame[start + 154] = UInt8(crc >> 8)
        frame[start + 155] = UInt8(crc & 0xFF)
    }
}

/// CRC-16 with polynomial 0x8005 reflected, from 0 ("ARC"), as the Info tag has it.
enum CRC16 {
    private static let table: [UInt16] = (0..<256).map { byte in
        (0..<8).reduce(UInt16(byte)) { crc, _ in crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0xA001 }
    }

    static func of(_ bytes: some Sequence<UInt8>, after crc: UInt16 = 0) -> UInt16 {
        bytes.reduce(crc) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
    }
}
