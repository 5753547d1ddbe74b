// ElevenLabs' post-call webhooks and conversation documents, read from the vectors.

import Foundation
import Testing

@testable import Agents

@Suite struct PostCallTests {
    private func hook(_ name: String) throws -> PostCallWebhook {
        try PostCallWebhook([UInt8](vector(name)))
    }

    private func text(_ text: String) throws -> PostCallWebhook { try PostCallWebhook(Array(text.utf8)) }

    @Test func aTranscriptionHasTurnsAndAnalysis() throws {
        let hook = try hook("webhook_post_call_transcription")
        #expect(hook.type == "post_call_transcription")
        guard case .conversation(let document) = hook.content else {
            Issue.record("not a conversation")
            return
        }
        #expect(document.conversationID == "conv_0101kexample0000000000000001")
        #expect(hook.conversationID == document.conversationID)
        #expect(document.agentID == "agent_0101kexample0000000000000001")
        #expect(document.status == "done" && document.isFinal && document.hasAudio)
        #expect(document.startedAt == 1_759_931_600 && document.durationSeconds == 22)
        #expect(document.cost == 296 && document.terminationReason == "Client disconnected: 1000")
        #expect(document.verdict == "success" && document.title == "Booking change")
        #expect(document.summary == "The caller asked to change booking A-17.")
        #expect(document.turns.map(\.role) == ["agent", "user", "agent", "agent", "user"])
        #expect(document.turns.map(\.seconds) == [0, 3, 7, 9, 12])
        #expect(document.turns.map(\.isInterrupted) == [false, false, false, true, false])
        #expect(document.turns[2].message == nil && document.turns[2].tools == ["lookup_order"])
        #expect(document.turns[3].originalMessage == "Let me tell you about our three plans in detail.")
        #expect(document.phoneCall == nil)
        // What is kept as JSON is what came, judged by another reader.
        let whole = try object(try vector("webhook_post_call_transcription"))
        let data = try #require(whole["data"] as? NSDictionary)
        #expect(try object(try #require(document.document).utf8) == data)
        #expect(try object(try #require(document.analysis).utf8) == data["analysis"] as? NSDictionary)
        let kept = try JSONSerialization.jsonObject(with: Data(try #require(document.transcript).utf8))
        #expect(kept as? NSArray == data["transcript"] as? NSArray)
    }

    @Test func theShapeOfTheDocsIsRead() throws {
        let hook = try hook("webhook_post_call_transcription_docs_shape")
        #expect(hook.eventTimestamp == 1_739_537_297)
        guard case .conversation(let document) = hook.content else {
            Issue.record("not a conversation")
            return
        }
        // Null for tool lists, no flags of audio, no title.
        #expect(document.turns.count == 3 && document.turns.allSatisfy { $0.tools.isEmpty })
        #expect(!document.hasAudio && document.title == nil)
        #expect(document.verdict == "success" && document.summary == "Brief and informational.")
    }

    @Test func aTranscriptThatIsLeftOutIsNone() throws {
        guard
            case .conversation(let document) =
                try hook("webhook_post_call_transcription_exclude_transcript").content
        else {
            Issue.record("not a conversation")
            return
        }
        #expect(document.transcript == nil && document.turns.isEmpty && document.durationSeconds == 22)
    }

    @Test func documentsOfTheHistoryAreRead() throws {
        let done = try ConversationDocument([UInt8](vector("rest_get_conversation_response")))
        #expect(done.isFinal && done.turns.count == 5)
        let running = try ConversationDocument([UInt8](vector("rest_get_conversation_response_in_progress")))
        #expect(!running.isFinal && running.analysis == nil)
        let native = try ConversationDocument([UInt8](vector("rest_get_conversation_response_twilio_native")))
        let call = try #require(native.phoneCall)
        #expect(call.type == "twilio" && call.carrierCallID?.hasPrefix("CA") == true)
    }

    @Test func theAudioIsDecodedFromTheBody() throws {
        let body = [UInt8](try vector("webhook_post_call_audio"))
        let hook = try PostCallWebhook(body)
        guard case .audio(let audio) = hook.content else {
            Issue.record("not audio")
            return
        }
        #expect(audio.conversationID == "abc" && audio.agentID == "xyz")
        var sound: [UInt8] = []
        try audio.decode(from: body) {
            sound += $0
            return true
        }
        let told = try object(body)["data"] as? NSDictionary
        let base64 = try #require(told?["full_audio"] as? String)
        #expect(try Data(sound) == #require(Data(base64Encoded: base64)))
    }

    @Test func longAudioComesInPieces() throws {
        let sound = (0..<1_000_003).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let base64 = Data(sound).base64EncodedString()
        for (text, pieces) in [(base64, 6), (base64.replacingOccurrences(of: "/", with: "\\/"), 6)] {
            let body = Array(
                #"{"type":"post_call_audio","event_timestamp":"7","data":{"conversation_id":"c","full_audio":"\#(text)"}}"#
                    .utf8)
            let hook = try PostCallWebhook(body)
            #expect(hook.eventTimestamp == 7)
            guard case .audio(let audio) = hook.content else {
                Issue.record("not audio")
                return
            }
            var decoded: [UInt8] = []
            var count = 0
            try audio.decode(from: body) {
                decoded += $0
                count += 1
                return true
            }
            // 1,333,340 characters in pieces of 262,144.
            #expect(decoded == sound && count == pieces)
        }
    }

    @Test(arguments: ["QUJ=REVG", "QUJD!EVG", "Q", "Q\\nUJD"])
    func whatIsNoBase64IsNoAudio(text: String) throws {
        let body = Array(
            #"{"type":"post_call_audio","event_timestamp":7,"data":{"conversation_id":"c","full_audio":"\#(text)"}}"#
                .utf8)
        guard case .audio(let audio) = try PostCallWebhook(body).content else {
            Issue.record("not audio")
            return
        }
        #expect(throws: PostCallError.badAudio) { try audio.decode(from: body) { _ in true } }
    }

    @Test func paddingInTheMiddleIsNoAudio() throws {
        // The padding ends exactly one batch, where a decoder of pieces could take it for the end.
        let text = String(repeating: "A", count: PostCallAudio.batch - 2) + "==" + "AAAA"
        let body = Array(
            #"{"type":"post_call_audio","event_timestamp":7,"data":{"conversation_id":"c","full_audio":"\#(text)"}}"#
                .utf8)
        guard case .audio(let audio) = try PostCallWebhook(body).content else {
            Issue.record("not audio")
            return
        }
        #expect(throws: PostCallError.badAudio) { try audio.decode(from: body) { _ in true } }
    }

    @Test func failuresTellTheCall() throws {
        guard case .failure(let twilio) = try hook("webhook_call_initiation_failure_twilio").content,
            case .failure(let sip) = try hook("webhook_call_initiation_failure_sip").content
        else {
            Issue.record("not failures")
            return
        }
        #expect(twilio.reason == "busy" && twilio.way == "twilio")
        #expect(twilio.carrierCallID == "CA8367245817625817632576245724")
        #expect(sip.way == "sip" && sip.carrierCallID == "d8e7f6a5-b4c3-4d5e-8f9a-0b1c2d3e4f5a")
    }

    @Test func unknownTypesAreNamedSafely() throws {
        let hook = try text(#"{"type":"new\nthing","event_timestamp":1,"data":[]}"#)
        #expect(hook.content == .unknown && !hook.type.contains("\n") && hook.conversationID == nil)
    }

    @Test(arguments: [
        ("[]", PostCallError.notJSON), ("{", .notJSON), (#"{"type":"x","event_timestamp":1} x"#, .notJSON),
        (#"{"event_timestamp":1}"#, .missingField("type")),
        (#"{"type":"x"}"#, .missingField("event_timestamp")),
        (#"{"type":"x","event_timestamp":"now"}"#, .missingField("event_timestamp")),
        (#"{"type":"post_call_transcription","event_timestamp":1}"#, .missingField("data")),
        (
            #"{"type":"post_call_transcription","event_timestamp":1,"data":{}}"#,
            .missingField("conversation_id")
        ),
        (
            #"{"type":"post_call_audio","event_timestamp":1,"data":{"conversation_id":"c"}}"#,
            .missingField("full_audio")
        ),
        (
            #"{"type":"call_initiation_failure","event_timestamp":1,"data":{"conversation_id":"c"}}"#,
            .missingField("failure_reason")
        ),
    ])
    func whatLacksSomethingIsRefused(body: String, error: PostCallError) {
        #expect(throws: error) { try text(body) }
    }

    @Test func woundedWebhooksNeverTrap() throws {
        for name in try vectors("webhook_post") + vectors("webhook_call") {
            let body = [UInt8](try vector(name))
            for at in stride(from: 0, to: body.count, by: 7) {
                let (before, after) = (Array(body[..<at]), Array(body[at...]))
                let wounds: [[UInt8]] = [before, before + [0x22] + after, before + Array(after.dropFirst())]
                for wound in wounds {
                    do throws(PostCallError) {
                        let hook = try PostCallWebhook(wound)
                        if case .audio(let audio) = hook.content {
                            try audio.decode(from: wound) { _ in true }
                        }
                    } catch { continue }
                }
            }
        }
    }

    @Test func theNativeQuestionIsRead() throws {
        let asked = try InitiationRequest([UInt8](vector("hook_twilio_personalization_request")))
        #expect(asked.callerID == "+12025550123" && asked.calledNumber == "+12025550100")
        #expect(asked.agentID == "agent_0101kexample0000000000000001")
        #expect(asked.callSID == "CA00000000000000000000000000000001")
        #expect("\(asked)".contains("+1") == false)
        #expect(throws: PostCallError.notJSON) { try InitiationRequest(Array("x".utf8)) }
    }

    @Test func documentsSayNothingWhenPrinted() throws {
        let document = try ConversationDocument([UInt8](vector("rest_get_conversation_response")))
        #expect(!"\(document) \(document.turns)".contains("booking"))
        #expect(!String(reflecting: document).contains("booking"))
    }

    @Test func onlyWellFormedFreshHeadersArePlausible() {
        let code = String(repeating: "0f", count: 32)
        let now: Int64 = 1_739_537_297_000
        func isPlausible(_ header: String?) -> Bool { WebhookSignature.isPlausible(header: header, at: now) }
        #expect(isPlausible("t=1739537297,v0=\(code)"))
        #expect(isPlausible("t=1739535497, v0=\(code)"))
        #expect(!isPlausible("t=1739535496,v0=\(code)"))
        #expect(!isPlausible("t=1739537598,v0=\(code)"))
        #expect(!isPlausible("t=1739537297,v0=\(code.uppercased())"))
        #expect(!isPlausible("t=1739537297,v0=0f"))
        #expect(!isPlausible("v0=\(code)") && !isPlausible(nil) && !isPlausible(""))
    }
}
