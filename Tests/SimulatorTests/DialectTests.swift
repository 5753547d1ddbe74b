// What each dialect's calls look like on the wire: the shapes of the carriers' documents.

import Audio
import Carriers
import Testing

@testable import Simulator

@Suite struct DialectTests {
    static let dialects: [CarrierDialect] = [
        .twilio, .telnyx, .telnyxALaw, .exotel(), .exotel(rate: 16_000), .exotel(rate: 24_000),
        .exotel(spelling: .numeric), .exotel(spelling: .camelCase),
    ]

    private static func settings(_ dialect: CarrierDialect, seed: UInt64 = 4) -> SimulatedCallSettings {
        var settings = SimulatedCallSettings(
            url: "ws://127.0.0.1:1/", dialect: dialect, script: CallerScript(),
            ending: .hangUp(atMilliseconds: 1000), seed: seed)
        settings.parameters = ["agentId": "agent_42"]
        return settings
    }

    @Test(arguments: dialects)
    func aServerUnderstandsTheStart(dialect: CarrierDialect) throws {
        let settings = Self.settings(dialect)
        var peer = CarrierPeer(start: settings.streamStart(), dialect: dialect.spelling)
        var codec = CarrierCodec(carrier: dialect.carrier)
        var message: [UInt8] = []
        peer.encodeConnected(into: &message)
        #expect(try message.withUnsafeBytes { try codec.decode($0) } == .connected)
        message = []
        peer.encodeStart(into: &message)
        guard case .start(let start) = try message.withUnsafeBytes({ try codec.decode($0) }) else {
            Issue.record("not a start")
            return
        }
        #expect(start.streamID == settings.streamStart().streamID)
        #expect(start.callID == settings.streamStart().callID)
        #expect(start.inbound == dialect.inbound)
        #expect(start.outbound == dialect.outbound)
        #expect(start.parameters["agentId"] == "agent_42")
        #expect(start.caller == settings.caller)
        #expect(start.called == settings.called)
    }

    @Test(arguments: dialects)
    func idsFollowFromTheSeed(dialect: CarrierDialect) {
        let first = Self.settings(dialect, seed: 4).streamStart()
        #expect(first == Self.settings(dialect, seed: 4).streamStart())
        #expect(first.streamID != Self.settings(dialect, seed: 5).streamStart().streamID)
    }

    @Test func idsHaveTheCarriersShapes() {
        let twilio = Self.settings(.twilio).streamStart()
        #expect(twilio.streamID.hasPrefix("MZ") && twilio.streamID.utf8.count == 34)
        #expect(twilio.callID.hasPrefix("CA") && twilio.callID.utf8.count == 34)
        let telnyx = Self.settings(.telnyx).streamStart()
        #expect(telnyx.streamID.utf8.count == 36)
        #expect(telnyx.callID.hasPrefix("v3:"))
        let exotel = Self.settings(.exotel()).streamStart()
        #expect(exotel.streamID.utf8.count == 32)
        #expect(exotel.callID.utf8.count == 32)
    }

    /// 20 ms of one-byte sound; 100 ms of 16-bit sound at Exotel (1,600, 3,200, 4,800 bytes).
    @Test(arguments: [
        (CarrierDialect.twilio, 160), (.telnyxALaw, 160), (.exotel(), 1600), (.exotel(rate: 16_000), 3200),
        (.exotel(rate: 24_000), 4800),
    ])
    func framesHaveTheCarriersLengths(dialect: CarrierDialect, bytes: Int) {
        #expect(dialect.frameSamples * dialect.inbound.bytesPerSample == bytes)
    }

    @Test func theFirstMediaFrameIsTheDocumentedOne() {
        var settings = Self.settings(.twilio)
        settings.firstTimestamp = 61
        var peer = CarrierPeer(start: settings.streamStart())
        var message: [UInt8] = []
        peer.encodeStart(into: &message)
        message = []
        [UInt8]([0xFF, 0xFF, 0xFF]).withUnsafeBytes {
            peer.encodeMedia($0, chunk: 1, timestamp: 61, into: &message)
        }
        let stream = settings.streamStart().streamID
        let text = String(decoding: message, as: UTF8.self)
        for part in [
            "\"event\":\"media\"", "\"sequenceNumber\":\"2\"", "\"chunk\":\"1\"", "\"timestamp\":\"61\"",
            "\"payload\":\"////\"", "\"streamSid\":\"\(stream)\"", "\"track\":\"inbound\"",
        ] { #expect(text.contains(part)) }
    }
}
