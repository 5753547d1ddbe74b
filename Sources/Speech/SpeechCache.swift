// Spoken texts on disk, so that the same greeting is not paid for, nor waited for, with every call.

import Dispatch
import Glibc

/// Why a speech cache cannot be had.
public enum SpeechCacheError: Error, Sendable, Hashable {
    /// A system call failed: its name and errno.
    case system(operation: String, errno: Int32)
}

/// What a speech cache holds and did.
public struct SpeechCacheStatistics: Sendable, Hashable {
    /// Files there are.
    public var files = 0
    /// Their bytes, headers included.
    public var bytes: Int64 = 0
    /// Sounds that were there when asked for.
    public var hits = 0
    /// Sounds that were not.
    public var misses = 0
    /// Files removed because they were torn or not what their name says.
    public var corrupt = 0
    /// Files removed to make room.
    public var evicted = 0
    /// Sounds that were not kept: too large, or the disk refused.
    public var refused = 0
}

/// A folder of spoken texts, bounded in bytes; what was not asked for longest goes first. One process may use a
/// folder. Names are digests: the folder tells nobody what was said.
///
/// Reading and writing happen on a thread of the cache's own, one thing after the other.
public final class SpeechCache: @unchecked Sendable {
    // `entries`, `figures` and `tick` are touched on `queue` only, and by `init`.
    private let folder: String
    private let totalBytes: Int64
    private let snippetBytes: Int
    private let queue = DispatchQueue(label: "teeline.speech.cache")
    private var entries: [String: Entry] = [:]
    private var figures = SpeechCacheStatistics()
    private var tick: UInt64 = 0

    private struct Entry {
        var bytes: Int64
        /// Larger is later.
        var used: UInt64
    }

    /// A cache in `folder` (made if need be, for the server's user only) of `totalBytes` at most, of which one sound
    /// may have `snippetBytes`. Files of an earlier run are found, in the order of their last use; that is done before
    /// this returns, with one look at each file's length and time.
    public init(folder: String, totalBytes: Int64 = 256 << 20, snippetBytes: Int = 8 << 20)
        throws(SpeechCacheError)
    {
        self.folder = folder
        self.totalBytes = totalBytes
        self.snippetBytes = snippetBytes
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
            throw .system(operation: "mkdir", errno: errno)
        }
        guard let directory = opendir(folder) else { throw .system(operation: "opendir", errno: errno) }
        scan(directory)
    }

    /// The sound under `key`; nil when there is none or its file is not sound. Counts as a use.
    public func read(_ key: SpeechKey) async -> [UInt8]? {
        await perform { cache in cache.find(key) }
    }

    /// Keeps `sound` under `key`; false when it is empty, too large, or the disk refuses.
    @discardableResult
    public func store(_ key: SpeechKey, _ sound: [UInt8]) async -> Bool {
        await perform { cache in
            let isKept = cache.keep(key, sound)
            if !isKept { cache.figures.refused += 1 }
            return isKept
        }
    }

    /// Removes every sound.
    public func clear() async {
        await perform { cache in for name in cache.entries.keys { cache.remove(name) } }
    }

    /// What there is and what was done, since the start.
    public func statistics() async -> SpeechCacheStatistics {
        await perform { cache in
            cache.figures.files = cache.entries.count
            return cache.figures
        }
    }

    private func perform<Value: Sendable>(_ body: @escaping @Sendable (SpeechCache) -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            queue.async { [self] in continuation.resume(returning: body(self)) }
        }
    }

    // MARK: On the queue

    private func find(_ key: SpeechKey) -> [UInt8]? {
        let name = key.description
        guard entries[name] != nil else {
            figures.misses += 1
            return nil
        }
        switch SpeechFile.read(path(name), limit: Int64(SpeechFile.headerBytes + snippetBytes)) {
        case .bytes(let bytes):
            guard let sound = SpeechFile.sound(in: bytes, key: key) else { break }
            figures.hits += 1
            tick += 1
            entries[name]?.used = tick
            // For the order after a restart; a refusal costs no more than that.
            _ = utimensat(AT_FDCWD, path(name), nil, AT_SYMLINK_NOFOLLOW)
            return sound
        case .none:
            figures.misses += 1
            remove(name)
            return nil
        case .bad: break
        }
        figures.misses += 1
        figures.corrupt += 1
        remove(name)
        return nil
    }

    private func keep(_ key: SpeechKey, _ sound: [UInt8]) -> Bool {
        let size = Int64(SpeechFile.headerBytes + sound.count)
        guard !sound.isEmpty, sound.count <= snippetBytes, size <= totalBytes else { return false }
        let name = key.description
        remove(name)
        makeRoom(for: size)
        guard SpeechFile.write(SpeechFile.encoded(sound, key: key), to: path(name)) else { return false }
        tick += 1
        entries[name] = Entry(bytes: size, used: tick)
        figures.bytes += size
        return true
    }

    private func makeRoom(for size: Int64) {
        guard figures.bytes > totalBytes - size else { return }
        for (name, _) in entries.sorted(by: { $0.value.used < $1.value.used }) {
            guard figures.bytes > totalBytes - size else { return }
            remove(name)
            figures.evicted += 1
        }
    }

    private func remove(_ name: String) {
        guard let entry = entries.removeValue(forKey: name) else { return }
        figures.bytes -= entry.bytes
        unlink(path(name))
    }

    private func path(_ name: String) -> String { folder + "/" + name }

    /// Takes stock of the folder, removes what was not finished, and leaves alone what is not the cache's.
    private func scan(_ directory: OpaquePointer) {
        defer { closedir(directory) }
        var found: [(name: String, bytes: Int64, seconds: Int, nanoseconds: Int)] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            let stem = name.hasSuffix(SpeechFile.temporarySuffix) ? String(name.dropLast(5)) : name
            var facts = stat()
            guard stem.utf8.count == 64, stem.utf8.allSatisfy({ 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 }),
                lstat(path(name), &facts) == 0, facts.st_mode & S_IFMT == S_IFREG
            else { continue }
            guard stem == name else {
                unlink(path(name))
                continue
            }
            found.append((name, Int64(facts.st_size), facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec))
        }
        found.sort { ($0.seconds, $0.nanoseconds, $0.name) < ($1.seconds, $1.nanoseconds, $1.name) }
        for file in found {
            tick += 1
            entries[file.name] = Entry(bytes: file.bytes, used: tick)
            figures.bytes += file.bytes
        }
        // The bound may have been lowered.
        makeRoom(for: 0)
    }
}
