// One text spoken over a WebSocket of its own: opened, sent, heard to its end.

import Agents
import Net

/// What one WebSocket is to speak, and how patient we are.
struct SpeechTalkOrder: Sendable {
    /// Where the socket is opened.
    var url: String
    /// What `xi-api-key` bears: a secret.
    var key: String
    /// What is said.
    var text: String
    /// How.
    var settings: SpeechSettings
    /// Time until the first sound, in milliseconds.
    var firstMilliseconds: Int
    /// Time until the end, in milliseconds.
    var wholeMilliseconds: Int
    /// Most bytes of sound.
    var soundBytes: Int
}

/// A text on its way through `stream-input`. The end of the socket before the final message is no end of the text.
final class SpeechTalk: WebSocketHandler, @unchecked Sendable {
    // Everything that varies is touched on `loop` only.
    private let order: SpeechTalkOrder
    private let gate: SpeechGate
    private let loop: EventLoop
    private var codec = SpeechCodec()
    private var socket: WebSocketConnection?
    private var tickers: [Ticker] = []
    private var heardBytes = 0
    private var isOver = false
    private var outcome: SpeechFailure?
    /// Told once, at the end.
    private var onEnd: ((SpeechFailure?) -> Void)?

    init(_ order: SpeechTalkOrder, gate: SpeechGate, loop: EventLoop) {
        (self.order, self.gate, self.loop) = (order, gate, loop)
    }

    /// Tells `onEnd` the end; at once when it is over already.
    func whenOver(_ onEnd: @escaping (SpeechFailure?) -> Void) {
        if isOver { onEnd(outcome) } else { self.onEnd = onEnd }
    }

    /// Opens the socket.
    func start() {
        guard !isOver else { return }
        var limits = WebSocketLimits(messageBytes: 4 << 20)
        limits.connectMilliseconds = min(order.firstMilliseconds, order.wholeMilliseconds)
        tickers = [
            loop.after(milliseconds: order.wholeMilliseconds) { [weak self] in
                self?.end(SpeechFailure(.timedOut))
            },
            loop.after(milliseconds: order.firstMilliseconds) { [weak self] in
                if let self, self.heardBytes == 0 { self.end(SpeechFailure(.timedOut)) }
            },
        ]
        socket = WebSocketConnection.connect(
            to: order.url, headers: [("xi-api-key", order.key)], on: loop, limits: limits, handler: self)
    }

    /// Ends it with `failure`, or well with nil; the socket is closed, which is how the service is told to stop.
    func end(_ failure: SpeechFailure?) {
        guard !isOver else { return }
        (isOver, outcome) = (true, failure)
        for ticker in tickers { ticker.cancel() }
        socket?.close(code: 1000)
        (tickers, socket) = ([], nil)
        onEnd?(failure)
        onEnd = nil
    }

    func webSocketDidOpen(_ socket: WebSocketConnection) {
        for message in [SpeechMessage.open(order.settings), .text(order.text), .end] {
            var bytes: [UInt8] = []
            message.encode(into: &bytes)
            socket.send(text: bytes)
        }
    }

    func webSocket(_ socket: WebSocketConnection, didReceive bytes: UnsafeRawBufferPointer, isText: Bool) {
        // The service speaks text only; a binary message is none of its protocol.
        guard !isOver, isText else { return }
        do throws(AgentMessageError) {
            switch try codec.decode(bytes) {
            case .sound(_, _, _, let isFinal):
                heardBytes += codec.payload.count
                guard heardBytes <= order.soundBytes else { return end(SpeechFailure(.badAudio)) }
                gate.take(codec.payload)
                if isFinal { end(nil) }
            case .final: end(nil)
            case .failed(let error): end(SpeechFailure(socket: error))
            case .other: break
            }
        } catch {
            end(SpeechFailure(.badAudio))
        }
    }

    func webSocketDidClose(_ socket: WebSocketConnection, code: UInt16, reason: String, error: NetError?) {
        end(error.map { SpeechFailure(network: $0) } ?? SpeechFailure(socketClosed: code))
    }
}
