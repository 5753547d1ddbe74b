// One prepared statement, owned: bound, stepped, reset, finalized.

import CSQLite

/// A prepared statement. It belongs to the thread that has its connection.
final class SQLiteStatement {
    private let handle: OpaquePointer
    private let name: String

    init(_ sql: String, on connection: OpaquePointer) throws(ArchiveError) {
        var prepared: OpaquePointer?
        name = SQLiteStatement.name(of: sql)
        let code = sqlite3_prepare_v3(
            connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard code == SQLITE_OK, let prepared else {
            throw .sqlite(code: sqlite3_extended_errcode(connection), statement: name)
        }
        handle = prepared
    }

    deinit { sqlite3_finalize(handle) }

    /// Its first words, for errors: values are bound, never written into SQL, so they cannot stand here.
    static func name(of sql: String) -> String {
        sql.split(whereSeparator: \.isWhitespace).prefix(3).joined(separator: " ")
    }

    func bind(_ values: [SQLiteValue]) throws(ArchiveError) {
        for (offset, value) in values.enumerated() {
            let place = Int32(offset + 1)
            let code: Int32 =
                switch value {
                case .null: sqlite3_bind_null(handle, place)
                case .integer(let number): sqlite3_bind_int64(handle, place, number)
                case .text(let text):
                    sqlite3_bind_text(
                        handle, place, text, Int32(clamping: text.utf8.count), teeline_sqlite_transient())
                case .blob(let bytes):
                    sqlite3_bind_blob(
                        handle, place, bytes, Int32(clamping: bytes.count), teeline_sqlite_transient())
                }
            guard code == SQLITE_OK else { throw .sqlite(code: code, statement: name) }
        }
    }

    /// Steps once: true when a row stands ready.
    func step() throws(ArchiveError) -> Bool {
        let code = sqlite3_step(handle)
        switch code {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            throw .sqlite(code: sqlite3_extended_errcode(sqlite3_db_handle(handle)), statement: name)
        }
    }

    /// Makes it ready for its next use and forgets what was bound.
    func reset() {
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }

    /// SQLite's storage class of a column; the schema is STRICT and has no other ones.
    enum Kind { case null, integer, text, blob }

    /// How many columns its rows have.
    var columns: Int32 { sqlite3_column_count(handle) }
    func kind(_ column: Int32) -> Kind {
        switch sqlite3_column_type(handle, column) {
        case SQLITE_NULL: .null
        case SQLITE_INTEGER: .integer
        case SQLITE_BLOB: .blob
        default: .text
        }
    }
    /// A text's or a blob's bytes as they are stored.
    func bytes(_ column: Int32) -> [UInt8] {
        guard let start = sqlite3_column_blob(handle, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }
    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }
    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
    func optionalInteger(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }
    func text(_ column: Int32) -> String {
        guard let start = sqlite3_column_text(handle, column) else { return "" }
        let length = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: length), as: UTF8.self)
    }
    func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }
    func blob(_ column: Int32) -> [UInt8] { bytes(column) }
    func optionalBlob(_ column: Int32) -> [UInt8]? { isNull(column) ? nil : blob(column) }
}
