// Whom to tell something once their stream is over: calls that ended because nobody could talk, or had no stream.

import Telemetry

/// Remembers calls for a minute. From any thread.
final class Apologies: @unchecked Sendable {
    // `lock` guards `owed` and `streams`.
    private let lock = Lock()
    private var owed: [String: (apology: Apology, until: MonotonicTime)] = [:]
    private var streams: [String: MonotonicTime] = [:]

    /// How long a carrier may take to ask what follows, in milliseconds.
    private static let milliseconds: Int64 = 60_000
    /// How long a call may have its stream, in milliseconds: longer than `limits.call_minutes` can be.
    private static let longestCall: Int64 = 25 * 3_600_000
    /// Most calls remembered.
    private static let limit = 10_000
    /// Most calls with a stream remembered: as many as there can be at once, and those just over.
    private static let streamLimit = 200_000

    /// The caller of `carrierCallID` is to be told.
    func remember(_ carrierCallID: String, _ apology: Apology, at now: MonotonicTime = .now) {
        lock.withLock {
            if owed.count >= Self.limit { owed = owed.filter { $0.value.until > now } }
            guard owed.count < Self.limit else { return }
            owed[carrierCallID] = (apology, now.adding(milliseconds: Self.milliseconds))
        }
    }

    /// The call `carrierCallID` has its stream.
    func hasStream(_ carrierCallID: String, at now: MonotonicTime = .now) {
        keep(carrierCallID, until: now.adding(milliseconds: Self.longestCall), at: now)
    }

    /// The stream of call `carrierCallID` is over.
    func streamIsOver(_ carrierCallID: String, at now: MonotonicTime = .now) {
        keep(carrierCallID, until: now.adding(milliseconds: Self.milliseconds), at: now)
    }

    /// Whether call `carrierCallID` has a stream, or had one a moment ago.
    func knowsStream(_ carrierCallID: String, at now: MonotonicTime = .now) -> Bool {
        lock.withLock { streams[carrierCallID].map { $0 > now } ?? false }
    }

    private func keep(_ carrierCallID: String, until end: MonotonicTime, at now: MonotonicTime) {
        lock.withLock {
            if streams.count >= Self.streamLimit { streams = streams.filter { $0.value > now } }
            guard streams.count < Self.streamLimit else { return }
            streams[carrierCallID] = end
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
