// A whole house held against the OpenAPI document that it serves: carriers' doors, media streams, and a call that was.

import Contract
import Foundation
import Patience
import Simulator
import Switchboard
import Testing

@Suite(.serialized) struct DoorContractTests {
    private static let token = (name: "Authorization", value: "Bearer token-of-the-api")
    private static let form = (name: "Content-Type", value: "application/x-www-form-urlencoded")

    @Test func whatTheDoorsSayIsWhatTheDocumentSays() async throws {
        let house = try TestHouse(
            agent: ShortTalk.agent,
            values: Knock.values.merging(["server.api_token": "token-of-the-api"]) { $1 })
        let port = house.exchange.port
        let judge = OpenAPIJudge(base: "http://127.0.0.1:\(port)")
        let document = try await judge.ask("/openapi.json").body
        for route in WebhookRoutes.all {
            for method in route.methods {
                let form = Knock.form("CA1")
                let query =
                    method == "GET" && route.kind != .api ? "?" + String(decoding: form, as: UTF8.self) : ""
                let target = route.path + query
                let body = method == "GET" ? [] : route.kind == .api ? Array(#"{"text":"Hi"}"#.utf8) : form
                var proof = try Knock.proof(route.kind, target, body: body)
                if route.kind == .api { proof = [Self.token] }
                if method == "POST", !proof.contains(where: { $0.name == "Content-Type" }) {
                    proof.append(Self.form)
                }
                try await judge.ask(target, method: method, headers: proof, body: body)
                // Without a proof; and, with one, what cannot be read.
                try await judge.ask(
                    target, method: method, headers: method == "GET" ? [] : [Self.form], body: body)
                let bad = Array("%zz=%zz".utf8)
                if method == "POST" {
                    let proof =
                        route.kind == .api ? [Self.token] : try Knock.proof(route.kind, route.path, body: bad)
                    try await judge.ask(route.path, method: method, headers: proof, body: bad)
                }
            }
            try await judge.ask(route.path, method: "PATCH")
            try await judge.ask(route.path + "?%zz", method: route.methods[0])
        }
        try await streams(port, judge)
        let verdict = try judge.judge(document)
        #expect(verdict.faults == [])
        let paths = WebhookRoutes.all.map(\.path) + StreamRoutes.all.map(\.path)
        for path in paths { #expect(judge.seen.contains { $0.path.hasPrefix(path) }) }
        let statuses = Set(
            judge.seen.filter { seen in paths.contains { seen.path.hasPrefix($0) } }.map(\.status))
        #expect(statuses.isSuperset(of: [101, 200, 204, 400, 401, 403, 405, 426, 503]), "\(statuses)")
        house.close()
    }

    /// Upgrades that are taken, refused, of another version, or none.
    private func streams(_ port: UInt16, _ judge: OpenAPIJudge) async throws {
        for route in StreamRoutes.all {
            try await judge.ask(route.path)
            try await judge.ask(route.path, method: "PATCH")
            var proof: [(name: String, value: String)] = [("Authorization", Knock.basic)]
            if route.carrier == .twilio { proof = try Knock.upgrade(route.path) }
            let old = Knock.webSocket.map {
                (name: $0.name, value: $0.name == "Sec-WebSocket-Version" ? "8" : $0.value)
            }
            let short = Knock.webSocket.map {
                (name: $0.name, value: $0.name == "Sec-WebSocket-Key" ? "short" : $0.value)
            }
            for fields in [Knock.webSocket, Knock.webSocket + proof, old + proof, short + proof] {
                let answer = await Knock.send(port, "GET", route.path, fields)
                let parts = answer.text.components(separatedBy: "\r\n\r\n")
                let headers = parts[0].components(separatedBy: "\r\n").dropFirst().map { line in
                    let pieces = line.components(separatedBy: ": ")
                    return (name: pieces[0], value: pieces.dropFirst().joined(separator: ": "))
                }
                // What follows 101 are frames.
                let body = answer.status == 101 ? "" : parts.dropFirst().joined(separator: "\r\n\r\n")
                judge.note("GET", route.path, answer.status, headers, Array(body.utf8))
            }
        }
    }

    @Test func whatIsToldOfACallIsWhatTheDocumentSays() async throws {
        let lines = HouseLog()
        let house = try TestHouse(agent: ShortTalk.agent, log: lines.log)
        let judge = OpenAPIJudge(base: "http://127.0.0.1:\(house.exchange.port)")
        let document = try await judge.ask("/openapi.json").body
        let result = try await house.call(ShortTalk.call(to: house.media(), milliseconds: 60_000)) {
            stream async throws in
            #expect(
                try await eventually {
                    let live = try await house.json("/v1/calls")["items"] as? [[String: Any]]
                    return live?.first?["phase"] as? String == "live"
                })
            try await judge.ask("/v1/calls")
            try await judge.ask("/v1/recordings")
            // Both have spoken when the caller hangs up.
            #expect(try await house.network.hears(stream, milliseconds: 900))
            #expect(try await house.network.says(stream, milliseconds: 1_500))
        }
        #expect(result.end == .asPlanned)
        await house.settle()
        let list = try await judge.ask("/v1/recordings?state=sealed&end=caller:hangup&carrier=twilio&limit=1")
        let items = try JSONSerialization.jsonObject(with: Data(list.body)) as? [String: Any]
        let row = try #require((items?["items"] as? [[String: Any]])?.first)
        let id = try #require(row["id"] as? String)
        for end in ["", "/audio.mp3", "/audio.wav", "/transcript", "/transcript.srt", "/conversation"] {
            try await judge.ask("/v1/recordings/\(id)\(end)")
        }
        let detail = try await house.json("/v1/recordings/\(id)")
        #expect(detail["metrics"] is [String: Any] && (detail["events"] as? [Any])?.isEmpty == false)
        for path in ["/v1/calls/\(id)", "/v1/calls", "/healthz", "/readyz", "/metrics"] {
            try await judge.ask(path)
        }
        // A lost file is an error of which the log tells whose call it was.
        let files = FileManager.default.enumerator(atPath: house.folder)?.allObjects ?? []
        let file = try #require(files.compactMap { $0 as? String }.first { $0.hasSuffix(id + ".mp3") })
        try FileManager.default.removeItem(atPath: house.folder + "/" + file)
        #expect(try await judge.ask("/v1/recordings/\(id)/audio.mp3").status == 500)
        let fault = try #require(lines.text.split(separator: "\n").first { $0.contains("desk_fault") })
        #expect(fault.contains("\"call\":\"\(id)\"") && !fault.contains("15550"))
        #expect(try judge.judge(document).faults == [])
        #expect(house.close() == 0)
    }
}
