// A recording as people read it in a terminal.

import Archive
import Desk

/// Lines about one recording.
enum RecordingText {
    /// Turns in order: who, from when to when, what was heard; what was not heard stands after a bar.
    static func turns(_ detail: RecordingDetail, width: Int = 72) -> [String] {
        let rate = detail.call.rate
        func time(_ samples: Int64) -> String {
            TextTable.time(TextTable.milliseconds(samples, rate: rate))
        }
        var lines: [String] = []
        for turn in detail.turns {
            let end = turn.endSamples.map { time($0) } ?? ""
            let head =
                TextTable.padded(turn.role.rawValue, 7) + TextTable.padded(time(turn.startSamples), 8)
                + TextTable.padded(end, 8)
            for (index, piece) in TextTable.wrapped(ShownText.of(text(turn)), width: width).enumerated() {
                lines.append((index == 0 ? head : String(repeating: " ", count: head.count)) + piece)
            }
        }
        return lines.isEmpty ? ["nothing was said"] : lines
    }

    private static func text(_ turn: TurnRow) -> String {
        guard turn.interrupted else { return turn.text }
        let heard = turn.heardText ?? turn.correctedText ?? ""
        var text = heard
        if turn.text.hasPrefix(heard) {
            text += " | " + turn.text.dropFirst(heard.count).drop { $0 == " " }
        } else {
            text += " | (meant: \(turn.text))"
        }
        guard let heardTime = turn.heardMilliseconds, let all = turn.generatedMilliseconds else {
            return text
        }
        return text + " (cut off: \(TextTable.time(heardTime)) of \(TextTable.time(all)) heard)"
    }

    /// Name and value of everything that is known of the file.
    static func facts(_ detail: RecordingDetail) -> [[String]] {
        let call = detail.call
        let recording = detail.recording
        var rows = [
            ["id", call.id], ["call", "\(call.carrier) \(call.carrierCallID)"],
            ["started", ArchiveTime.rfc3339(call.startedAt)],
            ["state", recording.state.rawValue + (recording.cause.map { " (\($0))" } ?? "")],
        ]
        if let who = call.endWho { rows.append(["ended by", "\(who.rawValue): \(call.endWhy ?? "")"]) }
        if let samples = recording.samples, let rate = recording.rate {
            let time = TextTable.time(TextTable.milliseconds(samples, rate: rate))
            rows.append(["length", "\(time) (\(samples) samples at \(rate) Hz)"])
        }
        if let bytes = recording.bytes { rows.append(["size", "\(TextTable.size(bytes)) (\(bytes) bytes)"]) }
        if let channels = recording.channels, let rate = recording.bitrate {
            let sides = channels == .dual ? "stereo: caller left, agent right" : "mono: both mixed"
            rows.append(["sound", "MP3, \(rate / 1000) kbit/s, \(sides)"])
        }
        if let digest = recording.sha256 { rows.append(["SHA-256", digest.hex]) }
        rows.append(["gaps", gaps(detail)])
        return rows
    }

    /// What the file lacks.
    private static func gaps(_ detail: RecordingDetail) -> String {
        let missing = detail.recording.missing
        guard !missing.isEmpty else { return "none" }
        let shown = missing.prefix(8).map { gap in
            let start = TextTable.time(TextTable.milliseconds(gap.start, rate: detail.call.rate))
            let length = TextTable.time(TextTable.milliseconds(gap.length, rate: detail.call.rate))
            return "\(length) at \(start) (\(gap.cause))"
        }
        let more = missing.count > 8 ? " and \(missing.count - 8) more" : ""
        return shown.joined(separator: ", ") + more
    }
}
