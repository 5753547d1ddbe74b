// TwiML byte for byte, and what XML cannot hold.

import Foundation
import Signalling
import Testing

@Suite struct TwiMLTests {
    private static let stream = "wss://bridge.example.com/twilio/media"

    @Test func `every example, byte for byte`() throws {
        let examples = try #require(try CallbackVector.object("twilio_twiml_examples") as? [String: String])
        let connect = try TwiML.Stream(
            url: Self.stream, statusCallback: "https://bridge.example.com/twilio/stream-status",
            statusCallbackMethod: "POST",
            parameters: [(name: "agentId", value: "agent_42"), (name: "caller", value: "+14155550100")])
        let fork = try TwiML.Stream(
            url: "wss://bridge.example.com/twilio/fork", name: "fork1", track: "both_tracks")
        let recording = TwiML.Recording(
            channels: "dual", track: "both",
            statusCallback: "https://bridge.example.com/twilio/recording",
            statusCallbackEvents: ["in-progress", "completed", "absent"])
        let ours: [String: TwiML] = [
            "connect_stream": TwiML([.connect(connect)]),
            "start_stream_both_tracks_then_dial": TwiML([.start(fork), .dial("+14155550199")]),
            "stop_stream_by_name": TwiML([.stop(stream: "fork1"), .say("Done")]),
            "start_recording_then_connect": TwiML([
                .startRecording(recording), .connect(try TwiML.Stream(url: Self.stream)),
            ]),
            "after_stream_hangup": TwiML([.hangup]),
            "reject": TwiML([.reject(.busy)]),
            "empty": TwiML(),
        ]
        #expect(Set(ours.keys) == Set(examples.keys))
        for (name, document) in ours { #expect(document.text == examples[name], "\(name)") }
        #expect(TwiML([.hangup]).bytes == Array(TwiML([.hangup]).text.utf8))
    }

    @Test func `the other verbs`() {
        let document = TwiML([
            .say("Hallo", language: "de-DE", voice: "Polly.Vicki"), .pause(seconds: 2),
            .redirect(url: "https://h/a?b=1&c=2", method: "GET"), .reject(nil), .reject(.rejected),
        ])
        #expect(
            document.text == """
                <?xml version="1.0" encoding="UTF-8"?><Response>\
                <Say language="de-DE" voice="Polly.Vicki">Hallo</Say><Pause length="2"/>\
                <Redirect method="GET">https://h/a?b=1&amp;c=2</Redirect><Reject/>\
                <Reject reason="rejected"/></Response>
                """)
    }

    /// XML 1.0 §2.2 and §2.4: five are escaped, white space in attributes by reference, what is no Char is dropped.
    @Test func `escapes and drops`() throws {
        let wild = "a<b>&\"'\t\n\r\u{0}\u{8}\u{B}\u{1F}\u{7F}\u{FFFE}\u{FFFF}é\u{1F600}]]>"
        let stream = try TwiML.Stream(url: "wss://h/", parameters: [(name: "n", value: wild)])
        let text = TwiML([.connect(stream), .say(wild)]).text
        let attribute = "a&lt;b&gt;&amp;&quot;'&#9;&#10;&#13;\u{7F}é\u{1F600}]]&gt;"
        let content = "a&lt;b&gt;&amp;\"'\t\n&#13;\u{7F}é\u{1F600}]]&gt;"
        #expect(text.contains("value=\"\(attribute)\"/>"))
        #expect(text.contains("<Say>\(content)</Say>"))
    }

    @Test(arguments: ["https://h/", "wss://h/?a=b", "wss://h/#a", "", "h/a"])
    func `an address Twilio refuses`(_ url: String) {
        #expect(throws: SignallingError.invalid("url")) { try TwiML.Stream(url: url) }
    }

    @Test func `nothing personal is printed`() throws {
        let stream = try TwiML.Stream(url: "wss://secret/", parameters: [(name: "n", value: "+4930555")])
        let values: [Any] = [
            TwiML([.say("secret")]), TwiML.Verb.say("secret"), stream, TwiML.Verb.dial("+4930555"),
        ]
        for value in values {
            var dumped = ""
            dump(value, to: &dumped)
            let printed = "\(value) \(String(reflecting: value)) \(dumped)"
            #expect(!printed.contains("secret") && !printed.contains("555"), "\(printed)")
        }
    }
}
