// Catalog against ledger: a row that was rewritten with its file still has its first seal in the ledger.

/// What is wrong between a recording's row and the ledger's entry of its sealing.
public enum SealFault: Sendable, Hashable {
    /// The row says sealed, and no entry of the ledger does.
    case unledgered(id: String)
    /// Path or SHA-256 of the row are not those of the entry.
    case differs(id: String)
    /// The ledger has the sealing of a recording that the catalog does not have any more.
    case lostRow(id: String)
}

extension Catalog {
    /// What the entries of a sealing are called. A recording has one of them, once.
    private static let sealings = "('recording.sealed', 'recording.recovered', 'recording.adopted')"

    /// Compares the row of every sealed file with the ledger; empty when nothing is wrong. That the ledger itself is
    /// whole is `verifyLedger`'s to say.
    public func verifySeals() throws(ArchiveError) -> [SealFault] {
        try read { connection throws(ArchiveError) in
            try connection.snapshot { () throws(ArchiveError) in
                // An entry that was rewritten need not be JSON any more.
                let entries = try connection.rows(
                    """
                    WITH entries AS (
                      SELECT seq, call_id, CASE WHEN json_valid(detail) THEN detail ELSE '{}' END AS detail
                      FROM ledger WHERE kind IN \(Self.sealings))
                    SELECT e.call_id, r.call_id IS NULL FROM entries e LEFT JOIN recordings r ON r.call_id = e.call_id
                    WHERE r.call_id IS NULL OR lower(hex(r.sha256)) IS NOT json_extract(e.detail, '$.sha256')
                    OR r.path IS NOT json_extract(e.detail, '$.path') ORDER BY e.seq
                    """
                ) { row throws(ArchiveError) -> SealFault in
                    row.integer(1) == 1 ? .lostRow(id: row.text(0)) : .differs(id: row.text(0))
                }
                let rows = try connection.rows(
                    """
                    SELECT r.call_id FROM recordings r WHERE r.sha256 IS NOT NULL AND NOT EXISTS (
                      SELECT 1 FROM ledger l WHERE l.call_id = r.call_id AND l.kind IN \(Self.sealings))
                    ORDER BY r.call_id
                    """
                ) { row throws(ArchiveError) -> SealFault in .unledgered(id: row.text(0)) }
                return entries + rows
            }
        }
    }
}
