// Fetches what ElevenLabs says of a conversation when no webhook brings it.

import Agents
import Archive
import Net
import Telemetry

/// A few at once; the others wait for their turn.
private actor Turnstile {
    private var free: Int
    private var queue: [CheckedContinuation<Void, Never>] = []

    init(_ places: Int) { free = places }

    func enter() async {
        if free > 0 {
            free -= 1
            return
        }
        await withCheckedContinuation { queue.append($0) }
    }

    func leave() {
        if queue.isEmpty { free += 1 } else { queue.removeFirst().resume() }
    }
}

/// Follows conversations until their documents are there (elevenlabs.md §4.2: done or failed; the analysis takes seconds
/// to minutes). Only the document: that there is audio is noted, but audio comes by webhook or not at all.
final class ConversationFetcher: Sendable {
    /// What came of one question.
    private enum Outcome {
        /// It is kept.
        case kept
        /// It is not ready, or could not be had this time; after how many milliseconds at least to ask again.
        case later(atLeast: Int64)
        /// It will never be had, and why.
        case never(String)
    }

    /// Most questions at once; ElevenLabs counts them over the whole workspace.
    static let atOnce = 4
    /// Most conversations that are followed; more are taken up at the next start.
    static let followed = 10_000
    /// Most bytes of a document that is read, and how long one may take.
    static let answerBytes = 16 << 20
    static let timeoutMilliseconds = 15_000
    /// How far back a start looks, in microseconds, and for how many.
    static let lookBack: Int64 = 24 * 3600 * 1_000_000
    static let batch = 500

    private let parts: SwitchboardParts
    private let keeping: ConversationKeeping
    private let turnstile = Turnstile(ConversationFetcher.atOnce)

    init(_ parts: SwitchboardParts, keeping: ConversationKeeping) {
        self.parts = parts
        self.keeping = keeping
    }

    private var account: ElevenLabsAccount { parts.settings.elevenLabs }

    /// Whether conversations are fetched at all.
    var isOn: Bool { account.fetchesConversations && !account.apiKey.isEmpty }

    /// Fetches conversation `id` of call `call` after a pause, unless something brought it by then.
    func follow(_ id: String, call: String) {
        // The identifier becomes part of an address.
        guard isOn, ConversationRow.isIdentifier(id) else { return }
        let isTaken = parts.errands.runWaiting(limit: Self.followed) { [self] in
            await pursue(id, call: call)
        }
        if !isTaken { tell("conversation_not_followed", call, cause: "too_many") }
    }

    /// Takes up conversations of recent calls of which nothing came before the server was stopped.
    func takeUp() {
        guard isOn else { return }
        do throws(ArchiveError) {
            let missing = try parts.archive.catalog.callsWithoutConversation(
                since: ArchiveTime.now() - Self.lookBack, limit: Self.batch)
            for (call, conversation) in missing { follow(conversation, call: call) }
            if !missing.isEmpty {
                parts.log(.info, "conversations_taken_up", ["count": .number(Int64(missing.count))])
            }
        } catch {
            parts.log(.error, "conversations_unreadable", ["error": .text("\(error)")])
        }
    }

    private func pursue(_ id: String, call: String) async {
        var atLeast: Int64 = 0
        for pause in account.fetchPauses {
            do {
                try await Task.sleep(for: .milliseconds(max(pause, atLeast)))
            } catch {
                // The server stops; the next start takes this up.
                return
            }
            if isThere(id) { return count("brought") }
            await turnstile.enter()
            let outcome = Task.isCancelled ? .later(atLeast: 0) : await fetch(id)
            await turnstile.leave()
            if Task.isCancelled { return }
            switch outcome {
            case .kept: return count("fetched")
            case .never(let cause):
                count(cause)
                return tell("conversation_not_fetched", call, cause: cause)
            case .later(let milliseconds): atLeast = milliseconds
            }
        }
        if isThere(id) { return count("brought") }
        count("given_up")
        tell("conversation_not_fetched", call, cause: "given_up")
    }

    private func isThere(_ id: String) -> Bool {
        do throws(ArchiveError) {
            // A row without a time has only its audio.
            return try parts.archive.catalog.conversation(id)?.eventTimestamp != nil
        } catch {
            parts.log(.error, "conversations_unreadable", ["error": .text("\(error)")])
            return false
        }
    }

    private func fetch(_ id: String) async -> Outcome {
        let answer: HTTPClientResponse
        do throws(NetError) {
            answer = try await parts.client.send(
                HTTPClientRequest(
                    url: account.baseURL + "/v1/convai/conversations/" + id,
                    headers: [
                        ("xi-api-key", String(decoding: account.apiKey.bytes, as: UTF8.self)),
                        ("Accept", "application/json"),
                    ], timeoutMilliseconds: Self.timeoutMilliseconds, answerBytes: Self.answerBytes))
        } catch {
            return error == .tooLarge ? .never("too_large") : .later(atLeast: 0)
        }
        switch answer.status {
        case 200: return await keep(answer.body, id)
        case 404: return .never("unknown")
        case 401, 403: return .never("refused")
        case 408, 429, 500...599:
            let seconds = answer.header("Retry-After").flatMap { Int64($0) } ?? 0
            return .later(atLeast: min(max(seconds, 0), 600) * 1000)
        default: return .never("status_\(answer.status)")
        }
    }

    private func keep(_ body: [UInt8], _ id: String) async -> Outcome {
        do throws(PostCallError) {
            let document = try ConversationDocument(body)
            guard document.conversationID == id else { return .never("other_conversation") }
            guard document.isFinal else { return .later(atLeast: 0) }
            do throws(ArchiveError) {
                // Its own end, not our clock: a webhook, which is later than that, always counts more.
                try await keeping.keep(document, source: .fetch, eventTimestamp: document.endedAt ?? 0)
                return .kept
            } catch {
                parts.log(.error, "conversation_not_kept", ["error": .text("\(error)")])
                return error.isPassing ? .later(atLeast: 0) : .never("not_kept")
            }
        } catch {
            return .never("malformed")
        }
    }

    private func tell(_ event: String, _ call: String, cause: String) {
        parts.log(.warning, event, ["call": .text(call), "cause": .text(cause)])
    }

    private func count(_ outcome: String) {
        parts.metrics.add(
            "teeline_conversations_total", labels: MetricsRegistry.label("outcome", outcome))
    }
}

extension ArchiveError {
    /// Whether the same change may succeed later: the storage's trouble, not the change's.
    var isPassing: Bool {
        switch self {
        case .badValue, .differentSeal, .wrongLength, .noFile: false
        default: true
        }
    }
}
