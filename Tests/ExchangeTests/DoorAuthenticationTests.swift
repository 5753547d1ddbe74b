// Who may come in, over real sockets with authentication on: every door, every path, tokens, bounds, the log.

import Archive
import Foundation
import Patience
import Simulator
import Switchboard
import Telemetry
import Testing

@testable import Exchange

@Suite(.serialized) struct DoorAuthenticationTests {
    static let twilioPaths = ["/twilio/media-stream", "/api/v1/elevenlabs-twilio/call/connection"]

    private func house(_ values: [String: String] = [:], log: HouseLog = HouseLog()) throws -> TestHouse {
        try TestHouse(
            agent: ShortTalk.agent, values: Knock.values.merging(values) { $1 }, log: log.log)
    }

    /// A token for Twilio's call `call`, as its TwiML brings it.
    private func token(_ house: TestHouse, _ call: String, from: String = "+15550100") async throws -> String
    {
        let path = "/twilio/incoming-call"
        let body = Knock.form(call, from: from)
        let answer = await Knock.send(
            house.exchange.port, "POST", path, try Knock.proof(.twilio, path, body: body), body: body)
        #expect(answer.status == 200)
        return try #require(Knock.token(in: answer.text))
    }

    /// A stream that shows `token` as Twilio's call `call`, for `milliseconds` if nobody ends it before.
    private func stream(
        _ house: TestHouse, _ token: String?, call: String, milliseconds: Int = 60_000, seed: UInt64 = 1
    ) throws -> SimulatedCallSettings {
        var settings = ShortTalk.call(to: house.media(), milliseconds: milliseconds, seed: seed)
        settings.headers = try Knock.upgrade("/twilio/media-stream").map { ($0.name, $0.value) }
        settings.parameters = ["From": "+15550100", "To": "+15550199"]
        if let token { settings.parameters["teeline_token"] = token }
        settings.identity = StreamIdentity(streamID: "MZ\(seed)", callID: call, accountID: "AC1")
        return settings
    }

    @Test func everyWebhookAsksForItsProof() async throws {
        let lines = HouseLog()
        let house = try house(log: lines)
        let port = house.exchange.port
        for route in WebhookRoutes.all where route.kind != .api {
            let methods = route.kind == .twilio ? route.methods : ["POST"]
            for method in methods {
                let form = Knock.form("CA0")
                // What is signed of a GET is its URL, and there the form stands.
                let target =
                    method == "GET" ? route.path + "?" + String(decoding: form, as: UTF8.self) : route.path
                let body = method == "GET" ? [] : form
                let type = [(name: "Content-Type", value: "application/x-www-form-urlencoded")]
                let none = await Knock.send(port, method, target, body.isEmpty ? [] : type, body: body).status
                #expect(none == (route.kind == .exotel ? 401 : 403), "\(method) \(route.path)")
                let wrong = try Knock.proof(route.kind, target, body: body, isRight: false)
                #expect(
                    await Knock.send(port, method, target, wrong, body: body).status == 403, "\(route.path)")
                for token in route.kind == .twilio ? ["new", "old"] : ["new"] {
                    let right = try Knock.proof(route.kind, target, body: body, token: token)
                    let status = await Knock.send(port, method, target, right, body: body).status
                    #expect(
                        status != 0 && ![401, 403].contains(status), "\(method) \(route.path): \(status)")
                }
            }
        }
        let log = lines.text
        #expect(log.contains("webhook_refused"))
        for word in Knock.secrets { #expect(!log.contains(word), "\(word)") }
        house.close()
    }

    @Test func everyMediaPathAsksForItsProof() async throws {
        let house = try house()
        let port = house.exchange.port
        func upgrade(_ target: String, _ headers: [(name: String, value: String)] = []) async -> Int {
            await Knock.send(port, "GET", target, Knock.webSocket + headers).status
        }
        for path in Self.twilioPaths {
            #expect(await upgrade(path) == 403)
            #expect(try await upgrade(path, Knock.upgrade(path, isRight: false)) == 403)
            // A signature of another path, and of the address that the untrusted headers claim.
            #expect(try await upgrade(path, Knock.upgrade("/other")) == 403)
            #expect(try await upgrade(path, Knock.upgrade(path)) == 101)
        }
        let twilio = try await token(house, "CA1")
        for path in ["/media-stream", "/audio"] {
            #expect(await upgrade(path) == 401)
            #expect(await upgrade(path + "?token=wrong") == 403)
            // A right token, but Twilio's.
            #expect(await upgrade(path + "?token=" + twilio) == 403)
        }
        #expect(await upgrade("/media") == 401)
        #expect(await upgrade("/media", [("Authorization", Knock.wrongBasic)]) == 403)
        #expect(await upgrade("/media?token=" + twilio) == 403)
        #expect(await upgrade("/media", [("Authorization", Knock.basic)]) == 101)
        house.close()
    }

    @Test func aTokenOpensItsCallOnce() async throws {
        let lines = HouseLog()
        let house = try house(log: lines)
        let token = try await token(house, "CA7")
        // Without a token, with a wrong one, and for another call.
        for (shown, call) in [(nil, "CA7"), ("wrong", "CA7"), (token, "CA8")] {
            let result = await house.network.call(try stream(house, shown, call: call))
            #expect(result.end == .server, "\(call)")
        }
        var right = try stream(house, token, call: "CA7", milliseconds: 1_500)
        right.keys = [.init("4", atMilliseconds: 300)]
        #expect(await house.network.call(right).end == .asPlanned)
        #expect(await house.network.call(try stream(house, token, call: "CA7", seed: 2)).end == .server)
        await house.settle()
        let recordings = try await house.json("/v1/recordings")["items"] as? [[String: Any]] ?? []
        let calls = recordings.filter { ($0["end"] as? [String: Any])?["why"] as? String == "hangup" }
        #expect(calls.map { $0["carrier_call_id"] as? String } == ["CA7"], "\(recordings.count)")
        // The token is stored nowhere.
        let told = String(decoding: try await house.get("/v1/recordings").body, as: UTF8.self)
        #expect(!told.contains(token) && !told.contains("teeline_token"))
        let log = lines.text
        #expect(log.contains("call_started"))
        for word in Knock.secrets + [token] { #expect(!log.contains(word), "\(word)") }
        house.close()
    }

    @Test func ofTwentyStreamsWithOneTokenOneIsACall() async throws {
        let house = try house()
        let token = try await token(house, "CA20")
        let settings = try (1...20).map { try stream(house, token, call: "CA20", seed: UInt64($0)) }
        let streams = settings.map { house.network.begin($0) }
        // Its caller hangs up when it has a row and the server has closed the others.
        let catalog = house.exchange.archive.catalog
        #expect(
            try await eventually(60_000) {
                var closed = 0
                for stream in streams {
                    if await stream.result(withinMilliseconds: 0) != nil { closed += 1 }
                }
                return try closed >= 19 && catalog.unfinished().contains { $0.call.carrierCallID == "CA20" }
            })
        for stream in streams { stream.hangUp() }
        var ends: [SimulatedEnd] = []
        for stream in streams { ends.append(try #require(await stream.result()).end) }
        #expect(ends.filter { $0 == .asPlanned }.count == 1)
        #expect(ends.filter { $0 == .server }.count == 19, "\(ends)")
        house.close()
    }

    @Test func bodiesAreBounded() async throws {
        let house = try house()
        let port = house.exchange.port
        for path in ["/twilio/incoming-call", "/webhook", "/elevenlabs/webhook"] {
            let peer = try #require(RawPeer(port: port))
            peer.send("POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n")
            #expect(String(decoding: peer.receive(), as: UTF8.self).hasPrefix("HTTP/1.1 413"), "\(path)")
        }
        // ElevenLabs' own are larger, behind a signature: only that one gets through.
        let path = "/elevenlabs/webhook"
        let body =
            Array(
                #"{"type":"post_call_transcription","event_timestamp":1,"data":{"conversation_id":"c","x":""#
                    .utf8)
            + [UInt8](repeating: 0x61, count: 200_000) + Array(#""}}"#.utf8)
        let right = try Knock.proof(.elevenLabs, path, body: body)
        #expect(await Knock.send(port, "POST", path, right, body: body).status == 200)
        let wrong = try Knock.proof(.elevenLabs, path, body: body, isRight: false)
        #expect(await Knock.send(port, "POST", path, wrong, body: body).status == 403)
        house.close()
    }

    @Test(arguments: ["/twilio/incoming-call", "/elevenlabs/webhook"])
    func aBodyThatDripsIsCut(path: String) async throws {
        let house = try house()
        let peer = try #require(RawPeer(port: house.exchange.port))
        let began = MonotonicTime.now
        peer.send("POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        // Every tenth of a second a byte: never idle, never whole.
        var isOpen = true
        // How long the machine stood still meanwhile, by what a step took beyond twice its time.
        var stood: Int64 = 0
        while isOpen, MonotonicTime.now.milliseconds(since: began) < 20_000 {
            let step = MonotonicTime.now
            isOpen = peer.send("a")
            try await Task.sleep(for: .milliseconds(100))
            stood += max(0, MonotonicTime.now.milliseconds(since: step) - 200)
        }
        let waited = MonotonicTime.now.milliseconds(since: began)
        #expect(!isOpen && waited >= 4_900 && waited - stood <= 7_000, "\(waited), \(stood)")
        house.close()
    }

    @Test func whoKnocksTooOftenIsToldToWait() async throws {
        let house = try house(["doors.requests_per_minute": "4"])
        let path = "/twilio/stream-status"
        let began = MonotonicTime.now
        var answers: [Int] = []
        var last = ""
        for _ in 0..<12 {
            let answer = await Knock.send(house.exchange.port, "POST", path, body: Array("a=b".utf8))
            answers.append(answer.status)
            last = answer.text
        }
        // Ten at once, then one every 15 s.
        #expect(answers.prefix(10).allSatisfy { $0 == 403 } && answers.last == 429, "\(answers)")
        let wait = last.components(separatedBy: "Retry-After: ").last?.components(separatedBy: "\r\n").first
        let seconds = try #require(Int64(wait ?? ""))
        let least = 15_000 - MonotonicTime.now.milliseconds(since: began)
        #expect(seconds <= 15 && seconds * 1000 >= least, "\(seconds) s of at least \(least) ms")
        // An upgrade is counted with them.
        #expect(await Knock.send(house.exchange.port, "GET", "/media", Knock.webSocket).status == 429)
        house.close()
    }

    @Test(arguments: ["doors.calls_per_caller", "limits.calls"])
    func oneCallTooManyHearsThatLinesAreBusy(key: String) async throws {
        let house = try house([
            key: "1", "doors.busy_message": "Wir sind <alle> im Gespräch & bald da.",
            "doors.message_language": "de-DE",
        ])
        let token = try await token(house, "CA1")
        func answer(_ call: String, _ from: String) async throws -> String {
            let path = "/twilio/incoming-call"
            let body = Knock.form(call, from: from)
            return await Knock.send(
                house.exchange.port, "POST", path, try Knock.proof(.twilio, path, body: body), body: body
            ).text
        }
        let live = try await house.call(try stream(house, token, call: "CA1")) { _ async throws in
            // Until the start of the stream has come nobody knows whose call it is.
            #expect(try await eventually { house.exchange.office.entries.contains { $0.start != nil } })
            let busy = try await answer("CA2", "+15550100")
            #expect(
                busy.contains(
                    "<Say language=\"de-DE\">Wir sind &lt;alle&gt; im Gespräch &amp; bald da.</Say>"),
                "\(busy)")
            #expect(busy.contains("<Hangup") && Knock.token(in: busy) == nil && busy.contains("HTTP/1.1 200"))
            let other = try await answer("CA3", "+15550101")
            #expect((Knock.token(in: other) != nil) == (key == "doors.calls_per_caller"))
        }
        #expect(live.end == .asPlanned)
        await house.settle()
        #expect(Knock.token(in: try await answer("CA4", "+15550100")) != nil)
        house.close()
    }
}
