// Keys of the doors: the public address, authentication, limits of unknown peers, what a caller is told.

extension SettingKey {
    /// The doors to the telephone world.
    static let doors: [SettingKey] = [
        SettingKey(
            "server.public_url", "TEELINE_PUBLIC_URL", .text, "",
            "The address carriers reach this server by (https://voice.example.com): stream URLs are made from it and signatures checked against it.",
            aliases: ["BASE_URL", "WEBHOOK_BASE_URL"]),
        SettingKey(
            "server.trusted_proxies", "TEELINE_TRUSTED_PROXIES", .text, "",
            "Addresses or networks (10.0.0.0/8, ::1), comma separated, whose X-Forwarded-For is believed, and X-Forwarded-Proto and -Host when there is no public URL."
        ),
        SettingKey(
            "doors.requests_per_minute", "TEELINE_DOOR_RATE", .integer(1...1_000_000), "600",
            "Most webhooks and upgrades of one source in a minute that prove nothing; more are answered 429."),
        SettingKey(
            "doors.calls_per_caller", "TEELINE_MAX_CALLS_PER_CALLER", .integer(0...100_000), "10",
            "Calls at once from one number; more hear the busy message. 0: no limit."),
        SettingKey(
            "doors.calls_per_called", "TEELINE_MAX_CALLS_PER_CALLED", .integer(0...100_000), "0",
            "Calls at once to one number; more hear the busy message. 0: no limit."),
        SettingKey(
            "doors.token_seconds", "TEELINE_STREAM_TOKEN_SECONDS", .integer(5...3_600), "120",
            "How long a stream token may wait for its stream; it opens one call, once."),
        SettingKey(
            "doors.busy_message", "TEELINE_BUSY_MESSAGE", .text,
            "All our lines are busy. Please call again in a few minutes.",
            "What a caller is told when too many calls are live."),
        SettingKey(
            "doors.fallback_message", "TEELINE_FALLBACK_MESSAGE", .text,
            "We are sorry, we cannot take your call right now. Please call again later.",
            "What a caller is told when a call cannot be taken."),
        SettingKey(
            "doors.message_language", "TEELINE_MESSAGE_LANGUAGE", .text, "en-US",
            "Language of the busy and the fallback message."),
        SettingKey(
            "routing.mode", "TEELINE_MODE", .choice(["agent", "speech", "voicemail"]), "agent",
            "What a call is when no rule says otherwise: the agent, spoken texts, or an answering machine."),
        SettingKey(
            "routing.rules", "TEELINE_RULES", .text, "",
            "File of routing rules (see below); config/rules.json when it exists and nothing is named."),
        SettingKey(
            "contexts.url", "TEELINE_CONTEXT_URL", .text, "",
            "HTTPS address asked for a caller's context before the table is; {phone} stands for the number."),
        SettingKey(
            "contexts.token", "TEELINE_CONTEXT_TOKEN", .secret, "", "Bearer token sent to that address."),
        SettingKey(
            "contexts.timeout_ms", "TEELINE_CONTEXT_TIMEOUT_MS", .integer(50...10_000), "1500",
            "Longest wait for that address; then the table is asked."),
        SettingKey(
            "contexts.cache_seconds", "TEELINE_CONTEXT_CACHE_SECONDS", .integer(0...86_400), "300",
            "How long its answers are kept in memory."),
        SettingKey(
            "agent.output_format", "ELEVENLABS_OUTPUT_FORMAT",
            .choice([
                "", "pcm_8000", "pcm_16000", "pcm_22050", "pcm_24000", "pcm_44100", "pcm_48000", "ulaw_8000",
            ]), "",
            "The format the agent is expected to send. Its metadata decides; a difference is a warning in the log."
        ),
        SettingKey(
            "agent.webhook_secret", "ELEVENLABS_WEBHOOK_SECRET", .secret, "",
            "Secrets of ElevenLabs' post-call webhooks (wsec_…), comma separated."),
        SettingKey(
            "agent.initiation_secret", "TEELINE_INITIATION_SECRET", .secret, "",
            "Secrets that ElevenLabs sends with the conversation-initiation webhook (Authorization: Bearer …), comma separated."
        ),
        SettingKey(
            "agent.fetch_conversation", "TEELINE_FETCH_CONVERSATION", .flag, "true",
            "Whether a conversation's own transcript is fetched after a call when no webhook brought it; needs the API key."
        ),
    ]
}
