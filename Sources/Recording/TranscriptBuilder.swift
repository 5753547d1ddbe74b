// Facts of a call to its transcript: texts, times, and of the agent's words those that were heard.

/// Builds the turns of a transcript.
enum TranscriptBuilder {
    static func turns(_ facts: CallFacts, end: Int64) -> [RenderedTurn] {
        let turns = agentTurns(facts, end: end) + callerTurns(facts, end: end)
        // By start; at the same start the caller first, whose words the answer follows.
        return turns.enumerated().sorted {
            ($0.element.start, $0.element.role == .caller ? 0 : 1, $0.offset)
                < ($1.element.start, $1.element.role == .caller ? 0 : 1, $1.offset)
        }.map(\.element)
    }

    private static func agentTurns(_ facts: CallFacts, end: Int64) -> [RenderedTurn] {
        facts.agentTurns.compactMap { turn in
            guard turn.text != nil || turn.sent > 0 else { return nil }
            let text = (turn.text ?? "").trimmingWhitespace()
            // Padding of the last piece is not speech.
            let heard = min(turn.heard, turn.generated)
            let isWhole = turn.generated > 0 && heard >= turn.generated
            let start = turn.start ?? min(turn.toldAt, end)
            return RenderedTurn(
                role: .agent, text: text,
                heardText: isWhole ? text : heardText(text, turn: turn, heard: heard),
                correctedText: turn.corrected?.trimmingWhitespace(), start: start, end: max(start, turn.end),
                generated: turn.generated, sent: turn.sent, heard: turn.heard,
                eventID: turn.id == Int64.min ? nil : turn.id,
                isInterrupted: turn.generated > 0 && !isWhole || turn.wasInterrupted && !isWhole)
        }
    }

    /// The words of which at least the beginning was heard: by the agent's own character times when it told
    /// them, else in proportion to the sound, cut at a word.
    private static func heardText(_ text: String, turn: CallFacts.AgentTurn, heard: Int64) -> String {
        guard heard > 0 else { return "" }
        let characters: String
        if turn.characters.isEmpty {
            guard turn.generated > 0 else { return "" }
            let count = Int(Int64(text.count) * heard / turn.generated)
            characters = String(text.prefix(count))
        } else {
            characters = turn.characters.prefix { $0.start < heard }.map(\.text).joined()
        }
        return wholeWords(characters, of: text)
    }

    /// `prefix` without a word that it cuts.
    private static func wholeWords(_ prefix: String, of text: String) -> String {
        let isCut = prefix.count < text.count && !(text.dropFirst(prefix.count).first?.isWhitespace ?? true)
        guard isCut, let last = prefix.last, !last.isWhitespace else { return prefix.trimmingWhitespace() }
        guard let space = prefix.lastIndex(where: \.isWhitespace) else { return "" }
        return String(prefix[..<space]).trimmingWhitespace()
    }

    private static func callerTurns(_ facts: CallFacts, end: Int64) -> [RenderedTurn] {
        var from: Int64 = 0
        return facts.callerTurns.map { turn in
            let told = min(turn.toldAt, end)
            // Speech since the caller's last transcript and before this one is what it transcribes.
            let spoken = facts.speech.stretches.filter { $0.end > from && $0.start < told }
            let start = max(spoken.first?.start ?? told, from)
            let stop = min(max(spoken.last?.end ?? told, start), told)
            from = max(from, stop)
            return RenderedTurn(
                role: .caller, text: turn.text.trimmingWhitespace(), heardText: nil, correctedText: nil,
                start: min(start, stop), end: stop, generated: nil, sent: nil, heard: nil,
                eventID: turn.id == Int64.min ? nil : turn.id, isInterrupted: false)
        }
    }
}

extension String {
    /// Without white space at both ends.
    fileprivate func trimmingWhitespace() -> String {
        var slice = self[...]
        while slice.first?.isWhitespace == true { slice.removeFirst() }
        while slice.last?.isWhitespace == true { slice.removeLast() }
        return String(slice)
    }
}
