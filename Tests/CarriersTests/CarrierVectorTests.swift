// Every vector of the three carriers, decoded by the codec and encoded by the peer, and back.

import Audio
import Carriers
import Foundation
import Testing

/// The vector's carrier: the first word of its name.
private func carrier(of name: String) throws -> Carrier {
    try #require(Carrier(rawValue: String(name.prefix { $0 != "_" })))
}

@Test(arguments: [
    "twilio_ws_in_media_inbound", "twilio_ws_in_media_outbound", "twilio_ws_in_media_silence",
    "telnyx_ws_in_media_inbound", "telnyx_ws_in_media_outbound", "telnyx_ws_in_media_pcma",
    "telnyx_ws_in_media_l16_le_16k", "telnyx_ws_in_media_amrwb_1265", "telnyx_ws_in_media_amrwb_nodata",
    "exotel_ws_in_media", "exotel_ws_in_media_numeric_variant",
])
func media(_ name: String) throws {
    let carrier = try carrier(of: name)
    let message = try vector(name)
    let expected = try object(message)
    let media = try child(expected, "media")
    var codec = CarrierCodec(carrier: carrier)
    let event = try codec.event(message)
    let payload = try #require((media["payload"] as? String).flatMap { Data(base64Encoded: $0) })
    #expect(codec.payload == Array(payload))
    let sequence = count(expected["sequenceNumber"] ?? expected["sequence_number"])
    let stamp = MediaStamp(
        track: media["track"] as? String == "outbound" ? .outbound : .inbound, sequence: sequence,
        chunk: count(media["chunk"]), timestamp: count(media["timestamp"]))
    #expect(event == .media(stamp))
    #expect(sequence != nil && stamp.chunk != nil && stamp.timestamp != nil)

    // The carrier's own side writes the same message.
    let id = try #require(
        (expected["streamSid"] ?? expected["stream_id"] ?? expected["stream_sid"]) as? String)
    let start = StreamStart(carrier: carrier, streamID: id, callID: "c", inbound: .pcmu8k, outbound: .pcmu8k)
    var peer = CarrierPeer(start: start, dialect: name.contains("numeric") ? .numeric : .documented)
    peer.nextSequence = try #require(sequence)
    let again = written { output in
        payload.withUnsafeBytes {
            peer.encodeMedia(
                $0, track: stamp.track, chunk: stamp.chunk ?? 0, timestamp: stamp.timestamp ?? 0,
                into: &output)
        }
    }
    #expect(try object(again) == expected)
}

@Test(arguments: [
    ("twilio_ws_in_start_connect_stream", AudioFormat.pcmu8k, AudioFormat.pcmu8k),
    ("twilio_ws_in_start_start_stream_both_tracks", .pcmu8k, .pcmu8k),
    ("telnyx_ws_in_start_pcmu", .pcmu8k, .pcma8k),
    ("telnyx_ws_in_start_pcma", .pcma8k, .pcma8k), ("telnyx_ws_in_start_custom_parameters", .pcmu8k, .pcma8k),
    ("exotel_ws_in_start", AudioFormat(.pcm16, rate: 8000), AudioFormat(.pcm16, rate: 8000)),
    ("exotel_ws_in_start_16k", AudioFormat(.pcm16, rate: 16000), AudioFormat(.pcm16, rate: 16000)),
    ("exotel_ws_in_start_numeric_variant", AudioFormat(.pcm16, rate: 8000), AudioFormat(.pcm16, rate: 8000)),
    ("exotel_ws_in_camelcase_variant", AudioFormat(.pcm16, rate: 8000), AudioFormat(.pcm16, rate: 8000)),
])
func start(_ name: String, _ inbound: AudioFormat, _ outbound: AudioFormat) throws {
    let carrier = try carrier(of: name)
    let message = try vector(name)
    let expected = try object(message)
    let body = try child(expected, "start")
    var codec = CarrierCodec(carrier: carrier, outbound: .pcma8k)
    guard case .start(var start) = try codec.event(message) else {
        Issue.record("no start")
        return
    }
    func text(_ names: String...) -> String? { names.lazy.compactMap { body[$0] as? String }.first }
    #expect(start.inbound == inbound)
    #expect(start.outbound == outbound)
    #expect(start.callID == text("callSid", "call_control_id", "call_sid"))
    #expect(start.accountID == text("accountSid", "user_id", "account_sid"))
    #expect(
        start.streamID == (expected["streamSid"] ?? expected["stream_id"] ?? expected["stream_sid"])
            as? String)
    #expect(codec.streamID == start.streamID)
    var parameters = (body["customParameters"] ?? body["custom_parameters"]) as? [String: String] ?? [:]
    parameters["client_state"] = text("client_state")
    #expect(start.parameters == parameters)
    #expect(start.caller == text("from") ?? parameters["caller"])
    #expect(start.called == text("to"))
    #expect(start.tracks.map(\.rawValue) == body["tracks"] as? [String] ?? ["inbound"])
    #expect(message.withUnsafeBytes { CarrierCodec.detect($0) } == carrier)

    start.parameters["call_session_id"] = text("call_session_id")
    let dialect: CarrierPeer.Dialect =
        name.contains("numeric") ? .numeric : name.contains("camelcase") ? .camelCase : .documented
    var peer = CarrierPeer(start: start, dialect: dialect)
    #expect(try object(written { peer.encodeStart(into: &$0) }) == expected)
}

@Test(arguments: [
    ("telnyx_ws_in_start_l16", AudioCodec.pcm16auto, AudioFormat(.pcm16auto, rate: 16000)),
    ("telnyx_ws_in_start_l16", .pcm16be, AudioFormat(.pcm16be, rate: 16000)),
    ("telnyx_ws_in_start_amrwb", .pcm16, AudioFormat(.amrwb, rate: 16000)),
])
func widebandStart(_ name: String, _ linear: AudioCodec, _ format: AudioFormat) throws {
    var codec = CarrierCodec(carrier: .telnyx, linear: linear)
    let message = try vector(name)
    guard case .start(let start) = try codec.event(message) else {
        Issue.record("no start")
        return
    }
    #expect(start.inbound == format && start.outbound == .pcmu8k)
    var peer = CarrierPeer(start: start)
    #expect(try object(written { peer.encodeStart(into: &$0) })["start"] as? NSDictionary != nil)
    let told = try object(written { peer.encodeStart(into: &$0) })["start"] as? [String: Any]
    let expected = try object(message)["start"] as? [String: Any]
    #expect(told?["media_format"] as? NSDictionary == expected?["media_format"] as? NSDictionary)
}

@Test(arguments: [
    ("twilio_ws_in_connected", CarrierEvent.connected), ("telnyx_ws_in_connected", .connected),
    ("exotel_ws_in_connected", .connected), ("twilio_ws_in_dtmf", .dtmf(digit: "1", milliseconds: nil)),
    ("telnyx_ws_in_dtmf", .dtmf(digit: "1", milliseconds: nil)),
    ("exotel_ws_in_dtmf", .dtmf(digit: "5", milliseconds: 100)),
    ("twilio_ws_in_mark", .mark(name: "utt-0001-end")),
    ("telnyx_ws_in_mark", .mark(name: "utt-0001-end")), ("exotel_ws_in_mark", .mark(name: "turn-3-end")),
    ("twilio_ws_in_stop", .stop(reason: nil)), ("telnyx_ws_in_stop", .stop(reason: nil)),
    ("exotel_ws_in_stop_callended", .stop(reason: "callended")),
    ("exotel_ws_in_stop_stopped", .stop(reason: "stopped")),
    ("telnyx_ws_in_error_100002", .error(code: 100002, title: "unknown_error")),
    ("telnyx_ws_in_error_100003", .error(code: 100003, title: "malformed_frame")),
    ("telnyx_ws_in_error_100004", .error(code: 100004, title: "invalid_media")),
    ("telnyx_ws_in_error_100005", .error(code: 100005, title: "rate_limit_reached")),
])
func others(_ name: String, _ expected: CarrierEvent) throws {
    let carrier = try carrier(of: name)
    let message = try vector(name)
    var codec = CarrierCodec(carrier: carrier)
    #expect(try codec.event(message) == expected)
    let detected = message.withUnsafeBytes { CarrierCodec.detect($0) }
    #expect(detected == (name.hasSuffix("connected") ? carrier : nil))

    // The carrier's own side writes the same message.
    let json = try object(message)
    let ids = (json["stop"] as? NSDictionary) ?? [:]
    func text(_ object: NSDictionary, _ names: String...) -> String? {
        names.lazy.compactMap { object[$0] as? String }.first
    }
    var peer = CarrierPeer(
        start: StreamStart(
            carrier: carrier, streamID: text(json, "streamSid", "stream_id", "stream_sid") ?? "",
            callID: text(ids, "callSid", "call_control_id", "call_sid") ?? "",
            accountID: text(ids, "accountSid", "user_id", "account_sid"), inbound: .pcmu8k, outbound: .pcmu8k)
    )
    peer.nextSequence = count(json["sequenceNumber"] ?? json["sequence_number"]) ?? 0
    let again = written { output in
        switch expected {
        case .connected: peer.encodeConnected(into: &output)
        case .dtmf(let digit, let milliseconds):
            peer.encodeDTMF(digit, milliseconds: milliseconds ?? 0, into: &output)
        case .mark(let name): peer.encodeMark(name, into: &output)
        case .stop(let reason): peer.encodeStop(reason: reason ?? "", into: &output)
        case .error(let code, let title):
            let detail = (json["payload"] as? NSDictionary).flatMap { text($0, "detail") } ?? ""
            peer.encodeError(code: code, title: title, detail: detail, into: &output)
        default: break
        }
    }
    let original = try #require(json.mutableCopy() as? NSMutableDictionary)
    // When a key was pressed is Telnyx's own clock; the peer does not tell it.
    original.removeObject(forKey: "occurred_at")
    #expect(try object(again) == original)
}

@Test(arguments: [
    "twilio_ws_out_media", "twilio_ws_out_mark", "twilio_ws_out_clear", "telnyx_ws_out_media_pcmu",
    "telnyx_ws_out_media_l16_le_16k", "telnyx_ws_out_mark", "telnyx_ws_out_clear", "exotel_ws_out_media",
    "exotel_ws_out_mark", "exotel_ws_out_clear",
])
func commands(_ name: String) throws {
    let carrier = try carrier(of: name)
    let message = try vector(name)
    let expected = try object(message)
    let id = (expected["streamSid"] ?? expected["stream_sid"]) as? String ?? "telnyx-needs-none"
    let start = StreamStart(
        carrier: carrier, streamID: id, callID: "c",
        inbound: carrier == .exotel ? AudioFormat(.pcm16, rate: 8000) : .pcmu8k, outbound: .pcmu8k)
    var peer = CarrierPeer(start: start)
    var codec = CarrierCodec(carrier: carrier)
    _ = try codec.event(written { peer.encodeStart(into: &$0) })

    let command = message.withUnsafeBytes { peer.decodeCommand($0) }
    let again: [UInt8]
    switch try #require(expected["event"] as? String) {
    case "media":
        let text = try #require(try child(expected, "media")["payload"] as? String)
        let payload = try #require(Data(base64Encoded: text))
        #expect(command == .media)
        #expect(peer.payload == Array(payload))
        again = written { output in payload.withUnsafeBytes { codec.encodeMedia($0, into: &output) } }
    case "mark":
        let mark = try #require(try child(expected, "mark")["name"] as? String)
        #expect(command == .mark(name: mark))
        again = written { codec.encodeMark(mark, into: &$0) }
    default:
        #expect(command == .clear)
        again = written { codec.encodeClear(into: &$0) }
    }
    #expect(try object(again) == expected)
}

@Test(arguments: [
    "twilio_session_connect_stream", "twilio_session_start_stream_both_tracks", "telnyx_session_rtp_pcmu",
    "exotel_session_voicebot_8k",
])
func sessions(_ name: String) throws {
    let carrier = try carrier(of: name)
    let session = try object(vector(name))
    var codec = CarrierCodec(carrier: carrier)
    var peer: CarrierPeer?
    var refused = 0
    var errors = 0
    for entry in try #require(session["events"] as? [NSDictionary]) {
        let message = try JSONSerialization.data(withJSONObject: try child(entry, "msg"))
        if entry["from"] as? String == "carrier" {
            switch try codec.event(message) {
            case .start(let start): peer = CarrierPeer(start: start)
            case .unknown, .clear: Issue.record("not in the session")
            case .error: errors += 1
            case .connected, .media, .dtmf, .mark, .stop: break
            }
        } else if case .refused = message.withUnsafeBytes({ peer?.decodeCommand($0) }) {
            refused += 1
        }
    }
    #expect(codec.streamID == peer?.start.streamID)
    // Telnyx answers each message it refuses with an error.
    #expect(refused == errors)
}

@Test func twilioRefusesWhatItDocuments() throws {
    let file = try object(vector("twilio_ws_out_invalid_cases"))
    let start = StreamStart(
        carrier: .twilio, streamID: "MZfedcba9876543210fedcba9876543210", callID: "CA1", inbound: .pcmu8k,
        outbound: .pcmu8k)
    let cases = try #require(file["cases"] as? [NSDictionary])
    #expect(cases.count == 7)
    for entry in cases {
        let isBinary = entry["opcode"] as? String == "binary"
        let frame = (entry["frame"] ?? entry["frame_base64"]) as? String ?? ""
        let message = isBinary ? try #require(Data(base64Encoded: frame)) : Data(frame.utf8)
        var peer = CarrierPeer(start: start)
        let command = message.withUnsafeBytes { peer.decodeCommand($0, isBinary: isBinary) }
        let code = (entry["expect"] as? String).flatMap { Int($0) }
        #expect(command == code.map { .refused(code: $0) } ?? .media, "\(entry["why"] ?? "")")
    }
}
