// Who is told something after a stream, and what of a webhook is kept.

import Foundation
import Net
import Telemetry
import Testing

@testable import Switchboard

@Suite struct ApologiesTests {
    @Test func eachIsToldOnceAndInTime() {
        let apologies = Apologies()
        let now = MonotonicTime(nanoseconds: 5_000_000_000)
        apologies.remember("CA1", .busy, at: now)
        apologies.remember("CA2", .fallback, at: now)
        #expect(apologies.take("CA3", at: now) == nil)
        #expect(apologies.take("CA1", at: now) == .busy)
        #expect(apologies.take("CA1", at: now) == nil)
        // A minute is the longest a carrier may take to ask.
        #expect(apologies.take("CA2", at: now.adding(milliseconds: 60_000)) == nil)
    }

    @Test func itsMemoryHasABound() {
        let apologies = Apologies()
        let now = MonotonicTime(nanoseconds: 5_000_000_000)
        for number in 0..<20_000 { apologies.remember("CA\(number)", .busy, at: now) }
        #expect(apologies.take("CA9999", at: now) == .busy)
        #expect(apologies.take("CA10000", at: now) == nil)
        // Those whose time is over make room.
        let later = now.adding(milliseconds: 60_001)
        apologies.remember("CA20000", .busy, at: later)
        #expect(apologies.take("CA20000", at: later) == .busy)
    }

    /// The stream's address that Telnyx tells back (streaming.failed) holds the token of ours; so may a form or a query.
    @Test(arguments: [
        (
            #"{"u":"wss://h/media-stream?token=abc-_123","t":"inbound_track"}"#,
            #"{"u":"wss://h/media-stream?token=","t":"inbound_track"}"#
        ),
        (
            #"{"u":"wss://h/media?sample-rate=8000\u0026token=abc"}"#,
            #"{"u":"wss://h/media?sample-rate=8000\u0026token="}"#
        ),
        (#"{"u":"https://h/exotel/status?key=k1&x=2"}"#, #"{"u":"https://h/exotel/status?key=&x=2"}"#),
        (#"{"tokens":"a=b","monkey":"x?monkey=1"}"#, #"{"tokens":"a=b","monkey":"x?monkey=1"}"#),
    ])
    func tokensAreNotKept(body: String, kept: String) {
        let request = HTTPRequest(
            method: "POST", path: "/webhook", headers: [("Content-Type", "application/json")],
            body: Array(body.utf8))
        #expect(SwitchboardParts.detail(request) == kept)
    }
}
