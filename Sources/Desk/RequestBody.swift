// The bodies of requests: JSON as a tree, read strictly.

import Net
import Wire

/// A JSON value of a request's body.
enum BodyValue: Sendable, Hashable {
    case null
    case bool(Bool)
    /// A number, as written.
    case number(String)
    case text(String)
    case array([BodyValue])
    case object([BodyMember])

    /// Reads one whole JSON text of valid UTF-8; nil when it is none. Nesting is bounded by the scanner (64).
    init?(_ bytes: [UInt8]) {
        guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
        let value: BodyValue? = bytes.withUnsafeBytes { bytes in
            var scanner = JSONScanner(bytes)
            guard let value = scanner.value(), scanner.finish() else { return nil }
            return Self.read(value)
        }
        guard let value else { return nil }
        self = value
    }

    private static func read(_ value: JSONValue) -> BodyValue {
        switch value {
        case .null: return .null
        case .bool(let bool): return .bool(bool)
        case .number: return .number(value.scalarString(limit: .max) ?? "")
        case .string(let text): return .text(text.string(limit: .max) ?? "")
        case .array(let container):
            var items: [BodyValue] = []
            var scanner = container.scanner()
            guard scanner.enterArray() else { return .null }
            while scanner.nextElement(), let item = scanner.value() { items.append(read(item)) }
            return .array(items)
        case .object(let container):
            var members: [BodyMember] = []
            var scanner = container.scanner()
            guard scanner.enterObject() else { return .null }
            while let name = scanner.nextMember(), let item = scanner.value() {
                members.append(BodyMember(name: name.string(limit: .max) ?? "", value: read(item)))
            }
            return .object(members)
        }
    }

    /// A text, number or truth value as text; nil for the rest.
    var scalar: String? {
        switch self {
        case .text(let text), .number(let text): text
        case .bool(let bool): bool ? "true" : "false"
        case .null, .array, .object: nil
        }
    }
}

/// One member of an object.
struct BodyMember: Sendable, Hashable {
    var name: String
    var value: BodyValue
}

/// What is wrong with a body.
enum BodyFault: Error, Sendable, Hashable {
    /// It is no JSON, or no object where one is needed.
    case syntax
    /// A member that nothing is known of.
    case unknown(String)
    /// A member that must be there.
    case missing(String)
    /// A member that cannot be read, or stands there twice.
    case bad(String)

    /// As a problem; `place` says where in a list it stands ("Item 3: "). A name from outside is only told when it is
    /// a plain word.
    func problem(_ place: String = "") -> Problem {
        let detail =
            switch self {
            case .syntax: "The body is not the JSON that is needed."
            case .unknown(let name): "The member \(PlainWord.told(name)) is not known here."
            case .missing(let name): "The member \(PlainWord.told(name)) is missing."
            case .bad(let name): "The member \(PlainWord.told(name)) cannot be taken."
            }
        return Problem(status: 400, code: "bad_body", detail: place + detail)
    }
}

/// An object of a body of which every member is known.
struct BodyObject {
    private var members: [String: BodyValue] = [:]

    /// Takes `value`, which must be an object with members of `known` only, each at most once.
    init(_ value: BodyValue, known: Set<String>) throws(BodyFault) {
        guard case .object(let list) = value else { throw .syntax }
        for member in list {
            guard known.contains(member.name) else { throw .unknown(member.name) }
            guard members.updateValue(member.value, forKey: member.name) == nil else {
                throw .bad(member.name)
            }
        }
    }

    /// A member; null is as if it were not there.
    func value(_ name: String) -> BodyValue? { members[name].flatMap { $0 == .null ? nil : $0 } }

    /// A text of 1 to `limit` bytes, when it is there.
    func text(_ name: String, limit: Int = 256) throws(BodyFault) -> String? {
        guard let value = value(name) else { return nil }
        guard case .text(let text) = value, (1...limit).contains(text.utf8.count), !text.utf8.contains(0)
        else { throw .bad(name) }
        return text
    }

    /// A text that must be there.
    func required(_ name: String, limit: Int = 256) throws(BodyFault) -> String {
        guard let text = try text(name, limit: limit) else { throw .missing(name) }
        return text
    }

    /// One of the values of `Choice`, when it is there.
    func choice<Choice: RawRepresentable<String>>(
        _ name: String, _ type: Choice.Type
    ) throws(BodyFault) -> Choice? {
        guard let text = try text(name) else { return nil }
        guard let choice = Choice(rawValue: text) else { throw .bad(name) }
        return choice
    }

    /// A truth value, when it is there.
    func flag(_ name: String) throws(BodyFault) -> Bool? {
        guard let value = value(name) else { return nil }
        guard case .bool(let flag) = value else { throw .bad(name) }
        return flag
    }

    /// A whole number, when it is there.
    func integer(_ name: String) throws(BodyFault) -> Int? {
        guard let value = value(name) else { return nil }
        guard case .number(let text) = value, let number = Int(text) else { throw .bad(name) }
        return number
    }

    /// A list of texts of 1 to `limit` bytes each; empty when it is not there.
    func texts(_ name: String, most: Int, limit: Int) throws(BodyFault) -> [String] {
        guard let value = value(name) else { return [] }
        guard case .array(let items) = value, items.count <= most else { throw .bad(name) }
        var texts: [String] = []
        for item in items {
            guard case .text(let text) = item, (1...limit).contains(text.utf8.count) else { throw .bad(name) }
            texts.append(text)
        }
        return texts
    }

    /// Names and texts; with `scalars` numbers and truth values become texts. Empty when it is not there.
    func map(_ name: String, scalars: Bool) throws(BodyFault) -> [String: String] {
        guard let value = value(name) else { return [:] }
        guard case .object(let list) = value else { throw .bad(name) }
        var map: [String: String] = [:]
        for member in list {
            var text = member.value.scalar
            if !scalars, case .text = member.value {} else if !scalars { text = nil }
            guard let text, map.updateValue(text, forKey: member.name) == nil else { throw .bad(name) }
        }
        return map
    }
}

extension HTTPRequest {
    /// The media type of the body, lower case and without parameters; empty when none is given.
    var mediaType: String {
        (header("Content-Type") ?? "").prefix { $0 != ";" }.trimmingOptionalWhitespace().lowercased()
    }
}
