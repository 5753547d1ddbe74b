// A token that opens one WebRTC conversation (elevenlabs.md §1.2). No I/O.

import Wire

/// The answer to `GET /v1/convai/conversation/token`: lets a browser talk to a private agent over WebRTC, at our cost. Of no use
/// on the WebSocket, which this server speaks (`AgentEndpoint.signedURLRequest`); for programs that hand tokens out.
public struct ConversationToken: Sendable, Hashable {
    /// The token: a secret.
    public var token: String
    /// The conversation it opens, when told.
    public var conversationID: String?

    /// The address to GET (with the header `xi-api-key`) for a token of `agentID`. Nil when `base` is no `http`, `https`,
    /// `ws` or `wss` address.
    public static func url(base: String, agentID: String) -> String? {
        guard !agentID.isEmpty else { return nil }
        return AgentEndpoint.address("/v1/convai/conversation/token", base: base).map {
            "\($0)?agent_id=\(PercentCoding.encoded(agentID))"
        }
    }

    /// Reads the answer.
    public init(_ body: [UInt8]) throws(PostCallError) {
        self = try reading(body) { raw throws(PostCallError) in
            var scanner = JSONScanner(raw)
            guard let whole = scanner.value()?.object, scanner.finish() else { throw .notJSON }
            return try ConversationToken(whole)
        }
    }

    private init(_ whole: JSONContainer) throws(PostCallError) {
        guard let text = whole.member("token")?.text?.string(limit: 8192), !text.isEmpty else {
            throw .missingField("token")
        }
        token = text
        conversationID = whole.member("conversation_id")?.text?.string(limit: AgentLimits.id)
    }
}

/// Says nothing of the token, wherever it is printed.
extension ConversationToken: CustomStringConvertible, CustomDebugStringConvertible {
    /// What it is.
    public var description: String { "token of a conversation" }
    /// The same as `description`: a dump must not tell more.
    public var debugDescription: String { description }
}
