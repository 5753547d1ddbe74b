// What the server says without a body, and what it refuses itself: header bytes as they stand on the wire.

import Glibc
import Telemetry
import Testing

@testable import Net

extension NetTests {
    @Suite struct HTTPRefusalTests {
        /// Says the status of a refusal in words of its own.
        private struct WordyHandler: HTTPHandler {
            var outcome: @Sendable (HTTPRequest) -> HTTPOutcome

            func respond(to request: HTTPRequest) -> HTTPOutcome { outcome(request) }
            func refusal(_ status: Int) -> HTTPResponse {
                HTTPResponse(
                    status: status, headers: [("Content-Type", "text/x-refusal")],
                    body: .bytes(Array("refused: \(status)".utf8)))
            }
        }

        private static func serve(
            _ outcome: @escaping @Sendable (HTTPRequest) -> HTTPOutcome
        ) throws -> HTTPServer {
            try HTTPServer.start(
                HTTPServerSettings(port: 0, headerBytes: 2048, bodyBytes: 100),
                handler: WordyHandler(outcome: outcome))
        }

        // RFC 9110 §8.6: the Content-Length of a 304 is that of the 200 to the same request, or there is none.
        @Test(arguments: ["GET", "HEAD"], [1 as Int64, 113_904, 5_000_000_000])
        func `a 304 tells the length of what it does not send`(_ method: String, _ length: Int64) throws {
            let server = try Self.serve { request in
                request.path == "/next"
                    ? .response(HTTPResponse(status: 200, body: .bytes(Array("next".utf8))))
                    : .response(
                        HTTPResponse(
                            status: 304, headers: [("ETag", "\"a\"")], body: .omitted(length: length)))
            }
            let socket = try RawSocket(port: server.port)
            socket.write("\(method) / HTTP/1.1\r\nHost: h\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n")
            let head = socket.readHead()
            #expect(head.hasPrefix("HTTP/1.1 304 "))
            #expect(head.contains("\r\nETag: \"a\"\r\n"))
            let lines = head.split(separator: "\r\n").filter { $0.lowercased().hasPrefix("content-length") }
            #expect(lines == ["Content-Length: \(length)"])
            #expect(!head.lowercased().contains("transfer-encoding"))
            // Nothing lies between it and the answer to the next request.
            #expect(socket.readHead().hasPrefix("HTTP/1.1 200 "))
            #expect(socket.read(exactly: 4) == Array("next".utf8))
            server.stop()
        }

        @Test func `a body that is omitted from a 200 is no whole answer`() throws {
            let server = try Self.serve { _ in
                .response(HTTPResponse(status: 200, body: .omitted(length: 10)))
            }
            let socket = try RawSocket(port: server.port)
            socket.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = socket.readHead()
            #expect(socket.readToEnd().isEmpty)
            server.stop()
        }

        @Test(arguments: ["/a\u{0}", "/a?b=\u{0}", "/a?\u{0}=b", "/%00", "/a?b=%00"])
        func `a NUL byte is no part of a target, escaped or not`(_ target: String) {
            #expect(HTTPTarget(target) == nil)
        }

        @Test(arguments: [
            ("GET /%zz HTTP/1.1\r\n", "\r\n", 400),
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\n", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\n", "Content-Length: 101\r\n\r\n" + String(repeating: "x", count: 101), 413),
            (
                "POST / HTTP/1.1\r\n",
                "Transfer-Encoding: chunked\r\n\r\n65\r\n" + String(repeating: "x", count: 101)
                    + "\r\n0\r\n\r\n", 413
            ),
            ("GET / HTTP/1.1\r\n", "X: " + String(repeating: "y", count: 3000) + "\r\n\r\n", 431),
            ("GET /upgrade HTTP/1.1\r\n", "\r\n", 400),
            (
                "GET /upgrade HTTP/1.1\r\n",
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n\r\n", 426
            ),
            ("GET / HTTP/1.1\r\n", "host: other\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\n", "Host: h\r\nContent-Length: 1\r\n\r\nx", 400),
            ("GET http:///a HTTP/1.1\r\n", "\r\n", 400), ("GET ftp://h/a HTTP/1.1\r\n", "\r\n", 400),
            ("GET http://u@h/a HTTP/1.1\r\n", "\r\n", 400),
            ("GET /header HTTP/1.1\r\n", "\r\n", 500), ("GET /status HTTP/1.1\r\n", "\r\n", 500),
        ])
        func `refusals are in the handler's words`(_ line: String, _ rest: String, _ status: Int) throws {
            let server = try Self.serve { request in
                switch request.path {
                case "/upgrade": .upgrade { $0.release() }
                case "/header": .response(HTTPResponse(status: 200, headers: [("X", "a\r\nb")]))
                case "/status": .response(HTTPResponse(status: 700))
                default: .response(HTTPResponse(status: 200))
                }
            }
            let socket = try RawSocket(port: server.port)
            socket.write(line + "Host: h\r\n" + rest)
            let head = socket.readHead()
            #expect(head.hasPrefix("HTTP/1.1 \(status) "))
            #expect(head.contains("\r\nContent-Type: text/x-refusal\r\n"))
            let body = Array("refused: \(status)".utf8)
            #expect(head.contains("\r\nContent-Length: \(body.count)\r\n"))
            #expect(socket.read(exactly: body.count) == body)
            // What belongs to the protocol is told besides (RFC 6455 §4.2.2).
            #expect((status == 426) == head.contains("\r\nSec-WebSocket-Version: 13\r\n"))
            #expect((status == 426) == head.contains("\r\nConnection: Upgrade\r\n"))
            server.stop()
        }

        // RFC 9112 §3.2.2: a server must accept the absolute form, and its host counts before the Host field.
        @Test(arguments: [
            ("http://h/a?b=c%20d", "/a|/a?b=c%20d|c d|h"), ("HTTPS://h:99/a", "/a|/a|-|h:99"),
            ("http://h", "/|/|-|h"), ("http://h?b=c", "/|/?b=c|c|h"),
            ("/http://h/a", "/http://h/a|/http://h/a|-|x"),
            ("/a?b=http://h", "/a|/a?b=http://h|http://h|x"),
        ])
        func `the absolute form is understood`(_ target: String, _ expected: String) throws {
            let server = try Self.serve { request in
                let hosts = request.headers.filter { $0.name.lowercased() == "host" }.map(\.value)
                let parts = [request.path, request.target, request.parameter("b") ?? "-"] + hosts
                return .response(
                    HTTPResponse(status: 200, body: .bytes(Array(parts.joined(separator: "|").utf8))))
            }
            let socket = try RawSocket(port: server.port)
            socket.write("GET \(target) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(socket.readHead().hasPrefix("HTTP/1.1 200 "))
            #expect(String(decoding: socket.readToEnd(), as: UTF8.self) == expected)
            server.stop()
        }
    }
}
