// Streams that begin and end without a frame of sound: a true row, and no file of nothing.

import Archive
import Carriers
import Foundation
import Patience
import Telemetry
import Testing

@testable import Exchange

@Suite(.serialized) struct SilentStreamTests {
    /// The row of a Twilio stream of `start`, nothing for `milliseconds`, `stop`.
    private func row(
        of house: TestHouse, milliseconds: Int
    ) async throws -> ListedCall {
        let peer = try #require(RawPeer(port: house.exchange.port))
        #expect(peer.upgrade("/twilio/media-stream"))
        let opening = CarrierMessages.opening
        for message in opening { peer.send(RawPeer.frame(message)) }
        #expect(try await eventually { try house.exchange.archive.catalog.count() == 1 })
        try await Task.sleep(for: .milliseconds(milliseconds))
        peer.send(RawPeer.frame(CarrierMessages.stop))
        #expect(try await eventually { house.exchange.liveCalls == 0 })
        await house.settle()
        return try #require(try house.exchange.archive.catalog.list().items.first)
    }

    /// What Twilio says around the sound (twilio.com/docs/voice/media-streams/websocket-messages).
    private enum CarrierMessages {
        static var peer: CarrierPeer {
            CarrierPeer(
                start: StreamStart(
                    carrier: .twilio, streamID: "MZ0123456789", callID: "CA-silent", accountID: "AC1",
                    inbound: .pcmu8k, outbound: .pcmu8k, parameters: ["a": "b"]))
        }
        static var opening: [[UInt8]] {
            var peer = peer
            var connected: [UInt8] = []
            var start: [UInt8] = []
            peer.encodeConnected(into: &connected)
            peer.encodeStart(into: &start)
            return [connected, start]
        }
        static var stop: [UInt8] {
            var peer = peer
            var bytes: [UInt8] = []
            peer.encodeStop(into: &bytes)
            return bytes
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [0, 1_500])
    func aStreamWithoutAFrameHasALengthAndNoFile(_ milliseconds: Int) async throws {
        // Voicemail without words or beep: nobody speaks on our side either.
        let house = try TestHouse(
            agent: ShortTalk.agent,
            values: [
                "routing.mode": "voicemail", "voicemail.beep": "false", "voicemail.silence_seconds": "0",
                "limits.idle_seconds": "3600",
            ])
        let began = MonotonicTime.now
        let row = try await row(of: house, milliseconds: milliseconds)
        #expect(row.recording.state == .sealed)
        #expect(!row.recording.hasAudio && row.recording.samples == 0 && row.recording.missing.isEmpty)
        #expect(row.call.endWho == .caller && row.call.endWhy == "hangup")
        // Eight samples a millisecond, as long as start and stop lay apart.
        #expect(row.call.durationSamples >= Int64(milliseconds) * 8)
        #expect(row.call.durationSamples <= (MonotonicTime.now.milliseconds(since: began) + 20) * 8)
        #expect(ScratchFolder.files(house.folder + "/recordings").allSatisfy { !$0.hasSuffix(".part") })
        #expect(ScratchFolder.files(house.folder + "/recordings").allSatisfy { !$0.hasSuffix(".mp3") })
        let audio = try await house.get("/v1/recordings/\(row.call.id)/audio.mp3")
        #expect(audio.status == 404 && String(decoding: audio.body, as: UTF8.self).contains("no_audio"))
        #expect(house.close() == 0)
    }

    /// A stream without a start is no call that a stop waits for.
    @Test(.timeLimit(.minutes(1))) func aStreamThatSaysNothingDoesNotHoldUpTheStop() async throws {
        let house = try TestHouse(agent: ShortTalk.agent, values: ["server.drain_seconds": "40"])
        // Telnyx's start may take 90 s.
        let peer = try #require(RawPeer(port: house.exchange.port))
        #expect(peer.upgrade("/media-stream"))
        #expect(try await eventually { house.exchange.liveCalls == 1 })
        let began = MonotonicTime.now
        #expect(house.close() == 0)
        // Two seconds are a silent stream's; a call's were forty.
        #expect(MonotonicTime.now.milliseconds(since: began) < 30_000)
        withExtendedLifetime(peer) {}
    }

    /// A way to the agent is asked for every call at once, and for none that has ended.
    @Test(.timeLimit(.minutes(1))) func callersDoNotWaitForThoseBeforeThem() async throws {
        let mute = try MuteService(isPatient: true)
        let house = try TestHouse(
            agent: ShortTalk.agent,
            values: [
                "agent.base_url": mute.baseURL, "ELEVENLABS_API_KEY": "k", "limits.calls": "50",
                // Nobody is given up, and asked for again, while they are counted.
                "agent.open_seconds": "300", "limits.idle_seconds": "3600",
            ])
        var peers: [RawPeer] = []
        for _ in 0..<20 {
            let peer = try #require(RawPeer(port: house.exchange.port))
            #expect(peer.upgrade("/twilio/media-stream"))
            for message in CarrierMessages.opening { peer.send(RawPeer.frame(message)) }
            peers.append(peer)
        }
        #expect(try await eventually { mute.unanswered == 20 })
        peers = []
        #expect(try await eventually { house.exchange.liveCalls == 0 })
        #expect(try await eventually { mute.unanswered == 0 })
        #expect(mute.requests == 20)
        #expect(house.close() == 0)
        mute.stop()
    }

    @Test(.timeLimit(.minutes(1))) func aCallWithSoundHasTheLengthOfItsFile() async throws {
        let house = try TestHouse(agent: ShortTalk.agent)
        let result = await house.network.call(ShortTalk.call(to: house.media(), milliseconds: 1_000))
        await house.settle()
        let row = try #require(try house.exchange.archive.catalog.list().items.first)
        #expect(row.recording.samples == result.samples && row.call.durationSamples == result.samples)
        #expect(house.close() == 0)
    }
}
