// G.711 against the tables of the standard and against ffmpeg.
import Foundation
import Testing

@testable import Audio

@Suite struct G711Tests {
    /// Decision values x(0)…x(127) of Table 2a: one interval of 1, fifteen of 2, then sixteen each of 4, 8 …
    /// 256, in 14-bit units.
    static let muDecisions: [Int] = steps([
        (1, 1), (2, 15), (4, 16), (8, 16), (16, 16), (32, 16), (64, 16), (128, 16), (256, 16),
    ])
    /// Decision values of Table 1a: 32 intervals of 2, then sixteen each of 4 … 128, on a scale to 4096.
    static let aDecisions: [Int] = steps([(2, 32), (4, 16), (8, 16), (16, 16), (32, 16), (64, 16), (128, 16)])

    private static func steps(_ runs: [(size: Int, count: Int)]) -> [Int] {
        var values = [0]
        for run in runs { for _ in 0..<run.count { values.append((values.last ?? 0) + run.size) } }
        return values
    }

    /// Numbers printed in the standard's tables.
    @Test func decisionValuesAreThoseOfTheStandard() {
        #expect(
            [0, 1, 2, 16, 32, 48, 64, 80, 96, 112, 128].map { Self.muDecisions[$0] }
                == [0, 1, 3, 31, 95, 223, 479, 991, 2015, 4063, 8159])
        #expect(
            [0, 16, 32, 48, 64, 80, 96, 112, 128].map { Self.aDecisions[$0] }
                == [0, 32, 64, 128, 256, 512, 1024, 2048, 4096])
    }

    @Test func muLawEncodesAll65536SamplesByTheTable() {
        var mismatches = 0
        var number = 0
        for magnitude in 0...32768 {
            while number < 127, Self.muDecisions[number + 1] * 4 <= magnitude { number += 1 }
            if magnitude < 32768, G711.encode(Int16(magnitude), .mu) != UInt8(0xFF - number) {
                mismatches += 1
            }
            if magnitude > 0, G711.encode(Int16(-magnitude), .mu) != UInt8(0x7F - number) { mismatches += 1 }
        }
        #expect(mismatches == 0)
    }

    @Test func aLawEncodesAll65536SamplesByTheTable() {
        var mismatches = 0
        var number = 0
        for magnitude in 0...32767 {
            while number < 127, Self.aDecisions[number + 1] * 8 <= magnitude { number += 1 }
            if G711.encode(Int16(magnitude), .a) != UInt8(number | 0x80) ^ 0x55 { mismatches += 1 }
            if G711.encode(Int16(~magnitude), .a) != UInt8(number) ^ 0x55 { mismatches += 1 }
        }
        #expect(mismatches == 0)
    }

    @Test func codesDecodeToTheMiddleOfTheirInterval() {
        for number in 0..<128 {
            // y(0) of μ-law is 0, every other value is the middle of its two decision values.
            let mu = number == 0 ? 0 : (Self.muDecisions[number] + Self.muDecisions[number + 1]) * 2
            #expect(Int(G711.decode(UInt8(0xFF - number), .mu)) == mu)
            #expect(Int(G711.decode(UInt8(0x7F - number), .mu)) == -mu)
            let a = (Self.aDecisions[number] + Self.aDecisions[number + 1]) * 4
            #expect(Int(G711.decode(UInt8(number | 0x80) ^ 0x55, .a)) == a)
            #expect(Int(G711.decode(UInt8(number) ^ 0x55, .a)) == -a)
        }
    }

    @Test(arguments: G711.Law.allCases)
    func everyCodeSurvivesDecodingAndEncoding(law: G711.Law) {
        for code in UInt8.min...UInt8.max {
            let back = G711.encode(G711.decode(code, law), law)
            // μ-law has a negative zero, which linear PCM has not.
            #expect(back == (law == .mu && code == 0x7F ? 0xFF : code))
        }
    }

    @Test(arguments: [(G711.Law.mu, "mulaw"), (.a, "alaw")])
    func ffmpegDecodesAllCodesAlike(law: G711.Law, name: String) throws {
        let decoded = try FFmpeg.run(
            ["-f", name, "-ar", "8000", "-i", "-", "-f", "s16le", "-"], input: [UInt8](0...255))
        #expect(LinearPCM.samples(decoded) == (UInt8.min...UInt8.max).map { G711.decode($0, law) })
    }

    /// ffmpeg takes the nearest decoded value instead of the table's: never more than the next code.
    @Test(arguments: [(G711.Law.mu, "mulaw"), (.a, "alaw")])
    func ffmpegEncodesAlikeButAtEdges(law: G711.Law, name: String) throws {
        let samples = (Int16.min...Int16.max).map { $0 }
        let theirs = try FFmpeg.run(
            ["-f", "s16le", "-ar", "8000", "-i", "-", "-f", name, "-"], input: LinearPCM.bytes(samples))
        let ours = SampleEncoder.encode(samples, as: law == .mu ? .pcmu : .pcma)
        try #require(theirs.count == ours.count)
        func number(_ code: UInt8) -> Int { Int(law == .mu ? ~code : code ^ 0x55) & 0x7F }
        let distances = zip(ours, theirs).map { abs(number($0) - number($1)) }
        #expect(distances.max() == 1)
        #expect(distances.count { $0 != 0 } < 65_536 / 50)
    }

    @Test(arguments: G711.Law.allCases)
    func bulkEqualsOneByOne(law: G711.Law) {
        let codes = [UInt8](0...255)
        let other: G711.Law = law == .mu ? .a : .mu
        var samples: [Int16] = [7]
        var converted: [UInt8] = [7]
        codes.withUnsafeBytes {
            G711.decode($0, law, into: &samples)
            G711.convert($0, from: law, into: &converted)
        }
        #expect(samples == [7] + codes.map { G711.decode($0, law) })
        #expect(converted == [7] + codes.map { G711.encode(G711.decode($0, law), other) })
        var encoded: [UInt8] = [9]
        samples.withUnsafeBufferPointer { G711.encode($0, law, into: &encoded) }
        #expect(encoded == [9] + samples.map { G711.encode($0, law) })
    }

    @Test func silence() throws {
        for format in [AudioFormat.pcmu8k, .pcma8k, AudioFormat(.pcm16, rate: 16000)] {
            var decoder = try SampleDecoder(format)
            let samples = decoder.decode([UInt8](repeating: format.silenceByte, count: 4))
            // A-law has no zero; its least value is 8.
            #expect(samples.allSatisfy { abs(Int($0)) <= (format.codec == .pcma ? 8 : 0) })
        }
    }
}
