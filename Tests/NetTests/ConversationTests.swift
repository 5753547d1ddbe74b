// WebSockets of ours talking to each other over real sockets.

import Glibc
import Patience
import Testing

@testable import Net

extension NetTests {
    @Suite struct ConversationTests {
        @Test func `a message comes back and both ends hear the close`() throws {
            let service = try EchoService()
            let handler = RecordingHandler(onOpen: { $0.send(text: Array("hello".utf8)) }) { socket, _ in
                socket.close(code: 1000, reason: "done")
            }
            let (loop, url) = (service.loop, service.url)
            loop.execute {
                _ = WebSocketConnection.connect(
                    to: url, on: loop, limits: WebSocketLimits(), handler: handler)
            }
            #expect(waitUntil { handler.isClosed })
            #expect(handler.messages == [Array("hello".utf8)])
            #expect(handler.close?.code == 1000)
            let server = try service.firstHandler()
            #expect(waitUntil { server.isClosed })
            #expect(server.close?.code == 1000)
            #expect(server.close?.reason == "done")
            service.stop()
        }

        @Test func `three hundred sockets at once echo`() throws {
            let before = restingDescriptors()
            let service = try EchoService()
            let (loop, url) = (service.loop, service.url)
            let text = Array(String(repeating: "x", count: 300).utf8)
            let handlers = (0..<300).map { _ in
                RecordingHandler(onOpen: { $0.send(text: text) }) { socket, bytes in socket.close(code: 1000)
                }
            }
            // Three hundred handshakes take their time.
            let limits = WebSocketLimits(connectMilliseconds: 30_000, closeMilliseconds: 30_000)
            loop.execute {
                for handler in handlers {
                    _ = WebSocketConnection.connect(to: url, on: loop, limits: limits, handler: handler)
                }
            }
            #expect(waitUntil(60_000) { handlers.allSatisfy(\.isClosed) })
            #expect(handlers.allSatisfy { $0.messages == [text] && $0.close?.code == 1000 })
            service.stop()
            #expect(waitUntil { openedSince(before).isEmpty })
        }
    }
}
