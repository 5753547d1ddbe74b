// Bytes of a carrier's message to a `CarrierEvent`, and commands to bytes. No I/O.

import Audio
import Wire

/// Why a message was not understood. Holds no byte of the message.
public enum CarrierMessageError: Error, Sendable, Hashable {
    /// Not a JSON object, or cut short.
    case notJSON
    /// A field that the message needs is missing or of the wrong kind: the field's name.
    case missingField(String)
    /// The payload is not base64.
    case notBase64
    /// The announced audio is of a kind not handled here.
    case unsupportedFormat
    /// A field is longer than it may be: the field's name.
    case tooLong(String)
}

/// Speaks one carrier's dialect: decodes its messages and encodes ours. One codec serves one stream.
public struct CarrierCodec: Sendable {
    /// The dialect.
    public let carrier: Carrier
    /// The sound of the last `.media` event, as received (base64 removed). Reused: copy to keep.
    public private(set) var payload: [UInt8] = []
    /// The stream's id, known from `start`; written into what we send where the dialect wants it.
    public private(set) var streamID: String = ""

    /// A codec for `carrier`.
    public init(carrier: Carrier) { self.carrier = carrier }

    /// Decodes one text message.
    /// - Throws: `CarrierMessageError`; the stream can go on with the next message.
    public mutating func decode(_ message: UnsafeRawBufferPointer) throws(CarrierMessageError) -> CarrierEvent {
        throw .notJSON
    }

    /// Appends a media message with `sound` (bytes in the stream's outbound format) to `output`.
    public func encodeMedia(_ sound: UnsafeRawBufferPointer, into output: inout [UInt8]) {}
    /// Appends a mark message to `output`. `name` is short ASCII of ours.
    public func encodeMark(_ name: String, into output: inout [UInt8]) {}
    /// Appends a clear message to `output`.
    public func encodeClear(into output: inout [UInt8]) {}
}
