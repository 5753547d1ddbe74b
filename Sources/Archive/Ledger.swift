// The trace of every change: append-only, each entry sealed onto the one before it.

import CSQLite

/// One entry of the ledger.
public struct LedgerEntry: Sendable, Hashable {
    /// Its number, from 1, without holes.
    public var sequence: Int64
    /// When (microseconds UTC).
    public var at: Int64
    /// What: "call.opened", "recording.sealed" …
    public var kind: String
    /// The call it is about.
    public var callID: String?
    /// More about it, as one JSON object; nothing personal.
    public var detail: String
    /// The hash of the entry before it; 32 zero bytes for the first.
    public var previous: Digest
    /// Its own hash.
    public var hash: Digest
}

/// How long the ledger is and where it ends. Published elsewhere, it makes rewriting the ledger show.
public struct LedgerHead: Sendable, Hashable {
    /// How many entries.
    public var entries: Int64
    /// The last entry's hash; 32 zero bytes when there is none.
    public var hash: Digest

    /// A head made of its parts.
    public init(entries: Int64, hash: Digest) {
        self.entries = entries
        self.hash = hash
    }
}

/// What is wrong with a ledger.
public enum LedgerFault: Sendable, Hashable {
    /// The entry's content does not give its hash.
    case changed(sequence: Int64)
    /// The entry does not follow on the one before it.
    case unlinked(sequence: Int64)
    /// Entries lack before this one.
    case hole(before: Int64)
    /// The end lacks: fewer entries than the head says.
    case cut(expected: Int64, found: Int64)
    /// More entries than the head says.
    case longer(expected: Int64, found: Int64)
    /// The head's hash is not that of the entry it names.
    case otherHead
}

/// The ledger's rules.
enum Ledger {
    static let zero = Digest(zeros: ())

    /// SHA-256 over a tag, the previous hash, the number, the time and the length-prefixed texts, so that no two
    /// entries have the same bytes under it.
    static func hash(
        previous: Digest, sequence: Int64, at: Int64, kind: String, callID: String?, detail: String
    ) -> Digest {
        var bytes = Array("teeline ledger 1\n".utf8) + previous.bytes
        for number in [sequence, at] { bytes += bigEndian(UInt64(bitPattern: number)) }
        for text in [kind, callID ?? "", detail] {
            bytes += bigEndian(UInt64(text.utf8.count)) + Array(text.utf8)
        }
        return .sha256(bytes)
    }

    private static func bigEndian(_ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) }
    }

    /// Appends an entry; belongs into the transaction of the change it tells of.
    static func append(
        _ connection: SQLiteConnection, at: Int64, kind: String, callID: String?, detail: String
    ) throws(ArchiveError) {
        let head = try head(connection)
        let sequence = head.entries + 1
        let hash = hash(
            previous: head.hash, sequence: sequence, at: at, kind: kind, callID: callID, detail: detail)
        try connection.execute(
            "INSERT INTO ledger (seq, at, kind, call_id, detail, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                .integer(sequence), .integer(at), .text(kind), SQLiteValue(callID), .text(detail),
                .blob(head.hash.bytes), .blob(hash.bytes),
            ])
        try connection.execute(
            """
            INSERT INTO ledger_head (id, entries, hash) VALUES (1, ?1, ?2)
            ON CONFLICT (id) DO UPDATE SET entries = ?1, hash = ?2
            """, [.integer(sequence), .blob(hash.bytes)])
    }

    static func head(_ connection: SQLiteConnection) throws(ArchiveError) -> LedgerHead {
        try connection.first("SELECT entries, hash FROM ledger_head") { row throws(ArchiveError) in
            LedgerHead(entries: row.integer(0), hash: Digest(bytes: row.blob(1)) ?? zero)
        } ?? LedgerHead(entries: 0, hash: zero)
    }

    static func entries(
        _ connection: SQLiteConnection, after sequence: Int64, limit: Int
    ) throws(ArchiveError) -> [LedgerEntry] {
        try connection.rows(
            "SELECT seq, at, kind, call_id, detail, previous, hash FROM ledger WHERE seq > ? ORDER BY seq LIMIT ?",
            [.integer(sequence), .integer(Int64(limit))]
        ) { row throws(ArchiveError) in
            LedgerEntry(
                sequence: row.integer(0), at: row.integer(1), kind: row.text(2), callID: row.optionalText(3),
                detail: row.text(4), previous: Digest(bytes: row.blob(5)) ?? zero,
                hash: Digest(bytes: row.blob(6)) ?? zero)
        }
    }

    /// Walks the whole ledger. `published` is a head somebody kept elsewhere: what it covers must still be so.
    static func verify(
        _ connection: SQLiteConnection, published: LedgerHead?
    ) throws(ArchiveError) -> [LedgerFault] {
        try connection.snapshot { () throws(ArchiveError) in
            var faults: [LedgerFault] = []
            var last: (sequence: Int64, hash: Digest) = (0, zero)
            var count: Int64 = 0
            var publishedHash: Digest? = published?.entries == 0 ? zero : nil
            while true {
                let batch = try entries(connection, after: last.sequence, limit: 1000)
                if batch.isEmpty { break }
                for entry in batch {
                    if entry.sequence != last.sequence + 1 { faults.append(.hole(before: entry.sequence)) }
                    if entry.previous != last.hash { faults.append(.unlinked(sequence: entry.sequence)) }
                    let expected = hash(
                        previous: entry.previous, sequence: entry.sequence, at: entry.at, kind: entry.kind,
                        callID: entry.callID, detail: entry.detail)
                    if expected != entry.hash { faults.append(.changed(sequence: entry.sequence)) }
                    if entry.sequence == published?.entries { publishedHash = entry.hash }
                    last = (entry.sequence, entry.hash)
                    count += 1
                }
            }
            let head = try head(connection)
            if last.sequence < head.entries {
                faults.append(.cut(expected: head.entries, found: count))
            } else if last.sequence > head.entries {
                faults.append(.longer(expected: head.entries, found: count))
            } else if head.hash != last.hash {
                faults.append(.otherHead)
            }
            if let published {
                if published.entries > last.sequence {
                    faults.append(.cut(expected: published.entries, found: count))
                } else if publishedHash != published.hash {
                    faults.append(.otherHead)
                }
            }
            return faults
        }
    }
}
