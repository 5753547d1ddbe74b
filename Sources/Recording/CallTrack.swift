// One channel of a recording under construction: sound by position, holes named.

/// A stretch of the call's clock, in samples.
public struct Interval: Sendable, Hashable {
    /// First sample.
    public var start: Int64
    /// Samples.
    public var length: Int64

    /// `length` samples from `start`.
    public init(start: Int64, length: Int64) {
        self.start = start
        self.length = length
    }

    /// The sample after the last.
    public var end: Int64 { start + length }
}

/// A sliding window of a track. Sound is written by position, once: what is covered stays as it is. What is
/// drained uncovered is silence: a hole.
struct CallTrack {
    /// Position of the first sample in the window; everything before has been drained.
    private(set) var base: Int64 = 0
    private var samples: [Int16] = []
    private var start = 0
    /// Covered stretches from `base` on, sorted and apart from each other.
    private var covered: [Interval] = []

    /// Most samples a window holds: positions beyond are refused. Half an hour at 8 kHz.
    static let widest: Int64 = 14_400_000

    /// Where covered sound ends.
    var end: Int64 { covered.last?.end ?? base }

    /// Writes `sound` at `position` where nothing has been written. Returns the samples placed.
    @discardableResult
    mutating func write(_ sound: ArraySlice<Int16>, at position: Int64) -> Int64 {
        let skip = max(0, base - position)
        guard skip < Int64(sound.count), position - base < Self.widest else { return 0 }
        let from = position + skip
        let to = position + Int64(sound.count)
        let needed = start + Int(to - base)
        if samples.count < needed {
            samples.append(contentsOf: repeatElement(0, count: needed - samples.count))
        }
        var placed: Int64 = 0
        for hole in holes(from: from, to: to) {
            let source = sound.startIndex + Int(hole.start - position)
            let target = start + Int(hole.start - base)
            for offset in 0..<Int(hole.length) { samples[target + offset] = sound[source + offset] }
            placed += hole.length
        }
        if placed > 0 { cover(from: from, to: to) }
        return placed
    }

    /// The uncovered stretches between `from` and `to`.
    private func holes(from: Int64, to: Int64) -> [Interval] {
        var holes: [Interval] = []
        var at = from
        for interval in covered where interval.end > from && interval.start < to {
            if interval.start > at { holes.append(Interval(start: at, length: interval.start - at)) }
            at = max(at, interval.end)
        }
        if at < to { holes.append(Interval(start: at, length: to - at)) }
        return holes
    }

    private mutating func cover(from: Int64, to: Int64) {
        if let last = covered.last, from == last.end {
            covered[covered.count - 1].length += to - from
            return
        }
        var merged = Interval(start: from, length: to - from)
        var kept: [Interval] = []
        for interval in covered {
            if interval.end < merged.start || interval.start > merged.end {
                kept.append(interval)
            } else {
                let end = max(merged.end, interval.end)
                merged.start = min(merged.start, interval.start)
                merged.length = end - merged.start
            }
        }
        let index = kept.firstIndex { $0.start > merged.start } ?? kept.count
        kept.insert(merged, at: index)
        covered = kept
    }

    /// The uncovered stretches of what would be drained up to `position`.
    func holes(to position: Int64) -> [Interval] { position > base ? holes(from: base, to: position) : [] }

    /// Appends everything up to `position` to `output`, silence where nothing was written, and forgets it.
    mutating func drain(to position: Int64, into output: inout [Int16]) {
        guard position > base else { return }
        let count = Int(position - base)
        let there = min(count, samples.count - start)
        output.append(contentsOf: samples[start..<start + there])
        if there < count { output.append(contentsOf: repeatElement(0, count: count - there)) }
        start += there
        base = position
        covered.removeAll { $0.end <= position }
        if let first = covered.first, first.start < position {
            covered[0] = Interval(start: position, length: first.end - position)
        }
        // Move the rest down when half of the storage is behind us.
        if start > 4096, start * 2 >= samples.count {
            samples.removeFirst(start)
            start = 0
        }
    }
}
