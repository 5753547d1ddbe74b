// Who may come in at a simulated agent: signed URLs, keys and refusals, over HTTP.

import Net
import Telemetry

/// Address and access of a simulated agent server.
public struct AgentDoorSettings: Sendable {
    /// Address to bind.
    public var host = "127.0.0.1"
    /// Port; 0 lets the kernel choose.
    public var port: UInt16 = 0
    /// The key that `xi-api-key` must bear; nil lets everybody in.
    public var apiKey: String?
    /// Whether an upgrade needs a signed URL or the key; otherwise an agent id is enough (`public`).
    public var needsAuthorization = false
    /// Seconds in which a signed URL can begin a conversation.
    public var signatureSeconds = 900
    /// Who speaks texts at the same address; nil for nobody.
    public var speech: SimulatedSpeech?

    /// Settings that let everybody in, on any port.
    public init() {}
}

/// Answers the HTTP requests of a simulated agent.
final class AgentDoor: HTTPHandler, @unchecked Sendable {
    // `signatures`, `generator` and `address` are guarded by `lock`; all else is constant.

    private let settings: AgentDoorSettings
    private let agents: [String: SimulatedAgentSettings]
    private let fallback: SimulatedAgentSettings?
    private let admit: @Sendable (UpgradedSocket, _ agent: String, _ authorization: String) -> Void
    private let lock = Lock()
    private var signatures: [String: Int64] = [:]
    private var generator: SeededGenerator
    private var address = ""

    init(
        _ settings: AgentDoorSettings, agents: [String: SimulatedAgentSettings],
        fallback: SimulatedAgentSettings?,
        seed: UInt64,
        admit: @escaping @Sendable (UpgradedSocket, _ agent: String, _ authorization: String) -> Void
    ) {
        self.settings = settings
        self.agents = agents
        self.fallback = fallback
        self.admit = admit
        generator = SeededGenerator(seed: seed)
    }

    /// Tells the door where it stands, for the URLs it mints.
    func stand(at address: String) {
        lock.withLock { self.address = address }
    }

    /// Cuts what the door itself keeps open. To be called before the HTTP server stops.
    func stop() { settings.speech?.stop() }

    func respond(to request: HTTPRequest) -> HTTPOutcome {
        if let speech = settings.speech, speech.serves(request) { return speech.respond(to: request) }
        guard request.method == "GET" else { return .response(Self.detail(405, "Method Not Allowed")) }
        switch request.path {
        case "/v1/convai/conversation/get-signed-url", "/v1/convai/conversation/get_signed_url":
            return .response(mint(request))
        case "/v1/convai/conversation": return upgrade(request)
        default: return .response(Self.detail(404, "Not Found"))
        }
    }

    private func mint(_ request: HTTPRequest) -> HTTPResponse {
        if let key = settings.apiKey, request.header("xi-api-key") != key {
            return Self.detail(401, "invalid_api_key")
        }
        guard let agent = request.parameter("agent_id") else { return Self.detail(422, "missing") }
        guard let behaviour = agents[agent] ?? fallback else { return Self.detail(404, "agent_not_found") }
        if let status = Self.refusal(behaviour), status == 429 {
            return Self.detail(429, "too_many_requests")
        }
        let (signature, address) = lock.withLock {
            let signature = "cvtkn_" + generator.hexadecimal(digits: 32)
            signatures[signature] = MonotonicTime.now.nanoseconds / 1_000_000_000
            return (signature, self.address)
        }
        let url =
            "ws://\(address)/v1/convai/conversation?agent_id=\(Self.escaped(agent))&conversation_signature=\(signature)"
        return HTTPResponse(
            status: 200, headers: [("Content-Type", "application/json")],
            body: .bytes(Array("{\"signed_url\":\"\(url)\"}".utf8)))
    }

    private func upgrade(_ request: HTTPRequest) -> HTTPOutcome {
        guard let agent = request.parameter("agent_id"), let behaviour = agents[agent] ?? fallback else {
            return .response(Self.detail(404, "agent_not_found"))
        }
        if let status = Self.refusal(behaviour) { return .response(Self.detail(status, "refused")) }
        let authorization: String
        if let signature = request.parameter("conversation_signature") {
            guard use(signature) else { return .response(Self.detail(403, "invalid_signature")) }
            authorization = "signed_url"
        } else if let key = request.header("xi-api-key") {
            guard settings.apiKey == nil || settings.apiKey == key else {
                return .response(Self.detail(401, "invalid_api_key"))
            }
            authorization = "authorization_header"
        } else if settings.needsAuthorization {
            return .response(Self.detail(401, "missing_authorization"))
        } else {
            authorization = "public"
        }
        let admit = admit
        return .upgrade { admit($0, agent, authorization) }
    }

    /// Whether `signature` was minted and can still begin a conversation.
    private func use(_ signature: String) -> Bool {
        guard let minted = lock.withLock({ signatures[signature] }) else { return false }
        return MonotonicTime.now.nanoseconds / 1_000_000_000 - minted <= Int64(settings.signatureSeconds)
    }

    private static func refusal(_ behaviour: SimulatedAgentSettings) -> Int? {
        for case .refuse(let status) in behaviour.faults { return status }
        return nil
    }

    /// An error in the service's own shape.
    private static func detail(_ status: Int, _ reason: String) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: [("Content-Type", "application/json")],
            body: .bytes(Array("{\"detail\":{\"status\":\"\(reason)\",\"message\":\"\(reason)\"}}".utf8)))
    }

    /// `text` with everything but unreserved characters percent-encoded (RFC 3986 2.3).
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."), UInt8(ascii: "~"):
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                escaped += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return escaped
    }
}
