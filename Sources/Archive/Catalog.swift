// Reading the archive, from any thread, beside a server that writes or without one.

/// The catalog for reading. Every method may be called on any thread; it blocks on the disk, and at most some
/// seconds for a free connection (`readersBusy`).
public final class Catalog: Sendable {
    /// Where everything lies.
    public let layout: StorageLayout

    private let pool: ReaderPool

    /// Most calls on one page.
    public static let pageLimit = 200

    /// The catalog of the storage at `layout`. Nothing is opened before the first question; that one throws
    /// `noArchive`, `unreadableFolder`, `newerDatabase` or `foreignDatabase` when it cannot be read.
    public init(_ layout: StorageLayout, readers: Int = 4) {
        self.layout = layout
        pool = ReaderPool(layout: layout, limit: max(readers, 1))
    }

    /// Gives its connections back.
    public func close() { pool.close() }

    /// Calls newest first, `limit` (1…200, otherwise clamped) on a page. `cursor` is a former page's `next`. Throws
    /// `badCursor`, and `tooSlow` when it takes longer than `milliseconds` (nil: it may).
    public func list(
        _ filter: CallFilter = CallFilter(), cursor: String? = nil, limit: Int = 50,
        milliseconds: Int64? = nil
    ) throws(ArchiveError) -> CallPage {
        let size = min(max(limit, 1), Self.pageLimit)
        var place: PageCursor?
        if let cursor { place = try PageCursor(cursor) }
        let (sql, values) = Self.listStatement(filter, after: place, limit: size + 1)
        var items = try pool.read { connection throws(ArchiveError) in
            try connection.within(milliseconds) { () throws(ArchiveError) in
                try connection.rows(sql, values) { row throws(ArchiveError) in
                    try RowMapping.listed(row, connection)
                }
            }
        }
        let hasMore = items.count > size
        if hasMore { items.removeLast() }
        let next =
            hasMore ? items.last.map { PageCursor(startedAt: $0.call.startedAt, id: $0.call.id).text } : nil
        return CallPage(items: items, next: next)
    }

    static func listStatement(
        _ filter: CallFilter, after cursor: PageCursor?, limit: Int
    ) -> (sql: String, values: [SQLiteValue]) {
        let query = filter.query(after: cursor)
        let sql =
            "SELECT \(RowMapping.listedColumns)\(query.sql) ORDER BY \(query.time) DESC, \(query.id) DESC LIMIT ?"
        return (sql, query.values + [.integer(Int64(limit))])
    }

    /// How many calls a filter lets through.
    public func count(_ filter: CallFilter = CallFilter()) throws(ArchiveError) -> Int {
        let query = filter.query(after: nil)
        return try pool.read { connection throws(ArchiveError) in
            Int(try connection.integer("SELECT count(*)\(query.sql)", query.values))
        }
    }

    /// One call with its recording, or nil.
    public func call(_ id: String) throws(ArchiveError) -> ListedCall? {
        try pool.read { connection throws(ArchiveError) in try RowMapping.stored(id, connection) }
    }

    /// Everything of one call, as of one moment, or nil.
    public func detail(_ id: String) throws(ArchiveError) -> RecordingDetail? {
        try pool.read { connection throws(ArchiveError) in
            try connection.snapshot { () throws(ArchiveError) -> RecordingDetail? in
                guard let stored = try RowMapping.stored(id, connection) else { return nil }
                return RecordingDetail(
                    call: stored.call, recording: stored.recording,
                    turns: try RowMapping.turns(id, connection),
                    events: try RowMapping.events(id, connection),
                    metrics: try RowMapping.metrics(id, connection),
                    hasConversation: try connection.integer(
                        "SELECT EXISTS (SELECT 1 FROM conversations WHERE call_id = ?)", [.text(id)]) == 1)
            }
        }
    }

    /// What was said, in order.
    public func turns(_ id: String) throws(ArchiveError) -> [TurnRow] {
        try pool.read { connection throws(ArchiveError) in try RowMapping.turns(id, connection) }
    }

    /// What else happened, in order.
    public func events(_ id: String) throws(ArchiveError) -> [EventRow] {
        try pool.read { connection throws(ArchiveError) in try RowMapping.events(id, connection) }
    }

    /// Calls whose recording is not final, oldest first: at start, those that need recovery.
    public func unfinished() throws(ArchiveError) -> [ListedCall] {
        try pool.read { connection throws(ArchiveError) in
            try connection.rows(
                """
                SELECT \(RowMapping.listedColumns) FROM recordings r CROSS JOIN calls c ON c.id = r.call_id
                WHERE r.state IN ('recording', 'rendering') ORDER BY r.started_at, r.call_id
                """
            ) { row throws(ArchiveError) in try RowMapping.listed(row, connection) }
        }
    }

    /// Calls whose recording failed by the disk's doing (their causes begin with `disk_`, or the step before the row
    /// failed), newest first, at most `limit`: another attempt may succeed once the disk is well.
    public func failedByDisk(limit: Int = 1000) throws(ArchiveError) -> [ListedCall] {
        try pool.read { connection throws(ArchiveError) in
            try connection.rows(
                """
                SELECT \(RowMapping.listedColumns) FROM recordings r CROSS JOIN calls c ON c.id = r.call_id
                WHERE r.state = 'failed' AND r.origin <> 'carrier'
                AND (substr(r.cause, 1, 5) = 'disk_' OR r.cause IN ('seal_failed', 'storage'))
                ORDER BY r.started_at DESC, r.call_id DESC LIMIT ?
                """, [.integer(Int64(limit))]
            ) { row throws(ArchiveError) in try RowMapping.listed(row, connection) }
        }
    }

    /// At most `limit` calls whose identifier follows `id`, by identifier: for walks over everything.
    func calls(after id: String, limit: Int) throws(ArchiveError) -> [ListedCall] {
        try pool.read { connection throws(ArchiveError) in
            try connection.rows(
                """
                SELECT \(RowMapping.listedColumns) FROM calls c CROSS JOIN recordings r ON r.call_id = c.id
                WHERE c.id > ? ORDER BY c.id LIMIT ?
                """, [.text(id), .integer(Int64(limit))]
            ) { row throws(ArchiveError) in try RowMapping.listed(row, connection) }
        }
    }

    /// How long the ledger is and where it ends.
    public func ledgerHead() throws(ArchiveError) -> LedgerHead {
        try pool.read { connection throws(ArchiveError) in try Ledger.head(connection) }
    }

    /// At most `limit` entries of the ledger after number `sequence`.
    public func ledger(after sequence: Int64 = 0, limit: Int = 1000) throws(ArchiveError) -> [LedgerEntry] {
        try pool.read { connection throws(ArchiveError) in
            try Ledger.entries(connection, after: sequence, limit: limit)
        }
    }

    /// Recomputes the whole ledger; empty when nothing is wrong. `published` is a head kept elsewhere.
    public func verifyLedger(published: LedgerHead? = nil) throws(ArchiveError) -> [LedgerFault] {
        try pool.read { connection throws(ArchiveError) in try Ledger.verify(connection, published: published)
        }
    }

    /// What SQLite finds wrong with the file (PRAGMA quick_check); empty when nothing is.
    public func checkDatabase() throws(ArchiveError) -> [String] {
        try pool.read { connection throws(ArchiveError) in
            let lines = try connection.rows("PRAGMA quick_check") { row throws(ArchiveError) in row.text(0) }
            return lines == ["ok"] ? [] : lines
        }
    }

    /// Lends a reading connection; for tests of the plans of queries.
    func read<Answer>(
        _ body: (SQLiteConnection) throws(ArchiveError) -> Answer
    ) throws(ArchiveError) -> Answer {
        try pool.read(body)
    }
}
