// What carriers do against expectation, and how far a message may go.

import Audio
import Carriers
import Testing

private let sound = "/////w=="

private func twilio(_ media: String, _ rest: String = "\"sequenceNumber\":\"3\"") -> String {
    "{\"event\":\"media\",\(rest),\"media\":{\(media)},\"streamSid\":\"MZ1\"}"
}

@Test(
    arguments: [
        ("\"7\"", 7), ("7", 7), ("\"-1\"", nil), ("-1", nil), ("\"\"", nil), ("null", nil), ("\"x\"", nil),
        ("{}", nil),
        ("99999999999999999999999", nil), ("\"99999999999999999999999\"", nil),
        ("9223372036854775807", Int64.max),
        ("1.5", nil), ("1e3", nil), ("true", nil),
    ] as [(String, Int64?)])
func counters(_ written: String, _ value: Int64?) throws {
    for carrier in Carrier.allCases {
        var codec = CarrierCodec(carrier: carrier)
        let sequence = carrier == .twilio ? "sequenceNumber" : "sequence_number"
        let stamp = try codec.stamp(
            "{\"event\":\"media\",\"\(sequence)\":\(written),"
                + "\"media\":{\"chunk\":\(written),\"timestamp\":\(written),\"payload\":\"\(sound)\"}}")
        #expect(stamp == MediaStamp(track: .inbound, sequence: value, chunk: value, timestamp: value))
    }
}

@Test(arguments: [
    ("inbound", Track.inbound), ("outbound", .outbound), ("inbound_track", .inbound),
    ("outbound_track", .outbound),
])
func tracks(_ name: String, _ track: Track) throws {
    for carrier in [Carrier.twilio, .telnyx] {
        var codec = CarrierCodec(carrier: carrier)
        #expect(try codec.stamp(twilio("\"track\":\"\(name)\",\"payload\":\"\(sound)\"")).track == track)
    }
    var exotel = CarrierCodec(carrier: .exotel)
    #expect(try exotel.stamp(twilio("\"track\":\"\(name)\",\"payload\":\"\(sound)\"")).track == .inbound)
}

@Test(arguments: [
    ("\"payload\":\"\"", CarrierMessageError.missingField("payload")), ("", .missingField("payload")),
    ("\"payload\":null", .missingField("payload")), ("\"payload\":5", .missingField("payload")),
    ("\"payload\":[]", .missingField("payload")), ("\"payload\":\"****\"", .notBase64),
    ("\"payload\":\"/////w=\"", .notBase64), ("\"payload\":\"//// /w==\"", .notBase64),
    ("\"payload\":\"/\"", .notBase64), ("\"payload\":\"\\n\"", .notBase64),
    ("\"track\":\"both\",\"payload\":\"//8=\"", .missingField("track")),
    ("\"track\":1,\"payload\":\"//8=\"", .missingField("track")),
])
func unusableMedia(_ media: String, _ error: CarrierMessageError) {
    var codec = CarrierCodec(carrier: .twilio)
    #expect(codec.error(twilio("\"payload\":\"\(sound)\"")) == nil)
    #expect(codec.payload.count == 4)
    #expect(codec.error(twilio(media)) == error)
    #expect(codec.payload.isEmpty)
}

@Test func slashes_may_be_escaped_and_padding_missing() throws {
    var codec = CarrierCodec(carrier: .twilio)
    _ = try codec.stamp(twilio("\"payload\":\"\\/\\/\\/\\/\\/w==\""))
    #expect(codec.payload == [0xFF, 0xFF, 0xFF, 0xFF])
    _ = try codec.stamp(twilio("\"payload\":\"/////w\""))
    #expect(codec.payload == [0xFF, 0xFF, 0xFF, 0xFF])
    _ = try codec.stamp(twilio("\"payload\":\"\\u002f/8=\""))
    #expect(codec.payload == [0xFF, 0xFF])
}

@Test func order_does_not_matter_and_the_first_of_two_counts() throws {
    var codec = CarrierCodec(carrier: .twilio)
    let first = try codec.stamp(
        " {\"media\" : {\"payload\":\"AQI=\",\"chunk\":\"1\",\"chunk\":\"2\",\"payload\":\"Aw==\"}, \"x\":[{}],"
            + "\"sequenceNumber\":4,\"sequenceNumber\":5,\"media\":{\"payload\":\"BA==\"},\"event\":\"media\","
            + "\"event\":\"stop\"}\n")
    #expect(first == MediaStamp(sequence: 4, chunk: 1))
    #expect(codec.payload == [1, 2])
    #expect(try codec.event("{\"\\u0065vent\":\"st\\u006fp\"}") == .stop(reason: nil))
    #expect(codec.payload.isEmpty)
    #expect(
        codec.error("{\"event\":\"media\",\"media\":5,\"media\":{\"payload\":\"AQI=\"}}")
            == .missingField("payload"))
}

@Test(arguments: [1, 2, 79, 80, 160, 320, 640, 1600, 3200, 4800, 32000, 100_000])
func any_size_of_sound(_ size: Int) throws {
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    for carrier in Carrier.allCases {
        var peer = CarrierPeer(
            start: StreamStart(
                carrier: carrier, streamID: "MZ1", callID: "CA1", inbound: .pcmu8k, outbound: .pcmu8k))
        var codec = CarrierCodec(carrier: carrier)
        let message = written { output in
            bytes.withUnsafeBytes { peer.encodeMedia($0, chunk: 1, timestamp: 20, into: &output) }
        }
        _ = try codec.event(message)
        #expect(codec.payload == bytes)
    }
}

@Test(arguments: [
    "", " ", "{", "[]", "null", "5", "\"event\"", "hello", "{\"event\":\"stop\"}x", "{\"event\":\"stop\"}{}",
    "{\"event\":\"stop\",}", "{\"event\":\"stop\"", "{'event':'stop'}",
])
func notAnObject(_ message: String) {
    for carrier in Carrier.allCases {
        var codec = CarrierCodec(carrier: carrier)
        #expect(codec.error(message) == .notJSON)
    }
}

@Test(arguments: ["{}", "{\"event\":null}", "{\"event\":5}", "{\"type\":\"media\"}"])
func noEvent(_ message: String) {
    var codec = CarrierCodec(carrier: .telnyx)
    #expect(codec.error(message) == .missingField("event"))
}

@Test(
    arguments: [
        ("0", "0"), ("9", "9"), ("*", "*"), ("#", "#"), ("A", "A"), ("D", "D"), ("a", "A"), ("d", "D"),
        ("", nil),
        ("E", nil), ("e", nil), ("12", nil), ("é", nil), (" ", nil), ("１", nil), ("-", nil),
    ] as [(String, Character?)])
func digits(_ digit: String, _ expected: Character?) throws {
    for carrier in Carrier.allCases {
        var codec = CarrierCodec(carrier: carrier)
        let message = "{\"event\":\"dtmf\",\"dtmf\":{\"digit\":\"\(digit)\"}}"
        if let expected {
            #expect(try codec.event(message) == .dtmf(digit: expected, milliseconds: nil))
        } else {
            #expect(codec.error(message) == .missingField("digit"))
        }
    }
}

@Test func names_of_unknown_events_are_tamed() throws {
    for carrier in Carrier.allCases {
        var codec = CarrierCodec(carrier: carrier)
        #expect(try codec.event("{\"event\":\"a b\\n\u{E9}\"}") == .unknown(event: "a_b_n__"))
        let long = String(repeating: "x", count: 5000)
        #expect(try codec.event("{\"event\":\"\(long)\"}") == .unknown(event: String(long.prefix(64))))
        let clear = try codec.event("{\"event\":\"clear\"}")
        #expect(clear == (carrier == .exotel ? .clear : .unknown(event: "clear")))
        let error = "{\"event\":\"error\",\"payload\":{\"code\":\"100003\",\"title\":\"t\"}}"
        #expect(
            try codec.event(error)
                == (carrier == .telnyx ? .error(code: 100003, title: "t") : .unknown(event: "error")))
    }
}

@Test func marks_are_bounded() throws {
    var codec = CarrierCodec(carrier: .twilio)
    func mark(_ count: Int) -> String {
        "{\"event\":\"mark\",\"mark\":{\"name\":\"\(String(repeating: "m", count: count))\"}}"
    }
    #expect(try codec.event(mark(128)) == .mark(name: String(repeating: "m", count: 128)))
    #expect(codec.error(mark(129)) == .tooLong("name"))
    #expect(codec.error("{\"event\":\"mark\"}") == .missingField("name"))
    #expect(codec.error("{\"event\":\"mark\",\"mark\":{\"name\":1}}") == .missingField("name"))
}

@Test(arguments: [
    "{\"event\":\"stop\"}", "{\"event\":\"stop\",\"stop\":null}",
    "{\"event\":\"stop\",\"stop\":{\"reason\":5}}",
])
func a_stop_is_a_stop(_ message: String) throws {
    for carrier in Carrier.allCases {
        var codec = CarrierCodec(carrier: carrier)
        #expect(try codec.event(message) == .stop(reason: nil))
    }
}

@Test(
    arguments: [
        ("{\"event\":\"connected\",\"protocol\":\"Call\",\"version\":\"1.0.0\"}", Carrier.twilio),
        ("{\"event\":\"connected\",\"version\":\"1.0.0\"}", .telnyx), ("{\"event\":\"connected\"}", .exotel),
        ("{\"event\":\"connected\",\"protocol\":\"Other\"}", nil),
        ("{\"event\":\"media\",\"streamSid\":\"MZ1\"}", nil),
        ("{\"event\":\"start\",\"start\":{\"callSid\":\"CA1\",\"streamSid\":\"MZ1\"}}", .twilio),
        (
            "{\"event\":\"start\",\"start\":{\"callSid\":\"CA1\",\"streamSid\":\"MZ1\",\"from\":\"+1\"}}",
            .exotel
        ),
        ("{\"event\":\"start\",\"streamSid\":\"0f1e\",\"start\":{\"callSid\":\"1a2b\"}}", .exotel),
        ("{\"event\":\"start\",\"start\":{\"call_sid\":\"CA1\",\"stream_sid\":\"MZ1\"}}", .exotel),
        ("{\"event\":\"start\",\"start\":{\"callId\":\"1\",\"streamId\":\"2\"}}", nil),
        ("{\"event\":\"start\"}", nil),
        ("nonsense", nil),
    ] as [(String, Carrier?)])
func detection(_ message: String, _ carrier: Carrier?) {
    #expect(Array(message.utf8).withUnsafeBytes { CarrierCodec.detect($0) } == carrier)
}
