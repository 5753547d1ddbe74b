// What is kept of Exotel's webhooks: in every shape the stream's address comes in, it is not.

import Archive
import Foundation
import Signalling
import Testing

@testable import Switchboard

@Suite struct ExotelRecordTests {
    private static let address = "wss://voicebot:stream-secret@h.example/media?token=abc"

    private static func object(_ call: ExotelCallback) throws -> NSDictionary {
        let detail = ExotelRecord.detail(call)
        return try #require(try JSONSerialization.jsonObject(with: Data(detail.utf8)) as? NSDictionary)
    }

    /// Brackets in the query, JSON text in a parameter, a JSON body, flat lower-case names (carriers.md §4.1.3).
    @Test(
        arguments: [
            (
                [
                    ("CallSid", "c"), ("Stream[StreamSID]", "s"), ("Stream[Status]", "failed"),
                    ("Stream[StreamUrl]", address), ("Stream[Error]", "3009 cannot reach \(address)"),
                ], "", "3009 cannot reach"
            ),
            (
                [
                    ("CallSid", "c"),
                    (
                        "Stream",
                        "{\"StreamSID\":\"s\",\"Status\":\"failed\",\"StreamUrl\":\"\(address)\",\"Error\":\"3009\"}"
                    ),
                ], "", "3009"
            ),
            (
                [],
                "{\"CallSid\":\"c\",\"Stream\":{\"StreamSID\":\"s\",\"Status\":\"failed\",\"StreamUrl\":\"\(address)\",\"Error\":\"3009\"}}",
                "3009"
            ),
            (
                [
                    ("callsid", "c"), ("streamsid", "s"), ("status", "failed"), ("streamurl", address),
                    ("error", "3009"), ("disconnectedby", "system"),
                ], "", "3009"
            ),
        ] as [([(String, String)], String, String)])
    func theAddressIsNotKept(query: [(String, String)], body: String, error: String) throws {
        let call = try ExotelCallback(
            query: query.map { (name: $0.0, value: $0.1) }, contentType: nil, body: Array(body.utf8))
        let kept = try Self.object(call)
        #expect(kept["CallSid"] as? String == "c")
        let stream = try #require(kept["Stream"] as? [String: Any])
        #expect(stream["StreamSID"] as? String == "s" && stream["Status"] as? String == "failed")
        #expect(stream["Error"] as? String == error)
        let text = ExotelRecord.detail(call)
        #expect(!text.contains("secret") && !text.contains("token") && !text.contains("wss"))
    }

    @Test func aRowHasBounds() throws {
        let call = try ExotelCallback(query: [(name: "CallSid", value: "c")])
        let row = ExotelRecord.row(
            call, kind: String(repeating: "é", count: 60), key: String(repeating: "€", count: 200))
        // Two and three bytes a character: 32 fit into 64, 85 into 256.
        #expect(row.kind == String(repeating: "é", count: 32))
        #expect(row.key == String(repeating: "€", count: 85))
        #expect(row.carrierCallID == "c" && row.detail == "{\"CallSid\":\"c\"}")
    }

    @Test(arguments: [
        ("ringing", "queued", DialState.ringing), ("answered", "in-progress", .answered),
        ("terminal", "completed", .completed), ("terminal", "busy", .busy),
        ("terminal", "no-answer", .noAnswer),
        ("terminal", "failed", .failed), ("terminal", "canceled", .canceled),
        // Not yet whether somebody answered: see `exotelsEndAloneIsNoAnswer`.
        ("terminal", "unknown", .completed),
        ("unknown", "completed", .completed), ("unknown", "queued", .queued),
        ("unknown", "in-progress", .queued),
    ])
    func statesAreRead(event: String, status: String, state: DialState) {
        #expect(ExotelDoor.state(event: event, status: status) == state)
    }

    @Test func whatIsUnknownIsNoState() {
        #expect(ExotelDoor.state(event: "stream-start", status: "unknown") == nil)
    }
}
