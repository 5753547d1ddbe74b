// A rules file as a tree that owns its values: members in the file's order, repetitions kept.

import Wire

/// One value of a rules file.
indirect enum RulesNode {
    case null
    case bool(Bool)
    case number(text: String, integer: Int64?)
    case string(String)
    case array([RulesNode])
    case object([(name: String, value: RulesNode)])

    /// Longest string in a rules file, in bytes.
    static let stringLimit = 64 << 10

    /// The tree of `bytes`; nil when they are not JSON.
    static func parse(_ bytes: [UInt8]) -> RulesNode? {
        bytes.withUnsafeBytes { raw in
            var scanner = JSONScanner(raw)
            guard let value = scanner.value(), scanner.finish() else { return nil }
            return RulesNode(value)
        }
    }

    /// The tree of a validated value; nil for a string beyond the limit.
    private init?(_ value: JSONValue) {
        switch value {
        case .null: self = .null
        case .bool(let bool): self = .bool(bool)
        case .number(let number):
            self = .number(text: String(decoding: number.bytes, as: UTF8.self), integer: number.integer)
        case .string(let text):
            guard let string = text.string(limit: Self.stringLimit) else { return nil }
            self = .string(string)
        case .array(let container):
            var scanner = container.scanner()
            var elements: [RulesNode] = []
            guard scanner.enterArray() else { return nil }
            while scanner.nextElement() {
                guard let element = scanner.value().flatMap(RulesNode.init) else { return nil }
                elements.append(element)
            }
            self = .array(elements)
        case .object(let container):
            var scanner = container.scanner()
            var members: [(name: String, value: RulesNode)] = []
            guard scanner.enterObject() else { return nil }
            while let name = scanner.nextMember() {
                guard let name = name.string(limit: Self.stringLimit),
                    let value = scanner.value().flatMap(RulesNode.init)
                else { return nil }
                members.append((name, value))
            }
            self = .object(members)
        }
    }

    /// A string, number or truth value as the text a field of the context would have.
    var scalar: String? {
        switch self {
        case .bool(let bool): bool ? "true" : "false"
        case .number(let text, _): text
        case .string(let text): text
        case .null, .array, .object: nil
        }
    }
}
