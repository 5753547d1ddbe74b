// The carrier's playout buffer, reconstructed with hindsight: when each sent piece was heard, and how much.

import Telemetry

/// Reconstructs what a caller heard from what was sent, the marks that came back, and the clears.
///
/// The carrier plays pieces in order and in real time, starts at arrival when idle, and drops the unplayed
/// rest at `clear`. A mark comes back when all before it was played, at once when nothing was pending, or
/// because of a clear. Every return is evidence from above: network delay only makes it late. So a piece
/// began no later than the earliest of (return of a later mark − sound between), and the least such bound
/// is believed. A mark that came back before its sound can have been played was returned by the clear, and
/// says when the clear took effect; so does a mark sent right behind it, and a mark that never comes back
/// was forgotten by it. The caller's frames on the same connection bound each return from below: one that came
/// in a heap with late frames is known between two frames only, and proves nothing finer. What a cut piece may
/// have been heard of, by the bounds of its start and of the cut, is kept as far as one MP3 frame allows. Pieces are settled a while after their end, when later marks have
/// sharpened the bounds; settling depends on the order of calls only, so a tape always gives the same.
public struct HeardTimeline: Sendable {
    struct Entry: Sendable {
        /// A piece, or nil for a mark.
        var piece: SentPiece?
        var mark: String?
        /// When it was sent, as a position on the call's clock.
        var sent: Int64
        /// When the mark came back at the latest, likewise.
        var returned: Int64?
        /// When it came back at the earliest.
        var returnedAfter: Int64 = .min
        /// Whether it came at its own time, not in a heap with others that had been held up.
        var isSharp = true
        /// Number of the clear it was exposed to.
        var clear: Int?
        /// Whether the mark is known to have come back by playing although a clear was under way.
        var wasPlayed = false
    }

    /// When sound was cut: within these bounds, as far as evidence goes.
    private struct Cut {
        var least: Int64
        var most: Int64
        /// The end, as placed, of the first piece whose mark the clear forgot.
        var forgotten = Int64.max

        /// Where the sound that is kept ends, if its start may have been earlier by `doubt`.
        func kept(_ doubt: Int64) -> Int64 {
            max(least, min(most + doubt, least + HeardTimeline.allowance, forgotten))
        }
    }

    struct Clear: Sendable {
        var number: Int
        var sent: Int64
    }

    let rate: Int64
    var entries: [Entry] = []
    var clears: [Clear] = []
    private var clearCount = 0
    /// End of the last settled piece, or instant of the last settled clear.
    var playhead: Int64 = 0
    /// Least time from sending to a mark's return that was not spent playing, by the marks so far.
    var roundTrip: Int64?
    /// The most of the same, over marks sent into an idle buffer.
    var longestTrip: Int64?
    /// How many told it.
    var trips: Int64 = 0
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
    /// How late a mark that came at its own time can have been, in milliseconds.
    static let sharpMilliseconds: Int64 = 30
    /// Most that is kept beyond what was surely heard, in samples: an MP3 frame has 576, and the least round trip
    /// is itself known to a millisecond or two only.
    static let allowance: Int64 = 528
    /// How much later than the clear the mark behind it may have come to the carrier, in milliseconds.
    static let followerMilliseconds: Int64 = 20
    /// How much less than the only one known the least round trip may be, in milliseconds.
    static let firstTripMilliseconds: Int64 = 10

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

    /// A mark came back at `instant` at the latest, and after `earliest`. One that came in a heap, after the
    /// network had stood still, tells no more than that: it is not sharp.
    public mutating func returnMark(
        _ name: String, at instant: MediaTime, after earliest: MediaTime? = nil, isSharp: Bool = true
    ) {
        guard let index = entries.firstIndex(where: { $0.mark == name && $0.returned == nil }) else { return }
        entries[index].returned = instant.samples
        entries[index].returnedAfter = earliest?.samples ?? .min
        entries[index].isSharp = isSharp
        // A mark that follows no piece was sent to learn the round trip, if the buffer was idle.
        guard index == 0 || entries[index - 1].piece == nil, isProof(entries[index]) else { return }
        if endOfSound(before: index, isCleared: true) <= entries[index].sent { learnIdle(entries[index]) }
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
        place(through: entries.count, cut: Cut(least: end.samples, most: end.samples), settle)
    }

    // MARK: Settling

    /// Whether all marks that a clear returns are back, or have been waited for long enough.
    private func isComplete(_ clear: Clear) -> Bool {
        if latest > clear.sent + milliseconds(Self.clearPatienceMilliseconds) { return true }
        // What the clear returned came before the mark behind it.
        if follower(of: clear)?.returned != nil { return true }
        return !entries.contains { $0.clear == clear.number && $0.mark != nil && $0.returned == nil }
            && entries.contains { $0.clear == clear.number && $0.mark != nil }
    }

    /// The mark that was sent right behind `clear`.
    private func follower(of clear: Clear) -> Entry? {
        let behind = entries.first { ($0.clear ?? .max) > clear.number }
        guard let behind, behind.mark != nil, behind.sent - clear.sent <= milliseconds(1) else { return nil }
        return behind
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
    private mutating func place(through count: Int, cut: Cut?, _ settle: (HeardPiece) -> Void) {
        for index in 0..<min(count, entries.count) {
            guard let piece = entries[index].piece else {
                continue
            }
            let start = self.start(of: index)
            if start > playhead {
                let bounds = self.bounds(of: index)
                let earliest = max(playhead, entries[index].sent + surelyLeastTrip, bounds.least)
                doubt = max(0, min(start - earliest, milliseconds(Self.jitterMilliseconds)))
                if let latest = bounds.latest {
                    roundTrip = min(roundTrip ?? .max, max(0, latest - entries[index].sent))
                }
            }
            // Where a start is known within an interval only, what may have been heard is kept.
            let heard = cut.map { max(0, min(piece.samples, $0.kept(doubt) - start)) } ?? piece.samples
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
        // It may have been as late as round trips scatter; so much is kept as an MP3 frame allows.
        let longest = clear.sent + max(longestTrip ?? 0, roundTrip ?? 0) + (roundTrip ?? 0) - surelyLeastTrip
        var least = Int64.min
        var most = Int64.max
        var forgotten = Int64.max
        let behind = follower(of: clear)
        let followed = behind?.returned != nil
        if let behind, let returned = behind.returned {
            most = returned
            least =
                behind.returnedAfter == .min
                ? .min : behind.returnedAfter - milliseconds(Self.followerMilliseconds)
            if behind.isSharp {
                least = max(
                    least, returned - milliseconds(Self.sharpMilliseconds + Self.followerMilliseconds))
            }
        }
        for index in 0..<exposed where entries[index].mark != nil {
            let predicted = max(endOfSound(before: index), entries[index].sent)
            guard let returned = entries[index].returned else {
                // Its sound was not over when the clear forgot it.
                if followed || latest > clear.sent + milliseconds(Self.slackMilliseconds) {
                    forgotten = min(forgotten, predicted)
                }
                continue
            }
            guard returned >= clear.sent else { continue }
            // Before either can have returned it, the nearer of the two is believed.
            let isTooEarlyForClear =
                returned + tolerance < expected && predicted <= expected && returned + closeBy >= predicted
            // Whatever returned it: the clear took effect no earlier.
            least = max(least, min(entries[index].returnedAfter, predicted))
            if entries[index].isSharp {
                least = max(least, min(returned - milliseconds(Self.sharpMilliseconds), predicted))
            }
            if returned + tolerance >= predicted || isTooEarlyForClear {
                // It came when its sound was over, or before the clear can have arrived: it was played.
                entries[index].wasPlayed = entries[index].isSharp
            } else {
                // The first that came before its sound can have ended was returned by the clear.
                most = min(most, returned)
                break
            }
        }
        var cut = Cut(
            least: max(least, min(clear.sent + surelyLeastTrip, most)), most: max(least, min(longest, most)))
        cut.forgotten = forgotten
        if let limit { cut = Cut(least: min(cut.least, limit), most: min(cut.most, limit)) }
        place(through: exposed, cut: cut, settle)
        playhead = max(playhead, min(cut.most, cut.kept(0)))
    }

    /// When the sound before the entry at `index` ends if nothing is cleared, or if what a clear that was sent
    /// before that entry came upon is gone.
    private func endOfSound(before index: Int, isCleared: Bool = false) -> Int64 {
        var end = playhead
        for earlier in 0..<index where !isCleared || entries[earlier].clear == entries[index].clear {
            if let piece = entries[earlier].piece { end = start(of: earlier, after: end) + piece.samples }
        }
        return end
    }
}
