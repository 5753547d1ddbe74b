// What Twilio's incoming calls were answered: a webhook that comes again gets the same answer, and no further token.

import Net
import Telemetry

/// The answers given, each by its call and the address it was asked at. Shared by threads; never waits.
///
/// Twilio's signature has no time: who has got hold of one request could have it answered for ever.
final class TwilioAnswers: @unchecked Sendable {
    /// One answer.
    struct Given: Sendable {
        /// What was answered.
        var response: HTTPResponse
        /// The token in it. A secret.
        var token: String
    }

    // `lock` guards `calls` and `order`.
    private let lock = Lock()
    private var calls: [String: [String: Given]] = [:]
    private var order: [String] = []
    private let limit: Int

    /// Most addresses of one call: it is sent to another one a few times in its life.
    private static let targets = 8
    /// Most calls that are remembered: hours of them. Of older ones the archive's rows tell.
    static let standardLimit = 20_000

    /// No answers yet.
    init(limit: Int = TwilioAnswers.standardLimit) { self.limit = max(limit, 1) }

    /// What call `id` was answered at `target`; nil when it has not been.
    func given(_ id: String, _ target: String) -> Given? { lock.withLock { calls[id]?[target] } }

    /// Whether call `id` was answered at any address.
    func knows(_ id: String) -> Bool { lock.withLock { calls[id] != nil } }

    /// Remembers an answer; of two that were made at once the first one, which is returned.
    func remember(_ answer: Given, _ id: String, _ target: String) -> Given {
        lock.withLock {
            if let first = calls[id]?[target] { return first }
            if calls[id] == nil {
                if order.count >= limit {
                    for old in order.prefix(limit / 4 + 1) { calls[old] = nil }
                    order.removeFirst(limit / 4 + 1)
                }
                order.append(id)
            }
            if calls[id]?.count ?? 0 >= Self.targets { calls[id] = [:] }
            calls[id, default: [:]][target] = answer
            return answer
        }
    }
}
