// The catalog's schema, as numbered steps from an empty file to the present.

/// A numbered step of the schema.
struct Migration: Sendable {
    /// The version after it (PRAGMA user_version).
    let number: Int
    /// Its statements, run in one transaction.
    let statements: [String]
}

/// The catalog's schema.
enum Schema {
    /// "Teel" as PRAGMA application_id: tells an archive from any other database.
    static let applicationID: Int64 = 0x5465_656c

    /// Every step, in order. A step that was released is never changed: a new one is added.
    static let migrations: [Migration] = [
        Migration(number: 1, statements: version1), Migration(number: 2, statements: version2),
        Migration(number: 3, statements: version3),
    ]

    /// The version of this program's schema.
    static var current: Int { migrations.last?.number ?? 0 }

    /// The oldest version that has every table and column that is read; later ones added indexes only. So a copy of an archive
    /// that was never opened by this version of the server can be read.
    static let oldestReadable = 2

    /// Brings the database behind `connection` up to date. Throws `newerDatabase`, `foreignDatabase`.
    static func migrate(
        _ connection: SQLiteConnection, with migrations: [Migration] = migrations
    ) throws(ArchiveError) {
        let known = migrations.last?.number ?? 0
        let found = Int(try connection.integer("PRAGMA user_version"))
        if found > known { throw .newerDatabase(found: found, known: known) }
        try identify(connection, version: found, mayBeEmpty: true)
        for migration in migrations where migration.number > found {
            try connection.transaction { () throws(ArchiveError) in
                for statement in migration.statements { try connection.execute(statement) }
                // Pragmas take no bound values; these are numbers of our own.
                try connection.execute("PRAGMA application_id = \(applicationID)")
                try connection.execute("PRAGMA user_version = \(migration.number)")
            }
        }
    }

    /// Checks that a reader understands the database.
    static func check(_ connection: SQLiteConnection) throws(ArchiveError) {
        let found = Int(try connection.integer("PRAGMA user_version"))
        if found > current { throw .newerDatabase(found: found, known: current) }
        try identify(connection, version: found, mayBeEmpty: false)
        // An older schema is brought up to date by the server, the only one that writes.
        if found < oldestReadable { throw .noArchive }
    }

    private static func identify(
        _ connection: SQLiteConnection, version: Int, mayBeEmpty: Bool
    ) throws(ArchiveError) {
        let application = try connection.integer("PRAGMA application_id")
        if application == applicationID { return }
        guard application == 0, version == 0 else { throw .foreignDatabase }
        guard try connection.integer("SELECT count(*) FROM sqlite_schema") == 0 else {
            throw .foreignDatabase
        }
        if !mayBeEmpty { throw .noArchive }
    }

    /// Lists of calls by why they ended, newest first; SQLite has no index of it without.
    private static let version3: [String] = [
        "CREATE INDEX calls_by_end_why ON calls (end_why, started_at, id)"
    ]

    private static let version1: [String] = [
        """
        CREATE TABLE calls (
          id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 26),
          carrier TEXT NOT NULL, carrier_call_id TEXT NOT NULL, stream_id TEXT, account_id TEXT,
          caller TEXT, called TEXT, agent_id TEXT, conversation_id TEXT,
          started_at INTEGER NOT NULL, ended_at INTEGER,
          duration_samples INTEGER NOT NULL DEFAULT 0 CHECK (duration_samples >= 0),
          rate INTEGER NOT NULL CHECK (rate > 0),
          end_who TEXT CHECK (end_who IN ('carrier', 'caller', 'agent', 'server', 'network')),
          end_why TEXT CHECK (length(end_why) <= 64),
          parameters TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(parameters))
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX calls_by_time ON calls (started_at, id)",
        "CREATE INDEX calls_by_carrier ON calls (carrier, started_at, id)",
        "CREATE INDEX calls_by_caller ON calls (caller, started_at, id)",
        "CREATE INDEX calls_by_called ON calls (called, started_at, id)",
        "CREATE INDEX calls_by_agent ON calls (agent_id, started_at, id)",
        "CREATE INDEX calls_by_end ON calls (end_who, started_at, id)",
        "CREATE INDEX calls_by_carrier_call ON calls (carrier_call_id)",
        """
        CREATE TABLE recordings (
          call_id TEXT NOT NULL PRIMARY KEY REFERENCES calls (id),
          started_at INTEGER NOT NULL,
          state TEXT NOT NULL CHECK (state IN ('recording', 'rendering', 'sealed', 'recovered', 'failed')),
          cause TEXT CHECK (length(cause) <= 200),
          path TEXT, bytes INTEGER CHECK (bytes > 0), sha256 BLOB CHECK (length(sha256) = 32),
          samples INTEGER CHECK (samples >= 0), rate INTEGER CHECK (rate > 0),
          channels TEXT CHECK (channels IN ('dual', 'mixed')), bitrate INTEGER, quality INTEGER,
          sealed_at INTEGER, missing TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(missing)),
          CHECK ((path IS NULL) = (sha256 IS NULL) AND (path IS NULL) = (bytes IS NULL))
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX recordings_by_state ON recordings (state, started_at, call_id)",
        // The bytes of a sealed recording are never exchanged, by no statement.
        """
        CREATE TRIGGER recordings_keep BEFORE UPDATE OF path, bytes, sha256 ON recordings
        WHEN OLD.sha256 IS NOT NULL AND (NEW.sha256 IS NOT OLD.sha256 OR NEW.path IS NOT OLD.path)
        BEGIN SELECT RAISE(ABORT, 'a sealed recording is not exchanged'); END
        """,
        """
        CREATE TABLE turns (
          call_id TEXT NOT NULL REFERENCES calls (id), number INTEGER NOT NULL,
          role TEXT NOT NULL CHECK (role IN ('caller', 'agent')), text TEXT NOT NULL,
          heard_text TEXT, corrected_text TEXT, start_samples INTEGER NOT NULL, end_samples INTEGER,
          generated_ms INTEGER, sent_ms INTEGER, heard_ms INTEGER, event_id INTEGER,
          interrupted INTEGER NOT NULL CHECK (interrupted IN (0, 1)),
          PRIMARY KEY (call_id, number)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE events (
          call_id TEXT NOT NULL REFERENCES calls (id), number INTEGER NOT NULL, kind TEXT NOT NULL,
          position INTEGER NOT NULL, length INTEGER NOT NULL,
          detail TEXT NOT NULL CHECK (json_valid(detail)),
          PRIMARY KEY (call_id, number)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE metrics (
          call_id TEXT NOT NULL PRIMARY KEY REFERENCES calls (id), setup_ms INTEGER, first_audio_ms INTEGER,
          frames_received INTEGER NOT NULL, frames_late INTEGER NOT NULL, frames_lost INTEGER NOT NULL,
          frames_duplicate INTEGER NOT NULL, frames_sent INTEGER NOT NULL, bytes_in INTEGER NOT NULL,
          bytes_out INTEGER NOT NULL, interruptions INTEGER NOT NULL, unknown_events INTEGER NOT NULL,
          more TEXT NOT NULL CHECK (json_valid(more))
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE ledger (
          seq INTEGER NOT NULL PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, call_id TEXT,
          detail TEXT NOT NULL, previous BLOB NOT NULL CHECK (length(previous) = 32),
          hash BLOB NOT NULL CHECK (length(hash) = 32)
        ) STRICT
        """,
        "CREATE INDEX ledger_by_call ON ledger (call_id, seq)",
        """
        CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
        """,
        """
        CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
        """,
        // How long the ledger is and where it ends, kept apart so that a cut tail shows.
        """
        CREATE TABLE ledger_head (
          id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), entries INTEGER NOT NULL,
          hash BLOB NOT NULL CHECK (length(hash) = 32)
        ) STRICT
        """,
    ]
}
