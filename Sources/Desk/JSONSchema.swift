// Pieces of JSON schemas (2020-12, the dialect of OpenAPI 3.1), as JSON.

import Archive
import Wire

/// Writes schemas.
enum JSONSchema {
    static let text = #"{"type":"string"}"#
    static let words = #"{"type":"string","minLength":1}"#
    static let flag = #"{"type":"boolean"}"#
    static let whole = #"{"type":"integer"}"#
    /// A count or a length.
    static let count = #"{"type":"integer","minimum":0}"#
    static let any = "{}"
    static let anyObject = #"{"type":"object"}"#
    /// An instant as it is told.
    static let dateTime = #"{"type":"string","format":"date-time"}"#
    /// An instant or a day as it is taken.
    static let instant =
        #"{"anyOf":[{"type":"string","format":"date-time"},{"type":"string","format":"date"}]}"#
    static let limit = #"{"type":"integer","minimum":1,"maximum":\#(Catalog.pageLimit),"default":50}"#
    /// An identifier of ours: 26 characters of Crockford's base 32, lower case.
    static let id = pattern("^[0-7][0-9a-hjkmnp-tv-z]{25}$")
    static let sha256 = pattern("^[0-9a-f]{64}$")
    static let nothing = #"{"type":"null"}"#

    static func pattern(_ pattern: String) -> String {
        JSON.object([("type", JSON.quoted("string")), ("pattern", JSON.quoted(pattern))])
    }
    /// One of the values of `Choice`.
    static func choice<Choice: RawRepresentable<String> & CaseIterable>(_ type: Choice.Type) -> String {
        oneOf(Choice.allCases.map(\.rawValue))
    }
    /// One of these words.
    static func oneOf(_ words: [String]) -> String {
        JSON.object([
            ("type", JSON.quoted("string")), ("enum", JSON.array(words.map { JSON.quoted($0) })),
        ])
    }
    static func reference(_ name: String) -> String { ##"{"$ref":"#/components/schemas/\##(name)"}"## }
    /// The same, or null.
    static func orNull(_ schema: String) -> String { #"{"anyOf":[\#(schema),\#(nothing)]}"# }
    static func list(_ items: String) -> String { #"{"type":"array","items":\#(items)}"# }
    /// An object of exactly these members, all of them always there, unless `optional` names them.
    static func object(_ members: [(name: String, json: String)], optional: Set<String> = []) -> String {
        let required = members.map(\.name).filter { !optional.contains($0) }
        return JSON.object([
            ("type", JSON.quoted("object")), ("additionalProperties", "false"),
            ("required", JSON.array(required.map { JSON.quoted($0) })),
            ("properties", JSON.object(members)),
        ])
    }
}
