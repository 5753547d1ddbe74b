// Exotel's requests in every shape its documents show.

import Foundation
import Signalling
import Testing

@Suite struct ExotelWebhookTests {
    private static func query(_ url: String) throws -> [(name: String, value: String)] {
        try form(String(url.drop { $0 != "?" }.dropFirst())).fields
    }

    @Test func `the resolver's question and its answer`() throws {
        let vector = try CallbackVector.object("exotel_http_dynamic_url")
        let url = try #require(try child(vector, "request")["url"] as? String)
        let question = try ExotelCallback(query: try Self.query(url))
        #expect(question.callSid == "1a2b3c4d5e6f708192a3b4c5d6e7f80m" && question.flowID == "1117620")
        #expect(question.direction == "incoming" && question.stream == nil)
        #expect(question.from == "09876543210" && question.to == "08047491899")
        let body = try child(try child(vector, "response"), "body")
        let answer = ExotelCallback.resolverAnswer(url: try #require(body["url"] as? String))
        let ours = try #require(JSONSerialization.jsonObject(with: Data(answer)) as? NSDictionary)
        #expect(ours == body as NSDictionary)
        // Only CallFrom and CallTo, in a JSON body.
        let posted = try ExotelCallback(
            query: [], body: Array(#"{"CallSid":"x","CallFrom":"1","CallTo":"2"}"#.utf8))
        #expect(posted.callSid == "x" && posted.from == "1" && posted.to == "2")
    }

    @Test func `Passthru, with brackets`() throws {
        let vector = try CallbackVector.object("exotel_http_passthru_after_voicebot")
        let url = try #require(vector["url"] as? String)
        let query = try Self.query(url)
        let fields = try #require(vector["fields"] as? [String: String])
        #expect(Dictionary(uniqueKeysWithValues: query.map { ($0.name, $0.value) }) == fields)
        let callback = try ExotelCallback(query: query)
        #expect(callback.callSid == "1a2b3c4d5e6f708192a3b4c5d6e7f80m")
        let stream = try #require(callback.stream)
        #expect(stream.streamID == "0f1e2d3c4b5a69788796a5b4c3d2e1f0" && stream.status == "completed")
        #expect(stream.seconds == 42 && stream.disconnectedBy == .caller)
        #expect(stream.recordingURL == fields["Stream[RecordingUrl]"])
        #expect(stream.error == nil && !stream.isThrottled && callback.status == nil)
    }

    @Test func `Passthru, as JSON in a parameter, and a failed one`() throws {
        let vector = try CallbackVector.object("exotel_http_passthru_after_voicebot")
        let text = try #require(try child(vector, "alternative_spelling")["Stream"] as? String)
        let stream = try #require(
            try ExotelCallback(query: [(name: "CallSid", value: "x"), (name: "Stream", value: text)]).stream)
        #expect(stream.streamID == "0f1e2d3c4b5a69788796a5b4c3d2e1f0" && stream.seconds == 42)
        #expect(stream.disconnectedBy == .caller)
        let failed = try #require(vector["failed_example"] as? [String: String])
        let other = try #require(
            try ExotelCallback(query: failed.map { (name: $0.key, value: $0.value) }).stream)
        #expect(other.status == "failed" && other.errorCode == 3009 && other.disconnectedBy == .system)
        let throttled = try ExotelCallback(query: [
            (name: "stream[detailedstatus]", value: "Streaming_call_throttled")
        ])
        #expect(throttled.stream?.isThrottled == true)
        let posted = try ExotelCallback(
            query: [(name: "CallSid", value: "first")],
            body: Array(
                #"{"EventType":"stream-start","callSid":"second","stream":{"streamSid":"s","status":null}}"#
                    .utf8))
        #expect(posted.eventType == "stream-start" && posted.callSid == "first")
        #expect(posted.stream == ExotelStream(streamID: "s"))
        // Text that is no JSON says nothing.
        #expect(try ExotelCallback(query: [(name: "Stream", value: "{broken")]).stream == nil)
    }

    @Test func `Passthru, lower case and flat`() throws {
        let body =
            "callsid=x&streamsid=s&status=completed&duration=7&recordingurl=https%3A%2F%2Fh%2Fa.mp3"
            + "&disconnectedby=bot&dialcallstatus=busy"
        let callback = try ExotelCallback(
            query: [], contentType: "application/x-www-form-urlencoded", body: Array(body.utf8))
        #expect(callback.callSid == "x" && callback.status == "busy" && callback.recordingURL == nil)
        #expect(callback.stream?.streamID == "s" && callback.stream?.status == "completed")
        #expect(callback.stream?.seconds == 7 && callback.stream?.disconnectedBy == .bot)
        #expect(callback.stream?.recordingURL == "https://h/a.mp3")
    }

    /// The same status in the three content types.
    @Test func `a status callback in every content type`() throws {
        let vector = try CallbackVector.object("exotel_http_status_callback")
        let fields = try #require(vector["fields"] as? [String: String])
        let pairs = fields.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
        var multipart = "preamble\r\n"
        for (name, value) in pairs {
            multipart += "--b0:1\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n"
        }
        multipart +=
            "--b0:1\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\n\u{1}\r\n--b0:1--\r\n"
        let legs: [[String: Any]] = [["OnCallDuration": "42", "Status": "completed"]]
        var object: [String: Any] = fields.filter { !$0.key.hasPrefix("Legs") }
        object["Legs"] = legs
        let bodies: [(String, [UInt8])] = [
            ("application/x-www-form-urlencoded", FormFields(pairs).body),
            ("multipart/form-data; boundary=\"b0:1\"", Array(multipart.utf8)),
            ("Multipart/Form-Data; charset=utf-8; boundary=b0:1", Array(multipart.utf8)),
            ("application/json", try CallbackVector.bytes(object)), ("", try CallbackVector.bytes(object)),
        ]
        for (type, body) in bodies {
            let status = try ExotelCallback(query: [], contentType: type, body: body)
            #expect(status.callSid == "1a2b3c4d5e6f708192a3b4c5d6e7f80m", "\(type)")
            #expect(status.eventType == "terminal" && status.status == "completed")
            #expect(status.seconds == 42 && status.customField == "agent=a42")
            #expect(status.from == "+919876543210" && status.to == "+918047491899")
            #expect(status.startTime == "2026-09-11 23:04:22" && status.endTime == "2026-09-11 23:05:04")
            #expect(status.recordingURL == fields["RecordingUrl"] && status.stream == nil)
            #expect(status.legs == [ExotelLeg(status: "completed", seconds: 42)], "\(type)")
        }
    }

    @Test(arguments: [
        ("application/json", "{"), ("application/json", "[]"),
        ("application/x-www-form-urlencoded", "a=%GG"), ("multipart/form-data", "--b\r\n"),
        ("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx"),
        ("multipart/form-data; boundary=b", "--b\r\n\r\nx\r\n--b--"),
        ("multipart/form-data; boundary=", "--"),
    ])
    func `a body that is not of its type`(_ type: String, _ body: String) {
        #expect(throws: SignallingError.malformed) {
            try ExotelCallback(query: [], contentType: type, body: Array(body.utf8))
        }
    }

    @Test func `what is too long is refused by its name alone`() {
        let error = failure { () throws(SignallingError) in
            _ = try ExotelCallback(query: [(name: "From", value: String(repeating: "9", count: 513))])
        }
        #expect(error == .tooLong("from") && error?.description == "from is too long")
    }
}
