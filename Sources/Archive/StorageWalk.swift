// Every file under a folder of the storage.

import Glibc

/// Lists files without following links.
struct StorageWalk {
    let root: String

    /// Paths, relative to the root, of everything under `folder` that is not a folder; empty when it is not there.
    func files(under folder: String) throws(ArchiveError) -> [String] {
        let (found, unread) = walk(under: folder)
        if let first = unread.first { throw .file(.list, errno: first.errno) }
        return found
    }

    /// The same of what can be read, and the folders that cannot be listed: one of them hides no other.
    func walk(under folder: String) -> (files: [String], unread: [(path: String, errno: Int32)]) {
        var found: [String] = []
        var unread: [(path: String, errno: Int32)] = []
        var waiting = [folder]
        while let next = waiting.popLast() {
            do throws(ArchiveError) {
                for (name, isFolder) in try entries(root + "/" + next) {
                    if isFolder { waiting.append(next + "/" + name) } else { found.append(next + "/" + name) }
                }
            } catch {
                if case .file(_, let errno) = error { unread.append((next, errno)) }
            }
        }
        return (found, unread)
    }

    private func entries(_ path: String) throws(ArchiveError) -> [(name: String, isFolder: Bool)] {
        guard let stream = opendir(path) else {
            if errno == ENOENT { return [] }
            throw .file(.list, errno: errno)
        }
        defer { closedir(stream) }
        var found: [(name: String, isFolder: Bool)] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name == "." || name == ".." { continue }
            var status = stat()
            guard lstat(path + "/" + name, &status) == 0 else {
                if errno == ENOENT { continue }
                throw .file(.list, errno: errno)
            }
            found.append((name, status.st_mode & S_IFMT == S_IFDIR))
        }
        return found
    }
}
