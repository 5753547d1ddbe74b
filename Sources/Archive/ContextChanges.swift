// Changes of customers' contexts. The ledger has the SHA-256 of a number, never the number.

import Wire

extension CatalogChanges {
    func storeContext(_ row: ContextRow) throws(ArchiveError) -> ChangeOutcome {
        try connection.transaction { () throws(ArchiveError) in
            let outcome = try put(row)
            if outcome.isChange { try trace("context.stored", phone: row.phone) }
            return outcome
        }
    }

    func removeContext(_ phone: String) throws(ArchiveError) -> ChangeOutcome {
        try connection.transaction { () throws(ArchiveError) in
            try connection.execute("DELETE FROM contexts WHERE phone = ?", [.text(phone)])
            guard connection.changes > 0 else { return ChangeOutcome(unchanged: 1) }
            try trace("context.removed", phone: phone)
            return ChangeOutcome(removed: 1)
        }
    }

    /// All of `rows` or none; one entry in the ledger, with their number and a digest over them.
    func importContexts(_ rows: [ContextRow]) throws(ArchiveError) -> ChangeOutcome {
        try connection.transaction { () throws(ArchiveError) in
            var outcome = ChangeOutcome()
            let running = Digest.Running()
            for row in rows {
                let one = try put(row)
                outcome.added += one.added
                outcome.replaced += one.replaced
                outcome.unchanged += one.unchanged
                let line = Array("\(row.phone)\n\(row.json)\n".utf8)
                line.withUnsafeBytes { running.update($0) }
            }
            guard outcome.isChange else { return outcome }
            let detail = JSON.object([
                ("count", String(rows.count)), ("sha256", JSON.quoted(running.finish().hex)),
            ])
            try Ledger.append(
                connection, at: now, kind: "contexts.imported", callID: nil, detail: detail)
            return outcome
        }
    }

    private func put(_ row: ContextRow) throws(ArchiveError) -> ChangeOutcome {
        if let fault = row.fault { throw .badValue(field: fault) }
        let known = try RowMapping.context(row.phone, connection)
        if known?.fields == row.fields { return ChangeOutcome(unchanged: 1) }
        try connection.execute(
            """
            INSERT INTO contexts (phone, fields, updated_at) VALUES (?1, ?2, ?3)
            ON CONFLICT (phone) DO UPDATE SET fields = ?2, updated_at = ?3
            """, [.text(row.phone), .text(row.json), .integer(now)])
        return known == nil ? ChangeOutcome(added: 1) : ChangeOutcome(replaced: 1)
    }

    private func trace(_ kind: String, phone: String) throws(ArchiveError) {
        let digest = Digest.sha256(Array(phone.utf8)).hex
        try Ledger.append(
            connection, at: now, kind: kind, callID: nil,
            detail: JSON.object([("phone_sha256", JSON.quoted(digest))]))
    }
}

extension RowMapping {
    /// The context of a number, or nil.
    static func context(_ phone: String, _ connection: SQLiteConnection) throws(ArchiveError) -> ContextRow? {
        try connection.first(
            "SELECT phone, fields, updated_at FROM contexts WHERE phone = ?", [.text(phone)]
        ) { row throws(ArchiveError) in try context(row, connection) }
    }

    static func context(
        _ row: SQLiteStatement, _ connection: SQLiteConnection
    ) throws(ArchiveError) -> ContextRow {
        let pairs = try connection.rows(
            "SELECT key, value FROM json_each(?)", [.text(row.text(1))]
        ) { row throws(ArchiveError) in (row.text(0), row.text(1)) }
        return ContextRow(
            phone: row.text(0), fields: Dictionary(pairs, uniquingKeysWith: { $1 }), updatedAt: row.integer(2)
        )
    }
}

extension Catalog {
    /// What is known of the customer behind a number, given in any way that `PhoneKey` takes; nil for nothing.
    public func context(_ phone: String) throws(ArchiveError) -> ContextRow? {
        guard let key = PhoneKey.normalised(phone) else { return nil }
        return try read { connection throws(ArchiveError) in try RowMapping.context(key, connection) }
    }

    /// Contexts by number, `limit` (1…200, otherwise clamped) on a page, after the number `phone`.
    public func contexts(after phone: String = "", limit: Int = 50) throws(ArchiveError) -> ContextPage {
        let size = min(max(limit, 1), Self.pageLimit)
        var items = try read { connection throws(ArchiveError) in
            try connection.rows(
                "SELECT phone, fields, updated_at FROM contexts WHERE phone > ? ORDER BY phone LIMIT ?",
                [.text(phone), .integer(Int64(size + 1))]
            ) { row throws(ArchiveError) in try RowMapping.context(row, connection) }
        }
        let hasMore = items.count > size
        if hasMore { items.removeLast() }
        return ContextPage(items: items, next: hasMore ? items.last?.phone : nil)
    }
}
