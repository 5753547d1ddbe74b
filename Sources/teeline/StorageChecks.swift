// The doctor's look at the archive's folder.

import Archive
import Glibc

/// Checks of a storage folder. They leave no trace in it.
struct StorageChecks {
    private let layout: StorageLayout

    init(storage: String) { layout = StorageLayout(root: storage) }

    func findings() -> [DoctorFinding] { [folder(), space(), holder(), catalog()] + recordings() }

    private func folder() -> DoctorFinding {
        for folder in [layout.root, layout.recordingsFolder, layout.tapesFolder] {
            if let finding = Self.obstacle(folder) { return finding }
        }
        var status = stat()
        guard stat(layout.root, &status) == 0 else {
            let parent = Self.nearestFolder(above: layout.root)
            guard Self.canMakeFolder(in: parent) else {
                return .fail(
                    "storage", "\(layout.root) is not there and cannot be made in \(parent)",
                    "make it and give it to the server's user: install -d -m 700 -o USER \(layout.root)")
            }
            return .ok("storage", "\(layout.root) is not there yet; serve makes it")
        }
        for folder in [layout.root, layout.recordingsFolder, layout.tapesFolder]
        where access(folder, F_OK) == 0 && access(folder, R_OK | W_OK | X_OK) != 0 {
            return .fail(
                "storage", "\(folder) cannot be written by this user",
                "run the server as the folder's owner, or chown -R USER \(layout.root)")
        }
        return .ok("storage", "\(layout.root) can be written")
    }

    /// What stands where a folder should be; nil for a folder and for nothing at all.
    private static func obstacle(_ path: String) -> DoctorFinding? {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT != S_IFDIR else { return nil }
            return .fail("storage", "\(path) is no folder", "name another with TEELINE_STORAGE")
        }
        let code = errno
        if lstat(path, &status) == 0 {
            return .fail(
                "storage", "\(path) is a symbolic link that leads nowhere",
                "mount the volume it points to, or remove the link")
        }
        if code == ENOENT { return nil }
        return .fail(
            "storage", "\(path) cannot be looked at: \(String(cString: strerror(code)))",
            "run doctor as the server's user, or name another folder with TEELINE_STORAGE")
    }

    /// Whether a folder can be made in `parent`: tried, for permissions alone do not tell (/proc lets nobody).
    private static func canMakeFolder(in parent: String) -> Bool {
        var template = Array("\(parent)/.teeline-doctor-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return false }
        return rmdir(template) == 0
    }

    private func space() -> DoctorFinding {
        let place = access(layout.root, F_OK) == 0 ? layout.root : Self.nearestFolder(above: layout.root)
        var status = statvfs()
        guard statvfs(place, &status) == 0 else {
            return .fail("disk", "its free space cannot be asked", "check that \(place) is mounted")
        }
        let (free, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(
            by: UInt64(status.f_frsize))
        let bytes = overflow ? Int64.max : Int64(clamping: free)
        // An hour of a call is 22 MB of MP3 at 48 kbit/s and, kept, 62 MB of tape.
        let text =
            "\(TextTable.size(bytes)) free, about \(bytes / 84_000_000) hours of calls with their tapes"
        let remedy = "free some, move the storage, or set recording.keep_originals to false"
        if bytes < 200 << 20 { return .fail("disk", text, remedy) }
        return bytes < 2 << 30 ? .warn("disk", text, remedy) : .ok("disk", text)
    }

    private func holder() -> DoctorFinding {
        switch StorageHolder.of(layout) {
        case .nobody: .ok("lock", "no server runs on this storage")
        case .process(let id): .ok("lock", "held by a running server\(id.map { ", process \($0)" } ?? "")")
        case .unknown(let code):
            .fail(
                "lock", "cannot be read: \(String(cString: strerror(code)))",
                "run doctor as the server's user")
        }
    }

    private func catalog() -> DoctorFinding {
        let catalog = Catalog(layout, readers: 1)
        defer { catalog.close() }
        do throws(ArchiveError) {
            let count = try catalog.count()
            let faults = try catalog.checkDatabase()
            guard faults.isEmpty else {
                return .fail(
                    "catalog", "SQLite finds it damaged: \(faults.count) faults",
                    "stop the server, restore archive.sqlite from a backup; the tapes hold what came later")
            }
            return .ok(
                "catalog",
                "\(count) calls, \(try catalog.unfinished().count) unfinished; SQLite finds no fault")
        } catch {
            guard error != .noArchive else { return .ok("catalog", "none yet; the first start makes it") }
            return .fail("catalog", "\(error)", CommandFailure.remedy(error) ?? "")
        }
    }

    /// Files and ledger, as far as can be seen without reading every file.
    private func recordings() -> [DoctorFinding] {
        let catalog = Catalog(layout, readers: 1)
        defer { catalog.close() }
        do throws(ArchiveError) {
            return Self.judged(try ArchiveAudit(catalog: catalog).run())
        } catch {
            // Without a catalog there is nothing to compare with, which was told already.
            guard error != .noArchive else { return [] }
            return [.fail("recordings", "\(error)", CommandFailure.remedy(error) ?? "")]
        }
    }

    /// What an audit means: at most three faults are named, `teeline verify` names all.
    static func judged(_ report: AuditReport) -> [DoctorFinding] {
        let faults = report.faults
        guard faults.isEmpty else {
            let named = faults.prefix(3).map { fault in
                let what = fault.path ?? fault.id.map { "recording \($0)" }
                return (what.map { $0 + ": " } ?? "") + fault.text
            }
            let more = faults.count > 3 ? "; and \(faults.count - 3) more" : ""
            return [
                .fail(
                    "recordings", named.joined(separator: "; ") + more,
                    "teeline verify names everything; restore from a backup what was altered or lost")
            ]
        }
        let text = "\(report.recordings) looked at: files there, lengths right, ledger unbroken"
        guard report.findings.isEmpty else {
            return [
                .warn("recordings", "\(text); \(report.findings.count) notes", "teeline verify names them")
            ]
        }
        return [.ok("recordings", "\(text) (teeline verify reads every byte)")]
    }

    /// The folder nearest above `path` that exists; a link that leads nowhere counts, for nothing can be made past it.
    static func nearestFolder(above path: String) -> String {
        var parts = path.split(separator: "/", omittingEmptySubsequences: true).dropLast()
        let isAbsolute = path.hasPrefix("/")
        while true {
            let folder = (isAbsolute ? "/" : "") + parts.joined(separator: "/")
            let place = folder.isEmpty ? "." : folder
            var status = stat()
            if parts.isEmpty || lstat(place, &status) == 0 { return place }
            parts = parts.dropLast()
        }
    }
}

/// Who has the lock of a storage.
enum StorageHolder: Hashable {
    case nobody
    case process(Int32?)
    case unknown(errno: Int32)

    /// Asks without taking the lock for longer than the question, and without writing to its file.
    static func of(_ layout: StorageLayout) -> StorageHolder {
        let descriptor = open(layout.lockPath, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno == ENOENT ? .nobody : .unknown(errno: errno) }
        defer { close(descriptor) }
        if flock(descriptor, LOCK_SH | LOCK_NB) == 0 { return .nobody }
        guard errno == EWOULDBLOCK else { return .unknown(errno: errno) }
        var text = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &text, text.count, 0)
        let digits = text.prefix(max(0, count)).prefix { $0 != 0x0A }
        return .process(Int32(String(decoding: digits, as: UTF8.self)))
    }
}
