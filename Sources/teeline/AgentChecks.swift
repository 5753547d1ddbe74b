// The doctor's look at the agent: can a conversation be opened?

import Agents
import Exchange
import Net
import Simulator
import Telemetry

/// Checks of the way to the agent. A private agent's signed URL is fetched and thrown away; a public agent's socket
/// is opened and closed before a conversation begins.
struct AgentChecks {
    private let settings: Settings

    init(_ settings: Settings) { self.settings = settings }

    func findings() async -> [DoctorFinding] {
        let client = HTTPClient()
        defer { client.close() }
        var findings = [await base(client)]
        guard findings[0].grade == .ok else { return findings }
        guard !settings.agentID.isEmpty else {
            findings.append(
                .warn(
                    "agent", "none is set", "set ELEVENLABS_AGENT_ID; calls end as agent_refused until then"))
            return findings
        }
        if let key = settings.agentKey {
            findings.append(await signedURL(client, key: key))
        } else {
            findings.append(await openPublic())
        }
        return findings
    }

    private func base(_ client: HTTPClient) async -> DoctorFinding {
        do throws(NetError) {
            let answer = try await client.send(
                HTTPClientRequest(method: "GET", url: settings.agentBaseURL, timeoutMilliseconds: 10_000))
            return .ok("agent service", "\(settings.agentBaseURL) answers (status \(answer.status))")
        } catch {
            return .fail(
                "agent service", "\(settings.agentBaseURL) cannot be reached: \(Self.reason(error))",
                "check name resolution, firewall and certificates: curl -v \(settings.agentBaseURL)")
        }
    }

    private func signedURL(_ client: HTTPClient, key: String) async -> DoctorFinding {
        guard
            let url = AgentEndpoint.signedURLRequest(base: settings.agentBaseURL, agentID: settings.agentID)
        else {
            return .fail("agent", "ELEVENLABS_BASE_URL is no address", "set it to https://api.elevenlabs.io")
        }
        do throws(NetError) {
            let answer = try await client.send(
                HTTPClientRequest(method: "GET", url: url, headers: [("xi-api-key", key)]))
            return Self.judged(status: answer.status)
        } catch {
            return .fail(
                "agent", "no signed URL: \(Self.reason(error))",
                "try again; then see the service's status page")
        }
    }

    /// What the answer to the request for a signed URL means.
    static func judged(status: Int) -> DoctorFinding {
        switch status {
        case 200: .ok("agent", "a signed URL was given: key and agent are right")
        case 401, 403:
            .fail(
                "agent", "the key is refused (status \(status))",
                "check ELEVENLABS_API_KEY and its permissions")
        case 404, 422:
            .fail("agent", "there is no such agent (status \(status))", "check ELEVENLABS_AGENT_ID")
        case 429:
            .warn(
                "agent", "too many requests or conversations (status 429)",
                "calls wait and try again; raise the plan's limit")
        default:
            .fail(
                "agent", "no signed URL (status \(status))", "try again; then see the service's status page")
        }
    }

    private func openPublic() async -> DoctorFinding {
        guard let url = AgentEndpoint.conversationURL(base: settings.agentBaseURL, agentID: settings.agentID)
        else {
            return .fail("agent", "ELEVENLABS_BASE_URL is no address", "set it to https://api.elevenlabs.io")
        }
        do throws(NetError) {
            let loop = try EventLoop.start(name: "doctor")
            let error = await withCheckedContinuation { continuation in
                loop.execute {
                    let knock = Knock { continuation.resume(returning: $0) }
                    _ = WebSocketConnection.connect(
                        to: url, on: loop, limits: WebSocketLimits(), handler: knock)
                }
            }
            loop.stop()
            guard let error else { return .ok("agent", "a public conversation can be opened") }
            return .fail(
                "agent", "no public conversation: \(Self.reason(error))",
                "check ELEVENLABS_AGENT_ID; a private agent needs ELEVENLABS_API_KEY")
        } catch {
            return .fail("agent", "cannot be asked: \(Self.reason(error))", "")
        }
    }

    /// An error in words, without an address.
    static func reason(_ error: NetError) -> String {
        switch error {
        // What is done about it does not hang on the system's own words.
        case .system(let operation, _): "\(operation) failed: no connection"
        case .cannotListen: "no port"
        default: FailureWords.text(error)
        }
    }
}

/// Opens a socket, and closes it again.
private final class Knock: WebSocketHandler {
    private let done: @Sendable (NetError?) -> Void

    init(done: @escaping @Sendable (NetError?) -> Void) { self.done = done }

    func webSocketDidOpen(_ socket: WebSocketConnection) { socket.close(code: 1000) }
    func webSocket(_ socket: WebSocketConnection, didReceive bytes: UnsafeRawBufferPointer, isText: Bool) {}
    func webSocketDidClose(_ socket: WebSocketConnection, code: UInt16, reason: String, error: NetError?) {
        done(error)
    }
}
