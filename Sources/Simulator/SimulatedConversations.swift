// ElevenLabs' history of conversations, simulated: it checks what it is asked, and sends its webhooks.

import Net
import Wire

/// Key and manners of a simulated history.
public struct SimulatedConversationsSettings: Sendable {
    /// The key that `xi-api-key` must bear.
    public var apiKey = "sk_simulated"
    /// Signs webhooks; nil: nothing is signed.
    public var signer: HookSigner?
    /// How webhooks go. Only `post_call_transcription` is ever tried again (elevenlabs.md 4.5).
    public var manners = HookManners()
    /// The port; 0 lets the kernel choose.
    public var port: UInt16 = 0
    /// How its list ends.
    public var listEnd = SimulatedListEnd.last
    /// The service's clock.
    public var clock: @Sendable () -> WallTime = { .now }

    /// Settings with a key of their own.
    public init() {}
}

/// A running simulated history. Authority: elevenlabs.md 4 (ElevenLabs' SDK models and docs).
public final class SimulatedConversations: Sendable {
    /// Requests, faults, webhooks, scripted answers.
    public let desk: RESTDesk
    let settings: SimulatedConversationsSettings
    let histories = Watched<[String: SimulatedHistory]>([:])
    /// The cursors given out, with the parameters of the questions they belong to.
    let cursors = Watched<[String: [String: String]]>([:])

    /// Starts the service.
    public static func start(
        _ settings: SimulatedConversationsSettings = .init(), histories: [SimulatedHistory] = []
    ) throws(NetError) -> SimulatedConversations {
        let service = SimulatedConversations(
            desk: try RESTDesk(seed: 1, clock: settings.clock), settings: settings)
        for history in histories { service.add(history) }
        try service.desk.open(
            port: settings.port, { [unowned service] in service.answer($0) },
            refusal: { Self.error("scripted_\($0)").bytes })
        return service
    }

    private init(desk: RESTDesk, settings: SimulatedConversationsSettings) {
        self.desk = desk
        self.settings = settings
    }

    /// Puts a conversation into the history, or another in its place.
    public func add(_ history: SimulatedHistory) { histories.change { $0[history.conversationID] = history } }

    /// The conversation `id`.
    func history(_ id: String) -> SimulatedHistory? { histories.value[id] }

    /// Stops.
    public func stop() { desk.stop() }

    // MARK: Requests

    private func answer(_ request: HTTPRequest) -> HTTPResponse {
        let parts = request.path.split(separator: "/").map(String.init)
        let isOurs = parts.count >= 3 && Array(parts.prefix(3)) == ["v1", "convai", "conversations"]
        let names = ["conversations", "conversations/{id}", "conversations/{id}/audio"]
        let place = "\(request.method) " + (isOurs && parts.count <= 5 ? names[parts.count - 3] : "elsewhere")
        guard request.header("xi-api-key") == settings.apiKey else {
            let isMissing = request.header("xi-api-key") == nil
            desk.fault(place, isMissing ? "xi-api-key is missing" : "xi-api-key is not the key")
            return RESTDesk.json(401, Self.error("invalid_api_key"))
        }
        guard isOurs, request.method == "GET" else {
            desk.fault(place, "there is no such resource or method")
            return RESTDesk.json(404, Self.error("not_found"))
        }
        if parts.count == 3 { return list(request, place) }
        guard let history = history(parts[3]) else {
            return RESTDesk.json(404, Self.error("document_not_found"))
        }
        if parts.count == 4 { return tell(history, request, place) }
        guard parts.count == 5, parts[4] == "audio" else {
            desk.fault(place, "there is no such resource or method")
            return RESTDesk.json(404, Self.error("not_found"))
        }
        guard history.processingAsks == 0, let audio = history.audio else {
            return RESTDesk.json(404, Self.error("missing_conversation_audio"))
        }
        return HTTPResponse(status: 200, headers: [("Content-Type", "audio/mpeg")], body: .bytes(audio))
    }

    private func tell(_ history: SimulatedHistory, _ request: HTTPRequest, _ place: String) -> HTTPResponse {
        for (name, value) in request.query
        where name != "format" || !["json", "opentelemetry"].contains(value) {
            desk.fault(place, "a query parameter is not known")
        }
        let isDone = histories.change { histories in
            guard let left = histories[history.conversationID]?.processingAsks, left > 0 else { return true }
            histories[history.conversationID]?.processingAsks = left - 1
            return false
        }
        return RESTDesk.json(200, history.told(isDone: isDone))
    }

    /// An error in the service's legacy envelope (elevenlabs.md 3.6).
    private static func error(_ status: String) -> RESTValue {
        ["detail": ["status": .text(status), "message": .text(status)]]
    }

    // MARK: Webhooks

    /// Sends `post_call_transcription` of a conversation to `url`.
    public func sendTranscription(_ id: String, to url: String) async {
        guard let history = history(id) else { return }
        await post("post_call_transcription", history.told(isDone: true), to: url, manners: settings.manners)
    }

    /// Sends `post_call_audio` of a conversation to `url`, with `Transfer-Encoding: chunked`, once.
    public func sendAudio(_ id: String, to url: String, pieceBytes: Int = 4096) async {
        guard let history = history(id), let audio = history.audio else { return }
        var text: [UInt8] = []
        audio.withUnsafeBytes { Base64.encode($0, into: &text) }
        let data: RESTValue = [
            "agent_id": .text(history.agentID), "conversation_id": .text(id),
            "full_audio": .text(String(decoding: text, as: UTF8.self)),
        ]
        let body = envelope("post_call_audio", data).bytes
        let content = HookContent(method: "POST", url: url, form: [], body: body, time: settings.clock())
        let headers = [("Content-Type", "application/json")] + (settings.signer?(content) ?? [])
        let status = await RawRequest.post(body, to: url, headers: headers, pieceBytes: pieceBytes)
        desk.notes.change {
            $0.hooks.append(
                SentHook(event: "post_call_audio", url: url, body: body, attempt: 1, status: status))
        }
        if status != 200 { desk.fault("webhook post_call_audio", "was answered \(status)") }
    }

    /// Sends `call_initiation_failure` to `url`, once; `reason` is busy, no-answer or unknown.
    public func sendInitiationFailure(
        _ id: String, agentID: String, reason: String, metadata: RESTValue, to url: String
    ) async {
        var manners = settings.manners
        manners.attempts = 1
        let data: RESTValue = [
            "agent_id": .text(agentID), "conversation_id": .text(id), "failure_reason": .text(reason),
            "metadata": metadata,
        ]
        await post("call_initiation_failure", data, to: url, manners: manners)
    }

    private func envelope(_ type: String, _ data: RESTValue) -> RESTValue {
        ["type": .text(type), "event_timestamp": .integer(settings.clock().seconds), "data": data]
    }

    private func post(_ type: String, _ data: RESTValue, to url: String, manners: HookManners) async {
        // A webhook tried again is the same to the byte.
        let body = envelope(type, data).bytes
        for _ in 0..<(manners.doubles ? 2 : 1) {
            await desk.deliver(
                type, to: url, manners: manners, signer: settings.signer, isTaken: { $0 == 200 },
                body: { _ in body })
        }
    }
}
