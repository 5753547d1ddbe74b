// What we send to a carrier, as bytes: exactly the documented members and no other.

import Wire

extension CarrierCodec {
    /// Appends a media message with `sound` (bytes in the stream's outbound format) to `output`.
    ///
    /// Before `start` was decoded Twilio's and Exotel's stream id is unknown and would be refused: send nothing then.
    public func encodeMedia(_ sound: UnsafeRawBufferPointer, into output: inout [UInt8]) {
        open("{\"event\":\"media\"", &output)
        JSONWriter.append(",\"media\":{\"payload\":", to: &output)
        JSONWriter.append(base64: sound, to: &output)
        JSONWriter.append("}}", to: &output)
    }

    /// Appends a mark message to `output`. `name` is short ASCII of ours.
    public func encodeMark(_ name: String, into output: inout [UInt8]) {
        open("{\"event\":\"mark\"", &output)
        JSONWriter.append(",\"mark\":{\"name\":", to: &output)
        JSONWriter.append(string: name, to: &output)
        JSONWriter.append("}}", to: &output)
    }

    /// Appends a clear message to `output`.
    public func encodeClear(into output: inout [UInt8]) {
        open("{\"event\":\"clear\"", &output)
        JSONWriter.append("}", to: &output)
    }

    /// Twilio refuses a message with a member more or less (warning 31951); Telnyx wants no id.
    private func open(_ event: StaticString, _ output: inout [UInt8]) {
        JSONWriter.append(event, to: &output)
        switch carrier {
        case .twilio: JSONWriter.append(",\"streamSid\":", to: &output)
        case .exotel: JSONWriter.append(",\"stream_sid\":", to: &output)
        case .telnyx: return
        }
        JSONWriter.append(string: streamID, to: &output)
    }
}
