// ElevenLabs' own telephony, its monitor and its tokens: requests are the vectors, answers are read from them.

import Damage
import Foundation
import Testing

@testable import Agents

private let agent = "agent_0101kexample0000000000000001"
private let conversation = "conv_0101kexample0000000000000001"

@Suite struct NativeCallTests {
    @Test(arguments: [
        ("monitor_c2s_end_call", MonitorCommand.endCall),
        ("monitor_c2s_transfer_to_number", .transfer(number: "+12025550199")),
        ("monitor_c2s_contextual_update", .contextualUpdate("Supervisor: offer a refund")),
        ("monitor_c2s_enable_human_takeover", .enableHumanTakeover),
        ("monitor_c2s_disable_human_takeover", .disableHumanTakeover),
        ("monitor_c2s_send_human_message", .humanMessage("Hi, this is Sam.")),
    ])
    func aSupervisorsCommandsAreTheVectors(name: String, command: MonitorCommand) throws {
        #expect(try object(command.body) == object(vector(name)))
        #expect(try vectors("monitor_").contains(name) && vectors("monitor_").count == 6)
        // "monitor_c2s_" and the name that a log may have.
        #expect("\(command) \(String(reflecting: command))" == "\(name.dropFirst(12)) \(name.dropFirst(12))")
    }

    @Test func theMonitorIsASocketOfItsConversation() {
        #expect(
            MonitorCommand.url(base: "https://api.elevenlabs.io", conversationID: "conv_1")
                == "wss://api.elevenlabs.io/v1/convai/conversations/conv_1/monitor")
        #expect(
            MonitorCommand.url(base: "http://h:1", conversationID: "a/b?")
                == "ws://h:1/v1/convai/conversations/a%2Fb%3F/monitor")
        for id in ["", ".", ".."] {
            #expect(MonitorCommand.url(base: "https://h", conversationID: id) == nil)
        }
        #expect(MonitorCommand.url(base: "h", conversationID: "conv_1") == nil)
    }

    @Test func ordersAreTheVectors() throws {
        let twilio = NativeCallOrder(
            .twilio, agentID: agent, agentPhoneNumberID: "phnum_0101kexample0000000000000001",
            number: "+12025550123",
            initiation: ConversationInitiation(dynamicVariables: ["caller_name": "Ada"]), ringingSeconds: 60)
        #expect(try object(twilio.body) == object(vector("rest_twilio_outbound_call_request")))
        #expect(twilio.url(base: "https://h") == "https://h/v1/convai/twilio/outbound-call")
        let sip = NativeCallOrder(
            .sip, agentID: agent, agentPhoneNumberID: "phnum_sip_01", number: "+12025550123")
        #expect(try object(sip.body) == object(vector("rest_sip_outbound_call_request")))
        #expect(sip.url(base: "https://h/") == "https://h/v1/convai/sip-trunk/outbound-call")
        #expect(!"\(twilio) \(String(reflecting: sip))".contains("+1"))
    }

    @Test func registrationsAreTheVector() throws {
        let registration = NativeCallRegistration(
            agentID: agent, caller: "+12025550123", called: "+12025550100",
            initiation: ConversationInitiation(dynamicVariables: ["caller_number": "+12025550123"]))
        #expect(try object(registration.body) == object(vector("rest_twilio_register_call_request")))
        #expect(registration.url(base: "https://h") == "https://h/v1/convai/twilio/register-call")
        #expect(!"\(registration) \(String(reflecting: registration))".contains("+1"))
    }

    /// As a member it has no type, whatever else it has; nothing set is an object without members.
    @Test func anInitiationIsAMemberWithoutAType() throws {
        var initiation = ConversationInitiation(userID: "u\"1")
        initiation.language = "de"
        initiation.voiceID = "v"
        let body = try object(
            NativeCallRegistration(agentID: "a", caller: "b", called: "c", initiation: initiation).body)
        let expected: NSDictionary = [
            "conversation_config_override": ["agent": ["language": "de"], "tts": ["voice_id": "v"]],
            "user_id": "u\"1",
        ]
        #expect(body["conversation_initiation_client_data"] as? NSDictionary == expected)
        let bare = NativeCallRegistration(
            agentID: "a", caller: "b", called: "c", initiation: ConversationInitiation())
        #expect(try object(bare.body)["conversation_initiation_client_data"] as? NSDictionary == [:])
    }

    @Test func answersNameConversationAndCall() throws {
        let twilio = try NativeCallAnswer([UInt8](vector("rest_twilio_outbound_call_response")))
        #expect(twilio.isPlaced && twilio.conversationID == conversation)
        #expect(twilio.carrierCallID == "CA00000000000000000000000000000002")
        let sip = try NativeCallAnswer([UInt8](vector("rest_sip_outbound_call_response")))
        #expect(sip.isPlaced && sip.conversationID == conversation && sip.carrierCallID == "SCL_abc123")
        let refused = #"{"success":false,"message":"+1202…","conversation_id":null,"callSid":null}"#
        let answer = try NativeCallAnswer(Array(refused.utf8))
        #expect(!answer.isPlaced && answer.conversationID == nil && answer.carrierCallID == nil)
        #expect(throws: PostCallError.missingField("success")) { try NativeCallAnswer(Array("{}".utf8)) }
        #expect(throws: PostCallError.notJSON) { try NativeCallAnswer(Array("[]".utf8)) }
    }

    @Test func aTokenIsReadAndNotTold() throws {
        let answer = try ConversationToken([UInt8](vector("rest_get_token_response")))
        #expect(answer.token == "eyJhbGciOi.example" && answer.conversationID == conversation)
        #expect(!"\(answer) \(String(reflecting: answer))".contains("eyJ"))
        #expect(
            ConversationToken.url(base: "https://h", agentID: "a&b")
                == "https://h/v1/convai/conversation/token?agent_id=a%26b")
        #expect(ConversationToken.url(base: "https://h", agentID: "") == nil)
        let bodies = [
            "{}", #"{"token":""}"#, #"{"token":1}"#,
            "{\"token\":\"\(String(repeating: "x", count: 8193))\"}",
        ]
        for body in bodies {
            #expect(throws: PostCallError.missingField("token")) { try ConversationToken(Array(body.utf8)) }
        }
    }

    /// Whatever is read of damaged answers is within its bounds; nothing traps.
    @Test func damagedAnswersAreReadOrRefused() throws {
        var random = SplitMix64(seed: 20)
        let bodies = try [
            "rest_twilio_outbound_call_response", "rest_sip_outbound_call_response",
            "rest_get_token_response",
        ].map { [UInt8](try vector($0)) }
        var read = 0
        for round in 0..<6000 {
            let body = mutated(bodies[round % 3], using: &random)
            do throws(PostCallError) {
                if round % 3 == 2 {
                    #expect((1...8192).contains(try ConversationToken(body).token.utf8.count))
                } else {
                    let answer = try NativeCallAnswer(body)
                    #expect((answer.conversationID?.utf8.count ?? 0) <= 256)
                    #expect((answer.carrierCallID?.utf8.count ?? 0) <= 256)
                }
                read += 1
            } catch { continue }
        }
        #expect(read > 0 && read < 6000)
    }
}
