// The people whom placed calls reach: what they hear when nobody can talk, and that they take one place, not two.

import Agents
import Archive
import Carriers
import Foundation
import Net
import Patience
import Simulator
import Telemetry
import Testing

@Suite(.serialized) struct CalleeTests {
    /// A placed call whose agent cannot be reached: who answered is told so, like who calls us.
    @Test func aCalleeIsToldToo() async throws {
        let bench = try OutboundBench(
            ShortFarEnd.end(atMilliseconds: 15_000),
            values: ["agent.base_url": "http://127.0.0.1:9", "agent.attempts": "2", "agent.retry_ms": "20"])
        let id = try await bench.order(.twilio)
        let row = try await bench.house.dial(id) { $0.state.isFinal }
        #expect(row.state == .completed)
        #expect(await bench.twilio.desk.settled())
        let call = try #require(bench.twilio.call(row.carrierCallID ?? ""))
        #expect(call.verbs == ["Connect", "Redirect", "Say", "Hangup"])
        #expect(bench.twilio.desk.faults == [])
        await bench.close()
    }

    /// Telnyx opens the streams of some calls before it dials (stream_establish_before_call_originate). Two such calls are two:
    /// where four may be there is room for a third.
    @Test func anEarlyStreamIsNotASecondCall() async throws {
        var far = FarEnd()
        far.outcome = .noAnswer
        // All that follows is done while both ring.
        far.ringMilliseconds = 6_000
        let bench = try OutboundBench(far, values: ["limits.calls": "4"])
        let house = bench.house
        for _ in 0..<2 { _ = try await bench.order(.telnyx) }
        #expect(try await eventually { bench.placed(.telnyx) >= 2 })
        let urls = bench.telnyx.desk.requests.compactMap { request in
            String(decoding: request.body, as: UTF8.self).firstMatch(of: /"stream_url":"([^"]+)"/)
                .map { String($0.output.1) }
        }
        #expect(urls.count == 2)
        let loop = try EventLoop.start(name: "early")
        let peers = urls.map {
            WebSocketConnection.connect(
                to: $0, on: loop, limits: WebSocketLimits(messageBytes: 1 << 20), handler: Deaf())
        }
        #expect(try await eventually { house.exchange.liveCalls >= 2 })
        #expect(house.exchange.liveCalls == 2)
        #expect(try await house.get("/exotel/stream-url?key=the%2Bkey&CallSid=a").status == 200)
        #expect(try await house.get("/exotel/stream-url?key=the%2Bkey&CallSid=b").status == 200)
        #expect(try await house.get("/exotel/stream-url?key=the%2Bkey&CallSid=c").status == 503)
        loop.execute { for peer in peers { peer.close(code: 1000, reason: "") } }
        await house.settle()
        loop.stop()
        await bench.close()
    }
}

/// Opens a socket and says nothing.
private final class Deaf: WebSocketHandler {
    func webSocketDidOpen(_ socket: WebSocketConnection) {}
    func webSocket(_ socket: WebSocketConnection, didReceive bytes: UnsafeRawBufferPointer, isText: Bool) {}
    func webSocketDidClose(_ socket: WebSocketConnection, code: UInt16, reason: String, error: NetError?) {}
}
