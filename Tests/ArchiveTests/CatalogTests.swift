// Lists: pages, cursors, filters, and that every list comes from an index.

import Testing

@testable import Archive

@Suite struct CatalogTests {
    /// Sixty calls a second apart, with columns that repeat in known rhythms.
    static func filled() throws -> (TemporaryStorage, CallArchive) {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        for number in 0..<60 {
            let row = CallRow(
                id: id(number), carrier: ["twilio", "telnyx", "exotel"][number % 3],
                carrierCallID: "CA\(number)", caller: "+1555010\(number % 5)",
                called: "+1555020\(number % 4)",
                agentID: "agent_\(number % 6)", startedAt: TemporaryStorage.start + Int64(number) * 1_000_000)
            try archive.applyAndWait(.open(row))
            if number % 2 == 1 {
                try archive.applyAndWait(.rendering(id: row.id, ending: ending(.agent, "done")))
            }
            if number % 10 == 3 {
                try archive.applyAndWait(.fail(id: row.id, cause: "disk_full", ending: nil))
            }
        }
        return (storage, archive)
    }

    static func pages(_ catalog: Catalog, _ filter: CallFilter, _ limit: Int) throws -> [[String]] {
        var pages: [[String]] = []
        var cursor: String?
        repeat {
            let page = try catalog.list(filter, cursor: cursor, limit: limit)
            pages.append(page.items.map(\.call.id))
            cursor = page.next
        } while cursor != nil && pages.count < 100
        return pages
    }

    @Test(arguments: [1, 2, 7, 30, 59, 60, 61, 200])
    func pagesCoverEverythingOnce(limit: Int) throws {
        let (storage, archive) = try Self.filled()
        let pages = try Self.pages(archive.catalog, CallFilter(), limit)
        #expect(pages.flatMap { $0 } == (0..<60).reversed().map { id($0) })
        #expect(pages.count == (60 + limit - 1) / limit)
        #expect(pages.dropLast().allSatisfy { $0.count == limit })
        archive.close()
        _ = storage
    }

    @Test func newCallsDoNotMoveACursor() throws {
        let (storage, archive) = try Self.filled()
        let first = try archive.catalog.list(limit: 20)
        for number in 100..<130 {
            try archive.applyAndWait(
                .open(call(number, startedAt: TemporaryStorage.start + Int64(number) * 1_000_000)))
        }
        let second = try archive.catalog.list(cursor: first.next, limit: 20)
        #expect(second.items.map(\.call.id) == (20..<40).reversed().map { id($0) })
        archive.close()
        _ = storage
    }

    @Test func equalTimesAreOrderedByIdentifier() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        for number in [5, 1, 4, 2, 3] { try archive.applyAndWait(.open(call(number))) }
        let pages = try Self.pages(archive.catalog, CallFilter(), 2)
        #expect(pages == [[id(5), id(4)], [id(3), id(2)], [id(1)]])
        archive.close()
    }

    /// A filter with the numbers it lets through.
    struct FilterCase: Sendable, CustomStringConvertible {
        var name: String
        var filter: CallFilter
        var expected: @Sendable (Int) -> Bool
        var description: String { name }
        init(_ name: String, _ set: (inout CallFilter) -> Void, _ expected: @escaping @Sendable (Int) -> Bool)
        {
            self.name = name
            var filter = CallFilter()
            set(&filter)
            self.filter = filter
            self.expected = expected
        }
    }

    static let start = TemporaryStorage.start
    static func state(_ number: Int) -> RecordingState {
        number % 10 == 3 ? .failed : number % 2 == 1 ? .rendering : .recording
    }

    static let filters: [FilterCase] = [
        FilterCase("none", { _ in }, { _ in true }),
        FilterCase("from", { $0.from = start + 10_000_000 }, { $0 >= 10 }),
        FilterCase("to", { $0.to = start + 10_000_000 }, { $0 < 10 }),
        FilterCase(
            "from, to",
            {
                $0.from = start + 10_000_000
                $0.to = start + 12_000_000
            }, { (10..<12).contains($0) }),
        FilterCase("carrier", { $0.carrier = "telnyx" }, { $0 % 3 == 1 }),
        FilterCase("unknown carrier", { $0.carrier = "none" }, { _ in false }),
        FilterCase("caller", { $0.caller = "+15550102" }, { $0 % 5 == 2 }),
        FilterCase("called", { $0.called = "+15550203" }, { $0 % 4 == 3 }),
        FilterCase("agent", { $0.agentID = "agent_5" }, { $0 % 6 == 5 }),
        FilterCase("our id", { $0.callID = id(17) }, { $0 == 17 }),
        FilterCase("carrier's id", { $0.callID = "CA18" }, { $0 == 18 }),
        FilterCase("recording", { $0.state = .recording }, { state($0) == .recording }),
        FilterCase("rendering", { $0.state = .rendering }, { state($0) == .rendering }),
        FilterCase("failed", { $0.state = .failed }, { state($0) == .failed }),
        FilterCase("sealed", { $0.state = .sealed }, { _ in false }),
        FilterCase("bridged", { $0.origin = .bridge }, { _ in true }),
        FilterCase("voicemail", { $0.origin = .voicemail }, { _ in false }),
        FilterCase("a carrier's", { $0.origin = .carrier }, { _ in false }),
        FilterCase("end", { $0.endWho = .agent }, { $0 % 2 == 1 }),
        FilterCase("end why", { $0.endWhy = "done" }, { $0 % 2 == 1 }),
        FilterCase(
            "state from to",
            {
                $0.state = .rendering
                $0.from = start + 5_000_000
                $0.to = start + 20_000_000
            }, { state($0) == .rendering && (5..<20).contains($0) }),
        FilterCase(
            "carrier caller state",
            {
                $0.carrier = "twilio"
                $0.caller = "+15550101"
                $0.state = .rendering
            }, { $0 % 3 == 0 && $0 % 5 == 1 && state($0) == .rendering }),
        FilterCase("quote", { $0.carrier = "'; DROP TABLE calls; --" }, { _ in false }),
    ]

    @Test(arguments: filters, [3, 200])
    func filtersLetThroughWhatTheySay(filter: FilterCase, limit: Int) throws {
        let (storage, archive) = try Self.filled()
        let expected = (0..<60).filter(filter.expected)
        let found = try Self.pages(archive.catalog, filter.filter, limit).flatMap { $0 }
        #expect(found == expected.reversed().map { id($0) })
        #expect(try archive.catalog.count(filter.filter) == expected.count)
        archive.close()
        _ = storage
    }

    @Test(arguments: filters)
    func listsUseAnIndexAndDoNotSort(filter: FilterCase) throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        for cursor in [nil, PageCursor(startedAt: Self.start, id: id(1))] {
            let (sql, values) = Catalog.listStatement(filter.filter, after: cursor, limit: 50)
            let plan = try archive.catalog.read { connection throws(ArchiveError) in
                try connection.rows("EXPLAIN QUERY PLAN " + sql, values) { row throws(ArchiveError) in
                    row.text(3)
                }
            }
            let reads = plan.filter { $0.contains(" c") || $0.contains(" r") }
            #expect(plan.contains { $0.contains("INDEX") || $0.contains("PRIMARY KEY") }, "\(plan)")
            #expect(!reads.contains { $0.hasPrefix("SCAN") && !$0.contains("INDEX") }, "\(plan)")
            if filter.filter.callID == nil {
                #expect(!plan.contains { $0.contains("TEMP B-TREE") }, "\(plan)")
            }
        }
        archive.close()
    }

    @Test func aCursorIsReadBackExactly() throws {
        for time in [0, 1, -1, Int64.max, Int64.min, Self.start] {
            let cursor = PageCursor(startedAt: time, id: id(7))
            #expect(try PageCursor(cursor.text) == cursor)
            #expect(cursor.text.utf8.count == 46)
        }
    }

    @Test(arguments: [
        "", "x", String(repeating: "A", count: 46), String(repeating: "=", count: 46),
        String(repeating: "é", count: 23), String(repeating: "_", count: 46),
        String(repeating: "A", count: 47),
    ])
    func aForeignCursorIsRefused(text: String) throws {
        #expect(throws: ArchiveError.badCursor) { try PageCursor(text) }
    }

    @Test(arguments: 0..<46)
    func aTruncatedCursorIsRefused(length: Int) throws {
        let text = PageCursor(startedAt: Self.start, id: id(7)).text
        #expect(throws: ArchiveError.badCursor) { try PageCursor(String(text.prefix(length))) }
    }

    @Test(arguments: [(-5, 1), (0, 1), (1, 1), (200, 60), (100_000, 60)])
    func limitsAreClamped(limit: Int, expected: Int) throws {
        let (storage, archive) = try Self.filled()
        #expect(try archive.catalog.list(limit: limit).items.count == expected)
        archive.close()
        _ = storage
    }
}
