// Server WebSockets against raw peers: what they may not do, and how connections end.

import Damage
import Glibc
import Patience
import Telemetry
import Testing

@testable import Net

extension NetTests {
    @Suite struct HostilePeerTests {
        private struct Wrong: Sendable, CustomTestStringConvertible {
            var testDescription: String
            var input: [UInt8]
            var code: UInt16
        }

        @Test(arguments: [
            Wrong(testDescription: "unmasked", input: frame(1, [65], mask: nil), code: 1002),
            Wrong(testDescription: "reserved bit", input: frame(1, [65], reserved: 4), code: 1002),
            Wrong(testDescription: "bad UTF-8", input: frame(1, [0xFF]), code: 1007),
            Wrong(
                testDescription: "too large", input: frame(1, Array(repeating: 65, count: 2000)), code: 1009),
            Wrong(
                testDescription: "2^62", input: [0x81, 0xFF, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4],
                code: 1009),
            Wrong(testDescription: "bad close", input: frame(8, [1]), code: 1002),
        ])
        private func `a wrong frame fails the connection with its code`(_ wrong: Wrong) throws {
            let service = try EchoService(limits: WebSocketLimits(messageBytes: 1000))
            let peer = try RawSocket(port: service.server.port)
            #expect(peer.upgrade().hasPrefix("HTTP/1.1 101 "))
            peer.write(frame(1, [72, 105]) + wrong.input + frame(1, [66]))
            let echo = try #require(peer.readFrame())
            #expect(echo.payload == [72, 105])
            let close = try #require(peer.readFrame())
            #expect(close.first == 0x88)
            #expect(close.payload == [UInt8(wrong.code >> 8), UInt8(wrong.code & 0xFF)])
            #expect(peer.readToEnd().isEmpty)
            shutdown(peer.descriptor, Int32(SHUT_WR))
            let handler = try service.firstHandler()
            #expect(waitUntil { handler.isClosed })
            #expect(handler.close?.code == wrong.code)
            #expect(handler.messages == [[72, 105]])
            service.stop()
        }

        @Test func `frames that came with the upgrade are heard`() throws {
            let service = try EchoService()
            let peer = try RawSocket(port: service.server.port)
            let head = peer.upgrade(with: frame(1, [65]) + frame(9, [7]) + frame(1, [66]))
            // The accept value of RFC 6455 §1.3's key.
            #expect(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
            #expect(!head.lowercased().contains("sec-websocket-protocol"))
            #expect(peer.readFrame()?.payload == [65])
            let pong = peer.readFrame()
            #expect(pong?.first == 0x8A && pong?.payload == [7])
            #expect(peer.readFrame()?.payload == [66])
            peer.write(frame(8, [3, 233]))
            #expect(peer.readFrame()?.payload == [3, 233])
            #expect(peer.readToEnd().isEmpty)
            let handler = try service.firstHandler()
            #expect(waitUntil { handler.isClosed })
            #expect(handler.close?.code == 1001)
            service.stop()
        }

        @Test func `a peer that just goes is 1006`() throws {
            let service = try EchoService()
            var peer: RawSocket? = try RawSocket(port: service.server.port)
            _ = peer?.upgrade()
            #expect(waitUntil { service.handlers.with { $0.first?.isOpen ?? false } })
            peer = nil
            let handler = try service.firstHandler()
            #expect(waitUntil { handler.isClosed })
            #expect(handler.close?.code == 1006)
            service.stop()
        }

        @Test func `a peer that ignores our close is cut at the limit`() throws {
            let service = try EchoService(limits: WebSocketLimits(closeMilliseconds: 300)) {
                RecordingHandler(onOpen: { $0.close(code: 1001, reason: "bye") })
            }
            let peer = try RawSocket(port: service.server.port)
            let began = MonotonicTime.now
            _ = peer.upgrade()
            #expect(peer.readFrame()?.payload == [3, 233] + Array("bye".utf8))
            let handler = try service.firstHandler()
            #expect(waitUntil { handler.isClosed })
            // Not before the limit.
            #expect(MonotonicTime.now.milliseconds(since: began) >= 300)
            #expect(handler.close?.code == 1006)
            #expect(handler.heard.with { $0.closes.count } == 1)
            service.stop()
        }

        @Test func `abort resets the connection`() throws {
            let service = try EchoService { RecordingHandler(onMessage: { socket, _ in socket.abort() }) }
            let peer = try RawSocket(port: service.server.port)
            _ = peer.upgrade()
            peer.write(frame(1, [1]))
            let (bytes, code) = (peer.read(), errno)
            #expect(bytes == nil && code == ECONNRESET)
            let handler = try service.firstHandler()
            #expect(waitUntil { handler.isClosed })
            #expect(handler.close?.code == 1006)
            service.stop()
        }

        @Test func `a peer that does not read is let go with 1013`() throws {
            let limits = WebSocketLimits(outgoingBytes: 1 << 20, closeMilliseconds: 200)
            let bulk = [UInt8](repeating: 65, count: 64 << 10)
            let service = try EchoService(limits: limits) {
                RecordingHandler(onMessage: { socket, _ in for _ in 0..<400 { socket.send(text: bulk) } })
            }
            let peer = try RawSocket(port: service.server.port)
            _ = peer.upgrade()
            peer.write(frame(1, [1]))
            let handler = try service.firstHandler()
            #expect(waitUntil { handler.isClosed })
            #expect(handler.close?.code == 1013)
            service.stop()
        }

        @Test func `a slow reader gets everything in order`() throws {
            let service = try EchoService()
            let peer = try RawSocket(port: service.server.port)
            _ = peer.upgrade()
            let payload = (0..<300_000).map { UInt8($0 % 95 + 32) }
            for _ in 0..<8 { peer.write(frame(1, payload)) }
            for _ in 0..<8 { #expect(peer.readFrame()?.payload == payload) }
            service.stop()
        }

        @Test func `what one turn queues leaves by few writes, and nothing is delivered re-entrantly`() throws
        {
            let inside = Locked(false)
            let reentered = Locked(false)
            let service = try EchoService {
                RecordingHandler(onMessage: { socket, _ in
                    inside.with { $0 = true }
                    for number in UInt8(0)..<200 { socket.send(text: [number & 0x7F]) }
                    #expect(socket.pendingBytes == 600)
                    socket.close(code: 1000)
                    socket.abort()
                    if reentered.with({ $0 }) { Issue.record("re-entered") }
                    inside.with { $0 = false }
                })
            }
            let peer = try RawSocket(port: service.server.port)
            _ = peer.upgrade()
            peer.write(frame(1, [1]))
            let handler = try service.firstHandler()
            #expect(waitUntil { handler.isClosed })
            #expect(handler.heard.with { $0.closes.count } == 1)
            service.stop()
        }

        @Test func `mutated frames end a socket or go on`() throws {
            let before = restingDescriptors()
            let service = try EchoService(limits: WebSocketLimits(messageBytes: 4096, closeMilliseconds: 50))
            var random = SplitMix64(seed: 5)
            let sample = frame(1, Array(repeating: 65, count: 200)) + frame(9, [1]) + frame(2, [1, 2, 3])
            for _ in 0..<150 {
                var input = sample
                for _ in 0..<4 {
                    input[Int.random(in: 0..<input.count, using: &random)] = .random(
                        in: 0...255, using: &random)
                }
                let peer = try RawSocket(port: service.server.port)
                _ = peer.upgrade(with: input)
                shutdown(peer.descriptor, Int32(SHUT_WR))
                _ = peer.readToEnd()
            }
            service.stop()
            #expect(waitUntil { openedSince(before).isEmpty })
        }
    }
}
