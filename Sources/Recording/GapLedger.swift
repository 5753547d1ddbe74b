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
            return tell(hole, causes.first?.cause ?? "no_frames")
        }
        let start = max(bad.start, hole.start)
        let end = min(bad.end, hole.end)
        if hole.start < start { name(Interval(start: hole.start, length: start - hole.start), tell: tell) }
        tell(Interval(start: start, length: end - start), Self.badPayload)
        if end < hole.end { name(Interval(start: end, length: hole.end - end), tell: tell) }
    }
}
