// The calls that run, as the switchboard sees them.

import Calls
import Carriers
import Routing
import Switchboard

extension CallOffice: CallFloor {
    /// See `CallFloor`. An unknown number is nobody's: it has no limit of its own.
    func room(caller: String?, called: String?) -> Room {
        let awaited = switchboard?.passes.awaitedCalls ?? []
        guard isClosed || !isFull(awaited: awaited.count) else { return .busy }
        return room(caller: caller, called: called, besides: nil, awaited: awaited)
    }

    /// Whether no further call has a place.
    var isFull: Bool { isFull(awaited: switchboard?.passes.awaitedCalls.count ?? 0) }

    private func isFull(awaited: Int) -> Bool {
        // Calls that are being placed have a place already, though their streams are still to come.
        let early = Set(entries.compactMap(\.session.dial))
        let underWay = switchboard?.dialsUnderWay(besides: early) ?? 0
        return placesTaken + underWay + awaited >= settings.maxCalls
    }

    /// The same for the call of session `key`, which has its place already.
    func room(
        caller: String?, called: String?, besides key: String?,
        awaited: [(caller: String?, called: String?)] = []
    ) -> Room {
        if isClosed { return .draining }
        // A call that cannot be recorded is not taken; the caller hears why in the words for a full house.
        if disk.trouble != nil { return .busy }
        let entries = self.entries.filter { $0.session.key != key }
        guard entries.count < settings.maxCalls else { return .busy }
        let numbers = entries.map { (caller: $0.start?.caller, called: $0.start?.called) } + awaited
        func isFull(
            _ number: String?, _ limit: Int, _ of: ((caller: String?, called: String?)) -> String?
        ) -> Bool {
            // Where nobody proves anything a number proves nothing either: a load test rings from one.
            guard limit > 0, !settings.carrierAuthIsOff, let number, !PhoneNumber.isAnonymous(number) else {
                return false
            }
            let wanted = Self.digits(number)
            return numbers.count { of($0).map(Self.digits) == wanted } >= limit
        }
        let isBusy =
            isFull(caller, settings.callsPerCaller) { $0.caller }
            || isFull(called, settings.callsPerCalled) { $0.called }
        return isBusy ? .busy : .free
    }

    /// A number as limits count it: one line is one line, however a carrier writes it, with `+` or without.
    private static func digits(_ number: String) -> Substring {
        let normal = PhoneNumber.normalised(number)
        return normal.hasPrefix("+") ? normal.dropFirst() : normal[...]
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
        return (start.carrier, start.callID)
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

extension CallEndReason {
    /// What the caller is to be told when a call ended so: nobody could talk, and the line is still open.
    var apology: Apology? {
        switch self {
        case .busy: .busy
        case .agentUnreachable, .agentRefused, .agentQuota, .agentFailed, .agentLost, .agentFormat,
            .speechFailed, .unsupportedFormat:
            .fallback
        default: nil
        }
    }
}
