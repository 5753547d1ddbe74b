// What the switchboard is set to: addresses, accounts, words.

import Cryptography
import Routing
import Signalling

/// An account at Twilio.
public struct TwilioAccount: Sendable {
    /// The account (AC…); empty: none.
    public var accountSID = ""
    /// What requests are signed with; the first one is used for REST.
    public var authTokens: [Secret] = []
    /// Secrets of SHA-256 signatures by their keys' ids.
    public var sharedKeys: [String: Secret] = [:]
    /// An API key for REST instead of account and token.
    public var apiKeySID = ""
    /// Its secret.
    public var apiKeySecret = Secret("")
    /// Where outbound calls come from.
    public var phoneNumber = ""
    /// Base of REST addresses.
    public var baseURL = "https://api.twilio.com"

    /// No account.
    public init() {}
}

/// An account at Telnyx, and what its streams are asked for.
public struct TelnyxAccount: Sendable {
    /// The key for REST; empty: none.
    public var apiKey = Secret("")
    /// Public keys of webhooks (base64 of 32 bytes).
    public var publicKeys: [String] = []
    /// The application outbound calls are placed with.
    public var connectionID = ""
    /// Where outbound calls come from.
    public var phoneNumber = ""
    /// Base of REST addresses, without `/v2`.
    public var baseURL = "https://api.telnyx.com"
    /// What its streams are asked for.
    public var stream = TelnyxStreamSettings()
    /// Whether Telnyx records the answering machine's messages, instead of our stream.
    public var recordsVoicemail = false
    /// Voice of `speak`.
    public var voice = "female"
    /// Whether Telnyx transcribes what it records.
    public var transcribes = false

    /// No account.
    public init() {}
}

/// An account at Exotel.
public struct ExotelAccount: Sendable {
    /// The account; empty: none.
    public var accountSID = ""
    /// Key for REST.
    public var apiKey = Secret("")
    /// Its token.
    public var apiToken = Secret("")
    /// Where outbound calls come from.
    public var callerID = ""
    /// Base of REST addresses.
    public var baseURL = "https://api.in.exotel.com"
    /// Unguessable values of webhook URLs (`?key=`).
    public var webhookKeys: [Secret] = []
    /// `user:password` pairs of stream URLs.
    public var streamCredentials: [(user: String, password: Secret)] = []
    /// Where Exotel calls from.
    public var allowedAddresses = AddressList.empty
    /// `sample-rate` of stream URLs, in hertz.
    public var sampleRate = 8000

    /// No account.
    public init() {}
}

/// The account at ElevenLabs, as far as it concerns what comes after a call.
public struct ElevenLabsAccount: Sendable {
    /// The key; empty: none.
    public var apiKey = Secret("")
    /// Base of REST addresses.
    public var baseURL = "https://api.elevenlabs.io"
    /// The configured agent.
    public var agentID = ""
    /// Secrets of post-call webhooks.
    public var webhookSecrets: [Secret] = []
    /// Secrets of the conversation-initiation webhook.
    public var initiationSecrets: [Secret] = []
    /// Whether transcripts are fetched when no webhook brings them.
    public var fetchesConversations = true
    /// Pauses before each attempt to fetch one, in milliseconds: as far apart as ElevenLabs' own deliveries
    /// (elevenlabs.md §4.5: 30 s, 2 min, 8 min), after a first look.
    public var fetchPauses: [Int64] = [10_000, 30_000, 120_000, 480_000]

    /// No account.
    public init() {}
}

/// What callers are told without an agent.
public struct DoorWords: Sendable {
    /// When too many calls are live.
    public var busy = "All our lines are busy. Please call again in a few minutes."
    /// When a call cannot be taken.
    public var fallback = "We are sorry, we cannot take your call right now. Please call again later."
    /// Their language (BCP 47).
    public var language = "en-US"

    /// The standard words.
    public init() {}
}

/// Settings of the switchboard.
public struct SwitchboardSettings: Sendable {
    /// Whether nobody has to prove anything: demos and private networks.
    public var authIsOff = false
    /// The server's own address as the world sees it, and the proxies whose word counts.
    public var proxies = TrustedProxies(base: nil)
    /// Most requests of one source in a minute.
    public var requestsPerMinute = 600
    /// How long a stream token waits, in milliseconds.
    public var tokenMilliseconds: Int64 = 120_000
    /// What callers are told.
    public var words = DoorWords()
    /// What a call in mode `speech` says when nothing else is given.
    public var speechText = ""
    /// The standard answering machine.
    public var voicemail = VoicemailPlan()
    /// The rules.
    public var routing: RoutingTable
    /// Pauses between attempts to download a carrier's recording, in milliseconds; one attempt more than pauses.
    public var downloadPauses = [1_000, 5_000, 20_000, 60_000, 180_000]
    /// How long after a call's end its recording is waited for before a row says that there is none, in milliseconds.
    public var messageMilliseconds = 60_000
    /// The service that knows customers.
    public var contexts: ContextService?
    /// Twilio.
    public var twilio = TwilioAccount()
    /// Telnyx.
    public var telnyx = TelnyxAccount()
    /// Exotel.
    public var exotel = ExotelAccount()
    /// ElevenLabs.
    public var elevenLabs = ElevenLabsAccount()

    /// Standard settings with `routing`.
    public init(routing: RoutingTable) { self.routing = routing }
}
