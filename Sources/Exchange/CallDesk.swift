// What the desk does to calls: places them, ends them, speaks in them, and issues passes for their streams.

import Archive
import Calls
import Carriers
import Desk
import Net
import Routing
import Signalling
import Switchboard
import Telemetry

/// Carries out the desk's wishes by the office and its switchboard.
struct CallDesk: CallControl, StreamTokenIssuer {
    let office: CallOffice
    let catalog: Catalog

    /// Seconds after which a refused order may be tried again.
    private static let retrySeconds = 10

    func place(_ order: CallOrder) -> Result<DialRow, CallControlRefusal> {
        guard let carrier = Carrier(rawValue: order.carrier), let switchboard = office.switchboard else {
            return .failure(.carrierNotConfigured)
        }
        var placement = PlacementOrder(carrier: carrier, to: order.to, from: order.from, plan: order.plan)
        placement.stream = order.stream
        return switchboard.place(placement).mapError { refusal in
            switch refusal {
            case .notConfigured: .carrierNotConfigured
            case .busy: .tooManyCalls(retryAfterSeconds: Self.retrySeconds)
            case .badNumber: .bad(member: "from")
            case .badStream(let member): .bad(member: "stream." + member)
            case .notKept: .storageUnavailable
            case .draining: .draining
            }
        }
    }

    func hangUp(_ id: String) -> HangUpOutcome {
        if office.hangUp(id) { return .accepted }
        switch office.switchboard?.cancel(id) ?? .unknown {
        case .accepted: return .accepted
        case .over: return .over
        case .unknown: return standing(id) == .over ? .over : .unknown
        }
    }

    func speak(_ id: String, _ text: String) -> SpeakOutcome {
        guard let entry = office.entries.first(where: { $0.callID == id }), let plan = entry.plan else {
            switch standing(id) {
            case .over: return .over
            case .placed: return .notSpeaking
            case .unknown: return .unknown
            }
        }
        guard plan.mode == .speech else { return .wrongMode }
        let session = entry.session
        // Only the call itself knows whether it takes the text: it may end, or too many may wait.
        let answer = AwaitedAnswer<SpeakOutcome>()
        session.loop.execute { answer.give { session.say(text) } }
        return answer.wait(milliseconds: Self.sayMilliseconds) ?? .tooMany
    }

    /// Longest wait for a call's own loop, in milliseconds: it turns every 20.
    private static let sayMilliseconds: Int64 = 2_000

    func issue(_ order: StreamTokenOrder) -> Result<Desk.StreamToken, CallControlRefusal> {
        guard let carrier = Carrier(rawValue: order.carrier), let switchboard = office.switchboard,
            // Without a public address there is nothing to connect to.
            switchboard.streamURL(carrier, token: "") != nil
        else { return .failure(.carrierNotConfigured) }
        do throws(StreamPassError) {
            let token = try switchboard.passes.issue(
                carrier: carrier, carrierCallID: order.carrierCallID, plan: order.plan)
            guard let url = switchboard.streamURL(carrier, token: token.text) else {
                return .failure(.carrierNotConfigured)
            }
            let (micros, overflow) = token.expiresAt.multipliedReportingOverflow(by: 1000)
            return .success(
                Desk.StreamToken(token: token.text, expiresAt: overflow ? .max : micros, url: url))
        } catch {
            return .failure(.tooManyCalls(retryAfterSeconds: Self.retrySeconds))
        }
    }

    /// What is known of a call that is not live.
    private enum Standing {
        /// It was a call, or the order of one, and is over.
        case over
        /// It is placed and cannot be spoken in, whatever its mode: not yet, or not any more.
        case placed
        /// Nothing is known of it.
        case unknown
    }

    private func standing(_ id: String) -> Standing {
        do throws(ArchiveError) {
            if let dial = try catalog.dial(id) { return dial.state.isFinal ? .over : .placed }
            return try catalog.call(id) == nil ? .unknown : .over
        } catch {
            office.log(.error, "call_unreadable", ["call": .text(id), "error": .text("\(error)")])
            return .unknown
        }
    }
}
