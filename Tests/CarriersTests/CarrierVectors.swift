// Reads the carriers' vectors, and compares messages as JSON.

import Carriers
import Foundation
import Testing

/// The vector file `name` (without `.json`).
func vector(_ name: String) throws -> Data {
    let url = try #require(Bundle.module.url(forResource: "Vectors/\(name)", withExtension: "json"))
    return try Data(contentsOf: url)
}

/// `bytes` as a JSON object, read by Foundation.
func object(_ bytes: some Sequence<UInt8>) throws -> NSDictionary {
    try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? NSDictionary)
}

/// The object member `name`.
func child(_ object: NSDictionary, _ name: String) throws -> NSDictionary {
    try #require(object[name] as? NSDictionary)
}

/// A number, or a string of one.
func count(_ value: Any?) -> Int64? {
    (value as? NSNumber)?.int64Value ?? (value as? String).flatMap { Int64($0) }
}

extension CarrierCodec {
    /// Decodes a message given as bytes.
    mutating func event(_ bytes: some Collection<UInt8>) throws -> CarrierEvent {
        try Array(bytes).withUnsafeBytes { raw in try decode(raw) }
    }

    /// Decodes a message given as text.
    mutating func event(_ text: String) throws -> CarrierEvent { try event(text.utf8) }

    /// The error of decoding `text`; nil when there is none.
    mutating func error(_ text: String) -> CarrierMessageError? {
        Array(text.utf8).withUnsafeBytes { raw in
            do throws(CarrierMessageError) {
                _ = try decode(raw)
                return nil
            } catch { return error }
        }
    }

    /// The start that `text` is.
    mutating func start(_ text: String) throws -> StreamStart {
        guard case .start(let start) = try event(text) else {
            throw CarrierMessageError.missingField("start")
        }
        return start
    }

    /// The stamp of the media message that `text` is.
    mutating func stamp(_ text: String) throws -> MediaStamp {
        guard case .media(let stamp) = try event(text) else {
            throw CarrierMessageError.missingField("media")
        }
        return stamp
    }
}

/// What `write` appends.
func written(_ write: (inout [UInt8]) -> Void) -> [UInt8] {
    var output: [UInt8] = []
    write(&output)
    return output
}
