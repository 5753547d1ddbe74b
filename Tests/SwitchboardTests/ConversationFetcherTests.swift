// Conversations that no webhook brings: fetched until they are done, and taken up after a restart.

import Archive
import Cryptography
import Foundation
import Patience
import Simulator
import Telemetry
import Testing

@testable import Switchboard

@Suite(.serialized) struct ConversationFetcherTests {
    private func house(
        _ service: SimulatedConversations, pauses: [Int64] = [5, 5, 5, 5]
    ) throws -> ElevenLabsBoard {
        let url = service.desk.baseURL
        return try ElevenLabsBoard {
            $0.elevenLabs.apiKey = Secret("sk_simulated")
            $0.elevenLabs.baseURL = url
            $0.elevenLabs.fetchPauses = pauses
        }
    }

    private func end(_ house: ElevenLabsBoard, _ id: String, _ conversation: String?) {
        house.board.callEnded(
            EndedCall(
                id: id, carrier: .twilio, carrierCallID: "CA1", conversationID: conversation,
                carrierHasHungUp: true))
    }

    private func row(_ house: ElevenLabsBoard, _ id: String = "conv_1") throws -> ConversationRow? {
        try house.archive.catalog.conversation(id)
    }

    @Test func itIsAskedForUntilItIsDone() async throws {
        let service = try SimulatedConversations.start()
        var history = SimulatedHistory("conv_1", turns: [HistoryTurn("user", "Hi", at: 1)], audio: [1])
        history.processingAsks = 2
        service.add(history)
        let house = try house(service)
        let call = try house.endedCall(1, conversation: "conv_1")
        end(house, call, "conv_1")
        #expect(try await eventually { try row(house) != nil })
        let kept = try #require(try row(house))
        #expect(kept.source == .fetch && kept.callID == call && kept.status == "done" && kept.hasAudio)
        // Its own end, whatever our clock says: every webhook is later than that.
        #expect(kept.eventTimestamp == Int64(1_759_931_622))
        #expect(
            service.desk.requests.map(\.path) == Array(repeating: "/v1/convai/conversations/conv_1", count: 3)
        )
        #expect(service.desk.faults == [])
        #expect(
            try await eventually { house.counted("teeline_conversations_total", #"outcome="fetched""#) == 1 }
        )
        service.stop()
        await house.close()
    }

    @Test(arguments: [429, 500, 503]) func passingTroubleIsTriedAgain(status: Int) async throws {
        let service = try SimulatedConversations.start(histories: [SimulatedHistory("conv_1")])
        service.desk.script(ScriptedAnswer(status))
        let house = try house(service)
        end(house, "x", "conv_1")
        #expect(try await eventually { try row(house) != nil })
        #expect(service.desk.requests.map(\.status) == [status, 200])
        service.stop()
        await house.close()
    }

    @Test(arguments: [(404, "unknown"), (401, "refused"), (422, "status_422")])
    func lastingTroubleEndsIt(status: Int, cause: String) async throws {
        let service = try SimulatedConversations.start(histories: [SimulatedHistory("conv_1")])
        service.desk.script(ScriptedAnswer(status))
        let house = try house(service)
        end(house, "x", "conv_1")
        #expect(try await eventually { house.logged.has("conversation_not_fetched") })
        #expect(house.logged.all.contains { $0.contains("\"cause\":\"\(cause)\"") })
        #expect(await house.close() == 0)
        #expect(service.desk.requests.count == 1)
        service.stop()
    }

    @Test func whatAWebhookBroughtIsNotFetched() async throws {
        let service = try SimulatedConversations.start(histories: [SimulatedHistory("conv_1")])
        let house = try house(service)
        try house.archive.applyAndWait(
            .conversation(
                ConversationRow(
                    conversationID: "conv_1", source: .webhook, receivedAt: ArchiveTime.now(),
                    eventTimestamp: 5)))
        end(house, "x", "conv_1")
        #expect(
            try await eventually { house.counted("teeline_conversations_total", #"outcome="brought""#) == 1 }
        )
        #expect(service.desk.requests.isEmpty)
        #expect(try row(house)?.eventTimestamp == 5)
        service.stop()
        await house.close()
    }

    @Test func aNameThatIsNoneIsNeverAskedFor() async throws {
        let service = try SimulatedConversations.start()
        let house = try house(service, pauses: [0])
        end(house, "x", "../convai/agents")
        end(house, "x", nil)
        #expect(house.board.parts.errands.count == 0)
        await house.close()
        #expect(service.desk.requests.isEmpty)
        service.stop()
    }

    @Test func aStopDoesNotWaitForPauses() async throws {
        let service = try SimulatedConversations.start(histories: [SimulatedHistory("conv_1")])
        let house = try house(service, pauses: [600_000])
        for number in 1...50 { end(house, "x\(number)", "conv_\(number)") }
        let began = MonotonicTime.now
        #expect(await house.close() == 0)
        // The pauses are ten minutes.
        #expect(MonotonicTime.now.milliseconds(since: began) < 30_000)
        #expect(service.desk.requests.isEmpty)
        service.stop()
    }

    @Test func aStartTakesUpWhatIsMissing() async throws {
        let service = try SimulatedConversations.start(
            histories: (1...4).map { SimulatedHistory("conv_\($0)") })
        let house = try house(service)
        let now = ArchiveTime.now()
        try house.endedCall(1, conversation: "conv_1")
        try house.endedCall(2, conversation: "conv_2")
        // Too long ago, by a minute; and one of which everything is known.
        try house.endedCall(3, conversation: "conv_3", startedAt: now - 24 * 3600 * 1_000_000 - 60_000_000)
        try house.archive.applyAndWait(
            .conversation(
                ConversationRow(
                    conversationID: "conv_2", source: .webhook, receivedAt: now, eventTimestamp: 5)))
        try house.endedCall(4, conversation: nil)
        house.board.takeUp()
        #expect(try await eventually { try row(house) != nil })
        #expect(await house.close() == 0)
        #expect(service.desk.requests.map(\.path) == ["/v1/convai/conversations/conv_1"])
        service.stop()
    }

    @Test func withoutAKeyNothingIsFetched() async throws {
        let service = try SimulatedConversations.start(histories: [SimulatedHistory("conv_1")])
        let url = service.desk.baseURL
        for hasKey in [false, true] {
            let house = try ElevenLabsBoard {
                $0.elevenLabs.apiKey = Secret(hasKey ? "sk_simulated" : "")
                $0.elevenLabs.fetchesConversations = !hasKey
                $0.elevenLabs.baseURL = url
                $0.elevenLabs.fetchPauses = [0]
            }
            end(house, "x", "conv_1")
            #expect(house.board.parts.errands.count == 0)
            await house.close()
        }
        #expect(service.desk.requests.isEmpty)
        service.stop()
    }
}
