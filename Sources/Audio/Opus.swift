// Opus packets (RFC 6716): what they say of themselves, and the owners of libopus's encoder and decoder.
import COpus

/// The outside of an Opus packet.
enum OpusPacket {
    /// Bytes of each packet we send: 20 ms at 24 kbit/s, constant.
    static let bytes = 60
    static let bitRate: Int32 = 24_000
    /// Libopus's effort, 0 to 10. Beyond 5 speech at this bitrate gains little, and CPU rises.
    static let complexity: Int32 = 5
    /// Largest packet taken. A frame has at most 1,275 bytes (RFC 6716 §3.2.1), and Telnyx sends one a message.
    static let most = 1_500

    /// Rates the decoder gives (opus_decoder_create).
    static let rates: Set<Int> = [8_000, 12_000, 16_000, 24_000, 48_000]

    /// Samples at `rate` hertz that `packet` lasts, or nil when its frames do not fit its bytes (RFC 6716 §3.4).
    static func samples(of packet: UnsafeRawBufferPointer, rate: Int) -> Int? {
        guard let base = packet.bindMemory(to: UInt8.self).baseAddress, packet.count <= most,
            rates.contains(rate)
        else { return nil }
        return withUnsafeTemporaryAllocation(of: Int16.self, capacity: 48) { sizes in
            guard let lengths = sizes.baseAddress else { return nil }
            let frames = opus_packet_parse(base, Int32(packet.count), nil, nil, lengths, nil)
            guard frames > 0 else { return nil }
            return Int(frames) * frameSamples(of: packet[0], rate: rate)
        }
    }

    /// Samples of each frame of a packet that begins with `contents` (table 2 of RFC 6716 §3.1).
    static func frameSamples(of contents: UInt8, rate: Int) -> Int {
        let configuration = Int(contents >> 3)
        switch configuration {
        // SILK: 10, 20, 40, 60 ms. Hybrid: 10, 20 ms. CELT: 2.5, 5, 10, 20 ms.
        case 0..<12: return rate / 100 * [1, 2, 4, 6][configuration % 4]
        case 12..<16: return rate / 100 * (1 + configuration % 2)
        default: return (rate / 400) << (configuration % 4)
        }
    }
}

/// Decodes Opus packets to one rate, mono (a stereo packet is mixed).
struct OpusPacketDecoder: ~Copyable, @unchecked Sendable {
    // @unchecked Sendable: the state has one owner, which cannot be copied.
    private let state: OpaquePointer
    private let rate: Int

    /// Throws `unsupportedRate`, or `coder` when the library has no memory.
    init(rate: Int) throws(AudioError) {
        guard OpusPacket.rates.contains(rate) else { throw .unsupportedRate(rate) }
        var code: Int32 = 0
        guard let made = opus_decoder_create(Int32(rate), 1, &code) else { throw .coder(.opus, code: code) }
        state = made
        self.rate = rate
    }

    deinit { opus_decoder_destroy(state) }

    /// Appends as many samples as `AudioFormat.samples(in:)` says; silence for a malformed packet.
    func decode(_ packet: UnsafeRawBufferPointer, into output: inout [Int16]) {
        guard !packet.isEmpty else { return }
        let told = OpusPacket.samples(of: packet, rate: rate)
        let base = packet.bindMemory(to: UInt8.self).baseAddress
        output.appendFilled(told ?? rate / 50) { target in
            guard told != nil, let start = target.baseAddress else { return }
            let made = opus_decode(state, base, Int32(packet.count), start, Int32(target.count), 0)
            // Frames that cannot be decoded although they fit: silence, whatever was written.
            if made != target.count { target.update(repeating: 0) }
        }
    }

    /// Forgets all sound so far.
    func reset() { _ = copus_reset_decoder(state) }
}

/// Encodes 20 ms of mono sound as one packet of `OpusPacket.bytes`.
struct OpusPacketEncoder: ~Copyable, @unchecked Sendable {
    // @unchecked Sendable: the state has one owner, which cannot be copied.
    private let state: OpaquePointer

    /// Throws `unsupportedRate`, or `coder` when the library has no memory or refuses the settings.
    init(rate: Int) throws(AudioError) {
        guard OpusPacket.rates.contains(rate) else { throw .unsupportedRate(rate) }
        var code: Int32 = 0
        guard let made = opus_encoder_create(Int32(rate), 1, OPUS_APPLICATION_VOIP, &code) else {
            throw .coder(.opus, code: code)
        }
        code = copus_set_up(made, OpusPacket.bitRate, OpusPacket.complexity)
        guard code == OPUS_OK else {
            opus_encoder_destroy(made)
            throw .coder(.opus, code: code)
        }
        state = made
    }

    deinit { opus_encoder_destroy(state) }

    /// Appends one packet for the 20 ms in `frame`.
    func encode(_ frame: UnsafeBufferPointer<Int16>, into output: inout [UInt8]) {
        guard let sound = frame.baseAddress else { return }
        output.appendFilled(OpusPacket.bytes) { target in
            guard let packet = target.baseAddress else { return }
            let made = opus_encode(state, sound, Int32(frame.count), packet, Int32(target.count))
            guard made != target.count else { return }
            // Packets have one size. A shorter one is padded (RFC 6716 §3.2.5); none at all is a lost frame: one
            // of no bytes, padded.
            if made > 0, opus_packet_pad(packet, made, Int32(target.count)) == OPUS_OK { return }
            target.update(repeating: 0)
            target[0] = 9 << 3 | 3
            target[1] = 0x41
            target[2] = UInt8(target.count - 3)
        }
    }

    /// Forgets all sound so far.
    func reset() { _ = copus_reset_encoder(state) }
}
