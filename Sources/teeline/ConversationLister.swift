// ElevenLabs' list of conversations, page by page, to its end.

import Agents
import Net

/// Reads the whole list, or fails: half a list would make conversations look missing, or present.
struct ConversationLister {
    /// Most pages of one list: 100,000 conversations.
    static let pages = 1000
    /// Most times a page is asked for.
    static let attempts = 5
    /// Longest pause the service may ask for, in seconds.
    static let longestRetryAfter: Int64 = 60

    let client: HTTPClient
    let base: String
    let key: String
    /// Most pages.
    var pages = ConversationLister.pages
    /// The pause before the second attempt; each further one is twice as long.
    var pauseMilliseconds: Int64 = 500

    /// All conversations of `query`, in the order they came; none twice.
    func all(_ query: ConversationListQuery) async throws(CommandFailure) -> [ListedConversation] {
        var query = query
        var found: [ListedConversation] = []
        var seen: Set<String> = []
        var cursors: Set<String> = []
        for _ in 0..<pages {
            let page = try await page(query)
            // Of one that is on two pages, since something was added or removed in between, the first counts.
            for item in page.items where seen.insert(item.conversationID).inserted { found.append(item) }
            guard let next = page.next else { return found }
            guard cursors.insert(next).inserted else {
                throw CommandFailure(
                    .failure, "\(base) goes round in a circle: it names the same next page twice. Try again")
            }
            query.cursor = next
        }
        throw CommandFailure(
            .failure,
            "\(base) has more than \(pages) pages of conversations: ask for less with --from, --to, --agent")
    }

    /// What came of one question.
    private enum Outcome {
        case page(ConversationPage)
        /// It may be answered a little later: what happened, and the pause that is asked for, in seconds.
        case later(String, retryAfter: Int64)
        case refused(CommandFailure)
    }

    private func page(_ query: ConversationListQuery) async throws(CommandFailure) -> ConversationPage {
        guard let url = query.url(base: base) else {
            throw CommandFailure(.configuration, "ELEVENLABS_BASE_URL is no address of a service")
        }
        var attempt = 1
        while true {
            switch await ask(url) {
            case .page(let page): return page
            case .refused(let failure): throw failure
            case .later(let what, let seconds):
                guard attempt < Self.attempts else {
                    throw CommandFailure(
                        .network, "\(base): \(what), \(attempt) times in a row. Try again later")
                }
                let asked = min(max(seconds, 0), Self.longestRetryAfter) * 1000
                await pause(milliseconds: max(asked, pauseMilliseconds << Int64(attempt - 1)))
                attempt += 1
            }
        }
    }

    private func ask(_ url: String) async -> Outcome {
        let answer: HTTPClientResponse
        do throws(NetError) {
            answer = try await client.send(
                HTTPClientRequest(url: url, headers: [("xi-api-key", key), ("Accept", "application/json")]))
        } catch {
            switch error {
            case .timedOut, .system, .unresolved, .badHandshake:
                return .later(AgentChecks.reason(error), retryAfter: 0)
            default: return .refused(CommandFailure(.network, "\(base): \(AgentChecks.reason(error))"))
            }
        }
        switch answer.status {
        case 200: return read(answer.body)
        case 401, 403:
            return .refused(
                CommandFailure(
                    .configuration,
                    "\(base) refuses the key (status \(answer.status)): check ELEVENLABS_API_KEY and its permissions"
                ))
        case 408, 429, 500...599:
            return .later(
                "status \(answer.status)",
                retryAfter: answer.header("Retry-After").flatMap { Int64($0) } ?? 0)
        default:
            return .refused(
                CommandFailure(
                    .failure, "\(base) refuses the question for its list (status \(answer.status))"))
        }
    }

    private func read(_ body: [UInt8]) -> Outcome {
        do throws(PostCallError) {
            return .page(try ConversationPage(body))
        } catch {
            let what =
                switch error {
                case .notJSON, .badAudio: "is no JSON"
                case .missingField(let name): "lacks \(name), or has it of another kind"
                }
            return .refused(CommandFailure(.failure, "\(base): a page of its list \(what)"))
        }
    }

    private func pause(milliseconds: Int64) async {
        do {
            try await Task.sleep(for: .milliseconds(milliseconds))
        } catch {
            // Whoever ends this asks once more at once, and is told so.
            return
        }
    }
}
