// What a comparison of archive and list says, as text and as JSON: identifiers, times and lengths, nothing else.

import Agents
import Archive
import Wire

/// A comparison in words.
struct ReconcileText {
    private let comparison: ArchiveComparison
    private let window: ArchiveComparison.Window
    private let tolerance: Int

    init(_ comparison: ArchiveComparison, window: ArchiveComparison.Window, tolerance: Int) {
        self.comparison = comparison
        self.window = window
        self.tolerance = tolerance
    }

    /// Lines for a terminal: what was counted, then a table of each kind of difference there is.
    var lines: [String] {
        var counts = ["\(comparison.matched) in both"]
        func add(_ count: Int, _ what: String) { if count > 0 { counts.append("\(count) \(what)") } }
        add(comparison.onlyListed.count, "only at ElevenLabs")
        add(comparison.onlyArchived.count, "only here")
        add(comparison.differing.count, "of different length")
        add(comparison.unfinished, "not over yet")
        add(comparison.withoutConversation, "calls without a conversation")
        var lines = [
            "\(Self.time(window.from)) to \(Self.time(window.to)) (UTC): " + counts.joined(separator: ", ")
        ]
        func table(_ title: String, _ head: [String], _ rows: [[String]]) {
            guard !rows.isEmpty else { return }
            lines += ["", title] + TextTable.lines(head: head, rows: rows)
        }
        table(
            "Only at ElevenLabs: no call here carried it",
            ["CONVERSATION", "AGENT", "STARTED (UTC)", "LENGTH", "STATUS"],
            comparison.onlyListed.map {
                [
                    $0.conversationID, $0.agentID ?? "-", Self.time(seconds: $0.startedAt),
                    "\($0.durationSeconds) s", $0.status,
                ]
            })
        table(
            "Only here: ElevenLabs does not list it",
            ["ID", "CONVERSATION", "AGENT", "STARTED (UTC)", "LENGTH"],
            comparison.onlyArchived.map {
                [
                    $0.id, $0.conversationID ?? "-", $0.agentID ?? "-", Self.time($0.startedAt),
                    TextTable.time($0.milliseconds),
                ]
            })
        table(
            "Lengths that differ by more than \(tolerance) s",
            ["ID", "CONVERSATION", "STARTED (UTC)", "HERE", "ELEVENLABS"],
            comparison.differing.map {
                [
                    $0.call.id, $0.listed.conversationID, Self.time($0.call.startedAt),
                    TextTable.time($0.call.milliseconds), "\($0.listed.durationSeconds) s",
                ]
            })
        return lines
    }

    /// One JSON object; all members are always there.
    var json: String {
        JSON.object([
            ("from", JSON.quoted(ArchiveTime.rfc3339(window.from))),
            ("to", JSON.quoted(ArchiveTime.rfc3339(window.to))),
            ("agent_id", JSON.quoted(window.agentID)), ("tolerance_seconds", "\(tolerance)"),
            ("agrees", comparison.agrees ? "true" : "false"), ("in_both", "\(comparison.matched)"),
            ("not_over", "\(comparison.unfinished)"),
            ("without_conversation", "\(comparison.withoutConversation)"),
            (
                "only_at_elevenlabs",
                JSON.array(comparison.onlyListed.map { JSON.object(Self.members($0)) })
            ),
            ("only_here", JSON.array(comparison.onlyArchived.map { JSON.object(Self.members($0)) })),
            (
                "different_length",
                JSON.array(
                    comparison.differing.map {
                        JSON.object([
                            ("here", JSON.object(Self.members($0.call))),
                            ("elevenlabs", JSON.object(Self.members($0.listed))),
                        ])
                    })
            ),
        ])
    }

    private static func members(_ listed: ListedConversation) -> [(name: String, json: String)] {
        [
            ("conversation_id", JSON.quoted(listed.conversationID)),
            ("agent_id", JSON.quoted(listed.agentID)),
            (
                "started_at",
                instant(seconds: listed.startedAt).map { JSON.quoted(ArchiveTime.rfc3339($0)) } ?? "null"
            ),
            ("duration_seconds", "\(listed.durationSeconds)"), ("status", JSON.quoted(listed.status)),
        ]
    }

    private static func members(_ call: CallRow) -> [(name: String, json: String)] {
        [
            ("id", JSON.quoted(call.id)), ("conversation_id", JSON.quoted(call.conversationID)),
            ("agent_id", JSON.quoted(call.agentID)),
            ("started_at", JSON.quoted(ArchiveTime.rfc3339(call.startedAt))),
            ("duration_ms", "\(call.milliseconds)"),
        ]
    }

    private static func time(_ instant: Int64) -> String { String(ArchiveTime.rfc3339(instant).prefix(19)) }
    private static func time(seconds: Int64) -> String { instant(seconds: seconds).map { time($0) } ?? "-" }

    /// Seconds as an instant of the archive; nil when there is none so late.
    private static func instant(seconds: Int64) -> Int64? {
        let (instant, isTooLarge) = seconds.multipliedReportingOverflow(by: 1_000_000)
        return isTooLarge ? nil : instant
    }
}
