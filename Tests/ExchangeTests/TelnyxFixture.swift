// A house that a simulated Telnyx rings at: everything proven, over real HTTP and real sockets.

import Archive
import Cryptography
import Exchange
import Foundation
import Net
import Patience
import Recording
import Signalling
import Simulator
import Telemetry
import Testing

@testable import Simulator

/// A service's clock that a test sets on.
final class SetClock: @unchecked Sendable {
    // `lock` guards `time`.
    private let lock = Lock()
    private var time = WallTime.now

    var now: WallTime { lock.withLock { time } }
    func set(on milliseconds: Int64) { lock.withLock { time.microseconds += milliseconds * 1000 } }
}

/// A house with a Telnyx. Call `close` at the end.
final class TelnyxHouse: Sendable {
    let house: TestHouse
    let telnyx: SimulatedTelnyxREST
    let port: UInt16

    /// The key pair of the project's signature vectors (private_seed_base64, public_key_base64_raw32).
    static let publicKey = "McZcjY/fsnnXSn+3qRarR3Hj41Dxru50XV/mOHklBeE="
    static let seed = "8e+JWSSAK2ud9ScNzj0TMMd7RBFClpodEEBTogsyfp4="
    static let caller = "+14155550100"
    static let called = "+18005551212"
    /// How long callers wait where nothing depends on it, in milliseconds: longer than a busy machine stands still.
    static let patience = 20_000

    static func key() throws -> Ed25519PrivateKey {
        try Ed25519PrivateKey(seed: Array(try #require(Data(base64Encoded: seed))))
    }

    /// Signs as Telnyx does, `seconds` away from the time of sending.
    static func signer(seconds: Int64 = 0) throws -> HookSigner {
        let key = try key()
        return { content in
            guard
                let signed = try? TelnyxSignature.sign(
                    body: content.body, at: content.time.seconds + seconds, key: key)
            else { return [] }
            return [
                (TelnyxSignature.header, signed.signature),
                (TelnyxSignature.timestampHeader, signed.timestamp),
            ]
        }
    }

    init(
        agent: SimulatedAgentSettings = ShortTalk.agent, values: [String: String] = [:],
        telnyx change: (inout SimulatedTelnyxSettings) -> Void = { _ in }
    ) throws {
        (house, telnyx, port) = try Self.open(agent, values, change)
    }

    /// A house and a Telnyx that know each other, at a port that nobody takes in between.
    private static func open(
        _ agent: SimulatedAgentSettings, _ values: [String: String],
        _ change: (inout SimulatedTelnyxSettings) -> Void
    ) throws -> (TestHouse, SimulatedTelnyxREST, UInt16) {
        try TestHouse.atFreePort { port in
            let (telnyx, all) = try service(at: port, values, change)
            do {
                return (try TestHouse(agent: agent, values: all), telnyx, port)
            } catch {
                telnyx.stop()
                throw error
            }
        }
    }

    /// A Telnyx of a house at `port`, and the settings of that house.
    private static func service(
        at port: UInt16, _ values: [String: String], _ change: (inout SimulatedTelnyxSettings) -> Void
    ) throws -> (SimulatedTelnyxREST, [String: String]) {
        var settings = SimulatedTelnyxSettings(webhookURL: "http://127.0.0.1:\(port)/telnyx/webhook")
        settings.signer = try signer()
        settings.farEnd.patienceMilliseconds = patience
        change(&settings)
        let telnyx = try SimulatedTelnyxREST.start(settings)
        var all = [
            "server.carrier_auth": "required", "server.port": "\(port)",
            "server.public_url": "http://127.0.0.1:\(port)", "telnyx.api_key": settings.apiKey,
            "telnyx.public_key": publicKey, "telnyx.base_url": telnyx.desk.baseURL,
            "telnyx.connection_id": settings.connectionID,
        ]
        all.merge(values) { _, new in new }
        return (telnyx, all)
    }

    /// Rings, and waits until everything about the call is over: webhooks, streams, recordings. Gives the call's id.
    func ring() async -> String {
        let id = telnyx.ring(from: Self.caller, to: Self.called)
        #expect(await telnyx.desk.settled(withinMilliseconds: 30_000))
        await house.settle()
        return id
    }

    /// The calls of the archive, newest first.
    func rows() throws -> [ListedCall] { try house.exchange.archive.catalog.list(CallFilter()).items }

    /// Waits for a call of the archive for which `condition` holds.
    func row(_ condition: (ListedCall) -> Bool) async throws -> ListedCall? {
        var found: ListedCall?
        _ = try await eventually {
            found = try rows().first(where: condition)
            return found != nil
        }
        return found
    }

    /// The kinds of the webhooks of call `id` that are kept, once there are `count`: they are kept after their answer.
    func kinds(_ id: String, count: Int) async throws -> Set<String> {
        var kinds: [String] = []
        _ = try await eventually {
            kinds = try house.exchange.archive.catalog.carrierEvents(ofCarrierCall: id).map(\.kind)
            return kinds.count >= count
        }
        return Set(kinds)
    }

    /// The bodies of the commands `action` that Telnyx was given.
    func bodies(_ action: String) -> [RESTValue] {
        telnyx.desk.requests.filter { $0.path.hasSuffix("/actions/" + action) }
            .compactMap { RESTValue($0.body) }
    }

    /// Posts `body` to the webhook with the header fields given; the answer's status.
    func post(_ body: String, _ headers: [(name: String, value: String)], path: String = "/telnyx/webhook")
        async throws -> Int
    {
        try await house.client.send(
            HTTPClientRequest(
                method: "POST", url: "http://127.0.0.1:\(port)\(path)",
                headers: headers + [("Content-Type", "application/json")], body: Array(body.utf8))
        ).status
    }

    /// The same for an event that is to be sent again while it is not on the disk, as Telnyx does on 503.
    func postUntilKept(_ body: String, _ headers: [(name: String, value: String)]) async throws -> Int {
        var status = 503
        _ = try await eventually {
            status = try await post(body, headers)
            return status != 503
        }
        return status
    }

    /// What clients did wrong at Telnyx's desk.
    var faults: [String] { telnyx.desk.faults.map { "\($0.place): \($0.reason)" } }

    func close() {
        #expect(house.close() == 0)
        telnyx.stop()
    }

    /// A whole MP3 file of a tone, one channel at 8 kHz, as Telnyx would have it.
    static func mp3(milliseconds: Int) throws -> [UInt8] {
        var encoder = try MP3Encoder(MP3Settings(rate: 8000, channels: .mixed, kilobits: 24))
        let sound = SyntheticSound.tone(hertz: 440, level: 8000).rendered(
            milliseconds: milliseconds, rate: 8000)
        var output: [UInt8] = []
        try sound.withUnsafeBufferPointer { try encoder.encode(left: $0, right: $0, into: &output) }
        try encoder.finish(into: &output)
        return output
    }
}
