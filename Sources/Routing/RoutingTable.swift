// The rules in order: the first that holds decides.

/// A table of rules over a standard plan. It has no clock and no memory.
public struct RoutingTable: Sendable {
    /// The rules; the first that holds decides.
    public let rules: [RoutingRule]
    /// What a call is when no rule holds, and what rules leave open.
    public let standard: CallPlan

    /// A table of `rules` over `standard`.
    public init(rules: [RoutingRule] = [], standard: CallPlan = CallPlan()) {
        self.rules = rules
        self.standard = standard
    }

    /// Reads `document`, the JSON text of a rules file (README, "Routing rules"; at most 1 MiB).
    ///
    /// `carriers` are the names a rule may tell. Throws everything that is wrong, at once.
    public init(
        document: [UInt8], standard: CallPlan = CallPlan(),
        carriers: Set<String> = ["twilio", "telnyx", "exotel"]
    ) throws(RoutingError) {
        var reader = RulesReader(carriers: carriers)
        let rules = reader.rules(in: document)
        guard reader.problems.isEmpty else { throw RoutingError(problems: reader.problems) }
        self.init(rules: rules, standard: standard)
    }

    /// What the call of `facts` is to be, and the name of the rule that said so; nil for the standard plan.
    ///
    /// The plan's variables are those of the standard plan, over them the context's fields, over them the rule's.
    public func decide(_ facts: RoutingFacts) -> (plan: CallPlan, rule: String?) {
        var plan = standard
        plan.callID = facts.callID ?? plan.callID
        plan.caller = facts.caller ?? plan.caller
        plan.called = facts.called ?? plan.called
        plan.variables.merge(facts.context) { $1 }
        guard let rule = rules.first(where: { $0.condition.holds(for: facts) }) else { return (plan, nil) }
        rule.outcome.apply(to: &plan, for: facts)
        return (plan, rule.name)
    }
}

/// One thing that is wrong in a rules file.
public struct RoutingProblem: Sendable, Hashable, CustomStringConvertible {
    /// Where: "rules[3].when.time".
    public var place: String
    /// What, without a value of the file: numbers and texts are personal.
    public var reason: String

    /// "rules[3].when.time: no such time zone"
    public var description: String { "\(place): \(reason)" }
}

/// A rules file that cannot be used, with everything that is wrong in it.
public struct RoutingError: Error, Sendable, Hashable, CustomStringConvertible {
    /// All of it, in the file's order.
    public var problems: [RoutingProblem]

    /// An error of these problems.
    public init(problems: [RoutingProblem]) { self.problems = problems }

    /// One problem a line.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
