// Every command of the program.

import Desk

/// The commands, in the order of the help.
enum Commands {
    static let all =
        [serve, demo, simulate, list, show, download, export, verify, reconcile] + contexts + [doctor, bench]
    /// The commands that do not end at once when a signal asks them to.
    static let draining = ["serve", "demo"]

    static let storage = OptionSyntax(
        "--storage", .text, "DIR", "the archive's folder (default: TEELINE_STORAGE, or storage)")
    static let config = OptionSyntax(
        "--config", .text, "FILE", "the configuration file (default: config/teeline.json if it exists)")
    private static func port(_ meaning: String) -> OptionSyntax {
        OptionSyntax("--port", .integer(0...65_535), "N", meaning)
    }

    /// The filters of the API's list, spelt for a command line: `agent_id` is `--agent-id`.
    static let filters: [OptionSyntax] = RecordingQuery.parameters.map { parameter in
        let name = "--" + parameter.name.replacing("_", with: "-")
        return OptionSyntax(
            name, .text, placeholders[parameter.name] ?? "TEXT",
            parameter.meaning.prefix(1).lowercased() + parameter.meaning.dropFirst())
    }
    private static let placeholders = [
        "from": "TIME", "to": "TIME", "caller": "NUMBER", "called": "NUMBER", "agent_id": "ID",
        "call_id": "ID", "state": "STATE", "end": "END", "limit": "N", "cursor": "CURSOR",
        "carrier": "NAME", "origin": "ORIGIN",
    ]

    static let serve = CommandSyntax(
        words: ["serve"], summary: "take calls, record them, answer the HTTP API",
        details: """
            Settings come from the configuration file, then .env, then the environment, then these options; each
            wins over the one before. SIGTERM or Ctrl-C drains: no new calls, live ones may finish, recordings are
            sealed. A second signal ends at once; the next start recovers what was open.
            """,
        options: [
            config, storage, port("TCP port (default: PORT, or 8765; 0 lets the system choose)"),
            OptionSyntax("--host", .text, "ADDRESS", "address to bind (default: HOST)"),
        ],
        examples: ["teeline serve", "TEELINE_CARRIER_AUTH=off teeline serve --port 9000"])

    static let demo = CommandSyntax(
        words: ["demo"], summary: "watch one simulated call being recorded, then go on serving",
        details: """
            Starts a server on this machine only, with a simulated agent in place of ElevenLabs, places one call of
            20 seconds through the real sockets, in which the caller interrupts the agent, and shows what was
            recorded. Needs no account, no network and no configuration, and reads none.
            """,
        options: [
            port("TCP port (default: PORT, or 8765; 0 lets the system choose)"), storage,
            OptionSyntax(
                "--carrier", .choice(["twilio", "telnyx", "exotel"]), "NAME",
                "the carrier to play (default: twilio)"),
            OptionSyntax("--once", "exit after the call"),
        ], examples: ["teeline demo", "teeline demo --once --port 0 --storage /tmp/demo"])

    static let simulate = CommandSyntax(
        words: ["simulate"], summary: "place many simulated calls to a server and measure them",
        details: """
            Plays carriers and the agent: the calls go to --url, and the server's ELEVENLABS_BASE_URL must point to
            http://127.0.0.1:AGENT-PORT, where this program answers as the agent. All times are measured in the
            sound itself. An address without a path gets the carrier's usual path.
            """,
        options: [
            OptionSyntax("--url", .text, "URL", "the server (default: ws://127.0.0.1:8765)"),
            OptionSyntax("--calls", .integer(1...10_000), "N", "calls at once (default: 10)"),
            OptionSyntax("--seconds", .integer(1...86_400), "T", "length of each call (default: 30)"),
            OptionSyntax(
                "--ramp", .integer(0...86_400), "T", "seconds over which the calls begin (default: 5)"),
            OptionSyntax(
                "--carrier", .choice(["twilio", "telnyx", "exotel", "mix"]), "NAME",
                "the carrier to play (default: twilio)"),
            OptionSyntax(
                "--agent-port", .integer(1...65_535), "N", "port of the simulated agent (default: 8766)"),
            OptionSyntax("--json", .text, "FILE", "write the report as JSON, too; - is standard output"),
        ],
        examples: [
            "ELEVENLABS_AGENT_ID=load ELEVENLABS_BASE_URL=http://127.0.0.1:8766 TEELINE_CARRIER_AUTH=off teeline serve",
            "teeline simulate --calls 100 --seconds 60 --carrier mix",
        ])

    static let list = CommandSyntax(
        words: ["recordings", "list"], summary: "list recordings, newest first",
        details: "Reads the archive itself, beside a running server or without one. Times are UTC.",
        options: filters + [storage, config, OptionSyntax("--json", "the API's JSON instead of a table")],
        examples: ["teeline recordings list --from 2026-11-01 --carrier twilio --state sealed"])

    static let show = CommandSyntax(
        words: ["recordings", "show"], summary: "show everything of one recording",
        details: "ID is our identifier, or the carrier's identifier of the call.",
        operands: [OperandSyntax(name: "ID")],
        options: [storage, config, OptionSyntax("--json", "the API's JSON instead of text")])

    static let download = CommandSyntax(
        words: ["recordings", "download"], summary: "copy one recording or its transcript to a file",
        details: """
            ID is our identifier, or the carrier's identifier of the call. The copy is compared with the SHA-256 in
            the catalog. A file that exists is not overwritten.
            """,
        operands: [OperandSyntax(name: "ID")],
        options: [
            OptionSyntax("--output", .text, "FILE", "where to (default: ID.mp3; - is standard output)"),
            OptionSyntax(
                "--transcript", .choice(["json", "txt", "vtt", "srt"]), "FORM", "the transcript instead"),
            storage, config,
        ])

    static let export = CommandSyntax(
        words: ["export"], summary: "copy every finished recording to a folder, as MP3 and JSON",
        details: """
            Writes <call_id>.mp3 and <call_id>.json into DIR, call_id being the carrier's identifier with characters
            outside A-Za-z0-9._- replaced by _ (one for each Unicode scalar). When two calls come to one name, the later one
            gets -<our id>; so does a name of more than 250 characters, of which then 223 are kept. What is
            there already and equal stays. A JSON of the same call and the same audio is replaced whole when more is known of
            the call since (what ElevenLabs or a carrier told afterwards); nothing else is ever overwritten. Reads the
            archive itself, beside a running server or without one.
            """,
        operands: [OperandSyntax(name: "DIR")],
        options: filters.filter { $0.name != "--cursor" && $0.name != "--limit" } + [storage, config],
        examples: ["teeline export backup/2026-11 --from 2026-11-01 --to 2026-12-01"])

    static let verify = VerifyCommand.syntax

    static let doctor = CommandSyntax(
        words: ["doctor"], summary: "check configuration, storage, libraries, ports, clock and agent",
        details: "Each line is ok, warn or FAIL, with how to mend it. The status is 1 when a line says FAIL.",
        options: [
            config, storage, OptionSyntax("--offline", "do not ask the agent's service"),
        ])

    static let bench = CommandSyntax(
        words: ["bench"], summary: "measure what a call costs on this machine",
        details: "Starts servers of its own, loads them, and prints CPU per call-second beside bare LAME's.",
        options: [
            OptionSyntax("--quick", "one short run"),
            OptionSyntax("--only", .text, "TEXT", "only runs whose name holds TEXT"),
            OptionSyntax("--json", .text, "FILE", "write the figures as JSON, too"),
        ], takesAnything: true)
}
