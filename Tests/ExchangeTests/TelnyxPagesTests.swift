// The pages of Telnyx's users, end to end: the bridge, the guide's streaming, and its answering machine.

import Exchange
import Foundation
import Net
import Signalling
import Simulator
import Telemetry
import Testing

@testable import Simulator

@Suite(.serialized) struct TelnyxPagesTests {
    private static let page = "seed page \"Telnyx Media Streaming ↔ ElevenLabs bridge\""

    /// Option B: the call is answered with a stream; who talks is the agent.
    @Test("Page \"Telnyx Media Streaming ↔ ElevenLabs bridge\": stream on answer")
    func bridgePage() async throws {
        let house = try TelnyxHouse { $0.farEnd = FarEnd(hangsUpAtMilliseconds: 2_000) }
        let id = await house.ring()
        #expect(house.faults == [])
        let call = try #require(house.telnyx.call(id))
        #expect(call.commands == ["answer"] && call.hangupSource == "caller")
        let answer = try #require(house.telnyx.desk.requests.first { $0.path.hasSuffix("/actions/answer") })
        let body = try #require(RESTValue(answer.body))
        #expect(body["stream_track"]?.text == "inbound_track")
        #expect(body["stream_bidirectional_mode"]?.text == "rtp")
        #expect(body["stream_bidirectional_codec"]?.text == "PCMU")
        #expect(body["stream_bidirectional_target_legs"]?.text == "self")
        let url = try #require(body["stream_url"]?.text)
        #expect(url.hasPrefix("ws://127.0.0.1:\(house.port)/media-stream?token="))
        let row = try #require(try await house.recordings().first)
        #expect(row["carrier"] as? String == "telnyx" && row["carrier_call_id"] as? String == id)
        #expect(row["state"] as? String == "sealed" && row["origin"] as? String == "bridge")
        #expect(row["caller"] as? String == TelnyxHouse.caller)
        house.close()
    }
}
