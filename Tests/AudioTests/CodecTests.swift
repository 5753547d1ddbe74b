// Every codec on speech, against coders that know nothing of ours.
import Foundation
import Testing

@testable import Audio

@Suite struct CodecTests {
    static let formats = [
        AudioFormat.g722, AudioFormat(.opus, rate: 8_000), AudioFormat(.opus, rate: 16_000), .amrwb,
    ]

    /// The payloads our encoder makes of `samples`, 20 ms each.
    static func payloads(_ samples: [Int16], _ format: AudioFormat) throws -> [[UInt8]] {
        var encoder = try SampleEncoder(format)
        var bytes = encoder.encode(samples)
        encoder.flush(into: &bytes)
        let size = format.bytes(inMilliseconds: 20)
        #expect(bytes.count % size == 0)
        return stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<$0 + size]) }
    }

    static func decoded(_ payloads: [[UInt8]], _ format: AudioFormat) throws -> [Int16] {
        var decoder = try SampleDecoder(format)
        return payloads.flatMap { decoder.decode($0) }
    }

    /// A payload of ours as an .awb file stores it, taken apart bit by bit: 10 bits of header, then speech.
    static func awb(_ payloads: [[UInt8]]) -> [UInt8] {
        var file = Array("#!AMR-WB\n".utf8)
        for payload in payloads {
            let bits = payload.flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 } }
            let type = bits[5..<9].reduce(0) { $0 << 1 | $1 }
            file.append(type << 3 | bits[9] << 2)
            let lengths = [132, 177, 253, 285, 317, 365, 397, 461, 477, 40]
            let speech = type < 10 ? Array(bits[10..<10 + lengths[Int(type)]]) : []
            for start in stride(from: 0, to: speech.count, by: 8) {
                let octet = speech[start..<min(start + 8, speech.count)]
                file.append(octet.reduce(0) { $0 << 1 | $1 } << UInt8(8 - octet.count))
            }
        }
        return file
    }

    @Test func thereIsSpeech() {
        #expect(CodecSpeech.at16k.count > 60_000)
        #expect(abs(CodecSpeech.at16k.count - 2 * CodecSpeech.at8k.count) < 100)
    }

    /// Six bits for the lower band and two for the upper: 20 dB and more on speech, whose upper band is weak.
    @Test func weEncodeG722() throws {
        let bytes = try Self.payloads(CodecSpeech.at16k, .g722).flatMap { $0 }
        #expect(bytes.count == (CodecSpeech.at16k.count + 319) / 320 * 160)
        let theirs = LinearPCM.samples(
            try FFmpeg.run(["-f", "g722", "-i", "-", "-f", "s16le", "-"], input: bytes))
        let likeness = Likeness(theirs, to: CodecSpeech.at16k, most: 60)
        // The two filter banks of 24 taps delay by 22 samples (ITU-T G.722, clause 3).
        #expect(likeness.lag == 22)
        #expect(likeness.decibels > 20)
        let ours = try Self.decoded([bytes], .g722)
        let worst = zip(ours, theirs).map { abs(Int($0) - Int($1)) }.max() ?? .max
        #expect(ours.count == theirs.count && worst <= 2)
    }

    @Test func weDecodeG722() throws {
        let bytes = try FFmpeg.run(
            ["-f", "s16le", "-ar", "16000", "-ac", "1", "-i", "-", "-c:a", "g722", "-f", "g722", "-"],
            input: LinearPCM.bytes(CodecSpeech.at16k))
        let likeness = Likeness(try Self.decoded([bytes], .g722), to: CodecSpeech.at16k, most: 60)
        #expect(likeness.lag == 22)
        #expect(likeness.decibels > 20)
    }

    @Test(arguments: [8_000, 16_000]) func weEncodeOpus(rate: Int) throws {
        let format = AudioFormat(.opus, rate: rate)
        let packets = try Self.payloads(CodecSpeech.at(rate), format)
        #expect(packets.allSatisfy { $0.count == 60 })
        let theirs = LinearPCM.samples(
            try FFmpeg.run(
                ["-c:a", "opus", "-i", "-", "-ar", "\(rate)", "-f", "s16le", "-"],
                input: OggOpus.wrap(packets, rate: rate)))
        let likeness = Likeness(theirs, to: CodecSpeech.at(rate))
        #expect(likeness.correlation > 0.9)
        let ours = Likeness(try Self.decoded(packets, format), to: theirs)
        let late = Likeness(theirs, to: try Self.decoded(packets, format))
        #expect(max(ours.decibels, late.decibels) > 20)
    }

    @Test(arguments: [8_000, 16_000]) func weDecodeOpus(rate: Int) throws {
        let file = try FFmpeg.run(
            [
                "-f", "s16le", "-ar", "\(rate)", "-ac", "1", "-i", "-", "-c:a", "libopus", "-application",
                "voip", "-b:a", "24k", "-frame_duration", "20", "-f", "ogg", "-",
            ], input: LinearPCM.bytes(CodecSpeech.at(rate)))
        let packets = OggOpus.packets(file)
        let format = AudioFormat(.opus, rate: rate)
        #expect(
            packets.allSatisfy { packet in
                packet.withUnsafeBytes { format.samples(in: $0) } == rate / 50
            })
        let likeness = Likeness(try Self.decoded(packets, format), to: CodecSpeech.at(rate))
        #expect(likeness.correlation > 0.9)
    }

    @Test func weEncodeAMRWB() throws {
        let payloads = try Self.payloads(CodecSpeech.at16k, .amrwb)
        #expect(payloads.allSatisfy { $0.count == 33 && $0[0] == 0xF1 && $0[1] & 0xC0 == 0x40 })
        let theirs = LinearPCM.samples(
            try FFmpeg.run(
                ["-f", "amr", "-i", "-", "-ar", "16000", "-f", "s16le", "-"], input: Self.awb(payloads)))
        let likeness = Likeness(theirs, to: CodecSpeech.at16k)
        #expect(likeness.correlation > 0.9)
        let ours = try Self.decoded(payloads, .amrwb)
        #expect(ours.count == payloads.count * 320)
        let decoders = Likeness(ours, to: theirs)
        let late = Likeness(theirs, to: ours)
        // The bands above 6.4 kHz are made of noise by each for itself; they hold little of speech.
        #expect(max(decoders.decibels, late.decibels) > 20)
    }

    /// However the samples are cut, the bytes are the same; and they begin the same after a reset.
    @Test(arguments: formats) func cutsDoNotChangeTheBytes(format: AudioFormat) throws {
        let samples = Array(CodecSpeech.at(format.rate).prefix(format.rate))
        var whole = try SampleEncoder(format)
        let expected = whole.encode(samples)
        #expect(expected.count == 50 * format.bytes(inMilliseconds: 20))
        for cuts in [[1, 7, 319], [160, 161], [3_001]] {
            var encoder = try SampleEncoder(format)
            _ = encoder.encode(Array(samples[500..<900]))
            encoder.reset()
            #expect(encoder.pendingSamples == 0)
            var bytes: [UInt8] = []
            var start = 0
            var turn = 0
            while start < samples.count {
                let end = min(samples.count, start + cuts[turn % cuts.count])
                bytes += encoder.encode(Array(samples[start..<end]))
                start = end
                turn += 1
            }
            #expect(bytes == expected)
        }
    }

    /// Decoding is one function of the payloads: again from the start, and after a reset, the same samples; and a
    /// payload decoded apart leaves the stream as it was.
    @Test(arguments: formats) func decodingIsAFunctionOfThePayloads(format: AudioFormat) throws {
        let payloads = try Self.payloads(Array(CodecSpeech.at(format.rate).prefix(format.rate)), format)
        let expected = try Self.decoded(payloads, format)
        #expect(expected.count == payloads.count * format.frameSamples)
        var decoder = try SampleDecoder(format)
        for payload in payloads.prefix(9) { _ = decoder.decode(payload) }
        decoder.reset()
        var again: [Int16] = []
        for (index, payload) in payloads.enumerated() {
            again += decoder.decode(payload)
            guard index % 5 == 0 else { continue }
            var apart: [Int16] = []
            payloads[index / 2].withUnsafeBytes { decoder.decodeApart($0, into: &apart) }
            #expect(apart.count == format.frameSamples)
        }
        #expect(again == expected)
    }

    /// Agents speak 16-bit sound: out to each codec and back in, the speech is there.
    @Test(arguments: formats) func transcodersSpeakIt(format: AudioFormat) throws {
        let agent = AudioFormat(.pcm16, rate: 16_000)
        var out = try Transcoder(from: agent, to: format)
        var back = try Transcoder(from: format, to: agent)
        let coded = out.transcode(LinearPCM.bytes(CodecSpeech.at16k))
        let size = format.bytes(inMilliseconds: 20)
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: coded.count, by: size) {
            bytes += back.transcode(Array(coded[start..<start + size]))
        }
        let likeness = Likeness(LinearPCM.samples(bytes), to: CodecSpeech.at16k)
        #expect(likeness.correlation > 0.9)
    }
}
