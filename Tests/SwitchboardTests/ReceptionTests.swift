// Who is calling, asked of a real service with its troubles, and what a call is to be.

import Archive
import Cryptography
import Foundation
import Net
import Routing
import Telemetry
import Testing

@testable import Switchboard

/// A context service that answers as its script says and notes what it was asked.
final class ScriptedContexts: HTTPHandler, @unchecked Sendable {
    // `lock` guards the notes and the script; `server` is set once, before any request.
    private let lock = Lock()
    private var script: [(status: Int, body: String)]
    private var targets: [String] = []
    private var fields: [String?] = []
    private var server: HTTPServer?

    var url: String { "http://127.0.0.1:\(server?.port ?? 0)" }
    var asked: [String] { lock.withLock { targets } }
    var tokens: [String?] { lock.withLock { fields } }

    init(_ script: [(status: Int, body: String)]) throws {
        self.script = script
        server = try HTTPServer.start(HTTPServerSettings(port: 0), handler: self)
    }

    func respond(to request: HTTPRequest) -> HTTPOutcome {
        let answer = lock.withLock {
            targets.append(request.target)
            fields.append(request.header("Authorization"))
            return script.count > 1 ? script.removeFirst() : script.first ?? (500, "")
        }
        return .response(HTTPResponse(status: answer.status, body: .bytes(Array(answer.body.utf8))))
    }

    func stop() { server?.stop() }
}

@Suite(.serialized) struct ReceptionTests {
    private func house(
        _ url: String, token: String? = nil, keep: Int64 = 60_000, timeout: Int = 20_000
    ) throws -> ElevenLabsBoard {
        let house = try ElevenLabsBoard {
            $0.contexts = ContextService(
                url: url, token: token.map { Secret($0) }, timeoutMilliseconds: timeout,
                keepMilliseconds: keep)
        }
        try house.archive.applyAndWait(
            .storeContext(ContextRow(phone: "+15550100", fields: ["name": "Table"])))
        return house
    }

    private func context(_ house: ElevenLabsBoard, _ phone: String? = "+15550100") async -> [String: String] {
        await house.board.parts.reception.lookup.context(of: phone)
    }

    @Test func theServiceIsAskedOnceAndRemembered() async throws {
        let service = try ScriptedContexts([
            (200, #"{"context":{"name":"Ada","vip":true,"balance":12.5,"deep":{"x":1},"none":null}}"#)
        ])
        let house = try house(service.url + "/c/{phone}?v=1", token: "context-token")
        for _ in 0..<3 {
            #expect(await context(house) == ["name": "Ada", "vip": "true", "balance": "12.5"])
        }
        #expect(service.asked == ["/c/%2B15550100?v=1"] && service.tokens == ["Bearer context-token"])
        #expect(await context(house, nil) == [:])
        #expect(service.asked.count == 1)
        #expect(house.counted("teeline_context_lookups_total", #"outcome="found""#) == 1)
        await house.close()
        service.stop()
    }

    @Test func whatIsNotKeptIsAskedAgain() async throws {
        let service = try ScriptedContexts([(200, #"{"n":"1"}"#), (200, #"{"n":"2"}"#)])
        let house = try house(service.url + "/c", keep: 0)
        #expect(await context(house) == ["n": "1"])
        #expect(await context(house) == ["n": "2"])
        #expect(service.asked == ["/c?phone=%2B15550100", "/c?phone=%2B15550100"])
        await house.close()
        service.stop()
    }

    @Test(arguments: [
        (500, "", "status_500"), (200, "[1]", "malformed"), (200, "{", "malformed"), (401, "", "status_401"),
    ])
    func inTroubleTheTableAnswers(status: Int, body: String, outcome: String) async throws {
        let service = try ScriptedContexts([(status, body)])
        let house = try house(service.url)
        #expect(await context(house) == ["name": "Table"])
        #expect(house.counted("teeline_context_lookups_total", "outcome=\"\(outcome)\"") == 1)
        #expect(house.logged.all.contains { $0.contains("context_service_failed") })
        #expect(!house.logged.all.contains { $0.contains("15550100") })
        await house.close()
        service.stop()
    }

    @Test func aCustomerTheServiceDoesNotKnowIsUnknown() async throws {
        let service = try ScriptedContexts([(404, "")])
        let house = try house(service.url)
        #expect(await context(house) == [:])
        #expect(house.counted("teeline_context_lookups_total", #"outcome="unknown""#) == 1)
        await house.close()
        service.stop()
    }

    @Test func aServiceThatSleepsIsNotWaitedFor() async throws {
        let service = try SlowService()
        let house = try house(service.url, timeout: 200)
        let began = MonotonicTime.now
        #expect(await context(house) == ["name": "Table"])
        #expect((150...10_000).contains(MonotonicTime.now.milliseconds(since: began)))
        #expect(house.counted("teeline_context_lookups_total", #"outcome="timeout""#) == 1)
        service.release()
        await house.close()
        service.stop()
    }

    @Test func nobodyThereIsNobodyThere() async throws {
        let service = try ScriptedContexts([(200, "{}")])
        let url = service.url
        service.stop()
        let house = try house(url)
        #expect(await context(house) == ["name": "Table"])
        await house.close()
    }

    // MARK: What a call is to be

    private func decide(
        _ change: (inout PlanWishes) -> Void = { _ in }, rules: String = "[]",
        context: [String: String] = [:],
        standard: CallMode = .agent
    ) throws -> CallPlan {
        var plan = CallPlan()
        plan.mode = standard
        let table = try RoutingTable(document: Array("{\"rules\": \(rules)}".utf8), standard: plan)
        var settings = SwitchboardSettings(routing: table)
        settings.speechText = "Standard words."
        settings.voicemail = VoicemailPlan(greeting: "Standard greeting.")
        let storage = try ElevenLabsBoard()
        defer {
            storage.server.stop()
            storage.archive.close()
            Self.remove(storage.folder)
        }
        let reception = Reception(
            settings: settings, lookup: storage.board.parts.reception.lookup, log: storage.logged.log)
        var door = CallAtTheDoor(carrier: .twilio, caller: "+15550100", called: "+15550199")
        change(&door.wishes)
        return reception.decide(door, context: context)
    }

    private static func remove(_ folder: String) {
        do { try FileManager.default.removeItem(atPath: folder) } catch {
            Issue.record("the storage is left")
        }
    }

    @Test func withoutRulesThePathDecides() throws {
        #expect(try decide().mode == .agent)
        let speech = try decide({ $0.usualMode = .speech })
        #expect(speech.mode == .speech && speech.texts == ["Standard words."])
        // A configured standard that is no agent wins over the path, a wish over both.
        let standard = try decide({ $0.usualMode = .speech }, standard: .voicemail)
        #expect(standard.mode == .voicemail && standard.voicemail?.greeting == "Standard greeting.")
        #expect(try decide({ $0.mode = .agent }, standard: .voicemail).mode == .agent)
    }

    @Test func aRuleWinsOverThePathAndAWishOverTheRule() throws {
        let rules = #"[{"when":{"context":{"vip":"true"}},"then":{"mode":"agent","agent_id":"agent_vip"}}]"#
        let ruled = try decide({ $0.usualMode = .speech }, rules: rules, context: ["vip": "true"])
        #expect(ruled.mode == .agent && ruled.agentID == "agent_vip" && ruled.variables["vip"] == "true")
        let wished = try decide({ $0.agentID = "agent_x" }, rules: rules, context: ["vip": "true"])
        #expect(wished.agentID == "agent_x")
        #expect(try decide({ $0.usualMode = .speech }, rules: rules).mode == .speech)
        let texts = try decide({
            $0.mode = .speech
            $0.texts = ["One.", "Two."]
            $0.stays = true
        })
        #expect(texts.texts == ["One.", "Two."] && texts.staysAfterSpeech)
    }
}
