// Routes and their document, problems, access and transcripts.

import Archive
import Net
import Testing

@testable import Desk

@Suite struct PureTests {
    static let id = "01aryz6s410000000000000000"

    @Test(arguments: Routes.all)
    func everyRouteIsFound(route: Route) {
        let name = route.parameter.map { "{\($0)}" } ?? "{}"
        let path = route.path.replacing(name, with: Self.id)
        let expected = route.parameter == nil ? "" : Self.id
        let methods = Routes.all.filter { $0.path == route.path }.map(\.method)
        #expect(Routes.match(method: route.method, path: path) == .found(route, id: expected))
        if route.method == "GET" {
            #expect(Routes.match(method: "HEAD", path: path) == .found(route, id: expected))
        }
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", ""]
        where !methods.contains(method) {
            let allowed = methods.flatMap { $0 == "GET" ? ["GET", "HEAD"] : [$0] }.joined(separator: ", ")
            #expect(Routes.match(method: method, path: path) == .methodNotAllowed(allow: allowed))
        }
        #expect(Routes.match(method: route.method, path: path + "/") == .notFound)
        #expect(Routes.match(method: route.method, path: path + "x/y") == .notFound)
    }

    @Test func whatIsWrittenOutGoesFirst() {
        #expect(
            Routes.match(method: "GET", path: "/v1/contexts/import") == .methodNotAllowed(allow: "POST"))
        #expect(
            Routes.match(method: "PATCH", path: "/v1/contexts/x")
                == .methodNotAllowed(allow: "GET, HEAD, PUT, DELETE"))
        #expect(
            Routes.match(method: "PATCH", path: "/v1/calls") == .methodNotAllowed(allow: "GET, HEAD, POST"))
    }

    @Test(arguments: [
        "", "/", "//", "/v1", "/v1/", "/v1/recordings/", "/v1/recordings//audio.mp3", "/v1/recordings/a/b/c",
        "/v1/recordings/x/../audio.mp3", "/V1/recordings", "/v2/recordings", "v1/recordings",
    ])
    func otherPathsAreNot(path: String) { #expect(Routes.match(method: "GET", path: path) == .notFound) }

    @Test func theDocumentListsExactlyTheRoutes() throws {
        let document = OpenAPI.document(version: "1.2.3")
        let paths = try #require(document.firstRange(of: "\"paths\":{"))
        let end = try #require(document.firstRange(of: "\"components\":"))
        // Keys of paths are the only names that begin with a slash and have an object.
        let listed = document[paths.upperBound..<end.lowerBound].split(separator: "\"").filter {
            $0.hasPrefix("/")
        }
        #expect(Set(listed.map { String($0) }) == Set(Routes.all.map(\.path)))
        #expect(listed.count == Set(Routes.all.map(\.path)).count)
        let bodies = document.split(separator: "\"requestBody\":").count - 1
        #expect(bodies == Routes.all.filter { $0.body != nil }.count)
        #expect(document.contains("{\"text/csv\":") == false)
        #expect(document.contains("\"text/csv\":{\"schema\":{\"type\":\"string\"}}"))
        // The document is one JSON text.
        #expect(BodyValue(Array(document.utf8)) != nil)
        #expect(document.hasPrefix(#"{"openapi":"3.1.0","info":{"title":"Teeline","version":"1.2.3"}"#))
        let ids = document.split(separator: "\"operationId\":\"").dropFirst().map { $0.prefix { $0 != "\"" } }
        #expect(Set(ids).count == ids.count)
        #expect(ids.count == Routes.all.count + Routes.all.filter(\.documentsHead).count)
    }

    @Test func aProblemHasItsMembers() {
        let problem = Problem(
            status: 409, code: "x", detail: "A \"thing\".", errorID: "e1", headers: ["Retry-After": "2"])
        #expect(
            problem.json
                == #"{"type":"about:blank","title":"Conflict","status":409,"code":"x","detail":"A \"thing\".","error_id":"e1"}"#
        )
        #expect(
            problem.response.headers.contains {
                $0.name == "Content-Type" && $0.value == "application/problem+json"
            })
        #expect(problem.response.headers.contains { $0.name == "Retry-After" && $0.value == "2" })
    }

    static let authorizations: [(String?, Bool)] = [
        (nil, false), ("Bearer one", true), ("Bearer two", true), ("bearer one", true),
        ("BEARER  one ", true),
        ("Bearer", false), ("Bearer ", false), ("Bearer on", false), ("Bearer onee", false),
        ("Bearer One", false),
        ("Basic one", false), ("one", false), ("", false), ("Bearer one,two", false), ("Bearer three", false),
    ]

    @Test(arguments: authorizations)
    func tokensOpen(field: String?, admitted: Bool) {
        let access = BearerAccess(tokens: ["one", "two", ""])
        let headers = field.map { [(name: "authorization", value: $0)] } ?? []
        let request = HTTPRequest(method: "GET", path: "/v1/x", headers: headers, remoteAddress: "127.0.0.1")
        #expect(access.admits(request) == admitted)
        #expect(!BearerAccess(tokens: []).admits(request))
    }

    static let addresses: [(String, [String: String], Bool)] = [
        ("127.0.0.1", [:], true), ("127.1.2.3", [:], true), ("::1", [:], true),
        ("::ffff:127.0.0.1", [:], true),
        ("10.0.0.1", [:], false), ("", [:], false), ("::2", [:], false), ("128.0.0.1", [:], false),
        ("127.0.0.1", ["Host": "localhost:8765"], true), ("127.0.0.1", ["Host": "127.0.0.1:8765"], true),
        ("::1", ["Host": "[::1]:8765"], true), ("127.0.0.1", ["Host": "evil.example"], false),
        ("127.0.0.1", ["Host": "localhost.evil.example"], false),
        ("127.0.0.1", ["X-Forwarded-For": "8.8.8.8"], false),
        ("127.0.0.1", ["Forwarded": "for=8.8.8.8"], false), ("127.0.0.1", ["Via": "1.1 proxy"], false),
        // Another site's page: it says so, and its name may resolve to this machine.
        ("127.0.0.1", ["Host": "127.0.0.1:8765", "Origin": "http://127.0.0.1:8765"], true),
        ("127.0.0.1", ["Host": "127.0.0.1", "Origin": "http://127.0.0.1:80"], true),
        ("127.0.0.1", ["Host": "127.0.0.1:8765", "Origin": "http://127.0.0.1:3000"], false),
        ("127.0.0.1", ["Host": "localhost:8765", "Origin": "https://evil.example"], false),
        ("127.0.0.1", ["Host": "localhost:8765", "Origin": "null"], false),
        ("127.0.0.1", ["Origin": "http://localhost"], false),
        ("127.0.0.1", ["Host": "localhost:8765", "Sec-Fetch-Site": "cross-site"], false),
        ("127.0.0.1", ["Host": "localhost:8765", "Sec-Fetch-Site": "same-site"], false),
        ("127.0.0.1", ["Host": "localhost:8765", "Sec-Fetch-Site": "same-origin"], true),
        ("127.0.0.1", ["Host": "localhost:8765", "Sec-Fetch-Site": "none"], true),
    ]

    /// What names this machine whatever a name server says, and what only looks so.
    @Test(arguments: [
        ("localhost", true), ("LOCALHOST:1", true), ("localhost:", true), ("127.0.0.1", true),
        ("127.255.255.255:65535", true), ("[::1]", true), ("[::1]:8765", true),
        ("127.0.0.1.evil.com", false), ("127.evil.com", false), ("127.0.0.1.nip.io", false),
        ("127.0.0.1@evil.com", false), ("127.0.0.1:80@evil.com", false), ("127.0.0.1:65536", false),
        ("127.0.0.1:x", false), ("127.0.0.1:1:2", false), ("127.0.0.1 ", false),
        ("127.0.0.1,evil.com", false),
        ("127.0.0.256", false), ("127.0.0.01", false), ("127.0.0", false), ("127.1", false), ("127", false),
        ("127.0.0.1.", false), ("127.0..1", false), ("127.0.0.+1", false), ("128.0.0.1", false),
        ("0.0.0.0", false), ("localhost.", false), ("localhost.evil.com", false), ("[::1].evil.com", false),
        ("[::1", false), ("[::2]", false), ("[::1]evil.com", false), ("::1", false), ("", false),
        (":8765", false), ("evil.com:127", false),
    ])
    func onlyNamesOfThisMachineOpen(host: String, isOpen: Bool) {
        for method in ["GET", "HEAD", "POST", "DELETE"] {
            let request = HTTPRequest(
                method: method, path: "/v1/recordings", headers: [("Host", host)], remoteAddress: "127.0.0.1")
            #expect(BearerAccess(tokens: [], openOnLoopback: true).admits(request) == isOpen)
        }
    }

    @Test(arguments: addresses)
    func loopbackMayBeOpen(address: String, fields: [String: String], admitted: Bool) {
        let headers = fields.map { (name: $0.key, value: $0.value) }
        let request = HTTPRequest(method: "GET", path: "/v1/x", headers: headers, remoteAddress: address)
        #expect(BearerAccess(tokens: [], openOnLoopback: true).admits(request) == admitted)
        #expect(!BearerAccess(tokens: [], openOnLoopback: false).admits(request))
    }

    static let transcript = Transcript(
        callID: id, rate: 8000,
        turns: [
            TurnRow(role: .agent, text: "Good <b>day</b> & welcome", startSamples: 0, endSamples: 12000),
            TurnRow(role: .caller, text: "Hello\n\n--> there", startSamples: 16000),
            TurnRow(
                role: .agent, text: "I would like to say more", heardText: "I would",
                startSamples: 28_832_008,
                endSamples: 28_840_000, interrupted: true),
        ])

    @Test func transcriptsAsText() {
        #expect(
            Self.transcript.render(.txt) == """
                [00:00:00.000] Agent: Good <b>day</b> & welcome
                [00:00:02.000] Caller: Hello --> there
                [01:00:04.001] Agent: I would

                """)
    }

    @Test func transcriptsAsWebVTT() {
        #expect(
            Self.transcript.render(.vtt) == """
                WEBVTT

                1
                00:00:00.000 --> 00:00:01.500
                <v Agent>Good &lt;b&gt;day&lt;/b&gt; &amp; welcome

                2
                00:00:02.000 --> 00:00:03.000
                <v Caller>Hello --&gt; there

                3
                01:00:04.001 --> 01:00:05.000
                <v Agent>I would


                """)
    }

    @Test func transcriptsAsSubRip() {
        #expect(
            Self.transcript.render(.srt) == """
                1
                00:00:00,000 --> 00:00:01,500
                Agent: Good <b>day</b> & welcome

                2
                00:00:02,000 --> 00:00:03,000
                Caller: Hello --> there

                3
                01:00:04,001 --> 01:00:05,000
                Agent: I would


                """)
    }

    @Test func transcriptsAsJSON() {
        let one = Transcript(
            callID: "c", rate: 8000, turns: [TurnRow(role: .caller, text: "a\"", startSamples: 8)])
        #expect(
            one.render(.json)
                == #"{"call_id":"c","rate":8000,"turns":[{"role":"caller","text":"a\"","heard_text":null,"corrected_text":null,"start_ms":1,"end_ms":null,"start_samples":8,"end_samples":null,"generated_ms":null,"sent_ms":null,"heard_ms":null,"event_id":null,"interrupted":false}]}"#
        )
    }

    @Test(
        arguments: [
            (nil, .json), ("", .json), ("*/*", .json), ("text/vtt", .vtt),
            ("text/plain, application/json", .txt),
            ("text/plain;q=0.5, text/vtt;q=0.9", .vtt), ("application/x-subrip", .srt), ("image/png", .json),
            ("text/vtt;q=0, text/plain", .txt), ("TEXT/VTT", .vtt),
            ("text/vtt;q=2, text/plain;q=0.1", .txt), ("text/vtt;q=nan, text/plain;q=0.1", .txt),
            ("text/vtt;q=0x1, text/plain;q=0.1", .txt), ("text/vtt;q=0.0001, text/plain;q=0.001", .txt),
            ("text/vtt;q=1.000, text/plain;q=0.999", .vtt), ("text/vtt;q=1., text/plain;q=0.", .vtt),
            ("text/vtt;q=-1", .json), ("text/vtt;q=", .json),
        ] as [(String?, TranscriptForm)])
    func acceptChoosesTheForm(field: String?, form: TranscriptForm) {
        #expect(TranscriptForm.accepted(field) == form)
    }

    @Test(arguments: [
        ("CA123", "CA123.mp3"), ("v3:abc/def", "v3_abc_def.mp3"), ("../../x", "_.._x.mp3"),
        ("a\"\r\nb", "a___b.mp3"),
        ("", "01aryz6s410000000000000000.mp3"), ("...", "01aryz6s410000000000000000.mp3"), ("é", "_.mp3"),
        ("e\u{301}x", "e_x.mp3"), ("a\r\nb", "a__b.mp3"),
        (String(repeating: "x", count: 250), String(repeating: "x", count: 250) + ".mp3"),
    ])
    func fileNamesAreHarmless(carrierID: String, expected: String) {
        let call = CallRow(id: Self.id, carrier: "x", carrierCallID: carrierID, startedAt: 0)
        #expect(AudioRoute.fileName(call) == expected)
    }

    @Test(
        arguments: [
            (0, 8000, 0), (7, 8000, 0), (8, 8000, 1), (.max, 1, .max), (44100, 44100, 1000), (5, 0, 0),
            (.max, 1000, .max),
        ] as [(Int64, Int, Int64)])
    func samplesAreMilliseconds(samples: Int64, rate: Int, expected: Int64) {
        #expect(RecordingJSON.milliseconds(samples, rate: rate) == expected)
    }
}
