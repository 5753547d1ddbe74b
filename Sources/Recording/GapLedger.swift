// Why stretches of the caller's channel are empty, as the tape tells.

import Tape

/// The causes of gaps that are known and not drained yet.
struct GapLedger {
    /// What a payload that is no packet of its codec leaves.
    static let badPayload = "bad_payload"

    private var known: [(interval: Interval, cause: String)] = []

    /// Nothing of the carrier's stands there, for `cause`.
    mutating func gap(_ interval: Interval, _ cause: TapeGapCause) { known.append((interval, cause.token)) }

    /// A payload was malformed.
    mutating func malformed(_ interval: Interval) { known.append((interval, Self.badPayload)) }

    /// Forgets what ends up to `position`.
    mutating func forget(upTo position: Int64) { known.removeAll { $0.interval.end <= position } }

    /// Calls `tell` with each part of `hole` and its cause. What a malformed payload left stands beside other gaps,
    /// and keeps its name.
    func name(_ hole: Interval, tell: (Interval, String) -> Void) {
        let causes = known.filter { $0.interval.start < hole.end && hole.start < $0.interval.end }
        guard let bad = causes.first(where: { $0.cause == Self.badPayload })?.interval else {
            return split(hole, causes.sorted { $0.interval.start < $1.interval.start }, tell: tell)
        }
        let start = max(bad.start, hole.start)
        let end = min(bad.end, hole.end)
        if hole.start < start { name(Interval(start: hole.start, length: start - hole.start), tell: tell) }
        tell(Interval(start: start, length: end - start), Self.badPayload)
        if end < hole.end { name(Interval(start: end, length: hole.end - end), tell: tell) }
    }

    /// Tells the parts of `hole` where one of `causes`, sorted by their start, follows on another.
    private func split(
        _ hole: Interval, _ causes: [(interval: Interval, cause: String)], tell: (Interval, String) -> Void
    ) {
        guard let first = causes.first else { return tell(hole, "no_frames") }
        let end = first.interval.end
        guard end < hole.end, causes.contains(where: { $0.interval.start >= end }) else {
            return tell(hole, first.cause)
        }
        tell(Interval(start: hole.start, length: end - hole.start), first.cause)
        name(Interval(start: end, length: hole.end - end), tell: tell)
    }
}
