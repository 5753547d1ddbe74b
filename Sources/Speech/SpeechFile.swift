// One file of the speech cache: what stands before the sound, and how it is read and written.

import Cryptography
import Glibc

/// A spoken text on disk: "TLSPEECH", the key, SHA-256 of the sound, then the sound. The digests tell a torn file
/// from a whole one and one file from another, so nothing here needs the disk to be synchronized.
enum SpeechFile {
    private static let mark = Array("TLSPEECH".utf8)
    /// Bytes before the sound.
    static let headerBytes = 8 + 32 + 32

    /// The file of `sound` under `key`.
    static func encoded(_ sound: [UInt8], key: SpeechKey) -> [UInt8] {
        mark + key.digest + SHA256Digest.plain(sound) + sound
    }

    /// The sound in `bytes`; nil when they are not the whole file of `key`.
    static func sound(in bytes: [UInt8], key: SpeechKey) -> [UInt8]? {
        guard bytes.count > headerBytes, bytes[..<8].elementsEqual(mark),
            bytes[8..<40].elementsEqual(key.digest)
        else { return nil }
        let sound = bytes[headerBytes...]
        return SHA256Digest.plain(sound) == Array(bytes[40..<72]) ? Array(sound) : nil
    }

    /// What reading a file gave.
    enum Reading {
        case bytes([UInt8])
        /// There is no such file.
        case none
        /// It cannot be read, is no plain file, or is larger than `limit`.
        case bad
    }

    /// Reads the file at `path`, `limit` bytes at most.
    static func read(_ path: String, limit: Int64) -> Reading {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return errno == ENOENT ? .none : .bad }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_size <= limit else {
            return .bad
        }
        var isWhole = true
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(facts.st_size)) { buffer, count in
            while count < buffer.count {
                let rest = UnsafeMutableRawBufferPointer(
                    UnsafeMutableBufferPointer(rebasing: buffer[count...]))
                let got = Glibc.read(descriptor, rest.baseAddress, rest.count)
                if got < 0, errno == EINTR { continue }
                guard got > 0 else {
                    isWhole = false
                    return
                }
                count += got
            }
        }
        return isWhole ? .bytes(bytes) : .bad
    }

    /// Writes `bytes` beside `path` and renames them there; false, with nothing left behind, when the disk refuses.
    static func write(_ bytes: [UInt8], to path: String) -> Bool {
        let temporary = path + temporarySuffix
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        let isWritten = bytes.withUnsafeBytes { raw in
            var rest = raw[...]
            while !rest.isEmpty {
                let piece = UnsafeRawBufferPointer(rebasing: rest)
                let count = Glibc.write(descriptor, piece.baseAddress, piece.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                rest = rest.dropFirst(count)
            }
            return true
        }
        guard close(descriptor) == 0, isWritten, rename(temporary, path) == 0 else {
            unlink(temporary)
            return false
        }
        return true
    }

    /// What ends the name of a file that is not finished.
    static let temporarySuffix = ".part"
}
