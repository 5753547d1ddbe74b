// What agents do against expectation, bounds, and damage.

import Damage
import Agents
import Audio
import Testing

@Test(arguments: [
    ("{\"type\":\"ping\",\"ping_event\":{\"event_id\":0}}", AgentEvent.ping(eventID: 0, milliseconds: nil)),
    (
        "{\"ping_event\":{\"event_id\":\"12\",\"ping_ms\":\"40\"},\"type\":\"ping\"}",
        .ping(eventID: 12, milliseconds: 40)
    ),
    (
        "{\"type\":\"ping\",\"ping_event\":{\"event_id\":1,\"ping_ms\":-5}}",
        .ping(eventID: 1, milliseconds: nil)
    ),
    (
        "{\"type\":\"ping\",\"ping_event\":{\"event_id\":1,\"ping_ms\":1e99}}",
        .ping(eventID: 1, milliseconds: nil)
    ),
    (
        "{\"type\":\"interruption\",\"interruption_event\":{\"event_id\":3,\"reason\":\"x\"}}",
        .interruption(eventID: 3)
    ),
    ("{\"type\":\"interruption\"}", .interruption(eventID: 0)),
    ("{\"type\":\"interruption\",\"interruption_event\":{\"event_id\":null}}", .interruption(eventID: 0)),
    (
        "{\"type\":\"user_transcript\",\"user_transcription_event\":{\"user_transcript\":\"...\"}}",
        .userTranscript(text: "...", eventID: nil)
    ),
    (
        "{\"type\":\"agent_response\",\"agent_response_event\":{\"agent_response\":\"Hi \\n\",\"event_id\":\"4\"}}",
        .agentResponse(text: "Hi \n", eventID: 4)
    ),
    (
        "{\"type\":\"client_tool_call\",\"client_tool_call\":{\"tool_name\":\"t\",\"tool_call_id\":\"c\"}}",
        .clientToolCall(name: "t", callID: "c", expectsResponse: true)
    ),
    (
        "{\"type\":\"client_tool_call\",\"client_tool_call\":{\"tool_name\":\"t\",\"tool_call_id\":\"c\",\"expects_response\":false}}",
        .clientToolCall(name: "t", callID: "c", expectsResponse: false)
    ),
    (
        "{\"type\":\"agent_tool_response\",\"agent_tool_response\":{\"tool_name\":\"end_call\"}}",
        .agentToolResponse(name: "end_call", isError: false)
    ), ("{\"type\":\"error\"}", .error(AgentError())),
    ("{\"type\":\"error\",\"error_event\":7}", .error(AgentError())),
    (
        "{\"type\":\"error\",\"error_event\":{\"code\":\"1011\",\"reason\":\"r\"}}",
        .error(AgentError(code: 1011, message: "r"))
    ), ("{\"type\":\"a b\\u0000\"}", .unknown(type: "a_b_u0000")),
])
func tolerance(_ message: String, _ event: AgentEvent) throws {
    var codec = AgentCodec()
    #expect(try codec.event(message) == event)
}

@Test(arguments: [
    ("", AgentMessageError.notJSON), ("[]", .notJSON), ("null", .notJSON), ("{", .notJSON),
    ("{\"type\":\"ping\"}x", .notJSON), ("{}", .missingField("type")),
    ("{\"type\":1}", .missingField("type")),
    ("{\"user_audio_chunk\":\"//8=\"}", .missingField("type")),
    ("{\"type\":\"ping\"}", .missingField("ping_event")),
    ("{\"type\":\"ping\",\"ping_event\":{}}", .missingField("event_id")),
    ("{\"type\":\"ping\",\"ping_event\":{\"event_id\":99999999999999999999}}", .missingField("event_id")),
    ("{\"type\":\"audio\"}", .missingField("audio_base_64")),
    ("{\"type\":\"audio\",\"audio_event\":[]}", .missingField("audio_base_64")),
    ("{\"type\":\"audio\",\"audio_event\":{\"audio_base_64\":\"//8=\"}}", .missingField("event_id")),
    ("{\"type\":\"audio\",\"audio_event\":{\"audio_base_64\":\"*\",\"event_id\":1}}", .notBase64),
    ("{\"type\":\"agent_response\",\"agent_response_event\":{}}", .missingField("agent_response")),
    (
        "{\"type\":\"conversation_initiation_metadata\",\"conversation_initiation_metadata_event\":{}}",
        .missingField("conversation_id")
    ),
])
func errors(_ message: String, _ expected: AgentMessageError) {
    var codec = AgentCodec()
    #expect(codec.error(message) == expected)
    #expect(codec.payload.isEmpty)
}

@Test(
    arguments: [
        ("ulaw_8000", AudioFormat.pcmu8k), ("pcm_8000", AudioFormat(.pcm16, rate: 8000)),
        ("pcm_16000", AudioFormat(.pcm16, rate: 16000)), ("pcm_22050", AudioFormat(.pcm16, rate: 22050)),
        ("pcm_24000", AudioFormat(.pcm16, rate: 24000)), ("pcm_44100", AudioFormat(.pcm16, rate: 44100)),
        ("pcm_48000", AudioFormat(.pcm16, rate: 48000)), ("alaw_8000", nil), ("pcm_12345", nil),
        ("mp3_44100_128", nil),
        ("", nil), ("ULAW_8000", nil),
    ] as [(String, AudioFormat?)])
func formats(_ name: String, _ format: AudioFormat?) throws {
    var codec = AgentCodec()
    let message =
        "{\"conversation_initiation_metadata_event\":{\"conversation_id\":\"c\",\"agent_output_audio_format\":\"\(name)\","
        + "\"user_input_audio_format\":\"\(name)\"},\"type\":\"conversation_initiation_metadata\"}"
    #expect(try codec.event(message) == .metadata(conversationID: "c", output: format, input: format))
    guard let format else { return }
    let again = written {
        AgentPeer().encodeMetadata(conversationID: "c", output: format, input: format, into: &$0)
    }
    #expect(try codec.event(again) == .metadata(conversationID: "c", output: format, input: format))
}

@Test func an_alaw_agent_is_refused_by_its_name() throws {
    var codec = AgentCodec()
    let message = written {
        AgentPeer().encodeMetadata(conversationID: "c", output: .pcma8k, input: nil, into: &$0)
    }
    let input = AudioFormat(.pcm16, rate: 16000)
    #expect(try codec.event(message) == .metadata(conversationID: "c", output: nil, input: input))
}

@Test(arguments: [
    "null", "{}", "[]", "5", "{\"chars\":[\"a\"],\"char_start_times_ms\":[0],\"char_durations_ms\":[]}",
    "{\"chars\":[1],\"char_start_times_ms\":[0],\"char_durations_ms\":[1]}",
    "{\"chars\":[\"a\"],\"char_start_times_ms\":[-1],\"char_durations_ms\":[1]}",
    "{\"chars\":[\"a\"],\"char_start_times_ms\":[99999999999999999999],\"char_durations_ms\":[1]}",
    "{\"chars\":[\"a\"],\"char_start_times_ms\":[0.5],\"char_durations_ms\":[1]}",
])
func ill_formed_alignment_costs_no_sound(_ alignment: String) throws {
    var codec = AgentCodec()
    let message =
        "{\"audio_event\":{\"alignment\":\(alignment),\"event_id\":7,\"audio_base_64\":\"AQID\"},\"type\":\"audio\"}"
    #expect(try codec.event(message) == .audio(eventID: 7, alignment: nil))
    #expect(codec.payload == [1, 2, 3])
}

@Test func empty_and_escaped_sound() throws {
    var codec = AgentCodec()
    let empty =
        "{\"type\":\"audio\",\"audio_event\":{\"audio_base_64\":\"\",\"event_id\":1,\"is_final\":true}}"
    #expect(try codec.event(empty) == .audio(eventID: 1, alignment: nil))
    #expect(codec.payload.isEmpty)
    let escaped = "{\"type\":\"audio\",\"audio_event\":{\"audio_base_64\":\"\\/\\/8\",\"event_id\":1}}"
    #expect(try codec.event(escaped) == .audio(eventID: 1, alignment: nil))
    #expect(codec.payload == [0xFF, 0xFF])
    // An audio_event in another message is not sound.
    let other =
        "{\"type\":\"ping\",\"audio_event\":{\"audio_base_64\":\"AQID\"},\"ping_event\":{\"event_id\":1}}"
    #expect(try codec.event(other) == .ping(eventID: 1, milliseconds: nil))
    #expect(codec.payload.isEmpty)
}

@Test(arguments: [0, 1, 2, 160, 320, 882, 4000, 40000])
func any_size_of_sound(_ size: Int) throws {
    let sound = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    var codec = AgentCodec()
    let message = written { output in
        sound.withUnsafeBytes { AgentPeer().encodeAudio($0, eventID: 1, into: &output) }
    }
    _ = try codec.event(message)
    #expect(codec.payload == sound)
    var peer = AgentPeer()
    let user = written { output in sound.withUnsafeBytes { codec.encodeUserAudio($0, into: &output) } }
    #expect(peer.message(user) == .userAudio)
    #expect(peer.payload == sound)
}

@Test func texts_are_bounded() throws {
    var codec = AgentCodec()
    let text = String(repeating: "t", count: 65536)
    let right = written { AgentPeer().encodeAgentResponse(text, eventID: 1, into: &$0) }
    #expect(try codec.event(right) == .agentResponse(text: text, eventID: 1))
    let long = written { AgentPeer().encodeAgentResponse(text + "t", eventID: 1, into: &$0) }
    #expect(throws: AgentMessageError.tooLong("agent_response")) { try codec.event(long) }
    // An error is never refused, however much it says.
    let error = AgentError(code: 1002, message: text + "t")
    let complaint = written { AgentPeer().encodeError(error, shape: .event, into: &$0) }
    #expect(try codec.event(complaint) == .error(AgentError(code: 1002)))
}

@Test func an_initiation_survives() {
    var peer = AgentPeer()
    let initiation = ConversationInitiation(
        dynamicVariables: ["caller": "+1", "quote": "\"\\\n", "é": "😀"], userID: "u\u{1}")
    let message = written { AgentCodec().encodeInitiation(initiation, into: &$0) }
    #expect(peer.message(message) == .initiation(initiation, hasOverride: false))
}

@Test(arguments: [
    "", "[]", "{}", "{\"type\":5}", "{\"type\":\"pong\"}", "{\"user_audio_chunk\":\"*\"}",
    "{\"type\":\"user_activity\"}x",
    "{\"type\":\"client_tool_result\",\"tool_call_id\":\"c\",\"result\":{}}",
    "{\"type\":\"contextual_update\"}",
])
func invalid_client_messages(_ message: String) {
    var peer = AgentPeer()
    #expect(peer.message(Array(message.utf8)) == .invalid)
}

@Test func damage_never_traps() throws {
    var random = SplitMix64(seed: 5)
    let peer = AgentPeer()
    let sound = (0..<160).map { UInt8($0) }
    let alignment = AudioAlignment(
        characters: ["a", "b"], startMilliseconds: [0, 10], durationMilliseconds: [10, 10])
    let messages = [
        written { out in
            sound.withUnsafeBytes { peer.encodeAudio($0, eventID: 1, alignment: alignment, into: &out) }
        },
        written { peer.encodeMetadata(conversationID: "c", output: .pcmu8k, input: .pcmu8k, into: &$0) },
        written { peer.encodeAgentResponse("Hello \"you\" é😀", eventID: 2, into: &$0) },
        written { peer.encodeAgentResponseCorrection(original: "ab", corrected: "a", eventID: 2, into: &$0) },
        written { peer.encodePing(eventID: 3, milliseconds: 40, into: &$0) },
        written { peer.encodeInterruption(eventID: 3, into: &$0) },
        written { peer.encodeToolResponse(callID: "t", eventID: 4, into: &$0) },
        written { peer.encodeError(AgentError(code: 1, type: "t", message: "m"), shape: .client, into: &$0) },
        written {
            AgentCodec().encodeInitiation(ConversationInitiation(dynamicVariables: ["a": "b"]), into: &$0)
        },
    ]
    var codec = AgentCodec()
    var other = AgentPeer()
    var understood = 0
    for round in 0..<10000 {
        let damaged = mutated(messages[round % messages.count], using: &random)
        damaged.withUnsafeBytes { raw in
            do throws(AgentMessageError) {
                _ = try codec.decode(raw)
                understood += 1
            } catch { #expect(codec.payload.isEmpty) }
            _ = other.decode(raw)
        }
        #expect(try codec.event(messages[0]) == .audio(eventID: 1, alignment: alignment))
        #expect(codec.payload == sound)
    }
    #expect(understood > 500)
}
