// What is going on in a call, read from its tape while it is written. Pure.

import Audio
import Foundation
import Simulator
import Tape
import Telemetry

/// Turns a tape's records into the story of the call: lines as things happen, and who is heard now.
struct DemoStory {
    /// Something happened.
    struct Line: Hashable {
        /// When, in milliseconds of the call.
        var milliseconds: Int64
        /// Who ("caller", "agent"), or empty.
        var who: String
        /// What.
        var text: String
        /// Whether it is an interruption.
        var isBargeIn = false
    }

    /// How long the call is, in milliseconds.
    private(set) var milliseconds: Int64 = 0
    /// Whether the caller speaks now.
    private(set) var callerSpeaks = false
    /// Loudness of the caller's sound of late: mean magnitude of a sample.
    private(set) var callerLevel = 0
    /// Loudness of what the caller hears of the agent now.
    private(set) var agentLevel = 0
    /// Whether the tape's last record was read.
    private(set) var isOver = false

    private var start: MonotonicTime?
    private var rate = 8000
    private var caller: DecoderCell?
    private var agent: DecoderCell?
    private var playout = PlayoutBuffer(rules: .twilio, keepsSound: false)
    /// Loudness of the queued sound, and where each piece of it ends.
    private var queued: [(end: Int64, level: Int)] = []
    private var quietSince: Int64 = 0
    private var speech: Int64 = 0

    /// Mean magnitude from which on sound is speech.
    static let speechLevel = 250
    /// Pauses between words do not end a speech, in milliseconds.
    static let pause: Int64 = 400

    /// Whether the caller hears the agent now.
    var agentSpeaks: Bool { playout.queuedSamples > 0 }

    /// Takes the next record; returns what there is to tell.
    mutating func take(_ record: TapeRecord) -> [Line] {
        switch record.kind {
        case .header: return begin(record)
        case .callerMedia: return hear(record)
        case .agentMedia:
            queue(record)
            return []
        case .clear: return clear(record)
        case .callerText:
            return [Line(milliseconds: time(record), who: "caller", text: quoted(record.bodyText))]
        case .agentText:
            return [Line(milliseconds: time(record), who: "agent", text: quoted(record.bodyText))]
        case .closing:
            isOver = true
            return []
        default: return []
        }
    }

    private mutating func begin(_ record: TapeRecord) -> [Line] {
        start = record.time
        do {
            let header = try JSONDecoder().decode(TapeHeader.self, from: Data(record.payload))
            rate = max(1, header.rate)
            caller = try DecoderCell(header.inbound)
            agent = try DecoderCell(header.outbound)
            playout = PlayoutBuffer(
                rules: PlayoutRules(
                    format: header.outbound, limitMilliseconds: 3_600_000, clearReturnsMarks: true,
                    pieces: .any), keepsSound: false)
        } catch {
            return [Line(milliseconds: 0, who: "", text: "the tape's header cannot be read")]
        }
        return [Line(milliseconds: 0, who: "bridge", text: "the stream is open, the tape runs")]
    }

    private mutating func hear(_ record: TapeRecord) -> [Line] {
        let samples = caller?.samples(record.payload) ?? []
        let (end, overflow) = record.position.addingReportingOverflow(Int64(samples.count))
        guard !overflow, !samples.isEmpty else { return [] }
        milliseconds = max(milliseconds, TextTable.milliseconds(end, rate: rate))
        _ = playout.advance(to: end)
        while let first = queued.first, first.end <= end { queued.removeFirst() }
        agentLevel = agentSpeaks ? queued.first?.level ?? 0 : 0
        let level = Self.level(samples)
        // Falls slowly, as meters do: the eye does not follow 20 ms.
        callerLevel = max(level, callerLevel * 15 / 16)
        guard level >= Self.speechLevel else {
            if milliseconds - quietSince > Self.pause { callerSpeaks = false }
            return []
        }
        quietSince = milliseconds
        guard !callerSpeaks else { return [] }
        callerSpeaks = true
        let into = agentSpeaks ? "begins to speak, into the agent's words" : "begins to speak"
        return [Line(milliseconds: milliseconds, who: "caller", text: into)]
    }

    private mutating func queue(_ record: TapeRecord) {
        let bytes = Array(record.body)
        let level = Self.level(agent?.samples(bytes[...]) ?? [])
        _ = bytes.withUnsafeBytes { playout.receive($0, at: place(record)) }
        queued.append((playout.clock &+ playout.queuedSamples, level))
    }

    private mutating func clear(_ record: TapeRecord) -> [Line] {
        _ = playout.advance(to: place(record))
        let dropped = TextTable.milliseconds(playout.queuedSamples, rate: rate)
        _ = playout.clear(at: place(record))
        queued = []
        return [
            Line(
                milliseconds: time(record), who: "bridge",
                text: "barge-in: the carrier drops the agent's last \(TextTable.time(dropped)) unheard",
                isBargeIn: true)
        ]
    }

    private func time(_ record: TapeRecord) -> Int64 {
        start.map { max(0, record.time.milliseconds(since: $0)) } ?? 0
    }

    /// What has no position of its own is placed by its time.
    private func place(_ record: TapeRecord) -> Int64 { time(record) &* Int64(rate) / 1000 }

    private func quoted(_ text: String) -> String { "“\(text)”" }

    private static func level(_ samples: [Int16]) -> Int {
        samples.isEmpty ? 0 : samples.reduce(0) { $0 + abs(Int($1)) } / samples.count
    }
}
