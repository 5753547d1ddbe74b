// Outbound calls: placed, and ended, by each carrier's REST service.

import Archive
import Carriers
import Net
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
    /// The server is stopping.
    case draining
}

/// Places calls and ends them.
struct CallPlacer: Sendable {
    private let parts: SwitchboardParts

    init(_ parts: SwitchboardParts) { self.parts = parts }

    /// Begins to place a call; what becomes of it is told by its row.
    func place(_ order: PlacementOrder) -> Result<DialRow, PlacementRefusal> { .failure(.notConfigured) }

    /// Ends the call that `carrier` knows by `carrierCallID`, by its REST service.
    func hangUp(_ carrier: Carrier, carrierCallID: String) {}
}
