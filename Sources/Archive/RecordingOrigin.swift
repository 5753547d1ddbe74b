// Who made a recording, in what form, and where it was fetched from.

import Wire

/// Who made a recording.
public enum RecordingOrigin: String, Sendable, Hashable, CaseIterable {
    /// This server, from the stream of a bridged call.
    case bridge
    /// This server's answering machine.
    case voicemail
    /// The carrier; it was downloaded.
    case carrier
}

/// The form of a recording's file. The raw value is the ending of its name.
public enum RecordingFormat: String, Sendable, Hashable, CaseIterable {
    /// MPEG-1 and 2 layer III.
    case mp3
    /// RIFF WAVE, as carriers have their dual channel recordings.
    case wav

    /// The form of the file at `path`, by its ending.
    init(path: String?) { self = path?.hasSuffix(".wav") == true ? .wav : .mp3 }

    /// The media type: RFC 3003 for MP3, and for WAVE the name that players know.
    public var mediaType: String {
        switch self {
        case .mp3: "audio/mpeg"
        case .wav: "audio/wav"
        }
    }
}

/// Where a carrier's recording came from.
public struct RecordingProvenance: Sendable, Hashable {
    /// The carrier's name.
    public var carrier: String
    /// The carrier's identifier of the recording.
    public var recordingID: String
    /// The host it was downloaded from; neither path nor query, which may hold a signature.
    public var host: String
    /// When it was downloaded (microseconds UTC).
    public var downloadedAt: Int64
    /// The form of the file.
    public var format: RecordingFormat
    /// How long the carrier says it is, in milliseconds.
    public var statedMilliseconds: Int64?

    /// Provenance made of its parts.
    public init(
        carrier: String, recordingID: String, host: String, downloadedAt: Int64, format: RecordingFormat,
        statedMilliseconds: Int64? = nil
    ) {
        self.carrier = carrier
        self.recordingID = recordingID
        self.host = host
        self.downloadedAt = downloadedAt
        self.format = format
        self.statedMilliseconds = statedMilliseconds
    }

    /// As one JSON object, as the catalog has it. The schema indexes `carrier` and `recording_id`.
    var json: String {
        JSON.object([
            ("carrier", JSON.quoted(carrier)), ("recording_id", JSON.quoted(recordingID)),
            ("host", JSON.quoted(host)), ("downloaded_at", String(downloadedAt)),
            ("format", JSON.quoted(format.rawValue)),
            ("stated_ms", JSON.number(statedMilliseconds)),
        ])
    }

    static func read(
        _ json: String, _ connection: SQLiteConnection
    ) throws(ArchiveError) -> RecordingProvenance? {
        try connection.first(
            """
            SELECT json_extract(?1, '$.carrier'), json_extract(?1, '$.recording_id'), json_extract(?1, '$.host'),
            json_extract(?1, '$.downloaded_at'), json_extract(?1, '$.format'), json_extract(?1, '$.stated_ms')
            """, [.text(json)]
        ) { row throws(ArchiveError) in
            RecordingProvenance(
                carrier: row.text(0), recordingID: row.text(1), host: row.text(2),
                downloadedAt: row.integer(3), format: RecordingFormat(rawValue: row.text(4)) ?? .mp3,
                statedMilliseconds: row.optionalInteger(5))
        }
    }
}

/// A carrier's recording that was downloaded, to become one of the archive's.
public struct AdoptRequest: Sendable, Hashable {
    /// The call it is of: a row of its own, with an identifier by `CallID.adopted`, also when the same call was
    /// bridged.
    public var call: CallRow
    /// Length of the file, which lies where `CallArchive.temporaryRecording` says.
    public var bytes: Int64
    /// Length of the audio in samples of `rate`, as measured.
    public var samples: Int64
    /// Samples per second, as measured.
    public var rate: Int
    /// How the sides stand in it: `mixed` for one channel. Carriers disagree on which side is which channel.
    public var channels: RecordingChannels
    /// Where it came from.
    public var provenance: RecordingProvenance
    /// What was said, when that is known already.
    public var turns: [TurnRow]

    /// A request made of its parts.
    public init(
        call: CallRow, bytes: Int64, samples: Int64, rate: Int, channels: RecordingChannels,
        provenance: RecordingProvenance, turns: [TurnRow] = []
    ) {
        self.call = call
        self.bytes = bytes
        self.samples = samples
        self.rate = rate
        self.channels = channels
        self.provenance = provenance
        self.turns = turns
    }
}

extension CallID {
    /// The identifier of the call row of a carrier's recording: the same for the same recording and start
    /// (microseconds UTC), so that a download that is done again lands on its former self.
    public static func adopted(carrier: String, recordingID: String, startedAt: Int64) -> String {
        let digest = Digest.sha256(Array("teeline adopted 1\n\(carrier)\n\(recordingID)".utf8)).bytes
        let low = digest[2..<10].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return make(
            milliseconds: startedAt / 1000, high: UInt16(digest[0]) << 8 | UInt16(digest[1]), low: low)
    }
}
