// The tape's JSON records, written by the call's machine.

import Agents
import Foundation
import Tape
import Telemetry

extension TapeBatch {
    /// Appends the tape's first record, preceded by the file's magic.
    mutating func appendHeader(_ header: TapeHeader, at now: MonotonicTime) {
        append(.header, at: now, payload: Self.document(header))
    }

    /// Appends the tape's last record.
    mutating func appendClosing(_ end: CallEnd, sawEnd: Bool, counts: [String: Int64], at now: MonotonicTime)
    {
        let closing = TapeClosing(
            who: end.who.rawValue, why: end.why.rawValue, sawEnd: sawEnd, counts: counts)
        append(.closing, at: now, payload: Self.document(closing))
    }

    /// Appends the times of characters of the agent's next sound of `turn`.
    mutating func appendAlignment(_ alignment: AudioAlignment, turn: Int64, at now: MonotonicTime) {
        let document = TapeAlignment(characters: alignment.characters, starts: alignment.startMilliseconds)
        append(.alignment, at: now, turn: turn, payload: Self.document(document))
    }

    /// `value` as JSON with sorted keys, so that equal values are equal bytes.
    private static func document(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value))
        } catch {
            // Strings and integers always encode; an empty document is told apart from any real one.
            return Array("{}".utf8)
        }
    }
}
