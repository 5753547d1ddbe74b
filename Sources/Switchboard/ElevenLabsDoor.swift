// ElevenLabs' webhooks, and what it says of a conversation after its call.

import Agents
import Archive
import Carriers
import Net
import Routing
import Telemetry

/// Answers ElevenLabs, and asks it.
struct ElevenLabsDoor: Sendable {
    private let parts: SwitchboardParts
    private let keeping: ConversationKeeping
    private let fetcher: ConversationFetcher

    /// The name its webhooks are kept under.
    static let name = "elevenlabs"
    /// How long a post-call webhook may take until it is on the disk, in milliseconds; then it is to be sent again.
    static let keepMilliseconds = 30_000
    /// How long a native call may wait, in milliseconds: "answer within a second or two" (elevenlabs.md §2.4).
    static let initiationMilliseconds = 1_900

    init(_ parts: SwitchboardParts) {
        self.parts = parts
        keeping = ConversationKeeping(archive: parts.archive, log: parts.log)
        fetcher = ConversationFetcher(parts, keeping: keeping)
    }

    // MARK: After a call

    /// A post-call webhook. It is answered 200 when it is on the disk, not before; 503 asks for it again, for ElevenLabs
    /// repeats on 5xx, 429 and 408 only (elevenlabs.md §4.5).
    func postCall(_ request: HTTPRequest) -> HTTPOutcome {
        let again = TelephoneSwitchboard.problem(503, "not_kept", headers: [("Retry-After", "30")])
        return .deferred(limitMilliseconds: Self.keepMilliseconds, fallback: again) {
            [self, body = request.body, hold = request.hold] reply in
            parts.errands.run {
                reply.send(await answer(body, again))
                // Until here the body is in memory.
                withExtendedLifetime(hold) {}
            }
        }
    }

    private func answer(_ body: [UInt8], _ again: HTTPResponse) async -> HTTPResponse {
        let hook: PostCallWebhook
        do throws(PostCallError) {
            hook = try PostCallWebhook(body)
        } catch {
            count("unreadable", "malformed")
            parts.log(.warning, "elevenlabs_webhook_malformed", ["error": .text("\(error)")])
            return TelephoneSwitchboard.problem(400, "malformed")
        }
        let type = hook.content == .unknown ? "unknown" : hook.type
        do throws(ArchiveError) {
            let isNew = try await keep(hook, body)
            count(type, isNew ? "kept" : "known")
            return HTTPResponse(status: 200)
        } catch {
            count(type, "failed")
            parts.log(
                .error, "webhook_not_kept",
                ["kind": .text(SwitchboardParts.logged(hook.type)), "error": .text("\(error)")])
            return error.isPassing ? again : TelephoneSwitchboard.problem(422, "not_kept")
        }
    }

    /// Whether it was not known yet: of a conversation, whether it says anything that no other delivery did.
    private func keep(_ hook: PostCallWebhook, _ body: [UInt8]) async throws(ArchiveError) -> Bool {
        var call: String?
        var saysMore: Bool?
        switch hook.content {
        case .conversation(let document):
            saysMore = try await keeping.keep(
                document, source: .webhook, eventTimestamp: hook.eventTimestamp
            ).isChange
            call = document.phoneCall?.carrierCallID
        case .audio(let audio): try await keeping.keep(audio, in: body)
        case .failure(let failure):
            try await progress(failure)
            call = failure.carrierCallID
        case .unknown:
            parts.log(
                .warning, "elevenlabs_webhook_unknown", ["type": .text(SwitchboardParts.logged(hook.type))])
        }
        if call == nil, let id = hook.conversationID {
            call = try parts.archive.catalog.call(ofConversation: id)?.call.carrierCallID
        }
        let isNew = try await parts.archive.apply(.carrierEvent(event(hook, body, call: call))).isChange
        return saysMore ?? isNew
    }

    /// The trace of a webhook. The same delivery has the same type, conversation and time (elevenlabs.md §4.5).
    private func event(_ hook: PostCallWebhook, _ body: [UInt8], call: String?) -> CarrierEventRow {
        let id = hook.conversationID.flatMap { ConversationRow.isIdentifier($0) ? $0 : nil } ?? ""
        let (time, overflow) = hook.eventTimestamp.multipliedReportingOverflow(by: 1_000_000)
        var detail = #"{"conversation_id":"\#(id)"}"#
        switch hook.content {
        case .conversation, .audio: break
        case .failure, .unknown:
            // Nothing else keeps these.
            if body.count <= 60 << 10 { detail = String(decoding: body, as: UTF8.self) }
        }
        return CarrierEventRow(
            carrier: Self.name, key: "\(hook.type):\(id):\(hook.eventTimestamp)", carrierCallID: call,
            kind: hook.type.isEmpty ? "unknown" : hook.type, occurredAt: overflow ? nil : time,
            receivedAt: ArchiveTime.now(), detail: detail)
    }

    /// A native outbound call did not begin: the row of that call says so.
    private func progress(_ failure: InitiationFailure) async throws(ArchiveError) {
        guard let call = failure.carrierCallID else { return }
        let state: DialState =
            switch failure.reason {
            case "busy": .busy
            case "no-answer": .noAnswer
            default: .failed
            }
        for carrier in Carrier.allCases {
            let dial = try parts.archive.catalog.dial(carrier: carrier.rawValue, carrierCallID: call)
            guard let dial else { continue }
            let cause = "elevenlabs_" + (failure.reason.isEmpty ? "unknown" : failure.reason)
            let news = DialProgress(
                state: state, carrierCallID: call, cause: String(cause.prefix(64)), at: ArchiveTime.now())
            try await parts.archive.apply(.dialProgress(id: dial.id, news))
        }
    }

    /// A call has ended: what ElevenLabs says of it is fetched when no webhook brings it.
    func callEnded(_ call: EndedCall) {
        guard let id = call.conversationID else { return }
        fetcher.follow(id, call: call.id)
    }

    /// Takes up what an earlier server could not finish.
    func takeUp() { parts.errands.run { [fetcher] in fetcher.takeUp() } }

    // MARK: Before a native call

    /// The native Twilio integration asks what a call is to be. It always gets an answer: without one the call is dropped.
    func initiation(_ request: HTTPRequest) -> HTTPOutcome {
        var asked = InitiationRequest()
        do throws(PostCallError) {
            asked = try InitiationRequest(request.body)
        } catch {
            parts.log(.warning, "initiation_malformed", ["error": .text("\(error)")])
        }
        let now = ArchiveTime.now()
        parts.record(
            CarrierEventRow(
                carrier: Self.name, key: "initiation:\(asked.callSID ?? String(now))",
                carrierCallID: asked.callSID, kind: "conversation.initiation", receivedAt: now,
                detail: SwitchboardParts.detail(request)))
        var door = CallAtTheDoor(carrier: .twilio, caller: asked.callerID, called: asked.calledNumber)
        door.wishes.mode = .agent
        door.wishes.agentID = asked.agentID
        let known = parts.reception.decide(door, context: [:], quietly: true)
        return .deferred(
            limitMilliseconds: Self.initiationMilliseconds, fallback: Self.answer(known, asked)
        ) { [self, asked, door] reply in
            parts.errands.run {
                reply.send(Self.answer(await parts.reception.plan(for: door), asked))
            }
        }
    }

    /// The variables are those that an agent gets on our own sockets, as far as they are known here.
    static func answer(_ plan: CallPlan, _ asked: InitiationRequest) -> HTTPResponse {
        var variables = plan.variables.filter { !$0.key.hasPrefix("system__") }
        variables["carrier"] = Carrier.twilio.rawValue
        variables["call_id"] = asked.callSID
        variables["caller"] = asked.callerID
        variables["called"] = asked.calledNumber
        var initiation = ConversationInitiation(dynamicVariables: variables)
        initiation.firstMessage = plan.firstMessage
        initiation.language = plan.language
        initiation.voiceID = plan.voiceID
        var body: [UInt8] = []
        AgentCodec().encodeInitiation(initiation, alwaysVariables: true, into: &body)
        return HTTPResponse(
            status: 200, headers: [("Content-Type", "application/json"), ("Cache-Control", "no-store")],
            body: .bytes(body))
    }

    private func count(_ type: String, _ outcome: String) {
        parts.metrics.add(
            "teeline_elevenlabs_webhooks_total",
            labels: MetricsRegistry.label("type", type) + "," + MetricsRegistry.label("outcome", outcome))
    }
}
