// What the tape tells besides sound: turns, events, what is missing.

import Foundation
import Tape
import Timeline

/// Collects the facts of a call while its tape is folded.
struct CallFacts {
    struct AgentTurn {
        var id: Int64
        var text: String?
        var corrected: String?
        var toldAt: Int64
        var generated: Int64 = 0
        var sent: Int64 = 0
        var heard: Int64 = 0
        var start: Int64?
        var end: Int64 = 0
        var wasInterrupted = false
        /// Characters with the sample of the turn they start at.
        var characters: [(text: String, start: Int64)] = []
    }

    struct CallerTurn {
        var id: Int64
        var text: String
        var toldAt: Int64
    }

    let rate: Int
    private(set) var events: [RenderedEvent] = []
    private(set) var missing: [(interval: Interval, cause: String)] = []
    private(set) var agentTurns: [AgentTurn] = []
    private(set) var callerTurns: [CallerTurn] = []
    private(set) var conversationID: String?
    var callerSamples: Int64 = 0
    var agentSamples: Int64 = 0
    var speech: SpeechFinder
    private var index: [Int64: Int] = [:]
    private var lastTurn: Int64?

    /// Most events kept of one call: a peer that floods is counted, not stored.
    static let mostEvents = 20_000
    /// Most turns kept of one call.
    static let mostTurns = 20_000

    init(rate: Int) {
        self.rate = rate
        speech = SpeechFinder(rate: rate)
    }

    mutating func event(_ kind: String, at position: Int64, length: Int64 = 0, detail: String = "") {
        guard events.count < Self.mostEvents else { return }
        events.append(RenderedEvent(kind: kind, position: max(0, position), length: length, detail: detail))
    }

    /// A record that is neither sound nor playout.
    mutating func take(_ record: TapeRecord, at position: Int64) {
        switch record.kind {
        case .dtmf:
            event(
                "dtmf", at: record.position, detail: String(decoding: record.payload.prefix(1), as: UTF8.self)
            )
        case .callerText:
            guard callerTurns.count < Self.mostTurns, let turn = record.turn else { return }
            callerTurns.append(CallerTurn(id: turn, text: record.bodyText, toldAt: position))
        case .agentText:
            guard let turn = record.turn, let at = slot(turn, at: position) else { return }
            let text = record.bodyText
            agentTurns[at].text = agentTurns[at].text.map { $0 + " " + text } ?? text
        case .agentCorrection:
            guard let turn = record.turn, let at = slot(turn, at: position) else { return }
            agentTurns[at].corrected = record.bodyText
        case .interruption:
            event("interruption", at: position)
            if let lastTurn, let at = index[lastTurn] { agentTurns[at].wasInterrupted = true }
        case .agentSound:
            guard let turn = record.turn, let samples = record.integer(at: 8), samples > 0,
                let at = slot(turn, at: position)
            else { return }
            agentTurns[at].generated += min(samples, 1 << 32)
        case .alignment:
            guard let turn = record.turn, let at = slot(turn, at: position) else { return }
            align(at, record)
        case .conversation: conversationID = record.text
        case .note: event("note", at: position, detail: record.text)
        default: break
        }
    }

    private mutating func align(_ at: Int, _ record: TapeRecord) {
        guard let document = Self.alignment(record), document.starts.count == document.characters.count,
            agentTurns[at].characters.count < 100_000
        else { return }
        let offset = agentTurns[at].generated
        for (text, start) in zip(document.characters, document.starts) {
            agentTurns[at].characters.append((text, offset + Int64(max(0, start)) * Int64(rate) / 1000))
        }
    }

    /// The document of an alignment; one that does not parse only costs the times of its characters.
    private static func alignment(_ record: TapeRecord) -> TapeAlignment? {
        do {
            return try JSONDecoder().decode(TapeAlignment.self, from: Data(record.body))
        } catch {
            return nil
        }
    }

    /// A piece of `turn` was sent; returns the samples of the turn sent before it.
    mutating func sent(_ turn: Int64, samples: Int64) -> Int64 {
        guard let at = slot(turn, at: 0) else { return 0 }
        lastTurn = turn
        let before = agentTurns[at].sent
        agentTurns[at].sent += samples
        return before
    }

    /// What was heard of a piece.
    mutating func heard(_ turn: Int64, _ piece: HeardPiece, before: Int64) {
        guard let at = index[turn] else { return }
        guard piece.heard > 0 else { return }
        if agentTurns[at].start == nil { agentTurns[at].start = piece.position.samples }
        agentTurns[at].end = max(agentTurns[at].end, piece.position.samples + piece.heard)
        agentTurns[at].heard = max(agentTurns[at].heard, before + piece.heard)
    }

    /// A stretch of the caller's channel is missing.
    mutating func hole(_ interval: Interval, cause: String) {
        if let last = missing.last, last.interval.end == interval.start, last.cause == cause {
            missing[missing.count - 1].interval.length += interval.length
            return
        }
        guard missing.count < Self.mostEvents else { return }
        missing.append((interval, cause))
    }

    /// The call ended at `end`.
    mutating func close(at end: Int64) {
        for gap in missing {
            event("gap", at: gap.interval.start, length: gap.interval.length, detail: gap.cause)
        }
        events = events.map { event in
            var event = event
            event.position = min(event.position, end)
            return event
        }
        // Stable by position: what happened first stays first.
        events = events.enumerated().sorted {
            ($0.element.position, $0.offset) < ($1.element.position, $1.offset)
        }.map(\.element)
    }

    /// The index of `turn`, made when new.
    private mutating func slot(_ turn: Int64, at position: Int64) -> Int? {
        if let at = index[turn] { return at }
        guard agentTurns.count < Self.mostTurns else { return nil }
        index[turn] = agentTurns.count
        agentTurns.append(AgentTurn(id: turn, toldAt: position))
        return agentTurns.count - 1
    }
}
