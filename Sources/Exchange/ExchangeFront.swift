// The desk of a running server: what it needs of the exchange.

import Archive
import Calls
import Carriers
import Desk
import Net
import Telemetry

/// The program's version.
public enum TeelineVersion {
    /// As `--version` and the OpenAPI document tell it.
    public static let text = "0.1.0"
}

/// Knows the calls that run, for the desk.
struct LiveCallBoard: LiveCallSource {
    let office: CallOffice

    func liveCalls() -> [LiveCall] {
        let elsewhere = (office.switchboard?.carrierCalls ?? []).map {
            LiveCall(
                id: $0.id, carrier: $0.carrier.rawValue, carrierCallID: $0.carrierCallID, caller: $0.caller,
                called: $0.called, startedAt: $0.startedAt, phase: "carrier_recording")
        }
        let here = office.entries.map { entry in
            LiveCall(
                id: entry.callID, carrier: entry.carrier?.rawValue ?? Carrier.unrecognised,
                carrierCallID: entry.start?.callID ?? "",
                agentID: entry.agentID,
                caller: entry.start?.caller, called: entry.start?.called, startedAt: entry.startedAt,
                phase: entry.phase.rawValue)
        }
        return (here + elsewhere).sorted { ($0.startedAt, $0.id) < ($1.startedAt, $1.id) }
    }
}

extension Settings {
    /// Who may use the API.
    var access: BearerAccess {
        BearerAccess(tokens: apiTokens, openOnLoopback: apiTokens.isEmpty && isLoopback)
    }
}

extension DeskHandler {
    /// The desk over a server's parts.
    init(
        settings: Settings, archive: CallArchive, office: CallOffice, line: RecordingLine, mending: Mending,
        gate: MediaGate, metrics: MetricsRegistry, log: Log
    ) {
        let calls = CallDesk(office: office, catalog: archive.catalog)
        self.init(
            Parts(
                catalog: archive.catalog, archive: archive,
                access: settings.access,
                version: TeelineVersion.text, live: LiveCallBoard(office: office), control: calls,
                issuer: calls,
                media: gate,
                bodyBytes: settings.bodyBytes, doors: DoorDocuments.all, schemes: DoorDocuments.schemes,
                unready: {
                    (office.isClosed ? ["draining"] : office.isFull ? ["too_many_calls"] : [])
                        + [office.disk.trouble?.rawValue].compactMap(\.self)
                },
                metrics: {
                    metrics.set("teeline_calls_live", Double(office.liveCount))
                    metrics.set(
                        "teeline_recordings_unfinished", Double(line.unfinishedCount + mending.waiting))
                    metrics.set("teeline_storage_free_bytes", Double(office.disk.freeBytes))
                    metrics.set("teeline_storage_full", office.disk.trouble == nil ? 0 : 1)
                    metrics.set("teeline_tape_waiting_bytes", Double(line.writer.waitingBytes))
                    return metrics.text()
                },
                report: { fault in
                    log(
                        .error, "desk_fault",
                        [
                            "error_id": .text(fault.id), "route": .text(fault.route),
                            "call": .text(fault.call ?? ""), "error": .text(fault.what),
                        ])
                }))
    }
}
