// Keys of the three carriers: accounts, secrets, and what streams are asked for.

extension SettingKey {
    /// Twilio, Telnyx and Exotel.
    static let carriers: [SettingKey] = [
        SettingKey("twilio.account_sid", "TWILIO_ACCOUNT_SID", .text, "", "The Twilio account (AC…)."),
        SettingKey(
            "twilio.auth_token", "TWILIO_AUTH_TOKEN", .secret, "",
            "Auth tokens that sign Twilio's requests, comma separated; the first one is used for REST."),
        SettingKey(
            "twilio.shared_keys", "TWILIO_SHARED_KEYS", .secret, "",
            "Keys of SHA-256 signatures, as id:secret, comma separated."),
        SettingKey(
            "twilio.api_key_sid", "TWILIO_API_KEY_SID", .text, "",
            "API key for REST (SK…) instead of account and token."),
        SettingKey("twilio.api_key_secret", "TWILIO_API_KEY_SECRET", .secret, "", "Its secret."),
        SettingKey(
            "twilio.phone_number", "TWILIO_PHONE_NUMBER", .text, "",
            "The number outbound calls come from, unless the order names one."),
        SettingKey(
            "twilio.base_url", "TWILIO_BASE_URL", .text, "https://api.twilio.com",
            "Base of Twilio's REST addresses (regional: https://api.dublin.ie1.twilio.com)."),
        SettingKey(
            "telnyx.api_key", "TELNYX_API_KEY", .secret, "", "Key for Telnyx's call control and recordings."),
        SettingKey(
            "telnyx.public_key", "TELNYX_PUBLIC_KEY", .secret, "",
            "Public keys that Telnyx's webhooks are verified with (base64), comma separated."),
        SettingKey(
            "telnyx.connection_id", "TELNYX_CONNECTION_ID", .text, "",
            "The Call Control application outbound calls are placed with."),
        SettingKey(
            "telnyx.phone_number", "TELNYX_PHONE_NUMBER", .text, "",
            "The number outbound calls come from, unless the order names one."),
        SettingKey(
            "telnyx.base_url", "TELNYX_BASE_URL", .text, "https://api.telnyx.com",
            "Base of Telnyx's REST addresses (EU: https://api.telnyx.eu)."),
        SettingKey(
            "telnyx.track", "TELNYX_STREAM_TRACK",
            .choice(["inbound_track", "outbound_track", "both_tracks"]),
            "inbound_track", "stream_track: what Telnyx streams to us; the caller is inbound."),
        SettingKey(
            "telnyx.stream_codec", "TELNYX_STREAM_CODEC",
            .choice(["", "PCMU", "PCMA", "G722", "OPUS", "AMR-WB", "L16", "default"]), "",
            "stream_codec: what Telnyx is asked to send; empty: the call's own codec."),
        SettingKey(
            "telnyx.target_legs", "TELNYX_STREAM_BIDIRECTIONAL_TARGET_LEGS",
            .choice(["self", "opposite", "both"]), "self",
            "stream_bidirectional_target_legs: who hears what we send."),
        SettingKey(
            "telnyx.silence_when_idle", "TELNYX_SEND_SILENCE_WHEN_IDLE", .flag, "false",
            "send_silence_when_idle: whether Telnyx sends silence to the caller while we send nothing; not with what only streaming_start takes."
        ),
        SettingKey(
            "telnyx.stream_auth_token", "TELNYX_STREAM_AUTH_TOKEN", .secret, "",
            "stream_auth_token: sent along with streaming_start and dial; a stream that shows another one is refused."
        ),
        SettingKey(
            "telnyx.custom_parameters", "TELNYX_CUSTOM_PARAMETERS", .text, "",
            "custom_parameters of streams, as name=value, comma separated: dynamic variables of the agent."),
        SettingKey(
            "telnyx.establish_before_originate", "TELNYX_STREAM_ESTABLISH_BEFORE_CALL_ORIGINATE", .flag,
            "false",
            "stream_establish_before_call_originate: whether the stream of a placed call opens before Telnyx dials."
        ),
        SettingKey(
            "telnyx.dialogflow", "TELNYX_ENABLE_DIALOGFLOW", .flag, "false",
            "enable_dialogflow, on streaming_start and dial."),
        SettingKey(
            "telnyx.dialogflow_config", "TELNYX_DIALOGFLOW_CONFIG", .secret, "",
            "dialogflow_config, a JSON object."),
        SettingKey("exotel.account_sid", "EXOTEL_ACCOUNT_SID", .text, "", "The Exotel account."),
        SettingKey("exotel.api_key", "EXOTEL_API_KEY", .secret, "", "Key for Exotel's REST."),
        SettingKey("exotel.api_token", "EXOTEL_API_TOKEN", .secret, "", "Its token."),
        SettingKey(
            "exotel.caller_id", "EXOTEL_CALLER_ID", .text, "", "The ExoPhone outbound calls come from."),
        SettingKey(
            "exotel.base_url", "EXOTEL_BASE_URL", .text, "https://api.in.exotel.com",
            "Base of Exotel's REST addresses (Singapore: https://api.exotel.com)."),
        SettingKey(
            "exotel.stream_credentials", "EXOTEL_STREAM_CREDENTIALS", .secret, "",
            "user:password pairs, comma separated, of Exotel's stream URLs (wss://user:password@host/media)."
        ),
        SettingKey(
            "exotel.allowed_addresses", "EXOTEL_ALLOWED_ADDRESSES", .text, "",
            "Addresses or networks Exotel calls from, comma separated. Where credentials are set too, both are needed."
        ),
        SettingKey(
            "exotel.webhook_keys", "EXOTEL_WEBHOOK_KEYS", .secret, "",
            "Unguessable values, comma separated; one of them stands as ?key=… in the resolver, Passthru and status URLs given to Exotel."
        ),
        SettingKey(
            "exotel.sample_rate", "EXOTEL_SAMPLE_RATE", .choice(["8000", "16000", "24000"]), "8000",
            "sample-rate of the stream URLs this server gives to Exotel."),
    ]
}
