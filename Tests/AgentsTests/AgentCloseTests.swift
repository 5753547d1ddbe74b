// What closes mean, and the addresses of the service.

import Agents
import Foundation
import Testing

@Test func the_catalogue_of_closes() throws {
    let closes = try #require(JSONSerialization.jsonObject(with: vector("ws_close_codes")) as? [NSDictionary])
    #expect(closes.count == 13)
    for close in closes {
        let code = try #require(close["code"] as? Int)
        let reason = try #require(close["reason"] as? String)
        let meaning = AgentCloseMeaning(code: code, reason: reason)
        // The rule of the protocol document is stricter than its catalogue in two places: never again after 1008
        // (one historic server bug apart), and 4300 is not among what is tried again.
        let isStricter = code == 4300 || code == 1008
        let retry = try #require(close["client_should_retry"] as? Bool)
        #expect(meaning.mayRetryBeforeAudio == (retry && !isStricter), "\(code) \(reason)")
    }
}

@Test(
    arguments: [
        (1000, "", nil, AgentCloseMeaning.ended), (1000, "User ended conversation", nil, .ended),
        (1000, "", AgentError(code: 1000, type: "max_duration_exceeded"), .maximumDuration),
        (
            1011, "Unexpected error in websocket endpoint: Conversation has exceeded maximum duration", nil,
            .maximumDuration
        ),
        (1002, "This request exceeds your quota limit.", nil, .quotaExceeded),
        (
            1006, "",
            AgentError(
                code: 1002, message: "received 1002 (protocol error) This request exceeds your quota limit."),
            .quotaExceeded
        ), (1002, "", nil, .serviceTimeout),
        (1002, "", AgentError(code: 1002, type: "llm_timeout"), .serviceTimeout),
        (1002, "transport_receive_timeout", nil, .serviceTimeout),
        (1002, "", AgentError(code: 1002, type: "custom_llm_error"), .serviceFailure),
        (1002, "The AI agent you are trying to reach appears to be misconfigured", nil, .serviceFailure),
        (1008, "", nil, .rejected), (1008, "", AgentError(code: 1008, type: "override_error"), .rejected),
        (1000, "", AgentError(code: 1008, type: "override_error"), .rejected),
        (3000, "Request error", nil, .rejected),
        (1006, "", AgentError(code: 1008, type: "invalid_api_key"), .rejected),
        (4300, "", nil, .queueTimedOut),
        (1011, "", nil, .internalFailure), (1006, "", nil, .network), (1001, "", nil, .other(code: 1001)),
        (-1, "", nil, .other(code: -1)),
    ] as [(Int, String, AgentError?, AgentCloseMeaning)])
func meanings(_ code: Int, _ reason: String, _ error: AgentError?, _ meaning: AgentCloseMeaning) {
    #expect(AgentCloseMeaning(code: code, reason: reason, lastError: error) == meaning)
    let again: [AgentCloseMeaning] = [.serviceTimeout, .internalFailure, .network]
    #expect(meaning.mayRetryBeforeAudio == again.contains(meaning))
}

@Test(arguments: [
    ("https://api.elevenlabs.io", "wss://api.elevenlabs.io", "https://api.elevenlabs.io"),
    (
        "https://api.eu.residency.elevenlabs.io/", "wss://api.eu.residency.elevenlabs.io",
        "https://api.eu.residency.elevenlabs.io"
    ),
    ("http://127.0.0.1:8081", "ws://127.0.0.1:8081", "http://127.0.0.1:8081"),
    ("HTTPS://[::1]:9/x//", "wss://[::1]:9/x", "https://[::1]:9/x"), ("ws://h", "ws://h", "http://h"),
    ("wss://h", "wss://h", "https://h"),
])
func addresses(_ base: String, _ socket: String, _ web: String) {
    let path = "/v1/convai/conversation"
    #expect(
        AgentEndpoint.conversationURL(base: base, agentID: "agent_0-1.~") == socket + path
            + "?agent_id=agent_0-1.~")
    #expect(
        AgentEndpoint.signedURLRequest(base: base, agentID: "a b&c=é") == web + path
            + "/get-signed-url?agent_id=a%20b%26c%3D%C3%A9")
}

@Test(arguments: [
    "", "api.elevenlabs.io", "ftp://h", "https:", "https://", "https:///x", "https:h", "https://h?x=1",
    "https://h#x",
    "https://user:secret@h", "https://h h", "https://é", "https://h\n", "://h",
])
func notAnAddress(_ base: String) {
    #expect(AgentEndpoint.conversationURL(base: base, agentID: "a") == nil)
    #expect(AgentEndpoint.signedURLRequest(base: base, agentID: "a") == nil)
    #expect(AgentEndpoint.conversationURL(base: "https://h", agentID: "") == nil)
}

private func signedURL(_ answer: some Collection<UInt8>) -> Result<String, AgentMessageError> {
    Array(answer).withUnsafeBytes { raw in
        do throws(AgentMessageError) {
            return .success(try AgentEndpoint.signedURL(from: raw))
        } catch { return .failure(error) }
    }
}

@Test(arguments: ["rest_get_signed_url_response", "rest_get_signed_url_response_with_conversation_id"])
func signedAddresses(_ name: String) throws {
    let answer = try vector(name)
    let url = try #require(try object(answer)["signed_url"] as? String)
    #expect(signedURL(answer) == .success(url))
}

@Test(arguments: [
    ("", AgentMessageError.notJSON), ("[]", .notJSON), ("{\"signed_url\":\"wss://h\"", .notJSON),
    ("{\"signed_url\":\"wss://h\"}x", .notJSON), ("{}", .missingField("signed_url")),
    ("{\"signed_url\":5}", .missingField("signed_url")),
    ("{\"signed_url\":\"https://h\"}", .missingField("signed_url")),
    ("{\"signed_url\":\"wss://h\\r\\nX: y\"}", .missingField("signed_url")),
    ("{\"signed_url\":\"wss://h/\(String(repeating: "x", count: 5000))\"}", .tooLong("signed_url")),
])
func notASignedAddress(_ answer: String, _ error: AgentMessageError) {
    #expect(signedURL(answer.utf8) == .failure(error))
}

@Test(arguments: ["rest_error_401", "rest_error_422", "rest_error_429", "rest_error_429_legacy"])
func restErrorsHoldNoAddress(_ name: String) throws {
    #expect(signedURL(try vector(name)) == .failure(.missingField("signed_url")))
}
