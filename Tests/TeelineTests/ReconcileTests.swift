// `teeline reconcile`: a real archive against a list that comes over real HTTP, page by page.

import Agents
import Archive
import Foundation
import Simulator
import Testing

@testable import teeline

/// An archive in a temporary folder and ElevenLabs' list, with calls and conversations of our choice.
private final class TwoBooks {
    /// 2026-11-20T00:00:00Z, by `date -u -d 2026-11-20 +%s`.
    static let day: Int64 = 1_795_132_800
    static let personal = ["+15005550001", "+15005550002", "Hello from Ada"]

    let folder = NSTemporaryDirectory() + "teeline-reconcile-" + UUID().uuidString
    let archive: CallArchive
    let service: SimulatedConversations

    init(_ end: SimulatedListEnd = .last) throws {
        archive = try CallArchive(StorageLayout(root: folder))
        var settings = SimulatedConversationsSettings()
        settings.listEnd = end
        service = try SimulatedConversations.start(settings)
    }

    deinit {
        service.stop()
        archive.close()
        _ = try? FileManager.default.removeItem(atPath: folder)
    }

    /// A call `second` seconds into the day, of `seconds`; nil is not over. Returns our identifier.
    @discardableResult
    func call(
        _ conversation: String?, at second: Int64, seconds: Int64? = 20, agent: String = "agent_a"
    ) throws -> String {
        let start = (Self.day + second) * 1_000_000
        let row = CallRow(
            id: CallID.make(), carrier: "twilio", carrierCallID: "CA\(second)", caller: Self.personal[0],
            called: Self.personal[1], agentID: agent, startedAt: start)
        try archive.applyAndWait(.open(row))
        try archive.applyAndWait(
            .annotate(id: row.id, streamID: nil, agentID: nil, conversationID: conversation))
        if let seconds {
            let ending = CallEnding(
                endedAt: start + seconds * 1_000_000, durationSamples: seconds * 8000, who: .caller,
                why: "hangup")
            let turn = TurnRow(role: .agent, text: Self.personal[2], startSamples: 0, endSamples: 800)
            try archive.applyAndWait(
                .seal(id: row.id, SealRequest(file: nil, ending: ending, turns: [turn])))
        }
        return row.id
    }

    /// Calls of 20 s, one a second, each one change of the archive.
    func calls(_ numbers: some Sequence<Int>) throws {
        for number in numbers {
            let start = (Self.day + Int64(number)) * 1_000_000
            try archive.applyAndWait(
                .open(
                    CallRow(
                        id: CallID.make(), carrier: "twilio", carrierCallID: "CA\(number)",
                        conversationID: "conv_\(number)", startedAt: start, endedAt: start + 20_000_000,
                        durationSamples: 160_000)))
        }
    }

    /// A conversation of the list.
    func conversation(
        _ id: String, at second: Int64, seconds: Int = 19, agent: String = "agent_a", isOver: Bool = true
    ) {
        var history = SimulatedHistory(
            id, agentID: agent, start: Self.day + second, seconds: seconds,
            turns: [HistoryTurn("agent", Self.personal[2], at: 0)])
        history.processingAsks = isOver ? 0 : 1
        service.add(history)
    }

    /// The command for `words`, as the command line gives it; the day is asked for unless they say otherwise.
    func command(_ words: String..., key: String = "sk_simulated", base: String? = nil) throws
        -> ReconcileCommand
    {
        let days = words.contains("--from") ? [] : ["--from", "2026-11-20", "--to", "2026-11-21"]
        let line = ["reconcile", "--storage", folder] + days + words
        guard case .run(Commands.reconcile, let arguments) = try Invocation(line) else {
            throw UsageError(message: "another command")
        }
        let environment = [
            "ELEVENLABS_API_KEY": key, "ELEVENLABS_BASE_URL": base ?? service.desk.baseURL,
        ]
        var command = try ReconcileCommand(
            arguments, environment: ServerEnvironment(arguments, environment: environment))
        command.pauseMilliseconds = 1
        return command
    }
}

@Suite struct ReconcileTests {
    @Test func whatAgreesIsCounted() async throws {
        let books = try TwoBooks()
        for number in 0..<3 {
            try books.call("conv_\(number)", at: Int64(number) * 100)
            books.conversation("conv_\(number)", at: Int64(number) * 100 + 1)
        }
        let command = try books.command()
        let comparison = try await command.compare()
        #expect(comparison.agrees && comparison.matched == 3)
        #expect(comparison.unfinished == 0 && comparison.withoutConversation == 0)
        #expect(
            ReconcileText(comparison, window: command.window, tolerance: 10).lines
                == ["2026-11-20T00:00:00 to 2026-11-21T00:00:00 (UTC): 3 in both"])
        #expect(try await command.run() == .success)
        #expect(books.service.desk.faults == [])
    }

    @Test func whatOnlyOneSideHasIsNamed() async throws {
        let books = try TwoBooks()
        try books.call("conv_both", at: 0)
        books.conversation("conv_both", at: 1)
        let lost = try books.call("conv_lost", at: 200)
        books.conversation("conv_native", at: 300)
        let command = try books.command()
        let comparison = try await command.compare()
        #expect(comparison.matched == 1 && comparison.differing.isEmpty && !comparison.agrees)
        #expect(comparison.onlyArchived.map(\.id) == [lost])
        #expect(
            comparison.onlyListed == [
                ListedConversation(
                    conversationID: "conv_native", agentID: "agent_a", startedAt: TwoBooks.day + 300,
                    durationSeconds: 19)
            ])
        #expect(try await command.run() == .differs)
        #expect(ExitCode.differs.rawValue == 7)
        let text = ReconcileText(comparison, window: command.window, tolerance: 10)
        #expect(
            text.lines == [
                "2026-11-20T00:00:00 to 2026-11-21T00:00:00 (UTC): 1 in both, 1 only at ElevenLabs, 1 only here",
                "", "Only at ElevenLabs: no call here carried it",
                "CONVERSATION  AGENT    STARTED (UTC)        LENGTH  STATUS",
                "conv_native   agent_a  2026-11-20T00:05:00  19 s    done",
                "", "Only here: ElevenLabs does not list it",
                "ID                          CONVERSATION  AGENT    STARTED (UTC)        LENGTH",
                "\(lost)  conv_lost     agent_a  2026-11-20T00:03:20  20.0 s",
            ])
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(text.json.utf8)) as? NSDictionary)
        let expected: NSDictionary = [
            "from": "2026-11-20T00:00:00.000000Z", "to": "2026-11-21T00:00:00.000000Z", "agent_id": NSNull(),
            "tolerance_seconds": 10, "agrees": false, "in_both": 1, "not_over": 0,
            "without_conversation": 0,
            "only_at_elevenlabs": [
                [
                    "conversation_id": "conv_native", "agent_id": "agent_a",
                    "started_at": "2026-11-20T00:05:00.000000Z", "duration_seconds": 19, "status": "done",
                ]
            ],
            "only_here": [
                [
                    "id": lost, "conversation_id": "conv_lost", "agent_id": "agent_a",
                    "started_at": "2026-11-20T00:03:20.000000Z", "duration_ms": 20_000,
                ]
            ], "different_length": [],
        ]
        #expect(json == expected)
        for word in TwoBooks.personal { #expect(!(text.lines.joined() + text.json).contains(word)) }
    }

    /// 20 s here: 10 and 30 are within ten seconds, 9 and 31 are not.
    @Test func lengthsDifferBeyondTheTolerance() async throws {
        let books = try TwoBooks()
        for seconds in [9, 10, 30, 31] {
            try books.call("conv_\(seconds)", at: Int64(seconds))
            books.conversation("conv_\(seconds)", at: Int64(seconds), seconds: seconds)
        }
        let comparison = try await books.command().compare()
        #expect(comparison.matched == 4 && comparison.onlyListed.isEmpty && comparison.onlyArchived.isEmpty)
        #expect(comparison.differing.map(\.listed.conversationID) == ["conv_31", "conv_9"])
        #expect(try await books.command("--tolerance", "11").compare().agrees)
        #expect(try await books.command("--tolerance", "0").compare().differing.count == 4)
        let lines = ReconcileText(comparison, window: try books.command().window, tolerance: 10).lines
        try #require(lines.count == 6)
        #expect(lines[2] == "Lengths that differ by more than 10 s")
        #expect(lines[4].hasSuffix("  conv_31       2026-11-20T00:00:31  20.0 s  31 s"))
    }

    @Test func whatIsNotOverIsNotJudged() async throws {
        let books = try TwoBooks()
        try books.call("conv_running", at: 0, seconds: nil)
        books.conversation("conv_running", at: 1, seconds: 500, isOver: false)
        try books.call("conv_processing", at: 100)
        books.conversation("conv_processing", at: 101, seconds: 0, isOver: false)
        // It has begun here, and the list does not have it yet.
        try books.call("conv_young", at: 200, seconds: nil)
        try books.call(nil, at: 300)
        let comparison = try await books.command().compare()
        #expect(comparison.agrees && comparison.matched == 2 && comparison.unfinished == 3)
        #expect(comparison.withoutConversation == 1)
    }

    /// Both sides of midnight: what belongs together is found, what is of another day is not told.
    @Test func edgesTearNothingApart() async throws {
        let books = try TwoBooks()
        try books.call("conv_before", at: -2)
        books.conversation("conv_before", at: 2)
        try books.call("conv_after", at: 86_399)
        books.conversation("conv_after", at: 86_402)
        try books.call("conv_yesterday", at: -100)
        books.conversation("conv_tomorrow", at: 86_500)
        let command = try books.command()
        let comparison = try await command.compare()
        #expect(comparison.agrees && comparison.matched == 2)
        // The next day has the conversation that nobody carried, and the one whose call was before.
        let next = try await books.command("--from", "2026-11-21", "--to", "2026-11-22").compare()
        #expect(next.onlyListed.map(\.conversationID) == ["conv_tomorrow"] && next.matched == 1)
        #expect(books.service.desk.faults == [])
    }

    @Test func anAgentHasItsOwnBooks() async throws {
        let books = try TwoBooks()
        try books.call("conv_a", at: 0)
        books.conversation("conv_a", at: 0)
        try books.call("conv_b", at: 10, agent: "agent_b")
        books.conversation("conv_c", at: 20, agent: "agent_b")
        #expect(try await books.command("--agent", "agent_a").compare().agrees)
        let other = try await books.command("--agent", "agent_b").compare()
        #expect(other.onlyListed.map(\.conversationID) == ["conv_c"])
        #expect(other.onlyArchived.map(\.conversationID) == ["conv_b"])
    }

    /// 250 conversations are three pages of a hundred; 250 calls are two of two hundred.
    @Test func everyPageIsRead() async throws {
        let books = try TwoBooks()
        try books.calls(0..<249)
        for number in 0..<250 {
            // On the second page here, the third there.
            if number != 5 { books.conversation("conv_\(number)", at: Int64(number)) }
        }
        let comparison = try await books.command().compare()
        #expect(comparison.matched == 248)
        #expect(comparison.onlyListed.map(\.conversationID) == ["conv_249"])
        #expect(comparison.onlyArchived.map(\.conversationID) == ["conv_5"])
        #expect(books.service.desk.requests.count == 3 && books.service.desk.faults == [])
    }
}

@Suite struct ReconcileFailureTests {
    /// What `command` fails with; nil when it does not.
    private func failure(_ command: ReconcileCommand) async -> CommandFailure? {
        do throws(CommandFailure) {
            _ = try await command.compare()
            return nil
        } catch { return error }
    }

    @Test func whatPassesIsWaitedFor() async throws {
        let books = try TwoBooks()
        try books.call("conv_1", at: 0)
        books.conversation("conv_1", at: 0)
        for answer in [ScriptedAnswer(429, retryAfter: 0), ScriptedAnswer(500), ScriptedAnswer(503)] {
            books.service.desk.script(answer)
        }
        #expect(try await books.command().compare().matched == 1)
        #expect(books.service.desk.requests.map(\.status) == [429, 500, 503, 200])
    }

    @Test func patienceHasAnEnd() async throws {
        let books = try TwoBooks()
        for _ in 0..<6 { books.service.desk.script(ScriptedAnswer(429)) }
        let failure = await failure(try books.command())
        #expect(failure?.code == .network && failure?.message.contains("429") == true)
        #expect(books.service.desk.requests.count == 5)
    }

    @Test func aWrongKeyIsNamedAndNotTold() async throws {
        let books = try TwoBooks()
        let failure = await failure(try books.command(key: "sk_wrong"))
        #expect(failure?.code == .configuration)
        #expect(failure?.message.contains("ELEVENLABS_API_KEY") == true)
        #expect(failure?.message.contains("sk_wrong") == false)
        #expect(books.service.desk.requests.map(\.status) == [401])
    }

    @Test(arguments: [
        (SimulatedListEnd.never, "more than 7 pages", 7), (.circle, "circle", 2),
        (.noCursor, "next_cursor", 1),
    ])
    func aListWithoutAnEndIsLeft(end: SimulatedListEnd, word: String, requests: Int) async throws {
        let books = try TwoBooks(end)
        books.conversation("conv_1", at: 0)
        var command = try books.command()
        command.pages = 7
        let failure = await failure(command)
        #expect(failure?.code == .failure && failure?.message.contains(word) == true)
        #expect(books.service.desk.requests.count == requests)
    }

    @Test(arguments: [
        (200, "[]", ExitCode.failure), (200, "<html>", .failure), (200, "{\"conversations\":[]}", .failure),
        (404, "{}", .failure), (422, "{}", .failure),
    ])
    func whatIsNoListIsNoProof(status: Int, body: String, code: ExitCode) async throws {
        let books = try TwoBooks()
        books.service.desk.script(ScriptedAnswer(status, body: Array(body.utf8)))
        #expect(await failure(try books.command())?.code == code)
        #expect(books.service.desk.requests.count == 1)
    }

    @Test func whatIsNotThereIsSaid() async throws {
        let books = try TwoBooks()
        // Port 9 (discard) of the loopback: nobody serves it.
        #expect(await failure(try books.command(base: "http://127.0.0.1:9"))?.code == .network)
        #expect(throws: CommandFailure.self) { try books.command(key: "") }
        let empty = ParsedArguments(values: ["--storage": books.folder + "/none"])
        let environment = ["ELEVENLABS_API_KEY": "k", "ELEVENLABS_BASE_URL": books.service.desk.baseURL]
        let command = try ReconcileCommand(
            empty, environment: ServerEnvironment(empty, environment: environment))
        #expect(await failure(command)?.code == .storage)
        #expect(books.service.desk.requests.isEmpty)
    }

    @Test(arguments: [
        ["--from", "yesterday"], ["--from", "2026-11-21", "--to", "2026-11-20"],
        ["--from", "2026-11-21", "--to", "2026-11-21"], ["--tolerance", "-1"], ["--tolerance", "3601"],
        ["--pages", "1"], ["conv_1"],
    ])
    func whatCannotBeUnderstoodIsUsage(words: [String]) async {
        #expect(await Program.run(["reconcile"] + words) == .usage)
    }

    /// Without a time it is the last day.
    @Test func aDayIsTheStandard() throws {
        let arguments = ParsedArguments()
        let environment = ServerEnvironment(arguments, environment: ["ELEVENLABS_API_KEY": "k"])
        let now: Int64 = 1_795_132_800_000_000
        let command = try ReconcileCommand(arguments, environment: environment, now: now)
        #expect(command.window.to == now && command.window.from == now - 86_400_000_000)
        #expect(command.tolerance == 10)
        // An hour beyond both edges, a second more for what is rounded.
        #expect(command.window.query.startedAfter == (1_795_132_800 - 86_400 - 3600) as Int64)
        #expect(command.window.query.startedBefore == (1_795_132_800 + 3601) as Int64)
    }
}
