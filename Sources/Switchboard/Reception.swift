// Decides what a call is to be: who is calling, and what the rules say.

import Archive
import Carriers
import Routing
import Telemetry

/// A call that is about to be taken.
struct CallAtTheDoor: Sendable {
    var carrier: Carrier
    var caller: String?
    var called: String?
    var direction = RoutingDirection.inbound
    /// Fields the order brought along; they win over what is known of the customer.
    var fields: [String: String] = [:]
    /// What the order says of the plan; nil or empty leaves it to the rules.
    var wishes = PlanWishes()
    var callID: String?
}

/// What an order or a webhook's own address says of a call; the rules decide the rest.
public struct PlanWishes: Sendable, Hashable {
    /// What speaks.
    public var mode: CallMode?
    /// The mode when neither the order nor a rule names one.
    public var usualMode: CallMode?
    /// The agent.
    public var agentID: String?
    /// The voice.
    public var voiceID: String?
    /// The language.
    public var language: String?
    /// The agent's first message. Personal: never in a log.
    public var firstMessage: String?
    /// What is spoken in mode `speech`. Personal: never in a log.
    public var texts: [String] = []
    /// Whether the call stays after the last text.
    public var stays: Bool?

    /// No wishes.
    public init() {}
}

/// The switchboard's reception.
struct Reception: Sendable {
    let settings: SwitchboardSettings
    let lookup: ContextLookup
    let log: Log

    /// What the call is to be.
    func plan(for call: CallAtTheDoor) async -> CallPlan {
        let party = call.direction == .inbound ? call.caller : call.called
        var context = await lookup.context(of: party)
        context.merge(call.fields) { $1 }
        return decide(call, context: context)
    }

    /// The same with the context at hand; `quietly` when it is only for the case that nothing better comes.
    func decide(
        _ call: CallAtTheDoor, context: [String: String], at: Int64 = ArchiveTime.now(), quietly: Bool = false
    ) -> CallPlan {
        let facts = RoutingFacts(
            carrier: call.carrier.rawValue, caller: call.caller, called: call.called,
            direction: call.direction, context: context, callID: call.callID, at: at)
        var (plan, rule) = settings.routing.decide(facts)
        let wishes = call.wishes
        if let mode = wishes.mode {
            plan.mode = mode
        } else if rule == nil, plan.mode == .agent, let mode = wishes.usualMode {
            plan.mode = mode
        }
        plan.agentID = wishes.agentID ?? plan.agentID
        plan.voiceID = wishes.voiceID ?? plan.voiceID
        plan.language = wishes.language ?? plan.language
        plan.firstMessage = wishes.firstMessage ?? plan.firstMessage
        if !wishes.texts.isEmpty { plan.texts = wishes.texts }
        plan.staysAfterSpeech = wishes.stays ?? plan.staysAfterSpeech
        if plan.mode == .speech, plan.texts.isEmpty, !settings.speechText.isEmpty {
            plan.texts = [settings.speechText]
        }
        if plan.mode == .voicemail, plan.voicemail == nil { plan.voicemail = settings.voicemail }
        if quietly { return plan }
        log(
            .info, "call_planned",
            [
                "carrier": .text(call.carrier.rawValue), "mode": .text(plan.mode.rawValue),
                "rule": .text(rule ?? ""), "fields": .number(Int64(context.count)),
            ])
        return plan
    }
}
