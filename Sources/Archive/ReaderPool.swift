// Reading connections, lent to any thread.

import CSQLite
import Glibc

/// Read-only connections to one catalog. In WAL mode they neither wait for the writer nor make it wait. A catalog that nobody
/// writes is read without a trace, in a folder that cannot be written, too (`CatalogRest`).
final class ReaderPool: Sendable {
    /// A connection, and the state its file was opened in when it is read as one that does not change.
    private struct Reader {
        var connection: SQLiteConnection
        var rest: CatalogRest?
    }

    private struct Shelf {
        var idle: [Reader] = []
        var lent = 0
        var closed = false
    }

    private enum Loan { case reader(Reader), make, closed }

    private let shelf = Guarded(Shelf())
    private let layout: StorageLayout
    private let limit: Int
    private let patience: Int64

    /// A pool of at most `limit` connections; a borrower waits `patience` milliseconds for one.
    init(layout: StorageLayout, limit: Int, patience: Int64 = 5000) {
        self.layout = layout
        self.limit = limit
        self.patience = patience
    }

    /// Lends a connection to `body`, which only reads and may be run twice: when somebody began to write a file that was read
    /// as one that does not change, what was read does not count. Throws `readersBusy` when none gets free in time.
    func read<Answer>(
        _ body: (SQLiteConnection) throws(ArchiveError) -> Answer
    ) throws(ArchiveError) -> Answer {
        let loan: Loan? = shelf.wait(milliseconds: patience) { shelf in
            if shelf.closed { return .closed }
            if let reader = shelf.idle.popLast() {
                shelf.lent += 1
                return .reader(reader)
            }
            guard shelf.lent < limit else { return nil }
            shelf.lent += 1
            return .make
        }
        var lent: Reader?
        switch loan {
        case nil: throw .readersBusy
        case .closed: throw .closed
        case .reader(let idle): lent = idle
        case .make: break
        }
        defer {
            shelf.change { shelf in
                shelf.lent -= 1
                if !shelf.closed, let lent { shelf.idle.append(lent) }
            }
        }
        if let rest = lent?.rest, CatalogRest.of(layout, asksLock: false) != rest { lent = nil }
        let reader: Reader
        if let lent { reader = lent } else { reader = try Self.open(layout, mayRest: true) }
        lent = reader
        guard let rest = reader.rest else { return try body(reader.connection) }
        let answer = Result { () throws(ArchiveError) in try body(reader.connection) }
        if CatalogRest.of(layout, asksLock: false) == rest { return try answer.get() }
        lent = nil
        let other = try Self.open(layout, mayRest: false)
        lent = other
        return try body(other.connection)
    }

    /// Closes what is idle now and what is lent when it comes back.
    func close() {
        shelf.change { shelf in
            shelf.closed = true
            shelf.idle.removeAll()
        }
    }

    /// A reading connection to the catalog at `layout`, its schema checked.
    private static func open(_ layout: StorageLayout, mayRest: Bool) throws(ArchiveError) -> Reader {
        guard access(layout.databasePath, R_OK) == 0 else { throw absence(errno: errno) }
        if mayRest, let rest = CatalogRest.of(layout, asksLock: true) {
            let opened = Result { () throws(ArchiveError) in
                let connection = try SQLiteConnection(path: layout.databasePath, access: .immutable)
                try Schema.check(connection)
                return connection
            }
            if CatalogRest.of(layout, asksLock: true) == rest {
                return Reader(connection: try opened.get(), rest: rest)
            }
        }
        do throws(ArchiveError) {
            let connection = try SQLiteConnection(path: layout.databasePath, access: .read)
            try Schema.check(connection)
            return Reader(connection: connection, rest: nil)
        } catch {
            throw explain(
                error, folderIsWritable: access(layout.root, W_OK) == 0,
                indexExists: access(layout.databasePath + "-shm", F_OK) == 0)
        }
    }

    /// Why a catalog cannot be opened that cannot be looked at: it is not there, or this user may not.
    static func absence(errno code: Int32) -> ArchiveError {
        code == ENOENT || code == ENOTDIR ? .noArchive : .file(.open, errno: code)
    }

    /// Reading a WAL database needs its index (`-shm`): a running server's, or one the reader can make itself
    /// (sqlite.org/wal.html#readonly). SQLite calls the lack of both "unable to open database file".
    static func explain(_ error: ArchiveError, folderIsWritable: Bool, indexExists: Bool) -> ArchiveError {
        guard case .sqlite(let code, _) = error, !folderIsWritable, !indexExists,
            [SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_PERM].contains(code & 0xff)
        else { return error }
        return .unreadableFolder
    }
}
