// Streams that never say which call they are of: how many there may be, and that calls go on beside them.

import Carriers
import Foundation
import Patience
import Telemetry
import Testing

@testable import Exchange

@Suite(.serialized) struct StreamPlacesTests {
    private static let stranger = PlaceClaim(token: nil, isOfACall: false)

    @Test func aTokenHasTwoAndNoMore() {
        var places = StreamPlaces(calls: 100)
        let one = PlaceClaim(token: "one", isOfACall: true)
        #expect(places.take("a", one, live: 0) == nil && places.take("b", one, live: 0) == nil)
        #expect(places.take("c", one, live: 0) == .tooManyStreams)
        #expect(places.take("d", PlaceClaim(token: "two"), live: 0) == nil)
        // An upgrade that came to nothing, a stream that is over, and one that has begun leave room for another.
        places.abandon("a")
        #expect(places.take("e", one, live: 0) == nil && places.take("f", one, live: 0) == .tooManyStreams)
        places.opened("b")
        #expect(places.left("b") == one)
        #expect(places.take("g", one, live: 0) == nil && places.take("h", one, live: 0) == .tooManyStreams)
        places.opened("g")
        places.began("g")
        #expect(places.take("i", one, live: 1) == nil)
        // Of a stream that has begun nothing is left over.
        #expect(places.left("g") == nil)
    }

    /// (places, of them for streams of which nobody knows which call they are)
    @Test(arguments: [(1, 1), (4, 1), (7, 1), (8, 2), (100, 25), (1000, 250)])
    func aQuarterIsForStrangers(_ calls: Int, _ share: Int) {
        var places = StreamPlaces(calls: calls)
        for number in 0..<share {
            #expect(places.take("s\(number)", Self.stranger, live: number) == nil)
            places.opened("s\(number)")
        }
        let expected: PlaceRefusal = share == calls ? .tooManyCalls : .tooManyStreams
        #expect(places.take("t", Self.stranger, live: share) == expected)
        // Who is known has all the rest.
        for number in share..<calls {
            #expect(places.take("k\(number)", PlaceClaim(), live: number) == nil)
            places.opened("k\(number)")
        }
        #expect(places.take("l", PlaceClaim(), live: calls) == .tooManyCalls)
    }

    @Test func anUpgradeHasItsPlaceBeforeItsSocketIsThere() {
        var places = StreamPlaces(calls: 2)
        #expect(places.take("a", PlaceClaim(), live: 0) == nil && places.underWay == 1)
        #expect(places.take("b", PlaceClaim(), live: 0) == nil && places.underWay == 2)
        #expect(places.take("c", PlaceClaim(), live: 0) == .tooManyCalls)
        places.opened("a")
        #expect(places.underWay == 1 && places.take("c", PlaceClaim(), live: 1) == .tooManyCalls)
        // What is open is not let go of a second time.
        places.abandon("a")
        places.abandon("b")
        #expect(places.underWay == 0 && places.take("c", PlaceClaim(), live: 1) == nil)
    }

    // MARK: Over sockets

    private func guarded(_ calls: Int) throws -> TestHouse {
        var all = Knock.values.merging(["limits.start_seconds": "600", "limits.calls": "\(calls)"]) { $1 }
        all["server.public_url"] = nil
        return try TestHouse.atFixedAddress(values: all)
    }

    private func token(_ house: TestHouse, call: String? = nil) async throws -> String {
        let member = call.map { #","call_id":"\#($0)""# } ?? ""
        let answer = try await house.ask("POST", "/v1/stream-tokens", #"{"carrier":"telnyx"\#(member)}"#)
        return try #require(answer.json["token"] as? String)
    }

    private func ready(_ house: TestHouse) async throws -> String {
        let answer = try await house.get("/readyz")
        return "\(answer.status) " + String(decoding: answer.body, as: UTF8.self)
    }

    @Test func oneTokenDoesNotFillTheServer() async throws {
        let house = try guarded(12)
        let path = "/stream?token=" + (try await token(house))
        var peers: [RawPeer] = []
        for number in 0..<20 {
            let peer = try #require(RawPeer(port: house.exchange.port))
            #expect(peer.upgrade(path) == (number < 2), "upgrade \(number)")
            peers.append(peer)
        }
        #expect(try await ready(house) == #"200 {"ready":true,"reasons":[]}"#)
        // One of each other token has the rest of the quarter; then a known call still comes in.
        let other = try #require(RawPeer(port: house.exchange.port))
        #expect(other.upgrade("/media-stream?token=" + (try await token(house))))
        let further = try #require(RawPeer(port: house.exchange.port))
        #expect(!further.upgrade("/media-stream?token=" + (try await token(house))))
        let known = try #require(RawPeer(port: house.exchange.port))
        #expect(known.upgrade("/media-stream?token=" + (try await token(house, call: "v3:known"))))
        let exotel = try #require(RawPeer(port: house.exchange.port))
        #expect(exotel.upgrade("/media", [("Authorization", Knock.basic)]))
        // A broken one leaves its place.
        peers.removeFirst()
        #expect(
            try await eventually {
                let again = try #require(RawPeer(port: house.exchange.port))
                return again.upgrade(path)
            })
        let told = try await house.metrics()
        #expect(told.contains("teeline_calls_refused_total{cause=\"too_many_streams\"}"))
        withExtendedLifetime((peers, other, further, known, exotel)) { _ = house.close() }
    }

    /// A token whose streams come and go without a start makes a row each: after eight it is forgotten.
    @Test func oneTokenDoesNotFillTheArchive() async throws {
        let house = try guarded(12)
        let path = "/media-stream?token=" + (try await token(house))
        func rows() throws -> Int {
            try house.exchange.archive.catalog.list(cursor: nil, limit: 20).items.count
        }
        for number in 1...8 {
            do {
                let peer = try #require(RawPeer(port: house.exchange.port))
                #expect(peer.upgrade(path), "upgrade \(number)")
            }
            #expect(try await eventually { try rows() == number })
        }
        let ninth = try #require(RawPeer(port: house.exchange.port))
        #expect(!ninth.upgrade(path))
        #expect(house.close() == 0)
    }

    /// Of many that come at once exactly as many are upgraded as there are places, and who asks learns that it is full.
    @Test func theLimitIsExact() async throws {
        let house = try guarded(5)
        let port = house.exchange.port
        let open = OpenPeers()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<24 {
                group.addTask {
                    await withCheckedContinuation { done in
                        Thread.detachNewThread {
                            open.upgrade(port)
                            done.resume()
                        }
                    }
                }
            }
        }
        #expect(open.count == 5)
        #expect(try await ready(house) == #"503 {"ready":false,"reasons":["too_many_calls"]}"#)
        open.close()
        #expect(try await eventually { try await ready(house).hasPrefix("200 ") })
        #expect(house.close() == 0)
    }

    @Test func aWrongUpgradeTakesNoPlace() async throws {
        let house = try guarded(1)
        for _ in 0..<3 {
            let peer = try #require(RawPeer(port: house.exchange.port))
            peer.send(
                "GET /media HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Authorization: \(Knock.basic)\r\nSec-WebSocket-Version: 8\r\n\r\n")
            #expect(peer.receiveHead().hasPrefix("HTTP/1.1 426"))
        }
        let peer = try #require(RawPeer(port: house.exchange.port))
        #expect(peer.upgrade("/media", [("Authorization", Knock.basic)]))
        withExtendedLifetime(peer) { _ = house.close() }
    }

    /// RFC 9110 §15.5.22: who is told to upgrade is told to what.
    @Test(arguments: ["/stream", "/media-stream", "/audio", "/media", "/twilio/media-stream"])
    func withoutAnUpgradeItSaysWhich(_ path: String) async throws {
        let house = try guarded(1)
        for method in ["GET", "HEAD"] {
            let peer = try #require(RawPeer(port: house.exchange.port))
            peer.send("\(method) \(path) HTTP/1.1\r\nHost: x\r\n\r\n")
            let answer = peer.receiveHead()
            #expect(answer.hasPrefix("HTTP/1.1 426 ") && answer.contains("\r\nUpgrade: websocket\r\n"))
            #expect(answer.contains("\r\nConnection: Upgrade\r\n"))
        }
        let peer = try #require(RawPeer(port: house.exchange.port))
        peer.send("POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        let answer = peer.receiveHead()
        #expect(answer.hasPrefix("HTTP/1.1 405 ") && answer.contains("\r\nAllow: GET\r\n"))
        #expect(house.close() == 0)
    }

    /// A Telnyx token and Twilio's hello: the row is Telnyx's, for Twilio has proven nothing.
    @Test func aForeignHelloNamesNoCarrier() async throws {
        let house = try guarded(4)
        let peer = try #require(RawPeer(port: house.exchange.port))
        #expect(peer.upgrade("/stream?token=" + (try await token(house))))
        peer.send(RawPeer.frame(Array(#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#.utf8)))
        peer.send(RawPeer.frame([0x03, 0xE8], opcode: 8))
        _ = peer.readToEnd()
        await house.settle()
        let rows = try house.exchange.archive.catalog.list(cursor: nil, limit: 10).items
        #expect(rows.map(\.call.carrier) == ["telnyx"])
        #expect(house.close() == 0)
    }
}

/// The peers that were upgraded, of many threads.
private final class OpenPeers: @unchecked Sendable {
    // `lock` guards `peers`.
    private let lock = Lock()
    private var peers: [RawPeer] = []

    var count: Int { lock.withLock { peers.count } }

    func upgrade(_ port: UInt16) {
        guard let peer = RawPeer(port: port) else { return }
        guard peer.upgrade("/media", [("Authorization", Knock.basic)]) else { return }
        lock.withLock { peers.append(peer) }
    }

    func close() { lock.withLock { peers = [] } }
}
