// A storage in a temporary folder, calls to put in it, and a disk that fails.

import Glibc

@testable import Archive

/// A storage folder that goes with the test.
final class TemporaryStorage: Sendable {
    let layout: StorageLayout

    init() throws {
        var template = Array("/tmp/archive-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ArchiveError.file(.makeFolder, errno: errno) }
        layout = StorageLayout(
            root: String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }

    deinit { Self.removeTree(layout.root) }

    func open(
        files: any ArchiveFiles = POSIXFiles(), settings: ArchiveSettings = ArchiveSettings()
    ) throws -> CallArchive {
        try CallArchive(layout, settings: settings, files: files, clock: { Self.start + 60_000_000 })
    }

    /// 2026-11-21T10:02:42Z.
    static let start: Int64 = 1_795_255_362_000_000

    static func removeTree(_ path: String) {
        if let stream = opendir(path) {
            while let entry = readdir(stream) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != ".", name != ".." { removeTree(path + "/" + name) }
            }
            closedir(stream)
            rmdir(path)
        } else {
            unlink(path)
        }
    }

    func exists(_ relative: String) -> Bool { access(layout.absolute(relative), F_OK) == 0 }

    /// Everything under recordings and tapes.
    func allFiles() throws -> [String] {
        let walk = StorageWalk(root: layout.root)
        return try (walk.files(under: "recordings") + walk.files(under: "tapes")).sorted()
    }
}

/// Writes a whole file.
func write(_ bytes: [UInt8], to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard descriptor >= 0 else { throw ArchiveError.file(.open, errno: errno) }
    defer { close(descriptor) }
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
        throw ArchiveError.file(.open, errno: errno)
    }
}

/// Reads a whole small file.
func read(_ path: String) -> [UInt8] {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    return Array(bytes[..<max(0, Glibc.read(descriptor, &bytes, bytes.count))])
}

/// The identifier of the `number`th call of a test.
func id(_ number: Int, at: Int64 = TemporaryStorage.start) -> String {
    CallID.make(milliseconds: at / 1000, high: 0, low: UInt64(number))
}

func call(
    _ number: Int, startedAt: Int64 = TemporaryStorage.start, carrier: String = "twilio",
    caller: String? = nil,
    called: String? = nil, agent: String? = nil
) -> CallRow {
    CallRow(
        id: id(number), carrier: carrier, carrierCallID: "CA\(number)", streamID: "MZ\(number)",
        accountID: "AC1", caller: caller, called: called, agentID: agent, startedAt: startedAt)
}

func ending(_ who: EndParty = .caller, _ why: String = "hangup") -> CallEnding {
    CallEnding(endedAt: TemporaryStorage.start + 5_000_000, durationSamples: 40000, who: who, why: why)
}

func request(_ bytes: [UInt8], recovery: String? = nil) -> SealRequest {
    SealRequest(
        file: SealedFile(
            bytes: Int64(bytes.count), samples: 40000, rate: 8000, channels: .dual, bitrate: 48_000,
            quality: 5),
        recoveryCause: recovery,
        missing: recovery.map { [MissingInterval(start: 8000, length: 1600, cause: $0)] } ?? [],
        ending: ending(),
        turns: [
            TurnRow(role: .agent, text: "Good morning", startSamples: 0, endSamples: 12000, eventID: 1),
            TurnRow(
                role: .caller, text: "Hello", heardText: "Hell", startSamples: 16000, endSamples: 20000,
                interrupted: true),
        ],
        events: [EventRow(kind: "dtmf", position: 24000, detail: #"{"digit":"5"}"#)])
}

/// Some bytes that look like nothing in particular.
func someBytes(_ count: Int = 5000, seed: UInt8 = 1) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ Int(seed)) }
}

extension CallArchive {
    /// Opens, renders and seals a call with `bytes`.
    func sealed(_ row: CallRow, bytes: [UInt8] = someBytes()) throws {
        try applyAndWait(.open(row))
        try applyAndWait(.rendering(id: row.id, ending: nil))
        try write(bytes, to: temporaryRecording(row.id, startedAt: row.startedAt))
        try applyAndWait(.seal(id: row.id, request(bytes)))
    }
}

/// A disk whose `n`th step fails; from then on all fail when it is `dead` (the process was killed there).
final class FailingFiles: ArchiveFiles {
    private let real = POSIXFiles()
    private let count = Guarded(0)
    private let failing: Int
    private let code: Int32
    private let dead: Bool
    /// Whether the failing step is done all the same before it fails (killed after it).
    private let afterwards: Bool

    init(at failing: Int, errno code: Int32 = EIO, dead: Bool = false, afterwards: Bool = false) {
        self.failing = failing
        self.code = code
        self.dead = dead
        self.afterwards = afterwards
    }

    /// How many steps were asked for.
    var steps: Int { count.change { $0 } }

    private func step<Answer>(
        _ name: FileStep, _ body: () throws(ArchiveError) -> Answer
    ) throws(ArchiveError) -> Answer {
        let number = count.change {
            $0 += 1
            return $0
        }
        if number == failing {
            if afterwards || name == .close { _ = try body() }
            throw .file(name, errno: code)
        }
        if dead, number > failing {
            // A dead process's descriptors are closed by the kernel.
            if name == .close { _ = try body() }
            throw .file(name, errno: code)
        }
        return try body()
    }

    func length(_ path: String) throws(ArchiveError) -> Int64? {
        try step(.measure) { () throws(ArchiveError) in try real.length(path) }
    }
    func open(_ path: String) throws(ArchiveError) -> Int32 {
        var opened: Int32 = -1
        do throws(ArchiveError) {
            return try step(.open) { () throws(ArchiveError) in
                opened = try real.open(path)
                return opened
            }
        } catch {
            if opened >= 0 { try real.close(opened) }
            throw error
        }
    }
    func digest(_ descriptor: Int32) throws(ArchiveError) -> Digest {
        try step(.read) { () throws(ArchiveError) in try real.digest(descriptor) }
    }
    func synchronize(_ descriptor: Int32) throws(ArchiveError) {
        try step(.synchronize) { () throws(ArchiveError) in try real.synchronize(descriptor) }
    }
    func close(_ descriptor: Int32) throws(ArchiveError) {
        try step(.close) { () throws(ArchiveError) in try real.close(descriptor) }
    }
    func rename(_ path: String, to target: String) throws(ArchiveError) {
        try step(.rename) { () throws(ArchiveError) in try real.rename(path, to: target) }
    }
    func synchronizeFolder(_ path: String) throws(ArchiveError) {
        try step(.synchronizeFolder) { () throws(ArchiveError) in try real.synchronizeFolder(path) }
    }
    func protect(_ path: String) throws(ArchiveError) {
        try step(.protect) { () throws(ArchiveError) in try real.protect(path) }
    }
    func remove(_ path: String) throws(ArchiveError) {
        try step(.remove) { () throws(ArchiveError) in try real.remove(path) }
    }
}
