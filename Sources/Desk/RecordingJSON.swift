// Calls and recordings as the API shows them.

import Archive
import Wire

/// The JSON of calls: names in snake case, members always in the same order and always there.
public enum RecordingJSON {
    /// A call with its recording.
    public static func item(_ listed: ListedCall) -> String { JSON.object(members(listed)) }

    /// Everything of one call.
    public static func detail(_ detail: RecordingDetail) -> String {
        var all = members(ListedCall(call: detail.call, recording: detail.recording))
        let rate = detail.call.rate
        all.append(("parameters", detail.call.parameters))
        all.append(
            (
                "events",
                JSON.array(
                    detail.events.map { event in
                        JSON.object([
                            ("kind", JSON.quoted(event.kind)),
                            ("position_ms", String(milliseconds(event.position, rate: rate))),
                            ("length_ms", String(milliseconds(event.length, rate: rate))),
                            ("position_samples", String(event.position)),
                            ("length_samples", String(event.length)),
                            ("detail", event.detail),
                        ])
                    })
            ))
        all.append(("turns", String(detail.turns.count)))
        all.append(
            (
                "conversation",
                detail.hasConversation
                    ? JSON.quoted("/v1/recordings/\(detail.call.id)/conversation") : "null"
            ))
        all.append(("metrics", detail.metrics.map { metrics($0) } ?? "null"))
        return JSON.object(all)
    }

    /// A page of a list.
    public static func page(_ page: CallPage) -> String {
        JSON.object([
            ("items", JSON.array(page.items.map { item($0) })),
            ("next_cursor", JSON.quoted(page.next)),
        ])
    }

    /// Samples as whole milliseconds, rounded down, without overflow.
    static func milliseconds(_ samples: Int64, rate: Int) -> Int64 {
        // Beyond 1 MHz nothing is audio, and the product below could not be trusted.
        guard (1...1_000_000).contains(rate) else { return 0 }
        let (whole, tooLong) = (samples / Int64(rate)).multipliedReportingOverflow(by: 1000)
        let (sum, tooMuch) = whole.addingReportingOverflow(samples % Int64(rate) * 1000 / Int64(rate))
        return tooLong || tooMuch ? Int64.max : sum
    }

    private static func members(_ listed: ListedCall) -> [(name: String, json: String)] {
        let call = listed.call
        let end = call.endWho.map { who in
            JSON.object([("who", JSON.quoted(who.rawValue)), ("why", JSON.quoted(call.endWhy))])
        }
        return [
            ("id", JSON.quoted(call.id)), ("carrier", JSON.quoted(call.carrier)),
            ("carrier_call_id", JSON.quoted(call.carrierCallID)),
            ("stream_id", JSON.quoted(call.streamID)), ("account_id", JSON.quoted(call.accountID)),
            ("caller", JSON.quoted(call.caller)), ("called", JSON.quoted(call.called)),
            ("agent_id", JSON.quoted(call.agentID)),
            ("conversation_id", JSON.quoted(call.conversationID)),
            ("started_at", JSON.quoted(ArchiveTime.rfc3339(call.startedAt))),
            ("ended_at", JSON.quoted(call.endedAt.map { ArchiveTime.rfc3339($0) })),
            ("duration_ms", String(milliseconds(call.durationSamples, rate: call.rate))),
            ("duration_samples", String(call.durationSamples)), ("rate", String(call.rate)),
            ("end", end ?? "null"), ("recording", recording(listed.recording, call)),
        ]
    }

    private static func recording(_ recording: RecordingRow, _ call: CallRow) -> String {
        let length = recording.samples.flatMap { samples in
            recording.rate.map { milliseconds(samples, rate: $0) }
        }
        let missing = recording.missing.map { interval in
            JSON.object([
                ("start_ms", String(milliseconds(interval.start, rate: call.rate))),
                ("length_ms", String(milliseconds(interval.length, rate: call.rate))),
                ("start_samples", String(interval.start)), ("length_samples", String(interval.length)),
                ("cause", JSON.quoted(interval.cause)),
            ])
        }
        return JSON.object([
            ("state", JSON.quoted(recording.state.rawValue)), ("cause", JSON.quoted(recording.cause)),
            (
                "audio",
                recording.hasAudio
                    ? JSON.quoted("/v1/recordings/\(call.id)/audio.\(recording.format.rawValue)") : "null"
            ),
            ("media_type", recording.hasAudio ? JSON.quoted(recording.format.mediaType) : "null"),
            ("bytes", JSON.number(recording.bytes)), ("sha256", JSON.quoted(recording.sha256?.hex)),
            ("duration_ms", JSON.number(length)), ("samples", JSON.number(recording.samples)),
            ("rate", JSON.number(recording.rate)),
            ("channels", JSON.quoted(recording.channels?.rawValue)),
            ("bitrate_kbps", JSON.number(recording.bitrate.map { $0 / 1000 })),
            ("quality", JSON.number(recording.quality)),
            ("sealed_at", JSON.quoted(recording.sealedAt.map { ArchiveTime.rfc3339($0) })),
            ("missing", JSON.array(missing)), ("origin", JSON.quoted(recording.origin.rawValue)),
            ("provenance", recording.provenance.map { provenance($0) } ?? "null"),
        ])
    }

    private static func provenance(_ provenance: RecordingProvenance) -> String {
        JSON.object([
            ("carrier", JSON.quoted(provenance.carrier)),
            ("recording_id", JSON.quoted(provenance.recordingID)),
            ("host", JSON.quoted(provenance.host)),
            ("downloaded_at", JSON.quoted(ArchiveTime.rfc3339(provenance.downloadedAt))),
            ("format", JSON.quoted(provenance.format.rawValue)),
            ("stated_ms", JSON.number(provenance.statedMilliseconds)),
        ])
    }

    private static func metrics(_ metrics: MetricsRow) -> String {
        JSON.object([
            ("setup_ms", JSON.number(metrics.setupMilliseconds)),
            ("first_audio_ms", JSON.number(metrics.firstAudioMilliseconds)),
            ("frames_received", String(metrics.framesReceived)), ("frames_late", String(metrics.framesLate)),
            ("frames_lost", String(metrics.framesLost)),
            ("frames_duplicate", String(metrics.framesDuplicate)),
            ("frames_sent", String(metrics.framesSent)), ("bytes_in", String(metrics.bytesIn)),
            ("bytes_out", String(metrics.bytesOut)), ("interruptions", String(metrics.interruptions)),
            ("unknown_events", String(metrics.unknownEvents)), ("more", metrics.more),
        ])
    }
}
