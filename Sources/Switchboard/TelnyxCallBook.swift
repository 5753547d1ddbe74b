// The calls of Telnyx's that are known, each with its course; forgotten some minutes after their end.

import Routing
import Signalling
import Telemetry

/// All courses. Shared by threads; never waits.
final class TelnyxCallBook: @unchecked Sendable {
    private struct Entry {
        var course = TelnyxCourse()
        var until: Int64
    }

    // `lock` guards `entries`.
    private let lock = Lock()
    private var entries: [String: Entry] = [:]
    private let limit: Int

    /// Most calls that are known at once: at 10,000 calls an hour all that are not over, and some that are.
    static let standardLimit = 20_000
    /// How long a call is known after its end, in milliseconds: webhooks of it may still come.
    static let afterEnd: Int64 = 5 * 60_000
    /// How long a call is known without its end: Telnyx ends every call after 14,400 s (time_limit_secs).
    static let longestCall: Int64 = 14_400_000 + afterEnd

    /// An empty book for at most `limit` calls.
    init(limit: Int = TelnyxCallBook.standardLimit) { self.limit = max(limit, 1) }

    /// How many calls are known.
    var count: Int { lock.withLock { entries.count } }

    /// Takes an event of call `id` at `now` (milliseconds of any clock that goes on).
    func take(_ event: TelnyxEvent, of id: String, at now: Int64) -> TelnyxCourse.Action? {
        lock.withLock {
            if entries[id] == nil { makeRoom(at: now) }
            var entry = entries[id] ?? Entry(until: now + Self.longestCall)
            let wasOver = entry.course.isOver
            let action = entry.course.take(event)
            if entry.course.isOver, !wasOver { entry.until = now + Self.afterEnd }
            entries[id] = entry
            return action
        }
    }

    /// Call `id` is to be `role`. False when it is over.
    func assume(_ role: TelnyxRole, plan: CallPlan? = nil, of id: String, at now: Int64) -> Bool {
        change(id, at: now) { $0.assume(role, plan: plan) }
    }

    /// Call `id` is to be recorded now. False when it is over, or is recorded already.
    func recordsNow(_ id: String, at now: Int64) -> Bool { change(id, at: now) { $0.recordsNow() } }

    /// The course of call `id`; nil when it is not known.
    func course(_ id: String) -> TelnyxCourse? { lock.withLock { entries[id]?.course } }

    /// The answered calls that leave a message with Telnyx, and what announced them.
    var messages: [(id: String, told: TelnyxAnnouncement?)] {
        lock.withLock {
            entries.compactMap { id, entry in
                let course = entry.course
                return course.role == .voicemail && course.wasAnswered && !course.isOver
                    ? (id, course.announcement) : nil
            }
        }
    }

    private func change(_ id: String, at now: Int64, _ body: (inout TelnyxCourse) -> Bool) -> Bool {
        lock.withLock {
            var entry = entries[id] ?? Entry(until: now + Self.longestCall)
            let answer = body(&entry.course)
            entries[id] = entry
            return answer
        }
    }

    /// Room for one more call: those whose time is over go, then those whose time is over first.
    private func makeRoom(at now: Int64) {
        guard entries.count >= limit else { return }
        entries = entries.filter { $0.value.until > now }
        guard entries.count >= limit else { return }
        let ends = entries.values.map(\.until).sorted()
        // A quarter at once, so that a flood does not sort for every call.
        let last = ends[min(limit / 4, ends.count - 1)]
        entries = entries.filter { $0.value.until > last }
    }
}
