// The carrier's own side of a media stream: what a simulator of a carrier says. No I/O.

import Audio
import Wire

/// Speaks as a carrier: encodes what it sends and decodes what a server commands. One peer plays one stream.
public struct CarrierPeer: Sendable {
    /// How a carrier writes its counters and names. Exotel's documents and samples disagree; the other two are fixed.
    public enum Dialect: Sendable, Hashable, CaseIterable {
        /// As the carrier's newest document has it: counters as strings.
        case documented
        /// Exotel's older documents: counters as numbers, `encoding` "raw".
        case numeric
        /// Exotel's samples: names in camelCase.
        case camelCase
    }

    /// What the stream's `start` says.
    public let start: StreamStart
    /// How names and counters are written.
    public let dialect: Dialect
    /// The number of the next message; counts from `start`, which is 1.
    public var nextSequence: Int64 = 1
    /// The sound of the last `.media` command (base64 removed). Reused: copy to keep.
    public internal(set) var payload: [UInt8] = []

    /// A carrier that plays the stream `start`; `dialect` counts for Exotel only.
    public init(start: StreamStart, dialect: Dialect = .documented) {
        self.start = start
        self.dialect = start.carrier == .exotel ? dialect : .documented
    }

    /// Appends the stream's hello.
    public func encodeConnected(into output: inout [UInt8]) {
        switch start.carrier {
        case .twilio:
            JSONWriter.append(
                "{\"event\":\"connected\",\"protocol\":\"Call\",\"version\":\"1.0.0\"}", to: &output)
        case .telnyx: JSONWriter.append("{\"event\":\"connected\",\"version\":\"1.0.0\"}", to: &output)
        case .exotel: JSONWriter.append("{\"event\":\"connected\"}", to: &output)
        }
    }

    /// Appends a media message: `sound` in the stream's inbound format, the number `chunk` of the frame, and
    /// `timestamp` in milliseconds since the start of the stream. Exotel names no track.
    public mutating func encodeMedia(
        _ sound: UnsafeRawBufferPointer, track: Track = .inbound, chunk: Int64, timestamp: Int64,
        into output: inout [UInt8]
    ) {
        open("media", &output)
        JSONWriter.append(",\"media\":{", to: &output)
        if start.carrier != .exotel {
            JSONWriter.append("\"track\":", to: &output)
            JSONWriter.append(string: track.rawValue, to: &output)
            JSONWriter.append(",", to: &output)
        }
        JSONWriter.append("\"chunk\":", to: &output)
        counter(chunk, &output)
        JSONWriter.append(",\"timestamp\":", to: &output)
        // Even Exotel's numeric documents write this one as a string.
        string(timestamp, &output)
        JSONWriter.append(",\"payload\":", to: &output)
        JSONWriter.append(base64: sound, to: &output)
        JSONWriter.append("}}", to: &output)
    }

    /// Appends a pressed key; `milliseconds` is told by Exotel only.
    public mutating func encodeDTMF(_ digit: Character, milliseconds: Int = 100, into output: inout [UInt8]) {
        open("dtmf", &output)
        JSONWriter.append(",\"dtmf\":{", to: &output)
        if start.carrier == .twilio { JSONWriter.append("\"track\":\"inbound_track\",", to: &output) }
        JSONWriter.append("\"digit\":", to: &output)
        JSONWriter.append(string: String(digit), to: &output)
        if start.carrier == .exotel {
            JSONWriter.append(",\"duration\":", to: &output)
            string(Int64(milliseconds), &output)
        }
        JSONWriter.append("}}", to: &output)
    }

    /// Appends the return of the server's mark `name`.
    public mutating func encodeMark(_ name: String, into output: inout [UInt8]) {
        open("mark", &output)
        JSONWriter.append(",\"mark\":{\"name\":", to: &output)
        JSONWriter.append(string: name, to: &output)
        JSONWriter.append("}}", to: &output)
    }

    /// Appends the end of the stream; `reason` (`callended`, `stopped`) is told by Exotel only.
    public mutating func encodeStop(reason: String = "callended", into output: inout [UInt8]) {
        open("stop", &output)
        JSONWriter.append(",\"stop\":{", to: &output)
        member(
            start.carrier == .telnyx ? "user_id" : name("accountSid", "account_sid"), start.accountID, &output
        )
        JSONWriter.append(
            start.carrier == .telnyx ? "\"call_control_id\":" : name("\"callSid\":", "\"call_sid\":"),
            to: &output)
        JSONWriter.append(string: start.callID, to: &output)
        if start.carrier == .exotel {
            JSONWriter.append(",\"reason\":", to: &output)
            JSONWriter.append(string: reason, to: &output)
        }
        JSONWriter.append("}}", to: &output)
    }

    /// Appends Exotel's `clear` towards the server.
    public mutating func encodeClear(into output: inout [UInt8]) {
        open("clear", &output)
        JSONWriter.append("}", to: &output)
    }

    /// Appends Telnyx's error message; the other carriers have none and nothing is appended.
    public func encodeError(code: Int, title: String, detail: String, into output: inout [UInt8]) {
        guard start.carrier == .telnyx else { return }
        JSONWriter.append("{\"event\":\"error\",\"payload\":{\"code\":", to: &output)
        JSONWriter.append(integer: Int64(code), to: &output)
        JSONWriter.append(",\"title\":", to: &output)
        JSONWriter.append(string: title, to: &output)
        JSONWriter.append(",\"detail\":", to: &output)
        JSONWriter.append(string: detail, to: &output)
        JSONWriter.append("},\"stream_id\":", to: &output)
        JSONWriter.append(string: start.streamID, to: &output)
        JSONWriter.append("}", to: &output)
    }

    /// Whether names are in camelCase.
    var isCamel: Bool { start.carrier == .twilio || dialect == .camelCase }

    /// The name as this carrier spells it.
    func name(_ camel: StaticString, _ snake: StaticString) -> StaticString { isCamel ? camel : snake }

    /// Opens a message: event, sequence number and stream id.
    mutating func open(_ event: String, _ output: inout [UInt8]) {
        JSONWriter.append("{\"event\":", to: &output)
        JSONWriter.append(string: event, to: &output)
        JSONWriter.append(name(",\"sequenceNumber\":", ",\"sequence_number\":"), to: &output)
        counter(nextSequence, &output)
        nextSequence &+= 1
        JSONWriter.append(
            start.carrier == .telnyx ? ",\"stream_id\":" : name(",\"streamSid\":", ",\"stream_sid\":"),
            to: &output)
        JSONWriter.append(string: start.streamID, to: &output)
    }

    /// A counter: a string, or a number in Exotel's older documents.
    func counter(_ value: Int64, _ output: inout [UInt8]) {
        if dialect == .numeric {
            JSONWriter.append(integer: value, to: &output)
        } else {
            string(value, &output)
        }
    }

    private func string(_ value: Int64, _ output: inout [UInt8]) {
        JSONWriter.append("\"", to: &output)
        JSONWriter.append(integer: value, to: &output)
        JSONWriter.append("\"", to: &output)
    }

    /// A member with its comma, when there is a value.
    func member(_ name: StaticString, _ value: String?, _ output: inout [UInt8]) {
        guard let value else { return }
        JSONWriter.append("\"", to: &output)
        JSONWriter.append(name, to: &output)
        JSONWriter.append("\":", to: &output)
        JSONWriter.append(string: value, to: &output)
        JSONWriter.append(",", to: &output)
    }
}
