// Another process's hold on the catalog, and rows changed behind the server's back.

import CSQLite

/// A connection of its own to a storage's catalog.
final class CatalogHold {
    struct Refusal: Error { var code: Int32 }

    private var handle: OpaquePointer?

    init(storage: String) throws {
        let code = sqlite3_open_v2(storage + "/archive.sqlite", &handle, SQLITE_OPEN_READWRITE, nil)
        guard code == SQLITE_OK else { throw Refusal(code: code) }
        sqlite3_busy_timeout(handle, 5_000)
    }

    deinit { sqlite3_close_v2(handle) }

    /// Runs `sql`.
    func run(_ sql: String) throws {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw Refusal(code: code) }
    }

    /// Nobody else writes from here on (sqlite.org/lang_transaction.html).
    func hold() throws { try run("BEGIN IMMEDIATE") }

    /// Others write again.
    func release() throws { try run("ROLLBACK") }
}
