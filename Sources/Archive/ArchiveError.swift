// What can go wrong in the archive, as values without any stored content.

import CSQLite
import Glibc

/// A step on files, as errors name it.
public enum FileStep: String, Sendable, Hashable, CaseIterable {
    /// Making a folder of the storage.
    case makeFolder = "make a folder"
    /// Opening a file.
    case open = "open a file"
    /// Reading a file's length.
    case measure = "measure a file"
    /// Reading a file.
    case read = "read a file"
    /// Writing a file.
    case write = "write a file"
    /// Flushing a file to the disk (fsync).
    case synchronize = "flush a file to the disk"
    /// Closing a file.
    case close = "close a file"
    /// Renaming a file to its final name.
    case rename = "rename a file"
    /// Flushing a folder to the disk (fsync), so that a name survives a power cut.
    case synchronizeFolder = "flush a folder to the disk"
    /// Making a file read-only.
    case protect = "make a file read-only"
    /// Removing a file.
    case remove = "remove a file"
    /// Listing a folder.
    case list = "list a folder"
    /// Taking the lock of the storage.
    case lock = "lock the storage"
}

/// An error of the archive. Neither its cases nor its description hold a bound value, a name of a file or
/// anything said in a call.
public enum ArchiveError: Error, Sendable, Hashable {
    /// SQLite refused: the extended result code (sqlite.org/rescode.html) and the first words of the statement.
    case sqlite(code: Int32, statement: String)
    /// The database is of a later version of this program.
    case newerDatabase(found: Int, known: Int)
    /// The file is an SQLite database, but not an archive of this program.
    case foreignDatabase
    /// There is no archive at this place.
    case noArchive
    /// Changes wait beside the database (its log), so that it can only be read when its folder is writable or a server runs
    /// on it (WAL index).
    case unreadableFolder
    /// Another process holds the storage.
    case storageLocked(process: Int32?)
    /// A step on a file failed with this `errno`.
    case file(FileStep, errno: Int32)
    /// A temporary file has not the length its writer says.
    case wrongLength(expected: Int64, found: Int64)
    /// The call is sealed already, with another file or other facts.
    case differentSeal
    /// No such call.
    case unknownCall
    /// The recording is in a state in which this is not done.
    case wrongState(RecordingState)
    /// There is no file to seal.
    case noFile
    /// No such pass, or it has expired.
    case unknownPass
    /// The pass was shown already.
    case claimedPass
    /// No such outbound call.
    case unknownDial
    /// The recording is not one that a carrier made.
    case wrongOrigin
    /// The recording has a transcript already, another one.
    case differentTranscript
    /// A value is out of its bounds; the name of its field.
    case badValue(field: String)
    /// A cursor that this program has not issued.
    case badCursor
    /// The writer's queue is full; nothing was done.
    case queueFull
    /// No reading connection became free in time.
    case readersBusy
    /// The question was given up: it took longer than it may.
    case tooSlow
    /// The archive is closed.
    case closed
    /// A thread or a key of the system could not be made.
    case noThread(errno: Int32)
}

extension ArchiveError: CustomStringConvertible {
    /// The error in words, without any stored content.
    public var description: String {
        switch self {
        case .sqlite(let code, let statement):
            "catalog: \(String(cString: sqlite3_errstr(code))) (\(statement))"
        case .newerDatabase(let found, let known):
            "catalog: its schema is version \(found), this program knows up to \(known); use the newer program"
        case .foreignDatabase: "catalog: the file is a database of another program"
        case .noArchive: "there is no archive at this place"
        case .unreadableFolder:
            "catalog: its log archive.sqlite-wal holds changes, no server runs on this storage and its folder is not writable; reading the log needs either"
        case .storageLocked(let process):
            if let process {
                "the storage is in use by another server (process \(process))"
            } else {
                "the storage is in use by another server"
            }
        case .file(let step, let errno): "cannot \(step.rawValue): \(String(cString: strerror(errno)))"
        case .wrongLength: "the temporary file has not the length its writer says"
        case .differentSeal: "the call is sealed already, and differently"
        case .unknownCall: "no such call"
        case .wrongState(let state): "not done while the recording is \(state.rawValue)"
        case .noFile: "there is no file to seal"
        case .unknownPass: "no such pass, or it has expired"
        case .claimedPass: "the pass was shown already"
        case .unknownDial: "no such outbound call"
        case .wrongOrigin: "the recording is not one that a carrier made"
        case .differentTranscript: "the recording has another transcript already"
        case .badValue(let field): "a value out of bounds: \(field)"
        case .badCursor: "not a cursor of this archive"
        case .queueFull: "the catalog's queue is full"
        case .readersBusy: "no reading connection became free in time"
        case .tooSlow: "the question took longer than it may"
        case .closed: "the archive is closed"
        case .noThread: "cannot make a thread"
        }
    }

    /// Whether the same change may succeed later: somebody holds the catalog, the queue is full, the disk is full or fails
    /// (sqlite.org/rescode.html: SQLITE_BUSY, LOCKED, FULL, IOERR, CANTOPEN; ABORT follows a roll-back by one of them).
    public var mayPass: Bool {
        switch self {
        case .sqlite(let code, _):
            [SQLITE_BUSY, SQLITE_LOCKED, SQLITE_FULL, SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_ABORT]
                .contains(code & 0xff)
        case .queueFull: true
        default: false
        }
    }

    /// Whether it is the disk under the catalog that fails: no room, or an error of reading and writing.
    public var isDiskTrouble: Bool {
        switch self {
        case .sqlite(let code, _): [SQLITE_FULL, SQLITE_IOERR, SQLITE_CANTOPEN].contains(code & 0xff)
        case .file: true
        default: false
        }
    }

    /// Whether the disk is full or over its quota.
    public var isDiskFull: Bool {
        switch self {
        case .sqlite(let code, _): code & 0xff == SQLITE_FULL
        case .file(_, let errno): errno == ENOSPC || errno == EDQUOT
        default: false
        }
    }
}
