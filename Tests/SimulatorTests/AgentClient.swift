// A client of the conversation protocol for tests: tells what comes, speaks when told.

import Agents
import Audio
import Net
import Telemetry

/// One conversation's client. `onEvent` hears every event with the sound that came with it, and nil at the close.
final class AgentClient: WebSocketHandler, @unchecked Sendable {
    // Touched on the loop only.
    var socket: WebSocketConnection?
    private var codec = AgentCodec()
    private var message: [UInt8] = []
    private let onEvent: (AgentEvent?, [UInt8]) -> Void
    private(set) var isReady = false
    private(set) var closeCode: UInt16?
    private(set) var closeReason = ""
    private(set) var error: NetError?
    private(set) var badMessages = 0

    init(onEvent: @escaping (AgentEvent?, [UInt8]) -> Void) { self.onEvent = onEvent }

    func webSocketDidOpen(_ socket: WebSocketConnection) {
        self.socket = socket
        message.removeAll(keepingCapacity: true)
        codec.encodeInitiation(
            ConversationInitiation(dynamicVariables: ["call_id": "test"]), into: &message)
        socket.send(text: message)
    }

    /// Sends sound of the caller, once the metadata are here.
    func speak(_ sound: [UInt8]) {
        guard isReady else { return }
        message.removeAll(keepingCapacity: true)
        sound.withUnsafeBytes { codec.encodeUserAudio($0, into: &message) }
        socket?.send(text: message)
    }

    func webSocket(_ socket: WebSocketConnection, didReceive bytes: UnsafeRawBufferPointer, isText: Bool) {
        do throws(AgentMessageError) {
            let event = try codec.decode(bytes)
            if case .metadata = event { isReady = true }
            if case .ping(let id, _) = event {
                message.removeAll(keepingCapacity: true)
                codec.encodePong(eventID: id, into: &message)
                socket.send(text: message)
            }
            if case .clientToolCall(_, let id, true) = event {
                message.removeAll(keepingCapacity: true)
                codec.encodeToolResult(callID: id, result: "none", isError: true, into: &message)
                socket.send(text: message)
            }
            onEvent(event, codec.payload)
        } catch {
            badMessages += 1
        }
    }

    func webSocketDidClose(_ socket: WebSocketConnection, code: UInt16, reason: String, error: NetError?) {
        (closeCode, closeReason, self.error) = (code, reason, error)
        self.socket = nil
        onEvent(nil, [])
    }
}

/// What a client heard of one conversation.
struct HeardConversation: Sendable {
    var events: [AgentEvent] = []
    /// Sound by event id, in order.
    var sound: [Int64: [UInt8]] = [:]
    var chunkSizes: [Int] = []
    var closeCode: UInt16?
    var closeReason = ""
    var error: NetError?
    var badMessages = 0
    /// Sound that the caller sent, in milliseconds.
    var spokenMilliseconds = 0
    /// When the first interruption came, in milliseconds after the caller set out.
    var interruptedAt: Int64?

    /// Pings that came; the client answers each.
    var pings: Int { events.count { if case .ping = $0 { true } else { false } } }
    /// The texts the agent meant to say.
    var responses: [String] {
        events.compactMap { if case .agentResponse(let text, _) = $0 { text } else { nil } }
    }
    /// The interruptions' ids.
    var interruptions: [Int64] {
        events.compactMap { if case .interruption(let id) = $0 { id } else { nil } }
    }
}

/// Holds a conversation with an agent and tells what was heard.
enum TestCaller {
    /// Connects to `url`, streams `sound` (then silence) in 20 ms pieces of `format`, and ends when the agent
    /// closes, when what was heard `isEnough`, or after `milliseconds`.
    static func talk(
        to url: String, headers: [(String, String)] = [], sound: [UInt8] = [], format: AudioFormat = .pcmu8k,
        milliseconds: Int = 20_000, until isEnough: @escaping @Sendable (HeardConversation) -> Bool
    ) async throws -> HeardConversation {
        let loop = try EventLoop.start(name: "caller")
        defer { loop.stop() }
        return await withCheckedContinuation { continuation in
            loop.execute {
                let state = TalkState(
                    sound: sound, format: format, milliseconds: milliseconds, isEnough: isEnough
                ) { continuation.resume(returning: $0) }
                state.begin(url, headers, on: loop)
            }
        }
    }
}

private final class TalkState: @unchecked Sendable {
    // Touched on the loop only.
    private var heard = HeardConversation()
    private var finish: ((HeardConversation) -> Void)?
    private let sound: [UInt8]
    private let format: AudioFormat
    private let milliseconds: Int
    private let isEnough: (HeardConversation) -> Bool
    private var offset = 0
    private var client: AgentClient?
    private var ticker: Ticker?
    private let began = MonotonicTime.now

    init(
        sound: [UInt8], format: AudioFormat, milliseconds: Int,
        isEnough: @escaping (HeardConversation) -> Bool, finish: @escaping (HeardConversation) -> Void
    ) {
        self.sound = sound
        self.format = format
        self.milliseconds = milliseconds
        self.isEnough = isEnough
        self.finish = finish
    }

    func begin(_ url: String, _ headers: [(String, String)], on loop: EventLoop) {
        let client = AgentClient { [self] event, payload in take(event, payload) }
        self.client = client
        client.socket = WebSocketConnection.connect(
            to: url, headers: headers, on: loop, limits: WebSocketLimits(), handler: client)
        ticker = loop.every(milliseconds: 20) { [self] in tick() }
    }

    private func tick() {
        heard.badMessages = client?.badMessages ?? 0
        if isEnough(heard) || MonotonicTime.now.milliseconds(since: began) >= Int64(milliseconds) {
            // The end of the socket, or its limit, ends the conversation.
            client?.socket?.close(code: 1000)
            return
        }
        guard client?.isReady == true else { return }
        let size = format.bytes(inMilliseconds: 20)
        var frame = Array(sound[min(offset, sound.count)..<min(offset + size, sound.count)])
        offset += size
        frame += [UInt8](repeating: format.silenceByte, count: size - frame.count)
        client?.speak(frame)
        heard.spokenMilliseconds += 20
    }

    private func take(_ event: AgentEvent?, _ payload: [UInt8]) {
        guard let event else { return end() }
        heard.events.append(event)
        if case .interruption = event, heard.interruptedAt == nil {
            heard.interruptedAt = MonotonicTime.now.milliseconds(since: began)
        }
        if case .audio(let id, _) = event {
            heard.sound[id, default: []] += payload
            heard.chunkSizes.append(payload.count)
        }
    }

    private func end() {
        ticker?.cancel()
        heard.closeCode = client?.closeCode
        heard.closeReason = client?.closeReason ?? ""
        heard.error = client?.error
        heard.badMessages = client?.badMessages ?? 0
        client = nil
        finish?(heard)
        finish = nil
    }
}
