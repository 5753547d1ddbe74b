// What Telnyx recorded: taken into the archive, with its transcription, also after a restart.

import Archive
import Carriers
import Routing
import Signalling
import Telemetry
import Wire

/// Takes Telnyx's recordings.
struct TelnyxRecordings: Sendable {
    let parts: SwitchboardParts
    private let commands: TelnyxCommands
    let book: TelnyxCallBook
    private let office: CarrierRecordings

    /// How far back a restart looks for recordings that were not fetched, in microseconds: seven days.
    static let lookBack: Int64 = 7 * 86_400_000_000

    init(_ parts: SwitchboardParts, commands: TelnyxCommands, book: TelnyxCallBook) {
        self.parts = parts
        self.commands = commands
        self.book = book
        office = CarrierRecordings(parts)
    }

    /// A recording can be had.
    func saved(_ event: TelnyxEvent) async {
        guard let recordingID = await recordingID(of: event) else {
            parts.log(.error, "telnyx_recording_unnamed", [:])
            return count("unnamed")
        }
        let call = row(event, recordingID)
        guard !isSealed(recordingID) else {
            return await attach(recordingID, ofCall: call.carrierCallID)
        }
        await office.take(
            CarrierRecording(
                recordingID: recordingID, call: call, source: Self.source(event),
                ending: { [book, standard = parts.settings.voicemail] milliseconds in
                    let course = event.callControlID.flatMap { book.course($0) }
                    return Self.ending(course, standard, milliseconds)
                },
                renew: { () async throws(RESTFailure) in
                    guard commands.isAble else { throw .unauthorized }
                    return Self.source(try await commands.recording(recordingID))
                },
                whenKnown: { await attach(recordingID, ofCall: call.carrierCallID) }))
    }

    /// What was said in a recording is known; it may be known before the recording is ours.
    func transcribed(_ event: TelnyxEvent) async {
        guard let recordingID = event.recordingID, let call = event.callControlID else { return }
        await attach(recordingID, ofCall: call, text: event.transcriptionText)
    }

    /// Takes up what an earlier server was told of and did not fetch.
    func resume() {
        parts.errands.run {
            do throws(ArchiveError) {
                for kind in [TelnyxEventKind.recordingSaved, .recordingError, .callHangup] {
                    let rows = try parts.archive.catalog.carrierEvents(
                        carrier: Carrier.telnyx.rawValue, kind: kind.name,
                        since: ArchiveTime.now() - Self.lookBack)
                    for row in rows { await resume(row) }
                }
            } catch {
                parts.log(.error, "carrier_recordings_unreadable", ["error": .text("\(error)")])
            }
        }
    }

    private func resume(_ row: CarrierEventRow) async {
        do throws(SignallingError) {
            let event = try TelnyxEvent(json: Array(row.detail.utf8))
            if event.kind == .recordingSaved { return await saved(event) }
            if event.kind == .callHangup { return await resumeCall(event) }
            await keepFailure(event)
        } catch {
            parts.log(.error, "telnyx_event_malformed", ["error": .text("\(error)")])
        }
    }

    // MARK: The pieces

    /// Attaches the transcription that the webhooks of `call` tell, when the recording is the archive's already. It is
    /// asked for from both sides, after the webhook's row and after the recording's: whichever comes later finds the other.
    private func attach(_ recordingID: String, ofCall call: String, text told: String? = nil) async {
        do throws(ArchiveError) {
            guard
                let adopted = try parts.archive.catalog.adopted(
                    carrier: Carrier.telnyx.rawValue, recordingID: recordingID)
            else { return }
            let rows = try parts.archive.catalog.carrierEvents(ofCarrierCall: call)
                .filter { $0.kind == TelnyxEventKind.transcriptionSaved.name }
            var text = told ?? Self.transcription(rows, recordingID)
            // Of a webhook beyond 60 KiB only its row is kept: what it said is asked for.
            if text == nil, rows.contains(where: { $0.detail == "{}" }) { text = await fetch(recordingID) }
            guard let text else { return }
            let turn = TurnRow(
                role: .caller, text: text, startSamples: 0, endSamples: adopted.recording.samples)
            try await parts.archive.apply(.attachTranscript(id: adopted.call.id, turns: [turn]))
            count("transcribed")
        } catch {
            parts.log(.error, "transcript_not_kept", ["error": .text("\(error)")])
        }
    }

    /// What the first transcription of a recording among `rows` says.
    private static func transcription(_ rows: [CarrierEventRow], _ recordingID: String) -> String? {
        rows.lazy.compactMap(event)
            .first { $0.recordingID == recordingID && $0.transcriptionText != nil }?.transcriptionText
    }

    private func fetch(_ recordingID: String) async -> String? {
        guard commands.isAble else { return nil }
        do throws(RESTFailure) {
            return try await commands.transcription(of: recordingID)
        } catch {
            // Told by the sender's log and count.
            return nil
        }
    }

    static func event(_ row: CarrierEventRow) -> TelnyxEvent? {
        do throws(SignallingError) {
            return try TelnyxEvent(json: Array(row.detail.utf8))
        } catch {
            // A row that is too long to be kept whole holds no event.
            return nil
        }
    }

    /// Whether a recording is ours already. A row of a failure is none: events come in any order, and what could not be
    /// fetched may be there by now.
    private func isSealed(_ recordingID: String) -> Bool {
        do throws(ArchiveError) {
            return try parts.archive.catalog.adopted(
                carrier: Carrier.telnyx.rawValue, recordingID: recordingID)?.recording.hasAudio == true
        } catch {
            // Unreadable is not known: adopting once more changes nothing.
            parts.log(.error, "carrier_recordings_unreadable", ["error": .text("\(error)")])
            return false
        }
    }

    /// The recording's identifier, which the documented payload lacks (carriers.md §3.4): then the call's one of the same
    /// start is asked for.
    private func recordingID(of event: TelnyxEvent) async -> String? {
        if let id = event.recordingID { return id }
        guard let call = event.callControlID, commands.isAble else { return nil }
        do throws(RESTFailure) {
            let found = try await commands.recordings(ofCall: call)
            let start = Self.instant(event.recordingStartedAt)
            return (found.first { Self.instant($0.startedAt) == start } ?? found.first)?.recordingID
        } catch {
            return nil
        }
    }

    func row(_ event: TelnyxEvent, _ recordingID: String) -> CallRow {
        let startedAt =
            Self.instant(event.recordingStartedAt) ?? Self.instant(event.occurredAt) ?? ArchiveTime.now()
        let course = event.callControlID.flatMap { book.course($0) }
        var call = CallRow(
            id: CallID.adopted(
                carrier: Carrier.telnyx.rawValue, recordingID: recordingID, startedAt: startedAt),
            carrier: Carrier.telnyx.rawValue, carrierCallID: event.callControlID ?? "",
            caller: event.from, called: event.to, startedAt: startedAt)
        call.endedAt = Self.instant(event.recordingEndedAt)
        call.parameters = Self.parameters(event, course?.role)
        return call
    }

    /// How a message of ours ended, when its recording of `milliseconds` is there: by the caller's hang-up, or by silence
    /// or length while the caller stayed. Nil for other calls, and for those that an earlier server knew.
    static func ending(
        _ course: TelnyxCourse?, _ standard: VoicemailPlan, _ milliseconds: Int64?
    ) -> (who: EndParty, why: String)? {
        guard let course, course.role == .voicemail else { return nil }
        if course.hangupSource == "caller" { return (.caller, "hangup") }
        let longest = (course.plan?.voicemail ?? standard).maximumSeconds
        // The carrier stops within a second of the limit.
        if let milliseconds, milliseconds >= Int64(longest - 1) * 1000 { return (.server, "message_full") }
        return (.server, "message_silence")
    }

    static func parameters(_ event: TelnyxEvent, _ role: TelnyxRole?) -> String {
        let members: [(String, String?)] = [
            ("call_session_id", event.callSessionID), ("connection_id", event.connectionID),
            ("mode", role == .voicemail ? "voicemail" : nil),
        ]
        return JSON.object(
            members.compactMap { name, value in
                value.map { (name: name, json: JSON.quoted($0)) }
            })
    }

    static func instant(_ text: String?) -> Int64? { text.flatMap(ArchiveTime.parse) }

    /// Where the webhook says that the recording is.
    private static func source(_ event: TelnyxEvent) -> RecordingSource? {
        var stated: Int64?
        if let start = instant(event.recordingStartedAt), let end = instant(event.recordingEndedAt) {
            stated = (end - start) / 1000
        }
        return source(event.recordingURLs, stated) ?? source(event.publicRecordingURLs, stated)
    }

    private static func source(_ recording: TelnyxRecording) -> RecordingSource? {
        source(recording.downloadURLs, recording.milliseconds.map(Int64.init))
    }

    private static func source(_ urls: [String: String], _ stated: Int64?) -> RecordingSource? {
        for format in RecordingFormat.allCases {
            if let url = urls[format.rawValue] {
                return RecordingSource(url: url, format: format, statedMilliseconds: stated)
            }
        }
        return nil
    }

    func count(_ outcome: String) {
        parts.metrics.add(
            "teeline_carrier_recordings_total",
            labels: MetricsRegistry.label("carrier", Carrier.telnyx.rawValue) + ","
                + MetricsRegistry.label("outcome", outcome))
    }
}
