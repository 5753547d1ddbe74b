// Calls and recordings as the API shows them.

import Archive

/// The JSON of calls: names in snake case, members always in the same order and always there.
public enum RecordingJSON {
    /// A call with its recording.
    public static func item(_ listed: ListedCall) -> String { JSONText.object(members(listed)) }

    /// Everything of one call.
    public static func detail(_ detail: RecordingDetail) -> String {
        var all = members(ListedCall(call: detail.call, recording: detail.recording))
        let rate = detail.call.rate
        all.append(("parameters", detail.call.parameters))
        all.append(
            (
                "events",
                JSONText.array(
                    detail.events.map { event in
                        JSONText.object([
                            ("kind", JSONText.quoted(event.kind)),
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
                    ? JSONText.quoted("/v1/recordings/\(detail.call.id)/conversation") : "null"
            ))
        all.append(("metrics", detail.metrics.map { metrics($0) } ?? "null"))
        return JSONText.object(all)
    }

    /// A page of a list.
    public static func page(_ page: CallPage) -> String {
        JSONText.object([
            ("items", JSONText.array(page.items.map { item($0) })),
            ("next_cursor", JSONText.quoted(page.next)),
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
            JSONText.object([("who", JSONText.quoted(who.rawValue)), ("why", JSONText.quoted(call.endWhy))])
        }
        return [
            ("id", JSONText.quoted(call.id)), ("carrier", JSONText.quoted(call.carrier)),
            ("carrier_call_id", JSONText.quoted(call.carrierCallID)),
            ("stream_id", JSONText.quoted(call.streamID)), ("account_id", JSONText.quoted(call.accountID)),
            ("caller", JSONText.quoted(call.caller)), ("called", JSONText.quoted(call.called)),
            ("agent_id", JSONText.quoted(call.agentID)),
            ("conversation_id", JSONText.quoted(call.conversationID)),
            ("started_at", JSONText.quoted(ArchiveTime.rfc3339(call.startedAt))),
            ("ended_at", JSONText.quoted(call.endedAt.map { ArchiveTime.rfc3339($0) })),
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
            JSONText.object([
                ("start_ms", String(milliseconds(interval.start, rate: call.rate))),
                ("length_ms", String(milliseconds(interval.length, rate: call.rate))),
                ("start_samples", String(interval.start)), ("length_samples", String(interval.length)),
                ("cause", JSONText.quoted(interval.cause)),
            ])
        }
        return JSONText.object([
            ("state", JSONText.quoted(recording.state.rawValue)), ("cause", JSONText.quoted(recording.cause)),
            (
                "audio",
                recording.hasAudio
                    ? JSONText.quoted("/v1/recordings/\(call.id)/audio.\(recording.format.rawValue)") : "null"
            ),
            ("media_type", recording.hasAudio ? JSONText.quoted(recording.format.mediaType) : "null"),
            ("bytes", JSONText.number(recording.bytes)), ("sha256", JSONText.quoted(recording.sha256?.hex)),
            ("duration_ms", JSONText.number(length)), ("samples", JSONText.number(recording.samples)),
            ("rate", JSONText.number(recording.rate)),
            ("channels", JSONText.quoted(recording.channels?.rawValue)),
            ("bitrate_kbps", JSONText.number(recording.bitrate.map { $0 / 1000 })),
            ("quality", JSONText.number(recording.quality)),
            ("sealed_at", JSONText.quoted(recording.sealedAt.map { ArchiveTime.rfc3339($0) })),
            ("missing", JSONText.array(missing)), ("origin", JSONText.quoted(recording.origin.rawValue)),
            ("provenance", recording.provenance.map { provenance($0) } ?? "null"),
        ])
    }

    private static func provenance(_ provenance: RecordingProvenance) -> String {
        JSONText.object([
            ("carrier", JSONText.quoted(provenance.carrier)),
            ("recording_id", JSONText.quoted(provenance.recordingID)),
            ("host", JSONText.quoted(provenance.host)),
            ("downloaded_at", JSONText.quoted(ArchiveTime.rfc3339(provenance.downloadedAt))),
            ("format", JSONText.quoted(provenance.format.rawValue)),
            ("stated_ms", JSONText.number(provenance.statedMilliseconds)),
        ])
    }

    private static func metrics(_ metrics: MetricsRow) -> String {
        JSONText.object([
            ("setup_ms", JSONText.number(metrics.setupMilliseconds)),
            ("first_audio_ms", JSONText.number(metrics.firstAudioMilliseconds)),
            ("frames_received", String(metrics.framesReceived)), ("frames_late", String(metrics.framesLate)),
            ("frames_lost", String(metrics.framesLost)),
            ("frames_duplicate", String(metrics.framesDuplicate)),
            ("frames_sent", String(metrics.framesSent)), ("bytes_in", String(metrics.bytesIn)),
            ("bytes_out", String(metrics.bytesOut)), ("interruptions", String(metrics.interruptions)),
            ("unknown_events", String(metrics.unknownEvents)), ("more", metrics.more),
        ])
    }
}
