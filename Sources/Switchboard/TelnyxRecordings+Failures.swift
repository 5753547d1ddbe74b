// What Telnyx was to record and did not: rows that say so, and why.

import Archive
import Carriers
import Signalling
import Telemetry

extension TelnyxRecordings {
    /// Telnyx could not record.
    func failed(_ event: TelnyxEvent) async {
        tell(event, Self.cause(event.reason))
        await keepFailure(event)
    }

    /// The row of `call.recording.error`. The documented payload names no recording (carriers.md §3.4): the event's own id
    /// stands for it.
    func keepFailure(_ event: TelnyxEvent) async {
        await keep(event, recordingID: event.recordingID ?? "event:" + event.id, Self.cause(event.reason))
    }

    /// Telnyx did not take the command to record.
    func notBegun(_ event: TelnyxEvent, _ failure: RESTFailure) async {
        let cause = "carrier_refused_" + failure.token
        tell(event, cause)
        await keep(
            event, recordingID: "command:" + TelnyxCommands.mark(event.callControlID ?? event.id), cause)
    }

    private func tell(_ event: TelnyxEvent, _ cause: String) {
        count("carrier_failed")
        let call = event.callControlID.map(TelnyxCommands.mark) ?? ""
        parts.log(.error, "telnyx_recording_failed", ["call": .text(call), "cause": .text(cause)])
    }

    /// Telnyx's reasons (carriers.md §3.4) as tokens.
    static func cause(_ reason: String?) -> String {
        switch reason {
        case "Failed to authorize with storage using custom credentials": "carrier_storage_unauthorized"
        case "Invalid credentials json": "carrier_storage_credentials"
        case "Unsupported backend": "carrier_storage_unsupported"
        case "Internal server error": "carrier_internal_error"
        default: "carrier_failed"
        }
    }

    /// A row of a recording that there will not be. The same one again changes nothing.
    func keep(
        _ event: TelnyxEvent, recordingID: String, _ cause: String,
        ending: (who: EndParty, why: String) = (.carrier, "recording_failed")
    ) async {
        let carrier = Carrier.telnyx.rawValue
        do throws(ArchiveError) {
            let course = event.callControlID.flatMap { book.course($0) }
            // The event tells neither numbers nor the call's begin; the one that announced the call did.
            var told = course?.announcement
            if told == nil { told = try announcement(of: event.callControlID ?? "") }
            var call = row(event, recordingID)
            call.caller = call.caller ?? told?.caller
            call.called = call.called ?? told?.called
            if let start = Self.instant(told?.startedAt) {
                call.startedAt = min(start, call.startedAt)
                call.id = CallID.adopted(
                    carrier: carrier, recordingID: recordingID, startedAt: call.startedAt)
            }
            call.endedAt = Self.instant(event.occurredAt)
            // A message that cannot be taken ends its call; a bridged one goes on.
            if course?.plan?.mode == .voicemail || TelnyxRole(clientState: event.clientState) == .voicemail {
                (call.endWho, call.endWhy) = (ending.who, ending.why)
                call.parameters = Self.parameters(event, .voicemail)
            }
            let provenance = RecordingProvenance(
                carrier: carrier, recordingID: recordingID, host: "", downloadedAt: ArchiveTime.now(),
                format: .mp3)
            try await parts.archive.apply(.failAdoption(call, provenance, cause: cause))
        } catch {
            parts.log(.error, "carrier_recording_not_kept", ["error": .text("\(error)")])
        }
    }
    /// What announced a call that an earlier server knew.
    private func announcement(of call: String) throws(ArchiveError) -> TelnyxAnnouncement? {
        try parts.archive.catalog.carrierEvents(ofCarrierCall: call)
            .lazy.compactMap(Self.event).first { $0.kind == .callInitiated }.map(TelnyxAnnouncement.init)
    }
}
