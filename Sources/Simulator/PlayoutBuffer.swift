// A carrier's playout buffer on a sample clock: the truth about what the caller heard, sample by sample.

import Audio

/// A mark that comes back to the server.
public struct ReturnedMark: Sendable, Hashable {
    /// The name it was sent with.
    public var name: String
    /// Where on the call's clock it comes back, in samples.
    public var position: Int64
    /// Whether a `clear` returned it: then the sound before it was not all played.
    public var cleared: Bool
}

/// A stretch of one media message that was heard without a break.
public struct HeardSegment: Sendable, Hashable {
    /// Number of the media message, from 0 in the order of arrival.
    public var message: Int
    /// First sample of the message that was heard (always 0: a message is only ever cut at its end).
    public var firstSample: Int
    /// Where on the call's clock it was heard, in samples.
    public var position: Int64
    /// How many samples were heard.
    public var count: Int64
}

/// What went through a playout buffer.
public struct PlayoutCounts: Sendable, Hashable, Codable {
    /// Media messages taken.
    public var messages = 0
    /// Whole samples in them.
    public var samplesReceived: Int64 = 0
    /// Samples discarded because the buffer was full.
    public var samplesOverLimit: Int64 = 0
    /// Samples dropped by `clear` before they were played.
    public var samplesCleared: Int64 = 0
    /// Messages of a size the carrier does not ask for.
    public var oddPieces = 0
    /// Messages that are no packet of their codec.
    public var malformed = 0
    /// Messages of 16-bit sound with half a sample at the end.
    public var splitSamples = 0
    /// `clear` commands.
    public var clears = 0
    /// Marks received.
    public var marks = 0
    /// Marks returned because the sound before them was played, or nothing was waiting.
    public var marksPlayed = 0
    /// Marks returned or forgotten by `clear`.
    public var marksCleared = 0
}

/// Plays what it receives in order, in real time, without a hole, starting at arrival when idle.
///
/// Positions are samples on the call's clock at the format's rate, and never go back: an earlier position than
/// one seen before counts as that one. It stores the heard sound only when asked to.
public struct PlayoutBuffer: Sendable {
    /// The carrier's rules.
    public let rules: PlayoutRules
    /// What went through.
    public private(set) var counts = PlayoutCounts()
    /// Everything before this position is decided.
    public private(set) var clock: Int64 = 0

    private let keepsSound: Bool
    /// End of the sound that is queued or was played last.
    private var tail: Int64 = 0
    private var waiting: [(name: String, position: Int64)] = []
    private var firstWaiting = 0
    private var segments: [HeardSegment] = []
    private var track: [UInt8] = []
    /// Messages of a codec with memory, by their number.
    private var messages: [Int: [UInt8]] = [:]

    /// An idle buffer at position 0. With `keepsSound` false no sound and no segment is stored.
    public init(rules: PlayoutRules, keepsSound: Bool = true) {
        self.rules = rules
        self.keepsSound = keepsSound
    }

    /// Samples waiting to be played.
    public var queuedSamples: Int64 { max(tail - clock, 0) }
    /// Marks that have not come back.
    public var outstandingMarks: Int { waiting.count - firstWaiting }

    /// Plays on to `position` and returns the marks passed on the way, each where it was passed.
    public mutating func advance(to position: Int64) -> [ReturnedMark] {
        clock = max(clock, position)
        guard firstWaiting < waiting.count, waiting[firstWaiting].position <= clock else { return [] }
        var returned: [ReturnedMark] = []
        while firstWaiting < waiting.count, waiting[firstWaiting].position <= clock {
            let mark = waiting[firstWaiting]
            returned.append(ReturnedMark(name: mark.name, position: mark.position, cleared: false))
            firstWaiting += 1
        }
        counts.marksPlayed += returned.count
        if firstWaiting == waiting.count { forgetWaiting() }
        return returned
    }

    /// Queues the sound of one media message that arrives at `position`.
    public mutating func receive(_ sound: UnsafeRawBufferPointer, at position: Int64) -> [ReturnedMark] {
        let returned = advance(to: position)
        let message = counts.messages
        counts.messages += 1
        if !rules.allows(bytes: sound.count) { counts.oddPieces += 1 }
        if sound.count % rules.format.bytesPerSample != 0 { counts.splitSamples += 1 }
        let told = rules.format.measure(sound)
        if told.isMalformed { counts.malformed += 1 }
        let samples = Int64(told.samples)
        counts.samplesReceived += samples
        let taken = min(samples, max(rules.limitSamples - queuedSamples, 0))
        counts.samplesOverLimit += samples - taken
        guard taken > 0 else { return returned }
        let start = max(clock, tail)
        tail = start + taken
        if keepsSound {
            segments.append(HeardSegment(message: message, firstSample: 0, position: start, count: taken))
            guard rules.format.codec.isMemoryless else {
                messages[message] = Array(sound)
                return returned
            }
            let width = rules.format.bytesPerSample
            let silence = Int(start) * width - track.count
            if silence > 0 {
                track.append(contentsOf: repeatElement(rules.format.silenceByte, count: silence))
            }
            track.append(contentsOf: sound.prefix(Int(taken) * width))
        }
        return returned
    }

    /// Queues a mark that arrives at `position`; it returns at once when nothing is waiting.
    public mutating func mark(_ name: String, at position: Int64) -> [ReturnedMark] {
        var returned = advance(to: position)
        counts.marks += 1
        if tail <= clock {
            counts.marksPlayed += 1
            returned.append(ReturnedMark(name: name, position: clock, cleared: false))
        } else {
            waiting.append((name, tail))
        }
        return returned
    }

    /// Drops at `position` what has not been played, and returns (or forgets) every outstanding mark.
    public mutating func clear(at position: Int64) -> [ReturnedMark] {
        var returned = advance(to: position)
        counts.clears += 1
        counts.samplesCleared += queuedSamples
        counts.marksCleared += outstandingMarks
        if rules.clearReturnsMarks {
            for mark in waiting[firstWaiting...] {
                returned.append(ReturnedMark(name: mark.name, position: clock, cleared: true))
            }
        }
        forgetWaiting()
        guard tail > clock else { return returned }
        tail = clock
        let bytes = Int(clock) * rules.format.bytesPerSample
        if track.count > bytes { track.removeLast(track.count - bytes) }
        while let last = segments.last, last.position + last.count > clock {
            segments.removeLast()
            if last.position < clock {
                var cut = last
                cut.count = clock - last.position
                segments.append(cut)
            }
        }
        return returned
    }

    /// What was heard before the clock: which part of which message, and where.
    public var heardSegments: [HeardSegment] {
        segments.compactMap { segment in
            guard segment.position < clock else { return nil }
            var heard = segment
            heard.count = min(segment.count, clock - segment.position)
            return heard
        }
    }

    /// The heard track from position 0 to the clock, coded in the rules' format, silence where nothing played.
    public var heardTrack: [UInt8] {
        guard keepsSound else { return [] }
        let bytes = Int(clock) * rules.format.bytesPerSample
        let played = track.prefix(bytes)
        return Array(played) + repeatElement(rules.format.silenceByte, count: bytes - played.count)
    }

    /// The heard sound from position 0 to the clock, decoded in the order of playing; what was cleared before a
    /// sample of it was heard never comes to the decoder.
    public var heardSamples: [Int16] {
        guard keepsSound, clock < 1 << 31 else { return [] }
        let format = rules.format
        guard !format.codec.isMemoryless else { return SoundCoding.decoded([heardTrack], format) }
        var samples = [Int16](repeating: 0, count: Int(clock))
        let heard = heardSegments
        let decoded = SoundCoding.decoded(heard.map { messages[$0.message] ?? [] }, format)
        var taken = 0
        for segment in heard {
            let length = (messages[segment.message] ?? []).withUnsafeBytes { format.samples(in: $0) }
            for offset in 0..<min(Int(segment.count), decoded.count - taken) {
                samples[Int(segment.position) + offset] = decoded[taken + offset]
            }
            taken += length
        }
        return samples
    }

    private mutating func forgetWaiting() {
        waiting.removeAll(keepingCapacity: true)
        firstWaiting = 0
    }
}
