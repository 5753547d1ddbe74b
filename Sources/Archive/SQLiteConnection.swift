// One connection to the catalog, with its statements and transactions.

import CSQLite
import Glibc
import Wire

/// A connection to SQLite.
final class SQLiteConnection: @unchecked Sendable {
    // One thread at a time: the writer's own, or the borrower's from the pool. SQLite is opened without a
    // mutex of its own for that reason.

    /// What a connection may do; `immutable` reads a file that nobody writes, without its index and its locks.
    enum Access: Sendable { case write, read, immutable }

    /// The most prepared statements kept; filters combine to many texts.
    private static let cacheLimit = 96

    private let handle: OpaquePointer
    private let busyMilliseconds: Int32
    /// Whether transactions are parts of one that is open.
    private var isGrouped = false
    private var statements: [String: SQLiteStatement] = [:]

    init(path: String, access: Access, busyMilliseconds: Int32 = 5000) throws(ArchiveError) {
        var opened: OpaquePointer?
        let flags =
            switch access {
            case .write: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
            case .read: SQLITE_OPEN_READONLY
            case .immutable: SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
            }
        let place = try Self.resolved(path)
        let code = sqlite3_open_v2(
            access == .immutable ? Self.immutableAddress(place) : place, &opened,
            flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW, nil)
        guard code == SQLITE_OK, let opened else {
            sqlite3_close_v2(opened)
            throw .sqlite(code: code, statement: "open")
        }
        handle = opened
        self.busyMilliseconds = busyMilliseconds
        sqlite3_busy_timeout(handle, busyMilliseconds)
        try execute("PRAGMA foreign_keys = ON")
        if access == .write {
            try execute("PRAGMA journal_mode = WAL")
            // A commit that was acknowledged survives a power cut; NORMAL loses up to the last checkpoint.
            try execute("PRAGMA synchronous = FULL")
            try execute("PRAGMA wal_autocheckpoint = 1000")
            try execute("PRAGMA journal_size_limit = 16777216")
        } else {
            try execute("PRAGMA query_only = ON")
        }
    }

    /// `path` with the links on the way to its folder followed: SQLITE_OPEN_NOFOLLOW refuses a link anywhere in a path,
    /// and a storage may well be one to a volume. The database itself must not be one.
    private static func resolved(_ path: String) throws(ArchiveError) -> String {
        guard let slash = path.lastIndex(of: "/") else { return path }
        let folder = slash == path.startIndex ? "/" : String(path[..<slash])
        guard let whole = realpath(folder, nil) else { throw .file(.open, errno: errno) }
        defer { free(whole) }
        return String(cString: whole) + path[slash...]
    }

    /// An absolute path as SQLite's address of a file that does not change (sqlite.org/uri.html).
    static func immutableAddress(_ path: String) -> String {
        "file:" + PercentCoding.encoded(path, keeping: 0x2F) + "?immutable=1"
    }

    deinit {
        statements.removeAll()
        sqlite3_close_v2(handle)
    }

    /// Runs `sql` for its effect.
    func execute(_ sql: String, _ values: [SQLiteValue] = []) throws(ArchiveError) {
        let statement = try prepared(sql)
        defer { statement.reset() }
        try statement.bind(values)
        while try statement.step() {}
    }

    /// Every row of `sql`, mapped.
    func rows<Row>(
        _ sql: String, _ values: [SQLiteValue] = [], _ map: (SQLiteStatement) throws(ArchiveError) -> Row
    ) throws(ArchiveError) -> [Row] {
        let statement = try prepared(sql)
        defer { statement.reset() }
        try statement.bind(values)
        var found: [Row] = []
        while try statement.step() { found.append(try map(statement)) }
        return found
    }

    /// The first row of `sql`, mapped, or nil.
    func first<Row>(
        _ sql: String, _ values: [SQLiteValue] = [], _ map: (SQLiteStatement) throws(ArchiveError) -> Row
    ) throws(ArchiveError) -> Row? {
        let statement = try prepared(sql)
        defer { statement.reset() }
        try statement.bind(values)
        return try statement.step() ? try map(statement) : nil
    }

    /// The integer in the first column of the first row, or 0.
    func integer(_ sql: String, _ values: [SQLiteValue] = []) throws(ArchiveError) -> Int64 {
        try first(sql, values) { row throws(ArchiveError) in row.integer(0) } ?? 0
    }

    /// Runs `body` as one transaction: all of it or nothing.
    func transaction<Answer>(_ body: () throws(ArchiveError) -> Answer) throws(ArchiveError) -> Answer {
        // IMMEDIATE: the write lock is taken now, not in the middle, where waiting cannot help.
        isGrouped ? try savepoint(body) : try committing("BEGIN IMMEDIATE", body)
    }

    /// Runs `body` between `begin` and a commit; rolls back what throws, the commit included.
    private func committing<Answer>(
        _ begin: String, _ body: () throws(ArchiveError) -> Answer
    ) throws(ArchiveError) -> Answer {
        try execute(begin)
        do throws(ArchiveError) {
            let answer = try body()
            try execute("COMMIT")
            return answer
        } catch {
            // Some errors (disk full, I/O) have rolled back already.
            if sqlite3_get_autocommit(handle) == 0 { try execute("ROLLBACK") }
            throw error
        }
    }

    /// Runs `body` as a part of the transaction that is open: all of it or nothing.
    private func savepoint<Answer>(_ body: () throws(ArchiveError) -> Answer) throws(ArchiveError) -> Answer {
        // After everything was rolled back a savepoint would be a transaction of its own, and its release a commit.
        guard sqlite3_get_autocommit(handle) == 0 else {
            throw .sqlite(code: SQLITE_ABORT, statement: "SAVEPOINT")
        }
        try execute("SAVEPOINT part")
        do throws(ArchiveError) {
            let answer = try body()
            try execute("RELEASE part")
            return answer
        } catch {
            if sqlite3_get_autocommit(handle) == 0 {
                try execute("ROLLBACK TO part")
                try execute("RELEASE part")
            }
            throw error
        }
    }

    /// Runs `body`, whose transactions become parts of one, and commits that. Each part is all or nothing by itself. Throws
    /// when nothing of it is committed.
    func group(_ body: () -> Void) throws(ArchiveError) {
        try committing("BEGIN IMMEDIATE") { () throws(ArchiveError) in
            isGrouped = true
            body()
            isGrouped = false
            // An error that has rolled everything back (disk full, I/O) has ended the transaction.
            guard sqlite3_get_autocommit(handle) == 0 else {
                throw .sqlite(code: SQLITE_ABORT, statement: "COMMIT")
            }
        }
    }

    /// Runs `body` on one state of the database, whatever others commit meanwhile.
    func snapshot<Answer>(_ body: () throws(ArchiveError) -> Answer) throws(ArchiveError) -> Answer {
        isGrouped ? try body() : try committing("BEGIN", body)
    }

    /// Runs `body` without waiting for others that hold the database: who has waited for them once does not again.
    func impatiently(_ body: () -> Void) {
        sqlite3_busy_timeout(handle, 0)
        body()
        sqlite3_busy_timeout(handle, busyMilliseconds)
    }

    /// Has `look` asked every so many of SQLite's steps, with `context`, whether to break off; nil: no more.
    func watch(
        everySteps steps: Int32, _ look: (@convention(c) (UnsafeMutableRawPointer?) -> Int32)?,
        _ context: UnsafeMutableRawPointer?
    ) {
        sqlite3_progress_handler(handle, steps, look, context)
    }

    /// How many rows the last statement changed.
    var changes: Int { Int(sqlite3_changes(handle)) }

    private func prepared(_ sql: String) throws(ArchiveError) -> SQLiteStatement {
        if let statement = statements[sql] { return statement }
        if statements.count >= Self.cacheLimit { statements.removeAll(keepingCapacity: true) }
        let statement = try SQLiteStatement(sql, on: handle)
        statements[sql] = statement
        return statement
    }
}
