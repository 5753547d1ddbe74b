// Placed calls that are ended, spoken into, or have no room; and passes that developers order for calls of their own.

import Archive
import Carriers
import Exchange
import Foundation
import Net
import Patience
import Simulator
import Testing

@Suite(.serialized) struct OutboundEndingTests {
    private static func ringing(_ milliseconds: Int) -> FarEnd {
        var far = ShortFarEnd.end(atMilliseconds: 2_400)
        far.ringMilliseconds = milliseconds
        return far
    }

    /// Twilio and Telnyx end a ringing call by REST; Exotel documents no way, so that its stream finds the door shut.
    @Test(arguments: Carrier.allCases) func aRingingCallIsEnded(carrier: Carrier) async throws {
        // It rings for longer than all that is asked for meanwhile may take, and stops when it is told to.
        let bench = try OutboundBench(Self.ringing(carrier == .exotel ? 5_000 : 60_000))
        let id = try await bench.order(carrier)
        let named = try await bench.house.dial(id) { $0.carrierCallID != nil && $0.state != .requested }
        #expect(!named.state.isFinal)
        // Nothing can be said yet, to a call that is known.
        let early = try await bench.house.ask("POST", "/v1/calls/\(id)/speak", "{\"text\":\"Early.\"}")
        #expect(early.status == 409 && early.json["code"] as? String == "not_speaking")
        #expect(try await bench.house.ask("POST", "/v1/calls/\(id)/hangup").status == 202)
        let row = try await bench.house.dial(id) { $0.state.isFinal }
        #expect(row.state == (carrier == .exotel ? .completed : .canceled))
        #expect(try await bench.house.ask("POST", "/v1/calls/\(id)/hangup").status == 409)
        #expect(await bench.desk(carrier).settled())
        // Nobody was put through to the agent, and nothing was recorded.
        #expect(try bench.house.exchange.archive.catalog.list(cursor: nil, limit: 10).items.isEmpty)
        let faults = bench.desk(carrier).faults.map(\.reason)
        #expect(faults == (carrier == .exotel ? ["its handshake failed twice"] : []))
        #expect(bench.placed(carrier) == 1)
        await bench.close()
    }

    /// A server that stops takes its ringing calls back.
    @Test func aStoppingServerLetsNobodyRing() async throws {
        let bench = try OutboundBench(Self.ringing(5_000))
        let id = try await bench.order(.twilio)
        let named = try #require(
            try await bench.house.dial(id) { $0.state == .ringing }.carrierCallID)
        bench.house.close()
        #expect(await bench.twilio.desk.settled())
        #expect(bench.twilio.call(named)?.status == "canceled" && bench.placed(.twilio) == 1)
        for carrier in Carrier.allCases { bench.desk(carrier).stop() }
    }

    @Test(arguments: Carrier.allCases) func aLiveCallIsEnded(carrier: Carrier) async throws {
        let bench = try OutboundBench(ShortFarEnd.end(atMilliseconds: 60_000))
        let house = bench.house
        let id = try await bench.order(carrier)
        _ = try await house.dial(id) { $0.state == .answered }
        #expect(try await bench.isLive(id))
        #expect(try await house.ask("POST", "/v1/calls/\(id)/speak", "{\"text\":\"Hello.\"}").status == 409)
        #expect(try await house.ask("POST", "/v1/calls/\(id)/hangup").status == 202)
        let detail = try await house.sealed(id)
        #expect(detail.recording.state == .sealed && detail.call.endWhy == "operator_hangup")
        #expect(try await house.dial(id) { $0.state.isFinal }.state == .completed)
        #expect(try await house.ask("POST", "/v1/calls/\(id)/hangup").status == 409)
        #expect(try await house.ask("POST", "/v1/calls/\(id)/speak", "{\"text\":\"Hello.\"}").status == 409)
        #expect(bench.desk(carrier).faults == [])
        await bench.close()
    }

    @Test func textsAreSpokenInCallsThatSpeak() async throws {
        let bench = try OutboundBench(ShortFarEnd.end(atMilliseconds: 60_000))
        let house = bench.house
        let id = try await bench.order(.twilio, ",\"mode\":\"speech\",\"stays_after_speech\":true")
        _ = try await house.dial(id) { $0.state == .answered }
        #expect(try await bench.isLive(id))
        #expect(
            try await house.ask("POST", "/v1/calls/\(id)/speak", "{\"text\":\"One more.\"}").status == 202)
        try await Task.sleep(for: .milliseconds(300))
        #expect(try await house.ask("POST", "/v1/calls/\(id)/hangup").status == 202)
        let detail = try await house.sealed(id)
        #expect(detail.call.agentID == nil && detail.turns.map(\.text) == ["One more."])
        let unknown = try await house.ask("POST", "/v1/calls/00000000000000000000000000/hangup")
        #expect(unknown.status == 404)
        await bench.close()
    }

    /// A call that rings has its place: the next one is refused, ordered or incoming, until it is over.
    @Test func ringingCallsCountAgainstTheLimit() async throws {
        let bench = try OutboundBench(Self.ringing(3_000), values: ["limits.calls": "1"])
        let house = bench.house
        let id = try await bench.order(.twilio)
        let body = "{\"carrier\":\"exotel\",\"to\":\"+15005550001\"}"
        let second = try await house.ask("POST", "/v1/calls", body)
        #expect(second.status == 429 && second.json["code"] as? String == "too_many_calls")
        #expect(try await house.get("/exotel/stream-url?key=the%2Bkey&CallSid=a").status == 503)
        // Its own stream is let in.
        #expect(try await house.sealed(id).recording.state == .sealed)
        _ = try await house.dial(id) { $0.state.isFinal }
        await house.settle()
        #expect(try await house.ask("POST", "/v1/calls", body).status == 202)
        #expect(try await eventually { bench.placed(.exotel) > 0 })
        #expect(bench.placed(.exotel) == 1)
        #expect(bench.twilio.desk.faults == [] && bench.exotel.desk.faults.isEmpty)
        await bench.close()
    }

    @Test(arguments: [
        ("twilio.auth_token", "twilio", 409), ("server.public_url", "exotel", 409),
        ("telnyx.connection_id", "telnyx", 409), ("exotel.caller_id", "exotel", 400),
        ("twilio.phone_number", "twilio", 400),
    ])
    func whatIsMissingIsTold(key: String, carrier: String, status: Int) async throws {
        let bench = try OutboundBench(values: [key: ""])
        let body = "{\"carrier\":\"\(carrier)\",\"to\":\"+15005550001\"}"
        #expect(try await bench.house.ask("POST", "/v1/calls", body).status == status)
        #expect(try await bench.house.ask("POST", "/v1/calls", body, token: nil).status == 401)
        if key == "server.public_url" {
            let tokens = try await bench.house.ask(
                "POST", "/v1/stream-tokens", "{\"carrier\":\"\(carrier)\"}")
            #expect(tokens.status == 409)
        }
        for carrier in Carrier.allCases { #expect(bench.placed(carrier) == 0) }
        await bench.close()
    }

    // MARK: Passes

    /// Telnyx's page, Option A: the developer dials by a request of their own, with the stream's address from here.
    @Test func pageTelnyxMediaStreamingBridgeDialledByOwnRequest() async throws {
        let bench = try OutboundBench()
        let house = bench.house
        let pass = try await house.ask("POST", "/v1/stream-tokens", "{\"carrier\":\"telnyx\"}")
        #expect(pass.status == 201)
        let url = try #require(pass.json["url"] as? String)
        let token = try #require(pass.json["token"] as? String)
        #expect(url == "ws://127.0.0.1:\(house.exchange.port)/media-stream?token=\(token)")
        let id = try await dial(bench, url)
        #expect(await bench.telnyx.desk.settled())
        #expect(bench.telnyx.desk.faults == [])
        await house.settle()
        let rows = try house.exchange.archive.catalog.list(cursor: nil, limit: 10).items
        let row = try #require(rows.first { $0.call.carrierCallID == id })
        let detail = try await house.sealed(row.call.id)
        #expect(detail.recording.state == .sealed)
        try house.expectBothVoices(detail)
        // The address as the page has it, without a pass, and a pass shown again: both are refused.
        for address in ["ws://127.0.0.1:\(house.exchange.port)/media-stream", url] {
            _ = try await dial(bench, address)
            #expect(await bench.telnyx.desk.settled())
        }
        #expect(
            bench.telnyx.desk.faults.map(\.reason) == [
                "its upgrade was refused", "its upgrade was refused",
            ])
        #expect(try house.exchange.archive.catalog.list(cursor: nil, limit: 10).items.count == 1)
        await bench.close()
    }

    private func dial(_ bench: OutboundBench, _ url: String) async throws -> String {
        let body = """
            {"connection_id": "2800000000000000001", "to": "+18005550199", "from": "+18005550100",
            "stream_url": "\(url)", "stream_track": "inbound_track", "stream_bidirectional_mode": "rtp",
            "stream_bidirectional_codec": "PCMU"}
            """
        let answer = try await bench.house.client.send(
            HTTPClientRequest(
                method: "POST", url: bench.telnyx.desk.baseURL + "/v2/calls",
                headers: [
                    ("Authorization", "Bearer KEY0123456789ABCDEF"), ("Content-Type", "application/json"),
                ], body: Array(body.utf8)))
        let json = try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: [String: Any]]
        return try #require(json?["data"]?["call_control_id"] as? String)
    }

    /// What a pass's address looks like; its end is told in the order's own time.
    @Test func passesAreMadeForEachCarrier() async throws {
        let house = try TestHouse.atFixedAddress(
            values: ["exotel.sample_rate": "16000", "doors.token_seconds": "60"])
        let base = "ws://127.0.0.1:\(house.exchange.port)"
        for carrier in Carrier.allCases {
            let before = Date()
            let pass = try await house.ask(
                "POST", "/v1/stream-tokens", "{\"carrier\":\"\(carrier.rawValue)\",\"call_id\":\"c\"}")
            let token = try #require(pass.json["token"] as? String)
            let end = try #require(pass.json["expires_at"] as? String)
            let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
            let seconds = try format.parse(end).timeIntervalSince(before)
            // The order's own time lies between its asking and its answer.
            #expect((59.9...62 + Date().timeIntervalSince(before)).contains(seconds))
            switch carrier {
            case .twilio: #expect(pass.json["url"] as? String == base + "/twilio/media-stream")
            case .telnyx: #expect(pass.json["url"] as? String == base + "/media-stream?token=" + token)
            case .exotel:
                #expect(pass.json["url"] as? String == base + "/media?sample-rate=16000&token=" + token)
            }
        }
        house.close()
    }
}
