// What can go wrong between tape and recording.

/// An error of the tape room. It names operations and numbers of errors, never what was said.
public enum RecordingError: Error, Sendable, Hashable {
    /// A system call on a tape or recording failed: its name and errno.
    case file(operation: String, errno: Int32)
    /// The tape has no whole header, or one that contradicts itself.
    case badTape
    /// The tape was written by a newer version.
    case unknownTapeVersion(Int)
    /// The MP3 encoder refused: what it was asked for.
    case encoder(String)
    /// The tape has reached the largest size allowed on disk.
    case tapeTooLarge

    /// A short token for a row's cause.
    public var token: String {
        switch self {
        case .file(let operation, let errno): "disk_\(operation)_\(errno)"
        case .badTape: "bad_tape"
        case .unknownTapeVersion: "tape_version"
        case .encoder: "encoder"
        case .tapeTooLarge: "tape_too_large"
        }
    }

    /// Whether the disk is full (ENOSPC, EDQUOT).
    public var isDiskFull: Bool {
        if case .file(_, let errno) = self { return errno == 28 || errno == 122 }
        return false
    }
}
