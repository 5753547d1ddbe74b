// The demo's story, told from a tape of our own making.

import Audio
import Foundation
import Tape
import Telemetry
import Testing

@testable import teeline

@Suite struct DemoStoryTests {
    private let zero = MonotonicTime(nanoseconds: 5_000_000_000)

    private func record(
        _ kind: TapeKind, at milliseconds: Int64, position: Int64 = 0, _ payload: [UInt8] = []
    ) -> TapeRecord {
        TapeRecord(
            kind: kind, time: zero.adding(milliseconds: milliseconds), position: position,
            payload: payload[...])
    }

    private func header() throws -> TapeRecord {
        let header = TapeHeader(
            callID: "01", carrier: "twilio", carrierCallID: "CA", streamID: "MZ", inbound: .pcmu8k,
            outbound: .pcmu8k, rate: 8000, startedAt: 0, hasOutboundTrack: false, clearReturnsMarks: true)
        return record(.header, at: 0, Array(try JSONEncoder().encode(header)))
    }

    /// 20 ms of μ-law: 0xFF is silence, 0x00 full scale (G.711 table 2a).
    private func frame(_ number: Int64, loud: Bool) -> TapeRecord {
        record(
            .callerMedia, at: number * 20, position: number * 160,
            [UInt8](repeating: loud ? 0x00 : 0xFF, count: 160))
    }

    @Test func aBargeInIsTold() throws {
        var story = DemoStory()
        var lines = story.take(try header())
        // Two seconds of the agent at once; the caller begins after one.
        let turn: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0]
        lines += story.take(record(.agentMedia, at: 0, turn + [UInt8](repeating: 0x00, count: 16_000)))
        #expect(story.agentSpeaks)
        for number in 0..<50 { lines += story.take(frame(Int64(number), loud: false)) }
        #expect(!story.callerSpeaks && story.agentSpeaks && story.agentLevel > 30_000)
        for number in 50..<60 { lines += story.take(frame(Int64(number), loud: true)) }
        #expect(story.callerSpeaks && story.milliseconds == 1200)
        lines += story.take(record(.clear, at: 1200))
        #expect(!story.agentSpeaks)
        for number in 60..<90 { lines += story.take(frame(Int64(number), loud: false)) }
        #expect(!story.callerSpeaks && story.agentLevel == 0)
        lines += story.take(record(.callerText, at: 1900, turn + Array("Stop.".utf8)))
        lines += story.take(record(.closing, at: 2000))
        #expect(story.isOver)
        #expect(
            lines.map(\.text) == [
                "the stream is open, the tape runs", "begins to speak, into the agent's words",
                "barge-in: the carrier drops the agent's last 0.8 s unheard", "“Stop.”",
            ])
        #expect(lines.map(\.milliseconds) == [0, 1020, 1200, 1900])
        #expect(lines.map(\.isBargeIn) == [false, false, true, false])
    }

    @Test func pausesBetweenWordsAreOneSpeech() throws {
        var story = DemoStory()
        var lines = story.take(try header())
        for number in 0..<40 { lines += story.take(frame(Int64(number), loud: number % 10 == 0)) }
        #expect(lines.count == 2)
    }

    @Test func damageIsNoTrap() {
        var story = DemoStory()
        #expect(
            story.take(record(.header, at: 0, [1, 2, 3])).map(\.text) == ["the tape's header cannot be read"])
        for kind in TapeKind.allCases {
            _ = story.take(record(kind, at: -5, position: .max, [0, 1]))
            _ = story.take(record(kind, at: .max / 2_000_000, position: .min, []))
        }
    }

    @Test(arguments: [(0, 0), (119, 0), (120, 1), (191, 1), (192, 2), (32_000, 8)])
    func bars(level: Int, cells: Int) {
        #expect(DemoScreen.bar(level).count { $0 == "▮" } == cells)
        #expect(DemoScreen.bar(level).count == 8)
    }
}
