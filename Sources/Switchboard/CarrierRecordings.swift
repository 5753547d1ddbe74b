// Recordings that carriers made: downloaded, checked, and made the archive's; a failure is a row too.

import Archive
import Glibc
import Net
import Signalling
import Telemetry

/// Where a carrier's recording can be had.
struct RecordingSource: Sendable {
    /// Its address; it may hold a signature, and may be good for minutes only.
    var url: String
    /// The form of the file.
    var format: RecordingFormat
    /// How long the carrier says it is, in milliseconds.
    var statedMilliseconds: Int64?
}

/// A carrier's recording that is to become the archive's.
struct CarrierRecording: Sendable {
    /// The carrier's identifier of it.
    var recordingID: String
    /// The row of its call; its id is `CallID.adopted`.
    var call: CallRow
    /// Where it can be had, as far as is known.
    var source: RecordingSource?
    /// Whether that has failed: the carrier is asked for a fresh address.
    var isStale = false
    /// Whose doing the call's end was, and why, as far as that is known by the time the recording is there.
    var ending: @Sendable (_ milliseconds: Int64?) -> (who: EndParty, why: String)?
    /// Asks the carrier for a fresh address; nil when it has none yet.
    var renew: @Sendable () async throws(RESTFailure) -> RecordingSource?
    /// Told when the recording has its row: adopted, or failed for good.
    var whenKnown: @Sendable () async -> Void
}

/// Downloads recordings. Each is tried again after pauses; between them no errand is under way.
final class CarrierRecordings: @unchecked Sendable {
    // `lock` guards `underWay`; the rest never changes.
    private let lock = Lock()
    private var underWay: Set<String> = []
    private let parts: SwitchboardParts
    // A client of its own: writing files takes its thread.
    private let client = HTTPClient(connectionsPerHost: 4)

    /// Most bytes of a file: 4 h (Telnyx's longest recording) of 16-bit stereo at 8 kHz are 461 MB.
    static let fileLimit: Int64 = 512 << 20
    /// Longest download, in milliseconds.
    static let timeoutMilliseconds = 300_000
    /// How far the length may be from what the carrier says, in milliseconds.
    static let tolerance: Int64 = 2_000

    init(_ parts: SwitchboardParts) { self.parts = parts }

    deinit { client.close() }

    /// Takes `recording` into the archive, unless that is under way or done. Returns after the first attempt.
    func take(_ recording: CarrierRecording) async {
        guard lock.withLock({ underWay.insert(recording.call.id).inserted }) else { return }
        await attempt(recording, number: 0)
    }

    private func attempt(_ recording: CarrierRecording, number: Int) async {
        do throws(RecordingFailure) {
            try await adopt(recording)
            finish(recording, "adopted")
            await recording.whenKnown()
        } catch .archiveClosed {
            // The server is stopping; the next one takes it up again.
            _ = lock.withLock { underWay.remove(recording.call.id) }
        } catch {
            parts.log(
                .warning, "carrier_recording_attempt_failed",
                ["call": .text(recording.call.id), "cause": .text(error.token)])
            guard number < parts.settings.downloadPauses.count else {
                await fail(recording, error)
                finish(recording, error.token)
                // What was said may be known all the same.
                return await recording.whenKnown()
            }
            var next = recording
            // A dead address is asked for anew, and so is one whose file is not what it should be.
            next.isStale = error != .unreachable
            let pause = error == .expired && number == 0 ? 0 : parts.settings.downloadPauses[number]
            later(pause) { [self, next] in await attempt(next, number: number + 1) }
        }
    }

    /// One attempt.
    private func adopt(_ recording: CarrierRecording) async throws(RecordingFailure) {
        let known: RecordingSource?
        do throws(RESTFailure) {
            if let source = recording.source, !recording.isStale {
                known = source
            } else {
                known = try await recording.renew()
            }
        } catch {
            throw .refused(error)
        }
        guard let source = known else { throw .noAddress }
        guard let host = Self.host(source.url) else { throw .badAddress }
        let path = try temporary(recording.call, source.format)
        let file = try await download(source, to: path)
        var row = recording.call
        row.durationSamples = file.samples
        row.rate = file.rate
        if let ending = recording.ending(file.milliseconds) {
            (row.endWho, row.endWhy) = (ending.who, ending.why)
        }
        let request = AdoptRequest(
            call: row, bytes: file.bytes, samples: file.samples, rate: file.rate,
            channels: file.channels == 1 ? .mixed : .dual,
            provenance: RecordingProvenance(
                carrier: row.carrier, recordingID: recording.recordingID, host: host,
                downloadedAt: ArchiveTime.now(), format: source.format,
                statedMilliseconds: source.statedMilliseconds))
        do throws(ArchiveError) {
            try await parts.archive.apply(.adopt(request))
        } catch {
            throw RecordingFailure(error)
        }
    }

    /// Where the download goes. What an earlier attempt left there is removed.
    private func temporary(_ call: CallRow, _ format: RecordingFormat) throws(RecordingFailure) -> String {
        do throws(ArchiveError) {
            let path = try parts.archive.temporaryRecording(
                call.id, startedAt: call.startedAt, format: format)
            unlink(path)
            return path
        } catch {
            throw RecordingFailure(error)
        }
    }

    private func download(
        _ source: RecordingSource, to path: String
    ) async throws(RecordingFailure) -> RecordedFile {
        let answer: HTTPClientResponse
        do throws(NetError) {
            answer = try await client.download(
                HTTPClientRequest(
                    url: source.url, timeoutMilliseconds: Self.timeoutMilliseconds, answerBytes: 64 << 10,
                    redirects: .anyHostWithoutCredentials), to: path, limitBytes: Self.fileLimit)
        } catch {
            throw error == .tooLarge ? .tooLarge : .unreachable
        }
        switch answer.status {
        case 200: break
        // Presigned addresses answer so once their time is over (carriers.md §3.4).
        case 401, 403, 404, 410: throw .expired
        default: throw .unreachable
        }
        let file: RecordedFile
        do throws(RecordedFileFault) {
            file = try RecordedFile(path: path, format: source.format)
        } catch {
            unlink(path)
            throw .file(error)
        }
        if let stated = source.statedMilliseconds, abs(file.milliseconds - stated) > Self.tolerance {
            unlink(path)
            throw .otherLength
        }
        return file
    }

    /// There will be no recording: a row that says so, and why.
    private func fail(_ recording: CarrierRecording, _ failure: RecordingFailure) async {
        let host = recording.source.flatMap { Self.host($0.url) } ?? ""
        let provenance = RecordingProvenance(
            carrier: recording.call.carrier, recordingID: recording.recordingID, host: host,
            downloadedAt: ArchiveTime.now(), format: recording.source?.format ?? .mp3,
            statedMilliseconds: recording.source?.statedMilliseconds)
        var row = recording.call
        if let ending = recording.ending(nil) { (row.endWho, row.endWhy) = (ending.who, ending.why) }
        let call = row
        do throws(ArchiveError) {
            try await parts.archive.apply(
                .failAdoption(call, provenance, cause: "download_" + failure.token))
        } catch {
            parts.log(
                .error, "carrier_recording_not_kept",
                ["call": .text(recording.call.id), "error": .text("\(error)")])
        }
    }

    private func finish(_ recording: CarrierRecording, _ outcome: String) {
        _ = lock.withLock { underWay.remove(recording.call.id) }
        parts.metrics.add(
            "teeline_carrier_recordings_total",
            labels: MetricsRegistry.label("carrier", recording.call.carrier) + ","
                + MetricsRegistry.label("outcome", outcome))
        parts.log(
            outcome == "adopted" ? .info : .error, "carrier_recording",
            ["call": .text(recording.call.id), "outcome": .text(outcome)])
    }

    /// Does `work` after a pause, during which nothing is under way that a stopping server would wait for.
    private func later(_ milliseconds: Int, _ work: @escaping @Sendable () async -> Void) {
        Task { [parts] in
            do {
                try await Task.sleep(nanoseconds: UInt64(max(milliseconds, 0)) * 1_000_000)
            } catch { return }
            parts.errands.run(work)
        }
    }

    /// The host of an address that may be downloaded from: https, or this machine; nil for any other.
    static func host(_ url: String) -> String? {
        guard let address = PublicURL(String(url.prefix { $0 != "?" })) else { return nil }
        guard address.isSecure || address.authority.hasPrefix("127.0.0.1:") else { return nil }
        return address.authority
    }
}
