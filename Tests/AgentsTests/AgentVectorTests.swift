// Every vector of the agent's socket: server messages decoded and encoded, client messages both ways, sequences.

import Agents
import Audio
import Foundation
import Testing

private let ulaw = AudioFormat.pcmu8k
private let pcm16k = AudioFormat(.pcm16, rate: 16000)
private let correction = AgentEvent.agentResponseCorrection(
    original: "Let me tell you about our three plans in detail.", corrected: "Let me tell you about...",
    eventID: 27)
private let conversation = "conv_0101kexample0000000000000001"

/// Values copied from the protocol document's examples.
private let understood: [(String, AgentEvent)] = [
    (
        "s2c_conversation_initiation_metadata",
        .metadata(conversationID: conversation, output: ulaw, input: ulaw)
    ),
    (
        "s2c_conversation_initiation_metadata_pcm16k",
        .metadata(conversationID: conversation, output: pcm16k, input: pcm16k)
    ),
    (
        "s2c_conversation_initiation_metadata_no_input_format",
        .metadata(conversationID: conversation, output: pcm16k, input: pcm16k)
    ),
    ("s2c_user_transcript", .userTranscript(text: "Hey, how are you?", eventID: 26)),
    ("s2c_tentative_user_transcript", .tentativeUserTranscript(text: "Hey, how", eventID: 26)),
    ("s2c_agent_response", .agentResponse(text: "Hello! How can I help you today?", eventID: 1)),
    ("s2c_agent_response_correction", correction),
    ("s2c_agent_response_complete", .agentResponseComplete(eventID: 27)),
    ("s2c_interruption", .interruption(eventID: 27)), ("s2c_ping", .ping(eventID: 1, milliseconds: nil)),
    (
        "s2c_client_tool_call",
        .clientToolCall(
            name: "lookup_order", callID: "toolu_vrtx_01Vvmrto87Dvc2RFCoCPMKzx", expectsResponse: true)
    ),
    ("s2c_agent_tool_response_end_call", .agentToolResponse(name: "end_call", isError: false)),
    ("s2c_agent_tool_response_full_payload", .agentToolResponse(name: "crm_lookup", isError: false)),
    ("s2c_queue_status_waiting", .queueStatus("waiting")),
    ("s2c_queue_status_admitted", .queueStatus("admitted")),
    ("s2c_queue_status_timed_out", .queueStatus("timed_out")),
    ("s2c_unknown_event", .unknown(type: "brand_new_event")),
    (
        "s2c_error",
        .error(
            AgentError(
                code: 1008, type: "override_error",
                message: "Override for field 'first_message' is not allowed by config.")
        )
    ),
    (
        "s2c_error_max_duration",
        .error(
            AgentError(
                code: 1000, type: "max_duration_exceeded",
                message: "Conversation has exceeded maximum duration"))
    ),
    ("s2c_client_error", .error(AgentError(code: 1008, type: "invalid_api_key", message: "Invalid API key"))),
    (
        "s2c_error_flat",
        .error(
            AgentError(
                code: 1002, message: "received 1002 (protocol error) This request exceeds your quota limit."))
    ),
]

/// What the agent's own side writes for `event`.
private func encoded(_ event: AgentEvent, _ name: String) -> [UInt8]? {
    let peer = AgentPeer()
    return written { output in
        switch event {
        case .metadata(let id, let format, let input):
            let told = name.hasSuffix("no_input_format") ? nil : input
            peer.encodeMetadata(conversationID: id, output: format ?? ulaw, input: told, into: &output)
        case .userTranscript(let text, let id): peer.encodeUserTranscript(text, eventID: id, into: &output)
        case .agentResponse(let text, let id): peer.encodeAgentResponse(text, eventID: id, into: &output)
        case .agentResponseCorrection(let original, let corrected, let id):
            peer.encodeAgentResponseCorrection(
                original: original, corrected: corrected, eventID: id, into: &output)
        case .agentResponseComplete(let id): peer.encodeAgentResponseComplete(eventID: id, into: &output)
        case .interruption(let id): peer.encodeInterruption(eventID: id, into: &output)
        case .ping(let id, let milliseconds):
            peer.encodePing(eventID: id, milliseconds: milliseconds, into: &output)
        case .agentToolResponse(let tool, let isError) where name.hasSuffix("end_call"):
            peer.encodeToolResponse(
                name: tool, callID: "toolu_vrtx_04", isError: isError, eventID: 40, into: &output)
        case .queueStatus(let status): peer.encodeQueueStatus(status, into: &output)
        case .error(let error):
            let shape: AgentPeer.ErrorShape =
                name.contains("client") ? .client : name.contains("flat") ? .flat : .event
            peer.encodeError(error, shape: shape, into: &output)
        default: break
        }
    }
}

@Test(arguments: understood)
func understands(_ name: String, _ event: AgentEvent) throws {
    let message = try vector(name)
    var codec = AgentCodec()
    #expect(try codec.event(message) == event)
    guard let again = encoded(event, name), !again.isEmpty else { return }
    let mine = try #require(try object(again).mutableCopy() as? NSMutableDictionary)
    let theirs = try #require(try object(message).mutableCopy() as? NSMutableDictionary)
    if name == "s2c_error", let event = theirs["error_event"] as? NSDictionary,
        let shorter = event.mutableCopy() as? NSMutableDictionary
    {
        // A reason beside the message is optional; the peer tells the message.
        shorter.removeObject(forKey: "reason")
        theirs["error_event"] = shorter
    }
    #expect(mine == theirs)
}

@Test func every_server_vector_is_known() throws {
    let names = try vectors("s2c_")
    #expect(names.count == 50)
    for name in names {
        let message = try vector(name)
        let type = try object(message)["type"] as? String ?? ""
        var codec = AgentCodec()
        let event = try codec.event(message)
        switch event {
        case .unknown: #expect(name == "s2c_unknown_event")
        case .informational(let known): #expect(known == type)
        default: break
        }
    }
}

@Test(arguments: [
    "vad_score", "context_usage", "agent_typing", "rich_content", "mcp_connection_status",
    "agent_tool_request",
    "guardrail_triggered", "external_agent_connected", "external_agent_disconnected",
    "asr_initiation_metadata",
    "internal_turn_probability", "internal_tentative_agent_response", "agent_response_metadata",
    "agent_reasoning_response_part", "agent_chat_response_part", "mcp_tool_call", "dtmf_request",
])
func informational(_ type: String) throws {
    var codec = AgentCodec()
    #expect(try codec.event("{\"type\":\"\(type)\"}") == .informational(type: type))
}

@Test(arguments: ["s2c_audio", "s2c_audio_alignment", "s2c_audio_final"])
func audio(_ name: String) throws {
    let message = try vector(name)
    let event = try #require(try object(message)["audio_event"] as? NSDictionary)
    let sound = try #require((event["audio_base_64"] as? String).flatMap { Data(base64Encoded: $0) })
    let id = try #require(event["event_id"] as? Int64)
    let alignment = (event["alignment"] as? NSDictionary).map {
        AudioAlignment(
            characters: $0["chars"] as? [String] ?? [],
            startMilliseconds: $0["char_start_times_ms"] as? [Int] ?? [],
            durationMilliseconds: $0["char_durations_ms"] as? [Int] ?? [])
    }
    #expect((alignment != nil) == (name == "s2c_audio_alignment"))
    var codec = AgentCodec()
    #expect(try codec.event(message) == .audio(eventID: id, alignment: alignment))
    #expect(codec.payload == Array(sound))

    let again = written { output in
        sound.withUnsafeBytes {
            AgentPeer().encodeAudio($0, eventID: id, alignment: alignment, into: &output)
        }
    }
    if name != "s2c_audio_final" { #expect(try object(again) == object(message)) }
}

@Test(arguments: [
    ("c2s_pong", AgentClientMessage.pong(eventID: 3)), ("c2s_user_activity", .userActivity),
    ("c2s_contextual_update", .contextualUpdate(text: "DTMF digit received: 5")),
    (
        "c2s_client_tool_result_ok",
        .toolResult(
            callID: "toolu_vrtx_01Vvmrto87Dvc2RFCoCPMKzx",
            result: "{\"status\":\"booked\",\"slot\":\"2026-01-05T10:00\"}",
            isError: false)
    ),
    (
        "c2s_client_tool_result_error",
        .toolResult(
            callID: "toolu_vrtx_01Vvmrto87Dvc2RFCoCPMKzx",
            result: "Client tool with name lookup_order is not defined on client", isError: true)
    ),
    (
        "c2s_conversation_initiation_client_data_minimal",
        .initiation(ConversationInitiation(), hasOverride: false)
    ),
])
func clientMessages(_ name: String, _ expected: AgentClientMessage) throws {
    let message = try vector(name)
    var peer = AgentPeer()
    let read = peer.message(message)
    let codec = AgentCodec()
    let again = written { output in
        switch read {
        case .pong(let id): codec.encodePong(eventID: id, into: &output)
        case .userActivity: codec.encodeUserActivity(into: &output)
        case .contextualUpdate(let text): codec.encodeContextualUpdate(text, into: &output)
        case .toolResult(let id, let result, let isError):
            codec.encodeToolResult(callID: id, result: result, isError: isError, into: &output)
        case .initiation(let initiation, _): codec.encodeInitiation(initiation, into: &output)
        default: break
        }
    }
    #expect(try object(again) == object(message))
    if name == "c2s_contextual_update" {
        #expect(read == .contextualUpdate(text: try object(message)["text"] as? String ?? ""))
    } else {
        #expect(read == expected)
    }
}

@Test(arguments: ["c2s_user_audio_chunk_pcm_16000_100ms", "c2s_user_audio_chunk_ulaw_8000_20ms"])
func userAudio(_ name: String) throws {
    let message = try vector(name)
    let sound = try #require(
        (try object(message)["user_audio_chunk"] as? String).flatMap { Data(base64Encoded: $0) })
    var peer = AgentPeer()
    #expect(peer.message(message) == .userAudio)
    #expect(peer.payload == Array(sound))
    let again = written { output in sound.withUnsafeBytes { AgentCodec().encodeUserAudio($0, into: &output) }
    }
    #expect(try object(again) == object(message))
}

@Test func every_client_vector_is_read() throws {
    for name in try vectors("c2s_") {
        var peer = AgentPeer()
        let read = peer.message(try vector(name))
        #expect(read != .invalid, "\(name)")
        if case .initiation(_, let hasOverride) = read {
            #expect(hasOverride == (name.hasSuffix("full")) || name.hasSuffix("js_sdk"), "\(name)")
        }
    }
    var peer = AgentPeer()
    let full = peer.message(try vector("c2s_conversation_initiation_client_data_full"))
    let variables = [
        "caller_name": "Ada", "account_tier": "2", "balance": "12.5", "is_vip": "true",
        "secret__crm_token": "tok_123",
    ]
    #expect(
        full
            == .initiation(
                ConversationInitiation(dynamicVariables: variables, userID: "+12025550123"), hasOverride: true
            ))
}

@Test(arguments: [
    "seq_basic_call", "seq_interruption_same_id", "seq_interruption_late_audio", "seq_reject_override",
    "seq_queue_then_admit", "seq_end_call_drain",
])
func sequences(_ name: String) throws {
    let steps = try #require(JSONSerialization.jsonObject(with: vector(name)) as? [NSDictionary])
    var codec = AgentCodec()
    var peer = AgentPeer()
    var frames = 0
    for step in steps {
        guard let frame = step["frame"] as? NSDictionary else { continue }
        frames += 1
        let message = try JSONSerialization.data(withJSONObject: frame)
        if step["dir"] as? String == "server->client" {
            let event = try codec.event(message)
            if case .unknown(let type) = event { Issue.record("unknown \(type)") }
            if case .audio = event { #expect(!codec.payload.isEmpty) }
        } else {
            #expect(peer.message(message) != .invalid)
        }
    }
    #expect(frames > 1)
}

@Suite struct InitiationOverrideTests {
    private func encoded(_ change: (inout ConversationInitiation) -> Void) -> String {
        var initiation = ConversationInitiation()
        change(&initiation)
        var output: [UInt8] = []
        AgentCodec().encodeInitiation(initiation, into: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// Members and groups as in the reference's full example; what is unset or empty is left out.
    @Test func overrides() {
        #expect(
            encoded {
                $0.firstMessage = "Good evening"
                $0.language = "en"
                $0.voiceID = "JBFqnCBsd6RMkjVDRZzb"
            }
                == #"{"type":"conversation_initiation_client_data","conversation_config_override":{"agent":{"first_message":"Good evening","language":"en"},"tts":{"voice_id":"JBFqnCBsd6RMkjVDRZzb"}}}"#
        )
        #expect(
            encoded { $0.voiceID = "v" }
                == #"{"type":"conversation_initiation_client_data","conversation_config_override":{"tts":{"voice_id":"v"}}}"#
        )
        #expect(
            encoded {
                $0.firstMessage = ""
                $0.language = "de"
            }
                == #"{"type":"conversation_initiation_client_data","conversation_config_override":{"agent":{"language":"de"}}}"#
        )
        #expect(encoded { $0.firstMessage = "" } == #"{"type":"conversation_initiation_client_data"}"#)
    }
}
