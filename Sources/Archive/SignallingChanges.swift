// Changes of passes, outbound calls and carriers' webhooks, and reading them.

import Wire

extension CatalogChanges {
    // Passes and webhooks leave no entry in the ledger. A pass lives for minutes and is purged, so an entry would tell
    // of a row that nobody can look at; a webhook's row is its own trace, never changed and never removed. What they
    // bring about (a call, a dial's progress, an adopted recording) has its own entries.

    func issuePass(_ row: PassRow) throws(ArchiveError) -> ChangeOutcome {
        try connection.transaction { () throws(ArchiveError) in
            try purgePasses(limit: 100)
            try connection.execute(
                """
                INSERT INTO passes (digest, carrier, carrier_call_id, plan, issued_at, expires_at, claimed_at)
                VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING
                """,
                [
                    .blob(row.digest.bytes), .text(row.carrier), SQLiteValue(row.carrierCallID),
                    .text(row.plan), .integer(row.issuedAt), .integer(row.expiresAt),
                    SQLiteValue(row.claimedAt),
                ])
            return connection.changes > 0 ? ChangeOutcome(added: 1) : ChangeOutcome(unchanged: 1)
        }
    }

    /// A pass is good once, so that this is the one change that is not done twice.
    func claimPass(_ digest: Digest, at instant: Int64) throws(ArchiveError) -> ChangeOutcome {
        try connection.transaction { () throws(ArchiveError) in
            let known = try connection.first(
                "SELECT claimed_at FROM passes WHERE digest = ? AND expires_at > ?",
                [.blob(digest.bytes), .integer(instant)]
            ) { row throws(ArchiveError) in !row.isNull(0) }
            guard let isClaimed = known else { throw .unknownPass }
            guard !isClaimed else { throw .claimedPass }
            try connection.execute(
                "UPDATE passes SET claimed_at = ? WHERE digest = ?", [.integer(instant), .blob(digest.bytes)])
            return ChangeOutcome(replaced: 1)
        }
    }

    /// Removes every pass that was not shown, by all that is known; how many.
    func forgetPasses() throws(ArchiveError) -> Int {
        try connection.execute("DELETE FROM passes WHERE claimed_at IS NULL")
        return connection.changes
    }

    /// Removes at most `limit` passes that have expired; in batches, so that nobody waits for a long statement.
    func purgePasses(limit: Int64) throws(ArchiveError) {
        try connection.execute(
            "DELETE FROM passes WHERE digest IN (SELECT digest FROM passes WHERE expires_at <= ? LIMIT ?)",
            [.integer(now / 1000), .integer(limit)])
    }

    func dial(_ row: DialRow) throws(ArchiveError) -> ChangeOutcome {
        guard CallID.isValid(row.id) else { throw .badValue(field: "id") }
        return try connection.transaction { () throws(ArchiveError) in
            if let known = try RowMapping.dial("id = ?", [.text(row.id)], connection) {
                guard known.carrier == row.carrier, known.called == row.called else {
                    throw .badValue(field: "id")
                }
                return ChangeOutcome(unchanged: 1)
            }
            try connection.execute(
                """
                INSERT INTO dials (id, carrier, carrier_call_id, called, caller, state, cause, requested_at,
                updated_at, ended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    .text(row.id), .text(row.carrier), SQLiteValue(row.carrierCallID), .text(row.called),
                    SQLiteValue(row.caller), .text(row.state.rawValue), SQLiteValue(row.cause),
                    .integer(row.requestedAt), .integer(row.updatedAt), SQLiteValue(row.endedAt),
                ])
            try traceDial("dial.\(row.state.rawValue)", row.id, [("carrier", JSON.quoted(row.carrier))])
            return ChangeOutcome(added: 1)
        }
    }

    func progress(_ id: String, _ news: DialProgress) throws(ArchiveError) -> ChangeOutcome {
        if let cause = news.cause {
            guard !cause.isEmpty, cause.utf8.count <= 64 else { throw .badValue(field: "cause") }
        }
        return try connection.transaction { () throws(ArchiveError) in
            guard let known = try RowMapping.dial("id = ?", [.text(id)], connection) else {
                throw .unknownDial
            }
            let goesOn = news.state.rank > known.state.rank
            // The carrier's identifier is worth knowing, even from news that came late.
            let names = known.carrierCallID == nil && news.carrierCallID != nil
            guard goesOn || names else { return ChangeOutcome(unchanged: 1) }
            let state = goesOn ? news.state : known.state
            try connection.execute(
                """
                UPDATE dials SET state = ?2, carrier_call_id = coalesce(carrier_call_id, ?3),
                cause = CASE WHEN ?4 THEN ?5 ELSE cause END, updated_at = CASE WHEN ?4 THEN ?6 ELSE updated_at END,
                ended_at = CASE WHEN ?7 THEN ?6 ELSE ended_at END WHERE id = ?1
                """,
                [
                    .text(id), .text(state.rawValue), SQLiteValue(news.carrierCallID), SQLiteValue(goesOn),
                    SQLiteValue(news.cause), .integer(news.at), SQLiteValue(goesOn && state.isFinal),
                ])
            let cause = goesOn ? news.cause.map { [("cause", JSON.quoted($0))] } ?? [] : []
            try traceDial(goesOn ? "dial.\(state.rawValue)" : "dial.named", id, cause)
            return ChangeOutcome(replaced: 1)
        }
    }

    func carrierEvent(_ row: CarrierEventRow) throws(ArchiveError) -> ChangeOutcome {
        guard (1...64).contains(row.kind.utf8.count) else { throw .badValue(field: "kind") }
        guard (1...256).contains(row.key.utf8.count) else { throw .badValue(field: "event_key") }
        guard row.detail.utf8.count <= 64 << 10 else { throw .badValue(field: "detail") }
        return try connection.transaction { () throws(ArchiveError) in
            try connection.execute(
                """
                INSERT INTO carrier_events (carrier, event_key, carrier_call_id, kind, occurred_at, received_at,
                detail) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (carrier, event_key) DO NOTHING
                """,
                [
                    .text(row.carrier), .text(row.key), SQLiteValue(row.carrierCallID), .text(row.kind),
                    SQLiteValue(row.occurredAt), .integer(row.receivedAt), .text(row.detail),
                ])
            return connection.changes > 0 ? ChangeOutcome(added: 1) : ChangeOutcome(unchanged: 1)
        }
    }
}

extension RowMapping {
    /// The newest outbound call for which `condition` (SQL of our own) holds, or nil.
    static func dial(
        _ condition: String, _ values: [SQLiteValue], _ connection: SQLiteConnection
    ) throws(ArchiveError) -> DialRow? {
        try connection.first(
            """
            SELECT id, carrier, carrier_call_id, called, caller, state, cause, requested_at, updated_at, ended_at
            FROM dials WHERE \(condition) ORDER BY id DESC
            """, values
        ) { row throws(ArchiveError) in
            guard let state = DialState(rawValue: row.text(5)) else { throw .badValue(field: "state") }
            var dial = DialRow(
                id: row.text(0), carrier: row.text(1), carrierCallID: row.optionalText(2),
                called: row.text(3),
                caller: row.optionalText(4), state: state, requestedAt: row.integer(7))
            dial.cause = row.optionalText(6)
            dial.updatedAt = row.integer(8)
            dial.endedAt = row.optionalInteger(9)
            return dial
        }
    }
}

extension Catalog {
    /// Passes that were neither shown nor have expired at `instant` (milliseconds UTC), oldest first: at start.
    public func openPasses(at instant: Int64) throws(ArchiveError) -> [PassRow] {
        try read { connection throws(ArchiveError) in
            try connection.rows(
                """
                SELECT digest, carrier, carrier_call_id, plan, issued_at, expires_at FROM passes
                WHERE expires_at > ? AND claimed_at IS NULL ORDER BY issued_at, digest
                """, [.integer(instant)]
            ) { row throws(ArchiveError) in
                guard let digest = Digest(bytes: row.blob(0)) else { throw .badValue(field: "digest") }
                return PassRow(
                    digest: digest, carrier: row.text(1), carrierCallID: row.optionalText(2),
                    plan: row.text(3), issuedAt: row.integer(4), expiresAt: row.integer(5))
            }
        }
    }

    /// One outbound call, or nil.
    public func dial(_ id: String) throws(ArchiveError) -> DialRow? {
        try read { connection throws(ArchiveError) in
            try RowMapping.dial("id = ?", [.text(id)], connection)
        }
    }

    /// At most `limit` outbound calls that were asked for before `instant` (microseconds UTC) and have no end, oldest first:
    /// at start, for what an earlier server left.
    public func openDials(before instant: Int64, limit: Int = 1000) throws(ArchiveError) -> [DialRow] {
        try read { connection throws(ArchiveError) in
            let ids = try connection.rows(
                "SELECT id FROM dials WHERE ended_at IS NULL AND requested_at < ? ORDER BY id LIMIT ?",
                [.integer(instant), .integer(Int64(max(limit, 0)))]
            ) { row throws(ArchiveError) in row.text(0) }
            var rows: [DialRow] = []
            for id in ids {
                if let row = try RowMapping.dial("id = ?", [.text(id)], connection) { rows.append(row) }
            }
            return rows
        }
    }

    /// The outbound call that a carrier knows by `carrierCallID`, or nil.
    public func dial(carrier: String, carrierCallID: String) throws(ArchiveError) -> DialRow? {
        try read { connection throws(ArchiveError) in
            try RowMapping.dial(
                "carrier_call_id = ? AND carrier = ?", [.text(carrierCallID), .text(carrier)], connection)
        }
    }

    /// At most `limit` webhooks of one kind that came at or after `instant` (microseconds UTC), in the order they came: at
    /// start, for what an earlier server was told and did not act on.
    public func carrierEvents(
        carrier: String, kind: String, since instant: Int64, limit: Int = 10_000
    ) throws(ArchiveError) -> [CarrierEventRow] {
        try carrierEvents(
            "carrier = ? AND kind = ? AND received_at >= ?",
            [.text(carrier), .text(kind), .integer(instant)], limit: limit)
    }

    /// The keys of a carrier's webhooks that came at or after `instant` (microseconds UTC), in the order they came: of the
    /// last `limit` of all carriers.
    public func carrierEventKeys(
        carrier: String, since instant: Int64, limit: Int = 65_536
    ) throws(ArchiveError) -> [(key: String, receivedAt: Int64)] {
        try read { connection throws(ArchiveError) in
            try connection.rows(
                """
                SELECT event_key, received_at FROM
                (SELECT * FROM carrier_events ORDER BY number DESC LIMIT ?)
                WHERE carrier = ? AND received_at >= ? ORDER BY number
                """, [.integer(Int64(max(limit, 0))), .text(carrier), .integer(instant)]
            ) { row throws(ArchiveError) in (key: row.text(0), receivedAt: row.integer(1)) }
        }
    }

    /// At most `limit` webhooks of a carrier's call, in the order they came.
    public func carrierEvents(
        ofCarrierCall carrierCallID: String, limit: Int = 1000
    ) throws(ArchiveError) -> [CarrierEventRow] {
        try carrierEvents("carrier_call_id = ?", [.text(carrierCallID)], limit: limit)
    }

    private func carrierEvents(
        _ condition: String, _ values: [SQLiteValue], limit: Int
    ) throws(ArchiveError) -> [CarrierEventRow] {
        try read { connection throws(ArchiveError) in
            try connection.rows(
                """
                SELECT carrier, event_key, carrier_call_id, kind, occurred_at, received_at, detail
                FROM carrier_events WHERE \(condition) ORDER BY number LIMIT ?
                """, values + [.integer(Int64(max(limit, 0)))]
            ) { row throws(ArchiveError) in
                CarrierEventRow(
                    carrier: row.text(0), key: row.text(1), carrierCallID: row.optionalText(2),
                    kind: row.text(3), occurredAt: row.optionalInteger(4), receivedAt: row.integer(5),
                    detail: row.text(6))
            }
        }
    }
}
