// Every parameter of Telnyx's streams on every command that may bear one (carriers.md §3.1.4), from the setting to the
// JSON at Telnyx's desk; and what no server starts with.

import Archive
import Exchange
import Foundation
import Net
import Patience
import Testing

@testable import Simulator

/// A setting, and what of it stands in the commands.
struct TelnyxStreamCase: Sendable, CustomTestStringConvertible {
    var parameter: String
    var values: [String: String]
    var expected: RESTValue
    /// The commands that take the parameter, by carriers.md §3.1.4.
    var commands: Set<String> = ["answer", "streaming_start", "dial"]
    var testDescription: String { parameter + " " + values.values.sorted().joined(separator: " ") }

    /// Whether `answer` does not take it, so that the stream of an incoming call is begun by `streaming_start`.
    var needsStart: Bool { !commands.contains("answer") && commands.contains("streaming_start") }

    static let all = [
        TelnyxStreamCase(
            parameter: "stream_track", values: ["telnyx.track": "both_tracks"], expected: "both_tracks"),
        TelnyxStreamCase(
            parameter: "stream_codec", values: ["telnyx.stream_codec": "PCMA"], expected: "PCMA"),
        TelnyxStreamCase(parameter: "stream_bidirectional_mode", values: [:], expected: "rtp"),
        TelnyxStreamCase(
            parameter: "stream_bidirectional_codec", values: ["telnyx.codec": "G722"], expected: "G722"),
        TelnyxStreamCase(
            parameter: "stream_bidirectional_sampling_rate",
            values: ["telnyx.codec": "L16", "telnyx.sampling_rate": "24000"], expected: 24_000,
            commands: ["streaming_start", "dial"]),
        TelnyxStreamCase(
            parameter: "stream_bidirectional_sampling_rate",
            values: ["telnyx.codec": "L16", "telnyx.sampling_rate": "22050"], expected: 22_050,
            commands: ["streaming_start", "dial"]),
        TelnyxStreamCase(
            parameter: "stream_bidirectional_target_legs", values: ["telnyx.target_legs": "both"],
            expected: "both"),
        TelnyxStreamCase(
            parameter: "stream_auth_token", values: ["telnyx.stream_auth_token": "a,secret token"],
            expected: "a,secret token", commands: ["streaming_start", "dial"]),
        TelnyxStreamCase(
            parameter: "custom_parameters", values: ["telnyx.custom_parameters": "tier=gold, city = Graz"],
            expected: [["name": "tier", "value": "gold"], ["name": "city", "value": "Graz"]],
            commands: ["streaming_start"]),
        TelnyxStreamCase(
            parameter: "stream_establish_before_call_originate",
            values: ["telnyx.establish_before_originate": "true"], expected: true, commands: ["dial"]),
        TelnyxStreamCase(
            parameter: "enable_dialogflow", values: ["telnyx.dialogflow": "true"], expected: true,
            commands: ["streaming_start", "dial"]),
        TelnyxStreamCase(
            parameter: "dialogflow_config",
            values: ["telnyx.dialogflow": "true", "telnyx.dialogflow_config": #"{"a":{"b":[1]}}"#],
            expected: ["a": ["b": [1]]], commands: ["streaming_start", "dial"]),
        TelnyxStreamCase(
            parameter: "send_silence_when_idle", values: ["telnyx.silence_when_idle": "true"], expected: true,
            commands: ["answer", "dial"]),
    ]
}

@Suite(.serialized) struct TelnyxStreamTests {
    private static let api = ["server.api_token": TestHouse.token, "server.host": "127.0.0.1"]

    /// An incoming and a placed call for each setting, and once more with the incoming stream begun by itself.
    @Test(arguments: TelnyxStreamCase.all, [false, true])
    func everySettingIsInTheCommandsThatTakeIt(_ item: TelnyxStreamCase, begunByItself: Bool) async throws {
        // With the stream begun by itself silence cannot be asked for: refused at start, see below.
        if begunByItself, item.parameter == "send_silence_when_idle" || item.needsStart { return }
        var values = Self.api.merging(item.values) { $1 }
        values["telnyx.phone_number"] = "+15005550006"
        if begunByItself { values["telnyx.custom_parameters"] = "forced=yes" }
        let house = try TelnyxHouse(values: values) { $0.farEnd.ending = .hangUp(atMilliseconds: 60_000) }
        let order = try await house.house.ask(
            "POST", "/v1/calls", #"{"carrier":"telnyx","to":"+15005550001"}"#)
        #expect(order.status == 202)
        let id = house.telnyx.ring(from: TelnyxHouse.caller, to: TelnyxHouse.called)
        // Both calls stay until the agent has been told of them.
        #expect(
            try await eventually {
                await house.house.agent.conversations().count { $0.initiated } == 2
            })
        // And until it has been heard in each.
        for call in house.telnyx.books.value.calls.values {
            let stream = try #require(call.live.values.first)
            #expect(try await house.telnyx.desk.network.hears(stream, milliseconds: 300))
        }
        for call in house.telnyx.books.value.calls.values {
            house.telnyx.hangUp(call.id, source: call.direction == "incoming" ? "caller" : "callee")
        }
        #expect(await house.telnyx.desk.settled(withinMilliseconds: 30_000))
        await house.house.settle()
        #expect(house.faults == [])
        let dials = house.telnyx.desk.requests.filter { $0.path == "/v2/calls" }
        var bodies = ["dial": try #require(dials.first.flatMap { RESTValue($0.body) })]
        bodies["answer"] = house.bodies("answer").first
        bodies["streaming_start"] = house.bodies("streaming_start").first
        let isLater = begunByItself || item.needsStart
        #expect(house.telnyx.call(id)?.commands == (isLater ? ["answer", "streaming_start"] : ["answer"]))
        #expect(bodies.count == (isLater ? 3 : 2))
        for (command, body) in bodies {
            // An answer without a stream bears nothing of one.
            let isTaken = item.commands.contains(command) && !(isLater && command == "answer")
            let expected: RESTValue? = isTaken ? item.expected : .none
            #expect(body[item.parameter] == expected, "\(command)")
            #expect((body["stream_url"] != nil) == !(isLater && command == "answer"), "\(command)")
        }
        let rows = try house.rows()
        #expect(rows.count == 2 && rows.allSatisfy { $0.recording.state == .sealed })
        if item.parameter == "custom_parameters" || begunByItself {
            // They came back in the start, or were given to the agent where `dial` takes none.
            let (name, value) = begunByItself ? ("forced", "yes") : ("city", "Graz")
            let conversations = await house.house.agent.allEnded(withinMilliseconds: 20_000)
            #expect(conversations.map { $0.variables[name] } == [value, value])
            #expect(rows.allSatisfy { $0.call.parameters.contains("\"\(name)\":\"\(value)\"") })
        }
        // Secrets and passes are in no row.
        #expect(rows.allSatisfy { !$0.call.parameters.contains("secret") })
        house.close()
    }

    /// All that cannot be is told at once, by name, before anything runs.
    @Test func impossibleSettingsAreToldAtOnce() {
        let error = #expect(throws: SettingsError.self) {
            try Settings(values: [
                "telnyx.codec": "OPUS", "telnyx.sampling_rate": "22050", "telnyx.silence_when_idle": "true",
                "telnyx.stream_auth_token": String(repeating: "s", count: 4001),
                "telnyx.custom_parameters": "a=b,token=mine", "telnyx.dialogflow_config": "[1]",
            ])
        }
        let problems = error?.problems ?? []
        for variable in [
            "TELNYX_STREAM_BIDIRECTIONAL_SAMPLING_RATE", "TELNYX_STREAM_AUTH_TOKEN",
            "TELNYX_CUSTOM_PARAMETERS", "TELNYX_SEND_SILENCE_WHEN_IDLE",
        ] {
            #expect(problems.count { $0.hasPrefix(variable + " ") } == 1, "\(variable)")
        }
        // It is no object, and nothing enables it.
        #expect(problems.count { $0.hasPrefix("TELNYX_DIALOGFLOW_CONFIG ") } == 2)
        #expect(problems.count == 6)
        #expect(!problems.joined().contains("ssss") && !problems.joined().contains("mine"))
    }

    @Test(
        arguments: [
            (["telnyx.codec": "PCMU", "telnyx.sampling_rate": "16000"], true),
            (["telnyx.codec": "AMR-WB", "telnyx.sampling_rate": "24000"], true),
            (["telnyx.codec": "G722", "telnyx.sampling_rate": "48000"], true),
            (["telnyx.codec": "L16", "telnyx.sampling_rate": "44100"], true),
            (["telnyx.codec": "L16", "telnyx.sampling_rate": "48000"], false),
            // L16 comes at the rate that is asked for, and recordings have 8, 16 or 24 kHz.
            (["telnyx.codec": "L16", "telnyx.sampling_rate": "48000", "telnyx.stream_codec": "L16"], true),
            (["telnyx.codec": "L16", "telnyx.sampling_rate": "24000", "telnyx.stream_codec": "L16"], false),
            (["telnyx.silence_when_idle": "true"], false),
            (["telnyx.silence_when_idle": "true", "telnyx.stream_auth_token": "x"], true),
            (["telnyx.silence_when_idle": "true", "telnyx.custom_parameters": "a=b"], true),
            (["telnyx.silence_when_idle": "true", "telnyx.dialogflow": "true"], true),
            (["telnyx.custom_parameters": "a"], true), (["telnyx.custom_parameters": "a=b,a=c"], true),
            (["telnyx.custom_parameters": "=b"], true), (["telnyx.custom_parameters": "a=b=c"], false),
            (["telnyx.dialogflow": "true", "telnyx.dialogflow_config": "{"], true),
        ] as [([String: String], Bool)])
    func combinations(_ values: [String: String], isRefused: Bool) throws {
        if isRefused {
            #expect(throws: SettingsError.self) { try Settings(values: values) }
        } else {
            _ = try Settings(values: values)
        }
    }

    /// The second path of streams, as one guide has it: one whole call, let in by its token alone.
    @Test func theSecondPathTakesAWholeCall() async throws {
        let house = try TestHouse.atFixedAddress()
        let order = try await house.ask(
            "POST", "/v1/stream-tokens", #"{"carrier":"telnyx","variables":{"name":"Ada"}}"#)
        let url = try #require(order.json["url"] as? String)
        let second = url.replacing("/media-stream?", with: "/audio?")
        #expect(second.contains("/audio?token="))
        var strangers = 0
        for address in [
            house.media("/audio"), house.media("/audio?token=" + String(repeating: "x", count: 43)),
        ] {
            var call = ShortTalk.call(to: address, dialect: .telnyx, milliseconds: 300)
            call.caller = "+14155550100"
            if case .neverOpened = await house.network.call(call).end { strangers += 1 }
        }
        #expect(strangers == 2)
        let result = await house.network.call(
            ShortTalk.call(to: second, dialect: .telnyx, milliseconds: 5_000))
        #expect(result.end == .asPlanned)
        await house.settle()
        let rows = try house.exchange.archive.catalog.list(CallFilter()).items
        #expect(rows.count == 1)
        let detail = try await house.sealed(try #require(rows.first).call.id)
        #expect(detail.call.carrier == "telnyx" && detail.call.endWhy == "hangup")
        try house.expectBothVoices(detail)
        #expect(await house.agent.allEnded(withinMilliseconds: 20_000).first?.variables["name"] == "Ada")
        // Once is once, here too.
        if case .neverOpened = await house.network.call(
            ShortTalk.call(to: second, dialect: .telnyx, milliseconds: 300)
        ).end {
        } else {
            Issue.record("the token opened a second stream")
        }
        #expect(house.close() == 0)
    }
}
