// The calls that run, as the switchboard sees them.

import Calls
import Carriers
import Switchboard

extension CallOffice: CallFloor {
    /// See `CallFloor`. An unknown number is nobody's: it has no limit of its own.
    func room(caller: String?, called: String?) -> Room {
        // Calls that are being placed have a place already, though their streams are still to come.
        let underWay = switchboard?.dialsUnderWay ?? 0
        guard isClosed || liveCount + underWay < settings.maxCalls else { return .busy }
        return room(caller: caller, called: called, besides: nil)
    }

    /// The same for the call of session `key`, which has its place already.
    func room(caller: String?, called: String?, besides key: String?) -> Room {
        if isClosed { return .draining }
        let entries = self.entries.filter { $0.session.key != key }
        guard entries.count < settings.maxCalls else { return .busy }
        func isFull(_ number: String?, _ limit: Int, _ of: (LiveCallEntry) -> String?) -> Bool {
            guard limit > 0, let number, !number.isEmpty, number != "anonymous" else { return false }
            return entries.count { of($0) == number } >= limit
        }
        let isBusy =
            isFull(caller, settings.callsPerCaller) { $0.start?.caller }
            || isFull(called, settings.callsPerCalled) { $0.start?.called }
        return isBusy ? .busy : .free
    }

    /// See `CallFloor`.
    func carrierHungUp(_ carrier: Carrier, carrierCallID: String) -> Bool {
        guard
            let entry = entries.first(where: {
                $0.carrier == carrier && $0.start?.callID == carrierCallID
            })
        else { return false }
        let session = entry.session
        session.loop.execute { session.carrierHungUp() }
        return true
    }

    /// See `CallFloor`.
    func liveCall(_ id: String) -> (carrier: Carrier, carrierCallID: String)? {
        guard let entry = entries.first(where: { $0.callID == id }), let start = entry.start else {
            return nil
        }
        return (entry.carrier, start.callID)
    }

    /// See `CallFloor`.
    func openStreams() -> [OpenStream] {
        entries.map {
            OpenStream(
                callID: $0.callID, carrier: $0.carrier, carrierCallID: $0.start?.callID ?? "",
                phase: $0.phase.rawValue, startedAt: $0.startedAt)
        }.sorted { ($0.startedAt, $0.callID) < ($1.startedAt, $1.callID) }
    }

    /// See `CallFloor`.
    func hangUp(_ id: String) -> Bool {
        guard let entry = entries.first(where: { $0.callID == id }) else { return false }
        let session = entry.session
        session.loop.execute { session.hangUp(.operatorHangup) }
        return true
    }
}
