// Every key of the configuration: its name, its variable, its bounds, its default, its meaning.

/// What values a key takes.
public enum SettingKind: Sendable, Hashable {
    /// Any text.
    case text
    /// Text that stands in the environment only, never in the file: it is a secret.
    case secret
    /// One of these.
    case choice([String])
    /// A whole number within bounds.
    case integer(ClosedRange<Int64>)
    /// A number within bounds.
    case decimal(ClosedRange<Double>)
    /// `true` or `false`.
    case flag
}

/// One key of the configuration.
public struct SettingKey: Sendable, Hashable {
    /// Its place in the file: group and name with a dot between ("server.port").
    public var name: String
    /// Its environment variable, which wins over the file.
    public var variable: String
    /// Other variables that mean the same, as common bridges name them; `variable` wins over them.
    public var aliases: [String]
    /// What it takes.
    public var kind: SettingKind
    /// What it is when nobody says.
    public var standard: String
    /// What it means, in one sentence.
    public var meaning: String

    init(
        _ name: String, _ variable: String, _ kind: SettingKind, _ standard: String, _ meaning: String,
        aliases: [String] = []
    ) {
        self.aliases = aliases
        self.name = name
        self.variable = variable
        self.kind = kind
        self.standard = standard
        self.meaning = meaning
    }

    /// All keys, as the README lists them.
    public static let all = house + doors + carriers + words

    /// The server, the agent, recordings and limits.
    static let house: [SettingKey] = [
        SettingKey(
            "server.host", "HOST", .text, "",
            "Address to bind, or localhost. Default: 0.0.0.0 with an API token, 127.0.0.1 without one."),
        SettingKey(
            "server.port", "PORT", .integer(0...65_535), "8765", "TCP port; 0 lets the system choose.",
            aliases: ["BRIDGE_PORT"]),
        SettingKey(
            "server.threads", "TEELINE_HTTP_THREADS", .integer(1...64), "2",
            "Threads that answer HTTP requests."),
        SettingKey(
            "server.loops", "TEELINE_LOOPS", .integer(0...64), "0",
            "Media event loops; 0 is one a core. One is used for the first 100 calls, then the next."),
        SettingKey(
            "server.drain_seconds", "TEELINE_DRAIN_SECONDS", .integer(0...86_400), "30",
            "On SIGTERM live calls may finish for this long; then they are ended as drained."),
        SettingKey(
            "server.api_token", "TEELINE_API_TOKEN", .secret, "",
            "Bearer tokens of the API, comma separated. Without one the server binds to loopback only."),
        SettingKey(
            "server.carrier_auth", "TEELINE_CARRIER_AUTH", .choice(["required", "off"]), "required",
            "Authentication of carriers' webhooks and media sockets. off takes anybody: for demos and private networks only."
        ),
        SettingKey(
            "log.level", "LOG_LEVEL",
            .choice(["debug", "info", "warning", "error", "DEBUG", "INFO", "WARNING", "ERROR"]), "info",
            "Least level of the log lines on standard output."),
        SettingKey(
            "storage.path", "TEELINE_STORAGE", .text, "storage",
            "Folder of the archive; nothing is written outside it."),
        SettingKey(
            "storage.least_free_mb", "TEELINE_LEAST_FREE_MB", .integer(0...1_000_000), "256",
            "Least free space below which no further call is taken (503 disk_full, not ready); calls that run go on."
        ),
        SettingKey("agent.id", "ELEVENLABS_AGENT_ID", .text, "", "The ElevenLabs agent that answers."),
        SettingKey(
            "agent.api_key", "ELEVENLABS_API_KEY", .secret, "",
            "Key for private agents: a signed URL is fetched for each call. Without it the agent must be public.",
            aliases: ["ELEVEN_LABS_API_KEY"]),
        SettingKey(
            "agent.base_url", "ELEVENLABS_BASE_URL", .text, "https://api.elevenlabs.io",
            "Base of REST and WebSocket addresses (http becomes ws, https wss)."),
        SettingKey(
            "agent.attempts", "TEELINE_AGENT_ATTEMPTS", .integer(1...20), "4",
            "Attempts to open a conversation while the call waits."),
        SettingKey(
            "agent.retry_ms", "TEELINE_AGENT_RETRY_MS", .integer(10...10_000), "250",
            "First pause between attempts; it doubles, with jitter."),
        SettingKey(
            "agent.open_seconds", "TEELINE_AGENT_OPEN_SECONDS", .integer(1...300), "15",
            "Longest wait for an opened conversation, queueing at the agent included."),
        SettingKey(
            "agent.tell_keys", "TEELINE_AGENT_TELL_KEYS", .flag, "true",
            "Whether pressed keys are told to the agent as a contextual update."),
        SettingKey(
            "telnyx.codec", "TELNYX_STREAM_BIDIRECTIONAL_CODEC",
            .choice(["PCMU", "PCMA", "G722", "OPUS", "AMR-WB", "L16"]), "PCMU",
            "What Telnyx wants from us: its stream_bidirectional_codec."),
        SettingKey(
            "telnyx.sampling_rate", "TELNYX_STREAM_BIDIRECTIONAL_SAMPLING_RATE",
            .choice(["8000", "16000", "22050", "24000", "48000"]), "8000",
            "Its stream_bidirectional_sampling_rate: any for L16, up to 16000 for OPUS; G722 and AMR-WB sound at 16 kHz either way."
        ),
        SettingKey(
            "telnyx.l16_byte_order", "TELNYX_L16_BYTE_ORDER", .choice(["auto", "little", "big"]), "auto",
            "Order of bytes in Telnyx's L16; auto finds it in what comes, and sends little-endian."),
        SettingKey(
            "recording.channels", "TEELINE_CHANNELS", .choice(["dual", "mixed"]), "dual",
            "dual: caller left, agent right. mixed: one channel, the average."),
        SettingKey(
            "recording.narrowband_kbps", "TEELINE_NARROWBAND_KBPS", .integer(8...64), "48",
            "MP3 bitrate at 8 kHz: 24, 32, 40, 48, 56 or 64 (below 24 LAME drops its gapless tag)."),
        SettingKey(
            "recording.wideband_kbps", "TEELINE_WIDEBAND_KBPS", .integer(8...160), "64",
            "MP3 bitrate at 16 and 24 kHz: 40 to 160 (below 40 LAME drops its gapless tag)."),
        SettingKey(
            "recording.quality", "TEELINE_QUALITY", .integer(0...9), "5",
            "LAME's quality, 0 best, 9 fastest; 5 costs 1.6 times the CPU of 7."),
        SettingKey(
            "recording.live", "TEELINE_RENDER_LIVE", .flag, "true",
            "Whether the MP3 is made while the call runs; otherwise after it."),
        SettingKey(
            "recording.encoder_threads", "TEELINE_ENCODER_THREADS", .integer(0...64), "0",
            "Encoder threads, of lower priority than the media loops; 0 is one a core."),
        SettingKey(
            "recording.keep_originals", "TEELINE_KEEP_ORIGINALS", .flag, "true",
            "Whether tapes stay after their recording is sealed, so that it can be derived again."),
        SettingKey(
            "recording.sync_ms", "TEELINE_SYNC_MS", .integer(50...60_000), "1000",
            "How often tapes are made durable: what a power cut can lose."),
        SettingKey(
            "recording.batch_ms", "TEELINE_BATCH_MS", .integer(20...1_000), "200",
            "How often a call's records go to the tape: what a killed process can lose."),
        SettingKey(
            "recording.max_tape_mb", "TEELINE_MAX_TAPE_MB", .integer(1...1_000_000), "2048",
            "Largest tape; what comes beyond is lost and named on the row."),
        SettingKey(
            "recording.queue_mb", "TEELINE_QUEUE_MB", .integer(1...100_000), "64",
            "Most bytes waiting for the disk over all calls; what comes beyond is lost and named on the row."),
        SettingKey(
            "limits.calls", "TEELINE_MAX_CALLS", .integer(1...100_000), "1000",
            "Calls at once; further streams are answered 503."),
        SettingKey(
            "limits.message_kb", "TEELINE_MAX_MESSAGE_KB", .integer(4...65_536), "1024",
            "Largest WebSocket message after start; a larger one closes the stream with 1009."),
        SettingKey(
            "limits.start_kb", "TEELINE_MAX_START_KB", .integer(4...1_024), "64",
            "Most bytes of a stream before its start."),
        SettingKey(
            "limits.header_kb", "TEELINE_MAX_HEADER_KB", .integer(4...1_024), "32",
            "Largest header of an HTTP request; a larger one is answered 431."),
        SettingKey(
            "limits.body_kb", "TEELINE_MAX_BODY_KB", .integer(1...65_536), "64",
            "Largest body of an HTTP request; a larger one is answered 413."),
        SettingKey(
            "limits.start_seconds", "TEELINE_START_SECONDS", .integer(1...600), "15",
            "Longest wait for start on an opened stream (Telnyx: 90 at least, it may ring)."),
        SettingKey(
            "limits.idle_seconds", "TEELINE_IDLE_SECONDS", .integer(2...3_600), "30",
            "Longest silence of a carrier's socket before its call ends as idle."),
        SettingKey(
            "limits.call_minutes", "TEELINE_MAX_CALL_MINUTES", .integer(1...1_440), "240", "Longest call."),
        SettingKey(
            "limits.send_kb", "TEELINE_MAX_SEND_KB", .integer(64...1_048_576), "4096",
            "Most bytes waiting for one peer; a slower one is closed with 1013."),
        SettingKey(
            "limits.backlog_seconds", "TEELINE_MAX_BACKLOG_SECONDS", .integer(1...600), "120",
            "Most agent sound waiting in our hands; what comes beyond is dropped and counted."),
    ]
}
