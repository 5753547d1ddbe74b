// Members of JSON objects that REST services answer with, and the objects we send them.

import Wire

/// The members of an answer's object, each within its bound; what is too long or of another type is absent.
struct JSONFields {
    private let object: JSONContainer
    init(_ object: JSONContainer) { self.object = object }

    func text(_ name: StaticString, limit: Int = SignallingLimits.id) -> String? {
        object.member(name)?.scalarString(limit: limit)
    }
    func required(_ name: StaticString) throws(RESTFailure) -> String {
        guard let text = text(name), !text.isEmpty else { throw .malformed }
        return text
    }
    func integer(_ name: StaticString) -> Int? { object.member(name)?.integer.flatMap { Int(exactly: $0) } }
    func bool(_ name: StaticString) -> Bool? { object.member(name)?.bool }
    func fields(_ name: StaticString) -> JSONFields? { object.member(name)?.object.map(JSONFields.init) }

    /// What `read` makes of each object in the array `name`, at most 1000. Throws `malformed` when there is none.
    func list<Value>(_ name: StaticString, _ read: (JSONFields) throws(RESTFailure) -> Value)
        throws(RESTFailure) -> [Value]
    {
        guard var scanner = object.member(name)?.array?.scanner(), scanner.enterArray() else {
            throw .malformed
        }
        var values: [Value] = []
        while values.count < 1000, scanner.nextElement(), let element = scanner.value() {
            guard let object = element.object else { throw .malformed }
            values.append(try read(JSONFields(object)))
        }
        return values
    }

    /// The members that are texts, at most 16.
    func texts(_ name: StaticString, limit: Int = SignallingLimits.url) -> [String: String] {
        guard var scanner = object.member(name)?.object?.scanner(), scanner.enterObject() else { return [:] }
        var found: [String: String] = [:]
        while found.count < 16, let key = scanner.nextMember(), let value = scanner.value() {
            guard let name = key.string(limit: SignallingLimits.id),
                let text = value.text?.string(limit: limit)
            else { continue }
            found[name] = text
        }
        return found
    }
}

/// Writes one JSON object, member by member.
struct JSONBody {
    private var output: [UInt8] = [0x7B]

    /// The object.
    var bytes: [UInt8] { output + [0x7D] }

    mutating func add(_ name: StaticString, _ value: String?) {
        guard let value else { return }
        open(name)
        JSONWriter.append(string: value, to: &output)
    }
    mutating func add(_ name: StaticString, _ value: Int?) {
        guard let value else { return }
        open(name)
        JSONWriter.append(integer: Int64(value), to: &output)
    }
    mutating func add(_ name: StaticString, _ value: Bool?) {
        guard let value else { return }
        open(name)
        JSONWriter.append(value ? "true" : "false", to: &output)
    }
    /// A value that is JSON already.
    mutating func add(_ name: StaticString, json value: [UInt8]?) {
        guard let value else { return }
        open(name)
        output += value
    }
    mutating func add(_ name: StaticString, _ values: [String]?) {
        guard let values else { return }
        open(name)
        output.append(0x5B)
        for (index, value) in values.enumerated() {
            if index > 0 { output.append(0x2C) }
            JSONWriter.append(string: value, to: &output)
        }
        output.append(0x5D)
    }
    /// `[{"name":…,"value":…}]`; nothing for an empty list.
    mutating func add(_ name: StaticString, pairs: [(name: String, value: String)]) {
        guard !pairs.isEmpty else { return }
        open(name)
        output.append(0x5B)
        for (index, pair) in pairs.enumerated() {
            if index > 0 { output.append(0x2C) }
            var object = JSONBody()
            object.add("name", pair.name)
            object.add("value", pair.value)
            output += object.bytes
        }
        output.append(0x5D)
    }

    private mutating func open(_ name: StaticString) {
        if output.count > 1 { output.append(0x2C) }
        output.append(0x22)
        JSONWriter.append(name, to: &output)
        JSONWriter.append("\":", to: &output)
    }
}
