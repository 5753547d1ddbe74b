// What an API client sees during and after a call, over real sockets.

import Foundation
import Net
import Patience
import Simulator
import Testing

@Suite(.serialized) struct DeskOverSocketsTests {
    @Test func aCallCanBeListedPlayedAndRead() async throws {
        let house = try TestHouse(agent: ShortTalk.agent)
        var liveID: String?
        let result = try await house.call(ShortTalk.call(to: house.media(), milliseconds: 60_000)) {
            stream async throws in
            // While it runs: listed as live, not ready.
            #expect(
                try await eventually {
                    let live = try await house.json("/v1/calls")
                    liveID = ((live["calls"] ?? live["items"]) as? [[String: Any]])?.first?["id"] as? String
                    return liveID != nil
                })
            let early = try await house.get("/v1/recordings/\(try #require(liveID))/audio.mp3")
            #expect(early.status == 409)
            #expect(early.header("Retry-After") != nil)
            // The caller hangs up when the agent's 900 ms have been heard.
            #expect(try await house.network.hears(stream, milliseconds: 900))
        }
        let id = try #require(liveID)
        await house.settle()

        let list = try await house.json("/v1/recordings?carrier=twilio&limit=5")
        let rows = try #require(list["recordings"] as? [[String: Any]] ?? list["items"] as? [[String: Any]])
        #expect(rows.count == 1)
        #expect(rows.first?["id"] as? String == id)

        let whole = try await house.get("/v1/recordings/\(id)/audio.mp3")
        #expect(whole.status == 200)
        #expect(whole.header("Content-Type") == "audio/mpeg")
        let tag = try #require(whole.header("ETag"))
        let head = try await house.get("/v1/recordings/\(id)/audio.mp3", method: "HEAD")
        #expect(
            head.status == 200 && head.header("Content-Length") == "\(whole.body.count)" && head.body.isEmpty
        )
        let part = try await house.get(
            "/v1/recordings/\(id)/audio.mp3", headers: [("Range", "bytes=100-199")])
        #expect(part.status == 206 && part.body == Array(whole.body[100..<200]))
        #expect(part.header("Content-Range") == "bytes 100-199/\(whole.body.count)")
        let suffix = try await house.get("/v1/recordings/\(id)/audio.mp3", headers: [("Range", "bytes=-50")])
        #expect(suffix.status == 206 && suffix.body == Array(whole.body.suffix(50)))
        let several = try await house.get(
            "/v1/recordings/\(id)/audio.mp3", headers: [("Range", "bytes=0-9,100-109")])
        #expect(several.status == 206)
        #expect(several.header("Content-Type")?.hasPrefix("multipart/byteranges") == true)
        let beyond = try await house.get(
            "/v1/recordings/\(id)/audio.mp3", headers: [("Range", "bytes=\(whole.body.count)-")])
        #expect(beyond.status == 416 && beyond.header("Content-Range") == "bytes */\(whole.body.count)")
        let same = try await house.get("/v1/recordings/\(id)/audio.mp3", headers: [("If-None-Match", tag)])
        #expect(same.status == 304 && same.body.isEmpty)
        for method in ["GET", "HEAD"] {
            let peer = try #require(RawPeer(port: house.exchange.port))
            peer.send(
                "\(method) /v1/recordings/\(id)/audio.mp3 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                    + "Range: bytes=0-9\r\nIf-None-Match: \(tag)\r\n\r\n")
            let answer = String(decoding: peer.readToEnd(), as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 304 ") && answer.hasSuffix("\r\n\r\n"))
            // The length of the 200, or none (RFC 9110 §8.6).
            let lengths = answer.split(separator: "\r\n").filter { $0.hasPrefix("Content-Length:") }
            #expect(lengths == ["Content-Length: \(whole.body.count)"])
        }
        let stale = try await house.get(
            "/v1/recordings/\(id)/audio.mp3", headers: [("Range", "bytes=0-9"), ("If-Range", "\"other\"")])
        #expect(stale.status == 200 && stale.body == whole.body)

        let transcript = try await house.get("/v1/recordings/\(id)/transcript.txt")
        #expect(String(decoding: transcript.body, as: UTF8.self).contains("Good morning."))
        for form in ["json", "vtt", "srt"] {
            #expect(try await house.get("/v1/recordings/\(id)/transcript.\(form)").status == 200)
        }
        for path in ["/healthz", "/readyz", "/metrics", "/openapi.json"] {
            #expect(try await house.get(path).status == 200, "\(path)")
        }
        #expect(try await house.get("/v1/nothing").status == 404)
        #expect(result.samples > 0)
        #expect(house.close() == 0)
    }

    @Test func privateAgentsAreReachedBySignedURL() async throws {
        var door = AgentDoorSettings()
        door.apiKey = "key-of-the-test"
        door.needsAuthorization = true
        let house = try TestHouse(
            agent: ShortTalk.agent, door: door, values: ["agent.api_key": "key-of-the-test"])
        let result = try await house.call(ShortTalk.call(to: house.media(), milliseconds: 60_000)) {
            _ async throws in
            #expect(try await eventually { await house.agent.conversations().contains { $0.initiated } })
        }
        #expect(result.end == .asPlanned)
        await house.settle()
        let conversations = await house.agent.allEnded(withinMilliseconds: 20_000)
        #expect(conversations.first?.authorization == "signed_url")
        #expect(conversations.first?.variables["carrier"] == "twilio")
        #expect(house.close() == 0)
    }

    @Test(arguments: [("wrong-key", "agent_refused")])
    func aRefusedAgentEndsTheCallCleanly(key: String, why: String) async throws {
        var door = AgentDoorSettings()
        door.apiKey = "key-of-the-test"
        door.needsAuthorization = true
        let house = try TestHouse(agent: ShortTalk.agent, door: door, values: ["agent.api_key": key])
        _ = await house.network.call(ShortTalk.call(to: house.media(), milliseconds: 10_000))
        await house.settle()
        let list = try await house.json("/v1/recordings?end=\(why)")
        let rows = try #require(list["recordings"] as? [[String: Any]] ?? list["items"] as? [[String: Any]])
        #expect(rows.count == 1)
        #expect(house.close() == 0)
    }

    // RFC 9457: whoever refuses, the answer is a problem.
    @Test func whatTheServerRefusesIsAProblem() async throws {
        let house = try TestHouse(agent: ShortTalk.agent)
        let x = { String(repeating: "x", count: $0) }
        let upgrade = "GET /media HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        let requests: [(String, Int, String, String)] = [
            ("GET /v1/recordings/%zz HTTP/1.1\r\n", 400, "Bad Request", "bad_request"),
            (
                "GET /v1/calls HTTP/1.1\r\nX: \(x(40 << 10))\r\n", 431, "Request Header Fields Too Large",
                "header_too_large"
            ),
            (
                "POST /v1/calls HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n",
                413,
                "Content Too Large", "too_large"
            ),
            (
                "POST /v1/calls HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400,
                "Bad Request",
                "bad_request"
            ),
            (upgrade + "Sec-WebSocket-Version: 8\r\n", 426, "Upgrade Required", "upgrade_required"),
            (
                upgrade + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n", 400, "Bad Request",
                "bad_request"
            ),
        ]
        for (head, status, title, code) in requests {
            let peer = try #require(RawPeer(port: house.exchange.port))
            peer.send(head + "Host: 127.0.0.1\r\nConnection: close\r\n\r\n")
            if status == 413 { peer.send(x(100_000)) }
            let answer = String(decoding: peer.readToEnd(), as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            #expect(answer.contains("\r\nContent-Type: application/problem+json\r\n"))
            #expect(answer.contains("\r\nSec-WebSocket-Version: 13\r\n") == (status == 426))
            let body = try #require(answer.range(of: "\r\n\r\n").map { answer[$0.upperBound...] })
            let problem = try #require(
                JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any], "\(head.prefix(40))")
            #expect(problem["status"] as? Int == status && problem["title"] as? String == title)
            #expect(problem["code"] as? String == code && problem["type"] as? String == "about:blank")
        }
        #expect(house.close() == 0)
    }

    @Test func tokensAreAskedFor() async throws {
        let house = try TestHouse(
            agent: ShortTalk.agent,
            values: ["server.api_token": "first-token,second-token", "server.host": "127.0.0.1"])
        #expect(try await house.get("/v1/recordings").status == 401)
        #expect(
            try await house.get("/v1/recordings", headers: [("Authorization", "Bearer wrong")]).status == 401)
        for token in ["first-token", "second-token"] {
            #expect(
                try await house.get("/v1/recordings", headers: [("Authorization", "Bearer \(token)")]).status
                    == 200)
        }
        #expect(try await house.get("/healthz").status == 200)
        house.close()
    }
}
