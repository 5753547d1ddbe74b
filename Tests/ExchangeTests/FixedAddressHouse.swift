// A house that knows its own address and asks everybody for proof, and what its tests ask of it.

import Archive
import Cryptography
import Exchange
import Foundation
import Glibc
import Net
import Signalling
import Simulator
import Telemetry
import Testing

extension TestHouse {
    /// The token of the API in these houses.
    static let token = "token-of-the-api"

    /// A house at a port chosen beforehand, so that its public address can be told; carriers have to prove themselves.
    static func atFixedAddress(
        agent: SimulatedAgentSettings = ShortTalk.agent, values: [String: String] = [:]
    ) throws -> TestHouse {
        for _ in 0..<10 {
            let port = try freePort()
            var all = [
                "server.host": "127.0.0.1", "server.port": "\(port)", "server.carrier_auth": "required",
                "server.public_url": "http://127.0.0.1:\(port)", "server.api_token": token,
                "doors.requests_per_minute": "100000",
            ]
            all.merge(values) { $1 }
            do {
                return try TestHouse(agent: agent, values: all)
            } catch ExchangeError.net(.cannotListen(errno: _), host: _, port: _) {
                // Somebody has taken the port since: another one.
                continue
            }
        }
        throw ServerProcessError(what: "no free port stays free")
    }

    /// A port of 127.0.0.1 that nobody had a moment ago.
    static func freePort() throws -> UInt16 {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { _ = Glibc.close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        try #require(isBound)
        return UInt16(bigEndian: address.sin_port)
    }

    /// The address of `path` here.
    func address(_ path: String) -> String { "http://127.0.0.1:\(exchange.port)\(path)" }

    /// Asks the API, with its token unless another is given.
    func ask(_ method: String, _ path: String, _ body: String = "", token: String? = TestHouse.token)
        async throws -> (status: Int, json: [String: Any])
    {
        var headers: [(name: String, value: String)] = []
        if let token { headers.append(("Authorization", "Bearer " + token)) }
        if !body.isEmpty { headers.append(("Content-Type", "application/json")) }
        let answer = try await client.send(
            HTTPClientRequest(
                method: method, url: address(path), headers: headers, body: Array(body.utf8)))
        let json = try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any]
        return (answer.status, json ?? [:])
    }

    /// The recording of call `id` once it is final, at most a minute later.
    func sealed(_ id: String) async throws -> RecordingDetail {
        let began = MonotonicTime.now
        while true {
            let detail = try exchange.archive.catalog.detail(id)
            if let detail, detail.recording.state.isFinal { return detail }
            guard MonotonicTime.now.milliseconds(since: began) < 60_000 else { return try #require(detail) }
            try await Task.sleep(for: .milliseconds(25))
        }
    }

    /// The row of placed call `id` once `isThere` holds, at most a minute later.
    func dial(_ id: String, until isThere: (DialRow) -> Bool) async throws -> DialRow {
        let began = MonotonicTime.now
        while true {
            let row = try exchange.archive.catalog.dial(id)
            if let row, isThere(row) { return row }
            guard MonotonicTime.now.milliseconds(since: began) < 60_000 else { return try #require(row) }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// The sound of a sealed recording.
    func sound(_ detail: RecordingDetail) throws -> StereoSound {
        let path = exchange.archive.layout.absolute(try #require(detail.recording.path))
        return try #require(try StereoDecoding.ffmpeg([path], folder: folder).first)
    }

    /// Whether both voices of a `ShortTalk` are in `detail`, each on its own side.
    func expectBothVoices(_ detail: RecordingDetail) throws {
        let sound = try sound(detail)
        let rate = detail.call.rate
        let left = CodecCallTests.tone(440, in: sound.left, rate: rate)
        #expect(abs(left.count - 400) <= 60)
        // Exotel is given its sound as it is spoken: a machine that stands still in its midst leaves a hole.
        let spoken =
            detail.call.carrier == "exotel"
            ? CodecCallTests.sounding(620, in: sound.right, rate: rate)
            : CodecCallTests.tone(620, in: sound.right, rate: rate).count
        #expect(abs(spoken - 900) <= 60)
    }
}

/// The caller's side of a `ShortTalk`.
enum ShortFarEnd {
    /// Who stays long enough for the agent to be heard, also where the machine stands still for seconds.
    static func end(atMilliseconds milliseconds: Int = 5_000) -> FarEnd {
        FarEnd(
            CallerScript([
                .init(.silence, milliseconds: 1_100),
                .init(.tone(hertz: 440, level: 8000), milliseconds: 400),
            ]), hangsUpAtMilliseconds: milliseconds)
    }
}
