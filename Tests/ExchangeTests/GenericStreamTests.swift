// The path that recognises the carrier, over real sockets: whole calls of all three with every proof asked for, proofs that
// are another carrier's, and streams that never say whose they are.

import Archive
import Audio
import Carriers
import Contract
import Cryptography
import Damage
import Dispatch
import Exchange
import Foundation
import Patience
import Signalling
import Simulator
import Testing

@Suite(.serialized) struct GenericStreamTests {
    private static let path = "/stream"

    private func guarded(_ values: [String: String] = [:]) throws -> TestHouse {
        var all = Knock.values
        all["server.public_url"] = nil
        return try TestHouse.atFixedAddress(values: all.merging(values) { $1 })
    }

    private static func dialect(_ carrier: Carrier) -> CarrierDialect {
        switch carrier {
        case .twilio: .twilio
        case .telnyx: .telnyxALaw
        case .exotel: .exotel(rate: 16_000)
        }
    }

    private func signature(_ house: TestHouse) throws -> (name: String, value: String) {
        let url = "ws://127.0.0.1:\(house.exchange.port)" + Self.path
        let secret = Secret("twilio-token-new")
        return (TwilioSignature.header, try TwilioSignature.sign(url: url, secret: secret))
    }

    private func token(_ house: TestHouse, _ carrier: Carrier, _ call: String) async throws -> String {
        let answer = try await house.ask(
            "POST", "/v1/stream-tokens", #"{"carrier":"\#(carrier.rawValue)","call_id":"\#(call)"}"#)
        return try #require(answer.json["token"] as? String)
    }

    /// A call of `speaker` that proves to be `shown`'s.
    private func call(
        _ house: TestHouse, of speaker: Carrier, proving shown: Carrier, milliseconds: Int = 5_000
    ) async throws -> SimulatedCallSettings {
        let identity = StreamIdentity(streamID: "MZ1", callID: "CA1", accountID: "AC1")
        var url = house.media(Self.path)
        let token = try await token(house, shown, identity.callID)
        if shown == .telnyx { url += "?token=" + token }
        var settings = ShortTalk.call(to: url, dialect: Self.dialect(speaker), milliseconds: milliseconds)
        settings.identity = identity
        if shown == .twilio {
            let signature = try signature(house)
            settings.headers = [(signature.name, signature.value)]
            // To another carrier's start a token of Twilio's would be one refusal more.
            if speaker == .twilio { settings.parameters["teeline_token"] = token }
        }
        if shown == .exotel { settings.headers = [("Authorization", Knock.basic)] }
        return settings
    }

    private func rows(_ house: TestHouse) throws -> [ListedCall] {
        try house.exchange.archive.catalog.list(cursor: nil, limit: 200).items
    }

    @Test(arguments: Carrier.allCases) func aWholeCallIsRecorded(_ carrier: Carrier) async throws {
        let house = try guarded()
        let result = await house.network.call(try await call(house, of: carrier, proving: carrier))
        #expect(result.end == .asPlanned && result.playout.malformed == 0)
        await house.settle()
        let row = try #require(try rows(house).first)
        #expect(try rows(house).count == 1)
        let detail = try await house.sealed(row.call.id)
        #expect(detail.recording.state == .sealed && detail.recording.missing.isEmpty)
        #expect(detail.call.carrier == carrier.rawValue && detail.call.carrierCallID == "CA1")
        #expect(detail.call.endWho == .caller && detail.call.endWhy == "hangup")
        #expect(detail.call.rate == Self.dialect(carrier).inbound.rate)
        #expect(!detail.call.parameters.contains("token"))
        try house.expectBothVoices(detail, of: result)
        let told = try await house.metrics()
        #expect(told.contains("teeline_calls_started_total{carrier=\"\(carrier)\"} 1"))
        #expect(house.close() == 0)
    }

    @Test func theUpgradeIsRefusedWithoutAProof() async throws {
        let house = try guarded()
        let port = house.exchange.port
        func upgrade(_ target: String, _ headers: [(name: String, value: String)] = []) async -> Int {
            await Knock.send(port, "GET", target, Knock.webSocket + headers).status
        }
        #expect(await upgrade(Self.path) == 401)
        #expect(await upgrade(Self.path + "?token=wrong") == 403)
        #expect(await upgrade(Self.path, [("Authorization", Knock.wrongBasic)]) == 403)
        // Signed for another path, with another secret, and a token of Twilio's without its signature.
        let other = try TwilioSignature.sign(
            url: "ws://127.0.0.1:\(port)/twilio/media-stream", secret: Secret("twilio-token-new"))
        #expect(await upgrade(Self.path, [(TwilioSignature.header, other)]) == 403)
        #expect(try await upgrade(Self.path, Knock.upgrade(Self.path, isRight: false)) == 403)
        #expect(await upgrade(Self.path + "?token=" + (try await token(house, .twilio, "CA1"))) == 403)
        await house.settle()
        #expect(try rows(house).isEmpty && house.exchange.liveCalls == 0)
        #expect(house.close() == 0)
    }

    /// What proves one carrier lets in that carrier's stream: of the six others none is a call, and each has its row.
    @Test func anotherCarriersProofLetsNobodyIn() async throws {
        let house = try guarded()
        for shown in Carrier.allCases {
            for speaker in Carrier.allCases where speaker != shown {
                let settings = try await call(house, of: speaker, proving: shown, milliseconds: 60_000)
                #expect(await house.network.call(settings).end == .server, "\(speaker) as \(shown)")
            }
        }
        await house.settle()
        let found = try rows(house)
        #expect(found.allSatisfy { $0.call.endWho == .carrier && $0.call.endWhy == "stream_refused" })
        #expect(found.allSatisfy { !$0.recording.hasAudio && $0.call.carrierCallID.isEmpty })
        for carrier in Carrier.allCases {
            #expect(found.count { $0.call.carrier == carrier.rawValue } == 2)
        }
        let told = try await house.metrics()
        #expect(told.contains("teeline_calls_refused_total{cause=\"otherCarrier\"} 6"))
        #expect(!told.contains("teeline_calls_started_total{"))
        #expect(await house.agent.conversations().isEmpty)
        #expect(house.close() == 0)
    }

    /// Nobody says whose stream it is: the row has the one carrier that was proven, or none.
    @Test func aStreamThatNeverStartsHasATrueRow() async throws {
        let house = try guarded(["limits.start_seconds": "1"])
        let signature = try signature(house)
        let basic = (name: "Authorization", value: Knock.basic)
        let hello = Array(#"{"event":"connected","version":"1.0.0"}"#.utf8)
        for headers in [[basic], [signature], [signature, basic]] {
            // The server gives up after a second and closes.
            #expect(await Self.play(house, [hello], headers: headers, isClosedByServer: true))
        }
        await house.settle()
        #expect(try rows(house).map(\.call.carrier).sorted() == ["exotel", "twilio", "unknown"])
        #expect(try rows(house).allSatisfy { $0.call.endWhy == "no_start" && $0.call.endWho == .carrier })
        #expect(house.close() == 0)
    }

    /// Sound before a start that comes late is counted and named, and the call goes on as on its own path.
    @Test(arguments: Carrier.allCases) func aLateStartIsACall(_ carrier: Carrier) async throws {
        let house = try TestHouse(agent: ShortTalk.agent)
        let (opening, frames) = HostileTests.messages(carrier)
        let sound = Array(frames.prefix(20))
        let start = try #require(opening.last)
        let stop = Array(#"{"event":"stop","stop":{}}"#.utf8)
        // Five frames first, then hello and start, out of order and twice.
        let said =
            Array(sound.prefix(5)) + [opening[0], start, start] + sound.dropFirst(5) + [opening[0], stop]
        #expect(await Self.play(house, said, pause: 20, isClosedByServer: true))
        await house.settle()
        let row = try #require(try rows(house).first)
        let detail = try await house.sealed(row.call.id)
        #expect(detail.recording.state == .sealed && detail.call.carrier == carrier.rawValue)
        #expect(detail.call.carrierCallID == "CA-hostile" && detail.call.endWhy == "hangup")
        #expect(try await house.metrics().contains("teeline_frames_before_start_total 5"))
        #expect(house.close() == 0)
    }

    @Test func garbageAndResetsHaveRowsThatCanBeFound() async throws {
        let house = try TestHouse(agent: ShortTalk.agent)
        let judge = OpenAPIJudge(base: "http://127.0.0.1:\(house.exchange.port)")
        let document = try await judge.ask("/openapi.json").body
        let hello = Array(#"{"event":"connected","version":"1.0.0"}"#.utf8)
        let plivo = Array(#"{"event":"start","start":{"callId":"1","streamId":"2"}}"#.utf8)
        let stop = Array(#"{"event":"stop"}"#.utf8)
        let garbage = [[UInt8]](repeating: Array("no carrier".utf8), count: 50)
        let flood = [[UInt8]](
            repeating: Array(#"{"event":"media","media":{"payload":"AAAA"}}"#.utf8), count: 1_500)
        #expect(await Self.play(house, garbage, isClosedByServer: true))
        #expect(await Self.play(house, [hello, stop], isClosedByServer: true))
        // More than 64 KiB before a start; who goes on sending may miss the close.
        _ = await Self.play(house, flood, isClosedByServer: true)
        #expect(await Self.play(house, [hello, plivo], isClosedByServer: false))
        // One that is broken right after its upgrade may not even be live yet.
        #expect(try await eventually { try rows(house).count == 4 })
        await house.settle()
        // A stream that has said nothing is a live call of an unknown carrier, as long as it stands.
        do {
            let silent = try #require(RawPeer(port: house.exchange.port))
            #expect(silent.upgrade(Self.path) && silent.send(RawPeer.frame(hello)))
            #expect(
                try await eventually {
                    let live = try await judge.ask("/v1/calls")
                    return String(decoding: live.body, as: UTF8.self).contains(#""carrier":"unknown""#)
                })
            silent.reset()
        }
        await house.settle()
        let list = try await judge.ask("/v1/recordings?carrier=unknown")
        let items = try JSONSerialization.jsonObject(with: Data(list.body)) as? [String: Any]
        #expect((items?["items"] as? [Any])?.count == 5)
        for row in try rows(house) {
            #expect(row.call.carrier == "unknown" && row.call.endWho == .carrier)
            #expect(!row.recording.hasAudio && row.call.carrierCallID.isEmpty && row.call.streamID == nil)
            try await judge.ask("/v1/recordings/\(row.call.id)")
            #expect(try await judge.ask("/v1/recordings/\(row.call.id)/audio.mp3").status == 404)
        }
        #expect(
            try rows(house).compactMap(\.call.endWhy).sorted()
                == ["bad_messages", "no_start", "no_start", "no_start", "no_start"])
        let told = try await house.metrics()
        #expect(
            told.contains(
                "teeline_calls_ended_total{carrier=\"unknown\",who=\"carrier\",why=\"no_start\"} 4"))
        #expect(try await judge.ask("/v1/recordings?carrier=other").status == 400)
        #expect(try judge.judge(document).faults == [])
        #expect(house.close() == 0)
    }

    /// Wounded first frames of all carriers on many streams: every stream ends, a call beside them is whole.
    @Test func hostileFirstFramesHarmNobody() async throws {
        let house = try TestHouse(agent: ShortTalk.agent)
        async let beside = house.network.call(ShortTalk.call(to: house.media(Self.path), milliseconds: 2_400))
        var random = SplitMix64(seed: 12)
        let messages = Carrier.allCases.flatMap { carrier in
            let said = HostileTests.messages(carrier)
            return said.opening + said.opening + said.frames.suffix(4)
        }
        for _ in 0..<60 {
            let said = (0..<20).map { _ in
                wounded(messages.randomElement(using: &random) ?? [], &random)
            }
            _ = await Self.play(house, said, isClosedByServer: false)
        }
        #expect(await beside.end == .asPlanned)
        #expect(try await eventually { try rows(house).count == 61 })
        await house.settle()
        #expect(house.exchange.liveCalls == 0)
        let found = try rows(house)
        #expect(found.count == 61 && found.allSatisfy { $0.call.endWhy != nil })
        #expect(found.count { $0.call.endWhy == "hangup" && $0.recording.samples ?? 0 > 15_000 } == 1)
        #expect(house.close() == 0)
    }

    /// Says `messages` on a new stream, `pause` milliseconds apart; then waits for the server's close, or breaks the
    /// connection. Whether the stream was opened and, when that was awaited, closed by the server.
    private static func play(
        _ house: TestHouse, _ messages: [[UInt8]], headers: [(name: String, value: String)] = [],
        pause: UInt32 = 0, isClosedByServer: Bool
    ) async -> Bool {
        let port = house.exchange.port
        return await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                guard let peer = RawPeer(port: port), peer.upgrade(path, headers) else {
                    return continuation.resume(returning: false)
                }
                for message in messages {
                    guard peer.send(RawPeer.frame(message)) else { break }
                    if pause > 0 { usleep(pause * 1_000) }
                }
                guard isClosedByServer else {
                    peer.reset()
                    return continuation.resume(returning: true)
                }
                // The server closes with a close frame (opcode 8), after whatever it had to say.
                var heard: [UInt8] = []
                while true {
                    let more = peer.receive()
                    if more.isEmpty { break }
                    heard += more
                    if heard.suffix(4).starts(with: [0x88, 0x02]) { break }
                }
                continuation.resume(returning: heard.suffix(4).starts(with: [0x88, 0x02]))
            }
        }
    }
}
