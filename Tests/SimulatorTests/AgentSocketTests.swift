// The simulated agent over real sockets: its turns, interruptions, pings, refusals and faults.

import Agents
import Audio
import Net
import Testing

@testable import Simulator

@Suite struct AgentSocketTests {
    private static func settings(_ change: (inout SimulatedAgentSettings) -> Void = { _ in })
        -> SimulatedAgentSettings
    {
        var settings = SimulatedAgentSettings(turns: [
            AgentTurn(
                "Good day to you all", sound: .tone(hertz: 500, level: 8000), milliseconds: 400,
                trigger: .afterPrevious(milliseconds: 0)),
            AgentTurn(
                "You said something", sound: .tone(hertz: 900, level: 8000), milliseconds: 300, heard: "Hm."),
        ])
        settings.pingMilliseconds = 100
        settings.endOfTurnMilliseconds = 200
        settings.chunkSamples = 500
        change(&settings)
        return settings
    }

    private static func talk(
        _ settings: SimulatedAgentSettings, sound: [UInt8] = [], milliseconds: Int = 20_000,
        until isEnough: @escaping @Sendable (HeardConversation) -> Bool = { _ in false }
    ) async throws -> (heard: HeardConversation, record: SimulatedConversation?) {
        let agent = try SimulatedAgent.start(settings)
        defer { agent.stop() }
        let heard = try await TestCaller.talk(
            to: "ws://127.0.0.1:\(agent.port)/v1/convai/conversation?agent_id=agent_1&source=x", sound: sound,
            format: settings.input, milliseconds: milliseconds, until: isEnough)
        // Nobody who was refused has a record.
        if heard.error != nil { return (heard, nil) }
        return (heard, await agent.ended(1, withinMilliseconds: 15_000).first)
    }

    /// Silence, `milliseconds` of speech from `start`, in μ-law.
    private static func speech(from start: Int, _ milliseconds: Int) -> [UInt8] {
        CallerScript([
            .init(.silence, milliseconds: start),
            .init(.tone(hertz: 300, level: 9000), milliseconds: milliseconds),
        ]).rendered(.pcmu8k).bytes
    }

    @Test(arguments: [
        AudioFormat.pcmu8k, AudioFormat(.pcm16, rate: 8000), AudioFormat(.pcm16, rate: 16_000),
        AudioFormat(.pcm16, rate: 48_000),
    ])
    func theFirstMessageIsSaidWhole(format: AudioFormat) async throws {
        let settings = Self.settings {
            $0.output = format
            $0.input = format
        }
        let (heard, record) = try await Self.talk(settings) {
            $0.events.contains(.agentResponseComplete(eventID: 1)) && $0.pings >= 3
                && $0.spokenMilliseconds >= 100
        }
        guard case .metadata(let id, let output, let input)? = heard.events.first else {
            Issue.record("no metadata first")
            return
        }
        #expect(id.hasPrefix("conv_"))
        #expect(output == format && input == format)
        let said = SoundCoding.encoded(
            settings.turns[0].sound.rendered(milliseconds: 400, rate: format.rate), codec: format.codec)
        #expect(heard.sound == [1: said])
        #expect(heard.responses == ["Good day to you all"])
        #expect(heard.events.contains(.agentResponseComplete(eventID: 1)))
        #expect(heard.chunkSizes.allSatisfy { $0 % format.bytesPerSample == 0 })
        #expect(Set(heard.chunkSizes).count > 2)
        #expect(heard.badMessages == 0)
        let conversation = try #require(record)
        #expect(conversation.variables["call_id"] == "test")
        #expect(conversation.turns.map(\.samplesSent) == [format.rate * 2 / 5])
        #expect(conversation.callerBytes > 0)
        // Each ping that came before the end was answered before it.
        #expect(conversation.pongs.count == heard.pings && conversation.strayPongs == 0)
        #expect(conversation.pings >= heard.pings)
        #expect(conversation.authorization == "public")
    }

    @Test(arguments: [false, true])
    func theCallerIsAnswered(early: Bool) async throws {
        let (heard, record) = try await Self.talk(
            Self.settings { $0.answersBeforeTranscript = early }, sound: Self.speech(from: 450, 600)
        ) { $0.events.contains(.agentResponseComplete(eventID: 2)) }
        #expect(heard.responses == ["Good day to you all", "You said something"])
        #expect(heard.events.contains(.userTranscript(text: "Hm.", eventID: 2)))
        let answer = heard.events.firstIndex(of: .agentResponse(text: "You said something", eventID: 2))
        let transcript = heard.events.firstIndex(of: .userTranscript(text: "Hm.", eventID: 2))
        #expect((try #require(answer) < #require(transcript)) == early)
        #expect(heard.interruptions.isEmpty)
        #expect(heard.sound[2]?.count == 2400)
        #expect(record?.turns.map(\.interrupted) == [false, false])
    }

    @Test(arguments: [true, false], [true, false])
    func theCallerCanInterrupt(equal: Bool, late: Bool) async throws {
        let settings = Self.settings {
            $0.turns[0].milliseconds = 60_000
            $0.burstFactor = 4
            $0.replyHasInterruptionID = equal
            $0.sendsLateChunk = late
        }
        let (heard, record) = try await Self.talk(settings, sound: Self.speech(from: 300, 600)) {
            $0.responses.count == 2
        }
        #expect(heard.interruptions == [2])
        let cut = try #require(heard.events.firstIndex(of: .interruption(eventID: 2)))
        let after = heard.events[cut...]
        #expect(
            after.contains {
                if case .agentResponseCorrection("Good day to you all", let corrected, 1) = $0 {
                    return corrected.hasSuffix("...") && corrected.count < 19
                }
                return false
            })
        let stale = after.filter { if case .audio(1, _) = $0 { true } else { false } }
        #expect(stale.count == (late ? 1 : 0))
        #expect(heard.events.contains(.agentResponse(text: "You said something", eventID: equal ? 2 : 3)))
        let turn = try #require(record?.turns.first)
        #expect(turn.interrupted)
        // What was heard since the turn began, not what was sent of it: four times as much.
        let interruptedAt = try #require(heard.interruptedAt)
        #expect(turn.believedHeard >= 300 && Int64(turn.believedHeard) <= interruptedAt)
        #expect(turn.samplesSent < 480_000)
    }

    @Test func itCanBeToldNotToBeInterrupted() async throws {
        let settings = Self.settings {
            $0.turns[0].milliseconds = 1000
            $0.isInterruptible = false
        }
        let (heard, _) = try await Self.talk(settings, sound: Self.speech(from: 100, 300)) {
            $0.events.contains(.agentResponseComplete(eventID: 1)) && $0.spokenMilliseconds >= 700
        }
        #expect(heard.interruptions.isEmpty)
        #expect(heard.sound[1]?.count == 8000)
    }

    @Test func itInterruptsItselfAtATime() async throws {
        let settings = Self.settings {
            $0.turns[0].milliseconds = 60_000
            $0.turns[1].trigger = .afterPrevious(milliseconds: 0)
            $0.interruptions = [200]
        }
        let (heard, _) = try await Self.talk(settings) {
            $0.events.contains(.agentResponseComplete(eventID: 2))
        }
        #expect(heard.interruptions == [2])
        #expect(heard.sound[2]?.count == 2400)
    }

    @Test func itCallsATool() async throws {
        let (heard, record) = try await Self.talk(
            Self.settings { $0.turns[0].clientTool = "look_up" }
        ) { $0.events.contains { if case .clientToolCall = $0 { true } else { false } } }
        #expect(
            heard.events.contains(.clientToolCall(name: "look_up", callID: "toolu_1", expectsResponse: true)))
        #expect(record?.toolResults == 1)
    }

    @Test func itHangsUp() async throws {
        let (heard, record) = try await Self.talk(Self.settings { $0.turns[0].endsCall = true })
        #expect(heard.events.contains(.agentToolResponse(name: "end_call", isError: false)))
        #expect(heard.closeCode == 1000)
        #expect(heard.sound[1]?.count == 3200)
        #expect(record?.closedByAgent == true)
    }

    @Test(arguments: [401, 403, 404, 429])
    func theUpgradeIsRefused(status: Int) async throws {
        let (heard, _) = try await Self.talk(Self.settings { $0.faults = [.refuse(status: status)] })
        #expect(heard.error == .refused(status: status))
    }

    @Test(arguments: [(UInt16(1008), "override_error"), (3000, "Request error"), (1002, "quota")])
    func itClosesAtOnce(code: UInt16, reason: String) async throws {
        let (heard, _) = try await Self.talk(
            Self.settings { $0.faults = [.closeAtOnce(code: code, reason: reason)] })
        #expect(heard.closeCode == code)
        #expect(heard.closeReason == reason)
        #expect(heard.events.isEmpty)
    }

    @Test func itClosesInTheMiddle() async throws {
        // So late after the socket opened that the first turn has begun by then.
        let (heard, _) = try await Self.talk(
            Self.settings { $0.faults = [.close(atMilliseconds: 3500, code: 1011, reason: "")] })
        #expect(heard.closeCode == 1011)
        #expect(heard.responses.count == 1)
    }

    @Test func theConnectionBreaks() async throws {
        let (heard, _) = try await Self.talk(Self.settings { $0.faults = [.reset(atMilliseconds: 150)] })
        #expect(heard.closeCode == 1006)
    }

    @Test func oddEventsComeAtTheirTime() async throws {
        let settings = Self.settings {
            $0.faults = [
                .queue(milliseconds: 100), .flatError(atMilliseconds: 150), .clientError(atMilliseconds: 150),
                .unknownEvent(atMilliseconds: 200), .emptyAudio(atMilliseconds: 200),
                .notJSON(atMilliseconds: 200),
            ]
        }
        @Sendable func errors(_ heard: HeardConversation) -> Int {
            heard.events.count { if case .error = $0 { true } else { false } }
        }
        let (heard, _) = try await Self.talk(settings) {
            errors($0) == 2 && $0.events.contains(.unknown(type: "new_event")) && $0.badMessages == 1
                && $0.chunkSizes.contains(0)
                && $0.events.contains { if case .metadata = $0 { true } else { false } }
        }
        // What strikes at its time may strike in the queue, too.
        let own = heard.events.filter {
            switch $0 {
            case .error, .unknown, .audio: false
            default: true
            }
        }
        #expect(Array(own.prefix(2)) == [.queueStatus("waiting"), .queueStatus("admitted")])
        #expect(errors(heard) == 2)
        #expect(heard.events.contains(.unknown(type: "new_event")))
        #expect(heard.chunkSizes.contains(0))
        #expect(heard.badMessages == 1)
    }

    @Test(arguments: [AgentFault.noMetadata, .mute])
    func itIsSilent(fault: AgentFault) async throws {
        // Of no metadata there is nothing to wait for; the mute one is known by its pings.
        let (heard, _) = try await Self.talk(
            Self.settings { $0.faults = [fault] }, milliseconds: fault == .noMetadata ? 300 : 20_000
        ) { $0.pings >= 3 }
        #expect(heard.sound.isEmpty)
        #expect(heard.events.isEmpty == (fault == .noMetadata))
    }
}

@Suite struct AgentDoorTests {
    private static func door(_ settings: AgentDoorSettings) -> AgentDoor {
        AgentDoor(settings, agents: ["a b": SimulatedAgentSettings()], fallback: nil, seed: 1) {
            socket, _, _ in
            socket.release()
        }
    }

    private static func status(_ outcome: HTTPOutcome) -> Int {
        if case .response(let response) = outcome { response.status } else { 101 }
    }

    private static func request(
        _ path: String, _ query: [(name: String, value: String)], key: String? = nil
    ) -> HTTPRequest {
        HTTPRequest(method: "GET", path: path, query: query, headers: key.map { [("xi-api-key", $0)] } ?? [])
    }

    static let mint = "/v1/convai/conversation/get-signed-url"
    static let socket = "/v1/convai/conversation"

    @Test(
        arguments: [(nil, "a b", 401), ("wrong", "a b", 401), ("key", "other", 404), ("key", "a b", 200)]
            as [(String?, String, Int)])
    func onlyTheKeyGetsASignedURL(key: String?, agent: String, status: Int) {
        var settings = AgentDoorSettings()
        settings.apiKey = "key"
        let door = Self.door(settings)
        for path in [Self.mint, "/v1/convai/conversation/get_signed_url"] {
            #expect(
                Self.status(door.respond(to: Self.request(path, [("agent_id", agent)], key: key))) == status)
        }
        #expect(Self.status(door.respond(to: Self.request(Self.mint, [], key: "key"))) == 422)
    }

    @Test func authorizationOfTheSocket() throws {
        var settings = AgentDoorSettings()
        settings.apiKey = "key"
        settings.needsAuthorization = true
        let door = Self.door(settings)
        door.stand(at: "127.0.0.1:9")
        let agent = (name: "agent_id", value: "a b")
        func status(_ query: [(name: String, value: String)], key: String? = nil) -> Int {
            Self.status(door.respond(to: Self.request(Self.socket, query, key: key)))
        }
        #expect(status([agent]) == 401)
        #expect(status([agent], key: "wrong") == 401)
        #expect(status([agent], key: "key") == 101)
        #expect(status([agent, ("conversation_signature", "made_up")]) == 403)
        #expect(status([("agent_id", "other")], key: "key") == 404)
        guard case .response(let response) = door.respond(to: Self.request(Self.mint, [agent], key: "key")),
            case .bytes(let body) = response.body
        else {
            Issue.record("no signed URL")
            return
        }
        let text = String(decoding: body, as: UTF8.self)
        let prefix =
            "{\"signed_url\":\"ws://127.0.0.1:9/v1/convai/conversation?agent_id=a%20b&conversation_signature="
        #expect(text.hasPrefix(prefix))
        let signature = String(text.dropFirst(prefix.count).dropLast(2))
        #expect(status([agent, ("conversation_signature", signature)]) == 101)
    }
}
