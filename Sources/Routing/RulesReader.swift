// Reads a rules file strictly: what is unknown, twice or senseless is a problem with a place, and all are told.

/// Reads rules and gathers problems.
struct RulesReader {
    /// The carriers' names a rule may tell.
    let carriers: Set<String>
    /// What is wrong so far, in the file's order.
    var problems: [RoutingProblem] = []

    /// Most bytes of a file.
    static let documentLimit = 1 << 20
    /// Most rules of a file.
    static let ruleLimit = 1000

    init(carriers: Set<String>) { self.carriers = carriers }

    mutating func complain(_ place: String, _ reason: String) {
        problems.append(RoutingProblem(place: place, reason: reason))
    }

    /// The rules of `document`; without meaning when there are problems.
    mutating func rules(in document: [UInt8]) -> [RoutingRule] {
        guard document.count <= Self.documentLimit else {
            complain("document", "is larger than 1 MiB")
            return []
        }
        guard let tree = RulesNode.parse(document) else {
            complain("document", "is not JSON")
            return []
        }
        let members = members(tree, "document", ["rules", "$comment"], inside: "")
        guard let list = members["rules"] else {
            complain("rules", "is missing")
            return []
        }
        guard case .array(let elements) = list else {
            complain("rules", "must be a list")
            return []
        }
        if elements.count > Self.ruleLimit { complain("rules", "are more than \(Self.ruleLimit)") }
        var names: Set<String> = []
        return elements.prefix(Self.ruleLimit).enumerated().map { index, node in
            let place = "rules[\(index)]"
            let rule = rule(node, place)
            if !names.insert(rule.name).inserted { complain(place + ".name", "another rule has this name") }
            return rule
        }
    }

    private mutating func rule(_ node: RulesNode, _ place: String) -> RoutingRule {
        let members = members(node, place, ["name", "when", "then", "$comment"])
        var name = place
        if let node = members["name"], let given = string(node, place + ".name") {
            if given.isEmpty || given.utf8.count > 64
                || !given.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
            {
                complain(place + ".name", "must be 1 to 64 printable ASCII characters")
            } else {
                name = given
            }
        }
        let condition = members["when"].map { self.condition($0, place + ".when") }
        if members["then"] == nil, case .object = node { complain(place + ".then", "is missing") }
        let outcome = members["then"].map { self.outcome($0, place + ".then") }
        return RoutingRule(
            name: name, condition: condition ?? RoutingCondition(), outcome: outcome ?? RoutingOutcome())
    }

    // MARK: Pieces

    /// The members of an object by name; unknown and repeated ones are problems.
    mutating func members(_ node: RulesNode, _ place: String, _ known: Set<String>, inside: String? = nil)
        -> [String: RulesNode]
    {
        guard case .object(let list) = node else {
            complain(place, "must be an object")
            return [:]
        }
        let inside = inside ?? place + "."
        var found: [String: RulesNode] = [:]
        for (name, value) in list {
            if !known.contains(name) {
                complain(inside + Self.label(name), "unknown key")
            } else if found.updateValue(value, forKey: name) != nil {
                complain(inside + name, "stands twice")
            }
        }
        if let comment = found["$comment"] { _ = string(comment, inside + "$comment") }
        return found
    }

    /// The members of an object whose names are free.
    mutating func entries(_ node: RulesNode, _ place: String) -> [(name: String, value: RulesNode)] {
        guard case .object(let list) = node else {
            complain(place, "must be an object")
            return []
        }
        var names: Set<String> = []
        for (name, _) in list {
            if name.isEmpty { complain(place, "has a key without a name") }
            if !names.insert(name).inserted { complain(place + "." + Self.label(name), "stands twice") }
        }
        return list
    }

    mutating func string(_ node: RulesNode, _ place: String) -> String? {
        if case .string(let text) = node { return text }
        complain(place, "must be text")
        return nil
    }

    mutating func bool(_ node: RulesNode, _ place: String) -> Bool? {
        if case .bool(let value) = node { return value }
        complain(place, "must be true or false")
        return nil
    }

    mutating func integer(_ node: RulesNode, _ place: String, _ range: ClosedRange<Int>) -> Int? {
        if case .number(_, let value?) = node, let value = Int(exactly: value), range.contains(value) {
            return value
        }
        complain(place, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    /// One value, or the values of a list that is not empty, each with its place.
    mutating func oneOrMore(_ node: RulesNode, _ place: String) -> [(node: RulesNode, place: String)] {
        guard case .array(let elements) = node else { return [(node, place)] }
        if elements.isEmpty { complain(place, "is an empty list: no call could match") }
        return elements.enumerated().map { ($1, "\(place)[\($0)]") }
    }

    /// A key's name as a message may show it.
    static func label(_ name: String) -> String {
        let bytes = name.utf8.prefix(64).map { (0x21...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }
        return String(decoding: bytes, as: UTF8.self)
    }
}
