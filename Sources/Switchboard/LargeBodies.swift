// Who may send a large body: a few at once, before it can be known who they are.

import Telemetry

/// A large body that is being read or worked on; its place is free again when this is gone.
final class BodyLease: Sendable {
    private let bodies: LargeBodies
    private let source: String

    fileprivate init(_ bodies: LargeBodies, _ source: String) {
        self.bodies = bodies
        self.source = source
    }

    /// Who sent it is not who it said.
    func isForged() { bodies.distrust(source, to: 0) }

    deinit { bodies.leave() }
}

/// The places for large bodies. ElevenLabs' signature covers the body, so that it has to be read whole before anybody is
/// recognised: memory for it is given to a few at once, for as long as a body may take.
///
/// A source whose large body proved nothing gets no further place for five minutes, and one whose body never came gets one
/// fewer each time: forged heads take places from others for a while, not for good.
final class LargeBodies: @unchecked Sendable {
    // `lock` guards everything that changes.
    private let lock = Lock()
    private var awaited: [(key: String, source: String, until: MonotonicTime)] = []
    private var held = 0
    private var distrusted: [String: (places: Int, until: MonotonicTime)] = [:]

    /// Most of one source that are awaited at once: a stranger must not take all of them by heads alone.
    static let sourceLimit = 2
    /// How long a source has fewer places, in milliseconds.
    static let distrustMilliseconds: Int64 = 300_000
    /// Most sources that are remembered.
    private static let memory = 4_096
    /// Most at once.
    let limit: Int
    private let clock: @Sendable () -> MonotonicTime

    init(limit: Int = 4, clock: @escaping @Sendable () -> MonotonicTime = { .now }) {
        self.limit = limit
        self.clock = clock
    }

    /// How long a body may take, in seconds: then its connection is cut.
    static let seconds = 60

    /// Takes a place for the body that follows a head of `source` known by `key`; false when there is none.
    func reserve(_ key: String, source: String) -> Bool {
        let now = clock()
        return lock.withLock {
            // Whose connection broke never arrives: its place is free when its time is over.
            for late in awaited where late.until <= now {
                distrust(late.source, to: places(late.source, at: now) - 1, at: now)
            }
            awaited.removeAll { $0.until <= now }
            guard awaited.count + held < limit,
                awaited.count(where: { $0.source == source }) < places(source, at: now)
            else { return false }
            awaited.append((key, source, now.adding(milliseconds: Int64(Self.seconds) * 1000 + 1_000)))
            return true
        }
    }

    /// The body has arrived; nil when no place was taken for it.
    func arrived(_ key: String) -> BodyLease? {
        lock.withLock {
            guard let index = awaited.firstIndex(where: { $0.key == key }) else { return nil }
            let source = awaited.remove(at: index).source
            held += 1
            return BodyLease(self, source)
        }
    }

    fileprivate func leave() { lock.withLock { held -= 1 } }

    fileprivate func distrust(_ source: String, to places: Int) {
        let now = clock()
        lock.withLock { distrust(source, to: places, at: now) }
    }

    private func distrust(_ source: String, to places: Int, at now: MonotonicTime) {
        if distrusted.count >= Self.memory, distrusted[source] == nil {
            distrusted = distrusted.filter { $0.value.until > now }
            if distrusted.count >= Self.memory,
                let first = distrusted.min(by: { $0.value.until < $1.value.until })
            {
                distrusted[first.key] = nil
            }
        }
        distrusted[source] = (max(places, 0), now.adding(milliseconds: Self.distrustMilliseconds))
    }

    private func places(_ source: String, at now: MonotonicTime) -> Int {
        guard let known = distrusted[source], known.until > now else { return Self.sourceLimit }
        return known.places
    }
}
