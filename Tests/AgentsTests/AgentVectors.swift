// Reads the agent's vectors, and compares messages as JSON.

import Agents
import Foundation
import Testing

/// The vector file `name` (without `.json`).
func vector(_ name: String) throws -> Data {
    let url = try #require(Bundle.module.url(forResource: "Vectors/\(name)", withExtension: "json"))
    return try Data(contentsOf: url)
}

/// The names of the vectors that begin with `prefix`.
func vectors(_ prefix: String) throws -> [String] {
    let folder = try #require(Bundle.module.url(forResource: "Vectors", withExtension: nil))
    return try FileManager.default.contentsOfDirectory(atPath: folder.path)
        .filter { $0.hasPrefix(prefix) }.map { String($0.dropLast(5)) }.sorted()
}

/// `bytes` as a JSON object, read by Foundation.
func object(_ bytes: some Sequence<UInt8>) throws -> NSDictionary {
    try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? NSDictionary)
}

/// What `write` appends.
func written(_ write: (inout [UInt8]) -> Void) -> [UInt8] {
    var output: [UInt8] = []
    write(&output)
    return output
}

extension AgentCodec {
    /// Decodes a message given as bytes.
    mutating func event(_ bytes: some Collection<UInt8>) throws -> AgentEvent {
        try Array(bytes).withUnsafeBytes { raw in try decode(raw) }
    }

    /// Decodes a message given as text.
    mutating func event(_ text: String) throws -> AgentEvent { try event(text.utf8) }

    /// The error of decoding `text`; nil when there is none.
    mutating func error(_ text: String) -> AgentMessageError? {
        Array(text.utf8).withUnsafeBytes { raw in
            do throws(AgentMessageError) {
                _ = try decode(raw)
                return nil
            } catch { return error }
        }
    }
}

extension AgentPeer {
    /// Decodes a client's message given as bytes.
    mutating func message(_ bytes: some Collection<UInt8>) -> AgentClientMessage {
        Array(bytes).withUnsafeBytes { raw in decode(raw) }
    }
}
