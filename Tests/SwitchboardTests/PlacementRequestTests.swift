// The requests that place calls, held against the carriers' documents; and the book of calls under way.

import Carriers
import Cryptography
import Foundation
import Routing
import Signalling
import Telemetry
import Testing

@testable import Switchboard

@Suite struct PlacementRequestTests {
    private static let id = "01hq0000000000000000000000"
    private static let token = String(repeating: "t", count: 43)

    private static func settings() -> SwitchboardSettings {
        var settings = SwitchboardSettings(routing: RoutingTable())
        settings.proxies = TrustedProxies(base: PublicURL("https://voice.example.com"))
        settings.twilio.accountSID = "AC1"
        settings.twilio.authTokens = [Secret("12345"), Secret("older")]
        settings.telnyx.apiKey = Secret("KEY")
        settings.telnyx.connectionID = "2800000000000000001"
        settings.exotel.accountSID = "acct"
        settings.exotel.apiKey = Secret("exo_key_1")
        settings.exotel.apiToken = Secret("exo_token_2")
        settings.exotel.webhookKeys = [Secret("a+b")]
        settings.exotel.sampleRate = 16_000
        return settings
    }

    private static func place(
        _ carrier: Carrier, _ settings: SwitchboardSettings = settings()
    ) throws -> RESTRequest {
        let requests = PlacementRequests(settings: settings, addresses: StreamAddress(settings: settings))
        let base = try #require(settings.proxies.base)
        return try requests.place(
            PlacementRequests.Placement(
                id: id, to: "+15005550001", from: "+15005550006", token: token, base: base), by: carrier)
    }

    private static func header(_ request: RESTRequest, _ name: String) -> String? {
        request.headers.first { $0.name == name }?.value
    }

    /// carriers.md §2.1.4.
    @Test func twilio() throws {
        let request = try Self.place(.twilio)
        #expect(request.url == "https://api.twilio.com/2010-04-01/Accounts/AC1/Calls.json")
        #expect(!request.mayRepeat && request.method == "POST")
        // base64 of "AC1:12345": the first token is used.
        #expect(Self.header(request, "Authorization") == "Basic QUMxOjEyMzQ1")
        let form = try #require(FormFields(request.body))
        #expect(form.first("To") == "+15005550001" && form.first("From") == "+15005550006")
        #expect(form.first("Timeout") == "60")
        #expect(
            form.first("StatusCallback")
                == "https://voice.example.com/twilio/call-status?dial=01hq0000000000000000000000")
        #expect(
            form.fields.filter { $0.name == "StatusCallbackEvent" }.map(\.value)
                == ["initiated", "ringing", "answered", "completed"])
        let twiml = try #require(form.first("Twiml"))
        #expect(twiml.contains("<Connect><Stream url=\"wss://voice.example.com/twilio/media-stream\""))
        #expect(twiml.contains("<Parameter name=\"teeline_token\" value=\"\(Self.token)\"/>"))
        #expect(twiml.unicodeScalars.count <= 4000)

        // An API key comes before account and token: base64 of "SK1:s".
        var settings = Self.settings()
        settings.twilio.apiKeySID = "SK1"
        settings.twilio.apiKeySecret = Secret("s")
        #expect(
            Self.header(try Self.place(.twilio, settings), "Authorization") == "Basic U0sxOnM=")
    }

    /// carriers.md §3.1.3, §3.1.4.
    @Test(arguments: [("PCMU", nil), ("G722", nil), ("OPUS", 16_000), ("L16", 16_000)] as [(String, Int?)])
    func telnyx(codec: String, rate: Int?) throws {
        var settings = Self.settings()
        settings.telnyx.stream.bidirectionalCodec = try #require(TelnyxStreaming.Codec(rawValue: codec))
        settings.telnyx.stream.rate = rate ?? 8000
        let request = try Self.place(.telnyx, settings)
        #expect(request.url == "https://api.telnyx.com/v2/calls" && request.mayRepeat)
        #expect(Self.header(request, "Authorization") == "Bearer KEY")
        let body = try #require(
            try JSONSerialization.jsonObject(with: Data(request.body)) as? [String: Any])
        #expect(body["stream_url"] as? String == "wss://voice.example.com/media-stream?token=" + Self.token)
        #expect(body["stream_bidirectional_mode"] as? String == "rtp")
        #expect(body["stream_bidirectional_codec"] as? String == codec)
        #expect(body["stream_bidirectional_sampling_rate"] as? Int == rate)
        #expect(body["stream_track"] as? String == "inbound_track" && body["timeout_secs"] as? Int == 60)
        #expect(body["command_id"] as? String == Self.id)
        #expect(
            body["client_state"] as? String == Data(Self.id.utf8).base64EncodedString())
        #expect(body["webhook_url"] as? String == "https://voice.example.com/telnyx/webhook")
        #expect(body["custom_parameters"] == nil)
    }

    /// carriers.md §4.1.2; three parameters of 256 characters at most, §4.1.1.
    @Test func exotel() throws {
        let request = try Self.place(.exotel)
        #expect(request.url == "https://api.in.exotel.com/v1/Accounts/acct/Calls/connect.json")
        #expect(!request.mayRepeat)
        // Vector exotel_basic_auth_vectors.
        #expect(Self.header(request, "Authorization") == "Basic ZXhvX2tleV8xOmV4b190b2tlbl8y")
        let form = try #require(FormFields(request.body))
        #expect(form.first("From") == "+15005550001" && form.first("CallerId") == "+15005550006")
        let url = try #require(form.first("StreamUrl"))
        #expect(url == "wss://voice.example.com/media?sample-rate=16000&token=" + Self.token)
        #expect(url.utf8.count < 600 && form.first("StreamType") == "bidirectional")
        #expect(form.first("StatusCallback") == "https://voice.example.com/exotel/status?key=a%2Bb")
        #expect(form.first("CustomField") == Self.id)
        #expect(
            (0...2).map { form.first("StatusCallbackEvents[\($0)]") } == ["ringing", "answered", "terminal"])
    }

    @Test(
        arguments: [
            (Carrier.twilio, \SwitchboardSettings.twilio.accountSID), (.telnyx, \.telnyx.connectionID),
            (.exotel, \.exotel.accountSID),
        ] as [(Carrier, WritableKeyPath<SwitchboardSettings, String> & Sendable)])
    func whatIsNotConfiguredIsKnown(
        carrier: Carrier, key: WritableKeyPath<SwitchboardSettings, String> & Sendable
    ) {
        var settings = Self.settings()
        func isConfigured() -> Bool {
            PlacementRequests(settings: settings, addresses: StreamAddress(settings: settings))
                .isConfigured(carrier)
        }
        #expect(isConfigured())
        settings[keyPath: key] = ""
        #expect(!isConfigured())
    }

    // MARK: The book

    @Test func theBookCountsWhatIsUnderWay() {
        let book = DialBook()
        book.begin("a", .twilio, milliseconds: 60_000) {}
        book.begin("b", .exotel, milliseconds: 60_000) {}
        #expect(book.underWay == 2)
        #expect(book.keep("token-a", of: "a"))
        #expect(!book.name("a", "CA1") && book.wentLive("a") && book.underWay == 1)
        // A stream has used its token.
        #expect(book.end("a") == nil && !book.knows("a") && !book.wentLive("a"))
        #expect(book.keep("token-b", of: "b"))
        #expect(book.end("b") == "token-b" && book.underWay == 0)
        #expect(book.isCanceled("b"))
    }

    @Test func aCanceledCallGivesItsTokenOnce() {
        let book = DialBook()
        book.begin("a", .exotel, milliseconds: 60_000) {}
        #expect(book.keep("token", of: "a"))
        #expect(!book.isCanceled("a"))
        #expect(book.cancel("a")?.token == "token" && book.isCanceled("a"))
        // Who is to be ended gets no token any more.
        #expect(!book.keep("late", of: "a"))
        #expect(book.cancel("a")?.token == nil && book.name("a", "c1"))
        #expect(book.cancel("a")?.carrierCallID == "c1")
        #expect(book.end("a") == nil && book.cancel("a") == nil)
    }

    @Test func silenceIsToldOnceAndNotOfLiveCalls() async {
        let book = DialBook()
        await withCheckedContinuation { continuation in
            book.begin("a", .twilio, milliseconds: 0) { continuation.resume() }
        }
        #expect(book.knows("a"))
        book.begin("b", .twilio, milliseconds: 60_000) { Issue.record("an ended call is not silent") }
        _ = book.end("b")
        book.stop()
    }
}
