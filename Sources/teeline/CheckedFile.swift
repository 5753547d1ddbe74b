// Files that leave the archive: compared with the catalog, and written whole or not at all.

import Archive
import Foundation
import Glibc

/// Copies out of the archive.
enum CheckedFile {
    /// What writing came to.
    enum Outcome: Hashable {
        /// The file is new.
        case written
        /// It was there and holds the same.
        case unchanged
        /// It was there and holds something else; it is as it was.
        case differs
    }

    /// The MP3 of a recording, compared with its row.
    /// - Throws: `CommandFailure` when there is none, it cannot be read, or it is not what was sealed.
    static func audio(of recording: RecordingRow, in layout: StorageLayout) throws(CommandFailure) -> Data {
        guard let path = recording.path else {
            let cause = recording.cause.map { " (\($0))" } ?? ""
            throw CommandFailure(.notFound, "\(recording.callID) has no audio\(cause)")
        }
        let content: Data
        do {
            content = try Data(
                contentsOf: URL(fileURLWithPath: layout.absolute(path)), options: .alwaysMapped)
        } catch {
            throw CommandFailure(.storage, "\(layout.absolute(path)) cannot be read: see `teeline verify`")
        }
        guard Int64(content.count) == recording.bytes, Digest.sha256(Array(content)) == recording.sha256
        else {
            throw CommandFailure(
                .storage,
                "\(layout.absolute(path)) is not what was sealed: it was altered; restore it from a backup")
        }
        return content
    }

    /// Writes `content` to `path` by way of a temporary file beside it, flushed, and linked to its name: never
    /// over a file that is there.
    static func write(_ content: Data, to path: String) throws(CommandFailure) -> Outcome {
        if let outcome = try compare(content, with: path) { return outcome }
        let temporary = Self.temporary(beside: path)
        defer { unlink(temporary) }
        try writeWhole(content, to: temporary)
        if link(temporary, path) == 0 { return .written }
        let code = errno
        if code == EEXIST, let outcome = try compare(content, with: path) { return outcome }
        // File systems without hard links (FAT, some network shares): rename instead, the name was free just now.
        if code == EPERM || code == ENOTSUP || code == EOPNOTSUPP, rename(temporary, path) == 0 {
            return .written
        }
        throw CommandFailure(.failure, "\(path) cannot be written: \(String(cString: strerror(code)))")
    }

    /// Replaces `path` by `content`, whole or not at all.
    static func replace(_ path: String, with content: Data) throws(CommandFailure) {
        let temporary = Self.temporary(beside: path)
        defer { unlink(temporary) }
        try writeWhole(content, to: temporary)
        guard rename(temporary, path) == 0 else {
            throw CommandFailure(.failure, "\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    /// A name in the same folder that is short, however long that of `path` is: it may have all 255 bytes.
    private static func temporary(beside path: String) -> String {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        return folder + ".teeline-\(getpid()).part"
    }

    /// How `path` compares with `content`; nil when there is no such file.
    private static func compare(_ content: Data, with path: String) throws(CommandFailure) -> Outcome? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        do {
            return try Data(contentsOf: URL(fileURLWithPath: path)) == content ? .unchanged : .differs
        } catch {
            throw CommandFailure(.failure, "\(path) exists and cannot be read")
        }
    }

    private static func writeWhole(_ content: Data, to path: String) throws(CommandFailure) {
        func failure() -> CommandFailure {
            CommandFailure(.failure, "\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        // Mode 0600: it holds what was said.
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure() }
        defer { close(descriptor) }
        var done = 0
        while done < content.count {
            let count = content.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, content.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure() }
            done += count
        }
        guard fsync(descriptor) == 0 else { throw failure() }
    }
}
