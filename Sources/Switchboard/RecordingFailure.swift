// Why a carrier's recording did not become the archive's.

import Archive
import Signalling

/// A failed attempt. The token stands in rows, metrics and logs.
enum RecordingFailure: Error, Sendable, Hashable {
    /// The carrier tells no address of it.
    case noAddress
    /// Its address is not one that may be downloaded from.
    case badAddress
    /// Its address is not good any more.
    case expired
    /// The storage does not answer, or fails.
    case unreachable
    /// It has more bytes than the longest recording.
    case tooLarge
    /// It is not a whole file of sound.
    case file(RecordedFileFault)
    /// It is longer or shorter than the carrier says.
    case otherLength
    /// The carrier's service refused to tell where it is.
    case refused(RESTFailure)
    /// The archive did not take it.
    case archive
    /// The archive is closed.
    case archiveClosed

    /// What an archive's refusal is.
    init(_ error: ArchiveError) {
        self = error == .closed ? .archiveClosed : .archive
    }

    /// A short token.
    var token: String {
        switch self {
        case .noAddress: "no_address"
        case .badAddress: "bad_address"
        case .expired: "expired"
        case .unreachable: "unreachable"
        case .tooLarge: "too_large"
        case .file(let fault): fault.rawValue
        case .otherLength: "other_length"
        case .refused(let failure): "refused_" + failure.token
        case .archive: "archive"
        case .archiveClosed: "archive_closed"
        }
    }
}
