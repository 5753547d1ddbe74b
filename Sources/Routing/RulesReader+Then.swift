// Reads what stands below a rule's `then`.

extension RulesReader {
    /// The outcome below `then`.
    mutating func outcome(_ node: RulesNode, _ place: String) -> RoutingOutcome {
        let members = members(
            node, place,
            [
                "mode", "agent_id", "voice_id", "language", "first_message", "variables", "texts", "stays",
                "voicemail",
            ])
        var outcome = RoutingOutcome()
        var modeIsWrong = false
        if let node = members["mode"] {
            outcome.mode = string(node, place + ".mode").flatMap(CallMode.init(rawValue:))
            modeIsWrong = outcome.mode == nil
            if case .string = node, modeIsWrong {
                complain(place + ".mode", "must be agent, speech or voicemail")
            }
        }
        outcome.agentID = members["agent_id"].flatMap { identifier($0, place + ".agent_id") }
        outcome.voiceID = members["voice_id"].flatMap { identifier($0, place + ".voice_id") }
        outcome.language = members["language"].flatMap { identifier($0, place + ".language") }
        outcome.firstMessage = members["first_message"].flatMap { template($0, place + ".first_message") }
        if let node = members["variables"] {
            for (name, value) in entries(node, place + ".variables") {
                outcome.variables[name] = template(value, place + ".variables." + Self.label(name))
            }
        }
        if let node = members["texts"] {
            outcome.texts = oneOrMore(node, place + ".texts").compactMap { template($0.node, $0.place) }
        }
        outcome.stays = members["stays"].flatMap { bool($0, place + ".stays") }
        if let node = members["voicemail"] { voicemail(node, place + ".voicemail", &outcome) }
        guard !modeIsWrong else { return outcome }
        for name in ["texts", "stays"] where members[name] != nil && outcome.mode != .speech {
            complain(place + "." + name, "belongs to mode speech")
        }
        if members["voicemail"] != nil, outcome.mode != .voicemail {
            complain(place + ".voicemail", "belongs to mode voicemail")
        }
        if outcome.mode == .speech, members["texts"] == nil, outcome.stays != true {
            complain(place + ".texts", "is missing: there is nothing to say, and the call does not stay")
        }
        return outcome
    }

    private mutating func voicemail(_ node: RulesNode, _ place: String, _ outcome: inout RoutingOutcome) {
        let members = members(
            node, place, ["greeting", "beep", "max_seconds", "silence_seconds", "by", "voice"])
        var plan = VoicemailPlan()
        outcome.greeting = members["greeting"].flatMap { template($0, place + ".greeting") }
        if let node = members["beep"] { plan.beeps = bool(node, place + ".beep") ?? plan.beeps }
        if let node = members["max_seconds"] {
            plan.maximumSeconds = integer(node, place + ".max_seconds", 1...14_400) ?? plan.maximumSeconds
        }
        if let node = members["silence_seconds"] {
            plan.silenceSeconds = integer(node, place + ".silence_seconds", 0...600) ?? plan.silenceSeconds
        }
        if let node = members["by"], let by = string(node, place + ".by") {
            if ["stream", "telnyx"].contains(by) {
                plan.recorder = by
            } else {
                complain(place + ".by", "is neither stream nor telnyx")
            }
        }
        plan.carrierVoice = members["voice"].flatMap { string($0, place + ".voice") }
        outcome.voicemail = plan
    }

    /// A text whose places are well formed.
    private mutating func template(_ node: RulesNode, _ place: String) -> RoutingTemplate? {
        guard let text = string(node, place) else { return nil }
        do throws(RoutingTemplate.Fault) {
            return try RoutingTemplate(text)
        } catch {
            switch error {
            case .unclosed: complain(place, "has {{ without }}")
            case .unnamed: complain(place, "has a placeholder without a name")
            }
            return nil
        }
    }

    /// A template that is not empty as it stands.
    private mutating func identifier(_ node: RulesNode, _ place: String) -> RoutingTemplate? {
        if case .string(let text) = node, text.isEmpty {
            complain(place, "must not be empty")
            return nil
        }
        return template(node, place)
    }
}
