// The calls in which Telnyx records a message for us: they have no stream, so that nothing else counts, lists or keeps them.

import Archive
import Carriers
import Routing
import Signalling
import Telemetry

/// A call without a stream of ours that goes on at its carrier.
public struct CarrierCall: Sendable {
    /// Our identifier.
    public var id: String
    /// The carrier.
    public var carrier: Carrier
    /// The carrier's identifier.
    public var carrierCallID: String
    /// The calling number. Personal: never in a log.
    public var caller: String?
    /// The called number. Personal: never in a log.
    public var called: String?
    /// Since when (microseconds UTC).
    public var startedAt: Int64
}

extension TelnyxDoor {
    /// Call `id` has its place until it is over: `watch` ends it by then.
    func holdMessage(_ id: String, _ plan: CallPlan?) {
        guard let course = book.course(id), course.role == .voicemail, !course.isOver else { return }
        let voicemail = plan?.voicemail ?? parts.settings.voicemail
        let seconds = voicemail.maximumSeconds + Self.voicemailMargin + Self.wordsMargin
        parts.passes.hold(
            .telnyx, id, caller: course.announcement?.caller, called: course.announcement?.called,
            milliseconds: Int64(seconds) * 1000)
    }

    /// The calls that leave a message with Telnyx now.
    var messages: [CarrierCall] {
        book.messages.map { id, told in
            let startedAt = TelnyxRecordings.instant(told?.startedAt) ?? 0
            return CarrierCall(
                id: TelnyxRecordings.callID(id, startedAt: startedAt), carrier: .telnyx, carrierCallID: id,
                caller: told?.caller, called: told?.called, startedAt: startedAt)
        }.sorted { ($0.startedAt, $0.id) < ($1.startedAt, $1.id) }
    }

    /// Ends the call that `messages` lists as `id`. False when there is none.
    func hangUpMessage(_ id: String) -> Bool {
        guard let call = messages.first(where: { $0.id == id }) else { return false }
        parts.errands.run { [commands] in await commands.hangUp(call.carrierCallID) }
        return true
    }
}

extension TelnyxRecordings {
    /// What stands for the recording of a call that has none.
    static func nameless(_ call: String) -> String { "call:" + TelnyxCommands.mark(call) }

    /// Our identifier of Telnyx's call `call`, in which a message is left.
    static func callID(_ call: String, startedAt: Int64) -> String {
        CallID.adopted(
            carrier: Carrier.telnyx.rawValue, recordingID: nameless(call), startedAt: startedAt)
    }

    /// A call that was answered for a message is over. When there is no recording of it after a while, a row says so.
    func hungUp(_ event: TelnyxEvent) {
        guard let id = event.callControlID, let course = book.course(id), course.role == .voicemail,
            course.wasAnswered
        else { return }
        Task { [self] in
            do {
                try await Task.sleep(
                    nanoseconds: UInt64(max(parts.settings.messageMilliseconds, 0)) * 1_000_000)
            } catch { return }
            parts.errands.run { [self] in await keepCall(event) }
        }
    }

    /// The same of a call that ended before the server was started.
    func resumeCall(_ event: TelnyxEvent) async {
        guard let id = event.callControlID, TelnyxRole(clientState: event.clientState) == .voicemail else {
            return
        }
        do throws(ArchiveError) {
            let events = try parts.archive.catalog.carrierEvents(ofCarrierCall: id)
            guard events.contains(where: { $0.kind == TelnyxEventKind.callAnswered.name }) else { return }
        } catch {
            return parts.log(.error, "carrier_recordings_unreadable", ["error": .text("\(error)")])
        }
        await keepCall(event)
    }

    private func keepCall(_ event: TelnyxEvent) async {
        guard let id = event.callControlID else { return }
        do throws(ArchiveError) {
            var filter = CallFilter()
            filter.callID = id
            filter.carrier = Carrier.telnyx.rawValue
            guard try parts.archive.catalog.list(filter, limit: 1).items.isEmpty else { return }
        } catch {
            return parts.log(.error, "carrier_recordings_unreadable", ["error": .text("\(error)")])
        }
        await keep(
            event, recordingID: Self.nameless(id), "no_message",
            ending: (event.hangupSource == "caller" ? .caller : .server, "hangup"))
    }
}
