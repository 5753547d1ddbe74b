// What is asked of an outbound call, and why it is refused.

import Carriers
import Routing

/// A call that is to be placed.
public struct PlacementOrder: Sendable {
    /// The carrier.
    public var carrier: Carrier
    /// The number to call (E.164). Personal: never in a log.
    public var to: String
    /// The number to show; nil: the configured one. Personal: never in a log.
    public var from: String?
    /// What the order says of the plan; the rules decide the rest.
    public var plan: CallPlan
    /// What the order says of the stream; nil: as configured.
    public var stream: StreamWishes?

    /// An order made of its parts.
    public init(carrier: Carrier, to: String, from: String?, plan: CallPlan) {
        self.carrier = carrier
        self.to = to
        self.from = from
        self.plan = plan
    }
}

/// Why a call is not placed.
public enum PlacementRefusal: Error, Sendable, Hashable {
    /// There are no keys for this carrier, or no public address it could reach.
    case notConfigured
    /// Too many calls run.
    case busy
    /// The number to show is unknown or none this carrier takes.
    case badNumber
    /// Something that this carrier's stream does not take: the member of the order's `stream` that says it.
    case badStream(member: String)
    /// The order cannot be written down.
    case notKept
    /// The server is stopping.
    case draining
}

/// What becomes of a wish to end a placed call.
public enum CancelOutcome: Sendable, Hashable {
    /// It will end.
    case accepted
    /// It is over already.
    case over
    /// It was not placed here.
    case unknown
}
