// Start messages off the documented path: formats, parameters, bounds.

import Audio
import Carriers
import Testing

private func twilio(_ body: String) -> String {
    "{\"event\":\"start\",\"streamSid\":\"MZ1\",\"start\":{\"callSid\":\"CA1\"\(body)}}"
}
private func telnyx(_ body: String, _ top: String = "") -> String {
    "{\"event\":\"start\",\"stream_id\":\"s\",\"start\":{\"call_control_id\":\"v3:1\"\(body)}\(top)}"
}
private func exotel(_ body: String) -> String {
    "{\"event\":\"start\",\"stream_sid\":\"s\",\"start\":{\"call_sid\":\"c\"\(body)}}"
}

@Test(arguments: [
    ("", true), (",\"mediaFormat\":{}", true), (",\"mediaFormat\":null", true),
    (",\"mediaFormat\":{\"encoding\":\"audio/x-mulaw\",\"sampleRate\":\"8000\"}", true),
    (",\"mediaFormat\":{\"encoding\":\"audio/x-mulaw\",\"sampleRate\":16000}", false),
    (",\"mediaFormat\":{\"encoding\":\"audio/x-l16\",\"sampleRate\":8000}", false),
    (",\"mediaFormat\":{\"encoding\":7}", false), (",\"mediaFormat\":{\"sampleRate\":\"fast\"}", false),
])
func twilioFormats(_ body: String, _ supported: Bool) throws {
    var codec = CarrierCodec(carrier: .twilio, outbound: .pcma8k)
    if supported {
        let start = try codec.start(twilio(body))
        #expect(start.inbound == .pcmu8k && start.outbound == .pcmu8k)
    } else {
        #expect(codec.error(twilio(body)) == .unsupportedFormat)
    }
}

@Test(
    arguments: [
        ("PCMU", 8000, AudioFormat.pcmu8k), ("PCMA", 8000, .pcma8k), ("pcma", 8000, .pcma8k),
        ("L16", 16000, AudioFormat(.pcm16auto, rate: 16000)),
        ("L16", 8000, AudioFormat(.pcm16auto, rate: 8000)), ("L16", 44100, nil), ("L16", 0, nil),
        ("G722", 8000, AudioFormat(.g722, rate: 16000)), ("G722", 16000, .g722), ("G722", 48000, nil),
        ("OPUS", 16000, AudioFormat(.opus, rate: 16000)), ("OPUS", 8000, AudioFormat(.opus, rate: 8000)),
        ("OPUS", 48000, AudioFormat(.opus, rate: 16000)), ("OPUS", 11025, nil),
        ("AMR-WB", 16000, AudioFormat(.amrwb, rate: 16000)), ("amr-wb", 8000, .amrwb),
        ("AMR-WB", 24000, nil), ("AMR", 8000, nil), ("PCMU", 16000, nil), ("PCMA", 16000, nil),
        ("audio/x-mulaw", 8000, nil), ("", 8000, nil),
    ] as [(String, Int, AudioFormat?)])
func telnyxFormats(_ encoding: String, _ rate: Int, _ format: AudioFormat?) throws {
    let message = telnyx(
        ",\"media_format\":{\"encoding\":\"\(encoding)\",\"sample_rate\":\(rate),\"channels\":1}")
    for outbound in [nil, AudioFormat.pcma8k, AudioFormat(.pcm16, rate: 16000)] {
        var codec = CarrierCodec(carrier: .telnyx, outbound: outbound)
        if let format {
            let start = try codec.start(message)
            #expect(start.inbound == format)
            #expect(start.outbound == outbound ?? .pcmu8k)
        } else {
            #expect(codec.error(message) == .unsupportedFormat)
        }
    }
}

@Test(
    arguments: [
        ("\"8000\"", 8000), ("8000", 8000), ("\"16000\"", 16000), ("16000", 16000), ("24000", 24000),
        ("\"24000\"", 24000),
        ("44100", nil), ("0", nil), ("-8000", nil), ("\"fast\"", nil), ("1e4", nil), ("null", 8000),
    ] as [(String, Int?)])
func exotelFormats(_ rate: String, _ expected: Int?) throws {
    for (encoding, bits) in [
        ("audio/x-raw", "\"16\""), ("raw", "\"128\""), ("audio/x-mulaw", "8"), ("", "null"),
    ] {
        for (format, name) in [("media_format", "sample_rate"), ("mediaFormat", "sampleRate")] {
            let message = exotel(
                ",\"\(format)\":{\"encoding\":\"\(encoding)\",\"bit_rate\":\(bits),\"\(name)\":\(rate)}")
            var codec = CarrierCodec(carrier: .exotel)
            if let expected {
                let start = try codec.start(message)
                #expect(
                    start.inbound == AudioFormat(.pcm16, rate: expected) && start.outbound == start.inbound)
            } else {
                #expect(codec.error(message) == .unsupportedFormat)
            }
        }
    }
}

@Test(arguments: [
    telnyx(",\"custom_parameters\":{\"k\":\"v\",\"n\":5}"),
    telnyx(
        ",\"custom_parameters\":[{\"name\":\"k\",\"value\":\"v\"},{\"name\":\"n\",\"value\":5},{\"x\":1},7]"),
    telnyx("", ",\"custom_parameters\":{\"k\":\"v\",\"n\":5,\"o\":{},\"z\":null}"),
    telnyx("", ",\"custom_parameters\":[{\"name\":\"k\",\"value\":\"v\"},{\"value\":5,\"name\":\"n\"}]"),
    telnyx(",\"custom_parameters\":{\"k\":\"v\"}", ",\"custom_parameters\":{\"k\":\"other\",\"n\":5}"),
])
func telnyxParameters(_ message: String) throws {
    var codec = CarrierCodec(carrier: .telnyx)
    #expect(try codec.start(message).parameters == ["k": "v", "n": "5"])
}

/// `stream_auth_token` as one program reads it, and at the top level (carriers.md §3.3.3): no custom parameter.
@Test(arguments: [
    telnyx(",\"stream_auth_token\":\"secret\""), telnyx("", ",\"stream_auth_token\":\"secret\""),
])
func telnyxAuthToken(_ message: String) throws {
    var codec = CarrierCodec(carrier: .telnyx)
    let start = try codec.start(message)
    #expect(start.authToken?.text == "secret" && start.parameters.isEmpty)
    #expect(!String(reflecting: start).contains("secret"))
    #expect(try codec.start(telnyx("")).authToken == nil)
    let long = String(repeating: "x", count: 16_001)
    #expect(codec.error(telnyx(",\"stream_auth_token\":\"\(long)\"")) == .tooLong("stream_auth_token"))
}

@Test(
    arguments: [
        ("{\"From\":\"+1\",\"To\":\"+2\"}", "+1", "+2"), ("{\"from\":\"+1\",\"to\":\"+2\"}", "+1", "+2"),
        ("{\"caller\":\"+1\",\"called\":\"+2\"}", "+1", "+2"),
        ("{\"From\":\"\",\"caller\":\"+1\"}", "+1", nil), ("{}", nil, nil),
        ("null", nil, nil), ("[]", nil, nil), ("\"x\"", nil, nil),
    ] as [(String, String?, String?)])
func twilioNumbersComeFromParameters(_ parameters: String, _ caller: String?, _ called: String?) throws {
    var codec = CarrierCodec(carrier: .twilio)
    let start = try codec.start(twilio(",\"customParameters\":\(parameters)"))
    #expect(start.caller == caller && start.called == called)
}

@Test func a_start_needs_its_ids() {
    var codec = CarrierCodec(carrier: .twilio)
    #expect(codec.error("{\"event\":\"start\"}") == .missingField("start"))
    #expect(
        codec.error("{\"event\":\"start\",\"start\":{\"callSid\":\"CA1\"}}") == .missingField("streamSid"))
    #expect(
        codec.error("{\"event\":\"start\",\"streamSid\":\"MZ1\",\"start\":{}}") == .missingField("callSid"))
    #expect(
        codec.error("{\"event\":\"start\",\"streamSid\":\"\",\"start\":{\"callSid\":\"CA1\"}}")
            == .missingField("streamSid"))
    // Another dialect's names are not Twilio's.
    #expect(codec.error(exotel("")) == .missingField("streamSid"))
    #expect(codec.error(telnyx("")) == .missingField("streamSid"))
    #expect(codec.streamID.isEmpty)
    var other = CarrierCodec(carrier: .telnyx)
    #expect(other.error(twilio("")) == .missingField("stream_id"))
    var third = CarrierCodec(carrier: .exotel)
    #expect(
        third.error("{\"event\":\"start\",\"start\":{\"stream_sid\":\"s\"}}") == .missingField("call_sid"))
}

@Test func ids_are_bounded() throws {
    let long = String(repeating: "i", count: 256)
    var codec = CarrierCodec(carrier: .exotel)
    #expect(try codec.start(exotel(",\"account_sid\":\"\(long)\",\"from\":\"\(long)\"")).accountID == long)
    #expect(codec.error(exotel(",\"account_sid\":\"\(long)i\"")) == .tooLong("account_sid"))
    #expect(codec.error(exotel(",\"from\":\"\(long)i\"")) == .tooLong("from"))
    #expect(
        codec.error("{\"event\":\"start\",\"stream_sid\":\"\(long)i\",\"start\":{}}")
            == .tooLong("stream_sid"))
}

@Test func parameters_are_bounded() throws {
    func parameters(_ count: Int, _ size: Int) -> String {
        let value = String(repeating: "v", count: size)
        return (0..<count).map { "\"k\($0)\":\"\(value)\"" }.joined(separator: ",")
    }
    var codec = CarrierCodec(carrier: .twilio)
    #expect(try codec.start(twilio(",\"customParameters\":{\(parameters(64, 1024))}")).parameters.count == 64)
    let error = CarrierMessageError.tooLong("custom_parameters")
    #expect(codec.error(twilio(",\"customParameters\":{\(parameters(65, 1))}")) == error)
    #expect(codec.error(twilio(",\"customParameters\":{\(parameters(1, 1025))}")) == error)
    let name = String(repeating: "n", count: 1025)
    #expect(codec.error(twilio(",\"customParameters\":{\"\(name)\":\"v\"}")) == error)
}

@Test func tracks_are_those_named() throws {
    var codec = CarrierCodec(carrier: .twilio)
    #expect(
        try codec.start(twilio(",\"tracks\":[\"outbound\",\"inbound\"]")).tracks == [.outbound, .inbound])
    #expect(try codec.start(twilio(",\"tracks\":[\"inbound\",\"inbound\",5,\"x\"]")).tracks == [.inbound])
    #expect(try codec.start(twilio(",\"tracks\":[]")).tracks == [.inbound])
    #expect(try codec.start(twilio(",\"tracks\":\"inbound\"")).tracks == [.inbound])
}
