// Connections that ask for nothing: who has to go, and when.

import Foundation
import Telemetry
import Testing

@testable import Net

extension NetTests {
    @Suite struct HTTPCrowdTests {
        /// Connections are told apart by their addresses only.
        private static func connection(_ number: Int) throws -> OpaquePointer {
            try #require(OpaquePointer(bitPattern: 0x1000 + number * 16))
        }

        private static func at(_ milliseconds: Int64) -> MonotonicTime {
            MonotonicTime(nanoseconds: 0).adding(milliseconds: 1_000_000 + milliseconds)
        }

        @Test func `whoever asks for nothing goes when three quarters are taken`() throws {
            var crowd = HTTPCrowd(places: 8, seconds: 5)
            for number in 0..<6 {
                crowd.come(try Self.connection(number), descriptor: Int32(number), at: Self.at(Int64(number)))
                #expect(crowd.due == nil && crowd.takeOverdue(at: Self.at(1_000_000)).isEmpty)
            }
            // The first asks, the second has been answered since.
            crowd.ask(try Self.connection(0))
            crowd.ask(try Self.connection(1))
            crowd.rest(try Self.connection(1), descriptor: 1, at: Self.at(4_000))
            crowd.come(try Self.connection(6), descriptor: 6, at: Self.at(1_000))
            #expect(crowd.due == Self.at(5_002))
            #expect(crowd.takeOverdue(at: Self.at(5_001)).isEmpty)
            #expect(crowd.takeOverdue(at: Self.at(5_004)).sorted() == [2, 3, 4])
            // They count until they are closed, and are cut once.
            #expect(crowd.due == Self.at(5_005) && crowd.takeOverdue(at: Self.at(5_004)).isEmpty)
            crowd.go(try Self.connection(2))
            #expect(crowd.due == nil && crowd.takeOverdue(at: Self.at(1_000_000)).isEmpty)
        }

        @Test func `without a limit nobody goes`() throws {
            var crowd = HTTPCrowd(places: 1, seconds: 0)
            for number in 0..<3 {
                crowd.come(try Self.connection(number), descriptor: 1, at: Self.at(0))
            }
            #expect(crowd.due == nil && crowd.takeOverdue(at: Self.at(1_000_000)).isEmpty)
        }

        private static func server(_ upgraded: Locked<[UpgradedSocket]> = Locked([])) throws -> HTTPServer {
            try HTTPServer.start(
                HTTPServerSettings(port: 0, threads: 1, connections: 8, idleSeconds: 60, crowdedSeconds: 1),
                handler: ClosureHandler { request in
                    if request.path == "/ws" {
                        return .upgrade { socket in upgraded.with { $0.append(socket) } }
                    }
                    return .response(HTTPResponse(status: 200, body: .bytes(Array("here".utf8))))
                })
        }

        private static let get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"

        /// All places are taken by peers that say nothing, say half a request line, or were answered: a further one is
        /// answered all the same, long before they are idle, and streams stay.
        @Test func `idle connections do not shut the door`() throws {
            let upgraded = Locked<[UpgradedSocket]>([])
            let server = try Self.server(upgraded)
            let stream = try RawSocket(port: server.port)
            #expect(stream.upgrade().hasPrefix("HTTP/1.1 101 "))
            let answered = try RawSocket(port: server.port)
            answered.write(Self.get)
            #expect(answered.readHead().hasPrefix("HTTP/1.1 200 ") && answered.read(exactly: 4).count == 4)
            let half = try RawSocket(port: server.port)
            half.write("GET /a")
            let silent = try (0..<5).map { _ in try RawSocket(port: server.port) }
            let began = MonotonicTime.now
            let late = try RawSocket(port: server.port)
            late.write(Self.get)
            #expect(late.readHead().hasPrefix("HTTP/1.1 200 "))
            #expect(MonotonicTime.now.milliseconds(since: began) < 30_000)
            for socket in silent + [half, answered] { #expect(socket.readToEnd().isEmpty) }
            // Nobody has closed the stream: the server still has it, and its peer hears what is written there.
            let descriptor = try #require(upgraded.with { $0.first?.descriptor })
            #expect(send(descriptor, "x", 1, Int32(MSG_NOSIGNAL)) == 1)
            #expect(stream.read(1) == Array("x".utf8))
            upgraded.with { $0.forEach { $0.release() } }
            server.stop()
        }

        @Test func `with room they stay`() throws {
            let server = try Self.server()
            let silent = try (0..<6).map { _ in try RawSocket(port: server.port) }
            // Longer than the limit of a crowd.
            Thread.sleep(forTimeInterval: 1.5)
            for socket in silent {
                socket.write(Self.get)
                #expect(socket.readHead().hasPrefix("HTTP/1.1 200 "))
            }
            server.stop()
        }
    }
}
