// Making the storage's folders where none can be made, and reading an archive that may not be read.

import Glibc
import Testing

@testable import Archive

@Suite struct StorageLayoutTests {
    private func prepare(_ path: String) throws(ArchiveError) { try StorageLayout(root: path).prepare() }

    @Test func aLinkThatLeadsNowhereIsAnErrorAndNotTheEnd() throws {
        let storage = try TemporaryStorage()
        let link = storage.layout.root + "/dangle"
        #expect(symlink(storage.layout.root + "/not-mounted", link) == 0)
        for path in [link, link + "/", link + "/sub", link + "/a/b/c"] {
            #expect(throws: ArchiveError.file(.makeFolder, errno: ENOENT)) { try prepare(path) }
        }
        // What it points to was not made behind anybody's back, and once it is there the link will do.
        #expect(mkdir(storage.layout.root + "/not-mounted", 0o700) == 0)
        try prepare(link + "/a/b/c")
        #expect(access(storage.layout.root + "/not-mounted/a/b/c/tapes", F_OK) == 0)
    }

    /// A storage may be a link to a volume; the catalog in it may not.
    @Test func aStorageBehindALinkIsOneLikeAnother() throws {
        let storage = try TemporaryStorage()
        #expect(mkdir(storage.layout.root + "/volume", 0o700) == 0)
        let link = storage.layout.root + "/link"
        #expect(symlink(storage.layout.root + "/volume", link) == 0)
        for path in [link, link + "/sub"] {
            let layout = StorageLayout(root: path)
            let archive = try CallArchive(layout)
            try archive.sealed(call(1))
            #expect(try archive.reconcile(checkHashes: true).findings.isEmpty)
            archive.close()
            #expect(try Catalog(layout).count() == 1)
        }
        let database = link + "/archive.sqlite"
        #expect(rename(database, link + "/elsewhere.sqlite") == 0)
        #expect(symlink(link + "/elsewhere.sqlite", database) == 0)
        #expect(throws: ArchiveError.self) { try Catalog(StorageLayout(root: link)).count() }
    }

    @Test func aFileThatCannotBeReadDoesNotEndTheWalk() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        defer { archive.close() }
        for number in 1...3 { try archive.sealed(call(number)) }
        let path = storage.layout.absolute(
            try storage.layout.recording(id(2), startedAt: TemporaryStorage.start))
        let dying = DyingDisk(path: path)
        var report = try Reconciliation(layout: storage.layout, catalog: archive.catalog, files: dying)
            .report(checkHashes: true)
        #expect(report.findings == [.unreadable(id: id(2))])
        #expect(report.rows == 3)
        // What is there and no file: a folder, or a link even to the right bytes.
        #expect(rename(path, storage.layout.root + "/elsewhere.mp3") == 0)
        #expect(symlink(storage.layout.root + "/elsewhere.mp3", path) == 0)
        for isDeep in [false, true] {
            report = try archive.reconcile(checkHashes: isDeep)
            #expect(report.findings == [.unreadable(id: id(2))])
        }
    }

    @Test func aLinkInALoopIsAnError() throws {
        let storage = try TemporaryStorage()
        let link = storage.layout.root + "/loop"
        #expect(symlink(link, link) == 0)
        #expect(throws: ArchiveError.file(.makeFolder, errno: ELOOP)) { try prepare(link) }
    }

    /// The kernel lets nobody make a folder in /proc, and says so with ENOENT.
    @Test func aFileSystemWithoutFoldersIsAnError() {
        #expect(throws: ArchiveError.file(.makeFolder, errno: ENOENT)) {
            try prepare("/proc/teeline-test")
        }
    }

    @Test func aFileInThePlaceOfAFolderIsAnError() throws {
        let storage = try TemporaryStorage()
        let path = storage.layout.root + "/file"
        try write([1], to: path)
        #expect(throws: ArchiveError.file(.makeFolder, errno: ENOTDIR)) { try prepare(path) }
        #expect(throws: ArchiveError.file(.makeFolder, errno: ENOTDIR)) { try prepare(path + "/sub") }
    }

    @Test(arguments: [(ENOENT, true), (ENOTDIR, true), (EACCES, false), (EIO, false), (ELOOP, false)])
    func onlyWhatIsNotThereIsNoArchive(code: Int32, isNone: Bool) {
        let error = ReaderPool.absence(errno: code)
        #expect(error == (isNone ? .noArchive : .file(.open, errno: code)))
    }
}

/// A disk that cannot read one file any more.
private struct DyingDisk: ArchiveFiles {
    private let real = POSIXFiles()
    let path: String

    init(path: String) { self.path = path }

    func length(_ path: String) throws(ArchiveError) -> Int64? { try real.length(path) }
    func open(_ path: String) throws(ArchiveError) -> Int32 {
        if path == self.path { throw .file(.open, errno: EIO) }
        return try real.open(path)
    }
    func digest(_ descriptor: Int32) throws(ArchiveError) -> Digest { try real.digest(descriptor) }
    func synchronize(_ descriptor: Int32) throws(ArchiveError) { try real.synchronize(descriptor) }
    func close(_ descriptor: Int32) throws(ArchiveError) { try real.close(descriptor) }
    func rename(_ path: String, to target: String) throws(ArchiveError) { try real.rename(path, to: target) }
    func synchronizeFolder(_ path: String) throws(ArchiveError) { try real.synchronizeFolder(path) }
    func protect(_ path: String) throws(ArchiveError) { try real.protect(path) }
    func remove(_ path: String) throws(ArchiveError) { try real.remove(path) }
}
