// Rules decide: the first that holds, with its texts filled and its variables over the context's.

import Foundation
import Routing
import Testing

/// The table of `rules`, a JSON list.
func table(_ rules: String, standard: CallPlan = CallPlan()) throws -> RoutingTable {
    try RoutingTable(document: Array("{\"rules\":\(rules)}".utf8), standard: standard)
}

@Suite struct RoutingTableTests {
    static let facts = RoutingFacts(
        carrier: "twilio", caller: "+44 7700 900123", called: "+442079460958", direction: .inbound,
        context: ["emi_eligible": "true", "name": "Ada", "plan": "gold", "note": ""], callID: "c1", at: 0)

    /// Conditions that hold for the facts above, and ones that do not.
    @Test(arguments: [
        ("{}", true), (#"{"called":"+442079460958"}"#, true), (#"{"called":"+44 20 7946 0958"}"#, true),
        (#"{"called":"+4420*"}"#, true), (#"{"called":["+1*","+4420*"]}"#, true),
        (#"{"called":"+1*"}"#, false),
        (#"{"caller":"+4477*"}"#, true), (#"{"caller":"unknown"}"#, false),
        (#"{"caller":["unknown","+447700900123"]}"#, true),
        (#"{"carrier":"twilio"}"#, true), (#"{"carrier":["exotel","telnyx"]}"#, false),
        (#"{"direction":"inbound"}"#, true), (#"{"direction":"outbound"}"#, false),
        (#"{"context":{"emi_eligible":"true"}}"#, true), (#"{"context":{"emi_eligible":true}}"#, true),
        (#"{"context":{"emi_eligible":false}}"#, false), (#"{"context":{"plan":["silver","gold"]}}"#, true),
        (#"{"context":{"plan":["silver"]}}"#, false), (#"{"context":{"name":{"present":true}}}"#, true),
        (#"{"context":{"name":{"present":false}}}"#, false),
        (#"{"context":{"nobody":{"present":false}}}"#, true),
        // An empty field is as good as none.
        (#"{"context":{"note":{"present":true}}}"#, false),
        (#"{"context":{"note":{"present":false}}}"#, true),
        (#"{"context":{"nobody":""}}"#, false), (#"{"context":{"note":""}}"#, true),
        // All must hold.
        (#"{"called":"+4420*","context":{"plan":"gold","name":"Bob"}}"#, false),
        (#"{"called":"+4420*","context":{"plan":"gold","name":"Ada"}}"#, true),
        // 1970-01-01 00:00 UTC was a Thursday; in London the clock showed 01:00 (British Standard Time).
        (#"{"time":{"zone":"UTC","days":["thu"],"from":"00:00","to":"00:01"}}"#, true),
        (#"{"time":{"zone":"Europe/London","from":"01:00","to":"01:01"}}"#, true),
        (#"{"time":[{"zone":"UTC","days":["fri"]},{"zone":"UTC","days":"thu"}]}"#, true),
        (#"{"time":{"zone":"UTC","from":"22:00","to":"00:00"}}"#, false),
    ])
    func conditions(when: String, holds: Bool) throws {
        let decided = try table(#"[{"name":"r","when":\#(when),"then":{"mode":"voicemail"}}]"#).decide(
            Self.facts)
        #expect(decided.rule == (holds ? "r" : nil))
        #expect(decided.plan.mode == (holds ? .voicemail : .agent))
    }

    @Test func theFirstThatHoldsDecides() throws {
        let rules = try table(
            #"""
            [{"name":"other","when":{"called":"+1*"},"then":{"agent_id":"agent_1"}},
             {"when":{"called":"+44*"},"then":{"agent_id":"agent_2"}},
             {"name":"all","then":{"agent_id":"agent_3"}}]
            """#)
        let decided = rules.decide(Self.facts)
        #expect(decided.rule == "rules[1]" && decided.plan.agentID == "agent_2")
        var american = Self.facts
        american.called = "+14155550100"
        #expect(rules.decide(american).rule == "other")
        american.called = nil
        #expect(rules.decide(american).plan.agentID == "agent_3")
    }

    @Test func withoutARuleThePlanIsTheStandardOne() throws {
        var standard = CallPlan()
        standard.agentID = "agent_s"
        standard.variables = ["house": "ours", "name": "nobody"]
        let decided = try table("[]", standard: standard).decide(Self.facts)
        #expect(decided.rule == nil && decided.plan.agentID == "agent_s" && decided.plan.mode == .agent)
        #expect(decided.plan.callID == "c1" && decided.plan.caller == "+44 7700 900123")
        #expect(
            decided.plan.variables
                == ["house": "ours", "name": "Ada", "emi_eligible": "true", "plan": "gold", "note": ""])
    }

    @Test func everyPartOfAnAgentsPlan() throws {
        let plan = try table(
            #"""
            [{"then":{"mode":"agent","agent_id":"agent_{{plan}}","voice_id":"{{voice|v1}}","language":"{{language|en}}",
              "first_message":"Hello {{name|Valued Customer}}, {{ title | dear }}!",
              "variables":{"name":"Ms {{name}}","from":"{{caller}} by {{carrier}}","id":"{{call_id}}","none":"{{nobody}}"}}}]
            """#
        ).decide(Self.facts).plan
        #expect(plan.agentID == "agent_gold" && plan.voiceID == "v1" && plan.language == "en")
        #expect(plan.firstMessage == "Hello Ada, dear!")
        #expect(
            plan.variables == [
                "name": "Ms Ada", "from": "+44 7700 900123 by twilio", "id": "c1", "none": "",
                "emi_eligible": "true", "plan": "gold", "note": "",
            ])
    }

    @Test func speech() throws {
        let plan = try table(
            #"[{"then":{"mode":"speech","texts":["Hi {{name}}","{{nobody}}","Bye"],"stays":true}}]"#
        ).decide(Self.facts).plan
        // A text that comes out empty is not spoken.
        #expect(plan.mode == .speech && plan.texts == ["Hi Ada", "Bye"] && plan.staysAfterSpeech)
    }

    @Test func voicemail() throws {
        let plan = try table(
            #"""
            [{"then":{"mode":"voicemail","voicemail":{"greeting":"{{name}} is away","beep":false,"max_seconds":60,
              "silence_seconds":0}}}]
            """#
        ).decide(Self.facts).plan
        #expect(
            plan.voicemail
                == VoicemailPlan(greeting: "Ada is away", beeps: false, maximumSeconds: 60, silenceSeconds: 0)
        )
        let bare = try table(#"[{"then":{"mode":"voicemail"}}]"#).decide(Self.facts).plan
        #expect(bare.voicemail == VoicemailPlan())
    }

    /// A caller cannot bring placeholders, nor pass for another call by a field of the context.
    @Test func whatIsFilledInIsNotLookedIntoAgain() throws {
        var facts = Self.facts
        facts.context = ["name": "{{secret}}", "secret": "s", "caller": "+15005550006"]
        let plan = try table(#"[{"then":{"first_message":"{{name}} {{caller}}"}}]"#).decide(facts).plan
        #expect(plan.firstMessage == "{{secret}} +44 7700 900123")
    }

    @Test func anIdentifierThatComesOutEmptyIsTheStandardOne() throws {
        var standard = CallPlan()
        standard.agentID = "agent_s"
        let plan = try table(
            #"[{"then":{"agent_id":"{{nobody}}","voice_id":"{{nobody}}"}}]"#, standard: standard
        )
        .decide(Self.facts).plan
        #expect(plan.agentID == "agent_s" && plan.voiceID == nil)
    }

    @Test func theSameFactsGiveTheSamePlan() throws {
        let rules = try table(#"[{"then":{"variables":{"a":"{{name}}","b":"{{plan}}"}}}]"#)
        #expect(rules.decide(Self.facts).plan == rules.decide(Self.facts).plan)
    }

    @Test func factsTellNothingPersonal() {
        for text in ["\(Self.facts)", String(reflecting: Self.facts)] {
            #expect(!text.contains("7700") && !text.contains("Ada") && !text.contains("7946"))
        }
    }
}
