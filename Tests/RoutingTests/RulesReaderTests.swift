// A rules file is read strictly: everything that is wrong is told at once, with its place.

import Foundation
import Routing
import Testing

@Suite struct RulesReaderTests {
    /// Places and reasons of a document's problems.
    private func problems(_ document: String) -> [RoutingProblem] {
        do throws(RoutingError) {
            _ = try RoutingTable(document: Array(document.utf8))
            return []
        } catch {
            return error.problems
        }
    }

    @Test(arguments: [
        ("", "document"), ("{", "document"), ("[]", "document"), ("{}", "rules"), (#"{"rules":{}}"#, "rules"),
        (#"{"rules":[],"rules":[]}"#, "rules"), (#"{"rules":[],"rule":1}"#, "rule"),
        (#"{"rules":[],"$comment":1}"#, "$comment"), (#"{"rules":[]} x"#, "document"),
    ])
    func documents(document: String, place: String) {
        #expect(problems(document).first?.place == place)
    }

    /// One fault in one rule, and where it is told.
    @Test(arguments: [
        (#"1"#, "rules[0]"), (#"{"when":{}}"#, "rules[0].then"), (#"{"then":{},"else":{}}"#, "rules[0].else"),
        (#"{"then":{},"name":7}"#, "rules[0].name"), (#"{"then":{},"name":""}"#, "rules[0].name"),
        (#"{"then":{},"name":"\u00e9"}"#, "rules[0].name"), (#"{"then":{},"then":{}}"#, "rules[0].then"),
        (#"{"then":{},"when":[]}"#, "rules[0].when"), (#"{"then":{},"when":{"day":1}}"#, "rules[0].when.day"),
        (#"{"then":{},"when":{"called":1}}"#, "rules[0].when.called"),
        (#"{"then":{},"when":{"called":[]}}"#, "rules[0].when.called"),
        (#"{"then":{},"when":{"called":["+1","*"]}}"#, "rules[0].when.called[1]"),
        (#"{"then":{},"when":{"caller":"+4*4"}}"#, "rules[0].when.caller"),
        (#"{"then":{},"when":{"carrier":"plivo"}}"#, "rules[0].when.carrier"),
        (#"{"then":{},"when":{"carrier":["twilio",3]}}"#, "rules[0].when.carrier[1]"),
        (#"{"then":{},"when":{"direction":"in"}}"#, "rules[0].when.direction"),
        (#"{"then":{},"when":{"context":{"a":null}}}"#, "rules[0].when.context.a"),
        (#"{"then":{},"when":{"context":{"a":[1,[]]}}}"#, "rules[0].when.context.a[1]"),
        (#"{"then":{},"when":{"context":{"a":{}}}}"#, "rules[0].when.context.a"),
        (#"{"then":{},"when":{"context":{"a":{"is":1}}}}"#, "rules[0].when.context.a.is"),
        (#"{"then":{},"when":{"context":{"a":{"present":"yes"}}}}"#, "rules[0].when.context.a.present"),
        (#"{"then":{},"when":{"context":{"a":1,"a":2}}}"#, "rules[0].when.context.a"),
        (#"{"then":{},"when":{"time":"always"}}"#, "rules[0].when.time"),
        (#"{"then":{},"when":{"time":{}}}"#, "rules[0].when.time.zone"),
        (#"{"then":{},"when":{"time":{"zone":"Mars/Olympus"}}}"#, "rules[0].when.time.zone"),
        (#"{"then":{},"when":{"time":{"zone":"UTC","days":["monday"]}}}"#, "rules[0].when.time.days[0]"),
        (#"{"then":{},"when":{"time":{"zone":"UTC","days":[]}}}"#, "rules[0].when.time.days"),
        (#"{"then":{},"when":{"time":{"zone":"UTC","from":"09:00"}}}"#, "rules[0].when.time"),
        (
            #"{"then":{},"when":{"time":{"zone":"UTC","from":"9:00","to":"10:00"}}}"#,
            "rules[0].when.time.from"
        ),
        (
            #"{"then":{},"when":{"time":{"zone":"UTC","from":"24:00","to":"10:00"}}}"#,
            "rules[0].when.time.from"
        ),
        (#"{"then":{},"when":{"time":{"zone":"UTC","from":"09:00","to":"24:01"}}}"#, "rules[0].when.time.to"),
        (
            #"{"then":{},"when":{"time":{"zone":"UTC","from":"09:60","to":"10:00"}}}"#,
            "rules[0].when.time.from"
        ),
        (
            #"{"then":{},"when":{"time":[{"zone":"UTC"},{"zone":"UTC","from":"09:00","to":"09:00"}]}}"#,
            "rules[0].when.time[1]"
        ),
        (#"{"then":{"mode":"fax"}}"#, "rules[0].then.mode"),
        (#"{"then":{"agent":"a"}}"#, "rules[0].then.agent"),
        (#"{"then":{"agent_id":""}}"#, "rules[0].then.agent_id"),
        (#"{"then":{"agent_id":1}}"#, "rules[0].then.agent_id"),
        (#"{"then":{"first_message":"Hi {{name"}}"#, "rules[0].then.first_message"),
        (#"{"then":{"first_message":"Hi {{ |you}}"}}"#, "rules[0].then.first_message"),
        (#"{"then":{"variables":{"a":1}}}"#, "rules[0].then.variables.a"),
        (#"{"then":{"variables":{"":"b"}}}"#, "rules[0].then.variables"),
        (#"{"then":{"texts":["a"]}}"#, "rules[0].then.texts"),
        (#"{"then":{"mode":"speech"}}"#, "rules[0].then.texts"),
        (#"{"then":{"stays":true}}"#, "rules[0].then.stays"),
        (#"{"then":{"mode":"speech","texts":["a",2]}}"#, "rules[0].then.texts[1]"),
        (#"{"then":{"voicemail":{}}}"#, "rules[0].then.voicemail"),
        (
            #"{"then":{"mode":"voicemail","voicemail":{"max_seconds":0}}}"#,
            "rules[0].then.voicemail.max_seconds"
        ),
        (
            #"{"then":{"mode":"voicemail","voicemail":{"max_seconds":1.5}}}"#,
            "rules[0].then.voicemail.max_seconds"
        ),
        (
            #"{"then":{"mode":"voicemail","voicemail":{"silence_seconds":-1}}}"#,
            "rules[0].then.voicemail.silence_seconds"
        ),
        (#"{"then":{"mode":"voicemail","voicemail":{"beep":"yes"}}}"#, "rules[0].then.voicemail.beep"),
        (#"{"then":{"mode":"voicemail","voicemail":{"tone":1}}}"#, "rules[0].then.voicemail.tone"),
    ])
    func rules(rule: String, place: String) {
        #expect(problems(#"{"rules":[\#(rule)]}"#).map(\.place) == [place])
    }

    @Test func everythingIsToldAtOnce() {
        let found = problems(
            #"""
            {"rules":[{"name":"a","then":{}},{"name":"a","then":{"mode":"fax"}},{"when":{"carrier":"x"},"then":{}},
              {"when":{"time":[{"zone":"UTC"},{"zone":"Nowhere/Never"}]},"then":{"agent_id":""}}],"extra":0}
            """#)
        #expect(
            found.map(\.place) == [
                "extra", "rules[1].then.mode", "rules[1].name", "rules[2].when.carrier",
                "rules[3].when.time[1].zone",
                "rules[3].then.agent_id",
            ])
    }

    @Test func problemsTellNoValueOfTheFile() {
        let found = problems(
            #"{"rules":[{"when":{"called":"+1500*5550006","carrier":"Ada"},"then":{"first_message":"{{Ada"}}]}"#
        )
        #expect(found.count == 3)
        let text = RoutingError(problems: found).description
        #expect(!text.contains("5550006") && !text.contains("Ada") && text.contains("rules[0].when.called: "))
    }

    @Test func tooMuchIsRefused() {
        let rules = Array(repeating: #"{"then":{}}"#, count: 1001).joined(separator: ",")
        #expect(problems(#"{"rules":[\#(rules)]}"#).map(\.place) == ["rules"])
        #expect(
            problems(String(repeating: " ", count: 1 << 20) + #"{"rules":[]}"#).map(\.place) == ["document"])
    }

    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    @Test func theExampleIsAcceptedAndDecides() throws {
        let bytes = try #require(
            FileManager.default.contents(atPath: Self.root + "/config/rules.example.json"))
        let rules = try RoutingTable(document: Array(bytes))
        #expect(rules.rules.count > 3)
        // Sunday noon in London, summer time: out of hours.
        var facts = RoutingFacts(
            carrier: "telnyx", caller: "+447700900123", called: "+442079460958", context: ["name": "Ada"],
            at: try instant("2026-07-05T11:00:00Z"))
        let closed = rules.decide(facts)
        #expect(closed.rule == "london-closed" && closed.plan.mode == .voicemail)
        // Monday 09:00 in London is 08:00 UTC in summer.
        facts.at = try instant("2026-07-06T08:00:00Z")
        let open = rules.decide(facts)
        #expect(open.rule == "london" && open.plan.firstMessage == "Hello Ada, how can I help?")
        facts.context = ["emi_eligible": "true"]
        facts.called = "+14155550100"
        #expect(rules.decide(facts).rule == "emi")
    }

    /// Every key of the format stands in the README, and the README's keys are the format's.
    @Test func theReadmeKnowsEveryKey() throws {
        let bytes = try #require(FileManager.default.contents(atPath: Self.root + "/README.md"))
        let text = String(decoding: bytes, as: UTF8.self)
        let section = try #require(
            text.components(separatedBy: "\n## ").first { $0.hasPrefix("Routing rules\n") })
        for key in [
            "name", "when", "then", "$comment", "called", "caller", "carrier", "direction", "context",
            "present",
            "time", "zone", "days", "from", "to", "mode", "agent_id", "voice_id", "language", "first_message",
            "variables", "texts", "stays", "voicemail", "greeting", "beep", "max_seconds", "silence_seconds",
        ] { #expect(section.contains("`\(key)`"), "\(key)") }
    }
}
