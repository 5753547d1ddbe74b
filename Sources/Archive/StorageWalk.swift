// Every file under a folder of the storage.

import Glibc

/// Lists files without following links.
struct StorageWalk {
    let root: String

    /// Paths, relative to the root, of everything under `folder` that is not a folder; empty when it is not there.
    func files(under folder: String) throws(ArchiveError) -> [String] {
        var found: [String] = []
        var waiting = [folder]
        while let next = waiting.popLast() {
            for (name, isFolder) in try entries(root + "/" + next) {
                if isFolder { waiting.append(next + "/" + name) } else { found.append(next + "/" + name) }
            }
        }
        return found
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
