// The question of ElevenLabs' native Twilio integration, answered by rules and contexts, in time.

import Agents
import Archive
import Foundation
import Net
import Patience
import Routing
import Telemetry
import Testing

@testable import Switchboard

@Suite(.serialized) struct InitiationTests {
    static let question = Array(
        #"{"caller_id":"+12025550123","agent_id":"agent_1","called_number":"+12025550100","call_sid":"CA1"}"#
            .utf8)
    static let bearer = [(name: "Authorization", value: "Bearer " + ElevenLabsBoard.initiationSecret)]

    private func object(_ answer: HTTPClientResponse) throws -> NSDictionary {
        try #require(JSONSerialization.jsonObject(with: Data(answer.body)) as? NSDictionary)
    }

    @Test func theAnswerIsWhatThePlanSets() async throws {
        let rules = Array(
            """
            {"rules": [{"name": "vip", "when": {"called": "+12025550100", "context": {"vip": "true"}},
              "then": {"mode": "agent", "first_message": "Welcome back, {{name}}.", "language": "de",
                       "voice_id": "voice-2", "variables": {"tier": "gold"}}}]}
            """.utf8)
        let table = try RoutingTable(document: rules)
        let house = try ElevenLabsBoard { $0.routing = table }
        try house.archive.applyAndWait(
            .storeContext(
                ContextRow(
                    phone: "+12025550123", fields: ["name": "Ada", "vip": "true", "system__time": "never"])))
        let answer = try await house.post(
            "/elevenlabs/conversation-initiation", Self.question, Self.bearer)
        #expect(answer.status == 200 && answer.header("Content-Type") == "application/json")
        // The members of vector hook_twilio_personalization_response, as far as the plan sets them.
        let expected: NSDictionary = [
            "type": "conversation_initiation_client_data",
            "dynamic_variables": [
                "name": "Ada", "vip": "true", "tier": "gold", "carrier": "twilio", "call_id": "CA1",
                "caller": "+12025550123", "called": "+12025550100",
            ],
            "conversation_config_override": [
                "agent": ["first_message": "Welcome back, Ada.", "language": "de"],
                "tts": ["voice_id": "voice-2"],
            ],
        ]
        #expect(try object(answer) == expected)
        let isKept = try await eventually {
            try house.archive.catalog.carrierEvents(ofCarrierCall: "CA1").map(\.kind)
                == ["conversation.initiation"]
        }
        #expect(isKept)
        #expect(!house.logged.all.contains { $0.contains("2025550") || $0.contains("Ada") })
        await house.close()
    }

    @Test func nobodySpecialGetsNoOverrides() async throws {
        let house = try ElevenLabsBoard()
        let answer = try await house.post("/elevenlabs/conversation-initiation", Array("?".utf8), Self.bearer)
        let expected: NSDictionary = [
            "type": "conversation_initiation_client_data", "dynamic_variables": ["carrier": "twilio"],
        ]
        #expect(try answer.status == 200 && object(answer) == expected)
        #expect(house.logged.has("initiation_malformed"))
        await house.close()
    }

    @Test func aSlowServiceDoesNotKeepTheCallerWaiting() async throws {
        let slow = try SlowService()
        let url = slow.url
        let house = try ElevenLabsBoard {
            $0.contexts = ContextService(
                url: url, token: nil, timeoutMilliseconds: 60_000, keepMilliseconds: 0)
        }
        let began = MonotonicTime.now
        let answer = try await house.post("/elevenlabs/conversation-initiation", Self.question, Self.bearer)
        let waited = MonotonicTime.now.milliseconds(since: began)
        // 1.9 s by the switchboard's clock; the slow service itself would give up after 20 s.
        #expect(answer.status == 200 && (1_800...14_000).contains(waited), "\(waited)")
        let variables = try object(answer)["dynamic_variables"] as? [String: String]
        #expect(variables?["caller"] == "+12025550123")
        slow.release()
        await house.close()
        slow.stop()
    }

    @Test(arguments: [nil, "Bearer other", "Bearer ", "Basic aW5pdGlhdGlvbi1zZWNyZXQtMQ=="] as [String?])
    func strangersAreTurnedAway(field: String?) async throws {
        let house = try ElevenLabsBoard()
        let fields = field.map { [(name: "Authorization", value: $0)] } ?? []
        let answer = try await house.post("/elevenlabs/conversation-initiation", Self.question, fields)
        #expect(answer.status == 403)
        #expect(try house.archive.catalog.carrierEvents(ofCarrierCall: "CA1").isEmpty)
        await house.close()
    }
}

/// A service that answers when it is released.
final class SlowService: HTTPHandler, @unchecked Sendable {
    // `lock` guards the replies; `running` is set once, before any request.
    private let lock = Lock()
    private var replies: [HTTPReply] = []
    private var running: HTTPServer?

    var url: String { "http://127.0.0.1:\(running?.port ?? 0)/contexts" }

    init() throws { running = try HTTPServer.start(HTTPServerSettings(port: 0), handler: self) }

    func respond(to request: HTTPRequest) -> HTTPOutcome {
        .deferred(limitMilliseconds: 20_000, fallback: HTTPResponse(status: 404)) { [self] reply in
            lock.withLock { replies.append(reply) }
        }
    }

    func release() {
        let waiting = lock.withLock { replies }
        for reply in waiting { reply.send(HTTPResponse(status: 404)) }
    }

    func stop() { running?.stop() }
}
