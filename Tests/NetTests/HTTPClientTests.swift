// The REST client against our server and raw ones.

import Foundation
import Testing

@testable import Net

extension NetTests {
    @Suite struct HTTPClientTests {
        private static func server(_ body: @escaping @Sendable (HTTPRequest) -> HTTPResponse) throws
            -> HTTPServer
        {
            try HTTPServer.start(
                HTTPServerSettings(port: 0), handler: ClosureHandler { .response(body($0)) })
        }

        @Test(arguments: ["GET", "POST", "PUT", "PATCH", "DELETE"])
        func `a request goes out whole and its answer comes back`(_ method: String) async throws {
            let server = try Self.server { request in
                HTTPResponse(
                    status: 418,
                    headers: [("X-Method", request.method), ("X-Key", request.header("xi-api-key") ?? "")],
                    body: .bytes(Array(request.target.utf8) + request.body))
            }
            let client = HTTPClient()
            let body: [UInt8] = method == "GET" ? [] : [1, 2, 3]
            let answer = try await client.send(
                HTTPClientRequest(
                    method: method, url: "http://127.0.0.1:\(server.port)/a%20b?c=d",
                    headers: [("xi-api-key", "k")],
                    body: body))
            #expect(answer.status == 418)
            #expect(answer.header("x-method") == method)
            #expect(answer.header("X-KEY") == "k")
            #expect(answer.body == Array("/a%20b?c=d".utf8) + body)
            client.close()
            server.stop()
        }

        /// RFC 9110 §11.6.1: a 401 bears a challenge. Carriers' REST services challenge with Basic.
        @Test(arguments: ["GET", "POST"]) func `a challenge is an answer`(_ method: String) async throws {
            let server = try Self.server { _ in
                HTTPResponse(
                    status: 401, headers: [("WWW-Authenticate", "Basic realm=\"api\"")],
                    body: .bytes([1, 2, 3]))
            }
            let client = HTTPClient()
            let answer = try await client.send(
                HTTPClientRequest(
                    method: method, url: "http://127.0.0.1:\(server.port)/",
                    headers: [("Authorization", "Basic eDp5")]))
            #expect(answer.status == 401 && answer.body == [1, 2, 3])
            #expect(answer.header("WWW-Authenticate") == "Basic realm=\"api\"")
            client.close()
            server.stop()
        }

        @Test func `a closed client refuses`() async throws {
            let client = HTTPClient()
            client.close()
            await #expect(throws: NetError.cancelled) {
                try await client.send(HTTPClientRequest(url: "http://127.0.0.1:9/"))
            }
        }

        @Test func `an answer is bounded, with and without its length told`() async throws {
            let server = try Self.server { _ in
                HTTPResponse(status: 200, body: .bytes(Array(repeating: 7, count: 10_000)))
            }
            let listener = try RawListener { socket in
                _ = socket.readHead()
                socket.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
                for _ in 0..<100 { socket.write([UInt8](repeating: 65, count: 1000)) }
            }
            let client = HTTPClient()
            for port in [server.port, listener.port] {
                await #expect(throws: NetError.tooLarge) {
                    try await client.send(
                        HTTPClientRequest(url: "http://127.0.0.1:\(port)/", answerBytes: 9999))
                }
            }
            let exact = try await client.send(
                HTTPClientRequest(url: "http://127.0.0.1:\(server.port)/", answerBytes: 10_000))
            #expect(exact.body.count == 10_000)
            client.close()
            listener.stop()
            server.stop()
        }

        @Test func `a redirect is followed within its host only`() async throws {
            let target = try Self.server { _ in HTTPResponse(status: 200, body: .bytes([9])) }
            let other = "http://127.0.0.1:\(target.port)/"
            let server = try Self.server { request in
                switch request.path {
                case "/out": HTTPResponse(status: 302, headers: [("Location", other)])
                case "/in": HTTPResponse(status: 302, headers: [("Location", "/here")])
                default: HTTPResponse(status: 200, body: .bytes([1]))
                }
            }
            let client = HTTPClient()
            let base = "http://127.0.0.1:\(server.port)"
            #expect(try await client.send(HTTPClientRequest(url: base + "/in")).body == [1])
            #expect(try await client.send(HTTPClientRequest(url: base + "/out")).status == 302)
            client.close()
            server.stop()
            target.stop()
        }

        @Test func `errors have their names`() async throws {
            let silent = try RawListener { _ = $0.readToEnd() }
            let client = HTTPClient()
            func failure(
                _ url: String, method: String = "GET", milliseconds: Int = 60_000
            ) async -> NetError? {
                do throws(NetError) {
                    _ = try await client.send(
                        HTTPClientRequest(method: method, url: url, timeoutMilliseconds: milliseconds))
                    return nil
                } catch {
                    return error
                }
            }
            let start = DispatchTime.now().uptimeNanoseconds
            #expect(await failure("http://127.0.0.1:\(silent.port)/", milliseconds: 300) == .timedOut)
            // After ten seconds the silent one has gone.
            #expect((300...9000).contains((DispatchTime.now().uptimeNanoseconds - start) / 1_000_000))
            #expect(
                await failure("http://127.0.0.1:1/") == .system(operation: "connect", errno: ECONNREFUSED))
            #expect(await failure("http://does-not-exist.invalid/") == .unresolved)
            for url in ["", "ftp://h/", "ws://h/", "http://", "file:///etc/passwd"] {
                #expect(await failure(url) == .badURL)
            }
            #expect(await failure("http://127.0.0.1:1/", method: "GET /x") == .badURL)
            client.close()
            silent.stop()
        }

        @Test func `a cancelled task ends at once`() async throws {
            let silent = try RawListener { _ = $0.readToEnd() }
            let client = HTTPClient()
            let port = silent.port
            let task = Task {
                do throws(NetError) {
                    _ = try await client.send(HTTPClientRequest(url: "http://127.0.0.1:\(port)/"))
                    return NetError?.none
                } catch {
                    return error
                }
            }
            task.cancel()
            #expect(await task.value == .cancelled)
            client.close()
            silent.stop()
        }

        @Test func `two hundred requests at once`() async throws {
            let server = try Self.server { HTTPResponse(status: 200, body: .bytes(Array($0.path.utf8))) }
            let client = HTTPClient()
            let port = server.port
            let good = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        do throws(NetError) {
                            let answer = try await client.send(
                                HTTPClientRequest(url: "http://127.0.0.1:\(port)/\(number)"))
                            return answer.body == Array("/\(number)".utf8)
                        } catch {
                            return false
                        }
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(good == 200)
            client.close()
            server.stop()
        }
    }
}
