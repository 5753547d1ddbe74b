// A service that answers ElevenLabs' text-to-speech requests with tones, refusals and broken connections.

import Agents
import Audio
import Glibc
import Net
import Telemetry
import Wire

/// A simulated text-to-speech service: `POST /v1/text-to-speech/{voice_id}`, `…/stream` and the WebSocket `…/stream-input`,
/// raw formats only. It stands behind an HTTP server of any kind; `SimulatedSpeechServer` is one of its own.
public final class SimulatedSpeech: HTTPHandler, @unchecked Sendable {
    // `lock` guards all that varies.
    let settings: SimulatedSpeechSettings
    private let lock = Lock()
    private var pending: ArraySlice<SimulatedSpeechFault>
    private var heard: [SimulatedSpeechRequest] = []
    private var noted: [RESTFault] = []
    private var loop: EventLoop?
    private var sockets = 0

    /// A service that behaves as `settings` say.
    public init(_ settings: SimulatedSpeechSettings = SimulatedSpeechSettings()) {
        self.settings = settings
        pending = settings.faults[...]
    }

    deinit { loop?.stop() }

    /// Cuts the WebSockets that are open. To be called before the HTTP server stops.
    public func stop() {
        let loop = lock.withLock { () -> EventLoop? in
            defer { self.loop = nil }
            return self.loop
        }
        loop?.stop()
    }

    /// Every request with a right key so far, in the order of arrival.
    public var requests: [SimulatedSpeechRequest] { lock.withLock { heard } }

    /// What clients sent over WebSockets that the service's documents do not allow.
    public var faults: [RESTFault] { lock.withLock { noted } }

    /// WebSockets that are open.
    public var openSockets: Int { lock.withLock { sockets } }

    /// Counts a WebSocket more or less.
    func count(sockets change: Int) { lock.withLock { sockets += change } }

    /// Lets `faults` befall the next requests, after those that still wait.
    public func fail(_ faults: SimulatedSpeechFault...) { lock.withLock { pending += faults } }

    /// Notes what a client did wrong.
    func note(_ reason: String) {
        lock.withLock { noted.append(RESTFault(place: "stream-input", reason: reason)) }
    }

    /// Notes what a client wanted spoken over a WebSocket.
    func note(_ request: SimulatedSpeechRequest) { lock.withLock { heard.append(request) } }

    /// What befalls the next request.
    func nextFault() -> SimulatedSpeechFault? { lock.withLock { pending.popFirst() } }

    /// The loop of the WebSockets, started with the first; nil when the kernel gives none.
    func socketLoop() -> EventLoop? {
        lock.withLock {
            if loop == nil {
                do throws(NetError) { loop = try EventLoop.start(name: "speech-service") } catch {
                    return nil
                }
            }
            return loop
        }
    }

    /// Whether `request` is one for text to speech.
    public func serves(_ request: HTTPRequest) -> Bool { request.path.hasPrefix(Self.path) }

    private static let path = "/v1/text-to-speech/"

    /// Answers `request` as the service would.
    public func respond(to request: HTTPRequest) -> HTTPOutcome {
        let parts = request.path.dropFirst(Self.path.count).split(
            separator: "/", omittingEmptySubsequences: false)
        if serves(request), parts.count == 2, parts[1] == "stream-input", !parts[0].isEmpty {
            return openSocket(request, voice: String(parts[0]))
        }
        guard serves(request), let voice = parts.first, !voice.isEmpty,
            parts.count == 1 || (parts.count == 2 && parts[1] == "stream")
        else { return .response(Self.refusal(404, "not_found")) }
        guard request.method == "POST" else { return .response(Self.refusal(405, "method_not_allowed")) }
        if let key = settings.apiKey, request.header("xi-api-key") != key {
            return .response(Self.refusal(401, "invalid_api_key"))
        }
        let format = request.parameter("output_format") ?? "mp3_44100_128"
        var record = SimulatedSpeechRequest(voiceID: String(voice), format: format, body: request.body)
        let isValid = Self.read(request.body, into: &record)
        let fault = lock.withLock {
            heard.append(record)
            return pending.popFirst()
        }
        if case .unopened(let status) = fault { return .response(Self.refusal(status, "refused")) }
        if case .refuse(let status, let name, let retryAfter) = fault {
            return .response(Self.refusal(status, name, retryAfter: retryAfter))
        }
        guard isValid, fault != .invalid, let sound = SpeechFormat.format(format) else {
            return .response(Self.invalid)
        }
        if settings.missingVoices.contains(record.voiceID) {
            return .response(Self.refusal(404, "voice_not_found"))
        }
        let asked = SpeechRequest(
            text: record.text, voice: SpeechVoice(voiceID: record.voiceID, modelID: record.modelID),
            format: sound)
        if asked.defect?.kind == .tooLong {
            return .response(Self.refusal(400, "max_character_limit_exceeded"))
        }
        return .response(speak(asked, fault))
    }

    private func speak(_ asked: SpeechRequest, _ fault: SimulatedSpeechFault?) -> HTTPResponse {
        // The service's document declares this type whatever the format.
        var headers = [
            (name: "Content-Type", value: "audio/mpeg"),
            (name: "x-character-count", value: "\(asked.characterCount)"),
        ]
        var first = settings.firstMilliseconds
        var cut: Int?
        switch fault {
        case .empty: return HTTPResponse(status: 200, headers: headers)
        case .page:
            headers[0].value = "text/html"
            return HTTPResponse(status: 200, headers: headers, body: .bytes(Array("<html></html>".utf8)))
        case .late(let milliseconds): first = milliseconds
        case .cut(let bytes), .otherwise(let bytes), .unfinished(let bytes): cut = bytes
        case .refuse, .invalid, .unopened, .short, nil: break
        }
        var bytes = SimulatedSpeechSound.bytes(
            of: asked.text, format: asked.format, settings: settings, fault: fault)
        if case .short(let length) = fault { bytes = Array(bytes.prefix(length)) }
        let pieces = SpeechPieces(
            bytes, cut: cut, pieceBytes: settings.pieceBytes, first: first,
            further: settings.pieceMilliseconds)
        return HTTPResponse(status: 200, headers: headers, body: .stream { pieces.next() })
    }

    /// Reads the body; false when a field is missing, of the wrong kind or out of its range.
    private static func read(_ body: [UInt8], into record: inout SimulatedSpeechRequest) -> Bool {
        body.withUnsafeBytes { raw in
            var scanner = JSONScanner(raw)
            guard case .object(let whole) = scanner.value(), scanner.finish(),
                let text = whole.member("text")?.text?.string(limit: 1 << 20)
            else { return false }
            record.text = text
            if case .number(let seed) = whole.member("seed") {
                record.seed = String(decoding: seed.bytes, as: UTF8.self)
            }
            // The service's default.
            record.modelID = whole.member("model_id")?.text?.string(limit: 128) ?? "eleven_multilingual_v2"
            guard let settings = whole.member("voice_settings")?.object else { return true }
            let ranges: [(StaticString, ClosedRange<Double>)] = [
                ("stability", 0...1), ("similarity_boost", 0...1), ("style", 0...1), ("speed", 0.7...1.2),
            ]
            return ranges.allSatisfy { name, range in
                guard let value = settings.member(name) else { return true }
                guard case .number(let number) = value,
                    let read = Double(String(decoding: number.bytes, as: UTF8.self))
                else { return false }
                return range.contains(read)
            }
        }
    }

    /// An error in the service's older shape.
    static func refusal(_ status: Int, _ name: String, retryAfter: Int? = nil) -> HTTPResponse {
        var response = HTTPResponse(
            status: status, headers: [("Content-Type", "application/json")],
            body: .bytes(Array("{\"detail\":{\"status\":\"\(name)\",\"message\":\"\(name)\"}}".utf8)))
        if let retryAfter { response.headers.append(("Retry-After", "\(retryAfter)")) }
        return response
    }

    /// A refusal of what does not fit the schema.
    private static var invalid: HTTPResponse {
        let body =
            "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"Input should be valid\",\"type\":\"value_error\"}]}"
        return HTTPResponse(
            status: 422, headers: [("Content-Type", "application/json")], body: .bytes(Array(body.utf8)))
    }
}

/// A sound in pieces with pauses between them.
private final class SpeechPieces: @unchecked Sendable {
    // `next` is called by one thread at a time.
    private let bytes: [UInt8]
    private let cut: Int?
    private let pieceBytes: Int
    private let further: Int
    private var position = 0
    private var pause: Int

    init(_ bytes: [UInt8], cut: Int?, pieceBytes: Int, first: Int, further: Int) {
        self.bytes = bytes
        self.cut = cut
        self.pieceBytes = max(pieceBytes, 1)
        self.further = further
        pause = first
    }

    func next() -> HTTPStreamPiece {
        let end = min(cut ?? bytes.count, bytes.count)
        guard position < end else { return cut == nil ? .end : .cut }
        if pause > 0 { usleep(UInt32(clamping: pause) &* 1000) }
        pause = further
        let piece = bytes[position..<min(position + pieceBytes, end)]
        position = piece.endIndex
        return .bytes(Array(piece))
    }
}

/// A simulated text-to-speech service at an address of its own.
public final class SimulatedSpeechServer: Sendable {
    /// What answers.
    public let speech: SimulatedSpeech
    private let server: HTTPServer

    /// Starts a service at a port of 127.0.0.1 that the kernel chooses. Throws `NetError.cannotListen`.
    public init(_ settings: SimulatedSpeechSettings = SimulatedSpeechSettings()) throws(NetError) {
        speech = SimulatedSpeech(settings)
        // A thread waits while its piece does, so there are many.
        server = try HTTPServer.start(
            HTTPServerSettings(port: 0, threads: 8, bodyBytes: 1 << 20), handler: speech)
    }

    /// The base address ("http://127.0.0.1:1234").
    public var baseURL: String { "http://127.0.0.1:\(server.port)" }

    /// Stops listening and cuts what is under way.
    public func stop() {
        speech.stop()
        server.stop()
    }
}
