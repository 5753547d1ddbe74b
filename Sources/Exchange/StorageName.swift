// Names in the storage folder as log lines may tell them.

import Archive

/// Tells our own names from strangers': what somebody else named may hold a number or a word that was said.
enum StorageName {
    /// What a log line says of the file or folder at `path`, relative to the storage: the path itself when its name is one
    /// of ours; otherwise the folder, as far as it is ours, and the SHA-256 of the whole path ("recordings/sha256:…").
    static func told(_ path: String) -> String {
        let parts = path.split(separator: "/").map { String($0) }
        let own = parts.prefix { isFolder($0) }
        if own.count == parts.count || (own.count == parts.count - 1 && isFile(parts[parts.count - 1])) {
            return path
        }
        return (own + ["sha256:" + Digest.sha256(Array(path.utf8)).hex]).joined(separator: "/")
    }

    /// `recordings`, `tapes`, or a year, month or day in digits.
    private static func isFolder(_ name: String) -> Bool {
        name == "recordings" || name == "tapes"
            || ((name.utf8.count == 4 || name.utf8.count == 2)
                && name.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    }

    /// An identifier of a call and one of our endings.
    private static func isFile(_ name: String) -> Bool {
        let rest = name.dropFirst(26)
        return CallID.isValid(String(name.prefix(26)))
            && [".mp3", ".wav", ".tape", ".mp3.part", ".wav.part", ".elevenlabs.mp3", ".elevenlabs.mp3.part"]
                .contains(String(rest))
    }
}

extension ReconcileFinding {
    /// The call that a file, a tape or a row of ours is of.
    var call: String? {
        switch self {
        case .missingFile(let id), .wrongLength(let id, _, _), .wrongHash(let id), .unprotected(let id),
            .uncommitted(let id), .unknownTape(let id), .unfinished(let id, _, _), .unreadable(let id):
            return id
        case .leftover(let path, _), .unknownFile(let path):
            let id = String((path.split(separator: "/").last ?? "").prefix(26))
            return CallID.isValid(id) ? id : nil
        case .conversationAudio, .unreadableFolder: return nil
        }
    }
}
