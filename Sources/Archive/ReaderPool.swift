// Reading connections, lent to any thread.

import CSQLite
import Glibc

/// Read-only connections to one catalog. In WAL mode they neither wait for the writer nor make it wait.
final class ReaderPool: Sendable {
    private struct Shelf {
        var idle: [SQLiteConnection] = []
        var lent = 0
        var closed = false
    }

    private enum Loan { case connection(SQLiteConnection), make, closed }

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

    /// Lends a connection to `body`. Throws `readersBusy` when none gets free in time.
    func read<Answer>(
        _ body: (SQLiteConnection) throws(ArchiveError) -> Answer
    ) throws(ArchiveError) -> Answer {
        let loan: Loan? = shelf.wait(milliseconds: patience) { shelf in
            if shelf.closed { return .closed }
            if let connection = shelf.idle.popLast() {
                shelf.lent += 1
                return .connection(connection)
            }
            guard shelf.lent < limit else { return nil }
            shelf.lent += 1
            return .make
        }
        let connection: SQLiteConnection
        switch loan {
        case nil: throw .readersBusy
        case .closed: throw .closed
        case .connection(let idle): connection = idle
        case .make:
            do throws(ArchiveError) {
                connection = try Self.open(layout)
            } catch {
                shelf.change { $0.lent -= 1 }
                throw error
            }
        }
        defer {
            shelf.change { shelf in
                shelf.lent -= 1
                if !shelf.closed { shelf.idle.append(connection) }
            }
        }
        return try body(connection)
    }

    /// Closes what is idle now and what is lent when it comes back.
    func close() {
        shelf.change { shelf in
            shelf.closed = true
            shelf.idle.removeAll()
        }
    }

    /// A reading connection to the catalog at `layout`, its schema checked.
    private static func open(_ layout: StorageLayout) throws(ArchiveError) -> SQLiteConnection {
        guard access(layout.databasePath, R_OK) == 0 else { throw absence(errno: errno) }
        do throws(ArchiveError) {
            let connection = try SQLiteConnection(path: layout.databasePath, access: .read)
            try Schema.check(connection)
            return connection
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
