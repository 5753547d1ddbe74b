// The page "Exotel <-> ElevenLabs Conversational AI Bridge": a Voicebot applet's call, bridged and recorded, with proof
// asked of everybody.

import Archive
import Carriers
import Exchange
import Foundation
import Net
import Patience
import Simulator
import Testing

@Suite(.serialized) struct ExotelPageTests {
    private static let values = [
        "exotel.webhook_keys": "key-one,key+two", "exotel.stream_credentials": "voicebot:stream-secret",
    ]

    private func exotel(
        _ spelling: CarrierPeer.Dialect = .documented, farEnd: FarEnd = ShortFarEnd.end()
    ) throws -> SimulatedExotelREST {
        var settings = SimulatedExotelSettings()
        settings.farEnd = farEnd
        settings.recordingURL = "https://recordings.exotel.com/exotelrecordings/exampleacct1/r.mp3"
        settings.spelling = spelling
        return try SimulatedExotelREST.start(settings)
    }

    private func recording(of callSid: String, in house: TestHouse) async throws -> RecordingDetail {
        await house.settle()
        let rows = try house.exchange.archive.catalog.list(cursor: nil, limit: 10).items
        let row = try #require(rows.first { $0.call.carrierCallID == callSid })
        return try await house.sealed(row.call.id)
    }

    /// Resolver, Voicebot, Passthru: at each rate a Voicebot applet may have.
    @Test(arguments: [8000, 16_000, 24_000]) func aFlowWithAResolver(rate: Int) async throws {
        var values = Self.values
        values["exotel.sample_rate"] = "\(rate)"
        let house = try TestHouse.atFixedAddress(values: values)
        let exotel = try exotel(rate == 24_000 ? .numeric : .documented)
        let outcome = await exotel.ring(
            from: "+919876543210", to: "+918047491899",
            voicebot: house.address("/exotel/stream-url?key=key-one"),
            passthru: house.address("/exotel/passthru?key=key%2Btwo"))
        #expect(exotel.desk.faults == [])
        #expect(outcome.resolverStatus == 200 && outcome.passthruStatus == 200)
        let stream = try #require(outcome.stream)
        #expect(stream.rate == rate && stream.end == .asPlanned)
        #expect(stream.playout.malformed == 0 && stream.counts.refusedMessages == 0)

        let detail = try await recording(of: outcome.callSid, in: house)
        #expect(detail.recording.state == .sealed && detail.call.rate == rate)
        #expect(detail.call.caller == "+919876543210" && detail.call.called == "+918047491899")
        #expect(!(detail.call.parameters.contains("token")))
        try house.expectBothVoices(detail, of: stream)

        // What Passthru tells is kept, but for the stream's address.
        let events = try house.exchange.archive.catalog.carrierEvents(ofCarrierCall: outcome.callSid)
        #expect(events.map(\.kind) == ["call.incoming", "stream.completed"])
        #expect(events.last?.detail.contains(stream.streamID) == true)
        #expect(events.allSatisfy { !$0.detail.contains("ws://") && !$0.detail.contains("token") })
        exotel.desk.stop()
        #expect(house.close() == 0)
    }

    /// The page's own way: a fixed address, with credentials in it.
    @Test func aFixedAddressWithCredentials() async throws {
        let house = try TestHouse.atFixedAddress(values: Self.values)
        let exotel = try exotel(.camelCase)
        // Nobody announces such a call: what is known of its caller is looked up once the stream has told the number.
        try house.exchange.archive.applyAndWait(
            .storeContext(ContextRow(phone: "+919876543210", fields: ["tier": "gold"])))
        let place = "127.0.0.1:\(house.exchange.port)/media?sample-rate=16000"
        let outcome = await exotel.ring(
            from: "+919876543210", to: "+918047491899",
            voicebot: "ws://voicebot:stream-secret@" + place)
        #expect(exotel.desk.faults == [])
        let detail = try await recording(of: outcome.callSid, in: house)
        #expect(detail.recording.state == .sealed && detail.call.rate == 16_000)
        try house.expectBothVoices(detail, of: outcome.stream)
        let variables = await house.agent.allEnded(withinMilliseconds: 20_000).first?.variables
        #expect(variables?["tier"] == "gold" && variables?["caller"] == "+919876543210")

        for address in ["ws://voicebot:another@" + place, "ws://" + place] {
            let refused = await exotel.ring(from: "1", to: "2", voicebot: address)
            #expect(refused.stream == nil)
        }
        #expect(
            exotel.desk.faults.map(\.reason) == ["its handshake failed twice", "its handshake failed twice"])
        #expect(try house.exchange.archive.catalog.list(cursor: nil, limit: 10).items.count == 1)
        exotel.desk.stop()
        #expect(house.close() == 0)
    }

    @Test func strangersAreNotAnswered() async throws {
        let house = try TestHouse.atFixedAddress(values: Self.values)
        for (path, status) in [
            ("/exotel/stream-url?CallSid=a", 401), ("/exotel/stream-url?CallSid=a&key=wrong", 403),
            ("/exotel/passthru", 401), ("/exotel/passthru?key=", 403), ("/exotel/status?key=key-tw", 403),
        ] {
            #expect(try await house.get(path).status == status, "\(path)")
        }
        #expect(try house.exchange.archive.catalog.carrierEvents(ofCarrierCall: "a").isEmpty)
        // The stream's credentials open the webhooks, too.
        let basic = Data("voicebot:stream-secret".utf8).base64EncodedString()
        let answer = try await house.get(
            "/exotel/stream-url?CallSid=a", headers: [("Authorization", "Basic " + basic)])
        #expect(answer.status == 200)
        // A token is good for the call it was asked for, once.
        let object = try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: String]
        let url = try #require(object?["url"])
        for (callID, isTaken) in [("b", false), ("a", true), ("a", false)] {
            // One that is not taken is ended by the server, however long that takes.
            var call = ShortTalk.call(
                to: url, dialect: .exotel(), milliseconds: isTaken ? 500 : 60_000)
            call.identity = StreamIdentity(
                streamID: UUID().uuidString, callID: callID, accountID: "exampleacct1")
            let result = await house.network.call(call)
            #expect((result.end == .asPlanned) == isTaken, "\(callID)")
        }
        house.close()
    }

    /// Status callbacks in the three forms they come in; the recording's address is kept with them.
    @Test(arguments: ["application/x-www-form-urlencoded", "application/json", "multipart/form-data"])
    func statusCallbacksAreKept(type: String) async throws {
        let house = try TestHouse.atFixedAddress(values: Self.values)
        let fields = [
            ("CallSid", "c1"), ("EventType", "terminal"), ("Status", "completed"),
            ("RecordingUrl", "https://r.example/x.mp3"), ("Unknown", "kept-by-nobody"),
        ]
        let (header, body) = Self.coded(fields, type)
        for _ in 1...2 {
            let answer = try await house.client.send(
                HTTPClientRequest(
                    method: "POST", url: house.address("/exotel/status?key=key-one"),
                    headers: [("Content-Type", header)], body: Array(body.utf8)))
            #expect(answer.status == 200)
        }
        var events: [CarrierEventRow] = []
        #expect(
            try await eventually {
                events = try house.exchange.archive.catalog.carrierEvents(ofCarrierCall: "c1")
                return !events.isEmpty
            })
        #expect(events.map(\.kind) == ["call.terminal"])
        let detail = try #require(events.first?.detail)
        let kept = try JSONSerialization.jsonObject(with: Data(detail.utf8)) as? [String: String]
        #expect(
            kept == [
                "CallSid": "c1", "EventType": "terminal", "Status": "completed",
                "RecordingUrl": "https://r.example/x.mp3",
            ])
        house.close()
    }

    /// A house that is full or closing tells the flow to go on: 503, and when to come again.
    @Test func aFullHouseSaysSo() async throws {
        var values = Self.values
        values["limits.calls"] = "1"
        let house = try TestHouse.atFixedAddress(values: values)
        // The question below is asked while the first one talks.
        let exotel = try exotel(farEnd: ShortFarEnd.end(atMilliseconds: 7_000))
        let resolver = house.address("/exotel/stream-url?key=key-one")
        async let first = exotel.ring(from: "1", to: "2", voicebot: resolver)
        #expect(try await eventually { house.exchange.liveCalls > 0 })
        let answer = try await house.get("/exotel/stream-url?key=key-one&CallSid=z")
        #expect(answer.status == 503 && answer.header("Retry-After") == "10")
        #expect(await first.stream?.end == .asPlanned)
        exotel.desk.stop()
        house.close()
    }

    private static func coded(_ fields: [(String, String)], _ type: String) -> (String, String) {
        switch type {
        case "application/json":
            return (type, "{" + fields.map { "\"\($0.0)\":\"\($0.1)\"" }.joined(separator: ",") + "}")
        case "multipart/form-data":
            let parts = fields.map {
                "--mark\r\nContent-Disposition: form-data; name=\"\($0.0)\"\r\n\r\n\($0.1)\r\n"
            }
            return (type + "; boundary=mark", parts.joined() + "--mark--\r\n")
        default: return (type, fields.map { "\($0.0)=\($0.1)" }.joined(separator: "&"))
        }
    }
}
