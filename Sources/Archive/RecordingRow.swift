// A recording as the catalog keeps it.

/// How far a recording is.
public enum RecordingState: String, Sendable, Hashable, CaseIterable {
    /// The call runs.
    case recording
    /// The call is over, its file is being made.
    case rendering
    /// Complete.
    case sealed
    /// Made after an interruption; `missing` names what is not in it.
    case recovered
    /// There is none; `cause` says why.
    case failed

    /// Whether nothing more is to come (a failed one may still be recovered by hand).
    public var isFinal: Bool { self != .recording && self != .rendering }
}

/// How the two sides stand in the file.
public enum RecordingChannels: String, Sendable, Hashable, CaseIterable {
    /// Two channels: caller left, agent right.
    case dual
    /// One channel: the average of both.
    case mixed
}

/// A stretch of the call that the file lacks (it is silence there).
public struct MissingInterval: Sendable, Hashable {
    /// Where it begins, in samples of the call's rate.
    public var start: Int64
    /// How long it is, in samples of the call's rate.
    public var length: Int64
    /// Why: a short token ("server_killed", "disk_full", "lost_frames").
    public var cause: String

    /// An interval made of its parts.
    public init(start: Int64, length: Int64, cause: String) {
        self.start = start
        self.length = length
        self.cause = cause
    }
}

/// One recording: the file, or why there is none.
public struct RecordingRow: Sendable, Hashable {
    /// The call.
    public var callID: String
    /// How far it is.
    public var state: RecordingState
    /// Why it failed or had to be recovered, a short token.
    public var cause: String?
    /// The file, relative to the storage; nil for a call without audio and until it is sealed.
    public var path: String?
    /// The file's length.
    public var bytes: Int64?
    /// The file's SHA-256.
    public var sha256: Digest?
    /// Length of the audio in samples of `rate`.
    public var samples: Int64?
    /// Samples per second in the file.
    public var rate: Int?
    /// How the two sides stand in it.
    public var channels: RecordingChannels?
    /// Bits per second.
    public var bitrate: Int?
    /// The encoder's quality setting (LAME: 0 best … 9).
    public var quality: Int?
    /// When it was sealed (microseconds UTC).
    public var sealedAt: Int64?
    /// What a recovered file lacks.
    public var missing: [MissingInterval]
    /// Who made it.
    public var origin = RecordingOrigin.bridge
    /// Where it was fetched from, for a recording a carrier made.
    public var provenance: RecordingProvenance?

    /// A recording in `state`, with nothing else known.
    public init(callID: String, state: RecordingState) {
        self.callID = callID
        self.state = state
        missing = []
    }

    /// Whether it is final and there is a file.
    public var hasAudio: Bool { path != nil }
    /// The form of its file.
    public var format: RecordingFormat { RecordingFormat(path: path) }
}

/// A call with its recording, as lists show them.
public struct ListedCall: Sendable, Hashable {
    /// The call.
    public var call: CallRow
    /// Its recording.
    public var recording: RecordingRow

    /// Both together.
    public init(call: CallRow, recording: RecordingRow) {
        self.call = call
        self.recording = recording
    }
}

/// Everything the catalog knows of one call.
public struct RecordingDetail: Sendable, Hashable {
    /// The call.
    public var call: CallRow
    /// Its recording.
    public var recording: RecordingRow
    /// What was said, in order.
    public var turns: [TurnRow]
    /// What else happened, in order.
    public var events: [EventRow]
    /// What was counted; nil until it is sealed.
    public var metrics: MetricsRow?
    /// Whether ElevenLabs has said something of its conversation afterwards.
    public var hasConversation = false
}
