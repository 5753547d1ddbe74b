// Calls placed over HTTP: order, REST, stream, sealed recording; and what becomes of those that come to nothing.

import Archive
import Carriers
import Cryptography
import Exchange
import Foundation
import Net
import Patience
import Signalling
import Simulator
import Testing

/// The carriers' services and a house that uses them.
struct OutboundBench {
    let house: TestHouse
    let twilio: SimulatedTwilioREST
    let telnyx: SimulatedTelnyxREST
    let exotel: SimulatedExotelREST

    /// `patience` is how long Telnyx's far end stays without a stream, in milliseconds.
    init(
        _ farEnd: FarEnd = ShortFarEnd.end(), patience: Int? = nil, values: [String: String] = [:]
    ) throws {
        var settings = SimulatedTwilioSettings()
        settings.farEnd = farEnd
        let secret = Secret("12345")
        settings.signer = { content in
            do {
                let form = FormFields(content.form)
                return [
                    (
                        "X-Twilio-Signature",
                        try TwilioSignature.sign(url: content.url, form: form, secret: secret)
                    )
                ]
            } catch {
                return []
            }
        }
        twilio = try SimulatedTwilioREST.start(settings)
        var other = SimulatedTelnyxSettings()
        other.farEnd = farEnd
        if let patience { other.farEnd.patienceMilliseconds = patience }
        telnyx = try SimulatedTelnyxREST.start(other)
        var third = SimulatedExotelSettings()
        third.farEnd = farEnd
        exotel = try SimulatedExotelREST.start(third)
        var all = [
            "twilio.account_sid": settings.account, "twilio.auth_token": "12345",
            "twilio.phone_number": "+15005550006", "twilio.base_url": twilio.desk.baseURL,
            "telnyx.api_key": other.apiKey, "telnyx.connection_id": other.connectionID,
            "telnyx.phone_number": "+15005550006", "telnyx.base_url": telnyx.desk.baseURL,
            "exotel.account_sid": third.account, "exotel.api_key": third.apiKey,
            "exotel.api_token": third.apiToken, "exotel.caller_id": "+15005550006",
            "exotel.base_url": exotel.desk.baseURL, "exotel.webhook_keys": "the+key",
        ]
        all.merge(values) { $1 }
        house = try TestHouse.atFixedAddress(values: all)
    }

    func desk(_ carrier: Carrier) -> RESTDesk {
        switch carrier {
        case .twilio: twilio.desk
        case .telnyx: telnyx.desk
        case .exotel: exotel.desk
        }
    }

    /// The requests that asked `carrier` for a call.
    func placed(_ carrier: Carrier) -> Int {
        desk(carrier).requests.count {
            $0.method == "POST"
                && ($0.path.hasSuffix("/Calls.json") || $0.path.hasSuffix("/v2/calls")
                    || $0.path.hasSuffix("/Calls/connect.json"))
        }
    }

    /// Orders a call; its id.
    func order(_ carrier: Carrier, _ more: String = "") async throws -> String {
        let body = "{\"carrier\":\"\(carrier.rawValue)\",\"to\":\"+15005550001\"\(more)}"
        let answer = try await house.ask("POST", "/v1/calls", body)
        #expect(answer.status == 202)
        #expect(answer.json["state"] as? String == "requested")
        return try #require(answer.json["id"] as? String)
    }

    /// Waits until call `id` is live: its stream has said which call it is.
    func isLive(_ id: String) async throws -> Bool {
        try await eventually {
            let live = try await house.ask("GET", "/v1/calls/\(id)").json["live"] as? [String: Any]
            return live?["phase"] as? String == "live"
        }
    }

    func close() async {
        for carrier in Carrier.allCases { #expect(await desk(carrier).settled()) }
        #expect(house.close() == 0)
        for carrier in Carrier.allCases { desk(carrier).stop() }
    }
}

@Suite(.serialized) struct OutboundTests {
    @Test(arguments: Carrier.allCases) func anOrderedCallIsRecorded(carrier: Carrier) async throws {
        let bench = try OutboundBench(patience: TelnyxHouse.patience)
        let house = bench.house
        let id = try await bench.order(carrier, ",\"variables\":{\"name\":\"Ada\"}")
        let detail = try await house.sealed(id)
        #expect(detail.recording.state == .sealed && detail.call.carrier == carrier.rawValue)
        #expect(detail.call.called == "+15005550001" && detail.call.caller == "+15005550006")
        #expect(await bench.desk(carrier).settled())
        try house.expectBothVoices(
            detail, of: bench.exotel.call(detail.call.carrierCallID)?.streams.first)
        #expect(bench.desk(carrier).faults == [] && bench.placed(carrier) == 1)
        let row = try await house.dial(id) { $0.state.isFinal && $0.carrierCallID != nil }
        #expect(row.state == .completed && row.carrierCallID == detail.call.carrierCallID)
        // The agent was told what the order says.
        #expect(await house.agent.allEnded(withinMilliseconds: 20_000).first?.variables["name"] == "Ada")
        let call = try await house.ask("GET", "/v1/calls/\(id)")
        #expect(call.status == 200 && call.json["recording"] as? String == "/v1/recordings/\(id)")
        #expect(try await house.ask("POST", "/v1/calls/\(id)/hangup").status == 409)
        // The rows of passes, events and calls do not hold the token.
        if let named = row.carrierCallID {
            let events = try house.exchange.archive.catalog.carrierEvents(ofCarrierCall: named)
            #expect(events.allSatisfy { !$0.detail.contains("the+key") && !$0.detail.contains("token") })
            if carrier == .exotel {
                #expect(events.map(\.kind) == ["call.ringing", "call.answered", "call.terminal"])
            }
        }
        await bench.close()
    }

    @Test(
        arguments: [Carrier.twilio, .exotel],
        [(FarEnd.Outcome.busy, DialState.busy), (.noAnswer, .noAnswer), (.fails, .failed)])
    func whatComesToNothingIsTold(carrier: Carrier, fate: (FarEnd.Outcome, DialState)) async throws {
        var far = FarEnd()
        far.outcome = fate.0
        let bench = try OutboundBench(far)
        let id = try await bench.order(carrier)
        let row = try await bench.house.dial(id) { $0.state.isFinal }
        #expect(row.state == fate.1 && row.endedAt != nil)
        #expect(row.cause == ["busy": "busy", "no_answer": "no-answer", "failed": "failed"][fate.1.rawValue])
        #expect(try bench.house.exchange.archive.catalog.list(cursor: nil, limit: 10).items.isEmpty)
        #expect(bench.desk(carrier).faults == [] && bench.placed(carrier) == 1)
        await bench.close()
    }

    /// What the service refuses is not asked again, but for Telnyx, which knows a repeated order by its command id.
    @Test(
        arguments: Carrier.allCases,
        [(401, "unauthorized"), (400, "invalid"), (429, "rate_limited")])
    func refusalsAreTold(carrier: Carrier, refusal: (Int, String)) async throws {
        let bench = try OutboundBench()
        let attempts = carrier == .telnyx && refusal.0 >= 429 ? 3 : 1
        for _ in 0..<attempts { bench.desk(carrier).script(ScriptedAnswer(refusal.0)) }
        let id = try await bench.order(carrier)
        let row = try await bench.house.dial(id) { $0.state.isFinal }
        #expect(row.state == .failed && row.cause == refusal.1 && row.carrierCallID == nil)
        #expect(bench.placed(carrier) == attempts)
        await bench.close()
    }

    /// A lost first answer of Telnyx's is asked for again, under the same command id.
    @Test func telnyxIsAskedAgainUnderOneCommand() async throws {
        let bench = try OutboundBench(patience: TelnyxHouse.patience)
        bench.telnyx.desk.script(ScriptedAnswer(503))
        let id = try await bench.order(.telnyx)
        #expect(try await bench.house.sealed(id).recording.state == .sealed)
        let commands = bench.telnyx.desk.requests.filter { $0.path == "/v2/calls" }.map {
            (try? JSONSerialization.jsonObject(with: Data($0.body)) as? [String: Any])??["command_id"]
                as? String
        }
        #expect(commands == [id, id])
        await bench.close()
    }

    /// An answer that cannot be read leaves open whether the call was made: no second one is asked for, and what the
    /// carrier tells later counts.
    @Test(arguments: [Carrier.twilio, .exotel]) func anUnknownOutcomeIsWaitedFor(carrier: Carrier)
        async throws
    {
        let bench = try OutboundBench()
        bench.desk(carrier).script(ScriptedAnswer(200, body: Array("{\"half\":".utf8)))
        let id = try await bench.order(carrier)
        #expect(try await eventually { bench.placed(carrier) > 0 })
        try await Task.sleep(for: .milliseconds(200))
        #expect(try await bench.house.dial(id) { _ in true }.state == .requested)
        // The callback of the call that was made after all.
        let secret = Secret("12345")
        let url = bench.house.address(
            carrier == .twilio ? "/twilio/call-status?dial=\(id)" : "/exotel/status?key=the%2Bkey")
        let form = FormFields(
            carrier == .twilio
                ? [
                    ("CallSid", "CA1"), ("AccountSid", "AC1"), ("CallStatus", "no-answer"),
                    ("SequenceNumber", "3"), ("From", "+1"), ("To", "+2"),
                ]
                : [
                    ("CallSid", "c1"), ("EventType", "terminal"), ("Status", "no-answer"),
                    ("CustomField", id),
                ])
        let answer = try await bench.house.client.send(
            HTTPClientRequest(
                method: "POST", url: url,
                headers: [
                    ("Content-Type", "application/x-www-form-urlencoded"),
                    ("X-Twilio-Signature", try TwilioSignature.sign(url: url, form: form, secret: secret)),
                ], body: form.body))
        #expect((200...204).contains(answer.status))
        let row = try await bench.house.dial(id) { $0.state.isFinal }
        #expect(row.state == .noAnswer && row.carrierCallID == (carrier == .twilio ? "CA1" : "c1"))
        #expect(bench.placed(carrier) == 1)
        await bench.close()
    }

    /// A service that takes the request and says nothing: it may have made the call, and is not asked for another.
    @Test(arguments: [Carrier.twilio, .exotel]) func aLostAnswer(carrier: Carrier) async throws {
        let mute = try MuteService()
        defer { mute.stop() }
        let bench = try OutboundBench(values: [carrier.rawValue + ".base_url": mute.baseURL])
        let id = try await bench.order(carrier)
        #expect(try await eventually { mute.requests > 0 })
        try await Task.sleep(for: .milliseconds(400))
        #expect(mute.requests == 1)
        #expect(try await bench.house.dial(id) { _ in true }.state == .requested)
        #expect(try await bench.house.ask("POST", "/v1/calls/\(id)/hangup").status == 202)
        await bench.close()
    }

    @Test func aServiceThatIsNotThere() async throws {
        let bench = try OutboundBench(values: ["twilio.base_url": "http://127.0.0.1:9"])
        let id = try await bench.order(.twilio)
        let row = try await bench.house.dial(id) { $0.state.isFinal }
        #expect(row.state == .failed && row.cause == "network")
        await bench.close()
    }
}
