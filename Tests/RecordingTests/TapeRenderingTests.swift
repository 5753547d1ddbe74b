// Tapes of every kind through the renderer: the same bytes whenever read, the truth wherever cut.

import Audio
import Foundation
import Recording
import Tape
import Telemetry
import Testing

/// Writes a tape as a call would, frame by frame.
struct ScriptedTape {
    var batch = TapeBatch()
    var bytes = TapeLayout.magic
    /// Ends of whole records.
    var ends: [Int] = []
    var now = MonotonicTime(nanoseconds: 1_000_000_000)

    init(outboundTrack: Bool = false) throws {
        let header = TapeHeader(
            callID: "call", carrier: "twilio", carrierCallID: "CA", streamID: "MZ", inbound: .pcmu8k,
            outbound: .pcmu8k,
            rate: 8_000, startedAt: 1_795_000_000_000_000, hasOutboundTrack: outboundTrack,
            clearReturnsMarks: true)
        append(.header, payload: Array(try JSONEncoder().encode(header)))
    }

    mutating func append(_ kind: TapeKind, position: Int64 = 0, turn: Int64? = nil, payload: [UInt8] = []) {
        batch.append(kind, at: now, position: position, turn: turn, payload: payload)
        bytes += batch.take()
        ends.append(bytes.count)
    }

    /// A frame of 20 ms at `position`, which arrives when it ends.
    mutating func frame(_ position: Int64, value: UInt8, kind: TapeKind = .callerMedia) {
        now = MonotonicTime(nanoseconds: 1_000_000_000 + (position + 160) * 125_000)
        append(kind, position: position, payload: [UInt8](repeating: value, count: 160))
    }

    mutating func close() throws {
        append(
            .closing,
            payload: Array(
                try JSONEncoder().encode(TapeClosing(who: "caller", why: "hangup", sawEnd: true, counts: [:]))
            ))
    }

    /// Four seconds: caller frames, three pieces of agent sound with their marks, one cleared.
    static func call() throws -> ScriptedTape {
        var tape = try ScriptedTape()
        for frame in 0..<200 as Range<Int64> {
            tape.frame(frame * 160, value: UInt8(0x10 + frame % 64))
            if frame == 30 || frame == 60 || frame == 100 {
                tape.append(.agentMedia, turn: frame, payload: [UInt8](repeating: UInt8(frame), count: 1_600))
                tape.append(.markSent, payload: Array("m\(frame)".utf8))
            }
            if frame == 40 || frame == 70 {
                tape.append(.markReturned, payload: Array("m\(frame - 10)".utf8))
            }
            if frame == 105 { tape.append(.clear) }
            if frame == 106 { tape.append(.markReturned, payload: Array("m100".utf8)) }
        }
        try tape.close()
        return tape
    }
}

@Suite struct TapeRenderingTests {
    /// Renders `bytes`; `slices` are the lengths at which a follower looks.
    private func render(
        _ bytes: [UInt8], slices: [Int] = [], settings: RenderSettings = RenderSettings(quality: 9),
        in folder: MP3TestFolder
    ) throws -> (result: RenderResult, mp3: Data?) {
        let tape = folder.file(UUID().uuidString + ".tape")
        let output = folder.file(UUID().uuidString + ".mp3")
        let renderer = CallRenderer(tapePath: tape, outputPath: output, settings: settings)
        for slice in slices {
            try Data(bytes.prefix(slice)).write(to: URL(fileURLWithPath: tape))
            try renderer.follow()
        }
        try Data(bytes).write(to: URL(fileURLWithPath: tape))
        let result = try renderer.finish()
        return (result, FileManager.default.contents(atPath: output))
    }

    @Test func aCallWithoutASampleHasNoFile() throws {
        let folder = try MP3TestFolder()
        var tape = try ScriptedTape()
        try tape.close()
        let (result, mp3) = try render(tape.bytes, in: folder)
        #expect(result.mp3 == nil && mp3 == nil && result.call.samples == 0)
        #expect(result.call.closing?.why == "hangup")
    }

    @Test(arguments: MP3Judge.allCases) func oneFrame(judge: MP3Judge) throws {
        let folder = try MP3TestFolder()
        var tape = try ScriptedTape()
        tape.frame(0, value: 0x30)
        try tape.close()
        let output = folder.file("one.mp3")
        let path = folder.file("one.tape")
        try Data(tape.bytes).write(to: URL(fileURLWithPath: path))
        let result = try CallRenderer(tapePath: path, outputPath: output, settings: RenderSettings()).finish()
        #expect(result.call.samples == 160)
        #expect(try judge.channels(of: output, count: 2).map(\.count) == [160, 160])
    }

    @Test func twiceTheSameBytesAndFollowedToo() throws {
        let folder = try MP3TestFolder()
        let tape = try ScriptedTape.call()
        let once = try render(tape.bytes, in: folder)
        #expect(once.result.call.samples == 32_000)
        #expect(try render(tape.bytes, in: folder).mp3 == once.mp3)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<10 {
            let slices = (0..<12).map { _ in Int.random(in: 0...tape.bytes.count, using: &random) }.sorted()
            let followed = try render(tape.bytes, slices: slices, in: folder)
            #expect(followed.mp3 == once.mp3, "looked at \(slices)")
            #expect(followed.result.call == once.result.call)
        }
    }

    @Test func mixedIsOneChannelOfTheSameLength() throws {
        let folder = try MP3TestFolder()
        let tape = folder.file("mixed.tape")
        try Data(try ScriptedTape.call().bytes).write(to: URL(fileURLWithPath: tape))
        let output = folder.file("mixed.mp3")
        _ = try CallRenderer(tapePath: tape, outputPath: output, settings: RenderSettings(channels: .mixed))
            .finish()
        #expect(try MP3Judge.ffmpeg.channels(of: output, count: 1)[0].count == 32_000)
    }

    /// Cut anywhere in its last records, a tape is rendered to the last whole frame.
    @Test func aTornTailAtEveryByte() throws {
        let folder = try MP3TestFolder()
        var tape = try ScriptedTape()
        for frame in 0..<6 as Range<Int64> { tape.frame(frame * 160, value: 0x20) }
        for cut in tape.ends[3]...tape.bytes.count {
            let (result, _) = try render(Array(tape.bytes.prefix(cut)), in: folder)
            let whole = tape.ends.filter { $0 <= cut }.count - 1
            #expect(result.call.samples == Int64(whole) * 160)
            #expect(result.call.tornBytes == Int64(cut - (tape.ends.last { $0 <= cut } ?? 0)))
        }
    }

    @Test func bothTracksTakeTheOutboundTrack() throws {
        let folder = try MP3TestFolder()
        var tape = try ScriptedTape(outboundTrack: true)
        for frame in 0..<100 as Range<Int64> {
            tape.frame(frame * 160, value: 0xFF)
            tape.frame(frame * 160, value: frame < 50 ? 0xFF : 0x10, kind: .outboundMedia)
        }
        try tape.close()
        let path = folder.file("fork.tape")
        try Data(tape.bytes).write(to: URL(fileURLWithPath: path))
        let output = folder.file("fork.mp3")
        _ = try CallRenderer(tapePath: path, outputPath: output, settings: RenderSettings()).finish()
        let channels = try MP3Judge.ffmpeg.channels(of: output, count: 2)
        #expect(channels[0].allSatisfy { $0 == 0 })
        #expect(channels[1][..<6_000].allSatisfy { $0 == 0 })
        #expect(channels[1][8_000..<8_400].contains { abs(Int($0)) > 5_000 })
    }

    @Test func gapsAreNamedAndLateFramesPlacedOnce() throws {
        let folder = try MP3TestFolder()
        var tape = try ScriptedTape()
        for frame in 0..<100 as Range<Int64> where !(40..<45).contains(frame) {
            tape.frame(frame * 160, value: 0x20)
        }
        let clean = try render(tape.bytes, in: folder).result.call
        #expect(clean.missing.map(\.interval) == [Interval(start: 6_400, length: 800)])
        var repaired = try ScriptedTape()
        for frame in 0..<100 as Range<Int64> where !(40..<45).contains(frame) {
            repaired.frame(frame * 160, value: 0x20)
            if frame == 46 {
                for late in 40..<45 as Range<Int64> {
                    repaired.append(
                        .callerMedia, position: late * 160, payload: [UInt8](repeating: 0x20, count: 160))
                    repaired.append(
                        .callerMedia, position: late * 160, payload: [UInt8](repeating: 0x7F, count: 160))
                }
            }
        }
        let whole = try render(repaired.bytes, in: folder).result.call
        #expect(whole.missing.isEmpty && whole.callerSamples == 16_000 && whole.samples == 16_000)
    }

    @Test(arguments: [Int64.max, Int64.min, -1, Int64.max / 2, 1 << 40, -(1 << 40)])
    func hostilePositionsNeitherTrapNorGrow(position: Int64) throws {
        let folder = try MP3TestFolder()
        var tape = try ScriptedTape()
        for frame in 0..<50 as Range<Int64> {
            tape.frame(frame * 160, value: 0x20)
            if frame == 20 {
                tape.append(.callerMedia, position: position, payload: [UInt8](repeating: 0x20, count: 160))
                tape.append(.gap, position: position, payload: [UInt8](repeating: 0xFF, count: 9))
            }
        }
        let (result, _) = try render(tape.bytes, in: folder)
        #expect(result.call.samples == 8_000)
    }
}
