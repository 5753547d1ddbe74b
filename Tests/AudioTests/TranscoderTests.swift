// Streams of one format to another: ways, cuts, counts, odd bytes.
import Foundation
import Testing

@testable import Audio

/// Two formats.
struct FormatPair: Sendable, CustomTestStringConvertible {
    let from: AudioFormat
    let to: AudioFormat
    var testDescription: String { "\(from.codec)@\(from.rate)→\(to.codec)@\(to.rate)" }

    static let formats =
        [AudioFormat.pcmu8k, .pcma8k] + RatePair.rates.map { AudioFormat(.pcm16, rate: $0) }
    static let all = formats.flatMap { from in formats.map { FormatPair(from: from, to: $0) } }
}

@Suite struct TranscoderTests {
    static func sound(_ format: AudioFormat, milliseconds: Int, frequency: Double = 600) -> [UInt8] {
        SampleEncoder.encode(
            Tones.sine(
                frequency, rate: format.rate, count: format.rate * milliseconds / 1000, amplitude: 0.7),
            as: format.codec)
    }

    @Test(arguments: FormatPair.all)
    func everyPairKeepsTheToneAndTheCount(pair: FormatPair) throws {
        var transcoder = try Transcoder(from: pair.from, to: pair.to)
        let output = transcoder.transcode(Self.sound(pair.from, milliseconds: 500))
        #expect(output.count == pair.to.bytes(inMilliseconds: 500))
        var decoder = try SampleDecoder(pair.to)
        let samples = decoder.decode(output)
        let steady = Array(samples[(pair.to.rate / 20)...])
        let fit = SineFit(steady, frequency: 600, rate: pair.to.rate)
        #expect(abs(fit.amplitude - 0.7) < 0.02)
        // G.711 gives 33 dB and more at this level, twice through it 3 dB less; linear stays at 80.
        let isLinear = pair.from.codec == .pcm16 && pair.to.codec == .pcm16
        #expect(fit.signalToResidue > (isLinear ? 80 : 33))
    }

    @Test(arguments: FormatPair.all)
    func cutsDoNotChangeTheBytes(pair: FormatPair) throws {
        var source = SpeechLikeNoise(seed: 21, rate: pair.from.rate)
        let input = SampleEncoder.encode(source.next(3001), as: pair.from.codec)
        var whole = try Transcoder(from: pair.from, to: pair.to)
        let expected = whole.transcode(input)
        for cuts in [[1], [3, 2], [0, 161, 320, 5], [1999]] {
            var transcoder = try Transcoder(from: pair.from, to: pair.to)
            var output: [UInt8] = []
            var start = 0
            var turn = 0
            while start < input.count {
                let end = min(input.count, start + cuts[turn % cuts.count])
                output += transcoder.transcode(Array(input[start..<end]))
                start = end
                turn += 1
            }
            #expect(output == expected)
        }
    }

    @Test(arguments: FormatPair.all)
    func resetMakesItAsNew(pair: FormatPair) throws {
        let input = Self.sound(pair.from, milliseconds: 100)
        var transcoder = try Transcoder(from: pair.from, to: pair.to)
        let first = transcoder.transcode(input)
        _ = transcoder.transcode([1, 2, 3])
        transcoder.reset()
        #expect(transcoder.transcode(input) == first)
        var tail: [UInt8] = []
        transcoder.flush(into: &tail)
        #expect(transcoder.transcode(input) == first)
        #expect(abs(tail.count / pair.to.bytesPerSample - transcoder.latency) <= 1)
    }

    @Test func equalFormatsPassBytesThrough() throws {
        for format in FormatPair.formats {
            var transcoder = try Transcoder(from: format, to: format)
            #expect(transcoder.transcode([1, 2, 0x7F]) == [1, 2, 0x7F])
            #expect(transcoder.latency == 0)
        }
    }

    @Test func theLawsConvertThroughTheTable() throws {
        var toA = try Transcoder(from: .pcmu8k, to: .pcma8k)
        let codes = [UInt8](0...255)
        #expect(toA.transcode(codes) == codes.map { G711.encode(G711.decode($0, .mu), .a) })
        var toMu = try Transcoder(from: .pcma8k, to: .pcmu8k)
        #expect(toMu.transcode(codes) == codes.map { G711.encode(G711.decode($0, .a), .mu) })
    }

    @Test func anOddByteWaitsForItsOtherHalf() throws {
        var decoder = try SampleDecoder(AudioFormat(.pcm16, rate: 8000))
        #expect(decoder.decode([0x34]) == [])
        #expect(decoder.decode([]) == [])
        #expect(decoder.decode([0x12, 0xFF]) == [0x1234])
        #expect(decoder.decode([0x7F, 0x00, 0x80]) == [Int16.max, Int16.min])
        #expect(decoder.decode([0x01]) == [])
        decoder.reset()
        #expect(decoder.decode([0x02, 0x00]) == [2])
    }

    @Test func linearBytesAreLittleEndian() {
        #expect(LinearPCM.bytes([1, -2, Int16.min]) == [1, 0, 0xFE, 0xFF, 0, 0x80])
        #expect(LinearPCM.samples([1, 0, 0xFE, 0xFF, 0, 0x80, 9]) == [1, -2, Int16.min])
    }
}
