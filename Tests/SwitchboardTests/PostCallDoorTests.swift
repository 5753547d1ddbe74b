// ElevenLabs' webhooks at the door: kept once, attached, answered when they are on the disk.

import Agents
import Archive
import Cryptography
import Foundation
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
        // Well-formed, but not ElevenLabs': it is read once, and refused; then its source may send no more than others.
        let other = try WebhookSignature.sign(
            body: large, at: now, secret: Secret("wsec_other"))
        for status in [403, 413, 413] {
            #expect(
                try await house.post("/elevenlabs/webhook", large, [(WebhookSignature.header, other)]).status
                    == status)
        }
        let small = Array(
            #"{"type":"post_call_transcription","event_timestamp":5,"data":{"conversation_id":"c3"}}"#.utf8)
        #expect(try await house.post("/elevenlabs/webhook", small, signed(small)).status == 200)
        await house.close()
    }

    /// A clock that stands still until it is moved.
    private final class Hand: @unchecked Sendable {
        // Set and read by one test.
        var now = MonotonicTime(nanoseconds: 1_000_000_000)
        func pass(_ milliseconds: Int64) { now = now.adding(milliseconds: milliseconds) }
    }

    @Test func fewLargeBodiesAtOnce() throws {
        let hand = Hand()
        let bodies = LargeBodies { hand.now }
        // Two of one source, four in all.
        for _ in 0..<2 { #expect(bodies.reserve("a", source: "1")) }
        #expect(!bodies.reserve("a", source: "1"))
        for _ in 0..<2 { #expect(bodies.reserve("a", source: "2")) }
        #expect(!bodies.reserve("b", source: "3"))
        do {
            let lease = try #require(bodies.arrived("a"))
            // It is being worked on: its place is still taken.
            #expect(!bodies.reserve("b", source: "3"))
            withExtendedLifetime(lease) {}
        }
        #expect(bodies.reserve("b", source: "3"))
        #expect(bodies.arrived("c") == nil)
        // Those that never arrive give their places back: 60 s, and one for the cut.
        hand.pass(60_999)
        #expect(!bodies.reserve("c", source: "4"))
        hand.pass(1)
        #expect(bodies.reserve("c", source: "4"))
    }

    /// A body that never came costs its source a place, one that proved nothing costs both; for five minutes.
    @Test func forgedHeadsTakeNoPlacesForGood() throws {
        let hand = Hand()
        let bodies = LargeBodies { hand.now }
        #expect(bodies.reserve("late", source: "1"))
        hand.pass(61_000)
        #expect(bodies.reserve("late", source: "1") && !bodies.reserve("late", source: "1"))
        hand.pass(61_000)
        #expect(!bodies.reserve("late", source: "1"))
        #expect(bodies.reserve("forged", source: "2"))
        do {
            let lease = try #require(bodies.arrived("forged"))
            lease.isForged()
        }
        #expect(!bodies.reserve("forged", source: "2"))
        // Nobody else pays for it.
        for _ in 0..<2 { #expect(bodies.reserve("good", source: "3")) }
        for _ in 0..<2 { _ = bodies.arrived("good") }
        hand.pass(299_999)
        #expect(!bodies.reserve("forged", source: "2"))
        hand.pass(1)
        #expect(bodies.reserve("forged", source: "2") && bodies.reserve("late", source: "1"))
    }
}
