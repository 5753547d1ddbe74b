// What the REST client does on the wire: connections kept and not, words on the way, long headers, redirects of bodies,
// the end of a client.

import Foundation
import Glibc
import Patience
import Testing

@testable import Net

extension NetTests {
    @Suite struct ClientConnectionTests {
        private func failure(_ client: HTTPClient, _ request: HTTPClientRequest) async -> NetError? {
            do throws(NetError) {
                _ = try await client.send(request)
                return nil
            } catch {
                return error
            }
        }

        /// A connection that was kept open may end just when a request goes out (RFC 9112 §9.3.1): the idempotent
        /// goes out again, what must not be done twice does not.
        @Test(arguments: [("GET", 3), ("POST", 2)])
        func `only what may be done twice is done again`(_ method: String, _ requests: Int) async throws {
            let seen = Locked(0)
            let listener = try RawListener { socket in
                Thread.detachNewThread {
                    // One answer a connection; the request behind it is read and gets none.
                    for number in 0..<2 {
                        let head = socket.readHead()
                        if head.isEmpty { return }
                        seen.with { $0 += 1 }
                        if head.hasPrefix("POST") { _ = socket.read(exactly: 1) }
                        if number == 0 { socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") }
                    }
                }
            }
            let client = HTTPClient()
            let url = "http://127.0.0.1:\(listener.port)/"
            #expect(try await client.send(HTTPClientRequest(url: url)).body == Array("ok".utf8))
            let second = HTTPClientRequest(method: method, url: url, body: method == "POST" ? [1] : [])
            #expect(second.isRepeatable == (method == "GET"))
            let answer = try await client.send(second)
            #expect(answer.body == Array("ok".utf8))
            // The first request, the second, and for GET the one on the old connection that got no answer.
            #expect(seen.with { $0 } == requests)
            client.close()
            listener.stop()
        }

        @Test func `a request that must not be done twice tells that its answer is missing`() async throws {
            let seen = Locked(0)
            let listener = try RawListener { socket in
                _ = socket.readHead()
                seen.with { $0 += 1 }
            }
            let client = HTTPClient()
            let request = HTTPClientRequest(
                method: "POST", url: "http://127.0.0.1:\(listener.port)/", body: [1])
            #expect(await failure(client, request) != nil)
            #expect(seen.with { $0 } == 1)
            client.close()
            listener.stop()
        }

        /// RFC 9110 §15.2: any number of 1xx may come before the answer; RFC 9112 §7.1.2: fields behind the body.
        @Test func `words on the way and fields behind the body are passed over`() async throws {
            let listener = try RawListener { socket in
                _ = socket.readHead()
                socket.write(
                    "HTTP/1.1 103 Early Hints\r\nX-Kind: early\r\n\r\n"
                        + "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Kind: right\r\n\r\n"
                        + "3\r\nabc\r\n0\r\nX-Kind: late\r\n\r\n")
            }
            let client = HTTPClient()
            let answer = try await client.send(
                HTTPClientRequest(url: "http://127.0.0.1:\(listener.port)/"))
            #expect(answer.status == 200 && answer.body == Array("abc".utf8))
            #expect(answer.headers.filter { $0.name == "X-Kind" }.map(\.value) == ["right"])
            client.close()
            listener.stop()
        }

        @Test(arguments: [false, true])
        func `a header without end is not gathered`(_ isOneLine: Bool) async throws {
            let listener = try RawListener { socket in
                _ = socket.readHead()
                socket.write("HTTP/1.1 200 OK\r\n")
                let piece = "X-A: " + String(repeating: "a", count: 1000) + (isOneLine ? "" : "\r\n")
                for _ in 0..<2_000 { socket.write(piece) }
            }
            let client = HTTPClient()
            let request = HTTPClientRequest(url: "http://127.0.0.1:\(listener.port)/")
            #expect(await failure(client, request) != nil)
            client.close()
            listener.stop()
        }

        @Test(arguments: ["not http at all\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", ""])
        func `what is not HTTP is an error`(_ answer: String) async throws {
            let listener = try RawListener { socket in
                _ = socket.readHead()
                socket.write(answer)
            }
            let client = HTTPClient()
            let request = HTTPClientRequest(url: "http://127.0.0.1:\(listener.port)/")
            #expect(await failure(client, request) == .badHandshake)
            client.close()
            listener.stop()
        }

        @Test func `the answer to HEAD has no body, whatever its length`() async throws {
            let listener = try RawListener { socket in
                _ = socket.readHead()
                socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
                _ = socket.readToEnd()
            }
            let client = HTTPClient()
            let answer = try await client.send(
                HTTPClientRequest(method: "HEAD", url: "http://127.0.0.1:\(listener.port)/"))
            #expect(answer.status == 200 && answer.body.isEmpty)
            #expect(answer.header("content-length") == "100000000")
            client.close()
            listener.stop()
        }

        /// RFC 9110 §15.4: 303 is a GET, 307 and 308 keep method and body; 301 and 302 of a POST are a GET in practice.
        @Test(arguments: [(301, "GET "), (302, "GET "), (303, "GET "), (307, "POST abc"), (308, "POST abc")])
        func `a redirect keeps or changes the method`(_ status: Int, _ outcome: String) async throws {
            let server = try HTTPServer.start(
                HTTPServerSettings(port: 0),
                handler: ClosureHandler { request in
                    if request.path == "/start" {
                        return .response(HTTPResponse(status: status, headers: [("Location", "end")]))
                    }
                    return .response(
                        HTTPResponse(
                            status: 200, body: .bytes(Array("\(request.method) ".utf8) + request.body)))
                })
            let client = HTTPClient()
            let answer = try await client.send(
                HTTPClientRequest(
                    method: "POST", url: "http://127.0.0.1:\(server.port)/start", body: Array("abc".utf8)))
            #expect(String(decoding: answer.body, as: UTF8.self) == outcome)
            client.close()
            server.stop()
        }

        @Test func `a client sends no fields that nobody asked for`() async throws {
            let head = Locked("")
            let listener = try RawListener { socket in
                let text = socket.readHead()
                head.with { $0 = text }
                _ = socket.read(exactly: 2000)
                socket.write("HTTP/1.1 204 No Content\r\n\r\n")
            }
            let client = HTTPClient()
            _ = try await client.send(
                HTTPClientRequest(
                    method: "POST", url: "http://127.0.0.1:\(listener.port)/a/../b?c",
                    headers: [("X-Empty", "")],
                    body: [UInt8](repeating: 1, count: 2000)))
            let lines = head.with { $0 }.split(separator: "\r\n").map(String.init)
            #expect(lines.first == "POST /a/../b?c HTTP/1.1")
            #expect(
                Set(lines.dropFirst()) == [
                    "Host: 127.0.0.1:\(listener.port)", "Accept: */*", "X-Empty:", "Content-Length: 2000",
                ])
            client.close()
            listener.stop()
        }

        /// The WebSockets go straight to their host, and so do the tokens and numbers that REST requests bear.
        @Test func `no proxy of the environment is asked`() async throws {
            let proxied = Locked(0)
            let proxy = try RawListener { socket in
                _ = socket.readHead()
                proxied.with { $0 += 1 }
            }
            let names = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
            for name in names { setenv(name, "http://127.0.0.1:\(proxy.port)", 1) }
            defer { for name in names { unsetenv(name) } }
            let server = try HTTPServer.start(
                HTTPServerSettings(port: 0),
                handler: ClosureHandler { _ in .response(HTTPResponse(status: 200, body: .bytes([1]))) })
            let client = HTTPClient()
            let answer = try await client.send(HTTPClientRequest(url: "http://127.0.0.1:\(server.port)/"))
            #expect(answer.body == [1] && proxied.with { $0 } == 0)
            client.close()
            server.stop()
            proxy.stop()
        }

        @Test func `the end of a client ends its requests and leaves no descriptor`() async throws {
            let listener = try RawListener { socket in
                if socket.readHead().hasPrefix("GET /kept") {
                    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                }
                _ = socket.readToEnd()
            }
            let before = restingDescriptors()
            let base = "http://127.0.0.1:\(listener.port)"
            for _ in 0..<20 {
                let client = HTTPClient(connectionsPerHost: 2)
                let waiting = (0..<5).map { _ in
                    Task { await failure(client, HTTPClientRequest(url: base + "/silent")) }
                }
                await Task.yield()
                client.close()
                for task in waiting { #expect(await task.value == .cancelled) }
            }
            // On this thread: the first timer of a task opens descriptors of its own.
            #expect(waitUntil { openedSince(before).isEmpty })
            listener.stop()
        }

        @Test func `a client may be ended by what it hands on`() async throws {
            let listener = try RawListener { socket in
                _ = socket.readHead()
                socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na")
                _ = socket.readToEnd()
            }
            let client = HTTPClient()
            var error: NetError?
            do throws(NetError) {
                _ = try await client.stream(HTTPClientRequest(url: "http://127.0.0.1:\(listener.port)/")) {
                    _ in
                    client.close()
                }
            } catch let caught {
                error = caught
            }
            #expect(error == .cancelled)
            listener.stop()
        }
    }
}
