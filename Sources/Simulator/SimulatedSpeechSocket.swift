// A simulated text-to-speech WebSocket: what it takes, what it objects to, and how it speaks and breaks.

import Agents
import Audio
import Net

extension SimulatedSpeech {
    /// What an address of `stream-input` may ask (the service's reference of 2025).
    private static let parameters: Set<String> = [
        "model_id", "language_code", "enable_logging", "enable_ssml_parsing", "output_format",
        "inactivity_timeout", "sync_alignment", "auto_mode", "apply_text_normalization", "seed",
        "authorization",
    ]

    /// Opens a WebSocket for `voice`, or refuses.
    func openSocket(_ request: HTTPRequest, voice: String) -> HTTPOutcome {
        for (name, _) in request.query where !Self.parameters.contains(name) { note("\(name) is unknown") }
        let format = request.parameter("output_format") ?? "mp3_44100_128"
        let model = request.parameter("model_id") ?? "eleven_multilingual_v2"
        var record = SimulatedSpeechRequest(voiceID: voice, format: format, body: [])
        (record.isSocket, record.modelID, record.seed) = (true, model, request.parameter("seed"))
        let hasKey = settings.apiKey == nil || request.header("xi-api-key") == settings.apiKey
        // A key may come in the first message as well, so the socket is opened without one.
        let fault = hasKey ? nextFault() : nil
        switch fault {
        case .unopened(let status): return .response(Self.refusal(status, "refused"))
        case .page:
            return .response(
                HTTPResponse(
                    status: 200, headers: [("Content-Type", "text/html")],
                    body: .bytes(Array("<html></html>".utf8))))
        default: break
        }
        guard let sound = SpeechFormat.format(format),
            SpeechSocketAddress(.single, voice: SpeechVoice(voiceID: voice, modelID: model), format: sound)
                .isServed, let loop = socketLoop()
        else {
            note("the format or the model has no WebSocket")
            return .response(Self.refusal(400, "refused"))
        }
        let talk = SimulatedSpeechTalk(self, record, format: sound, fault: fault, hasKey: hasKey, loop: loop)
        return .upgrade { socket in
            loop.execute {
                // Ten minutes of the widest sound, all at once.
                let limits = WebSocketLimits(outgoingBytes: 128 << 20)
                _ = WebSocketConnection.accept(socket, on: loop, limits: limits, handler: talk)
            }
        }
    }
}

/// One WebSocket of the service.
final class SimulatedSpeechTalk: WebSocketHandler, @unchecked Sendable {
    // Everything that varies is touched on `loop` only.
    private let service: SimulatedSpeech
    private let format: AudioFormat
    private let fault: SimulatedSpeechFault?
    private let loop: EventLoop
    private var record: SimulatedSpeechRequest
    private var hasKey: Bool
    private var isOpen = false
    private var isTextWhole = false
    private var isOver = false
    private var rest: ArraySlice<UInt8> = []
    private var pause: Ticker?

    init(
        _ service: SimulatedSpeech, _ record: SimulatedSpeechRequest, format: AudioFormat,
        fault: SimulatedSpeechFault?, hasKey: Bool, loop: EventLoop
    ) {
        (self.service, self.record, self.format) = (service, record, format)
        (self.fault, self.hasKey, self.loop) = (fault, hasKey, loop)
    }

    func webSocketDidOpen(_ socket: WebSocketConnection) { service.count(sockets: 1) }

    func webSocketDidClose(_ socket: WebSocketConnection, code: UInt16, reason: String, error: NetError?) {
        isOver = true
        pause?.cancel()
        service.count(sockets: -1)
    }

    func webSocket(_ socket: WebSocketConnection, didReceive bytes: UnsafeRawBufferPointer, isText: Bool) {
        guard !isOver else { return }
        guard isText, let message = SpeechPeer.decode(bytes) else {
            service.note("a message that is none")
            return refuse("invalid_message", socket)
        }
        if isTextWhole { service.note("a message after the text's end") }
        if message.context != nil || message.closesContext || message.closesSocket {
            service.note("a context on the socket of one text")
        }
        guard isOpen else {
            record.body = Array(bytes)
            return open(message, socket)
        }
        if message.settings != nil || message.key != nil || !message.chunkLengths.isEmpty {
            service.note("settings after the first message")
            return refuse("invalid_message", socket)
        }
        guard let text = message.text else { return service.note("a message without text") }
        if text.isEmpty { return finishText(socket) }
        if !text.hasSuffix(" ") { service.note("a text that does not end in a space") }
        if text != " " { record.text += text }
    }

    private func open(_ message: SpeechMessage, _ socket: WebSocketConnection) {
        isOpen = true
        if message.text != " " { service.note("the first text is no single space") }
        if let key = message.key { hasKey = key == service.settings.apiKey }
        guard hasKey else { return refuse("invalid_api_key", socket) }
        switch fault {
        case .refuse(let status, let name, _): refuse(name, code: status < 500 ? 1008 : 1011, socket)
        case .invalid: refuse("invalid_message", socket)
        default:
            if service.settings.missingVoices.contains(record.voiceID) { refuse("voice_not_found", socket) }
        }
        if isOver { service.note(record) }
    }

    private func finishText(_ socket: WebSocketConnection) {
        guard !isTextWhole else { return }
        isTextWhole = true
        if record.text.hasSuffix(" ") { record.text.removeLast() }
        service.note(record)
        let asked = SpeechRequest(
            text: record.text, voice: SpeechVoice(voiceID: record.voiceID, modelID: record.modelID),
            format: format)
        if asked.defect?.kind == .tooLong { return refuse("max_character_limit_exceeded", socket) }
        let sound = SimulatedSpeechSound.bytes(
            of: record.text, format: format, settings: service.settings, fault: fault)
        var first = service.settings.firstMilliseconds
        switch fault {
        case .cut(let bytes), .otherwise(let bytes), .unfinished(let bytes), .short(let bytes):
            rest = sound.prefix(bytes)
        case .empty: rest = []
        case .late(let milliseconds):
            first = milliseconds
            rest = sound[...]
        default: rest = sound[...]
        }
        speak(after: first, socket)
    }

    /// Sends all pieces that are due, then waits for the next.
    private func speak(after milliseconds: Int, _ socket: WebSocketConnection) {
        if milliseconds > 0 {
            pause = loop.after(milliseconds: milliseconds) { [weak self] in
                self?.speak(after: 0, socket)
            }
            return
        }
        while !isOver, !rest.isEmpty {
            let piece = Array(rest.prefix(max(service.settings.pieceBytes, 1)))
            rest = rest.dropFirst(piece.count)
            send(socket) { output in piece.withUnsafeBytes { SpeechPeer.encodeSound($0, into: &output) } }
            if service.settings.pieceMilliseconds > 0, !rest.isEmpty {
                return speak(after: service.settings.pieceMilliseconds, socket)
            }
        }
        guard !isOver else { return }
        isOver = true
        switch fault {
        case .cut, .otherwise: socket.close(code: 1011)
        case .unfinished: socket.close(code: 1000)
        default:
            send(socket) { SpeechPeer.encodeFinal(into: &$0) }
            socket.close(code: 1000)
        }
    }

    /// Complains and closes, as the service does.
    private func refuse(_ name: String, code: UInt16 = 1008, _ socket: WebSocketConnection) {
        isOver = true
        send(socket) { SpeechPeer.encodeError(name, message: name, code: Int(code), into: &$0) }
        socket.close(code: code)
    }

    private func send(_ socket: WebSocketConnection, _ write: (inout [UInt8]) -> Void) {
        var message: [UInt8] = []
        write(&message)
        socket.send(text: message)
    }
}
