// The same order twice is one call: Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07).

import Archive
import Foundation
import Net
import Telemetry
import Testing

@testable import Desk

@Suite struct IdempotencyTests {
    private static let body = #"{"carrier":"twilio","to":"+15550100"}"#

    private static func order(_ desk: TestDesk, _ key: String?, _ body: String = body) throws
        -> TestDesk.Answer
    {
        var fields = ["Content-Type": "application/json"]
        if let key { fields["Idempotency-Key"] = key }
        return try desk.ask("/v1/calls", fields, method: "POST", body: body)
    }

    @Test func theSameOrderIsTheSameCall() throws {
        let desk = try TestDesk()
        let id = TestDesk.id(77)
        try desk.archive.applyAndWait(
            .dial(DialRow(id: id, carrier: "twilio", called: "+15550100", requestedAt: TestDesk.start)))
        #expect(try Self.order(desk, "key 1").status == 202)
        try desk.archive.applyAndWait(
            .dialProgress(
                id: id, DialProgress(state: .ringing, carrierCallID: "CA1", cause: nil, at: TestDesk.start)))
        let again = try Self.order(desk, "key 1")
        // The same call, as far as it is by now.
        #expect(again.status == 202 && again.headers["Location"] == "/v1/calls/\(id)")
        #expect(again.text.contains(#""state":"ringing""#) && desk.control.orders.count == 1)
        let other = try Self.order(desk, "key 1", #"{"carrier":"twilio","to":"+15550101"}"#)
        #expect(other.status == 422 && other.text.contains(#""code":"idempotency_key_reused""#))
        #expect(desk.control.orders.count == 1)
        // Another key, and none, are other orders.
        #expect(try Self.order(desk, "key 2").status == 202 && Self.order(desk, nil).status == 202)
        #expect(try Self.order(desk, nil).status == 202)
        #expect(desk.control.orders.count == 4)
    }

    @Test func whatWasRefusedMayBeTriedAgain() throws {
        let desk = try TestDesk()
        desk.control.refusal = .draining
        #expect(try Self.order(desk, "k").status == 503)
        desk.control.refusal = nil
        #expect(try Self.order(desk, "k").status == 202 && desk.control.orders.count == 2)
    }

    @Test(arguments: ["", "é", "a\tb", String(repeating: "k", count: 256)])
    func badKeysAreRefused(key: String) throws {
        let desk = try TestDesk()
        let answer = try Self.order(desk, key)
        #expect(answer.status == 400 && answer.text.contains(#""code":"bad_idempotency_key""#))
        #expect(desk.control.orders.isEmpty)
    }

    @Test func aKeyIsUnderWayUntilItsCallIsThere() {
        let memory = OrderMemory(limit: 4)
        let now = MonotonicTime(nanoseconds: 5_000_000_000)
        #expect(memory.begin("a", [1], at: now) == .new)
        #expect(memory.begin("a", [1], at: now) == .underWay)
        #expect(memory.begin("a", [2], at: now) == .otherOrder)
        memory.placed("a", "id")
        #expect(memory.begin("a", [1], at: now) == .placed("id"))
        // A day.
        let late = now.adding(milliseconds: 86_400_000)
        #expect(memory.begin("a", [1], at: late.adding(milliseconds: -1)) == .placed("id"))
        #expect(memory.begin("a", [2], at: late) == .new)
    }

    @Test func theMemoryHasABoundAndKeepsTheNewest() {
        let memory = OrderMemory(limit: 4)
        let now = MonotonicTime(nanoseconds: 5_000_000_000)
        for key in ["a", "b", "c", "d", "e"] { #expect(memory.begin(key, [1], at: now) == .new) }
        #expect(memory.begin("e", [1], at: now) == .underWay && memory.begin("d", [1], at: now) == .underWay)
        #expect(memory.begin("a", [1], at: now) == .new)
    }
}
