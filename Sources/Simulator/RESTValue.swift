// JSON as a value: what simulated services read and write.

import Wire

/// One JSON value. Members keep their order.
public indirect enum RESTValue: Sendable, Hashable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A whole number.
    case integer(Int64)
    /// Any other number, as written.
    case number(String)
    /// Text.
    case text(String)
    /// A list.
    case list([RESTValue])
    /// An object.
    case object([Member])

    /// A member of an object.
    public struct Member: Sendable, Hashable {
        /// Its name.
        public var name: String
        /// Its value.
        public var value: RESTValue

        /// A member made of its parts.
        public init(_ name: String, _ value: RESTValue) {
            self.name = name
            self.value = value
        }
    }

    /// The value of `bytes`; nil when they are not JSON.
    public init?(_ bytes: [UInt8]) {
        let value = bytes.withUnsafeBytes { raw -> RESTValue? in
            var scanner = JSONScanner(raw)
            guard let value = scanner.value(), scanner.finish() else { return nil }
            return RESTValue(scanned: value)
        }
        guard let value else { return nil }
        self = value
    }

    private init?(scanned: JSONValue) {
        switch scanned {
        case .null: self = .null
        case .bool(let bool): self = .bool(bool)
        case .number(let number):
            let text = String(decoding: number.bytes, as: UTF8.self)
            self = Int64(text).map(RESTValue.integer) ?? .number(text)
        case .string(let text):
            guard let string = text.string(limit: .max) else { return nil }
            self = .text(string)
        case .array(let container):
            var scanner = container.scanner()
            var list: [RESTValue] = []
            guard scanner.enterArray() else { return nil }
            while scanner.nextElement() {
                guard let element = scanner.value().flatMap(RESTValue.init(scanned:)) else { return nil }
                list.append(element)
            }
            self = .list(list)
        case .object(let container):
            var scanner = container.scanner()
            var members: [Member] = []
            guard scanner.enterObject() else { return nil }
            while let name = scanner.nextMember() {
                guard let name = name.string(limit: .max),
                    let value = scanner.value().flatMap(RESTValue.init(scanned:))
                else { return nil }
                members.append(Member(name, value))
            }
            self = .object(members)
        }
    }

    /// The members of an object; none for anything else.
    public var members: [Member] { if case .object(let members) = self { members } else { [] } }
    /// The elements of a list; none for anything else.
    public var elements: [RESTValue] { if case .list(let list) = self { list } else { [] } }
    /// The text, when it is one.
    public var text: String? { if case .text(let text) = self { text } else { nil } }
    /// The whole number, when it is one.
    public var integer: Int64? { if case .integer(let integer) = self { integer } else { nil } }
    /// The first member named `name`.
    public subscript(name: String) -> RESTValue? { members.first { $0.name == name }?.value }

    /// The JSON text.
    public var bytes: [UInt8] {
        var output: [UInt8] = []
        append(to: &output)
        return output
    }

    private func append(to output: inout [UInt8]) {
        switch self {
        case .null: output += "null".utf8
        case .bool(let bool): output += (bool ? "true" : "false").utf8
        case .integer(let integer): JSONWriter.append(integer: integer, to: &output)
        case .number(let text): output += text.utf8
        case .text(let text): JSONWriter.append(string: text, to: &output)
        case .list(let list):
            output.append(UInt8(ascii: "["))
            for (index, element) in list.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                element.append(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let members):
            output.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                JSONWriter.append(string: member.name, to: &output)
                output.append(UInt8(ascii: ":"))
                member.value.append(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }
}

extension RESTValue: ExpressibleByStringLiteral, ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
    /// Text.
    public init(stringLiteral value: String) { self = .text(value) }
    /// An object in the literal's order.
    public init(dictionaryLiteral elements: (String, RESTValue)...) {
        self = .object(elements.map { Member($0.0, $0.1) })
    }
    /// A list.
    public init(arrayLiteral elements: RESTValue...) { self = .list(elements) }
    /// A whole number.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// A truth value.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// `null`.
    public init(nilLiteral: ()) { self = .null }
    /// Text, or `null` for none.
    public init(_ text: String?) { self = text.map(RESTValue.text) ?? .null }
}
