// One question to the service, by HTTP or over a WebSocket.

import Agents
import Net
import Telemetry

extension SpeechSynthesizer {
    /// Asks the service once; nil when all of the sound came through `gate`.
    func ask(_ request: SpeechRequest, _ gate: SpeechGate, until deadline: MonotonicTime) async
        -> SpeechFailure?
    {
        let left = deadline.milliseconds(since: .now)
        guard left > 0 else { return SpeechFailure(.timedOut) }
        var request = request
        // A sound that goes on where another broke off has to be the same one, as far as the service can.
        request.voice.seed = request.voice.seed ?? SpeechKey(request).seed
        if service.transport == .websocket, let url = socketURL(of: request) {
            let order = SpeechTalkOrder(
                url: url, key: service.apiKey, text: request.text, settings: request.voice.settings,
                firstMilliseconds: service.firstSoundMilliseconds, wholeMilliseconds: Int(left),
                soundBytes: service.soundBytes)
            let failure = await sockets.speak(order, into: gate)
            let isSound = gate.close()
            return failure ?? (isSound ? nil : SpeechFailure(.badAudio))
        }
        guard let url = request.url(base: service.baseURL) else { return SpeechFailure(.validation) }
        do throws(NetError) {
            var order = HTTPClientRequest(
                method: "POST", url: url,
                headers: [("xi-api-key", service.apiKey), ("Content-Type", "application/json")],
                body: request.body, timeoutMilliseconds: Int(left), answerBytes: service.soundBytes,
                firstByteMilliseconds: service.firstSoundMilliseconds)
            // A text may be said to the service twice, and a connection at hand saves the caller a handshake.
            order.isRepeatable = true
            let answer = try await client.stream(
                order,
                onHead: { gate.head(contentType: $0.header("content-type")) }, onBytes: { gate.take($0) })
            let isSound = gate.close()
            guard (200...299).contains(answer.status) else {
                return SpeechFailure(
                    status: answer.status, body: answer.body, retryAfter: answer.header("retry-after"))
            }
            return isSound ? nil : SpeechFailure(.badAudio, status: answer.status)
        } catch {
            _ = gate.close()
            return SpeechFailure(network: error)
        }
    }

    /// Where the WebSocket of `request` is opened; nil when that does not serve it.
    private func socketURL(of request: SpeechRequest) -> String? {
        var address = SpeechSocketAddress(.single, voice: request.voice, format: request.format)
        // The text is there as a whole: nothing has to be gathered.
        address.comesInSentences = true
        return address.url(base: service.baseURL)
    }
}

extension SpeechFailure {
    /// What an error below the service's own answers means for the text.
    init(network error: NetError) {
        switch error {
        case .timedOut: self.init(.timedOut)
        case .cancelled: self.init(.cancelled)
        case .tooLarge: self.init(.badAudio)
        case .badURL: self.init(.validation)
        // The address of a WebSocket names nothing but the voice.
        case .refused(status: 404): self.init(.voiceNotFound, status: 404)
        case .refused(let status): self.init(status: status, body: [])
        case .system, .unresolved, .tls, .badHandshake, .cannotListen: self.init(.network)
        }
    }
}
