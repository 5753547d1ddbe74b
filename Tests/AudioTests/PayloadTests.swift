// What payloads say of themselves: tables of the standards, vectors, byte orders, and hostile bytes.
import Foundation
import Testing

@testable import Audio

/// The carriers' codec vectors.
enum CodecVectors {
    static func load() throws -> [String: Any] {
        let url = try #require(Bundle.module.url(forResource: "Vectors/codec_vectors", withExtension: "json"))
        return try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
    }

    static func part(_ name: String) throws -> [String: Any] {
        try #require(try load()[name] as? [String: Any])
    }

    static func bytes(_ base64: Any?) throws -> [UInt8] {
        let text = try #require(base64 as? String)
        return [UInt8](try #require(Data(base64Encoded: text)))
    }

    static func hex(_ text: Any?) throws -> [UInt8] {
        let digits = Array(try #require(text as? String))
        return stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(digits[$0..<$0 + 2]), radix: 16)
        }
    }
}

@Suite struct PayloadTests {
    /// The length and silence of `bytes` in `format`.
    static func measure(_ bytes: [UInt8], _ format: AudioFormat) -> PayloadMeasure {
        bytes.withUnsafeBytes { format.measure($0) }
    }

    static let bigEndian = AudioFormat(.pcm16be, rate: 16_000)
    static let opus16k = AudioFormat(.opus, rate: 16_000)

    /// RFC 6716 §3.1, table 2: ten times the milliseconds of a frame by configuration.
    static let opusFrames: [Int] =
        [100, 200, 400, 600, 100, 200, 400, 600, 100, 200, 400, 600, 100, 200, 100, 200]
        + [25, 50, 100, 200, 25, 50, 100, 200, 25, 50, 100, 200, 25, 50, 100, 200]

    @Test(arguments: [8_000, 16_000, 48_000]) func opusPacketsTellTheirLength(rate: Int) {
        let format = AudioFormat(.opus, rate: rate)
        for (configuration, tenths) in Self.opusFrames.enumerated() {
            let frame = rate * tenths / 10_000
            for stereo in [0, 4] as [UInt8] {
                let head = UInt8(configuration) << 3 | stereo
                #expect(
                    Self.measure([head, 1, 2], format) == PayloadMeasure(samples: frame, isMalformed: false))
                // Two frames of one size, then two of different sizes, then as many as the count byte says.
                #expect(Self.measure([head | 1, 1, 2], format).samples == 2 * frame)
                #expect(Self.measure([head | 2, 1, 9, 8], format).samples == 2 * frame)
                #expect(Self.measure([head | 1, 1], format).isMalformed)
                let most = 1200 / tenths
                #expect(Self.measure([head | 3, UInt8(most)], format).samples == most * frame)
                #expect(Self.measure([head | 3, UInt8(most + 1)], format).isMalformed)
                #expect(Self.measure([head | 3, 0], format).isMalformed)
            }
        }
        let long = [UInt8](repeating: 1, count: 1_501)
        #expect(Self.measure(long, format) == PayloadMeasure(samples: rate / 50, isMalformed: true))
        #expect(Self.measure([], format) == PayloadMeasure(samples: 0, isMalformed: false))
    }

    @Test func amrwbLengthsAreThoseOfTheVectors() throws {
        let amr = try CodecVectors.part("amrwb")
        let lengths = try #require(amr["speech_bits_by_ft"] as? [Int])
        #expect(Array(AMRWBPayload.bitsOfType[..<9]) == lengths)
        #expect(AMRWBPayload.bitsOfType[9] == amr["sid_bits_ft9"] as? Int)
        let efficient = try #require(amr["bandwidth_efficient_payload_bytes_1frame"] as? [Int])
        let aligned = try #require(amr["octet_aligned_payload_bytes_1frame"] as? [Int])
        let good = PayloadMeasure(samples: 320, isMalformed: false)
        for type in 0..<10 {
            // One frame of type `type`: CMR 15, F 0, Q 1; nothing but the right length is a payload.
            let packed: [UInt8] = [0xF0 | UInt8(type >> 1), UInt8(type & 1) << 7 | 0x40]
            let octets: [UInt8] = [0xF0, UInt8(type << 3 | 4)]
            for size in 2..<70 {
                let rest = [UInt8](repeating: 0, count: size - 2)
                let isPacked = size == (type < 9 ? efficient[type] : 7)
                // The header of the one read as that of the other: an octet-aligned frame of type 8, 62 bytes.
                let isOther = type == 0 && size == aligned[8]
                #expect(Self.measure(packed + rest, .amrwb).isMalformed == !(isPacked || isOther))
                let isAligned = size == (type < 9 ? aligned[type] : 7)
                // Likewise: a bandwidth-efficient frame of type 0, 18 bytes.
                let isOtherToo = size == efficient[0]
                #expect(Self.measure(octets + rest, .amrwb).isMalformed == !(isAligned || isOtherToo))
                #expect(Self.measure(octets + rest, .amrwb).samples == 320)
            }
        }
        let none = try #require(amr["no_data"] as? [String: Any])
        #expect(Self.measure(try CodecVectors.hex(none["bandwidth_efficient_hex"]), .amrwb) == good)
        #expect(Self.measure(try CodecVectors.hex(none["octet_aligned_hex"]), .amrwb) == good)
        #expect(Self.measure(try CodecVectors.hex(amr["speech_1265_example_be_hex"]), .amrwb) == good)
        // Types 10 to 13 are reserved.
        for type in 10..<14 {
            #expect(Self.measure([0xF0 | UInt8(type >> 1), UInt8(type & 1) << 7 | 0x40], .amrwb).isMalformed)
        }
    }

    /// A frame in both packings is one frame: the decoder gives the same samples.
    @Test func bothPackingsAreTheSameSpeech() throws {
        let payloads = try CodecTests.payloads(Array(CodecSpeech.at16k.prefix(16_000)), .amrwb)
        let stored = CodecTests.awb(payloads).dropFirst(9)
        #expect(stored.count == payloads.count * 33)
        let aligned = stride(from: 9, to: 9 + stored.count, by: 33).map {
            [0xF0] + Array(stored[$0..<$0 + 33])
        }
        #expect(aligned.allSatisfy { $0.count == 34 })
        let expected = try CodecTests.decoded(payloads, .amrwb)
        #expect(try CodecTests.decoded(aligned, .amrwb) == expected)
        // Two frames in one payload: twice as long, the same samples. CMR 15, 1 0010 1, 0 0010 1, then 506 bits.
        var pairs: [[UInt8]] = []
        for index in stride(from: 0, to: payloads.count - 1, by: 2) {
            var bits: [UInt8] = [1, 1, 1, 1, 1, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 1]
            for payload in payloads[index...index + 1] {
                bits += payload.flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 } }[10..<263]
            }
            bits += [UInt8](repeating: 0, count: (8 - bits.count % 8) % 8)
            pairs.append(
                stride(from: 0, to: bits.count, by: 8).map { bits[$0..<$0 + 8].reduce(0) { $0 << 1 | $1 } })
        }
        #expect(Self.measure(pairs[0], .amrwb).samples == 640)
        #expect(try CodecTests.decoded(pairs, .amrwb) == expected)
    }

    /// The vector's tone: both orders, exactly, and found out.
    @Test func linearSoundOfTheVectors() throws {
        let tone = try CodecVectors.part("tone_440_20ms")
        let little = try CodecVectors.bytes(tone["l16_le_16k_b64"])
        let big = try CodecVectors.bytes(tone["l16_be_16k_b64"])
        #expect(little.count == 640 && big.count == 640)
        // 440 Hz, each sample within rounding of one sine.
        let samples = LinearPCM.samples(little)
        var told = try SampleDecoder(Self.bigEndian)
        #expect(told.decode(big) == samples)
        #expect(samples[0] == 0 && abs(samples.map { Int($0) }.max() ?? 0) <= 8192)
        for payload in [little, big] {
            var auto = try SampleDecoder(AudioFormat(.pcm16auto, rate: 16_000))
            #expect(auto.decode([UInt8](repeating: 0, count: 640)) == [Int16](repeating: 0, count: 320))
            #expect(auto.decode(payload) == samples)
        }
        #expect(SampleEncoder.encode(samples, as: .pcm16) == little)
        #expect(SampleEncoder.encode(samples, as: .pcm16auto) == little)
        #expect(SampleEncoder.encode(samples, as: .pcm16be) == big)
        let sizes = try CodecVectors.part("bytes_per_20ms")
        #expect(sizes["G722 (64 kbit/s, 16 kHz audio, 8 kHz RTP clock)"] as? Int == 160)
        #expect(AudioFormat.g722.bytes(inMilliseconds: 20) == 160)
        #expect(AudioFormat(.pcm16auto, rate: 16_000).bytes(inMilliseconds: 20) == sizes["L16 16k"] as? Int)
    }

    /// From the first frame of speech on the order is right, at every loudness and both rates.
    @Test(arguments: [1, 4, 32, 256], [8_000, 16_000])
    func theByteOrderIsFound(quieter: Int, rate: Int) throws {
        let speech = CodecSpeech.at(rate).map { Int16(Int($0) / quieter) }
        for isBig in [false, true] {
            let bytes = SampleEncoder.encode(speech, as: isBig ? .pcm16be : .pcm16)
            let frame = rate / 50 * 2
            var decoder = try SampleDecoder(AudioFormat(.pcm16auto, rate: rate))
            var heard: [Int16] = []
            for start in stride(from: 0, to: bytes.count, by: frame) {
                heard += decoder.decode(Array(bytes[start..<min(start + frame, bytes.count)]))
            }
            let wrong = zip(heard, speech).filter { $0 != $1 }.count
            // What is wrong is the near-silence before the first word that tells nothing: no word of it.
            let loud = zip(heard, speech).contains { $0 != $1 && abs(Int($1)) > 64 / quieter + 4 }
            #expect(!loud && wrong < rate / 2, "\(wrong) samples in the wrong order")
        }
    }

    /// 8-bit sound in the upper bytes, whose other order is quiet and smooth, too.
    @Test func loudEightBitSoundIsNotSwapped() throws {
        let speech = CodecSpeech.at8k.map { $0 / 256 * 256 }
        var decoder = try SampleDecoder(AudioFormat(.pcm16auto, rate: 8_000))
        #expect(decoder.decode(LinearPCM.bytes(speech)) == speech)
    }

    /// Noise, whose orders look alike, is taken as little-endian.
    @Test func noiseIsLittleEndian() throws {
        var random = SystemRandomNumberGenerator()
        let noise = (0..<32_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        var decoder = try SampleDecoder(AudioFormat(.pcm16auto, rate: 8_000))
        #expect(decoder.decode(noise) == LinearPCM.samples(noise))
    }

    /// Any bytes at all: as many samples as the payload says, 20 ms of silence for what is no packet.
    @Test(arguments: CodecTests.formats + [AudioFormat(.pcm16auto, rate: 8_000)])
    func hostilePayloads(format: AudioFormat) throws {
        let good =
            format.codec.isMemoryless
            ? [[UInt8](repeating: 7, count: 320)]
            : try CodecTests.payloads(Array(CodecSpeech.at(format.rate).prefix(format.rate)), format)
        var state: UInt64 = 42
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % max(bound, 1)
        }
        var decoder = try SampleDecoder(format)
        var samples: [Int16] = []
        var malformed = 0
        for round in 0..<10_000 {
            var payload = good[random(good.count)]
            switch round % 5 {
            case 0: for _ in 0...random(4) { payload[random(payload.count)] ^= UInt8(1 << random(8)) }
            case 1: payload.removeLast(random(payload.count))
            case 2: payload += (0..<random(1_600)).map { _ in UInt8(random(256)) }
            case 3: payload = (0...random(80)).map { _ in UInt8(random(256)) }
            default: payload[0] = UInt8(random(256))
            }
            samples.removeAll(keepingCapacity: true)
            let told = Self.measure(payload, format)
            payload.withUnsafeBytes { decoder.decode($0, into: &samples) }
            if format.codec.isLinear {
                #expect(abs(samples.count - told.samples) <= 1)
            } else {
                #expect(samples.count == told.samples && samples.count <= max(6 * 960, payload.count * 2))
            }
            guard told.isMalformed else { continue }
            malformed += 1
            #expect(samples == [Int16](repeating: 0, count: format.rate / 50))
        }
        #expect(format.codec.isPacketed == (malformed > 500))
        // The stream goes on: speech after the storm is speech.
        guard format.codec.isPacketed else { return }
        let speech = CodecSpeech.at(format.rate)
        let heard = try CodecTests.payloads(speech, format).flatMap { decoder.decode($0) }
        #expect(Likeness(heard, to: speech).correlation > 0.9)
    }
}
