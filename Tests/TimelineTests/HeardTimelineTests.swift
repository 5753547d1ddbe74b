// The playout truth with hindsight, against an exact model of a carrier's buffer.

import Damage
import Telemetry
import Testing
import Timeline

/// A carrier that plays exactly, in samples at 8 kHz: what it heard is known by arithmetic.
struct ExactCarrier {
    enum Message { case piece(Int64, Int64), mark(String), clear }
    var up: [(arrives: Int64, message: Message)] = []
    var lastArrival: Int64 = 0
    var lastReturn: Int64 = 0
    /// Played pieces: id, start, heard.
    var heard: [Int64: (start: Int64, heard: Int64)] = [:]
    var returns: [(at: Int64, name: String)] = []

    mutating func send(_ message: Message, at now: Int64, delay: Int64) {
        lastArrival = max(lastArrival, now + delay)
        up.append((lastArrival, message))
    }

    /// Plays everything; `delay` is drawn for each mark on its way back.
    mutating func play(end: Int64, clearReturnsMarks: Bool, delay: () -> Int64) {
        var queueEnd: Int64 = 0
        var pending: [(at: Int64, name: String)] = []
        var pieces: [(id: Int64, start: Int64, samples: Int64)] = []
        func back(_ at: Int64, _ name: String) {
            lastReturn = max(lastReturn, at + delay())
            returns.append((lastReturn, name))
        }
        func release(_ until: Int64) {
            while let first = pending.first, first.at <= until {
                back(first.at, first.name)
                pending.removeFirst()
            }
        }
        for (arrives, message) in up {
            guard arrives < end else { break }
            release(arrives)
            switch message {
            case .piece(let id, let samples):
                let start = max(queueEnd, arrives)
                pieces.append((id, start, samples))
                queueEnd = start + samples
            case .mark(let name):
                if queueEnd <= arrives { back(arrives, name) } else { pending.append((queueEnd, name)) }
            case .clear:
                pieces = pieces.map { piece in
                    let left = max(0, min(piece.samples, arrives - piece.start))
                    heard[piece.id] = (piece.start, min(left, heard[piece.id]?.heard ?? left))
                    return (piece.id, piece.start, left)
                }
                queueEnd = min(queueEnd, arrives)
                if clearReturnsMarks { for mark in pending { back(arrives, mark.name) } }
                pending = []
            }
        }
        release(end)
        for piece in pieces {
            heard[piece.id] = (piece.start, max(0, min(piece.samples, end - piece.start)))
        }
    }
}

/// One random call: bursts of pieces, some interrupted; returns the worst differences in samples.
func worstDifferences(
    seed: UInt64, jitter: Int64, clearReturnsMarks: Bool
) -> (starts: [Int64], unheard: Int64, missing: Int64) {
    var random = SplitMix64(seed: seed)
    let one = Int64.random(in: 40...400, using: &random)  // 5…50 ms each way
    let frame: Int64 = 160
    var carrier = ExactCarrier()
    // What our side did, in the order it did it: (instant, what).
    enum Act { case send(SentPiece), mark(String), clear }
    var acts: [(at: Int64, act: Act)] = []
    var now: Int64 = 8000
    var id: Int64 = 0
    var firstOfRun: Set<Int64> = []
    for _ in 0..<8 {
        let pieces = Int.random(in: 1...25, using: &random)
        let delay = { one + Int64.random(in: 0...max(jitter, 1), using: &random) }
        acts.append((now, .mark("p\(id)")))
        carrier.send(.mark("p\(id)"), at: now, delay: delay())
        firstOfRun.insert(id)
        let burstStart = now
        for _ in 0..<pieces {
            let samples = frame * Int64.random(in: 1...10, using: &random)
            acts.append((now, .send(SentPiece(id: id, samples: samples))))
            // What is sent at once travels together.
            carrier.send(.piece(id, samples), at: now, delay: now == burstStart ? 0 : delay())
            acts.append((now, .mark("m\(id)")))
            carrier.send(.mark("m\(id)"), at: now, delay: 0)
            id += 1
            now += Bool.random(using: &random) ? 0 : samples / 4
        }
        if Bool.random(using: &random) {
            now += Int64.random(in: 0...12_000, using: &random)
            acts.append((now, .clear))
            carrier.send(.clear, at: now, delay: delay())
            now += Int64.random(in: 400...8000, using: &random)
        } else {
            now += Int64.random(in: 24_000...48_000, using: &random)
        }
    }
    let end = now + 4000
    var back = random
    carrier.play(end: end, clearReturnsMarks: clearReturnsMarks) {
        one + Int64.random(in: 0...max(jitter, 1), using: &back)
    }
    // The call's clock as our side sees it runs one way-delay late: positions of our instants are shifted by
    // it, because frames come with the same least delay. So an instant t of ours is position t - one.
    var timeline = HeardTimeline(rate: 8000)
    var got: [Int64: HeardPiece] = [:]
    var returns = carrier.returns[...]
    func pump(_ until: Int64) {
        while let first = returns.first, first.at <= until {
            timeline.returnMark(first.name, at: MediaTime(samples: first.at - one))
            timeline.advance(to: MediaTime(samples: first.at - one)) { got[$0.id] = $0 }
            returns.removeFirst()
        }
    }
    for (at, act) in acts {
        pump(at)
        let position = MediaTime(samples: at - one)
        switch act {
        case .send(let piece): timeline.send(piece, at: position)
        case .mark(let name): timeline.sendMark(name, at: position)
        case .clear: timeline.clear(at: position)
        }
        timeline.advance(to: position) { got[$0.id] = $0 }
    }
    pump(end)
    timeline.finish(at: MediaTime(samples: end)) { got[$0.id] = $0 }
    var starts: [Int64] = []
    var unheard: Int64 = 0
    var missing: Int64 = 0
    for number in 0..<id {
        guard let truth = carrier.heard[number], let piece = got[number] else {
            if let truth = carrier.heard[number], truth.heard > 0 { missing = max(missing, truth.heard) }
            continue
        }
        if truth.heard > 0, piece.heard > 0, firstOfRun.contains(number) {
            starts.append(abs(piece.position.samples - truth.start))
        }
        unheard = max(unheard, piece.heard - truth.heard)
        missing = max(missing, truth.heard - piece.heard)
    }
    return (starts, unheard, missing)
}

@Suite struct HeardTimelineTruth {
    @Test(arguments: [0, 160, 480] as [Int64], [true, false])
    func randomBargeIns(jitter: Int64, clearReturnsMarks: Bool) {
        var starts: [Int64] = []
        var unheard: Int64 = 0
        var missing: Int64 = 0
        for seed in 0..<400 as Range<UInt64> {
            let result = worstDifferences(seed: seed, jitter: jitter, clearReturnsMarks: clearReturnsMarks)
            starts += result.starts
            unheard = max(unheard, result.unheard)
            missing = max(missing, result.missing)
        }
        starts.sort()
        let p99 = starts[starts.count * 99 / 100]
        // No evidence can be sharper than the jitter of the marks; up to 20 ms of it the bars must hold.
        #expect(p99 <= max(160, jitter), "start error p99 above 20 ms")
        #expect(unheard <= max(576, jitter * 2), "kept more than one MP3 frame that was never heard")
        #expect(missing <= jitter * 3 + 16, "lost sound that was heard")
    }

    /// A clear that is held up on its way while the marks it drops are forgotten: only the mark behind it can tell.
    @Test(arguments: [0, 80, 480, 1600, 8000] as [Int64])
    func aClearThatIsLate(late: Int64) {
        let way: Int64 = 160
        var carrier = ExactCarrier()
        var timeline = HeardTimeline(rate: 8000)
        var got: [Int64: HeardPiece] = [:]
        func at(_ instant: Int64) -> MediaTime { MediaTime(samples: instant - way) }
        carrier.send(.mark("p1"), at: 8000, delay: way)
        carrier.send(.piece(1, 24_000), at: 8000, delay: way)
        carrier.send(.mark("m1"), at: 8000, delay: way)
        carrier.send(.clear, at: 16_000, delay: way + late)
        carrier.send(.mark("c2"), at: 16_000, delay: way + late)
        carrier.play(end: 48_000, clearReturnsMarks: false) { way }
        #expect(carrier.returns.map(\.name) == ["p1", "c2"])
        timeline.sendMark("p1", at: at(8000))
        timeline.send(SentPiece(id: 1, samples: 24_000), at: at(8000))
        timeline.sendMark("m1", at: at(8000))
        timeline.returnMark("p1", at: at(carrier.returns[0].at))
        timeline.clear(at: at(16_000))
        timeline.sendMark("c2", at: at(16_000))
        timeline.returnMark("c2", at: at(carrier.returns[1].at))
        timeline.advance(to: at(carrier.returns[1].at)) { got[$0.id] = $0 }
        #expect(got[1]?.position.samples == carrier.heard[1]?.start)
        #expect(carrier.heard[1]?.heard == 8000 + late)
        // Nothing is missing, and no more is kept than an MP3 frame of 576 samples.
        #expect((8000 + late...8000 + late + 576).contains(got[1]?.heard ?? 0))
    }

    /// Two pieces that follow each other. The second's mark comes in a heap, known between two frames of 100 ms:
    /// that leaves no hole between the pieces.
    @Test func aMarkInAHeapMovesNoSound() {
        var timeline = HeardTimeline(rate: 8000)
        var starts: [Int64: Int64] = [:]
        func at(_ samples: Int64) -> MediaTime { MediaTime(samples: samples) }
        timeline.sendMark("p1", at: at(8000))
        for id in 1...2 as ClosedRange<Int64> {
            timeline.send(SentPiece(id: id, samples: 1600), at: at(7200 + 800 * id))
            timeline.sendMark("m\(id)", at: at(7200 + 800 * id))
        }
        timeline.returnMark("p1", at: at(8320))
        timeline.returnMark("m1", at: at(8320 + 1600))
        timeline.returnMark("m2", at: at(12_000), after: at(11_200), isSharp: false)
        timeline.finish(at: at(32_000)) { starts[$0.id] = $0.position.samples }
        #expect(starts == [1: 8320, 2: 8320 + 1600])
    }

    /// A clear that comes to the carrier about the end of a piece. Where it forgets that piece's mark, the next was
    /// not heard at all.
    @Test func aForgottenMarkEndsTheSound() {
        var timeline = HeardTimeline(rate: 8000)
        var heard: [Int64: Int64] = [:]
        func at(_ samples: Int64) -> MediaTime { MediaTime(samples: samples) }
        timeline.sendMark("p1", at: at(8000))
        for id in 1...2 as ClosedRange<Int64> {
            timeline.send(SentPiece(id: id, samples: 1600), at: at(8000))
            timeline.sendMark("m\(id)", at: at(8000))
        }
        timeline.returnMark("p1", at: at(8320))
        // 320 samples there and back: it comes 40 before the end of the first.
        timeline.clear(at: at(8000 + 1600 - 40))
        timeline.sendMark("c3", at: at(8000 + 1600 - 40))
        timeline.returnMark("c3", at: at(8320 + 1600))
        timeline.advance(to: at(16_000)) { heard[$0.id] = $0.heard }
        #expect((1560...1600).contains(heard[1] ?? 0) && heard[2] == 0)
    }
}
