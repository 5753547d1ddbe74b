// Where everything lies in the storage folder, and that nothing lies outside it.

import Glibc

/// The places of an archive. Names are made of identifiers and dates only, never of what a peer sent.
public struct StorageLayout: Sendable, Hashable {
    /// The storage folder.
    public let root: String

    /// The layout of the storage at `root`.
    public init(root: String) {
        var trimmed = root
        while trimmed.utf8.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        self.root = trimmed
    }

    /// The catalog.
    public var databasePath: String { root + "/archive.sqlite" }
    /// The lock of the server that writes.
    public var lockPath: String { root + "/lock" }
    /// The folder of finished recordings.
    public var recordingsFolder: String { root + "/recordings" }
    /// The folder of tapes.
    public var tapesFolder: String { root + "/tapes" }

    /// A recording's final place relative to the storage: `recordings/YYYY/MM/DD/<id>.mp3` (or `.wav`), by the UTC
    /// date of its start. Throws `badValue` when `id` is not an identifier.
    public func recording(
        _ id: String, startedAt: Int64, format: RecordingFormat = .mp3
    ) throws(ArchiveError) -> String {
        guard CallID.isValid(id) else { throw .badValue(field: "id") }
        return Self.folder(ofDay: startedAt) + "/\(id).\(format.rawValue)"
    }

    /// Where a recording is written until it is sealed: beside its final place, so that the rename stays in one
    /// folder and is atomic.
    public func temporaryRecording(
        _ id: String, startedAt: Int64, format: RecordingFormat = .mp3
    ) throws(ArchiveError) -> String {
        try recording(id, startedAt: startedAt, format: format) + Self.temporarySuffix
    }

    /// Where ElevenLabs' own audio of a conversation lies: in the folder of `day` (microseconds UTC), under the call's
    /// identifier or else under the conversation's. Throws `badValue`.
    func conversationAudio(
        _ conversationID: String, callID: String?, day: Int64
    ) throws(ArchiveError) -> String {
        if let callID {
            guard CallID.isValid(callID) else { throw .badValue(field: "id") }
            return Self.folder(ofDay: day) + "/\(callID)\(Self.agentSuffix)"
        }
        // The identifier is a peer's: only what cannot leave the folder may be part of a name.
        guard ConversationRow.isIdentifier(conversationID) else { throw .badValue(field: "conversation_id") }
        return Self.folder(ofDay: day) + "/conversation-\(conversationID)\(Self.agentSuffix)"
    }

    private static func folder(ofDay instant: Int64) -> String {
        let (year, month, day) = ArchiveTime.date(instant)
        return "recordings/\(ArchiveTime.padded(Int64(year), 4))/\(ArchiveTime.padded(Int64(month), 2))/"
            + ArchiveTime.padded(Int64(day), 2)
    }

    /// What ends the name of ElevenLabs' own audio.
    static let agentSuffix = ".elevenlabs.mp3"

    /// What ends the name of a file that is not finished.
    static let temporarySuffix = ".part"

    /// A call's tape, relative to the storage.
    public func tape(_ id: String) throws(ArchiveError) -> String {
        guard CallID.isValid(id) else { throw .badValue(field: "id") }
        return "tapes/\(id).tape"
    }

    /// The place of a path relative to the storage.
    public func absolute(_ relative: String) -> String { root + "/" + relative }

    /// The identifier in the name of a recording, a temporary recording or a tape; nil for other names.
    static func identifier(inName name: String) -> String? {
        let id = String(name.prefix(26))
        var rest = name.dropFirst(26)
        if rest.hasSuffix(temporarySuffix) { rest = rest.dropLast(temporarySuffix.count) }
        guard CallID.isValid(id), [".mp3", ".wav", ".tape", agentSuffix].contains(String(rest)) else {
            return nil
        }
        return id
    }

    /// Makes the storage folder and its subfolders (mode 0700) where they lack, each new name flushed to the disk: what
    /// is written below a folder whose name is lost in a power cut is lost with it.
    public func prepare(files: any ArchiveFiles = POSIXFiles()) throws(ArchiveError) {
        for folder in [root, recordingsFolder, tapesFolder] where try Self.makeFolder(folder) {
            try files.synchronizeFolder(Self.parent(of: folder))
        }
    }

    private static func parent(of folder: String) -> String {
        guard let slash = folder.lastIndex(of: "/") else { return "." }
        return slash == folder.startIndex ? "/" : String(folder[..<slash])
    }

    /// Makes the folder of the relative path `path`, level by level, each name flushed to the disk: a file whose
    /// folder's name is lost in a power cut is lost with it.
    func prepareFolder(of path: String, files: any ArchiveFiles) throws(ArchiveError) {
        var folder = root
        for part in path.split(separator: "/").dropLast() {
            let parent = folder
            folder += "/" + part
            if try Self.makeFolder(folder) { try files.synchronizeFolder(parent) }
        }
    }

    /// Makes one folder, and those above it; false when it was there.
    @discardableResult
    private static func makeFolder(_ path: String) throws(ArchiveError) -> Bool {
        if mkdir(path, 0o700) == 0 { return true }
        var code = errno
        if code == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try makeFolder(String(path[..<slash]))
            // Once: where the folder above is there and nothing can be made in it (/proc), that stays so.
            if mkdir(path, 0o700) == 0 { return true }
            code = errno
        }
        guard code == EEXIST else { throw .file(.makeFolder, errno: code) }
        // A name that is taken need not be a folder's: it may be a file's, or a link's that leads nowhere.
        var status = stat()
        guard stat(path, &status) == 0 else { throw .file(.makeFolder, errno: errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw .file(.makeFolder, errno: ENOTDIR) }
        return false
    }
}
