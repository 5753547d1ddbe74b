// Somebody who holds the catalog's write lock: nothing gets to the disk meanwhile.

import Foundation

@testable import Archive

/// The write lock of a storage's catalog, held until `release`.
final class LockedCatalog {
    private let connection: SQLiteConnection

    init(folder: String) throws {
        connection = try SQLiteConnection(path: folder + "/archive.sqlite", access: .write)
        try connection.execute("BEGIN IMMEDIATE")
    }

    func release() throws { try connection.execute("ROLLBACK") }
}
