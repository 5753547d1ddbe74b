// Orders that bear an Idempotency-Key: the same one again is the same call.

import Archive
import Telemetry

/// Remembers keys for a day, of the newest orders only. From any thread; never waits.
///
/// `Idempotency-Key` as draft-ietf-httpapi-idempotency-key-header describes it: the same key with another body is 422, while
/// the first request is under way 409.
final class OrderMemory: @unchecked Sendable {
    /// What is known of a key.
    enum Finding: Sendable, Hashable {
        /// Nothing: the order is to be carried out, and `placed` or `forget` to follow.
        case new
        /// Its order is being carried out.
        case underWay
        /// It belongs to another order.
        case otherOrder
        /// Its order became this call.
        case placed(String)
    }

    private struct Entry {
        var body: Digest
        var call: String?
        var number: UInt64
        var until: MonotonicTime
    }

    // `lock` guards `entries` and `last`.
    private let lock = Lock()
    private var entries: [String: Entry] = [:]
    private var last: UInt64 = 0
    private let limit: Int

    /// How long a key is remembered, in milliseconds.
    static let milliseconds: Int64 = 86_400_000
    /// Most keys remembered.
    static let standardLimit = 10_000
    /// Most characters of a key.
    static let longestKey = 255

    /// An empty memory of at most `limit` keys.
    init(limit: Int = OrderMemory.standardLimit) { self.limit = max(limit, 1) }

    /// Whether `key` is one: printable ASCII, 1 to 255 characters.
    static func isKey(_ key: String) -> Bool {
        (1...longestKey).contains(key.utf8.count) && key.utf8.allSatisfy { 0x20...0x7E ~= $0 }
    }

    /// An order with `key` and `body` has come.
    func begin(_ key: String, _ body: [UInt8], at now: MonotonicTime = .now) -> Finding {
        let digest = Digest.sha256(body)
        return lock.withLock {
            if let known = entries[key], known.until > now {
                guard known.body == digest else { return .otherOrder }
                return known.call.map { .placed($0) } ?? .underWay
            }
            makeRoom(at: now)
            last += 1
            entries[key] = Entry(
                body: digest, number: last, until: now.adding(milliseconds: Self.milliseconds))
            return .new
        }
    }

    /// The order of `key` became call `id`.
    func placed(_ key: String, _ id: String) { lock.withLock { entries[key]?.call = id } }

    /// The order of `key` came to nothing: it may be tried again.
    func forget(_ key: String) { lock.withLock { entries[key] = nil } }

    private func makeRoom(at now: MonotonicTime) {
        guard entries.count >= limit else { return }
        entries = entries.filter { $0.value.until > now }
        guard entries.count >= limit else { return }
        // A quarter at once, the oldest, so that not every order sorts.
        let numbers = entries.values.map(\.number).sorted()
        let newest = numbers[min(limit / 4, numbers.count - 1)]
        entries = entries.filter { $0.value.number > newest }
    }
}
