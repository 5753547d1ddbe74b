// The rows of calls against the ledger: what was added, removed or changed behind the server's back.

/// What is wrong between the rows of a call and the ledger.
public enum RowFault: Sendable, Hashable {
    /// No entry of the ledger began the call.
    case unopened(id: String)
    /// The rows are not those of the last entry that tells of them.
    case differs(id: String)
    /// The recording's state is not that of the ledger.
    case otherState(id: String, row: String, ledger: String)
    /// The ledger began a call that the catalog does not have any more.
    case lost(id: String)

    /// The call.
    public var id: String {
        switch self {
        case .unopened(let id), .differs(let id), .otherState(let id, _, _), .lost(let id): id
        }
    }
}

/// What a comparison of rows with the ledger found.
public struct RowAudit: Sendable, Hashable {
    /// Everything that is wrong, by identifier; what is lost comes last.
    public var faults: [RowFault] = []
    /// Final recordings whose last entry is from before entries held a digest of the rows: only their file's SHA-256, their path
    /// and their state can be compared.
    public var undigested = 0
}

extension Catalog {
    /// The kinds that begin a call, and all that tell of its rows.
    private static let openings = ["call.opened", "recording.adopted", "recording.failed"]
    private static let tellings =
        openings + [
            "call.annotated", "recording.rendering", "recording.sealed", "recording.recovered",
            "recording.empty",
            "recording.transcribed",
        ]

    /// One entry, as far as it tells of a call's rows.
    private struct Telling {
        var kind: String
        var digest: String?
        var hasCause: Bool

        /// The state it leaves the recording in; nil: the one it had.
        var state: RecordingState? {
            switch kind {
            case "call.opened": .recording
            case "recording.rendering": .rendering
            case "recording.failed": .failed
            case "recording.sealed", "recording.adopted": .sealed
            case "recording.recovered": .recovered
            case "recording.empty": hasCause ? .recovered : .sealed
            default: nil
            }
        }
    }

    /// Compares the rows of every call (of `selected` ones, unless nil) with the ledger. That the ledger itself is whole is
    /// `verifyLedger`'s to say.
    public func verifyRows(of selected: Set<String>? = nil) throws(ArchiveError) -> RowAudit {
        var audit = RowAudit()
        var last = ""
        while true {
            // Some at a time: a long snapshot would keep a running server from folding its log into the database.
            let batch = try read { connection throws(ArchiveError) in
                try connection.snapshot { () throws(ArchiveError) in
                    try Self.verify(after: last, of: selected, connection)
                }
            }
            guard let end = batch.last else { break }
            audit.faults += batch.audit.faults
            audit.undigested += batch.audit.undigested
            last = end
        }
        let lost = try read { connection throws(ArchiveError) in
            try connection.rows(
                """
                SELECT DISTINCT l.call_id FROM ledger l WHERE l.kind IN \(Self.list(Self.openings))
                AND NOT EXISTS (SELECT 1 FROM calls c JOIN recordings r ON r.call_id = c.id WHERE c.id = l.call_id)
                ORDER BY l.call_id
                """
            ) { row throws(ArchiveError) in row.text(0) }
        }
        audit.faults += lost.filter { selected?.contains($0) ?? true }.map { .lost(id: $0) }
        return audit
    }

    /// The next thousand calls after `id`, and the last one's identifier, nil when there is none.
    private static func verify(
        after id: String, of selected: Set<String>?, _ connection: SQLiteConnection
    ) throws(ArchiveError) -> (audit: RowAudit, last: String?) {
        var audit = RowAudit()
        let calls = try connection.rows(
            """
            SELECT c.id, r.state FROM calls c LEFT JOIN recordings r ON r.call_id = c.id
            WHERE c.id > ? ORDER BY c.id LIMIT 1000
            """, [.text(id)]
        ) { row throws(ArchiveError) in (id: row.text(0), state: row.optionalText(1)) }
        for call in calls {
            if let selected, !selected.contains(call.id) { continue }
            let tellings = try tellings(of: call.id, connection)
            guard let first = tellings.first, let last = tellings.last, openings.contains(first.kind) else {
                audit.faults.append(.unopened(id: call.id))
                continue
            }
            // Without its recording's row a call is among the lost ones.
            guard let state = call.state else { continue }
            let told = tellings.compactMap(\.state).last?.rawValue
            if let told, told != state {
                audit.faults.append(.otherState(id: call.id, row: state, ledger: told))
            } else if let digest = last.digest {
                let found = try RowDigest.of(call.id, connection)
                if found.hex != digest { audit.faults.append(.differs(id: call.id)) }
            } else if tellings.contains(where: { $0.digest != nil }) {
                // Whoever writes digests goes on writing them.
                audit.faults.append(.differs(id: call.id))
            } else if RecordingState(rawValue: state)?.isFinal == true {
                audit.undigested += 1
            }
        }
        return (audit, calls.last?.id)
    }

    /// What the ledger says of a call's rows, in order. An entry that was rewritten need not be JSON any more.
    private static func tellings(
        of id: String, _ connection: SQLiteConnection
    ) throws(ArchiveError) -> [Telling] {
        try connection.rows(
            """
            SELECT kind, CASE WHEN json_valid(detail) THEN json_extract(detail, '$.\(RowDigest.member)') END,
            CASE WHEN json_valid(detail) THEN json_extract(detail, '$.cause') IS NOT NULL ELSE 0 END
            FROM ledger WHERE call_id = ? AND kind IN \(list(tellings)) ORDER BY seq
            """, [.text(id)]
        ) { row throws(ArchiveError) in
            Telling(kind: row.text(0), digest: row.optionalText(1), hasCause: row.integer(2) == 1)
        }
    }

    private static func list(_ kinds: [String]) -> String {
        "(" + kinds.map { "'\($0)'" }.joined(separator: ", ") + ")"
    }
}
