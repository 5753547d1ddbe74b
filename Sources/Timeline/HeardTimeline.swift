// The carrier's playout buffer, reconstructed with hindsight: when each sent piece was heard, and how much.

import Telemetry

/// Reconstructs what a caller heard from what was sent, the marks that came back, and the clears.
///
/// The carrier plays pieces in order and in real time, starts at arrival when idle, and drops the unplayed
/// rest at `clear`. A mark comes back when all before it was played, at once when nothing was pending, or
/// because of a clear. Every return is evidence from above: network delay only makes it late. So a piece
/// began no later than the earliest of (return of a later mark − sound between), and the least such bound
/// is believed. A mark that came back before its sound can have been played was returned by the clear, and
/// says when the clear took effect. Pieces are settled a while after their end, when later marks have
/// sharpened the bounds; settling depends on the order of calls only, so a tape always gives the same.
public struct HeardTimeline: Sendable {
    struct Entry: Sendable {
        /// A piece, or nil for a mark.
        var piece: SentPiece?
        var mark: String?
        /// When it was sent, as a position on the call's clock.
        var sent: Int64
        /// When the mark came back, likewise.
        var returned: Int64?
        /// Number of the clear it was exposed to.
        var clear: Int?
        /// Whether the mark is known to have come back by playing although a clear was under way.
        var wasPlayed = false
    }

    private struct Clear: Sendable {
        var number: Int
        var sent: Int64
    }

    private let rate: Int64
    private var entries: [Entry] = []
    private var clears: [Clear] = []
    private var clearCount = 0
    /// End of the last settled piece, or instant of the last settled clear.
    private var playhead: Int64 = 0
    /// Least time from sending to a mark's return that was not spent playing, by the marks so far.
    private var roundTrip: Int64?
    /// The most of the same, over marks sent into an idle buffer.
    private var longestTrip: Int64 = 0
    private var latest: Int64 = 0
    /// How much earlier than placed the present run of seamless pieces may have begun.
    private var doubt: Int64 = 0

    /// How long after a piece's end later marks may still move it, in milliseconds.
    static let hindsightMilliseconds: Int64 = 1_000
    /// How long the marks returned by a clear are waited for, in milliseconds.
    static let clearPatienceMilliseconds: Int64 = 1_500
    /// Most network delay a piece can have met on top of the round trip, in milliseconds.
    static let slackMilliseconds: Int64 = 700
    /// How far marks of a played piece may scatter, in milliseconds: a cut errs by it towards keeping.
    static let jitterMilliseconds: Int64 = 40
    /// A start this much later than seamless is a hole in playing, not jitter, in milliseconds, when the piece
    /// was sent too late for its turn.
    static let holeMilliseconds: Int64 = 5
    /// Most that is kept in doubt when no mark tells when a clear took effect, in milliseconds.
    static let clearDoubtMilliseconds: Int64 = 10

    /// A timeline at `rate` hertz.
    public init(rate: Int) { self.rate = Int64(max(rate, 1)) }

    /// No sound before this position can be placed any more.
    public var settledUpTo: MediaTime {
        guard entries.contains(where: { $0.piece != nil }) else { return MediaTime(samples: latest) }
        let first = entries.first { $0.piece != nil }
        return MediaTime(samples: max(playhead, min(first?.sent ?? latest, latest)))
    }

    /// A piece was sent at `instant`.
    public mutating func send(_ piece: SentPiece, at instant: MediaTime) {
        entries.append(Entry(piece: piece, mark: nil, sent: instant.samples))
    }

    /// A mark was sent at `instant`, after everything sent before it.
    public mutating func sendMark(_ name: String, at instant: MediaTime) {
        entries.append(Entry(piece: nil, mark: name, sent: instant.samples))
    }

    /// A mark came back at `instant`.
    public mutating func returnMark(_ name: String, at instant: MediaTime) {
        guard let index = entries.firstIndex(where: { $0.mark == name && $0.returned == nil }) else { return }
        entries[index].returned = instant.samples
        // A mark that follows no piece was sent to learn the round trip, if the buffer was idle.
        guard index == 0 || entries[index - 1].piece == nil, isProof(entries[index]) else { return }
        if endOfSound(before: index) <= entries[index].sent { learnIdle(entries[index]) }
    }

    /// `clear` was sent at `instant`: everything sent before may go unheard.
    public mutating func clear(at instant: MediaTime) {
        clearCount += 1
        for index in entries.indices where entries[index].clear == nil { entries[index].clear = clearCount }
        clears.append(Clear(number: clearCount, sent: instant.samples))
    }

    /// The call's clock has come to `instant`: settles what later evidence can no longer move.
    public mutating func advance(to instant: MediaTime, settle: (HeardPiece) -> Void) {
        latest = max(latest, instant.samples)
        while !entries.isEmpty {
            if let first = clears.first {
                guard isComplete(first) else { return }
                resolve(first, limit: nil, settle)
                clears.removeFirst()
                continue
            }
            guard settleFirst(settle) else { return }
        }
    }

    /// The call ended at `end`: nothing was heard after it. Settles everything.
    public mutating func finish(at end: MediaTime, settle: (HeardPiece) -> Void) {
        latest = max(latest, end.samples)
        for clear in clears { resolve(clear, limit: end.samples, settle) }
        clears = []
        place(through: entries.count, cut: end.samples, settle)
    }

    // MARK: Settling

    /// Whether all marks that a clear returns are back, or have been waited for long enough.
    private func isComplete(_ clear: Clear) -> Bool {
        if latest > clear.sent + milliseconds(Self.clearPatienceMilliseconds) { return true }
        return !entries.contains { $0.clear == clear.number && $0.mark != nil && $0.returned == nil }
            && entries.contains { $0.clear == clear.number && $0.mark != nil }
    }

    /// Settles the first entry if its piece ended long enough ago. Returns whether it did.
    private mutating func settleFirst(_ settle: (HeardPiece) -> Void) -> Bool {
        guard let first = entries.firstIndex(where: { $0.piece != nil }) else {
            // Marks alone: they have told the round trip, or wait for it.
            guard let mark = entries.first, mark.returned != nil || latest > mark.sent + milliseconds(60_000)
            else {
                return false
            }
            entries.removeFirst()
            return true
        }
        let start = self.start(of: first)
        let end = start + (entries[first].piece?.samples ?? 0)
        guard latest > end + milliseconds(Self.hindsightMilliseconds) else { return false }
        place(through: first + 1, cut: nil, settle)
        return true
    }

    /// Places the pieces among the first `count` entries in order, cutting at `cut`, and forgets them.
    private mutating func place(through count: Int, cut: Int64?, _ settle: (HeardPiece) -> Void) {
        for index in 0..<min(count, entries.count) {
            guard let piece = entries[index].piece else {
                continue
            }
            let start = self.start(of: index)
            if start > playhead {
                let earliest = max(playhead, entries[index].sent + (roundTrip ?? 0))
                doubt = max(0, min(start - earliest, milliseconds(Self.jitterMilliseconds)))
            }
            // Where a start is known within an interval only, what may have been heard is kept.
            let heard = cut.map { start < $0 ? min(piece.samples, $0 - start + doubt) : 0 } ?? piece.samples
            settle(
                HeardPiece(
                    id: piece.id, position: MediaTime(samples: start), heard: heard, samples: piece.samples))
            playhead = max(playhead, start + heard)
        }
        entries.removeFirst(min(count, entries.count))
    }

    /// Finds when `clear` took effect and places what was exposed to it.
    private mutating func resolve(_ clear: Clear, limit: Int64?, _ settle: (HeardPiece) -> Void) {
        let exposed = entries.prefix { ($0.clear ?? Int.max) <= clear.number }.count
        let expected = clear.sent + (roundTrip ?? 0)
        let tolerance = max(1, milliseconds(2))
        let closeBy = milliseconds(Self.jitterMilliseconds)
        var cut = expected
        var isProven = false
        for index in 0..<exposed where entries[index].mark != nil {
            guard let returned = entries[index].returned, returned >= clear.sent else { continue }
            let predicted = max(endOfSound(before: index), entries[index].sent)
            // Before either can have returned it, the nearer of the two is believed.
            let isTooEarlyForClear =
                returned + tolerance < expected && predicted <= expected && returned + closeBy >= predicted
            if returned + tolerance >= predicted || isTooEarlyForClear {
                // It came when its sound was over, or before the clear can have arrived: it was played.
                entries[index].wasPlayed = true
                cut = max(cut, min(returned, predicted))
            } else {
                // The first that came before its sound can have ended was returned by the clear.
                cut = returned
                roundTrip = min(roundTrip ?? .max, max(0, returned - clear.sent))
                isProven = true
                break
            }
        }
        // No mark tells when the clear took effect: it may have been as late as round trips scatter.
        if !isProven, let roundTrip {
            cut += min((longestTrip - roundTrip) / 2, milliseconds(Self.clearDoubtMilliseconds))
        }
        if let limit { cut = min(cut, limit) }
        place(through: exposed, cut: cut, settle)
        playhead = max(playhead, cut)
    }

    /// When the sound before the entry at `index` ends if nothing is cleared.
    private func endOfSound(before index: Int) -> Int64 {
        var end = playhead
        for earlier in 0..<index {
            if let piece = entries[earlier].piece { end = start(of: earlier, after: end) + piece.samples }
        }
        return end
    }

    // MARK: Bounds

    private func start(of index: Int) -> Int64 { start(of: index, after: playhead) }

    /// Where the piece at `index` began, if what came before it ended at `end`.
    private func start(of index: Int, after end: Int64) -> Int64 {
        let entry = entries[index]
        let arrived = entry.sent + (roundTrip ?? 0)
        // Sent long before its turn: it was there in time.
        if arrived + milliseconds(Self.slackMilliseconds) < end { return end }
        guard let bound = latestStart(of: index) else { return max(end, arrived) }
        // A piece that was due before its turn followed seamlessly: its marks may scatter by the jitter of
        // their own way. One that was due later left a hole, and the marks say how wide.
        let scatter = arrived <= end ? Self.jitterMilliseconds : Self.holeMilliseconds
        if bound <= end + milliseconds(scatter) && end > entry.sent { return end }
        return max(end, bound, entry.sent)
    }

    /// The earliest bound that marks set on the start of the piece at `index`: its own run only, up to the
    /// first clear, and back to the mark just before it, which came back when the carrier had the piece.
    private func latestStart(of index: Int) -> Int64? {
        var bound: Int64?
        if index > 0, let probe = entries[index - 1].returned,
            entries[index].sent - entries[index - 1].sent <= milliseconds(1), isProof(entries[index - 1])
        {
            bound = probe
        }
        var sound: Int64 = 0
        var marks = 0
        for later in entries[index...] {
            if later.clear != entries[index].clear { break }
            if let piece = later.piece { sound += piece.samples }
            guard later.mark != nil else { continue }
            guard let returned = later.returned else { break }
            guard isProof(later) else { break }
            bound = min(bound ?? .max, returned - sound)
            marks += 1
            if marks == 32 { break }
        }
        return bound
    }

    /// Whether the mark came back by playing: one that a clear may have returned proves nothing.
    private func isProof(_ mark: Entry) -> Bool {
        guard !mark.wasPlayed, let returned = mark.returned, let number = mark.clear,
            let clear = clears.first(where: { $0.number == number })
        else { return true }
        return returned < clear.sent
    }

    /// A mark sent into an idle buffer comes back after the round trip alone.
    private mutating func learnIdle(_ mark: Entry) {
        guard let returned = mark.returned, mark.clear == nil else { return }
        roundTrip = min(roundTrip ?? .max, max(0, returned - mark.sent))
        longestTrip = max(longestTrip, returned - mark.sent)
    }

    private func milliseconds(_ count: Int64) -> Int64 { count * rate / 1000 }
}
