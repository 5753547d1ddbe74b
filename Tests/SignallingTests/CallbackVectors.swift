// Reads the vectors of webhooks and REST services, and compares requests with them.

import Foundation
import Signalling
import Testing

/// The vector files of this room.
enum CallbackVector {
    /// The bytes of `name` (without `.json`).
    static func data(_ name: String) throws -> Data {
        let url = try #require(Bundle.module.url(forResource: "Vectors/\(name)", withExtension: "json"))
        return try Data(contentsOf: url)
    }

    /// The object of `name`.
    static func object(_ name: String) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: data(name)) as? [String: Any])
    }

    /// The names that begin with one of `prefixes`.
    static func names(_ prefixes: String...) throws -> [String] {
        let folder = try #require(Bundle.module.url(forResource: "Vectors", withExtension: nil))
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        return names.filter { name in prefixes.contains { name.hasPrefix($0) } }
            .map { String($0.dropLast(5)) }.sorted()
    }

    /// An answer as a vector has it: `status`, and `body` as an object or as text.
    static func answer(_ vector: Any?, status: Int? = nil) throws -> RESTAnswer {
        let object = try #require(vector as? [String: Any])
        let body = object["response"] ?? object["body"]
        return RESTAnswer(
            status: try #require(status ?? object["status"] as? Int), body: try bytes(body ?? ""))
    }

    /// `value` as a body.
    static func bytes(_ value: Any) throws -> [UInt8] {
        if let text = value as? String { return Array(text.utf8) }
        return Array(try JSONSerialization.data(withJSONObject: value))
    }
}

/// A member of `object` that is an object.
func child(_ object: [String: Any], _ name: String) throws -> [String: Any] {
    try #require(object[name] as? [String: Any])
}

/// The fields of a form or query.
func form(_ text: String) throws -> FormFields { try #require(FormFields(Array(text.utf8))) }

/// Holds `request` against a vector's method, address, header fields and body; forms and queries field by field in
/// order, JSON as JSON, everything else byte by byte.
func expect(
    _ request: RESTRequest, matches vector: [String: Any], base: String = "",
    at location: SourceLocation = #_sourceLocation
) throws {
    #expect(request.method == vector["method"] as? String, sourceLocation: location)
    let url = try #require(vector["url"] as? String ?? (vector["path"] as? String).map { base + $0 })
    let ours = request.url.split(separator: "?", maxSplits: 1).map { String($0) }
    let theirs = url.split(separator: "?", maxSplits: 1).map { String($0) }
    #expect(ours.first == theirs.first, sourceLocation: location)
    #expect(ours.count == theirs.count, sourceLocation: location)
    if ours.count == 2, theirs.count == 2 { try expectForm(ours[1], theirs[1], location) }
    for (name, value) in vector["headers"] as? [String: String] ?? [:] {
        #expect(request.headers.first { $0.name == name }?.value == value, sourceLocation: location)
    }
    let body = String(decoding: request.body, as: UTF8.self)
    switch vector["body"] {
    case nil: #expect(body.isEmpty, sourceLocation: location)
    case let text as String: try expectForm(body, text, location)
    case let object as [String: Any]:
        let ours = try JSONSerialization.jsonObject(with: Data(request.body)) as? NSDictionary
        #expect(ours == object as NSDictionary, sourceLocation: location)
    default: Issue.record("an unknown body", sourceLocation: location)
    }
}

private func expectForm(_ ours: String, _ theirs: String, _ location: SourceLocation) throws {
    let (left, right) = (try form(ours), try form(theirs))
    #expect(left.fields.map(\.name) == right.fields.map(\.name), sourceLocation: location)
    #expect(left.fields.map(\.value) == right.fields.map(\.value), sourceLocation: location)
}

/// What `body` throws as `Failure`; nil for nothing.
func failure<Failure: Error>(_ body: () throws(Failure) -> Void) -> Failure? {
    do throws(Failure) {
        try body()
        return nil
    } catch { return error }
}
