// A call, and what ElevenLabs tells of it afterwards, through a whole house to the desk's answer.

import Agents
import Archive
import Cryptography
import Exchange
import Foundation
import Patience
import Simulator
import Testing

@Suite(.serialized) struct PostCallOverSocketsTests {
    @Test func whatElevenLabsTellsStandsBesideTheRecording() async throws {
        let log = HouseLog()
        let house = try TestHouse(agent: ShortTalk.agent, values: Knock.values, log: log.log)
        let path = "/twilio/incoming-call"
        let body = Knock.form("CA5")
        let answer = await Knock.send(
            house.exchange.port, "POST", path, try Knock.proof(.twilio, path, body: body), body: body)
        var call = ShortTalk.call(to: house.media(), milliseconds: 40_000)
        call.headers = try Knock.upgrade("/twilio/media-stream").map { ($0.name, $0.value) }
        call.parameters = ["teeline_token": try #require(Knock.token(in: answer.text))]
        call.identity = StreamIdentity(streamID: "MZ5", callID: "CA5", accountID: "AC1")
        let catalog = house.exchange.archive.catalog
        let ended = try await house.call(call) { _ async throws in
            // The caller stays until there is a conversation.
            #expect(try await eventually { try catalog.list().items.first?.call.conversationID != nil })
        }
        #expect(ended.end == .asPlanned)
        await house.settle()
        let items = try await house.json("/v1/recordings")["items"] as? [[String: Any]]
        let recording = try #require(items?.first)
        let id = try #require(recording["id"] as? String)
        let conversation = try #require(recording["conversation_id"] as? String)
        #expect(try await house.get("/v1/recordings/\(id)/conversation").status == 404)

        var settings = SimulatedConversationsSettings()
        settings.signer = { content in
            do throws(CryptographyError) {
                let header = try WebhookSignature.sign(
                    body: content.body, at: content.time.seconds, secret: Secret("wsec_house"))
                return [(WebhookSignature.header, header)]
            } catch { return [] }
        }
        // 6 MB of sound: 8 MB of base64, in chunks.
        let sound = (0..<6_000_000).map { UInt8(truncatingIfNeeded: $0 &* 13 >> 4) }
        let service = try SimulatedConversations.start(
            settings,
            histories: [
                SimulatedHistory(
                    conversation, turns: [HistoryTurn("agent", "A secret appointment.", at: 0)], audio: sound)
            ])
        let url = "http://127.0.0.1:\(house.exchange.port)/elevenlabs/webhook"
        await service.sendAudio(conversation, to: url, pieceBytes: 65_536)
        await service.sendTranscription(conversation, to: url)
        #expect(service.desk.faults == [] && service.desk.hooks.map(\.status) == [200, 200])

        let told = try await house.json("/v1/recordings/\(id)/conversation")
        #expect(told["conversation_id"] as? String == conversation && told["call_id"] as? String == id)
        #expect(told["successful"] as? String == "success" && told["source"] as? String == "webhook")
        let turns = told["transcript"] as? [[String: Any]]
        #expect(turns?.first?["message"] as? String == "A secret appointment.")
        let audio = try await house.get("/v1/recordings/\(id)/conversation/audio.mp3")
        #expect(audio.status == 200 && audio.body == sound)
        #expect(
            try await house.metrics().contains(
                #"teeline_elevenlabs_webhooks_total{type="post_call_audio",outcome="kept"} 1"#))
        #expect(!log.text.contains("secret appointment"))
        for word in Knock.secrets { #expect(!log.text.contains(word), "\(word)") }
        service.stop()
        #expect(house.close() == 0)
    }
}
