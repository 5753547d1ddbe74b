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
