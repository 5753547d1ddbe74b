// What marks tell of when a piece of agent sound began, and how long the way to the carrier and back is.

extension HeardTimeline {
    func start(of index: Int) -> Int64 { start(of: index, after: playhead) }

    /// Where the piece at `index` began, if what came before it ended at `end`.
    func start(of index: Int, after end: Int64) -> Int64 {
        let entry = entries[index]
        let arrived = entry.sent + (roundTrip ?? 0)
        // Sent long before its turn: it was there in time.
        if arrived + milliseconds(Self.slackMilliseconds) < end { return end }
        let bounds = self.bounds(of: index)
        guard let bound = bounds.latest.map({ min($0, bounds.likely) }) else { return max(end, arrived) }
        // A piece that was due before its turn followed seamlessly: its marks may scatter by the jitter of
        // their own way. One that was due later left a hole, and the marks say how wide.
        let scatter = arrived <= end ? Self.jitterMilliseconds : Self.holeMilliseconds
        if bound <= end + milliseconds(scatter) && end > entry.sent { return end }
        // Marks that came in a heap tell an interval only: within it, the piece was there when it was due.
        let due = bounds.isSharp ? bound : min(bound, max(end, arrived, bounds.least))
        return max(end, due, entry.sent)
    }

    /// What marks tell of the start of a piece.
    struct Bounds {
        /// No later than this.
        var latest: Int64?
        /// Most likely then, if that is earlier.
        var likely = Int64.max
        /// No earlier than this.
        var least = Int64.min
        /// Whether the former was told sharply.
        var isSharp = false
    }

    /// The bounds that marks set on the start of the piece at `index`: its own run only, up to the
    /// first clear, and back to the mark just before it, which came back when the carrier had the piece.
    func bounds(of index: Int) -> Bounds {
        var bounds = Bounds()
        var sharpest = Int64.max
        var sound: Int64 = 0
        var marks = 0
        for later in entries[index...] {
            if later.clear != entries[index].clear { break }
            if let piece = later.piece { sound += piece.samples }
            guard later.mark != nil else { continue }
            guard let returned = later.returned else { break }
            guard isProof(later) else { break }
            bounds.latest = min(bounds.latest ?? .max, returned - sound)
            if later.isSharp { sharpest = min(sharpest, returned - sound) }
            // Only the mark right behind the piece tells that it did not begin before.
            if marks == 0, later.returnedAfter > .min { bounds.least = later.returnedAfter - sound }
            marks += 1
            if marks == 32 { break }
        }
        let close = milliseconds(Self.sharpMilliseconds)
        bounds.isSharp = bounds.latest.map { sharpest <= $0 + close } ?? false
        if index > 0, let probe = entries[index - 1].returned,
            entries[index].sent - entries[index - 1].sent <= milliseconds(1), isProof(entries[index - 1])
        {
            bounds.least = max(bounds.least, entries[index - 1].returnedAfter)
            // The mark ahead came with the piece, or before it: what is behind the piece tells more.
            if !bounds.isSharp {
                bounds.latest = min(bounds.latest ?? .max, probe)
                bounds.isSharp = entries[index - 1].isSharp
            } else if marks < 3, let latest = bounds.latest, probe < latest {
                bounds.likely = probe + (latest - probe) / 2
            }
        }
        return bounds
    }

    /// Whether the mark came back by playing: one that a clear may have returned proves nothing.
    func isProof(_ mark: Entry) -> Bool {
        guard !mark.wasPlayed, let returned = mark.returned, let number = mark.clear,
            let clear = clears.first(where: { $0.number == number })
        else { return true }
        return returned < clear.sent
    }

    /// A mark sent into an idle buffer comes back after the round trip alone.
    mutating func learnIdle(_ mark: Entry) {
        guard let returned = mark.returned else { return }
        roundTrip = min(roundTrip ?? .max, max(0, returned - mark.sent))
        guard mark.isSharp else { return }
        trips += 1
        longestTrip = max(longestTrip ?? 0, returned - mark.sent)
    }

    /// The least round trip there can have been: few marks, or marks that scatter, have not shown it yet.
    var surelyLeastTrip: Int64 {
        guard let roundTrip else { return 0 }
        let scatter = max(0, (longestTrip ?? roundTrip) - roundTrip)
        return max(
            0,
            roundTrip
                - max(milliseconds(Self.firstTripMilliseconds) / max(trips, 1), 2 * scatter / (trips + 2)))
    }

    func milliseconds(_ count: Int64) -> Int64 { count * rate / 1000 }
}
