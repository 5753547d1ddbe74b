// A rule: conditions, and what the call is to be when they hold.

/// What a rule makes of a call. What is nil stays as in the standard plan.
public struct RoutingOutcome: Sendable, Hashable {
    /// What speaks to the caller.
    public var mode: CallMode?
    /// The agent.
    public var agentID: RoutingTemplate?
    /// The voice.
    public var voiceID: RoutingTemplate?
    /// The language.
    public var language: RoutingTemplate?
    /// The agent's first message.
    public var firstMessage: RoutingTemplate?
    /// Dynamic variables, which win over fields of the context.
    public var variables: [String: RoutingTemplate] = [:]
    /// What is spoken in mode `speech`.
    public var texts: [RoutingTemplate]?
    /// Whether the call stays open after the last text.
    public var stays: Bool?
    /// The answering machine; its greeting is `greeting`.
    public var voicemail: VoicemailPlan?
    /// The answering machine's greeting.
    public var greeting: RoutingTemplate?

    /// Nothing but the standard plan.
    public init() {}

    /// Writes itself over `plan`, its places filled from `facts`.
    func apply(to plan: inout CallPlan, for facts: RoutingFacts) {
        func filled(_ template: RoutingTemplate) -> String { template.filled(facts.value) }
        /// An identifier that comes out empty is none.
        func named(_ template: RoutingTemplate, over standard: String?) -> String? {
            let text = filled(template)
            return text.isEmpty ? standard : text
        }
        if let mode { plan.mode = mode }
        if let agentID { plan.agentID = named(agentID, over: plan.agentID) }
        if let voiceID { plan.voiceID = named(voiceID, over: plan.voiceID) }
        if let language { plan.language = named(language, over: plan.language) }
        if let firstMessage { plan.firstMessage = filled(firstMessage) }
        for (name, value) in variables { plan.variables[name] = filled(value) }
        if let texts { plan.texts = texts.map(filled).filter { !$0.isEmpty } }
        if let stays { plan.staysAfterSpeech = stays }
        if var voicemail {
            if let greeting { voicemail.greeting = filled(greeting) }
            plan.voicemail = voicemail
        }
        if plan.mode == .voicemail, plan.voicemail == nil { plan.voicemail = VoicemailPlan() }
        if plan.mode != .voicemail { plan.voicemail = nil }
    }
}

/// One rule of a table.
public struct RoutingRule: Sendable, Hashable {
    /// Its name; for a nameless one its place ("rules[3]").
    public var name: String
    /// When it holds.
    public var condition: RoutingCondition
    /// What it makes of the call.
    public var outcome: RoutingOutcome

    /// A rule made of its parts.
    public init(name: String, condition: RoutingCondition, outcome: RoutingOutcome) {
        self.name = name
        self.condition = condition
        self.outcome = outcome
    }
}
