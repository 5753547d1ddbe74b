// The table of doors that carriers and ElevenLabs knock at.

/// Who knocks at a door, and so how it proves who it is.
public enum DoorKind: String, Sendable, Hashable, CaseIterable {
    /// Twilio: X-Twilio-Signature.
    case twilio
    /// Telnyx: Ed25519.
    case telnyx
    /// Exotel: Basic credentials or address.
    case exotel
    /// ElevenLabs' post-call webhooks: HMAC.
    case elevenLabs = "elevenlabs"
    /// ElevenLabs' conversation initiation: a bearer secret.
    case initiation
    /// Developers: the API's bearer token.
    case api

    /// Who it is, and by what it is known: for the documents.
    public var title: String {
        switch self {
        case .twilio: "Twilio, signed"
        case .telnyx: "Telnyx, signed"
        case .exotel: "Exotel, by key, credentials or address"
        case .elevenLabs: "ElevenLabs, signed"
        case .initiation: "ElevenLabs, by bearer secret"
        case .api: "developers, by API token"
        }
    }
}

/// What a door does.
public enum DoorAction: Sendable, Hashable, CaseIterable {
    /// Twilio: a call comes in. `speech` calls speak by themselves unless an agent is named.
    case twilioCall, twilioSpeechCall
    /// Twilio asks what follows a stream.
    case twilioStreamEnded
    /// Twilio's callbacks.
    case twilioStreamStatus, twilioCallStatus, twilioRecordingStatus
    /// Telnyx's one webhook.
    case telnyxEvent
    /// Exotel's resolver, passthru and status callback.
    case exotelStreamURL, exotelPassthru, exotelStatus
    /// ElevenLabs after a call.
    case postCall
    /// ElevenLabs before a native Twilio call.
    case initiation
    /// The text-to-speech page's test routes.
    case speechTest, speechConnections, speechSynthesis
}

/// One door.
public struct WebhookRoute: Sendable, Hashable {
    /// Its path.
    public var path: String
    /// Its methods.
    public var methods: [String]
    /// Who knocks.
    public var kind: DoorKind
    /// What it does.
    public var action: DoorAction
    /// One line for the documents.
    public var summary: String
    /// Most bytes of its body.
    public var bodyBytes = WebhookRoute.usualBytes

    /// Most bytes of a body of somebody who is not known yet.
    public static let usualBytes = 64 << 10
}

/// All doors.
public enum WebhookRoutes {
    private static let both = ["GET", "POST"]
    /// Transcriptions of hours come by webhook.
    private static let telnyxBytes = 1 << 20

    /// Every door, by path.
    public static let all: [WebhookRoute] = [
        WebhookRoute(
            path: "/twilio/incoming-call", methods: both, kind: .twilio, action: .twilioCall,
            summary: "A call comes in: answered with TwiML that opens its stream"),
        WebhookRoute(
            path: "/api/v1/elevenlabs-twilio/call/incoming", methods: both, kind: .twilio,
            action: .twilioSpeechCall,
            summary: "A call comes in: its stream speaks texts (?voice_id=), or an agent talks (?agent_id=)"),
        WebhookRoute(
            path: "/twilio/stream-ended", methods: both, kind: .twilio, action: .twilioStreamEnded,
            summary: "What follows a stream: a word when nobody could talk, then the end"),
        WebhookRoute(
            path: "/twilio/stream-status", methods: both, kind: .twilio, action: .twilioStreamStatus,
            summary: "Status callback of a stream"),
        WebhookRoute(
            path: "/twilio/call-status", methods: both, kind: .twilio, action: .twilioCallStatus,
            summary: "Status callback of a call"),
        WebhookRoute(
            path: "/twilio/recording-status", methods: both, kind: .twilio, action: .twilioRecordingStatus,
            summary: "Status callback of a recording Twilio makes"),
        WebhookRoute(
            path: "/webhook", methods: both, kind: .telnyx, action: .telnyxEvent,
            summary: "Telnyx's events of all calls", bodyBytes: telnyxBytes),
        WebhookRoute(
            path: "/telnyx/webhook", methods: both, kind: .telnyx, action: .telnyxEvent,
            summary: "The same", bodyBytes: telnyxBytes),
        WebhookRoute(
            path: "/exotel/stream-url", methods: both, kind: .exotel, action: .exotelStreamURL,
            summary: "The Voicebot applet asks where a call's stream goes"),
        WebhookRoute(
            path: "/exotel/passthru", methods: both, kind: .exotel, action: .exotelPassthru,
            summary: "The Passthru applet tells how a stream was"),
        WebhookRoute(
            path: "/exotel/status", methods: both, kind: .exotel, action: .exotelStatus,
            summary: "Status callback of a call"),
        WebhookRoute(
            path: "/elevenlabs/webhook", methods: ["POST"], kind: .elevenLabs, action: .postCall,
            summary: "ElevenLabs' post-call webhooks: transcript, audio, failed initiation",
            bodyBytes: 64 << 20),
        WebhookRoute(
            path: "/elevenlabs/conversation-initiation", methods: ["POST"], kind: .initiation,
            action: .initiation,
            summary: "ElevenLabs' native Twilio integration asks what a call is to be"),
        WebhookRoute(
            path: "/api/v1/elevenlabs-twilio/test", methods: ["GET"], kind: .api, action: .speechTest,
            summary: "Whether text to speech is ready"),
        WebhookRoute(
            path: "/api/v1/elevenlabs-twilio/connections", methods: ["GET"], kind: .api,
            action: .speechConnections, summary: "The media streams that are open"),
        WebhookRoute(
            path: "/api/v1/elevenlabs-twilio/test-synthesis", methods: ["POST"], kind: .api,
            action: .speechSynthesis, summary: "Speaks {\"text\": …, \"voice_id\"?: …} and gives the sound"),
    ]

    /// The door at `path`.
    public static func at(_ path: String) -> WebhookRoute? { all.first { $0.path == path } }

    /// How long a body may take, in seconds, where it may be larger than usual.
    public static let largeBodySeconds = 60
}
