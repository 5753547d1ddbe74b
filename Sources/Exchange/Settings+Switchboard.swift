// The settings of the doors: accounts, secrets, rules and words, from checked values.

import Cryptography
import Foundation
import Routing
import Signalling
import Switchboard

extension SwitchboardSettings {
    /// The settings in `values`; what is wrong is added to `problems`.
    init(_ values: SettingValues, problems: inout [String]) {
        var standard = CallPlan()
        standard.mode = CallMode(rawValue: values.text("routing.mode")) ?? .agent
        standard.staysAfterSpeech = values.flag("speech.stays")
        self.init(routing: Self.routing(values.text("routing.rules"), standard: standard, &problems))
        authIsOff = values.text("server.carrier_auth") == "off"
        proxies = Self.proxies(values, &problems)
        requestsPerMinute = values.count("doors.requests_per_minute")
        tokenMilliseconds = values.number("doors.token_seconds") * 1000
        words.busy = values.text("doors.busy_message")
        words.fallback = values.text("doors.fallback_message")
        words.language = values.text("doors.message_language")
        speechText = values.text("speech.text")
        voicemail = VoicemailPlan(
            greeting: values.text("voicemail.greeting"), beeps: values.flag("voicemail.beep"),
            maximumSeconds: values.count("voicemail.max_seconds"),
            silenceSeconds: values.count("voicemail.silence_seconds"))
        let url = values.text("contexts.url")
        if !url.isEmpty {
            if !url.hasPrefix("https://"), !url.hasPrefix("http://127."), !url.hasPrefix("http://localhost") {
                problems.append("TEELINE_CONTEXT_URL must begin with https:// (or be on this machine)")
            } else if PublicURL(String(url.replacing("{phone}", with: "0").prefix { $0 != "?" })) == nil {
                problems.append(
                    "TEELINE_CONTEXT_URL must be an address with a host, and a port of 1 to 65535 if any")
            }
            contexts = ContextService(
                url: url, token: values.secrets("contexts.token").first,
                timeoutMilliseconds: values.count("contexts.timeout_ms"),
                keepMilliseconds: values.number("contexts.cache_seconds") * 1000)
        }
        readTwilio(values, &problems)
        readTelnyx(values, &problems)
        telnyx.stream = TelnyxStreamSettings(values, problems: &problems)
        readExotel(values, &problems)
        elevenLabs.apiKey = values.secrets("agent.api_key").first ?? elevenLabs.apiKey
        elevenLabs.baseURL = values.text("agent.base_url")
        elevenLabs.agentID = values.text("agent.id")
        elevenLabs.webhookSecrets = values.secrets("agent.webhook_secret")
        elevenLabs.initiationSecrets = values.secrets("agent.initiation_secret")
        elevenLabs.fetchesConversations = values.flag("agent.fetch_conversation")
    }

    private mutating func readTwilio(_ values: SettingValues, _ problems: inout [String]) {
        twilio.accountSID = values.text("twilio.account_sid")
        twilio.authTokens = values.secrets("twilio.auth_token")
        if let keys = values.pairs("twilio.shared_keys") {
            twilio.sharedKeys = Dictionary(keys.map { ($0.name, $0.secret) }) { first, _ in first }
        } else {
            problems.append("TWILIO_SHARED_KEYS must be a list of id:secret, comma separated")
        }
        twilio.apiKeySID = values.text("twilio.api_key_sid")
        twilio.apiKeySecret = values.secrets("twilio.api_key_secret").first ?? twilio.apiKeySecret
        twilio.phoneNumber = values.text("twilio.phone_number")
        twilio.baseURL = values.text("twilio.base_url")
    }

    private mutating func readTelnyx(_ values: SettingValues, _ problems: inout [String]) {
        telnyx.apiKey = values.secrets("telnyx.api_key").first ?? telnyx.apiKey
        telnyx.publicKeys = values.list("telnyx.public_key")
        do throws(CryptographyError) {
            _ = try TelnyxSignature(publicKeys: telnyx.publicKeys)
        } catch {
            problems.append(
                "TELNYX_PUBLIC_KEY must be the base64 of 32 bytes as Mission Control shows it (several: comma separated)"
            )
        }
        telnyx.connectionID = values.text("telnyx.connection_id")
        telnyx.phoneNumber = values.text("telnyx.phone_number")
        telnyx.baseURL = values.text("telnyx.base_url")
        telnyx.recordsVoicemail = values.text("voicemail.by") == "telnyx"
        telnyx.voice = values.text("voicemail.voice")
        telnyx.transcribes = values.flag("voicemail.transcription")
    }

    private mutating func readExotel(_ values: SettingValues, _ problems: inout [String]) {
        exotel.accountSID = values.text("exotel.account_sid")
        exotel.apiKey = values.secrets("exotel.api_key").first ?? exotel.apiKey
        exotel.apiToken = values.secrets("exotel.api_token").first ?? exotel.apiToken
        exotel.callerID = values.text("exotel.caller_id")
        exotel.baseURL = values.text("exotel.base_url")
        if let pairs = values.pairs("exotel.stream_credentials") {
            exotel.streamCredentials = pairs.map { ($0.name, $0.secret) }
        } else {
            problems.append("EXOTEL_STREAM_CREDENTIALS must be a list of user:password, comma separated")
        }
        exotel.allowedAddresses = Self.addresses(
            values.list("exotel.allowed_addresses"), "EXOTEL_ALLOWED_ADDRESSES", &problems)
        exotel.webhookKeys = values.secrets("exotel.webhook_keys")
        exotel.sampleRate = values.count("exotel.sample_rate")
    }

    private static func proxies(_ values: SettingValues, _ problems: inout [String]) -> TrustedProxies {
        let text = values.text("server.public_url")
        let base = text.isEmpty ? nil : PublicURL(text)
        if base == nil, !text.isEmpty {
            problems.append(
                "TEELINE_PUBLIC_URL must be an address like https://voice.example.com, without query and fragment"
            )
        }
        let list = addresses(
            values.list("server.trusted_proxies"), "TEELINE_TRUSTED_PROXIES", &problems)
        return TrustedProxies(base: base, proxies: list)
    }

    private static func addresses(
        _ texts: [String], _ variable: String, _ problems: inout [String]
    ) -> AddressList {
        do throws(AddressListError) {
            return try AddressList(texts)
        } catch {
            problems.append(
                "\(variable): entry \(error.index + 1) is neither an address nor a network like 10.0.0.0/8")
            return .empty
        }
    }

    /// The rules in the file `named`, or in config/rules.json when it exists and none is named.
    private static func routing(
        _ named: String, standard: CallPlan, _ problems: inout [String]
    ) -> RoutingTable {
        let path = named.isEmpty ? "config/rules.json" : named
        guard let document = FileManager.default.contents(atPath: path) else {
            if !named.isEmpty { problems.append("TEELINE_RULES names a file that cannot be read: \(path)") }
            return RoutingTable(standard: standard)
        }
        do throws(RoutingError) {
            return try RoutingTable(document: Array(document), standard: standard)
        } catch {
            problems += error.problems.map { "\(path): \($0)" }
            return RoutingTable(standard: standard)
        }
    }
}
