// Deferred answers and the bounds of bodies, over real sockets.

import Foundation
import Glibc
import Patience
import Telemetry
import Testing

@testable import Net

extension NetTests {
    @Suite struct HTTPDeferralTests {
        private static let get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"

        private static func text(_ status: Int, _ text: String) -> HTTPResponse {
            HTTPResponse(status: status, body: .bytes(Array(text.utf8)))
        }

        /// A server that defers everything to `start`.
        private static func serve(
            threads: Int = 2, limit: Int = 20_000, fallback: HTTPResponse? = nil,
            _ start: @escaping @Sendable (HTTPReply) -> Void
        ) throws -> HTTPServer {
            let fallback = fallback ?? text(504, "late")
            return try HTTPServer.start(
                HTTPServerSettings(port: 0, threads: threads),
                handler: ClosureHandler { _ in
                    .deferred(limitMilliseconds: limit, fallback: fallback, start: start)
                })
        }

        /// A response's status and its body of known length.
        private static func answer(_ socket: RawSocket) -> (status: String, body: String) {
            let head = socket.readHead()
            let length = head.components(separatedBy: "\r\n").first {
                $0.lowercased().hasPrefix("content-length:")
            }
            let count = length.flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) } ?? 0
            return (
                String(head.prefix(12).suffix(3)),
                String(decoding: socket.read(exactly: count), as: UTF8.self)
            )
        }

        /// Counts the heads whose bodies are about to be read.
        private struct HeadCounter: HTTPHandler {
            let heads: Locked<Int>
            let body: @Sendable (HTTPRequest) -> HTTPOutcome

            func respond(to request: HTTPRequest) -> HTTPOutcome { body(request) }
            func bodyLimit(for head: HTTPRequest) -> Int? {
                heads.with { $0 += 1 }
                return nil
            }
        }

        @Test func `a hundred wait at once on two threads`() throws {
            let before = restingDescriptors()
            let replies = Locked<[HTTPReply]>([])
            let server = try Self.serve { reply in replies.with { $0.append(reply) } }
            var sockets: [RawSocket] = []
            for _ in 0..<100 {
                let socket = try RawSocket(port: server.port)
                socket.write(Self.get)
                sockets.append(socket)
            }
            #expect(waitUntil { replies.with { $0.count == 100 } })
            let waiting = replies.with { $0 }
            DispatchQueue.concurrentPerform(iterations: 100) { waiting[$0].send(Self.text(200, "there")) }
            for socket in sockets {
                let (status, body) = Self.answer(socket)
                #expect(status == "200" && body == "there")
            }
            // The connections live on.
            replies.with { $0 = [] }
            let first = try #require(sockets.first)
            first.write(Self.get + Self.get)
            #expect(waitUntil { replies.with { $0.count == 1 } })
            replies.with { $0 }.first?.send(Self.text(200, "one"))
            #expect(Self.answer(first).body == "one")
            #expect(waitUntil { replies.with { $0.count == 2 } })
            replies.with { $0 }.last?.send(Self.text(200, "two"))
            #expect(Self.answer(first).body == "two")
            sockets = []
            server.stop()
            #expect(waitUntil { openedSince(before).count <= 1 })
        }

        @Test func `an answer before the handler returns is sent`() throws {
            let server = try Self.serve { $0.send(Self.text(201, "at once")) }
            let socket = try RawSocket(port: server.port)
            for _ in 0..<50 {
                socket.write(Self.get)
                let (status, body) = Self.answer(socket)
                #expect(status == "201" && body == "at once")
            }
            server.stop()
        }

        @Test func `only the first answer counts, and the others' descriptors are closed`() throws {
            let before = restingDescriptors()
            let answers = Locked(0)
            let server = try Self.serve { reply in
                DispatchQueue.global().async {
                    reply.send(Self.text(200, "first"))
                    for _ in 0..<10 {
                        reply.send(
                            HTTPResponse(
                                status: 200,
                                body: .file(
                                    descriptor: open("/dev/null", O_RDONLY), offset: 0, length: 1)))
                    }
                    answers.with { $0 += 1 }
                }
            }
            let socket = try RawSocket(port: server.port)
            socket.write(Self.get)
            #expect(Self.answer(socket).body == "first")
            #expect(waitUntil { answers.with { $0 == 1 } })
            server.stop()
            #expect(waitUntil { openedSince(before).count <= 1 })
        }

        @Test func `the fallback comes when the limit passes, or the reply is let go of`() throws {
            let held = Locked<[HTTPReply]>([])
            let late = try Self.serve(limit: 150) { reply in held.with { $0.append(reply) } }
            let socket = try RawSocket(port: late.port)
            let begun = MonotonicTime.now
            socket.write(Self.get)
            let (status, body) = Self.answer(socket)
            #expect(status == "504" && body == "late")
            #expect(MonotonicTime.now.milliseconds(since: begun) >= 150)
            held.with { $0 }.first?.send(Self.text(200, "too late"))
            socket.write(Self.get)
            #expect(Self.answer(socket).body == "late")
            late.stop()

            let dropped = try Self.serve { _ in }
            let other = try RawSocket(port: dropped.port)
            other.write(Self.get)
            #expect(Self.answer(other).body == "late")
            dropped.stop()
        }

        @Test func `a client that has gone leaves nothing behind`() throws {
            let before = restingDescriptors()
            let replies = Locked<[HTTPReply]>([])
            let server = try Self.serve { reply in replies.with { $0.append(reply) } }
            for _ in 0..<20 {
                let socket = try RawSocket(port: server.port)
                socket.write(Self.get)
            }
            #expect(waitUntil { replies.with { $0.count == 20 } })
            let file = HTTPBody.file(descriptor: open("/dev/zero", O_RDONLY), offset: 0, length: 1)
            let waiting = replies.with { $0 }
            waiting.first?.send(HTTPResponse(status: 200, body: file))
            for reply in waiting.dropFirst() { reply.send(Self.text(200, "gone?")) }
            replies.with { $0 = [] }
            // The server serves on; its own descriptors are all that is left.
            let own = try RawSocket(port: server.port)
            own.write(Self.get)
            #expect(waitUntil { replies.with { $0.count == 1 } })
            server.stop()
            #expect(waitUntil { openedSince(before).count <= 2 })
        }

        @Test func `a server stops while requests wait, and late answers are harmless`() throws {
            let before = restingDescriptors()
            for _ in 0..<10 {
                let replies = Locked<[HTTPReply]>([])
                let server = try Self.serve(
                    fallback: HTTPResponse(
                        status: 200,
                        body: .file(descriptor: open("/dev/null", O_RDONLY), offset: 0, length: 1))
                ) { reply in replies.with { $0.append(reply) } }
                let sockets = try (0..<10).map { _ in try RawSocket(port: server.port) }
                // One descriptor in one fallback: only one request here.
                sockets.first?.write(Self.get)
                #expect(waitUntil { replies.with { $0.count == 1 } })
                let waiting = replies.with { $0 }
                DispatchQueue.concurrentPerform(iterations: 2) { index in
                    if index == 0 { server.stop() } else { waiting.first?.send(Self.text(200, "race")) }
                }
                waiting.first?.send(Self.text(200, "after the end"))
                replies.with { $0 = [] }
            }
            #expect(waitUntil { openedSince(before).count <= 1 })
        }

        @Test func `a server stops while a hundred wait`() throws {
            let before = restingDescriptors()
            for threads in [1, 2, 4] {
                let replies = Locked<[HTTPReply]>([])
                let server = try Self.serve(threads: threads) { reply in replies.with { $0.append(reply) } }
                let sockets = try (0..<100).map { _ in try RawSocket(port: server.port) }
                for socket in sockets { socket.write(Self.get) }
                #expect(waitUntil { replies.with { $0.count == 100 } })
                let begun = MonotonicTime.now
                server.stop()
                // Not as long as the requests may wait: 20 s.
                #expect(MonotonicTime.now.milliseconds(since: begun) < 12_000)
                // Each got its fallback or the end of the stream, none is left hanging.
                for socket in sockets {
                    let bytes = socket.readToEnd()
                    #expect(bytes.isEmpty || String(decoding: bytes, as: UTF8.self).hasSuffix("late"))
                }
                for reply in replies.with({ $0 }) { reply.send(Self.text(200, "after the end")) }
                replies.with { $0 = [] }
            }
            #expect(waitUntil { openedSince(before).count <= 1 })
        }

        @Test func `bodies have bounds by path`() throws {
            let sizes = Locked<[Int]>([])
            let server = try HTTPServer.start(
                HTTPServerSettings(
                    port: 0, bodyBytes: 100,
                    bodyLimits: [HTTPBodyLimit(path: "/hooks/", bytes: 3_000_000, seconds: 30)]),
                handler: ClosureHandler { request in
                    sizes.with { $0.append(request.body.count) }
                    return .response(HTTPResponse(status: 200))
                })
            func status(_ request: String) throws -> String {
                let socket = try RawSocket(port: server.port)
                socket.write(request)
                return Self.answer(socket).status
            }
            let large = String(repeating: "x", count: 2_500_000)
            let chunked = "26259F\r\n" + large.prefix(2_500_000 - 1) + "\r\n1\r\nx\r\n0\r\n\r\n"
            #expect(
                try status(
                    "POST /hooks/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked)
                    == "200")
            #expect(
                try status("POST /%68ooks/a HTTP/1.1\r\nHost: h\r\nContent-Length: 2500000\r\n\r\n" + large)
                    == "200")
            #expect(sizes.with { $0 } == [2_500_000, 2_500_000])
            // Refused before a byte of the body is there.
            #expect(
                try status("POST /hooks/a HTTP/1.1\r\nHost: h\r\nContent-Length: 3000001\r\n\r\n") == "413")
            #expect(try status("POST /hooks HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n") == "413")
            #expect(try status("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n") == "413")
            #expect(sizes.with { $0.count } == 2)
            server.stop()
        }

        /// Whose body does not fit is asked to come again; who has only announced one keeps nobody out.
        @Test func `large bodies share memory`() throws {
            let heads = Locked(0)
            let held = Locked<[HTTPRequest]>([])
            let server = try HTTPServer.start(
                HTTPServerSettings(
                    port: 0, bodyBytes: 100,
                    bodyLimits: [HTTPBodyLimit(path: "/", bytes: 3_000_000, seconds: 30)], largeBodies: 4,
                    largeBodyBytes: 1_000_000),
                handler: HeadCounter(heads: heads) { request in
                    held.with { $0.append(request) }
                    return .response(HTTPResponse(status: 200))
                })
            func send(_ count: Int) throws -> (status: String, text: String) {
                let socket = try RawSocket(port: server.port)
                socket.write(
                    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \(count)\r\nConnection: close\r\n\r\n"
                        + String(repeating: "x", count: count))
                let text = String(decoding: socket.readToEnd(), as: UTF8.self)
                return (String(text.dropFirst(9).prefix(3)), text)
            }
            let silent = try (0..<2).map { _ in
                let socket = try RawSocket(port: server.port)
                socket.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n")
                return socket
            }
            #expect(waitUntil { heads.with { $0 == 2 } })
            #expect(try send(900_000).status == "200")
            // 100,000 bytes are left, and a quarter of all is anybody's share.
            let refused = try send(400_000)
            #expect(refused.status == "503" && refused.text.contains("Retry-After: 30"))
            #expect(try send(200_000).status == "200")
            // All four places are taken: two are waited for, two are worked on.
            #expect(try send(200).status == "503")
            held.with { $0 = [] }
            #expect(try send(400_000).status == "200")
            #expect(held.with { $0.map(\.body.count) } == [400_000])
            withExtendedLifetime(silent) {}
            held.with { $0 = [] }
            server.stop()
        }

        @Test(arguments: [
            "X-Drip: ", "Content-Length: 100\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n64;e=",
        ])
        func `a header or a body that drips is cut`(_ rest: String) throws {
            let before = restingDescriptors()
            let server = try HTTPServer.start(
                HTTPServerSettings(port: 0, idleSeconds: 60, bodySeconds: 1),
                handler: ClosureHandler { _ in .response(HTTPResponse(status: 200)) })
            let socket = try RawSocket(port: server.port)
            let begun = MonotonicTime.now
            socket.write("POST / HTTP/1.1\r\nHost: h\r\n" + rest)
            let ended = Locked(false)
            let done = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                // A byte every 50 ms: never idle, never done.
                while !ended.with({ $0 }) {
                    socket.write("x")
                    usleep(50_000)
                }
                done.signal()
            }
            _ = socket.readToEnd()
            let waited = MonotonicTime.now.milliseconds(since: begun)
            ended.with { $0 = true }
            done.wait()
            // After ten seconds the socket itself would have given up.
            #expect((900..<9000).contains(waited), "cut after \(waited) ms")
            // A body that is whole in time frees the connection from its limit.
            let quick = try RawSocket(port: server.port)
            quick.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx")
            #expect(Self.answer(quick).status == "200")
            usleep(1_300_000)
            quick.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx")
            #expect(Self.answer(quick).status == "200")
            server.stop()
            #expect(waitUntil { openedSince(before).count <= 2 })
        }
    }
}
