// Where a conversation is opened: addresses, and the answer that holds a signed one. No I/O.

import Wire

/// Addresses of the ElevenLabs service.
public enum AgentEndpoint {
    /// The socket's address for the agent `agentID` at `base` (`https://api.elevenlabs.io`, a residency host, or a
    /// simulator's `http://…`): `https` becomes `wss` and `http` `ws`. Nil when `base` is no such address.
    public static func conversationURL(base: String, agentID: String) -> String? {
        guard let (isSecure, rest) = split(base), !agentID.isEmpty else { return nil }
        return
            "\(isSecure ? "wss" : "ws")://\(rest)/v1/convai/conversation?agent_id=\(PercentCoding.encoded(agentID))"
    }

    /// The address to GET (with the header `xi-api-key`) for a signed URL of `agentID`. Nil when `base` is no
    /// `http`, `https`, `ws` or `wss` address.
    public static func signedURLRequest(base: String, agentID: String) -> String? {
        guard !agentID.isEmpty else { return nil }
        return address("/v1/convai/conversation/get-signed-url", base: base).map {
            "\($0)?agent_id=\(PercentCoding.encoded(agentID))"
        }
    }

    /// The address of `path` at `base`, for a request; nil when `base` is no address.
    static func address(_ path: String, base: String) -> String? {
        split(base).map { "\($0.isSecure ? "https" : "http")://\($0.rest)\(path)" }
    }

    /// The address in the answer `{"signed_url": "wss://…"}`: opaque, valid for 15 minutes, a secret (it lets its
    /// holder talk at our cost).
    /// - Throws: `AgentMessageError`.
    public static func signedURL(from answer: UnsafeRawBufferPointer) throws(AgentMessageError) -> String {
        var scanner = JSONScanner(answer)
        guard case .object(let whole) = scanner.value(), scanner.finish() else { throw .notJSON }
        let url = try whole.string("signed_url", limit: 4096)
        guard url.hasPrefix("wss://") || url.hasPrefix("ws://"), url.utf8.allSatisfy({ 0x21...0x7E ~= $0 })
        else {
            throw .missingField("signed_url")
        }
        return url
    }

    /// Whether `base` is the secure kind, and its host and path without a closing slash.
    static func split(_ base: String) -> (isSecure: Bool, rest: Substring)? {
        guard let colon = base.firstIndex(of: ":") else { return nil }
        let isSecure: Bool
        switch base[..<colon].lowercased() {
        case "https", "wss": isSecure = true
        case "http", "ws": isSecure = false
        default: return nil
        }
        var rest = base[base.index(after: colon)...]
        guard rest.hasPrefix("//") else { return nil }
        rest = rest.dropFirst(2)
        while rest.hasSuffix("/") { rest.removeLast() }
        // Printable ASCII, no credentials, no query of its own.
        guard !rest.isEmpty, rest.first != "/",
            rest.utf8.allSatisfy({ 0x21...0x7E ~= $0 && $0 != 0x3F && $0 != 0x23 && $0 != 0x40 })
        else { return nil }
        return (isSecure, rest)
    }
}
