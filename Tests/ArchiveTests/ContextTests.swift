// Contexts, passes, outbound calls, webhooks: each change, twice, and what the ledger tells of it.

import Testing

@testable import Archive

@Suite struct ContextTests {
    @Test(
        arguments: [
            ("+15550100", "+15550100"), ("+1 (555) 01-00", "+15550100"), ("+1.555.0100", "+15550100"),
            ("client:ada", "client:ada"), ("09876 543210", "09876543210"), ("sip:a@b.c", "sip:a@b.c"),
            ("anonymous", "anonymous"), ("+0155", nil), ("+1", nil), ("+", nil), ("", nil), ("a b", nil),
            // E.164 §6: 15 digits are the most.
            ("+123456789012345", "+123456789012345"), ("+1234567890123456", nil), ("a/b", nil), ("+1a", nil),
            ("\u{e9}", nil), (String(repeating: "x", count: 128), String(repeating: "x", count: 128)),
            (String(repeating: "x", count: 129), nil),
        ] as [(String, String?)])
    func keys(text: String, key: String?) { #expect(PhoneKey.normalised(text) == key) }

    @Test func aContextIsStoredReplacedAndRemoved() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        defer { archive.close() }
        let row = ContextRow(phone: "+15550100", fields: ["name": "Ada \"A\"", "vip": "true"])
        #expect(try archive.applyAndWait(.storeContext(row)) == ChangeOutcome(added: 1))
        #expect(try archive.applyAndWait(.storeContext(row)) == ChangeOutcome(unchanged: 1))
        #expect(try archive.catalog.context("+1 555-0100")?.fields == row.fields)
        #expect(
            try archive.catalog.context("+15550100")?.updatedAt == TemporaryStorage.start + 60_000_000)
        let other = ContextRow(phone: "+15550100", fields: [:])
        #expect(try archive.applyAndWait(.storeContext(other)) == ChangeOutcome(replaced: 1))
        #expect(try archive.catalog.context("+15550100")?.fields == [:])
        #expect(try archive.applyAndWait(.removeContext(phone: "+15550100")) == ChangeOutcome(removed: 1))
        #expect(try archive.applyAndWait(.removeContext(phone: "+15550100")) == ChangeOutcome(unchanged: 1))
        #expect(try archive.catalog.context("+15550100") == nil)
        let ledger = try archive.catalog.ledger()
        #expect(ledger.map(\.kind) == ["context.stored", "context.stored", "context.removed"])
        // SHA-256 of "+15550100".
        let digest = Digest.sha256(Array("+15550100".utf8)).hex
        #expect(ledger.allSatisfy { $0.detail == #"{"phone_sha256":"\#(digest)"}"# })
        #expect(try archive.catalog.verifyLedger().isEmpty)
    }

    @Test func bounds() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        defer { archive.close() }
        let many = Dictionary(uniqueKeysWithValues: (0..<65).map { ("f\($0)", "") })
        // {"a":"…"} is 8 bytes besides the value.
        let full = ContextRow(phone: "+15550100", fields: ["a": String(repeating: "x", count: 16_384 - 8)])
        try archive.applyAndWait(.storeContext(full))
        for fields in [
            many, ["": "x"], ["a": "\0"], ["a": String(repeating: "x", count: 16_384 - 7)],
        ] {
            #expect(throws: ArchiveError.badValue(field: "fields")) {
                try archive.applyAndWait(.storeContext(ContextRow(phone: "+15550100", fields: fields)))
            }
        }
        #expect(throws: ArchiveError.badValue(field: "phone")) {
            try archive.applyAndWait(.storeContext(ContextRow(phone: "+1 5550100", fields: [:])))
        }
    }

    @Test func anImportIsAllOrNothing() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        defer { archive.close() }
        try archive.applyAndWait(.storeContext(ContextRow(phone: "+15550101", fields: ["n": "1"])))
        var rows = (100..<105).map { ContextRow(phone: "+15550\($0)", fields: ["n": "\($0)"]) }
        rows[0].fields = ["a": "\0"]
        #expect(throws: ArchiveError.self) { try archive.applyAndWait(.importContexts(rows.reversed())) }
        #expect(try archive.catalog.contexts().items.count == 1)
        rows[0].fields = [:]
        let outcome = try archive.applyAndWait(.importContexts(rows))
        #expect(outcome == ChangeOutcome(added: 4, replaced: 1))
        #expect(try archive.applyAndWait(.importContexts(rows)) == ChangeOutcome(unchanged: 5))
        let entries = try archive.catalog.ledger()
        #expect(entries.map(\.kind) == ["context.stored", "contexts.imported"])
        #expect(entries.last?.detail.hasPrefix(#"{"count":5,"sha256":""#) == true)
        #expect(entries.allSatisfy { !$0.detail.contains("15550") })
        let first = try archive.catalog.contexts(limit: 3)
        #expect(first.items.map(\.phone) == ["+15550100", "+15550101", "+15550102"])
        let second = try archive.catalog.contexts(after: try #require(first.next), limit: 3)
        #expect(second.items.map(\.phone) == ["+15550103", "+15550104"])
        #expect(second.next == nil)
    }

    static let now = (TemporaryStorage.start + 60_000_000) / 1000

    static func pass(_ number: UInt8, expires: Int64) -> PassRow {
        PassRow(
            digest: .sha256([number]), carrier: "twilio", carrierCallID: "CA1", plan: "{}",
            issuedAt: now - 1000 + Int64(number), expiresAt: expires)
    }

    @Test func passesSurviveARestartAndAreGoodOnce() throws {
        let storage = try TemporaryStorage()
        var archive = try storage.open()
        for number in 1...3 as ClosedRange<UInt8> {
            try archive.applyAndWait(.issuePass(Self.pass(number, expires: Self.now + 1000)))
        }
        #expect(
            try archive.applyAndWait(.issuePass(Self.pass(1, expires: Self.now + 9)))
                == ChangeOutcome(unchanged: 1))
        try archive.applyAndWait(.claimPass(digest: .sha256([2]), at: Self.now))
        archive.close()
        archive = try storage.open()
        defer { archive.close() }
        let open = try archive.catalog.openPasses(at: Self.now)
        #expect(open == [1, 3].map { Self.pass($0, expires: Self.now + 1000) })
        #expect(try archive.catalog.openPasses(at: Self.now + 1000).isEmpty)
        #expect(throws: ArchiveError.claimedPass) {
            try archive.applyAndWait(.claimPass(digest: .sha256([2]), at: Self.now))
        }
        #expect(throws: ArchiveError.unknownPass) {
            try archive.applyAndWait(.claimPass(digest: .sha256([9]), at: Self.now))
        }
        #expect(throws: ArchiveError.unknownPass) {
            try archive.applyAndWait(.claimPass(digest: .sha256([1]), at: Self.now + 1000))
        }
        #expect(try archive.catalog.ledgerHead().entries == 0)
    }

    @Test func expiredPassesGo() throws {
        let storage = try TemporaryStorage()
        var archive = try storage.open()
        func count() throws -> Int64 {
            try archive.catalog.read { connection throws(ArchiveError) in
                try connection.integer("SELECT count(*) FROM passes")
            }
        }
        try archive.applyAndWait(.issuePass(Self.pass(1, expires: Self.now - 1)))
        #expect(try count() == 1)
        try archive.applyAndWait(.issuePass(Self.pass(2, expires: Self.now)))
        #expect(try count() == 1)
        archive.close()
        archive = try storage.open()
        defer { archive.close() }
        #expect(try count() == 0)
    }

    @Test func aDialGoesOnlyOn() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        defer { archive.close() }
        let start = TemporaryStorage.start
        let row = DialRow(
            id: id(1), carrier: "twilio", called: "+15550100", caller: "+15550199", requestedAt: start)
        #expect(try archive.applyAndWait(.dial(row)).isChange)
        #expect(try !archive.applyAndWait(.dial(row)).isChange)
        func tell(_ state: DialState, _ seconds: Int64, call: String? = nil, cause: String? = nil) throws
            -> Bool
        {
            try archive.applyAndWait(
                .dialProgress(
                    id: id(1),
                    DialProgress(
                        state: state, carrierCallID: call, cause: cause, at: start + seconds * 1_000_000))
            ).isChange
        }
        #expect(try tell(.ringing, 2))
        // The answer to our request comes late: it still tells the carrier's identifier.
        #expect(try tell(.queued, 1, call: "CA7"))
        #expect(try !tell(.queued, 1, call: "CA7"))
        #expect(try archive.catalog.dial(id(1))?.state == .ringing)
        #expect(try archive.catalog.dial(carrier: "twilio", carrierCallID: "CA7")?.id == id(1))
        #expect(try archive.catalog.dial(carrier: "telnyx", carrierCallID: "CA7") == nil)
        #expect(try tell(.noAnswer, 30, cause: "timeout"))
        #expect(try !tell(.completed, 40))
        let dial = try #require(try archive.catalog.dial(id(1)))
        #expect(dial.state == .noAnswer)
        #expect(dial.cause == "timeout")
        #expect(dial.endedAt == start + 30_000_000)
        #expect(
            try archive.catalog.ledger().map(\.kind)
                == ["dial.requested", "dial.ringing", "dial.named", "dial.no_answer"])
        #expect(try archive.catalog.ledger().allSatisfy { !$0.detail.contains("1555") })
        #expect(throws: ArchiveError.unknownDial) {
            try archive.applyAndWait(
                .dialProgress(id: id(2), DialProgress(state: .failed, at: start)))
        }
        // A dial is no call until its stream comes, and then has the same identifier.
        #expect(try archive.catalog.call(id(1)) == nil)
        try archive.applyAndWait(.open(call(1)))
        #expect(!String(reflecting: dial).contains("1555"))
    }

    @Test func aWebhookIsKeptOnce() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        defer { archive.close() }
        var row = CarrierEventRow(
            carrier: "telnyx", key: "e1", carrierCallID: "v3:a", kind: "call.answered", occurredAt: 5,
            receivedAt: 7, detail: #"{"to":"+15550100"}"#)
        #expect(try archive.applyAndWait(.carrierEvent(row)) == ChangeOutcome(added: 1))
        #expect(try archive.applyAndWait(.carrierEvent(row)) == ChangeOutcome(unchanged: 1))
        row.carrier = "twilio"
        #expect(try archive.applyAndWait(.carrierEvent(row)).isChange)
        row.key = "e2"
        row.kind = String(repeating: "k", count: 65)
        #expect(throws: ArchiveError.badValue(field: "kind")) {
            try archive.applyAndWait(.carrierEvent(row))
        }
        row.kind = "x"
        row.detail = "{"
        #expect(throws: ArchiveError.self) { try archive.applyAndWait(.carrierEvent(row)) }
        row.detail = "\"" + String(repeating: "x", count: 65_535) + "\""
        #expect(throws: ArchiveError.badValue(field: "detail")) {
            try archive.applyAndWait(.carrierEvent(row))
        }
        let events = try archive.catalog.carrierEvents(ofCarrierCall: "v3:a")
        #expect(events.map(\.carrier) == ["telnyx", "twilio"])
        #expect(events.first?.occurredAt == 5)
        #expect(try archive.catalog.ledgerHead().entries == 0)
    }
}
