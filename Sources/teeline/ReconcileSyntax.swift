// The grammar of `teeline reconcile`.

extension Commands {
    /// Compares the archive with ElevenLabs' list.
    static let reconcile = CommandSyntax(
        words: ["reconcile"], summary: "compare the archive with ElevenLabs' own list of conversations",
        details: """
            Reads ElevenLabs' list (ELEVENLABS_API_KEY, ELEVENLABS_BASE_URL) and the archive itself, beside a running
            server or without one, and names what only one of them has and whose lengths differ. Calls and
            conversations of the time from --from to --to count; a conversation belongs to the call that carried it,
            though it began on the other side of such an edge. What is not over yet is counted, not judged.
            The status is 0 when both agree and 7 when they differ.
            """,
        options: [
            OptionSyntax(
                "--from", .text, "TIME", "this instant or later (RFC 3339; default: a day before --to)"),
            OptionSyntax("--to", .text, "TIME", "before this instant (RFC 3339; default: now)"),
            OptionSyntax("--agent", .text, "ID", "of this agent only"),
            OptionSyntax(
                "--tolerance", .integer(0...3600), "T",
                "seconds by which lengths may differ (default: \(ReconcileCommand.standardTolerance))"),
            storage, config, OptionSyntax("--json", "JSON instead of text"),
        ],
        examples: [
            "teeline reconcile --from 2026-11-20 --to 2026-11-21",
            "teeline reconcile --json || notify-somebody",
        ])
}
