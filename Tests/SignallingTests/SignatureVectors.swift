// Reads vectors of signed requests, and makes random ones by a seed.

import Damage
import Foundation
import Testing

/// A JSON object as Foundation reads it.
typealias JSONDictionary = [String: Any]

/// The vectors of this target.
enum SignatureVectors {
    /// The object in vector file `name` (without `.json`).
    static func object(_ name: String) throws -> JSONDictionary {
        let url = try #require(Bundle.module.url(forResource: "Vectors/\(name)", withExtension: "json"))
        return try #require(
            JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? JSONDictionary)
    }

    /// The objects in the array `key` of vector file `name`.
    static func list(_ name: String, _ key: String = "vectors") throws -> [JSONDictionary] {
        try #require(object(name)[key] as? [JSONDictionary])
    }

    /// The names of the vector files that begin with `prefix`.
    static func names(_ prefix: String) throws -> [String] {
        let folder = try #require(Bundle.module.url(forResource: "Vectors", withExtension: nil))
        return try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { $0.hasPrefix(prefix) }.map { String($0.dropLast(5)) }.sorted()
    }
}

extension JSONDictionary {
    /// The text at `key`.
    func text(_ key: String) throws -> String { try #require(self[key] as? String) }
}

/// Random requests, the same on every run.
extension SplitMix64 {
    /// A number in `0..<bound`.
    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }

    /// One of `choices`.
    mutating func one<Value>(of choices: [Value]) -> Value { choices[below(choices.count)] }

    /// Up to `limit` characters of many scripts, none a control character.
    mutating func text(upTo limit: Int) -> String {
        let alphabet = Array("abcXYZ019 +&=%/?#:;,.-_~\"\\'éüÅßñ€漢字🙂ﬀΩ")
        return String((0..<below(limit + 1)).map { _ in one(of: alphabet) })
    }

    /// From `least` to `most` ASCII letters and digits.
    mutating func word(_ least: Int, _ most: Int) -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
        return String((0..<least + below(most - least + 1)).map { _ in one(of: alphabet) })
    }

    /// `bytes` with one bit turned; as they are when empty.
    mutating func flipped(_ bytes: [UInt8]) -> [UInt8] {
        guard !bytes.isEmpty else { return bytes }
        var bytes = bytes
        bytes[below(bytes.count)] ^= 1 << UInt8(below(8))
        return bytes
    }

    /// `text` with one bit turned; bits that would leave no UTF-8 are not turned.
    mutating func flipped(_ text: String) -> String {
        guard !text.isEmpty else { return text }
        while true {
            if let other = String(validating: flipped(Array(text.utf8)), as: UTF8.self) { return other }
        }
    }
}
