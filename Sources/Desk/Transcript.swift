// Transcripts in the forms people and players read.

import Archive
import Wire

/// A form of a transcript.
public enum TranscriptForm: String, Sendable, Hashable, CaseIterable {
    /// Everything the archive has, for programs.
    case json
    /// Lines to read.
    case txt
    /// WebVTT, for players in a browser.
    case vtt
    /// SubRip.
    case srt

    /// Its media type. JSON is UTF-8 by itself (RFC 8259 §8.1).
    public var mediaType: String {
        switch self {
        case .json: "application/json"
        case .txt: "text/plain; charset=utf-8"
        case .vtt: "text/vtt; charset=utf-8"
        case .srt: "application/x-subrip; charset=utf-8"
        }
    }

    /// The form an Accept field prefers: the first with the highest weight; JSON when none is named.
    public static func accepted(_ field: String?) -> TranscriptForm {
        var best: (form: TranscriptForm, weight: Double)?
        for element in (field ?? "").split(separator: ",") {
            let parts = element.split(separator: ";").map {
                String($0.trimmingOptionalWhitespace()).lowercased()
            }
            guard let type = parts.first, let form = forms[type] else { continue }
            // What has a weight that is none is not taken into account.
            guard let weight = weight(parts.dropFirst()) else { continue }
            if weight > (best?.weight ?? 0) { best = (form, weight) }
        }
        return best?.form ?? .json
    }

    /// The weight among an element's parameters: 0 to 1 with at most three digits (RFC 9110 §12.4.2), 1 when there is
    /// none; nil for anything else.
    private static func weight(_ parameters: ArraySlice<String>) -> Double? {
        guard let text = parameters.first(where: { $0.hasPrefix("q=") })?.dropFirst(2) else { return 1 }
        guard text.wholeMatch(of: /0(\.[0-9]{0,3})?|1(\.0{0,3})?/) != nil else { return nil }
        return Double(text.hasSuffix(".") ? text.dropLast() : text)
    }

    private static let forms: [String: TranscriptForm] = [
        "application/json": .json, "text/plain": .txt, "text/vtt": .vtt, "application/x-subrip": .srt,
        "text/srt": .srt, "*/*": .json, "application/*": .json, "text/*": .txt,
    ]
}

/// A transcript: the turns of one call, on its clock.
public struct Transcript: Sendable, Hashable {
    /// The call.
    public var callID: String
    /// Samples per second of the positions.
    public var rate: Int
    /// What was said, in order.
    public var turns: [TurnRow]

    /// A transcript of `turns`.
    public init(callID: String, rate: Int, turns: [TurnRow]) {
        self.callID = callID
        self.rate = rate
        self.turns = turns
    }

    /// The transcript in `form`.
    public func render(_ form: TranscriptForm) -> String {
        switch form {
        case .json: json
        case .txt: text
        case .vtt: webVTT
        case .srt: subRip
        }
    }

    private var json: String {
        let items = turns.map { turn in
            JSON.object([
                ("role", JSON.quoted(turn.role.rawValue)), ("text", JSON.quoted(turn.text)),
                ("heard_text", JSON.quoted(turn.heardText)),
                ("corrected_text", JSON.quoted(turn.correctedText)),
                ("start_ms", String(milliseconds(turn.startSamples))),
                ("end_ms", JSON.number(turn.endSamples.map { milliseconds($0) })),
                ("start_samples", String(turn.startSamples)),
                ("end_samples", JSON.number(turn.endSamples)),
                ("generated_ms", JSON.number(turn.generatedMilliseconds)),
                ("sent_ms", JSON.number(turn.sentMilliseconds)),
                ("heard_ms", JSON.number(turn.heardMilliseconds)),
                ("event_id", JSON.number(turn.eventID)),
                ("interrupted", turn.interrupted ? "true" : "false"),
            ])
        }
        return JSON.object([
            ("call_id", JSON.quoted(callID)), ("rate", String(rate)), ("turns", JSON.array(items)),
        ])
    }

    private var text: String {
        turns.map {
            "[\(Self.clock(milliseconds($0.startSamples), "."))] \(Self.name($0.role)): \(Self.heard($0))\n"
        }
        .joined()
    }

    private var webVTT: String {
        var output = "WEBVTT\n\n"
        for (place, turn) in turns.enumerated() {
            // The characters that mean something in a cue (W3C WebVTT §4.2.2) and would end one.
            let words = Self.heard(turn).replacing("&", with: "&amp;").replacing("<", with: "&lt;")
                .replacing(">", with: "&gt;")
            output += "\(place + 1)\n\(span(place, "."))\n"
            output += "<v \(Self.name(turn.role))>\(words)\n\n"
        }
        return output
    }

    private var subRip: String {
        turns.indices.map { place in
            "\(place + 1)\n\(span(place, ","))\n\(Self.name(turns[place].role)): \(Self.heard(turns[place]))\n\n"
        }.joined()
    }

    /// What of a turn reached the other side, on one line.
    private static func heard(_ turn: TurnRow) -> String {
        let words = turn.heardText ?? turn.correctedText ?? turn.text
        return words.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    private static func name(_ role: TurnRole) -> String { role == .agent ? "Agent" : "Caller" }

    /// From a turn's start to its end. One that has no end lasts until the next one, or as long as reading it takes
    /// (60 ms a character, at least a second).
    private func span(_ place: Int, _ point: String) -> String {
        let turn = turns[place]
        let start = milliseconds(turn.startSamples)
        var end = turn.endSamples.map { milliseconds($0) } ?? 0
        if end <= start {
            let reading = start + max(1000, 60 * Int64(Self.heard(turn).count))
            let next = place + 1 < turns.count ? milliseconds(turns[place + 1].startSamples) : reading
            end = next > start ? min(next, reading) : reading
        }
        return "\(Self.clock(start, point)) --> \(Self.clock(end, point))"
    }

    private func milliseconds(_ samples: Int64) -> Int64 { RecordingJSON.milliseconds(samples, rate: rate) }

    /// "01:02:03.004".
    private static func clock(_ milliseconds: Int64, _ point: String) -> String {
        func padded(_ number: Int64, _ digits: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
        }
        let seconds = max(milliseconds, 0) / 1000
        return padded(seconds / 3600, 2) + ":" + padded(seconds / 60 % 60, 2) + ":" + padded(seconds % 60, 2)
            + point
            + padded(max(milliseconds, 0) % 1000, 3)
    }
}
