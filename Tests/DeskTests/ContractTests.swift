// The desk over real sockets, held against its own OpenAPI document by independent validators.

import Archive
import Contract
import Foundation
import Glibc
import Net
import Testing

@testable import Desk

@Suite struct ContractTests {
    private static let token = (name: "Authorization", value: "Bearer secret")
    private static let json = (name: "Content-Type", value: "application/json")

    /// The path of `route` of a furnished desk.
    private static func path(_ route: Route) -> String {
        route.path.replacing("{id}", with: TestDesk.id(route.action == .audio(.wav) ? 9 : 1))
            .replacing("{phone}", with: "%2B15550100")
    }

    private static func serve(_ desk: TestDesk) throws -> (server: HTTPServer, judge: OpenAPIJudge) {
        let server = try HTTPServer.start(HTTPServerSettings(port: 0), handler: desk.handler)
        return (server, OpenAPIJudge(base: "http://127.0.0.1:\(server.port)"))
    }

    @Test func whatTheDeskSaysIsWhatItsDocumentSays() async throws {
        let desk = try TestDesk()
        try desk.furnish()
        let (server, judge) = try Self.serve(desk)
        defer { server.stop() }
        let document = try await judge.ask("/openapi.json").body
        // The good answers of every route, and those of no token, no sense, another method and another media type.
        for route in Routes.all {
            let path = Self.path(route)
            let body = Array((TestDesk.goodBodies[route.action] ?? "").utf8)
            let headers = route.body == nil ? [Self.token] : [Self.token, Self.json]
            try await judge.ask(path, method: route.method, headers: headers, body: body)
            if route.documentsHead { try await judge.ask(path, method: "HEAD", headers: headers) }
            try await judge.ask(path, method: route.method)
            try await judge.ask(path, method: "PATCH", headers: [Self.token])
            let unknown = path.replacing(TestDesk.id(1), with: TestDesk.id(8)).replacing(
                "5550100", with: "5550177")
            if route.method == "GET" { try await judge.ask(unknown, headers: [Self.token]) }
            guard route.body != nil else { continue }
            try await judge.ask(path, method: route.method, headers: [Self.token], body: body + [0x20])
            try await judge.ask(path, method: route.method, headers: headers, body: [0x7B])
        }
        try await conditions(judge)
        try await refusals(judge, desk)
        let file = try desk.archive.layout.recording(TestDesk.id(1), startedAt: TestDesk.start)
        #expect(truncate(desk.archive.layout.absolute(file), 999) == 0)
        try await judge.ask(TestDesk.audioPath, headers: [Self.token])
        desk.archive.close()
        for path in ["/v1/recordings", TestDesk.audioPath, "/v1/contexts"] {
            try await judge.ask(path, headers: [Self.token])
        }
        let verdict = try judge.judge(document)
        #expect(verdict.faults == [])
        let statuses = Set(judge.seen.map(\.status))
        #expect(
            statuses == [
                200, 201, 202, 204, 206, 304, 400, 401, 404, 405, 409, 412, 413, 415, 416, 429, 431, 500, 503,
            ])
        for route in Routes.all {
            let path = try #require(Self.path(route).removingPercentEncoding)
            for status in route.statuses where route.action != .readiness {
                let isSeen = judge.seen.contains {
                    $0.method == route.method && $0.status == status && $0.path == path
                }
                #expect(isSeen, "\(route.method) \(route.path) \(status)")
            }
        }
    }

    /// Conditions and ranges, for GET and HEAD.
    private func conditions(_ judge: OpenAPIJudge) async throws {
        let tag = "\"\(Digest.sha256(TestDesk.audio).hex)\""
        let fields = [
            ("Range", "bytes=0-9"), ("Range", "bytes=0-9,20-29"), ("Range", "bytes=5000-"),
            ("If-None-Match", tag), ("If-Match", "\"other\""),
        ]
        for (name, value) in fields {
            for method in ["GET", "HEAD"] {
                try await judge.ask(
                    TestDesk.audioPath, method: method, headers: [Self.token, (name: name, value: value)])
            }
        }
        for type in ["text/plain", "text/vtt", "application/x-subrip", "application/json"] {
            try await judge.ask(
                "/v1/recordings/\(TestDesk.id(1))/transcript",
                headers: [Self.token, (name: "Accept", value: type)])
        }
    }

    /// What is not ready, not there, too much, or refused by those who act.
    private func refusals(_ judge: OpenAPIJudge, _ desk: TestDesk) async throws {
        for number in 2...6 as ClosedRange<UInt64> {
            for end in ["", "/audio.mp3", "/audio.wav", "/transcript", "/transcript.vtt", "/conversation"] {
                try await judge.ask("/v1/recordings/\(TestDesk.id(number))\(end)", headers: [Self.token])
            }
        }
        for query in [
            "limit=1", "limit=0", "end=zzz", "carrier=zzz", "limit=1&limit=2", "colour=red", "cursor=x",
        ] {
            try await judge.ask("/v1/recordings?" + query, headers: [Self.token])
            try await judge.ask("/v1/contexts?" + query, headers: [Self.token])
        }
        try await judge.ask("/v1/contexts/%2B0", headers: [Self.token])
        try await judge.ask("/v1/recordings/%zz/audio.mp3", headers: [Self.token])
        try await judge.ask(
            "/v1/calls", headers: [Self.token, (name: "X", value: String(repeating: "x", count: 40 << 10))])
        try await judge.ask(
            "/v1/calls", method: "POST", headers: [Self.token, Self.json],
            body: Array(repeating: 0x20, count: 70_000))
        let context = Array(#"{"fields":{"a":"b"}}"#.utf8)
        for _ in 0..<2 {
            try await judge.ask(
                "/v1/contexts/%2B15550100", method: "PUT", headers: [Self.token, Self.json], body: context)
        }
        try await judge.ask("/v1/contexts/%2B15550199", method: "DELETE", headers: [Self.token])
        let order = Array((TestDesk.goodBodies[.placeCall] ?? "").utf8)
        for refusal in [
            .carrierNotConfigured, .tooManyCalls(retryAfterSeconds: 3), .bad(member: "to"), .draining,
        ] as [CallControlRefusal] {
            desk.control.refusal = refusal
            try await judge.ask("/v1/calls", method: "POST", headers: [Self.token, Self.json], body: order)
        }
        for (hangUp, speak) in [
            (.over, .over), (.unknown, .unknown), (.accepted, .tooMany), (.accepted, .wrongMode),
        ]
            as [(HangUpOutcome, SpeakOutcome)]
        {
            (desk.control.hangUpOutcome, desk.control.speakOutcome) = (hangUp, speak)
            let call = "/v1/calls/\(TestDesk.id(1))"
            try await judge.ask(call + "/hangup", method: "POST", headers: [Self.token])
            try await judge.ask(
                call + "/speak", method: "POST", headers: [Self.token, Self.json],
                body: Array((TestDesk.goodBodies[.speak] ?? "").utf8))
        }
    }

    /// The validators can say no: each of these is something the document does not promise.
    @Test func whatTheDocumentDoesNotSayIsFound() async throws {
        let desk = try TestDesk()
        let (server, judge) = try Self.serve(desk)
        defer { server.stop() }
        let document = try await judge.ask("/openapi.json").body
        let json = [(name: "Content-Type", value: "application/json")]
        let problem = [(name: "Content-Type", value: "application/problem+json")]
        let refused = #"{"type":"about:blank","title":"x","status":401,"code":"x","detail":"x"}"#
        let bad: [(String, String, Int, [(name: String, value: String)], String)] = [
            ("GET", "/v1/recordings", 200, json, #"{"items":[]}"#),
            ("GET", "/v1/recordings", 200, json, #"{"items":[],"next_cursor":5}"#),
            ("GET", "/v1/recordings", 200, json, #"{"items":[],"next_cursor":null,"more":1}"#),
            ("GET", "/v1/recordings", 200, json, #"{"items":[{}],"next_cursor":null}"#),
            ("GET", "/v1/recordings", 200, [], #"{"items":[],"next_cursor":null}"#),
            ("GET", "/v1/recordings", 206, json, "{}"), ("GET", "/v1/nothing", 200, json, "{}"),
            ("GET", "/v1/recordings", 401, problem, refused), ("GET", "/v1/recordings", 401, problem, "{}"),
            ("HEAD", "/v1/recordings/x/audio.mp3", 206, [], ""),
            ("HEAD", "/v1/recordings/x/audio.mp3", 416, [], ""),
            ("GET", "/v1/recordings/x/audio.mp3", 304, [], ""),
            ("GET", "/v1/recordings/x/audio.mp3", 206, [(name: "Content-Type", value: "text/plain")], "x"),
            ("DELETE", "/v1/contexts/x", 204, [], "x"),
            ("GET", "/healthz", 200, json, #"{"status":"bad"}"#),
            ("POST", "/v1/stream-tokens", 201, json, #"{"token":"t","expires_at":"yesterday","url":"u"}"#),
        ]
        for (method, path, status, headers, body) in bad {
            judge.note(method, path, status, headers, Array(body.utf8))
        }
        judge.note(
            "GET", "/v1/recordings", 401, problem + [(name: "WWW-Authenticate", value: "Bearer")],
            Array(refused.utf8))
        let verdict = try judge.judge(document)
        for (answer, order) in zip(verdict.answers.dropFirst(), bad) {
            #expect(!answer.faults.isEmpty, "\(answer.name) \(order.4)")
        }
        #expect(verdict.answers.first?.faults == [] && verdict.answers.last?.faults == [])
    }

    /// Parameters have the types they are read as.
    @Test func parametersHaveTheirTypes() throws {
        let document = try #require(
            JSONSerialization.jsonObject(with: Data(OpenAPI.document(version: "1").utf8)) as? [String: Any])
        let paths = try #require(document["paths"] as? [String: [String: [String: Any]]])
        func schemas(_ path: String, _ method: String, _ place: String) -> [String: [String: Any]] {
            let list = paths[path]?[method]?["parameters"] as? [[String: Any]] ?? []
            let pairs = list.filter { $0["in"] as? String == place }.map {
                ($0["name"] as? String ?? "", $0["schema"] as? [String: Any] ?? [:])
            }
            return Dictionary(pairs, uniquingKeysWith: { $1 })
        }
        let query = schemas("/v1/recordings", "get", "query")
        #expect(query.count == 12)
        #expect(query["limit"]?["type"] as? String == "integer" && query["limit"]?["maximum"] as? Int == 200)
        #expect(query["carrier"]?["enum"] as? [String] == ["twilio", "telnyx", "exotel", "unknown"])
        #expect(
            query["state"]?["enum"] as? [String] == [
                "recording", "rendering", "sealed", "recovered", "failed",
            ])
        #expect(query["origin"]?["enum"] as? [String] == ["bridge", "voicemail", "carrier"])
        // The pattern takes what the reader takes.
        let end = try Regex(try #require(query["end"]?["pattern"] as? String))
        for text in [
            "caller", "hangup", "caller:hangup", "zzz", "caller:", ":hangup", "hangup:caller", "caller:zzz",
        ] {
            let isRead = if case .success = RecordingQuery.read([("end", text)]) { true } else { false }
            #expect((text.firstMatch(of: end) != nil) == isRead, "\(text)")
        }
        let audio = "/v1/recordings/{id}/audio.mp3"
        let conditions: Set = ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"]
        #expect(Set(schemas(audio, "get", "header").keys) == conditions.union(["Range", "If-Range"]))
        #expect(Set(schemas(audio, "head", "header").keys) == conditions)
        // No range is honoured but of GET, and what answers HEAD has no body.
        func responses(_ method: String) -> [String: [String: Any]] {
            paths[audio]?[method]?["responses"] as? [String: [String: Any]] ?? [:]
        }
        let get = responses("get")
        let parts = try #require(get["206"]?["content"] as? [String: Any])
        #expect(Set(parts.keys) == ["audio/mpeg", "multipart/byteranges"])
        #expect(Set(responses("head").keys) == Set(get.keys).subtracting(["206", "416"]))
        #expect(responses("head").values.allSatisfy { $0["content"] == nil } && responses("head").count > 5)
    }
}
