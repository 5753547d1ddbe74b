// Compares a decoded recording with what was said and heard, sample by sample.

import Foundation
import Simulator

/// What was found in one recording. Lengths in milliseconds.
struct TruthFindings: Sendable {
    /// Lag of the caller's channel with the best correlation, in samples, for each window compared.
    var callerLags: [Int] = []
    /// Signal over difference of the caller's channel, in decibels.
    var callerRatio = 0.0
    /// Where each stretch of agent sound was placed, less where it was heard.
    var starts: [Double] = []
    /// Longest stretch of agent sound that was never heard.
    var unheard = 0.0
    /// Longest stretch of heard agent sound that is not there.
    var missing = 0.0
    /// Loudest sample of a channel far from any sound of its side.
    var leak = 0
    /// Stretches of agent sound that were heard.
    var stretches = 0
}

/// What was said and heard in one call, sample by sample from position 0 of its clock.
struct Truth: Sendable {
    /// Samples a second.
    var rate: Int
    /// What the caller said, silence where frames are missing.
    var caller: [Int16]
    /// What the caller heard.
    var heard: [Int16]
}

extension SimulatedCallResult {
    /// What was said and heard.
    var truth: Truth { Truth(rate: rate, caller: caller, heard: heard) }
}

/// A stretch of sound, in samples.
typealias Stretch = Range<Int>

/// The judge of one call.
struct TruthJudge {
    let result: Truth
    let sound: StereoSound

    /// Samples of a window of 5 ms. The resolution: an edge is where the power of the last 5 ms crosses a
    /// quarter of the agent's own, in truth and recording alike, so equal edges give equal places; what
    /// MP3's noise before and after an edge moves it by is bounded by the window.
    private var window: Int { result.rate / 200 }
    static let resolution = 5.0
    private func milliseconds(_ samples: Int) -> Double { Double(samples) * 1000 / Double(result.rate) }

    func findings() -> TruthFindings {
        var findings = TruthFindings()
        judgeCaller(&findings)
        judgeAgent(&findings)
        judgeSilence(&findings)
        return findings
    }

    /// What of it concerns the agent's channel.
    func agentFindings() -> TruthFindings {
        var findings = TruthFindings()
        judgeAgent(&findings)
        return findings
    }

    // MARK: The caller

    private func judgeCaller(_ findings: inout TruthFindings) {
        let count = min(result.caller.count, sound.left.count)
        findings.callerRatio = Correlation.ratio(result.caller, sound.left, count: count)
        // One window in each third, where the caller is loudest.
        let width = min(1_500, count / 4)
        for third in 0..<3 {
            let from = count * third / 3
            let place = loudest(
                result.caller, from: max(from, 200), to: min(from + count / 3, count - width - 200),
                width: width)
            guard let place else { continue }
            findings.callerLags.append(
                Correlation.best(
                    result.caller, at: place, in: sound.left, near: place, width: width, reach: 200
                ).lag)
        }
    }

    private func loudest(_ track: [Int16], from: Int, to: Int, width: Int) -> Int? {
        var best: (place: Int, power: Double)?
        for place in stride(from: from, to: max(from, to), by: width) {
            let power = Correlation.power(track, at: place, width: width)
            if power > (best?.power ?? 250_000) { best = (place, power) }
        }
        return best?.place
    }

    // MARK: The agent

    private func judgeAgent(_ findings: inout TruthFindings) {
        let truth = stretches(of: result.heard)
        let there = stretches(of: sound.right)
        findings.stretches = truth.count
        // Each heard stretch at the place where it was found.
        var expected: [Stretch] = []
        for stretch in truth {
            guard milliseconds(stretch.count) >= 10 else {
                expected.append(stretch)
                continue
            }
            guard let place = place(of: stretch, among: there) else {
                findings.missing = max(findings.missing, milliseconds(stretch.count))
                continue
            }
            findings.starts.append(milliseconds(place - stretch.lowerBound))
            expected.append(place..<place + stretch.count)
        }
        for part in Self.difference(there, expected) where part.lowerBound < result.heard.count {
            findings.unheard = max(findings.unheard, milliseconds(part.count))
        }
        for part in Self.difference(expected, there) where part.upperBound <= sound.right.count {
            findings.missing = max(findings.missing, milliseconds(part.count))
        }
    }

    /// Where the beginning of a heard stretch is in the recording: the beginning of a stretch there that sounds
    /// the same.
    private func place(of stretch: Stretch, among there: [Stretch]) -> Int? {
        let reach = result.rate / 4
        let width = min(stretch.count - window, 3 * window)
        guard width > 0 else { return nil }
        var best: (place: Int, value: Double)?
        for candidate in there where abs(candidate.lowerBound - stretch.lowerBound) < reach {
            let found = Correlation.best(
                result.heard, at: stretch.lowerBound, in: sound.right, near: candidate.lowerBound,
                width: width,
                reach: window)
            if found.value > (best?.value ?? 0.5) { best = (candidate.lowerBound + found.lag, found.value) }
        }
        if best == nil, there.contains(where: { $0.contains(stretch.lowerBound) }) {
            // What was kept of the turn before ends so close ahead that the two are one stretch.
            let found = Correlation.best(
                result.heard, at: stretch.lowerBound, in: sound.right, near: stretch.lowerBound, width: width,
                reach: 4 * window)
            if found.value > 0.5 { best = (stretch.lowerBound + found.lag, found.value) }
        }
        return best?.place
    }

    /// Where the agent's noise is: the mean power of the last 5 ms is a quarter of its own or more. Holes
    /// shorter than 10 ms are closed.
    func stretches(of track: [Int16]) -> [Stretch] {
        let bar = Int(TruthSchedule.agentPower / 4) * window
        var found: [Stretch] = []
        track.withUnsafeBufferPointer { track in
            var power = 0
            var start = -1
            var index = 0
            while index < track.count {
                power += Int(track[index]) * Int(track[index])
                if index >= window { power -= Int(track[index - window]) * Int(track[index - window]) }
                if power >= bar {
                    if start < 0 { start = index }
                } else if start >= 0 {
                    found.append(start..<index)
                    start = -1
                }
                index += 1
            }
            if start >= 0 { found.append(start..<track.count) }
        }
        var merged: [Stretch] = []
        for stretch in found {
            if let last = merged.last, stretch.lowerBound - last.upperBound < 2 * window {
                merged[merged.count - 1] = last.lowerBound..<stretch.upperBound
            } else {
                merged.append(stretch)
            }
        }
        return merged
    }

    /// What of `some` is in none of `others`.
    static func difference(_ some: [Stretch], _ others: [Stretch]) -> [Stretch] {
        var left: [Stretch] = []
        for stretch in some {
            var at = stretch.lowerBound
            for other in others.sorted(by: { $0.lowerBound < $1.lowerBound })
            where other.overlaps(stretch) && other.upperBound > at {
                if other.lowerBound > at { left.append(at..<other.lowerBound) }
                at = other.upperBound
            }
            if at < stretch.upperBound { left.append(at..<stretch.upperBound) }
        }
        return left
    }

    // MARK: Silence

    /// How far MP3 spreads a sound: two frames of overlapping blocks and the filter bank, and the bars on where
    /// the agent's sound may stand.
    private var margin: Int { 2 * 576 + 512 + result.rate / 10 }

    private func judgeSilence(_ findings: inout TruthFindings) {
        findings.leak = max(
            loudest(sound.left, farFrom: result.caller), loudest(sound.right, farFrom: result.heard))
    }

    /// The loudest sample of `track` at least a margin away from everything in `truth` but its silence.
    private func loudest(_ track: [Int16], farFrom truth: [Int16]) -> Int {
        var loudest = 0
        let count = min(track.count, truth.count)
        truth.withUnsafeBufferPointer { truth in
            track.withUnsafeBufferPointer { track in
                var quiet = 0
                while quiet < count {
                    // The next stretch of silence (A-law has no zero: ±8 is its nearest).
                    var end = quiet
                    while end < count, abs(Int(truth[end])) <= 8 { end += 1 }
                    let from = quiet == 0 ? 0 : quiet + margin
                    let to = end == count ? count - margin : end - margin
                    var index = from
                    while index < to {
                        loudest = max(loudest, abs(Int(track[index])))
                        index += 1
                    }
                    quiet = end
                    while quiet < count, abs(Int(truth[quiet])) > 8 { quiet += 1 }
                }
            }
        }
        return loudest
    }
}

/// Correlation of two tracks.
enum Correlation {
    /// Mean square of `width` samples at `place`.
    static func power(_ track: [Int16], at place: Int, width: Int) -> Double {
        var sum = 0
        track.withUnsafeBufferPointer { track in
            var index = max(place, 0)
            let end = min(place + width, track.count)
            while index < end {
                sum += Int(track[index]) * Int(track[index])
                index += 1
            }
        }
        return Double(sum) / Double(max(width, 1))
    }

    /// Signal over difference in decibels, over the first `count` samples.
    static func ratio(_ truth: [Int16], _ track: [Int16], count: Int) -> Double {
        var signal = 1
        var noise = 1
        truth.withUnsafeBufferPointer { truth in
            track.withUnsafeBufferPointer { track in
                var index = 0
                while index < count {
                    let value = Int(truth[index])
                    let difference = Int(track[index]) - value
                    signal += value * value
                    noise += difference * difference
                    index += 1
                }
            }
        }
        return 10 * log10(Double(signal) / Double(noise))
    }

    /// The lag within ±`reach` at which `width` samples of `truth` from `place` are most like `track` from
    /// `near`, and how much (1 is the same).
    static func best(
        _ truth: [Int16], at place: Int, in track: [Int16], near: Int, width: Int, reach: Int
    ) -> (lag: Int, value: Double) {
        var best = (lag: 0, value: -1.0)
        let energy = power(truth, at: place, width: width) * Double(width)
        truth.withUnsafeBufferPointer { truth in
            track.withUnsafeBufferPointer { track in
                var lag = -reach
                while lag <= reach {
                    defer { lag += 1 }
                    let start = near + lag
                    guard start >= 0, start + width <= track.count, place + width <= truth.count else {
                        continue
                    }
                    var product = 0
                    var other = 0
                    var index = 0
                    while index < width {
                        let value = Int(track[start + index])
                        product += Int(truth[place + index]) * value
                        other += value * value
                        index += 1
                    }
                    let value = Double(product) / max(1, (energy * Double(other)).squareRoot())
                    if value > best.value { best = (lag, value) }
                }
            }
        }
        return best
    }
}
