// The simulated history of conversations: what it tells, what it notes, how its webhooks come (elevenlabs.md 4).

import Net
import Testing
import Wire

@testable import Simulator

@Suite struct ConversationsTests {
    static let key = ("xi-api-key", "sk_simulated")

    private func history(_ id: String, start: Int64 = 1_759_931_600) -> SimulatedHistory {
        SimulatedHistory(
            id, start: start,
            turns: [
                HistoryTurn("agent", "Hello!", at: 0), HistoryTurn("user", "Hi", at: 3),
                HistoryTurn("agent", "I was", at: 5, original: "I was about to say"),
            ], variables: ["call_id": "c1"], audio: [0x49, 0x44, 0x33] + Array(repeating: 7, count: 9000))
    }

    private func url(_ service: SimulatedConversations, _ tail: String = "") -> String {
        service.desk.baseURL + "/v1/convai/conversations" + tail
    }

    @Test func aConversationIsProcessedAndThenDone() async throws {
        var slow = history("conv_1")
        slow.processingAsks = 2
        let service = try SimulatedConversations.start(histories: [slow])
        #expect(try await ask("GET", url(service, "/conv_1/audio"), Self.key).status == 404)
        var states: [String] = []
        for _ in 1...3 {
            let answer = try await ask("GET", url(service, "/conv_1"), Self.key)
            let value = try #require(RESTValue(answer.body))
            states.append(value["status"]?.text ?? "")
            // What the SDK's model requires (elevenlabs.md 4.2).
            for name in [
                "agent_id", "conversation_id", "status", "metadata", "transcript", "has_audio",
                "has_user_audio", "has_response_audio", "has_auxiliary_audio",
            ] {
                #expect(value[name] != nil, "\(name)")
            }
            #expect(value["metadata"]?["start_time_unix_secs"]?.integer == 1_759_931_600)
            #expect(value["has_audio"] == .bool(states.count == 3))
            #expect((value["analysis"] == .null) == (states.count < 3))
            let last = value["transcript"]?.elements.last
            #expect(
                last?["message"]?.text == "I was" && last?["original_message"]?.text == "I was about to say")
            #expect(
                value["conversation_initiation_client_data"]?["dynamic_variables"]?["call_id"]?.text == "c1")
        }
        #expect(states == ["processing", "processing", "done"])
        let audio = try await ask("GET", url(service, "/conv_1/audio"), Self.key)
        #expect(audio.header("Content-Type") == "audio/mpeg" && audio.body.count == 9003)
        #expect(try await ask("GET", url(service, "/conv_2"), Self.key).status == 404)
        #expect(service.desk.faults == [])
        service.stop()
    }

    @Test func theListGoesByPageNewestFirst() async throws {
        let service = try SimulatedConversations.start(
            histories: (1...5).map { history("conv_\($0)", start: 1000 + $0) })
        var ids: [String] = []
        var cursor: String?
        var pages = 0
        repeat {
            let tail = "?page_size=2" + (cursor.map { "&cursor=" + $0 } ?? "")
            let answer = try await ask("GET", url(service, tail), Self.key)
            let value = try #require(RESTValue(answer.body))
            ids += value["conversations"]?.elements.compactMap { $0["conversation_id"]?.text } ?? []
            cursor = value["next_cursor"]?.text
            #expect(value["has_more"] == .bool(cursor != nil))
            pages += 1
        } while cursor != nil && pages < 10
        #expect(ids == ["conv_5", "conv_4", "conv_3", "conv_2", "conv_1"] && pages == 3)
        let some = try await ask(
            "GET", url(service, "?call_start_after_unix=1001&call_start_before_unix=1004&sort_direction=asc"),
            Self.key)
        #expect(
            RESTValue(some.body)?["conversations"]?.elements.compactMap {
                $0["start_time_unix_secs"]?.integer
            } == [1002, 1003])
        #expect(service.desk.faults == [])
        service.stop()
    }

    /// The list's faults, as far as three pages show them: where the next one begins, and whether there is one.
    @Test(arguments: [
        (SimulatedListEnd.never, ["after_2", "after_3", "after_4"]),
        (.circle, ["after_2", "after_2", "after_2"]), (.noCursor, []),
    ])
    func aListMayNotEnd(end: SimulatedListEnd, expected: [String]) async throws {
        var settings = SimulatedConversationsSettings()
        settings.listEnd = end
        let service = try SimulatedConversations.start(
            settings, histories: (1...3).map { history("conv_\($0)", start: 1000 + $0) })
        var cursors: [String] = []
        for _ in 1...3 {
            let tail = "?page_size=2" + (cursors.last.map { "&cursor=" + $0 } ?? "")
            let value = try #require(RESTValue(try await ask("GET", url(service, tail), Self.key).body))
            #expect(value["has_more"] == .bool(true))
            guard let cursor = value["next_cursor"]?.text else { break }
            cursors.append(cursor)
        }
        #expect(cursors == expected && service.desk.faults == [])
        service.stop()
    }

    @Test func aCursorBelongsToItsQuestion() async throws {
        let service = try SimulatedConversations.start(histories: [history("conv_1"), history("conv_2")])
        let first = try await ask("GET", url(service, "?page_size=1&call_start_after_unix=5"), Self.key)
        let cursor = try #require(RESTValue(first.body)?["next_cursor"]?.text)
        for bound in [5, 6] {
            let tail = "?page_size=1&call_start_after_unix=\(bound)&cursor=" + cursor
            #expect(try await ask("GET", url(service, tail), Self.key).status == 200)
        }
        #expect(service.desk.faults.map(\.reason) == ["a cursor is used for another question"])
        service.stop()
    }

    @Test(arguments: [
        ("?page_size=101", 422, "page_size has a value that is not allowed"),
        ("?page_size=0", 422, "page_size has a value that is not allowed"),
        ("?cursor=made-up", 422, "cursor has a value that is not allowed"),
        ("?call_start_after_unix=2026-01-01", 422, "call_start_after_unix has a value that is not allowed"),
        ("?sort_direction=up", 422, "sort_direction has a value that is not allowed"),
        ("?limit=3", 200, "a query parameter is not known"),
        ("/conv_1?format=xml", 200, "a query parameter is not known"),
        ("/conv_1/sound", 404, "there is no such resource or method"),
    ])
    func wrongRequestsAreNoted(tail: String, status: Int, reason: String) async throws {
        let service = try SimulatedConversations.start(histories: [history("conv_1")])
        #expect(try await ask("GET", url(service, tail), Self.key).status == status)
        #expect(service.desk.faults.map(\.reason) == [reason])
        service.stop()
    }

    @Test func strangersAreRefused() async throws {
        let service = try SimulatedConversations.start()
        let answer = try await ask("GET", url(service))
        // Vector rest_error_401.
        #expect(
            answer.status == 401 && RESTValue(answer.body)?["detail"]?["status"]?.text == "invalid_api_key")
        #expect(try await ask("GET", url(service), ("xi-api-key", "other")).status == 401)
        #expect(try await ask("POST", url(service), Self.key, body: "x").status == 404)
        #expect(
            service.desk.faults.map(\.reason) == [
                "xi-api-key is missing", "xi-api-key is not the key", "there is no such resource or method",
            ])
        service.stop()
    }

    @Test func webhooksComeSigned() async throws {
        let house = try HookCatcher.start { _, before in HTTPResponse(status: before == 0 ? 503 : 200) }
        var settings = SimulatedConversationsSettings()
        settings.signer = telltale
        settings.clock = { WallTime(microseconds: 1_739_537_297_000_000) }
        let service = try SimulatedConversations.start(settings, histories: [history("conv_1")])
        await service.sendTranscription("conv_1", to: house.url("/hook"))
        await service.sendAudio("conv_1", to: house.url("/hook"), pieceBytes: 1000)
        await service.sendInitiationFailure(
            "conv_2", agentID: "a", reason: "busy", metadata: ["type": "twilio", "body": [:]],
            to: house.url("/hook"))
        let caught = house.caught("/hook")
        let values = caught.compactMap { RESTValue($0.body) }
        #expect(
            values.map { $0["type"]?.text } == [
                "post_call_transcription", "post_call_transcription", "post_call_audio",
                "call_initiation_failure",
            ])
        // What is tried again is the same to the byte.
        #expect(caught[0].body == caught[1].body)
        #expect(values.allSatisfy { $0["event_timestamp"]?.integer == 1_739_537_297 })
        #expect(
            values[0]["data"]?["status"]?.text == "done"
                && values[3]["data"]?["failure_reason"]?.text == "busy")
        #expect(
            caught.allSatisfy {
                $0.header("X-Told") == FormText.escaped(house.url("/hook")) + ";0;\($0.body.count)"
            })
        #expect(
            caught[2].header("Transfer-Encoding")?.lowercased() == "chunked"
                && caught[2].header("Content-Length") == nil)
        var sound: [UInt8] = []
        let text = Array(try #require(values[2]["data"]?["full_audio"]?.text).utf8)
        #expect(text.withUnsafeBytes { Base64.decode($0, into: &sound) })
        #expect(sound == history("conv_1").audio)
        #expect(service.desk.hooks.map(\.status) == [503, 200, 200, 200] && service.desk.faults == [])
        service.stop()
        house.stop()
    }

    /// Audio is sent once: a refusal is noted and that is all. 201 is not what the service calls taken.
    @Test func refusedWebhooksAreNoted() async throws {
        let house = try HookCatcher.start { request, _ in
            HTTPResponse(status: request.path == "/created" ? 201 : 500)
        }
        let service = try SimulatedConversations.start(histories: [history("conv_1")])
        await service.sendAudio("conv_1", to: house.url("/hook"))
        await service.sendTranscription("conv_1", to: house.url("/created"))
        #expect(service.desk.faults.map(\.reason) == ["was answered 500", "was answered 201"])
        #expect(house.caught("/hook").count == 1)
        service.stop()
        house.stop()
    }

    /// 1,757,612,060 s is 2025-09-11 17:34:20 UTC, a Thursday; India is 5:30 h ahead.
    @Test func datesAreWrittenAsTheServicesDo() {
        let time = WallTime(microseconds: 1_757_612_060_076_316)
        #expect(time.rfc2822 == "Thu, 11 Sep 2025 17:34:20 +0000")
        #expect(time.iso8601 == "2025-09-11T17:34:20.076316Z")
        #expect(time.exotel == "2025-09-11 23:04:20")
    }
}
