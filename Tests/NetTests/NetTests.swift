// Sockets of both sides on one loop: what is sent comes back, what is open gets closed.

import Foundation
import Net
import Telemetry
import Testing

/// Waits for something that happens on other threads, with a limit.
final class Expectation: @unchecked Sendable {
    // Guarded by `lock`.
    private let lock = Lock()
    private var count = 0
    func fulfil() { lock.withLock(signal: true) { count += 1 } }
    func wait(for wanted: Int = 1, milliseconds: Int64 = 10_000) -> Bool {
        let began = MonotonicTime.now
        return lock.withLock {
            while count < wanted {
                let rest = milliseconds - MonotonicTime.now.milliseconds(since: began)
                guard rest > 0 else { return false }
                lock.wait(milliseconds: rest)
            }
            return true
        }
    }
}

final class EchoPeer: WebSocketHandler {
    func webSocketDidOpen(_ socket: WebSocketConnection) {}
    func webSocket(_ socket: WebSocketConnection, didReceive bytes: UnsafeRawBufferPointer, isText: Bool) {
        socket.send(text: bytes)
    }
    func webSocketDidClose(_ socket: WebSocketConnection, code: UInt16, reason: String, error: NetError?) {}
}

struct EchoHandler: HTTPHandler {
    let loop: EventLoop
    func respond(to request: HTTPRequest) -> HTTPOutcome {
        guard request.path == "/echo" else {
            return .response(
                HTTPResponse(status: 200, body: .bytes(Array("\(request.method) \(request.target)".utf8))))
        }
        return .upgrade { socket in
            loop.execute {
                _ = WebSocketConnection.accept(
                    socket, on: loop, limits: WebSocketLimits(), handler: EchoPeer())
            }
        }
    }
}

final class Collector: WebSocketHandler, @unchecked Sendable {
    // Touched on the loop; read after the expectations.
    let opened = Expectation()
    let received = Expectation()
    let closed = Expectation()
    var messages: [String] = []
    var code: UInt16 = 0
    var error: NetError?
    func webSocketDidOpen(_ socket: WebSocketConnection) { opened.fulfil() }
    func webSocket(_ socket: WebSocketConnection, didReceive bytes: UnsafeRawBufferPointer, isText: Bool) {
        messages.append(String(decoding: bytes, as: UTF8.self))
        received.fulfil()
    }
    func webSocketDidClose(_ socket: WebSocketConnection, code: UInt16, reason: String, error: NetError?) {
        self.code = code
        self.error = error
        closed.fulfil()
    }
}

@Suite(.serialized) struct EchoTests {
    @Test(arguments: [0, 1, 125, 126, 65_535, 65_536, 900_000])
    func echoes(length: Int) throws {
        let loop = try EventLoop.start(name: "test")
        defer { loop.stop() }
        let server = try HTTPServer.start(HTTPServerSettings(port: 0), handler: EchoHandler(loop: loop))
        defer { server.stop() }
        let peer = Collector()
        let text = String(repeating: "a", count: length)
        nonisolated(unsafe) var socket: WebSocketConnection?
        loop.execute {
            socket = WebSocketConnection.connect(
                to: "ws://127.0.0.1:\(server.port)/echo", on: loop, limits: WebSocketLimits(), handler: peer)
        }
        #expect(peer.opened.wait())
        loop.execute { socket?.send(text: Array(text.utf8)) }
        #expect(peer.received.wait())
        #expect(peer.messages == [text])
        loop.execute { socket?.close(code: 1000) }
        #expect(peer.closed.wait())
        #expect(peer.code == 1000)
    }

    @Test func refusedUpgradeTellsItsStatus() throws {
        let loop = try EventLoop.start(name: "test")
        defer { loop.stop() }
        let server = try HTTPServer.start(HTTPServerSettings(port: 0), handler: EchoHandler(loop: loop))
        defer { server.stop() }
        let peer = Collector()
        loop.execute {
            _ = WebSocketConnection.connect(
                to: "ws://127.0.0.1:\(server.port)/other", on: loop, limits: WebSocketLimits(), handler: peer)
        }
        #expect(peer.closed.wait())
        #expect(peer.error == .refused(status: 200))
    }
}
