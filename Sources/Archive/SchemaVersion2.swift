// The second step of the catalog's schema: customers' contexts, passes, outbound calls, webhooks, conversations.

extension Schema {
    /// What version 1 lacks. Released steps are never changed. (NULL is named where it may stand: `json_valid(NULL)` is
    /// 0 in SQLite 3.40.)
    static let version2: [String] = [
        """
        CREATE TABLE contexts (
          phone TEXT NOT NULL PRIMARY KEY CHECK (length(phone) BETWEEN 1 AND 128),
          fields TEXT NOT NULL CHECK (json_valid(fields) AND json_type(fields) = 'object'
            AND length(CAST(fields AS BLOB)) <= 16384),
          updated_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
        // Times of passes are milliseconds of UTC, as the streams' signatures have them.
        """
        CREATE TABLE passes (
          digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
          carrier TEXT NOT NULL, carrier_call_id TEXT, plan TEXT NOT NULL CHECK (json_valid(plan)),
          issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, claimed_at INTEGER
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX passes_by_expiry ON passes (expires_at)",
        // No foreign key to calls: a dial may never become a call. The call of its stream has the same id.
        """
        CREATE TABLE dials (
          id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 26),
          carrier TEXT NOT NULL, carrier_call_id TEXT, called TEXT NOT NULL, caller TEXT,
          state TEXT NOT NULL CHECK (state IN ('requested', 'queued', 'ringing', 'answered', 'completed',
            'busy', 'no_answer', 'failed', 'canceled')),
          cause TEXT CHECK (length(cause) <= 64),
          requested_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, ended_at INTEGER
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX dials_by_carrier_call ON dials (carrier_call_id) WHERE carrier_call_id IS NOT NULL",
        """
        CREATE TABLE carrier_events (
          number INTEGER NOT NULL PRIMARY KEY, carrier TEXT NOT NULL, event_key TEXT NOT NULL,
          carrier_call_id TEXT, kind TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 64),
          occurred_at INTEGER, received_at INTEGER NOT NULL,
          detail TEXT NOT NULL CHECK (json_valid(detail) AND length(CAST(detail AS BLOB)) <= 65536),
          UNIQUE (carrier, event_key)
        ) STRICT
        """,
        """
        CREATE INDEX carrier_events_by_call ON carrier_events (carrier_call_id, number)
        WHERE carrier_call_id IS NOT NULL
        """,
        """
        CREATE TABLE conversations (
          conversation_id TEXT NOT NULL PRIMARY KEY CHECK (length(conversation_id) BETWEEN 1 AND 128),
          call_id TEXT REFERENCES calls (id), agent_id TEXT, status TEXT CHECK (length(status) <= 64),
          source TEXT NOT NULL CHECK (source IN ('webhook', 'fetch')), received_at INTEGER NOT NULL,
          event_timestamp INTEGER, successful TEXT CHECK (successful IN ('success', 'failure', 'unknown')),
          summary TEXT, title TEXT, cost INTEGER, duration_seconds INTEGER CHECK (duration_seconds >= 0),
          termination_reason TEXT, transcript TEXT CHECK (transcript IS NULL OR json_valid(transcript)
            AND json_type(transcript) = 'array'),
          analysis TEXT CHECK (analysis IS NULL OR json_valid(analysis) AND json_type(analysis) = 'object'),
          document TEXT CHECK (document IS NULL OR json_valid(document) AND length(CAST(document AS BLOB)) <= 4194304),
          has_audio INTEGER NOT NULL DEFAULT 0 CHECK (has_audio IN (0, 1)),
          audio_path TEXT, audio_bytes INTEGER CHECK (audio_bytes > 0),
          audio_sha256 BLOB CHECK (length(audio_sha256) = 32),
          CHECK ((audio_path IS NULL) = (audio_sha256 IS NULL) AND (audio_path IS NULL) = (audio_bytes IS NULL))
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX conversations_by_call ON conversations (call_id) WHERE call_id IS NOT NULL",
        """
        CREATE TRIGGER conversations_keep BEFORE UPDATE OF audio_path, audio_bytes, audio_sha256 ON conversations
        WHEN OLD.audio_sha256 IS NOT NULL
          AND (NEW.audio_sha256 IS NOT OLD.audio_sha256 OR NEW.audio_path IS NOT OLD.audio_path)
        BEGIN SELECT RAISE(ABORT, 'sealed audio is not exchanged'); END
        """,
        "CREATE INDEX calls_by_conversation ON calls (conversation_id) WHERE conversation_id IS NOT NULL",
        """
        ALTER TABLE recordings ADD COLUMN origin TEXT NOT NULL DEFAULT 'bridge'
        CHECK (origin IN ('bridge', 'voicemail', 'carrier'))
        """,
        "ALTER TABLE recordings ADD COLUMN provenance TEXT CHECK (provenance IS NULL OR json_valid(provenance))",
        "CREATE INDEX recordings_by_origin ON recordings (origin, started_at, call_id) WHERE origin <> 'bridge'",
        // A carrier's recording is adopted once, whatever id its call row was given.
        """
        CREATE UNIQUE INDEX recordings_adopted ON recordings
        (json_extract(provenance, '$.carrier'), json_extract(provenance, '$.recording_id'))
        WHERE origin = 'carrier'
        """,
    ]
}
