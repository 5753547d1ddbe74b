// What may be done to the archive, as values.

/// The file to seal, as its writer knows it.
public struct SealedFile: Sendable, Hashable {
    /// The file's length; must be what is on the disk.
    public var bytes: Int64
    /// Length of the audio in samples of `rate`.
    public var samples: Int64
    /// Samples per second in the file.
    public var rate: Int
    /// How the two sides stand in it.
    public var channels: RecordingChannels
    /// Bits per second.
    public var bitrate: Int
    /// The encoder's quality setting.
    public var quality: Int

    /// Facts of a file.
    public init(
        bytes: Int64, samples: Int64, rate: Int, channels: RecordingChannels, bitrate: Int, quality: Int
    ) {
        self.bytes = bytes
        self.samples = samples
        self.rate = rate
        self.channels = channels
        self.bitrate = bitrate
        self.quality = quality
    }
}

/// Everything that becomes final with a recording.
public struct SealRequest: Sendable, Hashable {
    /// The file, written under the name `CallArchive.temporaryRecording` gives; nil for a call without audio.
    public var file: SealedFile?
    /// Nil for a recording that went as planned; otherwise it is `recovered`, and this is why (a short token).
    public var recoveryCause: String?
    /// What a recovered recording lacks.
    public var missing: [MissingInterval]
    /// The call's end, unless the catalog knows it already.
    public var ending: CallEnding?
    /// What was said, in order.
    public var turns: [TurnRow]
    /// What happened, in order.
    public var events: [EventRow]
    /// What was counted.
    public var metrics: MetricsRow
    /// Who made the recording: `bridge`, or `voicemail` for our own answering machine. A carrier's is adopted.
    public var origin: RecordingOrigin

    /// A request to seal `file`.
    public init(
        file: SealedFile?, recoveryCause: String? = nil, missing: [MissingInterval] = [],
        ending: CallEnding? = nil, turns: [TurnRow] = [], events: [EventRow] = [],
        metrics: MetricsRow = MetricsRow(), origin: RecordingOrigin = .bridge
    ) {
        self.file = file
        self.recoveryCause = recoveryCause
        self.missing = missing
        self.ending = ending
        self.turns = turns
        self.events = events
        self.metrics = metrics
        self.origin = origin
    }
}

/// A file that stands under its final name, durable: only the catalog does not know of it yet.
public struct PlacedFile: Sendable, Hashable {
    /// Relative to the storage.
    var path: String
    /// Its bytes' SHA-256.
    var digest: Digest
}

/// A change of the archive. Each is one transaction with its ledger entry, and doing it twice is doing it once.
public enum ArchiveChange: Sendable {
    /// A call begins: its row and a recording in state `recording`.
    case open(CallRow)
    /// A call's agent, conversation or stream became known; nil fields stay as they are.
    case annotate(id: String, streamID: String?, agentID: String?, conversationID: String?)
    /// The call is over, its file is being made.
    case rendering(id: String, ending: CallEnding?)
    /// The recording is complete.
    case seal(id: String, SealRequest)
    /// The recording is complete, its file in its place by `CallArchive.place`.
    case sealPlaced(id: String, SealRequest, PlacedFile)
    /// There is no recording, and why (a short token).
    case fail(id: String, cause: String, ending: CallEnding?)
    /// Something to be traced that changes no row ("recording.read", "settings.changed"): `detail` is a JSON
    /// object without anything personal.
    case note(kind: String, callID: String?, detail: String)
    /// A recording that a carrier made becomes one of the archive's, with a call row of its own.
    case adopt(AdoptRequest)
    /// A recording that a carrier made could not be fetched, and why (a short token): a call row of its own all the same.
    case failAdoption(CallRow, RecordingProvenance, cause: String)
    /// What was said in an adopted recording, once.
    case attachTranscript(id: String, turns: [TurnRow])
    /// What is known of the customer behind a telephone number; replaces what was.
    case storeContext(ContextRow)
    /// Nothing is known any more of the customer behind a telephone number.
    case removeContext(phone: String)
    /// Many customers' contexts, all of them or none.
    case importContexts([ContextRow])
    /// A pass was issued that a media stream will show.
    case issuePass(PassRow)
    /// A pass was shown (milliseconds UTC). Throws `unknownPass`, `claimedPass`: a pass is good once.
    case claimPass(digest: Digest, at: Int64)
    /// An outbound call was asked for.
    case dial(DialRow)
    /// An outbound call went on. A state older than the known one changes nothing: news come out of order.
    case dialProgress(id: String, DialProgress)
    /// A carrier's webhook, once for each of its keys.
    case carrierEvent(CarrierEventRow)
    /// What ElevenLabs says of a conversation; an older delivery adds only what the known one lacks.
    case conversation(ConversationRow)
    /// ElevenLabs' own audio of a conversation, written where `CallArchive.temporaryConversationAudio` says.
    case conversationAudio(ConversationAudio)
}

/// What a change came to, in rows.
public struct ChangeOutcome: Sendable, Hashable {
    /// Rows that are new.
    public var added = 0
    /// Rows that say something else now.
    public var replaced = 0
    /// Rows that are gone.
    public var removed = 0
    /// Rows that were so already.
    public var unchanged = 0

    /// An outcome made of its parts.
    public init(added: Int = 0, replaced: Int = 0, removed: Int = 0, unchanged: Int = 0) {
        self.added = added
        self.replaced = replaced
        self.removed = removed
        self.unchanged = unchanged
    }

    /// Whether anything was changed.
    public var isChange: Bool { added + replaced + removed > 0 }
}
