// AMR-WB frames in RFC 4867 payloads, bandwidth-efficient and octet-aligned.

/// The packing of AMR-WB.
enum AMRWBPayload {
    /// Samples of a frame: 20 ms at 16 kHz.
    static let frameSamples = 320
    /// The mode we send: 12.65 kbit/s, the one Telnyx was seen to send (33 bytes a message), hence one it takes.
    static let sentMode = 2
    /// Bytes of each payload we send: 4 bits of mode request, 6 of contents, 253 of speech.
    static let sentBytes = 33
    /// Most frames in a payload, as long as the longest Opus packet: Telnyx sends one a message.
    static let mostFrames = 6
    /// Bytes of the longest frame as it is stored: a header and 477 bits.
    static let mostStored = 61

    /// Speech bits of frame types 0 to 8 (3GPP TS 26.201, table 2), and of SID, 9.
    static let bitsOfType = [132, 177, 253, 285, 317, 365, 397, 461, 477, 40]
    /// "Speech lost" and "no data": frames without bits.
    static let speechLost = 14
    static let noData = 15

    /// One frame of a payload.
    struct Frame: Hashable {
        /// Frame type: 0 to 8 speech, 9 SID, 14 lost, 15 none.
        var type: Int
        /// Whether the frame is undamaged (Q).
        var isGood: Bool
        /// Its first bit in the payload.
        var start: Int
        /// Its bits.
        var bits: Int
    }

    /// Samples that `payload` lasts, or nil when it is none of the two packings.
    static func samples(of payload: UnsafeRawBufferPointer) -> Int? {
        frames(of: payload) { _ in }.map { $0 * frameSamples }
    }

    /// Calls `visit` with each frame of `payload` and returns how many there are, or nil (then without a call).
    ///
    /// The packing is told by the length alone: a payload of one frame fits exactly one of them, since the reserved
    /// bits of the octet-aligned one read as frame type 0 or 1 in the other, whose lengths differ.
    static func frames(of payload: UnsafeRawBufferPointer, visit: (Frame) -> Void) -> Int? {
        scan(payload, aligned: false, visit) ?? scan(payload, aligned: true, visit)
    }

    private static func scan(
        _ payload: UnsafeRawBufferPointer, aligned: Bool, _ visit: (Frame) -> Void
    ) -> Int? {
        // Octet-aligned: four reserved zero bits after the mode request, two after each entry (RFC 4867 §4.4).
        guard !payload.isEmpty, !aligned || payload[0] & 0x0F == 0 else { return nil }
        let entry = aligned ? 8 : 6
        var bit = aligned ? 8 : 4
        var entries: UInt64 = 0
        var count = 0
        var more = true
        while more {
            guard count < mostFrames, bit + entry <= payload.count * 8 else { return nil }
            let read = bits(entry, at: bit, of: payload)
            if aligned, read & 3 != 0 { return nil }
            let fields = aligned ? read >> 2 : read
            entries |= UInt64(fields & 31) << UInt64(8 * count)
            more = fields & 32 != 0
            bit += entry
            count += 1
        }
        var at = bit
        for index in 0..<count {
            guard let bits = length(ofType: Int(entries >> UInt64(8 * index) & 31) >> 1) else { return nil }
            at += aligned ? (bits + 7) & ~7 : bits
        }
        guard (at + 7) / 8 == payload.count else { return nil }
        at = bit
        for index in 0..<count {
            let fields = Int(entries >> UInt64(8 * index) & 31)
            let bits = length(ofType: fields >> 1) ?? 0
            visit(Frame(type: fields >> 1, isGood: fields & 1 == 1, start: at, bits: bits))
            at += aligned ? (bits + 7) & ~7 : bits
        }
        return count
    }

    /// Bits of a frame of `type`; nil for the reserved types 10 to 13, whose packets are dropped (RFC 4867 §4.3.2).
    private static func length(ofType type: Int) -> Int? {
        type < bitsOfType.count ? bitsOfType[type] : type >= speechLost ? 0 : nil
    }

    private static func bits(_ count: Int, at start: Int, of payload: UnsafeRawBufferPointer) -> Int {
        var value = 0
        for bit in start..<start + count { value = value << 1 | Int(payload[bit >> 3] >> (7 - bit & 7) & 1) }
        return value
    }

    /// Writes `frame` of `payload` as files store it (RFC 4867 §5.3): header byte, bits from the highest on.
    static func store(
        _ frame: Frame, of payload: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<UInt8>
    ) {
        target.update(repeating: 0)
        // A damaged frame is one that was lost: the decoder conceals it.
        let type = frame.isGood || frame.bits == 0 ? frame.type : speechLost
        target[0] = UInt8(type << 3 | 4)
        guard type == frame.type else { return }
        var bit = 0
        while bit < frame.bits {
            let count = min(8, frame.bits - bit)
            target[1 + bit / 8] = UInt8(bits(count, at: frame.start + bit, of: payload) << (8 - count))
            bit += count
        }
    }

    /// Appends a stored frame (header byte, then its bits) as a bandwidth-efficient payload without a mode
    /// request (CMR 15): 4 bits of request, F 0, four of type, Q 1, then the bits (RFC 4867 §4.3).
    static func appendBandwidthEfficient(_ stored: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
        guard let header = stored.first else { return }
        let type = Int(header >> 3 & 15)
        let bits = length(ofType: type) ?? 0
        let size = (10 + bits + 7) / 8
        output.appendFilled(size) { target in
            target[0] = 0xF0 | UInt8(type >> 1)
            target[1] = UInt8(type & 1) << 7 | 0x40
            for index in 0..<(bits + 7) / 8 where index + 1 < stored.count {
                target[1 + index] |= stored[1 + index] >> 2
                if 2 + index < size { target[2 + index] = stored[1 + index] << 6 }
            }
        }
    }
}
