// Opens conversations with the agent: public ones at once, private ones by a signed URL.

import Agents
import Calls
import Net
import Telemetry

/// Where conversations are opened.
final class AgentDoor: Sendable {
    private let baseURL: String
    private let agentID: String
    private let key: String?
    private let limits: WebSocketLimits
    /// Its own, so that nobody else's requests stand before those of a caller who waits.
    private let client: HTTPClient
    private let openMilliseconds: Int

    init(settings: Settings) {
        baseURL = settings.agentBaseURL
        agentID = settings.agentID
        key = settings.agentKey
        client = HTTPClient(connectionsPerHost: min(max(settings.maxCalls, 8), 256))
        openMilliseconds = Int(settings.rules.agentOpenMilliseconds)
        var limits = WebSocketLimits(messageBytes: max(1 << 20, settings.messageBytes))
        limits.outgoingBytes = settings.sendBytes
        limits.connectMilliseconds = openMilliseconds
        self.limits = limits
    }

    /// Ends what is still being asked.
    func close() { client.close() }

    /// Opens a conversation for `call` with `agentID` (nil: the configured one); its socket is handed to `ready` on the call's loop. What happens to it
    /// comes to the call under the number `attempt`. The task, if any, may be cancelled when nobody waits for it.
    func open(
        for call: CallSession, agentID: String?, attempt: Int,
        ready: @escaping @Sendable (WebSocketConnection, Int) -> Void
    ) -> Task<Void, Never>? {
        let agentID = agentID ?? self.agentID
        guard let key else {
            if let url = AgentEndpoint.conversationURL(base: baseURL, agentID: agentID) {
                connect(url, for: call, attempt: attempt, ready: ready)
            } else {
                refuse(call, attempt)
            }
            return nil
        }
        guard let request = AgentEndpoint.signedURLRequest(base: baseURL, agentID: agentID) else {
            refuse(call, attempt)
            return nil
        }
        return Task { [self] in
            let outcome = await signedURL(request, key: key)
            // Whoever cancelled does not wait.
            if Task.isCancelled { return }
            call.loop.execute { [self] in
                switch outcome {
                case .success(let url): connect(url, for: call, attempt: attempt, ready: ready)
                case .failure(let failure):
                    call.agentClosed(attempt: attempt, code: 1006, reason: "", failure: failure.kind)
                }
            }
        }
    }

    private struct Failure: Error { var kind: AgentOpenFailure }

    private func signedURL(_ url: String, key: String) async -> Result<String, Failure> {
        do throws(NetError) {
            let response = try await client.send(
                HTTPClientRequest(
                    method: "GET", url: url, headers: [("xi-api-key", key)],
                    timeoutMilliseconds: openMilliseconds))
            switch response.status {
            case 200: break
            case 429: return .failure(Failure(kind: .busy))
            case 500...599: return .failure(Failure(kind: .unreachable))
            default: return .failure(Failure(kind: .refused))
            }
            return Self.signedURL(in: response.body)
        } catch {
            return .failure(Failure(kind: .unreachable))
        }
    }

    private static func signedURL(in body: [UInt8]) -> Result<String, Failure> {
        body.withUnsafeBytes { bytes in
            do throws(AgentMessageError) {
                return .success(try AgentEndpoint.signedURL(from: bytes))
            } catch {
                return .failure(Failure(kind: .unreachable))
            }
        }
    }

    /// Tells the call on a later turn of its loop, as every other outcome is told.
    private func refuse(_ call: CallSession, _ attempt: Int) {
        call.loop.execute { call.agentClosed(attempt: attempt, code: 1006, reason: "", failure: .refused) }
    }

    private func connect(
        _ url: String, for call: CallSession, attempt: Int,
        ready: @escaping @Sendable (WebSocketConnection, Int) -> Void
    ) {
        let listener = AgentListener(call: call, attempt: attempt)
        let socket = WebSocketConnection.connect(to: url, on: call.loop, limits: limits, handler: listener)
        ready(socket, attempt)
    }
}

/// Hears the agent's socket for a call, under the number of its attempt.
private final class AgentListener: WebSocketHandler {
    private let call: CallSession
    private let attempt: Int

    init(call: CallSession, attempt: Int) {
        self.call = call
        self.attempt = attempt
    }

    func webSocketDidOpen(_ socket: WebSocketConnection) { call.agentOpened(attempt: attempt) }

    func webSocket(_ socket: WebSocketConnection, didReceive bytes: UnsafeRawBufferPointer, isText: Bool) {
        // The agent speaks text only; a binary message is none of its protocol.
        if isText { call.agentMessage(bytes, attempt: attempt) }
    }

    func webSocketDidClose(_ socket: WebSocketConnection, code: UInt16, reason: String, error: NetError?) {
        call.agentClosed(attempt: attempt, code: code, reason: reason, failure: error.map(Self.failure))
    }

    private static func failure(_ error: NetError) -> AgentOpenFailure {
        switch error {
        case .refused(status: 429): .busy
        case .refused(let status): status >= 500 ? .unreachable : .refused
        case .tls, .badURL: .refused
        case .system, .unresolved, .timedOut, .badHandshake, .cannotListen, .tooLarge, .cancelled:
            .unreachable
        }
    }
}
