// What is known of a call when it is decided what it is to be.

/// Who began a call.
public enum RoutingDirection: String, Sendable, Hashable, CaseIterable {
    /// Somebody rang us.
    case inbound
    /// We rang somebody.
    case outbound
}

/// The facts rules look at. Nothing else decides: the same facts give the same plan.
public struct RoutingFacts: Sendable, Hashable {
    /// The carrier's name ("twilio").
    public var carrier: String
    /// The calling number as the carrier tells it; nil when it does not. Personal: never in a log.
    public var caller: String?
    /// The called number as the carrier tells it; nil when it does not. Personal: never in a log.
    public var called: String?
    /// Who began the call.
    public var direction: RoutingDirection
    /// Fields that are known of the call, by name. Personal: never in a log.
    public var context: [String: String]
    /// Our identifier of the call, when it has one.
    public var callID: String?
    /// When it is decided, in microseconds since 1970-01-01 00:00 UTC.
    public var at: Int64

    /// Facts made of their parts.
    public init(
        carrier: String, caller: String? = nil, called: String? = nil,
        direction: RoutingDirection = .inbound, context: [String: String] = [:], callID: String? = nil,
        at: Int64
    ) {
        self.carrier = carrier
        self.caller = caller
        self.called = called
        self.direction = direction
        self.context = context
        self.callID = callID
        self.at = at
    }

    /// What a placeholder of this name stands for; nil when nothing. The call's own facts come before the context's fields.
    func value(of name: String) -> String? {
        switch name {
        case "caller": caller
        case "called": called
        case "carrier": carrier
        case "call_id": callID
        default: context[name]
        }
    }
}

/// Says nothing personal, wherever they are printed.
extension RoutingFacts: CustomStringConvertible, CustomDebugStringConvertible {
    /// The carrier and the direction.
    public var description: String { "\(direction.rawValue) call of \(carrier)" }
    /// The same as `description`: a dump must not tell more.
    public var debugDescription: String { description }
}
