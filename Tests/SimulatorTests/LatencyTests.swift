// Markers survive the codecs and every cut; percentiles by counting.

import Audio
import Testing

@testable import Simulator

@Suite struct LatencyTests {
    private static let marker = LatencyMarker(
        kind: .caller, call: 0xBEEF, sequence: 0x1234, microseconds: 0x0123_4567_89AB)
    static let codecs: [AudioCodec] = [.pcmu, .pcma, .pcm16]

    /// A second of something like speech with `marker` at sample 1000.
    private static func sound(_ codec: AudioCodec) throws -> [UInt8] {
        let speech = SyntheticSound.speech(seed: 1, hertz: 120, level: 9000)
            .rendered(milliseconds: 1000, rate: 8000)
        let bytes = SoundCoding.encoded(speech, codec: codec)
        let width = codec == .pcm16 ? 2 : 1
        var middle = Array(bytes[(1000 * width)..<(1160 * width)])
        let coding = try #require(MarkerCoding.of(AudioFormat(codec, rate: 8000)))
        coding.write(marker, into: &middle)
        return Array(bytes[..<(1000 * width)]) + middle + Array(bytes[(1160 * width)...])
    }

    @Test(arguments: codecs, [1, 3, 20, 160, 333])
    func aMarkerIsFoundHoweverTheSoundIsCut(codec: AudioCodec, samples: Int) throws {
        let bytes = try Self.sound(codec)
        let coding = try #require(MarkerCoding.of(AudioFormat(codec, rate: 8000)))
        let piece = samples * (codec == .pcm16 ? 2 : 1)
        var reader = LatencyMarkerReader()
        var found: [LatencyMarker] = []
        for start in stride(from: 0, to: bytes.count, by: piece) {
            coding.read(Array(bytes[start..<min(start + piece, bytes.count)]), with: &reader) {
                found.append($0)
            }
        }
        #expect(found == [Self.marker])
    }

    @Test(arguments: codecs, codecs)
    func aMarkerSurvivesTranscoding(from: AudioCodec, to: AudioCodec) throws {
        let bytes = SoundCoding.encoded(
            SoundCoding.decoded(try Self.sound(from), codec: from), codec: to)
        let coding = try #require(MarkerCoding.of(AudioFormat(to, rate: 8000)))
        var reader = LatencyMarkerReader()
        var found: [LatencyMarker] = []
        coding.read(bytes, with: &reader) { found.append($0) }
        #expect(found == [Self.marker])
    }

    @Test(arguments: codecs)
    func soundWithoutAMarkerHasNone(codec: AudioCodec) throws {
        let coding = try #require(MarkerCoding.of(AudioFormat(codec, rate: 8000)))
        var reader = LatencyMarkerReader()
        var found = 0
        for seed in UInt64(0)..<20 {
            let noise = SyntheticSound.noise(seed: seed, level: 9000).rendered(milliseconds: 1000, rate: 8000)
            coding.read(SoundCoding.encoded(noise, codec: codec), with: &reader) { _ in found += 1 }
        }
        #expect(found == 0)
    }

    @Test func resampledSoundHasNoCoding() {
        #expect(MarkerCoding.of(AudioFormat(.pcm16, rate: 16_000)) == nil)
    }

    @Test func aShortFrameIsLeftAlone() throws {
        let coding = try #require(MarkerCoding.of(.pcmu8k))
        var frame = [UInt8](repeating: 0xFF, count: LatencyMarker.samples - 1)
        coding.write(Self.marker, into: &frame)
        #expect(frame.allSatisfy { $0 == 0xFF })
    }

    @Test func percentilesAreNearestRank() {
        let summary = LatencySummary(microseconds: (1...1000).reversed().map { Int64($0) * 1000 })
        #expect(summary.count == 1000)
        #expect(summary.least == 1)
        #expect(summary.p50 == 500)
        #expect(summary.p90 == 900)
        #expect(summary.p99 == 990)
        #expect(summary.p999 == 999)
        #expect(summary.most == 1000)
        #expect(LatencySummary(microseconds: []).p99 == 0)
        #expect(LatencySummary(microseconds: [2500]).p50 == 2.5)
    }

    @Test func theBoardMatchesClearsToInterruptions() {
        let board = LatencyBoard()
        board.cleared(call: 1, at: 5)
        board.interrupted(call: 1, at: 100)
        board.interrupted(call: 2, at: 110)
        board.cleared(call: 2, at: 150)
        board.cleared(call: 1, at: 400)
        board.cleared(call: 1, at: 900)
        #expect(board.snapshot.interruptionToClear == [40, 300])
        #expect(board.snapshot.interruptions == 2)
    }

    @Test func theBoardIsBounded() {
        let board = LatencyBoard(most: 3)
        for value in 0..<10 { board.arrivedAtAgent(after: Int64(value), missing: 1) }
        #expect(board.snapshot.toAgent == [0, 1, 2])
        #expect(board.snapshot.framesArrived == 10)
        #expect(board.snapshot.framesMissing == 10)
    }
}
