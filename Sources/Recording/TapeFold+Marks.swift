// Where on the call's clock marks came back: between the caller's frames around them on the same connection.

import Tape
import Telemetry
import Timeline

extension TapeFold {
    /// A mark that came back, until frames on both sides of it are known.
    ///
    /// Marks and frames share one ordered connection: a mark that comes before the frame ending at `bound`
    /// was sent before that frame's end. So a connection that stands still for a while, and then delivers
    /// everything at once, moves no mark by more than a frame.
    struct ReturningMark {
        var name: String
        var time: MonotonicTime
        var position: MediaTime
        /// Ends of the frames that were sent before it.
        var after: MediaTime?
        /// Whether frames around it had been held up.
        var isHeldUp = false
        var bound: MediaTime?
        var boundTime = MonotonicTime(nanoseconds: 0)
        var isBracketed = false
    }

    /// Frames and marks later than this were held up by the network, in milliseconds.
    static let heldUpMilliseconds: Int64 = 30
    /// What comes within this time behind a frame that was held up may have been held up with it, in milliseconds.
    static let heapMilliseconds: Int64 = 5

    /// The mark `name` came back at `time`.
    mutating func markCame(_ name: String, at time: MonotonicTime, position: MediaTime) {
        var mark = ReturningMark(name: name, time: time, position: position)
        if let lastFrame {
            mark.after = MediaTime(samples: lastFrame.end)
            mark.isHeldUp = isHeap(lastFrame.end, lastFrame.arrival, time)
        }
        returning.append(mark)
    }

    /// The frame that ends at `end` came at `arrival`: marks that came before it were sent before it.
    mutating func bracketMarks(end: MediaTime, arrival: MonotonicTime) {
        for index in returning.indices {
            if arrival < returning[index].time {
                returning[index].after = max(returning[index].after ?? end, end)
                if isHeap(end.samples, arrival, returning[index].time) { returning[index].isHeldUp = true }
            }
            guard let bound = returning[index].bound else {
                guard arrival >= returning[index].time else { continue }
                returning[index].bound = end
                returning[index].boundTime = arrival
                continue
            }
            if arrival < returning[index].time {
                // A frame that had waited for its predecessor: the predecessor was late, and bounds nothing.
                returning[index].bound = nil
            } else if arrival < returning[index].boundTime {
                returning[index].bound = max(bound, end)
            } else {
                returning[index].isBracketed = true
            }
        }
        returnMarks(before: .min)
    }

    /// Tells the timeline the marks that are as sharp as they will be, and those older than `position`.
    mutating func returnMarks(before position: Int64) {
        while let first = returning.first, first.isBracketed || first.position.samples < position {
            // It came after the frame that ends behind it: it was held up with it.
            let isLate = first.bound.map { first.position.samples - $0.samples > heldUp } ?? false
            let latest = min(first.position, first.bound ?? first.position)
            heard.returnMark(
                first.name, at: latest, after: first.after.map { min($0, latest) },
                isSharp: !first.isHeldUp && !isLate)
            returning.removeFirst()
        }
    }

    /// How late a frame or a mark is that was held up, in samples.
    var heldUp: Int64 { Self.heldUpMilliseconds * Int64(header.rate) / 1000 }

    /// Whether a frame ending at `end` was late, and what came at `time` came right behind it.
    func isHeap(_ end: Int64, _ arrival: MonotonicTime, _ time: MonotonicTime) -> Bool {
        clock.position(at: arrival).samples - end > heldUp
            && time.milliseconds(since: arrival) < Self.heapMilliseconds
    }
}
