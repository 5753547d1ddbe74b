// Which webhooks have been here already.

import Cryptography
import Telemetry

/// Whether a message comes for the first time.
public enum ReplayVerdict: Sendable, Hashable {
    /// It was not seen in the time remembered: act on it.
    case fresh
    /// It was seen: answer as if it had been acted on (200), and do not act on it again.
    case duplicate
}

/// Remembers keys for a while: at most `limit`, the oldest forgotten first. Shared by threads.
public final class ReplayMemory: @unchecked Sendable {
    // `lock` guards everything that changes.
    private let lock = Lock()
    private var seen: [SHA256Digest: Int64] = [:]
    // Digests in the order they came, from `first` on; those before are gone.
    private var order: [(digest: SHA256Digest, at: Int64)] = []
    private var first = 0
    private let lifetime: Int64
    private let limit: Int

    /// How long a key is remembered, in milliseconds: a signature from 300 s ahead passes until its time is 300 s past, to the
    /// end of that second.
    public static let standardLifetime: Int64 = 601_000

    /// A memory of `lifetime` milliseconds and `limit` keys.
    public init(lifetime: Int64 = ReplayMemory.standardLifetime, limit: Int = 65_536) {
        self.lifetime = max(lifetime, 0)
        self.limit = max(limit, 1)
    }

    /// How many keys are remembered.
    public var count: Int { lock.withLock { seen.count } }

    /// Whether `key` comes for the first time within the lifetime, and from now on it has come. `now` is in milliseconds.
    public func admit(_ key: String, at now: Int64) throws(CryptographyError) -> ReplayVerdict {
        let digest = try SHA256Digest(of: key.utf8)
        return lock.withLock {
            while first < order.count, isOver(order[first].at, now) { removeFirst() }
            if let at = seen[digest], !isOver(at, now) { return .duplicate }
            while seen.count >= limit, first < order.count { removeFirst() }
            seen[digest] = now
            order.append((digest, now))
            return .fresh
        }
    }

    /// Forgets `key`: acting on it failed, and its sender may try again.
    public func forget(_ key: String) throws(CryptographyError) {
        let digest = try SHA256Digest(of: key.utf8)
        lock.withLock {
            // Its place in the order stays, and stands for nothing.
            seen[digest] = nil
        }
    }

    private func isOver(_ at: Int64, _ now: Int64) -> Bool {
        let (age, overflow) = now.subtractingReportingOverflow(at)
        return overflow ? now > at : age >= lifetime
    }

    private func removeFirst() {
        guard first < order.count else { return }
        let (digest, at) = order[first]
        if seen[digest] == at { seen[digest] = nil }
        first += 1
        if first > 1024, first > order.count / 2 {
            order.removeFirst(first)
            first = 0
        }
    }
}
