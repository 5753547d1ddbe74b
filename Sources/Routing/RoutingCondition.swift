// The conditions of a rule: all must hold.

/// Which numbers a rule means.
public enum NumberPattern: Sendable, Hashable {
    /// This number, in its one spelling (`PhoneNumber.normalised`).
    case exactly(String)
    /// Every number that begins so.
    case beginning(String)
    /// A number that is not told.
    case unknown

    /// The pattern that `text` writes: a number, a beginning with `*` after it, or `unknown` (also `anonymous`). Nil for an
    /// empty one and for a `*` elsewhere.
    public init?(_ text: String) {
        if text.allSatisfy({ $0.isWhitespace }) { return nil }
        if PhoneNumber.isAnonymous(text) {
            self = .unknown
        } else if text.hasSuffix("*") {
            let beginning = PhoneNumber.normalised(String(text.dropLast()))
            guard !beginning.contains("*"), beginning != PhoneNumber.anonymous else { return nil }
            self = .beginning(beginning)
        } else {
            let number = PhoneNumber.normalised(text)
            guard !number.contains("*") else { return nil }
            self = .exactly(number)
        }
    }

    /// Whether it means `number`, as a carrier tells it.
    public func matches(_ number: String?) -> Bool {
        guard let number, !PhoneNumber.isAnonymous(number) else { return self == .unknown }
        let normal = PhoneNumber.normalised(number)
        return switch self {
        case .exactly(let wanted): normal == wanted
        case .beginning(let wanted): normal.hasPrefix(wanted)
        case .unknown: false
        }
    }
}

/// What a rule wants of a field of the context.
public enum FieldCondition: Sendable, Hashable {
    /// Its value is one of these.
    case oneOf(Set<String>)
    /// It is there and not empty.
    case present
    /// It is not there, or empty.
    case absent

    /// Whether `value`, nil for a field that is not there, is as wanted.
    public func matches(_ value: String?) -> Bool {
        switch self {
        case .oneOf(let wanted): value.map(wanted.contains) ?? false
        case .present: !(value ?? "").isEmpty
        case .absent: (value ?? "").isEmpty
        }
    }
}

/// The conditions of a rule. What is nil or empty is no condition.
public struct RoutingCondition: Sendable, Hashable {
    /// The called number is one of these.
    public var called: [NumberPattern]?
    /// The calling number is one of these.
    public var caller: [NumberPattern]?
    /// The carrier is one of these.
    public var carriers: Set<String>?
    /// The direction is this.
    public var direction: RoutingDirection?
    /// Every field is as wanted.
    public var context: [String: FieldCondition] = [:]
    /// The time is in one of these.
    public var windows: [TimeWindow]?

    /// No condition: every call.
    public init() {}

    /// Whether all of them hold.
    public func holds(for facts: RoutingFacts) -> Bool {
        if let called, !called.contains(where: { $0.matches(facts.called) }) { return false }
        if let caller, !caller.contains(where: { $0.matches(facts.caller) }) { return false }
        if let carriers, !carriers.contains(facts.carrier) { return false }
        if let direction, direction != facts.direction { return false }
        if !context.allSatisfy({ $0.value.matches(facts.context[$0.key]) }) { return false }
        if let windows, !windows.contains(where: { $0.contains(facts.at) }) { return false }
        return true
    }
}
