// Peers that keep to no rule, beside healthy calls that must not notice them.

import Damage
import Agents
import Archive
import Audio
import Carriers
import Exchange
import Foundation
import Net
import Patience
import Simulator
import Telemetry
import Testing

/// One way of attacking a server; the number makes instances differ.
struct Attack: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var run: @Sendable (UInt16) throws -> Void

    init(_ name: String, _ run: @escaping @Sendable (UInt16) throws -> Void) {
        testDescription = name
        self.run = run
    }
}

/// An agent's server that answers every conversation with metadata and then with wounded messages.
final class HostileAgent: HTTPHandler, WebSocketHandler, @unchecked Sendable {
    // `random`, `sent` and `isHostile` are touched on the loop only; `server` is set before any request.
    let loop: EventLoop
    private var server: HTTPServer?
    private var random = SplitMix64(seed: 4)
    private let lock = Lock()
    private var count = 0
    var sent: Int { lock.withLock { count } }
    var port: UInt16 { server?.port ?? 0 }

    init() throws {
        loop = try EventLoop.start(name: "hostile")
        server = try HTTPServer.start(HTTPServerSettings(port: 0), handler: self)
    }

    func stop() {
        loop.stop()
        server?.stop()
    }

    func respond(to request: HTTPRequest) -> HTTPOutcome {
        .upgrade { [self] socket in
            loop.execute { [self] in
                _ = WebSocketConnection.accept(
                    socket, on: loop, limits: WebSocketLimits(outgoingBytes: 64 << 20), handler: self)
            }
        }
    }

    func webSocketDidOpen(_ socket: WebSocketConnection) {
        let peer = AgentPeer()
        var message: [UInt8] = []
        peer.encodeMetadata(conversationID: "conv_hostile", output: .pcmu8k, input: .pcmu8k, into: &message)
        socket.send(text: message)
        let sound = [UInt8](repeating: 0x55, count: 400)
        for number in 0..<600 {
            message.removeAll(keepingCapacity: true)
            switch number % 7 {
            case 0: peer.encodeInterruption(eventID: Int64(number), into: &message)
            case 1: peer.encodeAgentResponse("So be it.", eventID: Int64(number), into: &message)
            case 2: peer.encodeUserTranscript("Hello", eventID: Int64(number), into: &message)
            case 3: peer.encodePing(eventID: Int64(number), milliseconds: 50, into: &message)
            case 4:
                peer.encodeClientToolCall(
                    name: "tool", callID: "1", eventID: 1, expectsResponse: true, into: &message)
            default: sound.withUnsafeBytes { peer.encodeAudio($0, eventID: Int64(number), into: &message) }
            }
            // Now and then a whole one, so that the call does not end for too many bad ones in a row.
            socket.send(text: number % 5 == 0 ? message : wounded(message, &random))
        }
        lock.withLock { count += 600 }
    }

    func webSocket(_ socket: WebSocketConnection, didReceive bytes: UnsafeRawBufferPointer, isText: Bool) {}
    func webSocketDidClose(_ socket: WebSocketConnection, code: UInt16, reason: String, error: NetError?) {}
}

@Suite struct HostileTests {
    static let upgradeHead =
        "GET /twilio/media-stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"

    /// Text of a carrier's stream: connected, start, then frames of every kind.
    static func messages(_ carrier: Carrier) -> (opening: [[UInt8]], frames: [[UInt8]]) {
        let format: AudioFormat = carrier == .exotel ? AudioFormat(.pcm16, rate: 8000) : .pcmu8k
        var peer = CarrierPeer(
            start: StreamStart(
                carrier: carrier, streamID: "MZ0123456789", callID: "CA-hostile", accountID: "AC1",
                inbound: format,
                outbound: format, parameters: ["a": "b"]))
        func made(_ body: (inout [UInt8]) -> Void) -> [UInt8] {
            var bytes: [UInt8] = []
            body(&bytes)
            return bytes
        }
        let sound = [UInt8](repeating: 0x7E, count: carrier == .exotel ? 1600 : 160)
        let opening = [made { peer.encodeConnected(into: &$0) }, made { peer.encodeStart(into: &$0) }].filter
        { !$0.isEmpty }
        var frames: [[UInt8]] = []
        for chunk in 1...20 {
            frames.append(
                made { bytes in
                    sound.withUnsafeBytes {
                        peer.encodeMedia($0, chunk: Int64(chunk), timestamp: Int64(chunk * 20), into: &bytes)
                    }
                })
        }
        frames.append(made { peer.encodeDTMF("5", into: &$0) })
        frames.append(made { peer.encodeMark("m1", into: &$0) })
        frames.append(made { peer.encodeError(code: 100_003, title: "x", detail: "y", into: &$0) })
        return (opening, frames.filter { !$0.isEmpty })
    }

    static func path(_ carrier: Carrier) -> String {
        switch carrier {
        case .twilio: "/twilio/media-stream"
        case .telnyx: "/media-stream"
        case .exotel: "/media"
        }
    }

    /// 10,000 wounded frames on as many streams as it takes.
    static func flood(_ carrier: Carrier) -> Attack {
        Attack("10,000 wounded frames of \(carrier)") { port in
            let (opening, frames) = messages(carrier)
            var random = SplitMix64(seed: UInt64(carrier.rawValue.utf8.count))
            var sent = 0
            while sent < 10_000 {
                guard let peer = RawPeer(port: port), peer.upgrade(path(carrier)) else {
                    throw ServerProcessError(what: "no upgrade")
                }
                for message in opening { peer.send(RawPeer.frame(message)) }
                for number in 0..<500 {
                    let frame = frames.randomElement(using: &random) ?? []
                    sent += 1
                    guard peer.send(RawPeer.frame(number % 4 == 0 ? frame : wounded(frame, &random))) else {
                        break
                    }
                }
            }
        }
    }

    static let attacks: [Attack] = [
        flood(.twilio), flood(.telnyx), flood(.exotel),
        Attack("garbage instead of HTTP") { port in
            var random = SplitMix64(seed: 7)
            for _ in 0..<200 {
                let peer = RawPeer(port: port)
                peer?.send(
                    (0..<600).map { _ in UInt8.random(in: 0...255, using: &random) } + Array("\r\n\r\n".utf8))
            }
        },
        Attack("wounded upgrades") { port in
            var random = SplitMix64(seed: 8)
            let whole = Array(
                (upgradeHead
                    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").utf8
            )
            for _ in 0..<300 { RawPeer(port: port)?.send(wounded(whole, &random)) }
        },
        Attack("upgrades with a wrong key or version") { port in
            for number in 0..<200 {
                let peer = RawPeer(port: port)
                let tail =
                    number % 2 == 0
                    ? "Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n\r\n"
                    : "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n"
                peer?.send(upgradeHead + tail)
                let answer = String(decoding: peer?.receive() ?? [], as: UTF8.self)
                #expect(
                    answer.hasPrefix(number % 2 == 0 ? "HTTP/1.1 400" : "HTTP/1.1 426"),
                    "\(answer.prefix(40))")
            }
        },
        Attack("half requests") { port in
            let peers = (0..<200).compactMap { _ in RawPeer(port: port) }
            for piece in [
                upgradeHead.prefix(20), upgradeHead.dropFirst(20).prefix(1),
                upgradeHead.dropFirst(21).prefix(1),
            ] {
                for peer in peers { peer.send(String(piece)) }
                usleep(200_000)
            }
        },
        Attack("a header without end") { port in
            for _ in 0..<10 {
                guard let peer = RawPeer(port: port) else { continue }
                peer.send(upgradeHead)
                for number in 0..<2000
                where !peer.send("X-\(number): " + String(repeating: "a", count: 500) + "\r\n") { break }
            }
        },
        Attack("a body without end") { port in
            for _ in 0..<10 {
                guard let peer = RawPeer(port: port) else { continue }
                peer.send("POST /v1/recordings HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
                let piece = "4000\r\n" + String(repeating: "b", count: 0x4000) + "\r\n"
                for _ in 0..<200 where !peer.send(piece) { break }
            }
        },
        Attack("breaches of the WebSocket protocol") { port in
            let breaches: [[UInt8]] = [
                RawPeer.frame([1, 2, 3], isMasked: false), RawPeer.frame([1], first: 0xF0),
                RawPeer.frame([], opcode: 3),
                RawPeer.frame([], opcode: 0), RawPeer.frame([UInt8](repeating: 1, count: 126), opcode: 9),
                RawPeer.frame([], opcode: 9, first: 0), RawPeer.frame([0xFF, 0xFE]),
                RawPeer.frame([3], opcode: 8),
                RawPeer.frame([0x03, 0xED], opcode: 8), [0x81, 0xFF] + [UInt8](repeating: 0xFF, count: 12),
                [0x81, 0xFF, 0x7F] + [UInt8](repeating: 0xFF, count: 11), [0x81, 0xFE, 0xFF, 0xFF],
                RawPeer.frame([UInt8](repeating: 0x20, count: 70_000)),
                RawPeer.frame([1], first: 0) + RawPeer.frame([1], first: 0),
            ]
            for breach in breaches + breaches {
                guard let peer = RawPeer(port: port), peer.upgrade("/twilio/media-stream") else {
                    throw ServerProcessError(what: "no upgrade")
                }
                peer.send(breach)
                if breach.count != 4 { _ = peer.readToEnd() }
            }
        },
        Attack("a message of a million fragments") { port in
            guard let peer = RawPeer(port: port), peer.upgrade("/twilio/media-stream") else { return }
            for message in messages(.twilio).opening { peer.send(RawPeer.frame(message)) }
            // As large as a message may be by the limits, a byte at a time: the work must not grow with its square.
            peer.send(RawPeer.frame([0x20], first: 0))
            let burst = (0..<5000).flatMap { _ in RawPeer.frame([0x20], opcode: 0, first: 0) }
            for _ in 0..<200 where !peer.send(burst) { break }
        },
        Attack("a flood of pings whose answers nobody reads") { port in
            guard let peer = RawPeer(port: port, receiveBuffer: 4096), peer.upgrade("/twilio/media-stream")
            else { return }
            let ping = RawPeer.frame([UInt8](repeating: 0x41, count: 125), opcode: 9)
            let burst = (0..<500).flatMap { _ in ping }
            for _ in 0..<400 where !peer.send(burst) { break }
        },
        Attack("streams that never read") { port in
            let (opening, frames) = messages(.twilio)
            let peers = (0..<20).compactMap { _ in RawPeer(port: port, receiveBuffer: 4096) }
            for peer in peers where peer.upgrade("/twilio/media-stream") {
                for message in opening + frames { peer.send(RawPeer.frame(message)) }
            }
            usleep(2_000_000)
        },
        Attack("streams without start, with two, with media first") { port in
            let (opening, frames) = messages(.twilio)
            let orders = [
                [opening[0]], frames, opening + [opening[1]] + frames, opening + [opening[0]],
                [opening[1], opening[1]],
            ]
            for order in (0..<20).flatMap({ _ in orders }) {
                guard let peer = RawPeer(port: port), peer.upgrade("/twilio/media-stream") else { continue }
                for message in order { peer.send(RawPeer.frame(message)) }
            }
        },
        Attack("1,000 streams opened and reset") { port in
            for number in 0..<1000 {
                guard let peer = RawPeer(port: port) else { throw ServerProcessError(what: "refused") }
                if number % 3 == 0 {
                    _ = peer.upgrade("/media-stream")
                } else {
                    peer.send(
                        upgradeHead
                            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
                    )
                }
                peer.reset()
            }
        },
    ]

    /// Live calls by the server's own count.
    static func liveCalls(_ port: UInt16) -> Int? {
        guard let peer = RawPeer(port: port) else { return nil }
        peer.send("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        let line = String(decoding: peer.readToEnd(), as: UTF8.self).split(whereSeparator: \.isNewline)
            .first { $0.hasPrefix("teeline_calls_live ") }
        return line.flatMap { Double($0.split(separator: " ")[1]) }.map { Int($0) }
    }

    @Test(.timeLimit(.minutes(3)), arguments: attacks)
    func healthyCallsDoNotNotice(_ attack: Attack) async throws {
        let around = try Surroundings()
        let server = try await ServerProcess(
            storage: around.storage, agent: around.agent.baseURL,
            ["LOG_LEVEL": "error", "TEELINE_START_SECONDS": "10", "TEELINE_IDLE_SECONDS": "10"])
        let pid = server.process.processIdentifier
        // The first call makes what stays: threads, connections of the catalog, folders.
        _ = await around.call(server.port, milliseconds: 300, seed: 900)
        #expect(try await eventually { Self.liveCalls(server.port) == 0 })
        let before = try ProcessLoad(of: pid)
        let results = try await around.calls(server.port, count: 2, milliseconds: 6000) {
            #expect(try await eventually { Self.liveCalls(server.port) == 2 }, "the calls do not begin")
            try await withCheckedThrowingContinuation {
                (continuation: CheckedContinuation<Void, any Error>) in
                // A thread of its own: it blocks.
                Thread.detachNewThread {
                    continuation.resume(with: Result { try attack.run(server.port) })
                }
            }
        }
        #expect(server.process.isRunning, "the server died: \(server.words.suffix(2000))")
        #expect(try await eventually(30_000) { Self.liveCalls(server.port) == 0 }, "a session is left")
        let catalog = Catalog(StorageLayout(root: around.storage), readers: 1)
        defer { catalog.close() }
        for result in results {
            #expect(result.end == .asPlanned)
            #expect(try await eventually { try around.row(result, catalog)?.recording.state == .sealed })
            let row = try #require(try around.row(result, catalog))
            let metrics = try #require(try catalog.detail(row.call.id)?.metrics)
            #expect(metrics.framesReceived == Int64(result.counts.framesSent))
            #expect(metrics.framesLost == 0)
            #expect(result.counts.refusedMessages == 0)
        }
        #expect(
            try await eventually(45_000) { try ProcessLoad(of: pid).descriptors <= before.descriptors + 4 },
            "descriptors are left open: there were \(before.descriptors) before")
        let after = try ProcessLoad(of: pid)
        // 64 MiB: the tape queue's bound, which is the largest thing that a flood may fill.
        #expect(
            after.kilobytes - before.kilobytes < 64 << 10,
            "\(before.kilobytes) KiB grew to \(after.kilobytes)")
        print(
            "\(attack.testDescription): \(after.kilobytes - before.kilobytes) KiB, \(after.descriptors - before.descriptors) descriptors"
        )
        #expect(try await server.drain() == 0)
    }

    @Test(.timeLimit(.minutes(3))) func aHostileAgentHarmsItsCallsOnly() async throws {
        let around = try Surroundings()
        let hostile = try HostileAgent()
        defer { hostile.stop() }
        let server = try await ServerProcess(
            storage: around.storage, agent: "http://127.0.0.1:\(hostile.port)", ["LOG_LEVEL": "error"])
        let before = try ProcessLoad(of: server.process.processIdentifier)
        var calls = 0
        while hostile.sent < 10_000, calls < 60 {
            let results = try await around.calls(
                server.port, count: 6, milliseconds: 800, seed: UInt64(calls * 10)
            ) {}
            calls += 6
            #expect(
                results.allSatisfy { $0.counts.refusedMessages == 0 },
                "the carrier was sent what it does not take")
        }
        #expect(hostile.sent >= 10_000)
        #expect(server.process.isRunning, "the server died: \(server.words.suffix(2000))")
        #expect(try await eventually(30_000) { Self.liveCalls(server.port) == 0 }, "a session is left")
        let after = try ProcessLoad(of: server.process.processIdentifier)
        #expect(
            after.kilobytes - before.kilobytes < 64 << 10,
            "\(before.kilobytes) KiB grew to \(after.kilobytes)")
        #expect(try await server.drain() == 0)
        let archive = try CallArchive(StorageLayout(root: around.storage))
        defer { archive.close() }
        #expect(try archive.reconcile(checkHashes: true).findings.isEmpty)
    }
}
