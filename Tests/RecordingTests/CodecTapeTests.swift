// Tapes in codecs with memory, and with two rates: decoded in the order of places, joined without a seam.

import Audio
import Foundation
import Recording
import Tape
import Telemetry
import Testing

/// A tape of one call in any formats.
struct CodecTape {
    var bytes = TapeLayout.magic
    private var batch = TapeBatch()
    private let rate: Int64
    var now = MonotonicTime(nanoseconds: 1_000_000_000)

    init(inbound: AudioFormat, outbound: AudioFormat) throws {
        rate = Int64(inbound.rate)
        let header = TapeHeader(
            callID: "call", carrier: "telnyx", carrierCallID: "v3", streamID: "s", inbound: inbound,
            outbound: outbound, rate: inbound.rate, startedAt: 1_795_000_000_000_000, hasOutboundTrack: false,
            clearReturnsMarks: true)
        append(.header, payload: Array(try JSONEncoder().encode(header)))
    }

    mutating func append(_ kind: TapeKind, position: Int64 = 0, turn: Int64? = nil, payload: [UInt8] = []) {
        batch.append(kind, at: now, position: position, turn: turn, payload: payload)
        bytes += batch.take()
    }

    /// Frame `number` of 20 ms, which arrives when it ends.
    mutating func frame(_ number: Int64, _ payload: [UInt8]) {
        now = MonotonicTime(nanoseconds: 1_000_000_000 + (number + 1) * 20_000_000)
        append(.callerMedia, position: number * rate / 50, payload: payload)
    }

    func sound(in folder: MP3TestFolder) throws -> TapeSound {
        let path = folder.file(UUID().uuidString + ".tape")
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return try TapeSound.read(path: path)
    }

    func rendered(in folder: MP3TestFolder) throws -> RenderedCall {
        let path = folder.file(UUID().uuidString + ".tape")
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let renderer = CallRenderer(
            tapePath: path, outputPath: folder.file(UUID().uuidString + ".mp3"),
            settings: RenderSettings(quality: 9))
        return try renderer.finish().call
    }
}

@Suite struct CodecTapeTests {
    static let formats = [AudioFormat.g722, AudioFormat(.opus, rate: 16_000), .amrwb]

    static func payloads(_ format: AudioFormat, count: Int) throws -> [[UInt8]] {
        var source = SpeechLikeNoise(seed: 9, rate: format.rate)
        var encoder = try SampleEncoder(format)
        let bytes = encoder.encode(source.next(count * format.frameSamples))
        let size = format.bytes(inMilliseconds: 20)
        return (0..<count).map { Array(bytes[$0 * size..<($0 + 1) * size]) }
    }

    /// Lost frames are silence and named; what came in order is decoded in order; a late one is placed and changes
    /// nothing of what follows.
    @Test(arguments: formats) func lossAndLateness(format: AudioFormat) throws {
        let folder = try MP3TestFolder()
        let payloads = try Self.payloads(format, count: 200)
        var tape = try CodecTape(inbound: format, outbound: .pcmu8k)
        var decoder = try SampleDecoder(format)
        var expected: [Int16] = []
        for number in 0..<200 as Range<Int64> {
            let payload = payloads[Int(number)]
            guard !(40..<45).contains(number), number != 90 else {
                expected += [Int16](repeating: 0, count: 320)
                continue
            }
            tape.frame(number, payload)
            expected += decoder.decode(payload)
            guard number == 93 else { continue }
            tape.append(.callerMedia, position: 90 * 320, payload: payloads[90])
        }
        let sound = try tape.sound(in: folder)
        #expect(sound.rate == 16_000 && sound.left.count == 64_000)
        #expect(Array(sound.left[..<(90 * 320)]) == Array(expected[..<(90 * 320)]))
        #expect(Array(sound.left[(91 * 320)...]) == Array(expected[(91 * 320)...]))
        let call = try tape.rendered(in: folder)
        #expect(call.missing.map(\.interval) == [Interval(start: 40 * 320, length: 5 * 320)])
        #expect(call.callerSamples == 195 * 320)
    }

    @Test(arguments: [AudioFormat(.opus, rate: 16_000), .amrwb])
    func malformedPayloadsAreNamed(format: AudioFormat) throws {
        let folder = try MP3TestFolder()
        let payloads = try Self.payloads(format, count: 100)
        let bad: [UInt8] = format.codec == .opus ? [0x4B, 0] : [0xF1, 0x7A, 1]
        var tape = try CodecTape(inbound: format, outbound: format)
        var decoder = try SampleDecoder(format)
        var expected: [Int16] = []
        for number in 0..<100 as Range<Int64> {
            if (60..<62).contains(number) {
                expected += [Int16](repeating: 0, count: 320)
                continue
            }
            let isBad = (58..<60).contains(number) || number == 99
            let payload = isBad ? bad : payloads[Int(number)]
            tape.frame(number, payload)
            expected += decoder.decode(payload)
        }
        let sound = try tape.sound(in: folder)
        #expect(sound.left == expected)
        let call = try tape.rendered(in: folder)
        #expect(
            call.missing.map(\.interval) == [
                Interval(start: 58 * 320, length: 640), Interval(start: 60 * 320, length: 640),
                Interval(start: 99 * 320, length: 320),
            ])
        #expect(call.missing.map(\.cause) == ["bad_payload", "no_frames", "bad_payload"])
        #expect(call.samples == 32_000 && call.callerSamples == 95 * 320)
    }

    /// Narrowband from the leg and wideband to it, and the other way round: the agent's tone on the call's clock is one
    /// tone, without a seam where pieces join, and of its length.
    @Test(arguments: [(8_000, 16_000), (16_000, 8_000), (16_000, 16_000)])
    func theAgentAtAnotherRate(rates: (Int, Int)) throws {
        let folder = try MP3TestFolder()
        let (inbound, outbound) = rates
        var tape = try CodecTape(
            inbound: AudioFormat(.pcm16, rate: inbound), outbound: AudioFormat(.pcm16, rate: outbound))
        let silence = [UInt8](repeating: 0, count: inbound / 25)
        let tone = Tones.sine(500, rate: outbound, count: outbound * 3, amplitude: 0.4)
        for number in 0..<400 as Range<Int64> {
            tape.frame(number, silence)
            guard number == 50 else { continue }
            for start in stride(from: 0, to: tone.count, by: outbound / 5) {
                let piece = LinearPCM.bytes(Array(tone[start..<start + outbound / 5]))
                tape.append(.agentMedia, turn: 1, payload: piece)
            }
        }
        let sound = try tape.sound(in: folder)
        let first = try #require(sound.right.firstIndex { abs(Int($0)) > 40 })
        let last = try #require(sound.right.lastIndex { abs(Int($0)) > 40 })
        // Sent at 1,020 ms of the call's clock.
        #expect(abs(first - inbound * 1_020 / 1_000) <= inbound / 200)
        #expect(abs(last - first - 3 * inbound) <= inbound / 200)
        // Against the ideal tone at the call's rate, whose first sample is known: 60 dB throughout.
        let start = inbound * 1_020 / 1_000
        var (energy, noise) = (0.0, 0.0)
        let ideal = Tones.sine(500, rate: inbound, count: inbound * 3, amplitude: 0.4)
        for index in inbound / 20..<inbound * 3 - inbound / 20 {
            let difference = Double(ideal[index]) - Double(sound.right[start + index])
            energy += Double(ideal[index]) * Double(ideal[index])
            noise += difference * difference
        }
        #expect(10 * log10(energy / max(noise, 1e-9)) > 60)
        #expect(try tape.sound(in: folder).right == sound.right)
    }

    /// L16 whose order is found: the same on every reading, and silence before it changes nothing.
    @Test(arguments: [AudioCodec.pcm16, .pcm16be]) func theOrderOfBytesIsFoundOnTheTape(order: AudioCodec)
        throws
    {
        let folder = try MP3TestFolder()
        var source = SpeechLikeNoise(seed: 3, rate: 16_000)
        let speech = [Int16](repeating: 0, count: 3_200) + source.next(16_000)
        var tape = try CodecTape(inbound: AudioFormat(.pcm16auto, rate: 16_000), outbound: .pcmu8k)
        for number in 0..<60 as Range<Int64> {
            let frame = Array(speech[Int(number) * 320..<Int(number + 1) * 320])
            tape.frame(number, SampleEncoder.encode(frame, as: order))
        }
        #expect(try tape.sound(in: folder).left == speech)
    }
}
