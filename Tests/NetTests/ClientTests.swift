// Client WebSockets against raw servers that answer the upgrade rightly, wrongly, or not at all.

import Glibc
import Patience
import Testing

@testable import Net

/// Reads an upgrade request and answers it with 101 and `more`; `change` may spoil the answer.
private func answer(
    _ socket: RawSocket, more: [UInt8] = [], change: (String) -> String = { $0 }
) -> String {
    let request = socket.readHead()
    let key =
        request.split(separator: "\r\n").first { $0.hasPrefix("Sec-WebSocket-Key: ") }?.dropFirst(19) ?? ""
    let head =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Accept: \(webSocketAccept(String(key)))\r\n\r\n"
    socket.write(Array(change(head).utf8) + more)
    return request
}

/// Connects to `url` and waits for the end.
private func outcome(
    _ url: String, headers: [(String, String)] = [], limits: WebSocketLimits = WebSocketLimits(),
    within seconds: Int64 = 20, handler: RecordingHandler = RecordingHandler()
) throws -> RecordingHandler {
    let loop = try EventLoop.start(name: "client")
    loop.execute {
        _ = WebSocketConnection.connect(to: url, headers: headers, on: loop, limits: limits, handler: handler)
    }
    #expect(waitUntil(seconds * 1000) { handler.isClosed })
    loop.stop()
    #expect(handler.heard.with { $0.closes.count } == 1)
    return handler
}

extension NetTests {
    @Suite struct ClientTests {
        @Test func `the request says what RFC 6455 asks, and our header fields`() throws {
            let seen = Locked("")
            let listener = try RawListener { socket in
                let request = answer(socket, more: frame(1, [65], mask: nil) + frame(8, [3, 232], mask: nil))
                seen.with { $0 = request }
                let close = socket.read(exactly: 8)
                // Masked, code 1000.
                #expect(close.count == 8 && close[0] == 0x88 && close[1] == 0x82)
                if close.count == 8 { #expect([close[2] ^ close[6], close[3] ^ close[7]] == [3, 232]) }
            }
            let handler = try outcome(
                "ws://127.0.0.1:\(listener.port)/a%20b?x=%7e&y", headers: [("xi-api-key", "k")])
            listener.stop()
            #expect(handler.messages == [[65]])
            #expect(handler.close?.code == 1000)
            #expect(handler.close?.error == nil)
            let lines = seen.with { $0 }.split(separator: "\r\n").map(String.init)
            #expect(lines.first == "GET /a%20b?x=%7e&y HTTP/1.1")
            for line in [
                "Host: 127.0.0.1:\(listener.port)", "Upgrade: websocket", "Connection: Upgrade",
                "Sec-WebSocket-Version: 13", "xi-api-key: k",
            ] { #expect(lines.contains(line)) }
            #expect(!lines.contains { $0.hasPrefix("Sec-WebSocket-Extensions") })
        }

        @Test(arguments: [
            ("101 Switching Protocols", "401 Unauthorized", NetError.refused(status: 401)),
            ("101 Switching Protocols", "200 OK", .refused(status: 200)),
            ("101 Switching Protocols", "999", .refused(status: 999)),
            ("HTTP/1.1", "HTTP/1.0", .badHandshake), ("HTTP/1.1", "ICY", .badHandshake),
            // One space, no more (RFC 9112 §4).
            ("HTTP/1.1 101", "HTTP/1.1  101", .badHandshake),
            ("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: x", .badHandshake),
            ("Sec-WebSocket-Accept: ", "X: ", .badHandshake),
            ("Upgrade: websocket", "Upgrade: h2c", .badHandshake),
            ("Connection: Upgrade", "Connection: close", .badHandshake),
            (
                "Connection: Upgrade", "Connection: Upgrade\r\nSec-WebSocket-Extensions: permessage-deflate",
                .badHandshake
            ),
            ("Connection: Upgrade", "Connection: Upgrade\r\nSec-WebSocket-Protocol: x", .badHandshake),
            ("Connection: Upgrade", "Connection: Upgrade\r\nno colon", .badHandshake),
            ("HTTP/1.1 101", "\u{0}\u{1}", .badHandshake),
        ])
        func `a wrong answer is an error`(_ part: String, _ other: String, _ error: NetError) throws {
            let listener = try RawListener { socket in
                _ = answer(socket) { $0.replacing(part, with: other) }
            }
            let handler = try outcome("ws://127.0.0.1:\(listener.port)")
            listener.stop()
            #expect(!handler.isOpen)
            #expect(handler.close?.code == 1006)
            #expect(handler.close?.error == error)
        }

        @Test func `an endless answer is an error`() throws {
            let listener = try RawListener { socket in
                _ = socket.readHead()
                socket.write("HTTP/1.1 101 x\r\n" + String(repeating: "X: y\r\n", count: 5000))
            }
            #expect(try outcome("ws://127.0.0.1:\(listener.port)").close?.error == .badHandshake)
            listener.stop()
        }

        @Test func `no answer is a time-out, a closed door an error`() throws {
            let listener = try RawListener { socket in _ = socket.readToEnd() }
            let limits = WebSocketLimits(connectMilliseconds: 100)
            #expect(try outcome("ws://127.0.0.1:\(listener.port)", limits: limits).close?.error == .timedOut)
            listener.stop()
            // Port 1 (tcpmux) of the loopback: nobody serves it.
            #expect(
                try outcome("ws://127.0.0.1:1").close?.error
                    == .system(operation: "connect", errno: ECONNREFUSED))
            let gone = try RawListener { socket in _ = socket.readHead() }
            #expect(try outcome("ws://127.0.0.1:\(gone.port)").close?.error == .badHandshake)
            gone.stop()
        }

        @Test func `a name is resolved, and every address is tried`() throws {
            let listener = try RawListener { _ = answer($0, more: frame(8, [3, 232], mask: nil)) }
            // localhost may be ::1 first, where nobody listens.
            #expect(try outcome("ws://localhost:\(listener.port)").close?.code == 1000)
            listener.stop()
            // However long the machine's resolver asks others for it.
            let patient = WebSocketLimits(connectMilliseconds: 60_000)
            let unknown = try outcome("ws://does-not-exist.invalid/", limits: patient, within: 90)
            #expect(unknown.close?.error == .unresolved)
        }

        private static let wrongFrames: [([UInt8], UInt16)] = [
            (frame(1, [65]), 1002), (frame(1, [0xFF], mask: nil), 1007),
            (frame(1, Array(repeating: 65, count: 11), mask: nil), 1009), (frame(3, mask: nil), 1002),
        ]

        @Test(arguments: wrongFrames)
        func `a server's wrong frame fails the connection`(_ input: [UInt8], _ code: UInt16) throws {
            let listener = try RawListener { socket in
                _ = answer(socket, more: input)
                let close = socket.read(exactly: 8)
                if close.count == 8 {
                    #expect(
                        [close[2] ^ close[6], close[3] ^ close[7]] == [UInt8(code >> 8), UInt8(code & 0xFF)])
                }
            }
            let handler = try outcome(
                "ws://127.0.0.1:\(listener.port)", limits: WebSocketLimits(messageBytes: 10))
            listener.stop()
            #expect(handler.close?.code == code)
        }

        @Test(arguments: [
            ("X", "a\r\nY: b"), ("X", "a\nb"), ("X Y", "a"), ("", "a"), ("Host", "a"),
            ("sec-websocket-key", "a"),
            ("X", "a\u{0}"),
        ])
        func `a header field that breaks out is refused`(_ name: String, _ value: String) throws {
            #expect(try outcome("ws://127.0.0.1:9/", headers: [(name, value)]).close?.error == .badHandshake)
        }

        @Test(arguments: [
            ("ws://h", false, "h", 80, "/", "h"),
            ("wss://H.example", true, "H.example", 443, "/", "H.example"),
            ("WS://h:81/p?q=%20&r", false, "h", 81, "/p?q=%20&r", "h:81"),
            ("ws://h?x=/", false, "h", 80, "/?x=/", "h"),
            ("wss://[::1]:8443/a", true, "::1", 8443, "/a", "[::1]:8443"),
            ("ws://[::1]", false, "::1", 80, "/", "[::1]"),
            ("ws://1.2.3.4/@", false, "1.2.3.4", 80, "/@", "1.2.3.4"),
        ])
        func `a URL taken apart`(
            _ text: String, _ secure: Bool, _ host: String, _ port: UInt16, _ target: String,
            _ authority: String
        ) throws {
            let url = try WebSocketURL(text)
            #expect(url.isSecure == secure && url.host == host && url.port == port)
            #expect(url.target == target && url.authority == authority)
        }

        @Test(arguments: [
            "", "ws:", "ws://", "ws:///p", "http://h/", "ws://u@h/", "ws://h:0/", "ws://h:65536/",
            "ws://h:x/",
            "ws://[::1", "ws://[1.2.3.4]/", "ws://[::1]x/", "ws://h/ x", "ws://h/#f", "ws://h\r\n/",
            "ws://hé/",
            "ws://h:-1/", "ws://[fe80::1%25eth0]/", "ws://a b/", "ws://::1/",
        ])
        func `no URL`(_ text: String) throws {
            #expect(throws: NetError.badURL) { try WebSocketURL(text) }
            #expect(try outcome(text).close?.error == .badURL)
        }
    }
}
