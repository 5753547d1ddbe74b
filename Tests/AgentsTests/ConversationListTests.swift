// ElevenLabs' list of conversations: pages read whole or not at all, and how they are asked for.

import Damage
import Foundation
import Testing

@testable import Agents

@Suite struct ConversationListTests {
    private func page(_ text: String) throws -> ConversationPage { try ConversationPage(Array(text.utf8)) }

    private static let item =
        #"{"conversation_id":"c_1","start_time_unix_secs":7,"call_duration_secs":3,"status":"done"}"#

    @Test func aPageIsReadFromTheVectors() throws {
        let first = try ConversationPage([UInt8](vector("rest_list_conversations_response")))
        #expect(
            first.items == [
                ListedConversation(
                    conversationID: "conv_0101kexample0000000000000001",
                    agentID: "agent_0101kexample0000000000000001", startedAt: 1_759_931_600,
                    durationSeconds: 22, status: "done")
            ])
        #expect(first.next == "eyJvIjoxfQ" && first.items[0].isFinal)
        let last = try ConversationPage([UInt8](vector("rest_list_conversations_response_last_page")))
        #expect(last.items.isEmpty && last.next == nil)
    }

    @Test(arguments: [
        ("[]", PostCallError.notJSON), (#"{"conversations":[],"has_more":false} x"#, .notJSON),
        ("{}", .missingField("conversations")),
        (#"{"conversations":{},"has_more":false}"#, .missingField("conversations")),
        (#"{"conversations":[1],"has_more":false}"#, .missingField("conversations")),
        (#"{"conversations":[]}"#, .missingField("has_more")),
        (#"{"conversations":[],"has_more":"no"}"#, .missingField("has_more")),
        // Whether there is more must never be a guess.
        (#"{"conversations":[],"has_more":true,"next_cursor":null}"#, .missingField("next_cursor")),
        (#"{"conversations":[],"has_more":true,"next_cursor":""}"#, .missingField("next_cursor")),
    ])
    func aPageThatMayLackSomethingIsRefused(text: String, error: PostCallError) {
        #expect(throws: error) { try page(text) }
    }

    @Test(arguments: [
        (#""c_1""#, #""c 1""#, "conversation_id"), (#""c_1""#, #""""#, "conversation_id"),
        (#""c_1""#, "1", "conversation_id"), (#""c_1""#, "\"c\u{1B}[2J\"", "conversation_id"),
        ("7", "-7", "start_time_unix_secs"), ("7", "7.5", "start_time_unix_secs"),
        ("7", "99999999999999999999", "start_time_unix_secs"), ("3", "-1", "call_duration_secs"),
        ("3", "null", "call_duration_secs"), (#""done""#, "null", "status"),
    ])
    func oneBadItemRefusesThePage(part: String, wound: String, field: String) {
        let bad = Self.item.replacingOccurrences(of: ":" + part, with: ":" + wound)
        let text = #"{"conversations":[\#(Self.item),\#(bad)],"has_more":false}"#
        // A control character is no JSON at all.
        let error: PostCallError = wound.contains("\u{1B}") ? .notJSON : .missingField(field)
        #expect(throws: error) { try page(text) }
    }

    @Test func aPageHasAtMostAHundred() throws {
        func text(_ count: Int) -> String {
            let items = Array(repeating: Self.item, count: count).joined(separator: ",")
            return "{\"conversations\":[\(items)],\"has_more\":false}"
        }
        #expect(try page(text(100)).items.count == 100)
        #expect(throws: PostCallError.missingField("conversations")) { try page(text(101)) }
    }

    @Test func whatIsStillToComeIsNotFinal() throws {
        for (status, isFinal) in [
            ("initiated", false), ("in-progress", false), ("processing", false), ("done", true),
            ("failed", true),
        ] {
            let text = Self.item.replacingOccurrences(of: "done", with: status)
            let items = try page(#"{"conversations":[\#(text)],"has_more":false}"#).items
            #expect(items.map(\.status) == [status] && items.map(\.isFinal) == [isFinal])
        }
    }

    @Test func theQuestionSaysWhatIsSet() {
        var query = ConversationListQuery()
        #expect(query.url(base: "https://h/") == "https://h/v1/convai/conversations?page_size=100")
        query.agentID = "agent 1&"
        query.startedAfter = 10
        query.startedBefore = 20
        query.cursor = "a+/="
        query.pageSize = 2
        #expect(
            query.url(base: "http://127.0.0.1:9")
                == "http://127.0.0.1:9/v1/convai/conversations?page_size=2&agent_id=agent%201%26&call_start_after_unix=10&call_start_before_unix=20&cursor=a%2B%2F%3D"
        )
        query.pageSize = 101
        #expect(query.url(base: "https://h")?.contains("page_size=100&") == true)
        #expect(query.url(base: "ftp://h") == nil)
    }

    /// Whatever is read of damaged pages is within its bounds; nothing traps.
    @Test func damagedPagesAreReadOrRefused() throws {
        var random = SplitMix64(seed: 19)
        let body = [UInt8](try vector("rest_list_conversations_response"))
        var read = 0
        for _ in 0..<6000 {
            do throws(PostCallError) {
                let page = try ConversationPage(mutated(body, using: &random))
                for item in page.items {
                    #expect((1...128).contains(item.conversationID.utf8.count))
                    #expect(item.startedAt >= 0 && item.durationSeconds >= 0)
                    #expect(item.status.utf8.count <= 64 && (item.agentID?.utf8.count ?? 0) <= 64)
                }
                #expect(page.items.count <= 100 && page.next != "" && (page.next?.utf8.count ?? 0) <= 4096)
                read += 1
            } catch { continue }
        }
        #expect(read > 0 && read < 6000)
    }
}
