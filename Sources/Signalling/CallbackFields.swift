// The fields of a carrier's request, whatever shape it has: query, form, JSON or multipart, flattened to paths.

import Wire

/// Named values of one request: `Stream[Status]`, `{"Stream":{"Status":…}}` and `Stream.Status` are all `Stream.Status`.
/// Of two fields of the same name the first counts; null is absent.
public struct CallbackFields: Sendable, Discreet {
    private var values: [String: String] = [:]
    /// Whether names are alike whatever their case.
    private let folds: Bool

    /// No fields yet.
    public init(foldingCase folds: Bool = false) { self.folds = folds }

    /// The fields of a form or a query.
    public init(_ form: FormFields, foldingCase folds: Bool = false) {
        self.init(foldingCase: folds)
        add(form.fields)
    }

    /// Adds named values.
    public mutating func add(_ fields: [(name: String, value: String)]) {
        for (name, value) in fields { set(Self.path(name), value) }
    }

    /// Adds the members of a JSON object below `prefix`; false when the bytes are none.
    public mutating func add(json bytes: [UInt8], below prefix: String = "") -> Bool {
        bytes.withUnsafeBytes { raw in
            var scanner = JSONScanner(raw)
            guard let value = scanner.value(), scanner.finish(), let object = value.object else {
                return false
            }
            add(.object(object), prefix, depth: 0)
            return true
        }
    }

    /// Adds what a request body holds, by its content type or, where that is silent, by its first byte. Throws
    /// `malformed` for a body that is not of its type.
    public mutating func add(body: [UInt8], contentType: String?) throws(SignallingError) {
        guard !body.isEmpty else { return }
        let type = contentType?.lowercased() ?? ""
        if type.hasPrefix("multipart/form-data") {
            guard let parts = Multipart(body, contentType: contentType ?? "") else { throw .malformed }
            add(parts.fields)
        } else if type.hasPrefix("application/json") || body.first == UInt8(ascii: "{") {
            guard add(json: body) else { throw .malformed }
        } else {
            guard let form = FormFields(body) else { throw .malformed }
            add(form.fields)
        }
    }

    /// The value of `name`; nil when it is absent or empty. Throws `tooLong` beyond `limit` bytes.
    public func text(_ name: String, limit: Int = 256) throws(SignallingError) -> String? {
        guard let value = values[folds ? name.lowercased() : name], !value.isEmpty else { return nil }
        guard value.utf8.count <= limit else { throw .tooLong(name) }
        return value
    }

    /// The value of the first of `names` that is there.
    public func text(_ names: [String], limit: Int = 256) throws(SignallingError) -> String? {
        for name in names {
            if let value = try text(name, limit: limit) { return value }
        }
        return nil
    }

    /// The value of `name`, which must be there. Throws `missingField` or `tooLong`.
    public func required(_ name: String, limit: Int = 256) throws(SignallingError) -> String {
        guard let value = try text(name, limit: limit) else { throw .missingField(name) }
        return value
    }

    /// The value of `name` as an integer; nil for anything else.
    public func integer(_ name: String) -> Int? {
        values[folds ? name.lowercased() : name].flatMap { Int($0) }
    }

    /// The members directly below `name`: `recording_urls` has `mp3`.
    public func members(of name: String, limit: Int = 256) throws(SignallingError) -> [String: String] {
        let prefix = (folds ? name.lowercased() : name) + "."
        var found: [String: String] = [:]
        for (path, value) in values where path.hasPrefix(prefix) && !value.isEmpty {
            let member = String(path.dropFirst(prefix.count))
            guard !member.contains(".") else { continue }
            guard value.utf8.count <= limit else { throw .tooLong(name) }
            found[member] = value
        }
        return found
    }

    /// Whether anything stands at or below `name`.
    public func has(_ name: String) -> Bool {
        let name = folds ? name.lowercased() : name
        return values.keys.contains { $0 == name || $0.hasPrefix(name + ".") }
    }

    private mutating func add(_ value: JSONValue, _ path: String, depth: Int) {
        guard depth <= 6, values.count < SignallingLimits.fields else { return }
        switch value {
        case .object(let object):
            var scanner = object.scanner()
            guard scanner.enterObject() else { return }
            while let key = scanner.nextMember(), let member = scanner.value() {
                guard let name = key.string(limit: SignallingLimits.id) else { continue }
                add(member, path.isEmpty ? name : path + "." + name, depth: depth + 1)
            }
        case .array(let array):
            var scanner = array.scanner()
            guard scanner.enterArray() else { return }
            var index = 0
            while scanner.nextElement(), let element = scanner.value() {
                add(element, "\(path).\(index)", depth: depth + 1)
                index += 1
            }
        case .null: return
        case .bool, .number, .string:
            // What is longer than anything we read is kept as too long, not as absent.
            let limit = SignallingLimits.transcription
            set(path, value.scalarString(limit: limit) ?? String(repeating: "?", count: limit + 1))
        }
    }

    private mutating func set(_ path: String, _ value: String) {
        guard path.utf8.count <= 4 * SignallingLimits.id, values.count < SignallingLimits.fields else {
            return
        }
        let name = folds ? path.lowercased() : path
        if values[name] == nil { values[name] = value }
    }

    /// `Legs[0][Status]` as `Legs.0.Status`.
    private static func path(_ name: String) -> String {
        guard name.contains("[") else { return name }
        return name.replacing("][", with: ".").replacing("[", with: ".").replacing("]", with: "")
    }
}
