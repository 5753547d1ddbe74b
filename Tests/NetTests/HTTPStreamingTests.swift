// Answers that are handed on or written down as they come: pieces, bounds, ends, files, redirects.

import Foundation
import Glibc
import Patience
import Testing

@testable import Net

extension NetTests {
    @Suite struct HTTPStreamingTests {
        /// A piece of a chunked body (RFC 9112, 7.1).
        private static func chunk(_ bytes: [UInt8]) -> [UInt8] {
            Array((String(bytes.count, radix: 16) + "\r\n").utf8) + bytes + [13, 10]
        }

        private static let chunkedHead =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Kind: sound\r\n\r\n"

        private func failure(_ body: () async throws(NetError) -> HTTPClientResponse) async -> NetError? {
            do throws(NetError) {
                _ = try await body()
                return nil
            } catch {
                return error
            }
        }

        /// A path in a folder of its own, and the folder.
        private func place() throws -> (file: String, folder: URL) {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            return (folder.appendingPathComponent("answer").path, folder)
        }

        @Test func `pieces are handed on while the answer is still coming`() async throws {
            let heard = Locked<[[UInt8]]>([])
            let kind = Locked<[String?]>([])
            let listener = try RawListener { socket in
                _ = socket.readHead()
                socket.write(Self.chunkedHead)
                for number in UInt8(1)...3 {
                    socket.write(Self.chunk([number, number]))
                    // The next piece is sent only when this one has arrived.
                    _ = waitUntil { heard.with { $0.joined().count == Int(number) * 2 } }
                }
                socket.write("0\r\n\r\n")
            }
            let client = HTTPClient()
            let answer = try await client.stream(
                HTTPClientRequest(method: "POST", url: "http://127.0.0.1:\(listener.port)/", body: [1]),
                onHead: { head in kind.with { $0.append(head.header("x-kind")) } },
                onBytes: { bytes in heard.with { $0.append(bytes) } })
            #expect(heard.with { $0 } == [[1, 1], [2, 2], [3, 3]])
            #expect(kind.with { $0 } == ["sound"])
            #expect(answer.status == 200)
            #expect(answer.body.isEmpty)
            client.close()
            listener.stop()
        }

        @Test func `an error's body is kept and not handed on`() async throws {
            let server = try HTTPServer.start(
                HTTPServerSettings(port: 0),
                handler: ClosureHandler { _ in
                    .response(
                        HTTPResponse(status: 429, headers: [("Retry-After", "3")], body: .bytes([7, 8])))
                })
            let (path, folder) = try place()
            let client = HTTPClient()
            let heard = Locked(0)
            let request = HTTPClientRequest(url: "http://127.0.0.1:\(server.port)/", answerBytes: 2)
            let answer = try await client.stream(request) { bytes in heard.with { $0 += bytes.count } }
            #expect(answer.status == 429)
            #expect(answer.header("retry-after") == "3")
            #expect(answer.body == [7, 8])
            #expect(heard.with { $0 } == 0)
            #expect(try await client.download(request, to: path, limitBytes: 1).body == [7, 8])
            #expect(!FileManager.default.fileExists(atPath: path))
            var small = request
            small.answerBytes = 1
            #expect(
                await failure { () async throws(NetError) in try await client.stream(small) { _ in } }
                    == .tooLarge)
            client.close()
            server.stop()
            try FileManager.default.removeItem(at: folder)
        }

        @Test func `a stream is bounded, and one cut short is an error`() async throws {
            let listener = try RawListener { socket in
                let isLong = socket.readHead().hasPrefix("GET /long")
                socket.write(Self.chunkedHead)
                for _ in 0..<(isLong ? 100 : 1) {
                    socket.write(Self.chunk([UInt8](repeating: 5, count: 100)))
                }
                if isLong { socket.write("0\r\n\r\n") }
            }
            let client = HTTPClient()
            let heard = Locked(0)
            let base = "http://127.0.0.1:\(listener.port)"
            let long = await failure { () async throws(NetError) in
                try await client.stream(HTTPClientRequest(url: base + "/long", answerBytes: 9_999)) { bytes in
                    heard.with { $0 += bytes.count }
                }
            }
            #expect(long == .tooLarge)
            #expect(heard.with { $0 } <= 9_999)
            heard.with { $0 = 0 }
            let cut = await failure { () async throws(NetError) in
                try await client.stream(HTTPClientRequest(url: base + "/cut")) { bytes in
                    heard.with { $0 += bytes.count }
                }
            }
            #expect(cut == .system(operation: "http", errno: EIO))
            #expect(heard.with { $0 } == 100)
            client.close()
            listener.stop()
        }

        @Test func `a stream is cancelled, and its first byte has a limit of its own`() async throws {
            let listener = try RawListener { socket in
                if socket.readHead().hasPrefix("GET /begun") {
                    socket.write(Self.chunkedHead)
                    socket.write(Self.chunk([1]))
                } else {
                    socket.write(Self.chunkedHead)
                }
                _ = socket.readToEnd()
            }
            let client = HTTPClient()
            let heard = Locked(0)
            let base = "http://127.0.0.1:\(listener.port)"
            let task = Task {
                await failure { () async throws(NetError) in
                    try await client.stream(
                        HTTPClientRequest(url: base + "/begun", firstByteMilliseconds: 30_000)
                    ) {
                        bytes in heard.with { $0 += bytes.count }
                    }
                }
            }
            #expect(try await eventually { heard.with { $0 == 1 } })
            task.cancel()
            #expect(await task.value == .cancelled)
            let start = DispatchTime.now().uptimeNanoseconds
            let late = await failure { () async throws(NetError) in
                try await client.stream(HTTPClientRequest(url: base + "/none", firstByteMilliseconds: 50)) {
                    _ in
                }
            }
            #expect(late == .timedOut)
            // After ten seconds the silent one has gone.
            #expect((50...9000).contains((DispatchTime.now().uptimeNanoseconds - start) / 1_000_000))
            client.close()
            listener.stop()
        }

        @Test func `the server sends a body as it is made, and can cut it`() async throws {
            let large = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let server = try HTTPServer.start(
                HTTPServerSettings(port: 0),
                handler: ClosureHandler { request in
                    let last: HTTPStreamPiece = request.path == "/cut" ? .cut : .end
                    let pieces = Locked<[HTTPStreamPiece]>([.bytes([1]), .bytes([]), .bytes(large), last])
                    let next: @Sendable () -> HTTPStreamPiece = {
                        pieces.with { $0.isEmpty ? .end : $0.removeFirst() }
                    }
                    return .response(HTTPResponse(status: 200, body: .stream(next)))
                })
            let client = HTTPClient()
            let base = "http://127.0.0.1:\(server.port)"
            let whole = try await client.send(HTTPClientRequest(url: base + "/whole"))
            #expect(whole.header("transfer-encoding") == "chunked")
            #expect(whole.body == [1] + large)
            let cut = await failure { () async throws(NetError) in
                try await client.send(HTTPClientRequest(url: base + "/cut"))
            }
            #expect(cut == .system(operation: "http", errno: EIO))
            client.close()
            server.stop()
        }

        @Test func `the peer waits for a slow reader`() async throws {
            let sent = Locked(0)
            let piece = [UInt8](repeating: 1, count: 1 << 20)
            let listener = try RawListener { socket in
                _ = socket.readHead()
                socket.write("HTTP/1.1 200 OK\r\nContent-Length: \(40 << 20)\r\n\r\n")
                for _ in 0..<40 {
                    socket.write(piece)
                    sent.with { $0 += piece.count }
                }
            }
            let client = HTTPClient()
            let received = Locked(0)
            let ahead = Locked(0)
            _ = try await client.stream(
                HTTPClientRequest(url: "http://127.0.0.1:\(listener.port)/", answerBytes: 40 << 20)
            ) { bytes in
                // Slower than the loopback, so that pieces pile up.
                usleep(200)
                let total = received.with { count in
                    count += bytes.count
                    return count
                }
                let lead = sent.with { $0 } - total
                ahead.with { $0 = max($0, lead) }
            }
            #expect(received.with { $0 } == 40 << 20)
            // 4 MiB in line and as much again, and more, in the sockets' buffers; all of it would be 40 MiB.
            #expect(ahead.with { $0 } < 20 << 20)
            client.close()
            listener.stop()
        }

        @Test func `a download is a new file of the server's user, or none`() async throws {
            let sound = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8) }
            let server = try HTTPServer.start(
                HTTPServerSettings(port: 0),
                handler: ClosureHandler { _ in .response(HTTPResponse(status: 200, body: .bytes(sound))) })
            let listener = try RawListener { socket in
                _ = socket.readHead()
                socket.write(Self.chunkedHead)
                socket.write(Self.chunk([1, 2, 3]))
            }
            let (path, folder) = try place()
            let client = HTTPClient()
            let request = HTTPClientRequest(url: "http://127.0.0.1:\(server.port)/", answerBytes: 100)
            let answer = try await client.download(request, to: path, limitBytes: 3_000_000)
            #expect(answer.status == 200)
            #expect(answer.body.isEmpty)
            #expect(FileManager.default.contents(atPath: path).map(Array.init) == sound)
            var facts = stat()
            #expect(stat(path, &facts) == 0)
            #expect(facts.st_mode & 0o777 == 0o600)
            let again = await failure { () async throws(NetError) in
                try await client.download(request, to: path, limitBytes: 3_000_000)
            }
            #expect(again == .system(operation: "open", errno: EEXIST))
            #expect(FileManager.default.contents(atPath: path)?.count == 3_000_000)
            let small = await failure { () async throws(NetError) in
                try await client.download(request, to: path + "2", limitBytes: 2_999_999)
            }
            #expect(small == .tooLarge)
            let cut = await failure { () async throws(NetError) in
                try await client.download(
                    HTTPClientRequest(url: "http://127.0.0.1:\(listener.port)/"), to: path + "3",
                    limitBytes: 100)
            }
            #expect(cut == .system(operation: "http", errno: EIO))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["answer"])
            client.close()
            listener.stop()
            server.stop()
            try FileManager.default.removeItem(at: folder)
        }

        @Test func `credentials do not follow to another host, nor on the way back`() async throws {
            let seen = Locked<[String]>([])
            @Sendable func note(_ request: HTTPRequest) {
                let bears = ["authorization", "xi-api-key"].contains { request.header($0) != nil }
                let line =
                    "\(request.method) \(request.path)\(bears ? " key" : "") \(request.header("accept") ?? "")"
                seen.with { $0.append(line) }
            }
            let back = Locked("")
            let other = try HTTPServer.start(
                HTTPServerSettings(port: 0),
                handler: ClosureHandler { request in
                    note(request)
                    return .response(HTTPResponse(status: 302, headers: [("Location", back.with { $0 })]))
                })
            let server = try HTTPServer.start(
                HTTPServerSettings(port: 0),
                handler: ClosureHandler { request in
                    note(request)
                    let home = ["/start": "/next", "/next": "http://127.0.0.1:\(other.port)/away"]
                    guard let location = home[request.path] else {
                        return .response(HTTPResponse(status: 200, body: .bytes([9])))
                    }
                    return .response(HTTPResponse(status: 302, headers: [("Location", location)]))
                })
            let base = "http://127.0.0.1:\(server.port)"
            back.with { $0 = base + "/back" }
            let (path, folder) = try place()
            let client = HTTPClient()
            var request = HTTPClientRequest(
                url: base + "/start",
                headers: [("Authorization", "Basic x"), ("xi-api-key", "k"), ("Accept", "audio/mpeg")],
                redirects: .anyHostWithoutCredentials)
            #expect(try await client.download(request, to: path, limitBytes: 1).status == 200)
            #expect(FileManager.default.contents(atPath: path).map(Array.init) == [9])
            #expect(
                seen.with { $0 } == [
                    "GET /start key audio/mpeg", "GET /next key audio/mpeg", "GET /away audio/mpeg",
                    "GET /back audio/mpeg",
                ])
            request.method = "POST"
            request.url = base + "/next"
            #expect(try await client.send(request).status == 302)
            client.close()
            server.stop()
            other.stop()
            try FileManager.default.removeItem(at: folder)
        }
    }
}
