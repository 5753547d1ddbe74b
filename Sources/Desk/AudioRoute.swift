// The download of a recording: state, conditions, ranges, file.

import Archive
import Glibc
import Net

/// Answers for a recording's audio.
struct AudioRoute {
    let catalog: Catalog

    /// A sealed file, as the catalog knows it.
    private struct SealedAudio {
        var path: String
        var bytes: Int64
        var digest: Digest
        /// Microseconds UTC.
        var sealedAt: Int64
        var mediaType: String
        var fileName: String
    }

    /// The recording of the call `stored`.
    func answer(
        _ stored: ListedCall, _ format: RecordingFormat, _ request: HTTPRequest
    ) throws(ArchiveError) -> HTTPResponse {
        let recording = stored.recording
        guard recording.state.isFinal else { return Self.notReady(recording.state).response }
        guard let path = recording.path, let total = recording.bytes, let digest = recording.sha256 else {
            return Problem(status: 404, code: "no_audio", detail: "There is no audio of this call.").response
        }
        guard recording.format == format else {
            return Problem(
                status: 404, code: "other_format",
                detail: "This recording has another form: ask for audio.\(recording.format.rawValue)."
            ).response
        }
        return try answer(
            SealedAudio(
                path: path, bytes: total, digest: digest, sealedAt: recording.sealedAt ?? 0,
                mediaType: format.mediaType, fileName: Self.fileName(stored.call, format)),
            request)
    }

    /// What ElevenLabs kept of a call's conversation.
    func conversation(_ id: String, _ request: HTTPRequest) throws(ArchiveError) -> HTTPResponse {
        guard try catalog.call(id) != nil else { return Problem.unknownRecording.response }
        guard let row = try catalog.conversation(ofCall: id) else { return Problem.noConversation.response }
        guard let path = row.audioPath, let bytes = row.audioBytes, let digest = row.audioSHA256 else {
            return Problem(
                status: 404, code: "no_audio", detail: "There is no audio of this conversation."
            ).response
        }
        return try answer(
            SealedAudio(
                path: path, bytes: bytes, digest: digest, sealedAt: row.receivedAt,
                mediaType: RecordingFormat.mp3.mediaType, fileName: row.conversationID + ".mp3"), request)
    }

    private func answer(_ audio: SealedAudio, _ request: HTTPRequest) throws(ArchiveError) -> HTTPResponse {
        let total = audio.bytes
        let validators = Validators(tag: audio.digest.hex, lastModified: audio.sealedAt / 1_000_000)
        var headers: [(name: String, value: String)] = [
            ("ETag", validators.entityTag), ("Last-Modified", HTTPDate.text(validators.lastModified)),
            ("Accept-Ranges", "bytes"), ("Cache-Control", "private, no-cache"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        let honorsRange: Bool
        switch validators.evaluate(request) {
        case .notModified:
            return HTTPResponse(status: 304, headers: headers, body: .omitted(length: total))
        case .failed: return Problem.preconditionFailed.response
        case .proceed(let honors): honorsRange = honors
        }
        let outcome = RangeOutcome.evaluate(honorsRange ? request.header("Range") : nil, total: total)
        if outcome == .unsatisfiable {
            return Problem(
                status: 416, code: "range_not_satisfiable", detail: "The recording has no such range.",
                headers: ["Content-Range": "bytes */\(total)", "Accept-Ranges": "bytes"]
            ).response
        }
        let descriptor = try open(catalog.layout.absolute(audio.path), total: total)
        headers.append(("Content-Disposition", "inline; filename=\"\(audio.fileName)\""))
        guard case .partial(let ranges) = outcome else {
            headers.append(("Content-Type", audio.mediaType))
            return HTTPResponse(
                status: 200, headers: headers, body: .file(descriptor: descriptor, offset: 0, length: total))
        }
        if ranges.count == 1, let range = ranges.first {
            headers.append(("Content-Type", audio.mediaType))
            headers.append(("Content-Range", range.contentRange(of: total)))
            return HTTPResponse(
                status: 206, headers: headers,
                body: .file(descriptor: descriptor, offset: range.offset, length: range.length))
        }
        let boundary = CallID.make()
        headers.append(("Content-Type", "multipart/byteranges; boundary=\(boundary)"))
        return HTTPResponse(
            status: 206, headers: headers,
            body: .parts(Self.parts(ranges, of: audio, descriptor: descriptor, boundary: boundary)))
    }

    /// A call whose recording is still to come.
    static func notReady(_ state: RecordingState) -> Problem {
        Problem(
            status: 409, code: "recording_not_ready",
            detail: "The recording is not ready yet; ask again later.",
            headers: ["Retry-After": state == .rendering ? "2" : "10"])
    }

    /// The parts of multipart/byteranges (RFC 9110 §14.6).
    private static func parts(
        _ ranges: [ByteRange], of audio: SealedAudio, descriptor: Int32, boundary: String
    ) -> [HTTPBodyPart] {
        var parts: [HTTPBodyPart] = []
        for (place, range) in ranges.enumerated() {
            let head =
                (place == 0 ? "" : "\r\n")
                + "--\(boundary)\r\nContent-Type: \(audio.mediaType)\r\nContent-Range: "
                + range.contentRange(of: audio.bytes) + "\r\n\r\n"
            parts.append(.bytes(Array(head.utf8)))
            parts.append(.file(descriptor: descriptor, offset: range.offset, length: range.length))
        }
        parts.append(.bytes(Array("\r\n--\(boundary)--\r\n".utf8)))
        return parts
    }

    /// Opens the file, which must be as long as the catalog says: a disk's error is never a 404.
    private func open(_ path: String, total: Int64) throws(ArchiveError) -> Int32 {
        let files = POSIXFiles()
        let descriptor = try files.open(path)
        var status = stat()
        guard fstat(descriptor, &status) == 0, Int64(status.st_size) == total else {
            let found = Int64(status.st_size)
            try files.close(descriptor)
            throw .wrongLength(expected: total, found: found)
        }
        return descriptor
    }

    /// The carrier's id of the call as a file name (`CarrierFileName`) that is not hidden: without points at its beginning.
    static func fileName(_ call: CallRow, _ format: RecordingFormat = .mp3) -> String {
        let name = CarrierFileName.name(of: call.carrierCallID).drop { $0 == "." }
        return (name.isEmpty ? call.id : String(name)) + "." + format.rawValue
    }
}
