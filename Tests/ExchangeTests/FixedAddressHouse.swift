// A house that knows its own address and asks everybody for proof, and what its tests ask of it.

import Archive
import Cryptography
import Exchange
import Foundation
import Glibc
import Net
import Patience
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
        try atFreePort { port in
            let all = [
                "server.host": "127.0.0.1", "server.port": "\(port)", "server.carrier_auth": "required",
                "server.public_url": "http://127.0.0.1:\(port)", "server.api_token": token,
                "doors.requests_per_minute": "100000",
            ]
            return try TestHouse(agent: agent, values: all.merging(values) { $1 })
        }
    }

    /// What `make` makes with a house at a port chosen beforehand: at another one where somebody has taken it since.
    static func atFreePort<Made>(_ make: (UInt16) throws -> Made) throws -> Made {
        for _ in 0..<10 {
            let port = try freePort()
            do {
                return try make(port)
            } catch ExchangeError.net(.cannotListen(errno: _), host: _, port: _) {
                continue
            }
        }
        throw ServerProcessError(what: "no free port stays free")
    }

    /// A port of 127.0.0.1 that nobody had a moment ago.
    private static func freePort() throws -> UInt16 {
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

    /// The recording of call `id` once it is final. One that is not within a minute is an issue.
    func sealed(_ id: String, _ location: SourceLocation = #_sourceLocation) async throws -> RecordingDetail {
        var detail: RecordingDetail?
        let isFinal = try await eventually(60_000) {
            detail = try exchange.archive.catalog.detail(id)
            return detail?.recording.state.isFinal == true
        }
        let found = try #require(detail, "the call has no row", sourceLocation: location)
        if !isFinal {
            Issue.record("the recording is still \(found.recording.state)", sourceLocation: location)
        }
        return found
    }

    /// The row of placed call `id` once `isThere` holds. One for which it does not within a minute is an issue.
    func dial(
        _ id: String, _ location: SourceLocation = #_sourceLocation, until isThere: (DialRow) -> Bool
    ) async throws -> DialRow {
        var row: DialRow?
        let isFound = try await eventually(60_000) {
            row = try exchange.archive.catalog.dial(id)
            return row.map(isThere) == true
        }
        let found = try #require(row, "the placed call has no row", sourceLocation: location)
        if !isFound {
            Issue.record("the placed call is still \(found.state)", sourceLocation: location)
        }
        return found
    }

    /// The sound of a sealed recording.
    func sound(_ detail: RecordingDetail) throws -> StereoSound {
        let path = exchange.archive.layout.absolute(try #require(detail.recording.path))
        return try #require(try StereoDecoding.ffmpeg([path], folder: folder).first)
    }

    /// Whether both voices of a `ShortTalk` are in `detail`, each on its own side. Of Exotel's calls it has to be known
    /// how their `stream` went.
    func expectBothVoices(_ detail: RecordingDetail, of stream: SimulatedCallResult? = nil) throws {
        let sound = try sound(detail)
        let rate = detail.call.rate
        let left = CodecCallTests.tone(440, in: sound.left, rate: rate)
        #expect(abs(left.count - 400) <= 60)
        let right = CodecCallTests.tone(620, in: sound.right, rate: rate)
        guard detail.call.carrier == "exotel" else {
            #expect(abs(right.count - 900) <= 60)
            return
        }
        // Exotel is given its sound as it is spoken: a machine that stands still in its midst leaves a hole, which is no
        // longer than that, but for the blocks at its ends.
        let sounding = CodecCallTests.sounding(620, in: sound.right, rate: rate)
        #expect(abs(sounding - 900) <= 60)
        let standstill = try #require(stream).standstill
        #expect(
            Int64(right.count - sounding) <= standstill + 40, "the carrier stood still for \(standstill) ms")
    }
}

extension SimulatedCallResult {
    /// For how long in all the carrier stood still, in milliseconds, by what lay between two of its frames beyond a
    /// frame's length; 40 ms are two of its ticks.
    fileprivate var standstill: Int64 {
        let frame = Int64(caller.count) * 1000 / Int64(max(1, frameTimes.count) * rate)
        return zip(frameTimes, frameTimes.dropFirst()).reduce(Int64(0)) { sum, pair in
            let beyond = pair.1.milliseconds(since: pair.0) - frame
            return beyond > 40 ? sum + beyond : sum
        }
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
