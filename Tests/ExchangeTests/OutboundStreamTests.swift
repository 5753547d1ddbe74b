// Orders of calls that say what their stream is: from the HTTP API to the carrier's desk, and into the recording.

import Carriers
import Foundation
import Signalling
import Testing

@testable import Simulator

@Suite(.serialized) struct OutboundStreamTests {
    private static func body(_ bench: OutboundBench) throws -> RESTValue {
        let request = bench.telnyx.desk.requests.first { $0.path == "/v2/calls" }
        return try #require(request.flatMap { RESTValue($0.body) })
    }

    /// What the order says wins over what is configured; what it does not say is as configured. The sound is what was
    /// asked for: the far end takes L16 at 24 kHz, where PCMU is configured.
    @Test func telnyx() async throws {
        let bench = try OutboundBench(
            patience: TelnyxHouse.patience,
            values: ["telnyx.target_legs": "both", "telnyx.custom_parameters": "tier=gold,city=Graz"])
        let id = try await bench.order(
            .telnyx,
            #","stream":{"codec":"PCMA","bidirectional_codec":"L16","bidirectional_sampling_rate":24000,"send_silence_when_idle":true,"establish_before_call_originate":true,"enable_dialogflow":true,"dialogflow_config":{"a":["b",1]},"custom_parameters":{"city":"Linz"}}"#
        )
        let detail = try await bench.house.sealed(id)
        #expect(detail.recording.state == .sealed)
        try bench.house.expectBothVoices(detail)
        #expect(await bench.telnyx.desk.settled())
        #expect(bench.telnyx.desk.faults == [])
        let body = try Self.body(bench)
        #expect(body["stream_codec"]?.text == "PCMA")
        #expect(body["stream_bidirectional_codec"]?.text == "L16")
        #expect(body["stream_bidirectional_sampling_rate"]?.integer == 24_000)
        #expect(body["stream_bidirectional_target_legs"]?.text == "both")
        #expect(body["stream_track"]?.text == "inbound_track")
        #expect(body["send_silence_when_idle"] == true)
        #expect(body["stream_establish_before_call_originate"] == true)
        #expect(body["enable_dialogflow"] == true && body["dialogflow_config"] == ["a": ["b", 1]])
        // `dial` takes none: the agent has them from here.
        #expect(body["custom_parameters"] == nil)
        let variables = await bench.house.agent.allEnded(withinMilliseconds: 20_000).first?.variables
        #expect(variables?["city"] == "Linz" && variables?["tier"] == "gold")
        let stream = try #require(bench.telnyx.call(detail.call.carrierCallID)?.streams.first)
        #expect(stream.heardRate == 24_000 && stream.playout.oddPieces == 0)
        let heard = CodecCallTests.tone(620, in: stream.heard, rate: stream.heardRate)
        #expect(abs(heard.count - 900) <= 60)
        await bench.close()
    }

    @Test func twilio() async throws {
        let bench = try OutboundBench()
        let id = try await bench.order(
            .twilio,
            #","stream":{"name":"sales","track":"inbound_track","status_callback_method":"POST","custom_parameters":{"tier":"gold & <more>"}}"#
        )
        #expect(try await bench.house.sealed(id).recording.state == .sealed)
        #expect(await bench.twilio.desk.settled() && bench.twilio.desk.faults == [])
        let request = bench.twilio.desk.requests.first { $0.path.hasSuffix("/Calls.json") }
        let twiml = try #require(request.flatMap { FormFields($0.body)?.first("Twiml") })
        #expect(
            twiml.contains(#"<Stream name="sales" url="ws://"#) && twiml.contains(#"track="inbound_track""#))
        #expect(twiml.contains(#"statusCallbackMethod="POST""#))
        #expect(twiml.contains(#"<Parameter name="tier" value="gold &amp; &lt;more&gt;"/>"#))
        let variables = await bench.house.agent.allEnded(withinMilliseconds: 20_000).first?.variables
        #expect(variables?["tier"] == "gold & <more>")
        await bench.close()
    }

    @Test func exotel() async throws {
        let bench = try OutboundBench()
        let id = try await bench.order(
            .exotel,
            #","stream":{"sample_rate":16000,"name":"sales","custom_parameters":{"tier":"gold more","city":"Graz"}}"#
        )
        let detail = try await bench.house.sealed(id)
        #expect(detail.recording.state == .sealed && detail.call.rate == 16_000)
        #expect(await bench.exotel.desk.settled() && bench.exotel.desk.faults == [])
        let stream = bench.exotel.call(detail.call.carrierCallID)?.streams.first
        try bench.house.expectBothVoices(detail, of: stream)
        let request = bench.exotel.desk.requests.first { $0.path.hasSuffix("/Calls/connect.json") }
        let form = try #require(request.flatMap { FormFields($0.body) })
        let url = try #require(form.first("StreamUrl"))
        #expect(
            url.contains("/media?sample-rate=16000&token=") && url.hasSuffix("&city=Graz&tier=gold%20more"))
        #expect(form.first("StreamName") == "sales")
        let variables = await bench.house.agent.allEnded(withinMilliseconds: 20_000).first?.variables
        #expect(variables?["tier"] == "gold more" && variables?["city"] == "Graz")
        await bench.close()
    }

    /// What a carrier does not take is told by name before anything is placed or kept.
    @Test func whatCannotBeIsNamed() async throws {
        let bench = try OutboundBench()
        let long = String(repeating: "x", count: 500)
        let many = (1...32).map { #""p\#($0)":"\#(long.prefix(200))""# }.joined(separator: ",")
        let cases: [(Carrier, String, String)] = [
            (.telnyx, #"{"track":"up"}"#, "track"), (.telnyx, #"{"codec":"pcmu"}"#, "codec"),
            (.telnyx, #"{"bidirectional_codec":"default"}"#, "bidirectional_codec"),
            (.telnyx, #"{"bidirectional_codec":"G729"}"#, "bidirectional_codec"),
            (.telnyx, #"{"bidirectional_sampling_rate":16000}"#, "bidirectional_sampling_rate"),
            (
                .telnyx, #"{"bidirectional_codec":"OPUS","bidirectional_sampling_rate":48000}"#,
                "bidirectional_sampling_rate"
            ),
            (
                .telnyx, #"{"codec":"L16","bidirectional_codec":"L16","bidirectional_sampling_rate":22050}"#,
                "codec"
            ),
            (.telnyx, #"{"bidirectional_target_legs":"all"}"#, "bidirectional_target_legs"),
            (.telnyx, #"{"dialogflow_config":{}}"#, "dialogflow_config"),
            (.telnyx, #"{"custom_parameters":{"token":"x"}}"#, "custom_parameters"),
            (.twilio, #"{"track":"both_tracks"}"#, "track"), (.twilio, #"{"name":"\#(long)"}"#, "name"),
            (.twilio, #"{"status_callback_method":"PUT"}"#, "status_callback_method"),
            (.twilio, #"{"custom_parameters":{"teeline_token":"x"}}"#, "custom_parameters"),
            (.twilio, #"{"custom_parameters":{"a":"\#(long)"}}"#, "custom_parameters"),
            // Each is short enough; the document has 4000 characters.
            (.twilio, #"{"custom_parameters":{\#(many)}}"#, "custom_parameters"),
            (.exotel, #"{"sample_rate":48000}"#, "sample_rate"),
            (.exotel, #"{"custom_parameters":{"a":"1","b":"2","c":"3"}}"#, "custom_parameters"),
            (.exotel, #"{"custom_parameters":{"a":"\#(long.prefix(205))"}}"#, "custom_parameters"),
        ]
        for (carrier, stream, member) in cases {
            let answer = try await bench.house.ask(
                "POST", "/v1/calls",
                #"{"carrier":"\#(carrier.rawValue)","to":"+15005550001","stream":\#(stream)}"#)
            #expect(answer.status == 400, "\(carrier) \(member)")
            #expect(
                (answer.json["detail"] as? String)?.contains(" stream.\(member) ") == true,
                "\(carrier) \(member): \(answer.json)")
        }
        for carrier in Carrier.allCases { #expect(bench.placed(carrier) == 0) }
        #expect(bench.house.exchange.liveCalls == 0)
        await bench.close()
    }
}
