// Whom to tell something once their stream is over: calls that ended because nobody could talk.

import Telemetry

/// Remembers calls for a minute. From any thread.
final class Apologies: @unchecked Sendable {
    // `lock` guards `owed`.
    private let lock = Lock()
    private var owed: [String: (apology: Apology, until: MonotonicTime)] = [:]

    /// How long a carrier may take to ask what follows, in milliseconds.
    private static let milliseconds: Int64 = 60_000
    /// Most calls remembered.
    private static let limit = 10_000

    /// The caller of `carrierCallID` is to be told.
    func remember(_ carrierCallID: String, _ apology: Apology, at now: MonotonicTime = .now) {
        lock.withLock {
            if owed.count >= Self.limit { owed = owed.filter { $0.value.until > now } }
            guard owed.count < Self.limit else { return }
            owed[carrierCallID] = (apology, now.adding(milliseconds: Self.milliseconds))
        }
    }

    /// What the caller of `carrierCallID` is to be told, once; nil for nothing.
    func take(_ carrierCallID: String, at now: MonotonicTime = .now) -> Apology? {
        lock.withLock {
            guard let owed = owed.removeValue(forKey: carrierCallID), owed.until > now else { return nil }
            return owed.apology
        }
    }
}
