// The HTTP server against raw sockets: bodies, ranges, limits, pipelines, upgrades.

import Foundation
import Glibc
import Patience
import Telemetry
import Testing

@testable import Net

extension NetTests {
    @Suite struct HTTPServerTests {
        /// A temporary file of 100,000 bytes.
        private static func sampleFile() throws -> (path: String, bytes: [UInt8]) {
            let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            let path = FileManager.default.temporaryDirectory.path + "/net-\(UUID().uuidString)"
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            return (path, bytes)
        }

        private static func serve(
            _ settings: HTTPServerSettings = HTTPServerSettings(port: 0),
            _ body: @escaping @Sendable (HTTPRequest) -> HTTPOutcome
        ) throws -> HTTPServer {
            try HTTPServer.start(settings, handler: ClosureHandler(body: body))
        }

        private static func exchange(_ server: HTTPServer, _ request: String) throws -> (
            head: String, body: [UInt8]
        ) {
            let socket = try RawSocket(port: server.port)
            socket.write(request)
            let head = socket.readHead()
            return (head, socket.readToEnd())
        }

        @Test func `a request arrives as a value`() throws {
            let seen = Locked<HTTPRequest?>(nil)
            let server = try Self.serve { request in
                seen.with { $0 = request }
                return .response(
                    HTTPResponse(
                        status: 201, headers: [("X-A", "1"), ("X-A", "2"), ("Content-Length", "9")],
                        body: .bytes(Array("made".utf8))))
            }
            let (head, body) = try Self.exchange(
                server,
                "PUT /a%20b/%E2%82%AC?q=1+2&q=%26&empty&x=y=z HTTP/1.1\r\nHost: h\r\nX-Two: a\r\nX-two: b\r\n"
                    + "Content-Length: 5\r\nConnection: close\r\n\r\nhello")
            #expect(head.hasPrefix("HTTP/1.1 201 "))
            #expect(head.contains("Content-Length: 4\r\n") && !head.contains("Content-Length: 9"))
            #expect(head.contains("X-A: 1\r\n") && head.contains("X-A: 2\r\n"))
            #expect(body == Array("made".utf8))
            let request = try #require(seen.with { $0 })
            #expect(request.method == "PUT")
            #expect(request.path == "/a b/€")
            #expect(request.target == "/a%20b/%E2%82%AC?q=1+2&q=%26&empty&x=y=z")
            #expect(request.query.map(\.name) == ["q", "q", "empty", "x"])
            #expect(request.query.map(\.value) == ["1 2", "&", "", "y=z"])
            #expect(request.headers.filter { $0.name.lowercased() == "x-two" }.map(\.value) == ["a", "b"])
            #expect(request.headers.first?.name == "Host")
            #expect(request.body == Array("hello".utf8))
            #expect(request.remoteAddress == "127.0.0.1")
            server.stop()
        }

        @Test(arguments: ["/%", "/%4", "/%zz", "/a?x=%GG", "/%00", "/%FF"])
        func `a target that cannot be decoded is 400`(_ target: String) throws {
            let server = try Self.serve { _ in .response(HTTPResponse(status: 200)) }
            let (head, _) = try Self.exchange(
                server, "GET \(target) HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 400 "))
            server.stop()
        }

        @Test(arguments: [(0, 100_000), (1, 99_999), (500, 1), (99_999, 1), (70_000, 30_000)])
        func `a range of a file`(_ offset: Int, _ length: Int) throws {
            let before = restingDescriptors()
            let (path, bytes) = try Self.sampleFile()
            defer { unlink(path) }
            let server = try Self.serve { request in
                let descriptor = open(path, O_RDONLY)
                return .response(
                    HTTPResponse(
                        status: 206,
                        body: .file(descriptor: descriptor, offset: Int64(offset), length: Int64(length))))
            }
            let (head, body) = try Self.exchange(
                server, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 206 "))
            #expect(head.contains("Content-Length: \(length)\r\n"))
            #expect(body == Array(bytes[offset..<offset + length]))
            let (only, nothing) = try Self.exchange(
                server, "HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(only.contains("Content-Length: \(length)\r\n"))
            #expect(nothing.isEmpty)
            server.stop()
            #expect(waitUntil { openedSince(before).isEmpty })
        }

        @Test func `a body of parts, its descriptor in several of them`() throws {
            let before = restingDescriptors()
            let (path, bytes) = try Self.sampleFile()
            defer { unlink(path) }
            let server = try Self.serve { _ in
                let descriptor = open(path, O_RDONLY)
                return .response(
                    HTTPResponse(
                        status: 206,
                        body: .parts([
                            .bytes(Array("--a\r\n".utf8)),
                            .file(descriptor: descriptor, offset: 10, length: 70_000),
                            .bytes([]), .bytes(Array("\r\n--b\r\n".utf8)),
                            .file(descriptor: descriptor, offset: 0, length: 3), .bytes(Array("--end".utf8)),
                        ])))
            }
            let expected =
                Array("--a\r\n".utf8) + bytes[10..<70_010] + Array("\r\n--b\r\n".utf8) + bytes[0..<3]
                + Array("--end".utf8)
            let (head, body) = try Self.exchange(
                server, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(head.contains("Content-Length: \(expected.count)\r\n"))
            #expect(body == expected)
            server.stop()
            #expect(waitUntil { openedSince(before).isEmpty })
        }

        @Test func `a bad length or header from the handler is 500, and its descriptor is closed`() throws {
            let before = restingDescriptors()
            let server = try Self.serve { request in
                if request.path == "/header" {
                    return .response(HTTPResponse(status: 200, headers: [("X", "a\r\nSet-Cookie: b")]))
                }
                let descriptor = open("/dev/null", O_RDONLY)
                return .response(
                    HTTPResponse(status: 200, body: .file(descriptor: descriptor, offset: -1, length: 5)))
            }
            for path in ["/header", "/length"] {
                let (head, _) = try Self.exchange(
                    server, "GET \(path) HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                #expect(head.hasPrefix("HTTP/1.1 500 "))
            }
            server.stop()
            #expect(waitUntil { openedSince(before).isEmpty })
        }

        @Test func `keep-alive and pipelined requests are answered in order`() throws {
            let server = try Self.serve {
                .response(HTTPResponse(status: 200, body: .bytes(Array($0.path.utf8))))
            }
            let socket = try RawSocket(port: server.port)
            for _ in 0..<2 {
                socket.write((0..<10).map { "GET /\($0) HTTP/1.1\r\nHost: h\r\n\r\n" }.joined())
                for number in 0..<10 {
                    #expect(socket.readHead().hasPrefix("HTTP/1.1 200 "))
                    #expect(socket.read(exactly: 2) == Array("/\(number)".utf8))
                }
            }
            server.stop()
        }

        @Test(arguments: [
            ("Content-Length: 101\r\n\r\n" + String(repeating: "x", count: 101), 413),
            ("Content-Length: 100\r\n\r\n" + String(repeating: "x", count: 100), 200),
            (
                "Transfer-Encoding: chunked\r\n\r\n65\r\n" + String(repeating: "x", count: 101)
                    + "\r\n0\r\n\r\n", 413
            ),
            ("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 200),
            ("Content-Length: 18446744073709551616\r\n\r\n", 413),
            ("X: " + String(repeating: "y", count: 3000) + "\r\n\r\n", 431),
            ("X: " + String(repeating: "y", count: 60_000) + "\r\n\r\n", 431),
        ])
        func `limits answer with their status`(_ rest: String, _ status: Int) throws {
            let server = try Self.serve(HTTPServerSettings(port: 0, headerBytes: 2048, bodyBytes: 100)) { _ in
                .response(HTTPResponse(status: 200))
            }
            let (head, _) = try Self.exchange(
                server, "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + rest)
            // libmicrohttpd itself answers 400 or 413 to a Content-Length beyond 64 bits.
            if rest.hasPrefix("Content-Length: 18446744073709551616") {
                #expect(head.hasPrefix("HTTP/1.1 4"))
            } else {
                #expect(head.hasPrefix("HTTP/1.1 \(status) "))
            }
            server.stop()
        }

        @Test(arguments: [
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "Content-Length: -1\r\n\r\n",
            "Content-Length: +3\r\n\r\nabc", "Transfer-Encoding: gzip\r\n\r\n",
            "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        ])
        func `a length told in two ways, or badly, is 400`(_ rest: String) throws {
            let served = Locked(0)
            let server = try Self.serve { _ in
                served.with { $0 += 1 }
                return .response(HTTPResponse(status: 200))
            }
            let (head, _) = try Self.exchange(
                server, "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + rest)
            #expect(head.hasPrefix("HTTP/1.1 400 "))
            #expect(served.with { $0 } == 0)
            server.stop()
        }

        @Test func `a slow client is served, an idle one cut`() throws {
            let patient = try Self.serve(HTTPServerSettings(port: 0, idleSeconds: 10, bodySeconds: 10)) { _ in
                .response(HTTPResponse(status: 200))
            }
            let slow = try RawSocket(port: patient.port)
            for byte in "GET / HTTP/1.1\r\nHost: h\r\n\r\n".utf8 {
                slow.write([byte])
                // So that each comes alone.
                usleep(20_000)
            }
            #expect(slow.readHead().hasPrefix("HTTP/1.1 200 "))
            patient.stop()
            let server = try Self.serve(HTTPServerSettings(port: 0, idleSeconds: 1, bodySeconds: 60)) { _ in
                .response(HTTPResponse(status: 200))
            }
            let idle = try RawSocket(port: server.port)
            let begun = MonotonicTime.now
            idle.write("GET / HT")
            _ = idle.readToEnd()
            let waited = MonotonicTime.now.milliseconds(since: begun)
            // After ten seconds the socket itself would have given up.
            #expect((900..<9000).contains(waited), "cut after \(waited) ms")
            server.stop()
        }

        @Test(arguments: [
            ("GET", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 12", 426),
            ("GET", "Sec-WebSocket-Version: 13\r\n", "", 426),
            ("POST", "", "", 400), ("GET", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j", 400),
            ("GET", "Upgrade: websocket", "Upgrade: h2c", 400),
            ("GET", "Connection: Upgrade", "Connection: keep-alive", 400),
            ("GET", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400),
            ("GET", "HTTP/1.1", "HTTP/1.0", 400),
            ("GET", "Upgrade: websocket", "Upgrade: WebSocket", 101),
            ("GET", "Connection: Upgrade", "Connection: keep-alive, upgrade", 101),
        ])
        func `upgrades are checked`(_ method: String, _ part: String, _ other: String, _ status: Int) throws {
            let service = try EchoService()
            var request = RawSocket.upgrade.replacingOccurrences(of: "GET", with: method)
            if !part.isEmpty { request = request.replacingOccurrences(of: part, with: other) }
            let socket = try RawSocket(port: service.server.port)
            socket.write(request)
            let head = socket.readHead()
            #expect(head.hasPrefix("HTTP/1.1 \(status) ") || head.hasPrefix("HTTP/1.0 \(status) "))
            #expect((status == 426) == head.contains("Sec-WebSocket-Version: 13"))
            if status == 101 { #expect(waitUntil { service.handlers.with { $0.first?.isOpen ?? false } }) }
            service.stop()
        }

        @Test func `an upgraded socket outlives the idle limit`() throws {
            let service = try EchoService(settings: HTTPServerSettings(port: 0, idleSeconds: 1))
            let peer = try RawSocket(port: service.server.port)
            _ = peer.upgrade()
            usleep(2_200_000)
            peer.write(frame(1, [65]))
            #expect(peer.readFrame()?.payload == [65])
            service.stop()
        }

        @Test func `a taken address is an error, IPv6 is an address, a name is none`() throws {
            let server = try Self.serve { _ in .response(HTTPResponse(status: 200)) }
            #expect(throws: NetError.cannotListen(errno: EADDRINUSE)) {
                try Self.serve(HTTPServerSettings(port: server.port)) { _ in
                    .response(HTTPResponse(status: 200))
                }
            }
            #expect(throws: NetError.cannotListen(errno: EADDRNOTAVAIL)) {
                try Self.serve(HTTPServerSettings(host: "localhost", port: 0)) { _ in
                    .response(HTTPResponse(status: 200))
                }
            }
            let six = try Self.serve(HTTPServerSettings(host: "::1", port: 0)) { _ in
                .response(HTTPResponse(status: 200))
            }
            #expect(six.port > 0)
            six.stop()
            let both = try Self.serve(HTTPServerSettings(host: "::", port: 0)) { request in
                .response(HTTPResponse(status: 200, body: .bytes(Array(request.remoteAddress.utf8))))
            }
            let (_, body) = try Self.exchange(both, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(String(decoding: body, as: UTF8.self) == "127.0.0.1")
            both.stop()
            server.stop()
        }

        @Test func `a quiesced server refuses newcomers only`() throws {
            let server = try Self.serve { _ in .response(HTTPResponse(status: 200)) }
            let old = try RawSocket(port: server.port)
            old.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(old.readHead().hasPrefix("HTTP/1.1 200 "))
            server.quiesce()
            #expect(throws: (any Error).self) { try RawSocket(port: server.port) }
            old.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(old.readHead().hasPrefix("HTTP/1.1 200 "))
            server.stop()
            server.stop()
        }
    }
}
