// Who may send a large body: a few at once, before it can be known who they are.

import Telemetry

/// A large body that is being read or worked on; its place is free again when this is gone.
final class BodyLease: Sendable {
    private let bodies: LargeBodies

    fileprivate init(_ bodies: LargeBodies) { self.bodies = bodies }

    deinit { bodies.leave() }
}

/// The places for large bodies. ElevenLabs' signature covers the body, so that it has to be read whole before anybody is
/// recognised: memory for it is given to a few at once, for as long as a body may take.
final class LargeBodies: @unchecked Sendable {
    // `lock` guards everything that changes.
    private let lock = Lock()
    private var awaited: [(key: String, source: String, until: MonotonicTime)] = []
    private var held = 0

    /// Most of one source that are awaited at once: a stranger must not take all of them by heads alone.
    static let sourceLimit = 2
    /// Most at once.
    let limit: Int

    init(limit: Int = 4) { self.limit = limit }

    /// How long a body may take, in seconds: then its connection is cut.
    static let seconds = 60

    /// Takes a place for the body that follows a head of `source` known by `key`; false when there is none.
    func reserve(_ key: String, source: String, at now: MonotonicTime = .now) -> Bool {
        lock.withLock {
            // Whose connection broke never arrives: its place is free when its time is over.
            awaited.removeAll { $0.until <= now }
            guard awaited.count + held < limit,
                awaited.count(where: { $0.source == source }) < Self.sourceLimit
            else { return false }
            awaited.append((key, source, now.adding(milliseconds: Int64(Self.seconds) * 1000 + 1_000)))
            return true
        }
    }

    /// The body has arrived; nil when no place was taken for it.
    func arrived(_ key: String) -> BodyLease? {
        lock.withLock {
            guard let index = awaited.firstIndex(where: { $0.key == key }) else { return nil }
            awaited.remove(at: index)
            held += 1
            return BodyLease(self)
        }
    }

    fileprivate func leave() { lock.withLock { held -= 1 } }
}
