// The `start` message as each carrier writes it.

import Audio
import Wire

extension CarrierPeer {
    /// Appends the `start` message.
    public mutating func encodeStart(into output: inout [UInt8]) {
        open("start", &output)
        JSONWriter.append(",\"start\":{", to: &output)
        switch start.carrier {
        case .twilio:
            member("accountSid", start.accountID, &output)
            member("streamSid", start.streamID, &output)
            member("callSid", start.callID, &output)
            tracks(&output)
            JSONWriter.append("\"customParameters\":", to: &output)
            parameters(start.parameters, &output)
            JSONWriter.append(
                ",\"mediaFormat\":{\"encoding\":\"audio/x-mulaw\",\"sampleRate\":8000,\"channels\":1}}}",
                to: &output)
        case .telnyx: telnyx(&output)
        case .exotel: exotel(&output)
        }
    }

    private func telnyx(_ output: inout [UInt8]) {
        member("user_id", start.accountID, &output)
        member("call_control_id", start.callID, &output)
        member("call_session_id", start.parameters["call_session_id"], &output)
        member("from", start.caller, &output)
        member("to", start.called, &output)
        member("client_state", start.parameters["client_state"], &output)
        let custom = start.parameters.filter { $0.key != "client_state" && $0.key != "call_session_id" }
        if !custom.isEmpty {
            JSONWriter.append("\"custom_parameters\":", to: &output)
            parameters(custom, &output)
            JSONWriter.append(",", to: &output)
        }
        JSONWriter.append("\"tags\":[],\"media_format\":{\"encoding\":", to: &output)
        switch start.inbound.codec {
        case .pcmu: JSONWriter.append("\"PCMU\"", to: &output)
        case .pcma: JSONWriter.append("\"PCMA\"", to: &output)
        case .pcm16, .pcm16be, .pcm16auto: JSONWriter.append("\"L16\"", to: &output)
        case .g722: JSONWriter.append("\"G722\"", to: &output)
        case .opus: JSONWriter.append("\"OPUS\"", to: &output)
        case .amrwb: JSONWriter.append("\"AMR-WB\"", to: &output)
        }
        JSONWriter.append(",\"sample_rate\":", to: &output)
        // G.722 is announced by its RTP clock (RFC 3551 §4.5.2).
        let rate = start.inbound.codec == .g722 ? 8000 : start.inbound.rate
        JSONWriter.append(integer: Int64(rate), to: &output)
        JSONWriter.append(",\"channels\":1}}}", to: &output)
    }

    private func exotel(_ output: inout [UInt8]) {
        member(name("streamSid", "stream_sid"), start.streamID, &output)
        member(name("callSid", "call_sid"), start.callID, &output)
        member(name("accountSid", "account_sid"), start.accountID, &output)
        member("from", start.caller, &output)
        member("to", start.called, &output)
        JSONWriter.append(name("\"customParameters\":", "\"custom_parameters\":"), to: &output)
        parameters(start.parameters, &output)
        JSONWriter.append(name(",\"mediaFormat\":{", ",\"media_format\":{"), to: &output)
        member("encoding", dialect == .numeric ? "raw" : "audio/x-raw", &output)
        member(name("sampleRate", "sample_rate"), String(start.inbound.rate), &output)
        JSONWriter.append(name("\"bitRate\":", "\"bit_rate\":"), to: &output)
        JSONWriter.append(string: dialect == .numeric ? "128" : "16", to: &output)
        JSONWriter.append("}}}", to: &output)
    }

    private func tracks(_ output: inout [UInt8]) {
        JSONWriter.append("\"tracks\":[", to: &output)
        for (index, track) in start.tracks.enumerated() {
            if index > 0 { JSONWriter.append(",", to: &output) }
            JSONWriter.append(string: track.rawValue, to: &output)
        }
        JSONWriter.append("],", to: &output)
    }

    private func parameters(_ parameters: [String: String], _ output: inout [UInt8]) {
        JSONWriter.append("{", to: &output)
        for (index, parameter) in parameters.sorted(by: { $0.key < $1.key }).enumerated() {
            if index > 0 { JSONWriter.append(",", to: &output) }
            JSONWriter.append(string: parameter.key, to: &output)
            JSONWriter.append(":", to: &output)
            JSONWriter.append(string: parameter.value, to: &output)
        }
        JSONWriter.append("}", to: &output)
    }
}
