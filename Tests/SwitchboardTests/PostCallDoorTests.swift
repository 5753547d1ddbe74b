// ElevenLabs' webhooks at the door: kept once, attached, answered when they are on the disk.

import Agents
import Archive
import Cryptography
import Foundation
import Glibc
import Net
import Simulator
import Telemetry
import Testing

@testable import Switchboard

@Suite(.serialized) struct PostCallDoorTests {
    static let sound = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 2) }

    static func service(_ secret: String = ElevenLabsBoard.webhookSecret) throws -> SimulatedConversations {
        var settings = SimulatedConversationsSettings()
        settings.manners.doubles = true
        settings.signer = { content in
            do throws(CryptographyError) {
                let header = try WebhookSignature.sign(
                    body: content.body, at: content.time.seconds, secret: Secret(secret))
                return [(WebhookSignature.header, header)]
            } catch { return [] }
        }
        return try SimulatedConversations.start(
            settings,
            histories: [
                SimulatedHistory(
                    "conv_1",
                    turns: [HistoryTurn("agent", "Hello!", at: 0), HistoryTurn("user", "Hi", at: 2)],
                    audio: sound)
            ])
    }

    private func signed(_ body: [UInt8]) throws -> [(name: String, value: String)] {
        let header = try WebhookSignature.sign(
            body: body, at: ArchiveTime.now() / 1_000_000, secret: Secret(ElevenLabsBoard.webhookSecret))
        return [(WebhookSignature.header, header)]
    }

    @Test func aWebhookSentTwiceIsOneConversation() async throws {
        let house = try ElevenLabsBoard()
        let service = try Self.service()
        let id = try house.endedCall(1, conversation: "conv_1")
        await service.sendTranscription("conv_1", to: house.url + "/elevenlabs/webhook")
        #expect(service.desk.faults == [] && service.desk.hooks.map(\.status) == [200, 200])
        let row = try #require(try house.archive.catalog.conversation(ofCall: id))
        #expect(row.conversationID == "conv_1" && row.source == .webhook && row.status == "done")
        #expect(row.verdict == .success && row.summary == "A simulated conversation." && row.hasAudio)
        #expect(row.transcript?.contains("Hello!") == true && row.durationSeconds == 22)
        let events = try house.archive.catalog.carrierEvents(ofCarrierCall: "CA1")
        #expect(events.map(\.kind) == ["post_call_transcription"] && events.first?.carrier == "elevenlabs")
        #expect(events.first?.detail.contains("Hello!") == false)
        let labels = #"type="post_call_transcription",outcome="#
        #expect(house.counted("teeline_elevenlabs_webhooks_total", labels + #""kept""#) == 1)
        #expect(house.counted("teeline_elevenlabs_webhooks_total", labels + #""known""#) == 1)
        service.desk.stop()
        #expect(await house.close() == 0)
    }

    @Test(arguments: [true, false]) func audioIsSealedWhateverComesFirst(audioFirst: Bool) async throws {
        let house = try ElevenLabsBoard()
        let service = try Self.service()
        let url = house.url + "/elevenlabs/webhook"
        if audioFirst { await service.sendAudio("conv_1", to: url) }
        await service.sendTranscription("conv_1", to: url)
        if !audioFirst { await service.sendAudio("conv_1", to: url) }
        #expect(service.desk.faults == [])
        // The call becomes known last: what was there is attached to it.
        let id = try house.endedCall(2, conversation: "conv_1")
        let row = try #require(try house.archive.catalog.conversation(ofCall: id))
        #expect(row.transcript != nil && row.audioBytes == Int64(Self.sound.count))
        #expect(row.audioSHA256?.bytes == (try SHA256Digest(of: Self.sound)).bytes)
        let path = house.archive.layout.absolute(try #require(row.audioPath))
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(Self.sound))
        service.desk.stop()
        await house.close()
    }

    @Test(arguments: [("busy", DialState.busy), ("no-answer", .noAnswer), ("unknown", .failed)])
    func aFailedInitiationEndsItsDial(reason: String, state: DialState) async throws {
        let house = try ElevenLabsBoard()
        let service = try Self.service()
        let id = CallID.make()
        try house.archive.applyAndWait(
            .dial(
                DialRow(
                    id: id, carrier: "twilio", carrierCallID: "CA77", called: "+441111111111", state: .queued,
                    requestedAt: ArchiveTime.now())))
        await service.sendInitiationFailure(
            "conv_9", agentID: "agent", reason: reason,
            metadata: ["type": "twilio", "body": ["CallSid": "CA77", "CallStatus": "busy"]],
            to: house.url + "/elevenlabs/webhook")
        #expect(service.desk.faults == [])
        let dial = try #require(try house.archive.catalog.dial(id))
        #expect(dial.state == state && dial.cause == "elevenlabs_" + reason)
        let events = try house.archive.catalog.carrierEvents(ofCarrierCall: "CA77")
        #expect(events.map(\.kind) == ["call_initiation_failure"])
        service.desk.stop()
        await house.close()
    }

    @Test func whatIsUnknownIsCountedAndTaken() async throws {
        let house = try ElevenLabsBoard()
        let body = Array(#"{"type":"answering_machine","event_timestamp":5,"data":{}}"#.utf8)
        #expect(try await house.post("/elevenlabs/webhook", body, signed(body)).status == 200)
        #expect(
            house.counted("teeline_elevenlabs_webhooks_total", #"type="unknown",outcome="kept""#) == 1)
        let bad = Array(#"{"type":"post_call_transcription"}"#.utf8)
        #expect(try await house.post("/elevenlabs/webhook", bad, signed(bad)).status == 400)
        let none = Array(
            #"{"type":"post_call_audio","event_timestamp":5,"data":{"conversation_id":"../x","full_audio":"QUJD"}}"#
                .utf8)
        #expect(try await house.post("/elevenlabs/webhook", none, signed(none)).status == 422)
        await house.close()
    }

    @Test func whatCannotBeKeptIsAskedForAgain() async throws {
        let house = try ElevenLabsBoard()
        house.archive.close()
        let body = Array(
            #"{"type":"post_call_transcription","event_timestamp":5,"data":{"conversation_id":"c1"}}"#.utf8)
        let answer = try await house.post("/elevenlabs/webhook", body, signed(body))
        #expect(answer.status == 503 && answer.header("Retry-After") == "30")
        #expect(house.logged.has("webhook_not_kept"))
        await house.close()
    }

    @Test func onlyAPlausibleSignatureMaySendMuch() async throws {
        let house = try ElevenLabsBoard()
        let large =
            Array(
                #"{"type":"post_call_transcription","event_timestamp":5,"data":{"conversation_id":"c2","x":""#
                    .utf8)
            + [UInt8](repeating: 0x61, count: 300_000) + Array(#""}}"#.utf8)
        #expect(try await house.post("/elevenlabs/webhook", large, signed(large)).status == 200)
        // No signature, and one whose time is over: the head alone decides, and the server answers 413.
        func limit(_ fields: [(name: String, value: String)]) -> Int? {
            house.board.bodyLimit(
                for: HTTPRequest(
                    method: "POST", path: "/elevenlabs/webhook",
                    headers: [("Transfer-Encoding", "chunked")] + fields))
        }
        let now = ArchiveTime.now() / 1_000_000
        let old = try WebhookSignature.sign(
            body: large, at: now - 3600, secret: Secret(ElevenLabsBoard.webhookSecret))
        #expect(limit([]) == 64 << 10)
        #expect(limit([(WebhookSignature.header, old)]) == 64 << 10)
        // Well-formed, but not ElevenLabs': it is read, and refused; whoever shares its address is none the worse for it.
        let other = try WebhookSignature.sign(
            body: large, at: now, secret: Secret("wsec_other"))
        for status in [403, 403, 403] {
            #expect(
                try await house.post("/elevenlabs/webhook", large, [(WebhookSignature.header, other)]).status
                    == status)
        }
        let small = Array(
            #"{"type":"post_call_transcription","event_timestamp":5,"data":{"conversation_id":"c3"}}"#.utf8)
        #expect(try await house.post("/elevenlabs/webhook", small, signed(small)).status == 200)
        await house.close()
    }

    /// ElevenLabs has two addresses a region, a proxy one for all: eight large bodies at once from one address are taken, beside
    /// a forger at the same address whose heads announce bodies that never come.
    @Test func manyLargeBodiesFromOneAddress() async throws {
        let house = try ElevenLabsBoard()
        var forgers: [SilentPeer] = []
        let forged = try WebhookSignature.sign(
            body: [], at: ArchiveTime.now() / 1_000_000, secret: Secret("wsec_other"))
        for _ in 0..<40 {
            forgers.append(
                try SilentPeer(
                    port: house.server.port,
                    "POST /elevenlabs/webhook HTTP/1.1\r\nHost: h\r\n\(WebhookSignature.header): \(forged)\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
                ))
        }
        let wrong = try WebhookSignature.sign(
            body: [1], at: ArchiveTime.now() / 1_000_000, secret: Secret("wsec_other"))
        let padding = String(repeating: "a", count: 1_000_000)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<8 {
                group.addTask {
                    let body = Array(
                        #"{"type":"post_call_transcription","event_timestamp":5,"data":{"conversation_id":"c\#(number)","x":"\#(padding)"}}"#
                            .utf8)
                    #expect(
                        try await house.post(
                            "/elevenlabs/webhook", body, [(WebhookSignature.header, wrong)]
                        ).status == 403)
                    return try await house.post("/elevenlabs/webhook", body, self.signed(body)).status
                }
            }
            for try await status in group { #expect(status == 200) }
        }
        withExtendedLifetime(forgers) {}
        await house.close()
    }
}

/// A peer that says something and then nothing more, until it is gone.
final class SilentPeer {
    private let descriptor: Int32

    init(port: UInt16, _ text: String) throws {
        descriptor = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let isConnected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        let bytes = Array(text.utf8)
        try #require(isConnected && Glibc.send(descriptor, bytes, bytes.count, 0) == bytes.count)
    }

    deinit { Glibc.close(descriptor) }
}
