// Texts ordered for a call that speaks: what is accepted is spoken, and what is not is not accepted.

import Archive
import Carriers
import Foundation
import Net
import Patience
import Simulator
import Telemetry
import Testing

@testable import Exchange

@Suite(.serialized) struct SpeakOrderTests {
    /// One text is being synthesised by a service that takes its time, a hundred wait (`Announcer.limit`), the next is refused.
    @Test func whatIsDroppedIsNotAccepted() async throws {
        var settings = SimulatedSpeechSettings()
        settings.firstMilliseconds = 8_000
        var door = AgentDoorSettings()
        door.speech = SimulatedSpeech(settings)
        let house = try TestHouse(
            agent: ShortTalk.agent, door: door,
            values: ["agent.api_key": "key-of-the-test", "speech.stays": "true", "agent.id": ""])
        let url = house.media("/api/v1/elevenlabs-twilio/call/connection")
        let caller = house.network.begin(ShortTalk.call(to: url, milliseconds: 60_000))
        var id: String?
        #expect(
            try await eventually {
                let calls = try await house.json("/v1/calls")["items"] as? [[String: Any]]
                id = calls?.first { $0["phase"] as? String == "live" }?["id"] as? String
                return id != nil
            })
        let path = "/v1/calls/\(try #require(id))/speak"
        var (accepted, refused) = (0, 0)
        while refused < 2, accepted <= 100 {
            let text = "{\"text\":\"Text \(accepted).\"}"
            let began = MonotonicTime.now
            let answer = try await house.ask("POST", path, text, token: nil)
            if answer.status == 202 {
                #expect(refused == 0, "taken behind a refusal")
                accepted += 1
            } else {
                #expect(answer.status == 429 && answer.json["code"] as? String == "too_many_texts")
                // A call whose loop stands still for two seconds refuses a text, too, and does not speak it.
                let stoodStill = MonotonicTime.now.milliseconds(since: began) >= 2_000
                if !stoodStill { refused += 1 }
            }
        }
        #expect(accepted == 100)
        caller.hangUp()
        let ended = await caller.result()
        #expect(ended?.end == .asPlanned)
        await house.settle()
        #expect(try await house.ask("POST", path, "{\"text\":\"Late.\"}", token: nil).status == 409)
        #expect(house.close() == 0)
    }

    /// Who was told that nothing was done is right: an answer that nobody waits for any more is not made.
    @Test func anAnswerIsGivenInTimeOrNotAtAll() {
        let answer = AwaitedAnswer<Int>()
        answer.give { 1 }
        #expect(answer.wait(milliseconds: 0) == 1)
        let late = AwaitedAnswer<Int>()
        #expect(late.wait(milliseconds: 1) == nil)
        late.give {
            Issue.record("nobody waits for it")
            return 2
        }
    }
}
