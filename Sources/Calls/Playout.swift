// The agent's way to the caller: cut into pieces the carrier likes, marked, dropped at barge-in.

import Audio
import Carriers
import Tape
import Telemetry
import Timeline

/// The machine of the agent's sound.
struct Playout {
    private struct Waiting {
        var turn: Int64
        var bytes: [UInt8]
        var start = 0
        var count: Int { bytes.count - start }
    }

    private let traits: PlayoutTraits
    private let format: AudioFormat
    /// Samples a second of the call's clock.
    private let rate: Int
    private var transcoder: TranscoderCell?
    private var waiting: [Waiting] = []
    private var waitingBytes = 0
    private var lastArrival = MonotonicTime(nanoseconds: 0)
    private var lastTurn: Int64 = 0
    /// Sound sent since the last mark, in milliseconds.
    private var unmarked: Int64 = 0
    /// When the carrier will have played all that was sent, by our own reckoning.
    private var playEnd = MonotonicTime(nanoseconds: 0)
    private var marksSent: Int64 = 0
    private var lastReturned: Int64 = 0
    private var newestInterruption = Int64.min
    private var sound: [UInt8] = []
    private var message: [UInt8] = []

    /// How long a piece too short to send waits for more, in milliseconds.
    static let tailMilliseconds: Int64 = 40
    /// With less than this ahead at the carrier a short tail is padded and sent, in milliseconds.
    static let shortLeadMilliseconds: Int64 = 100
    /// How much later than reckoned the last mark may come before it is taken as lost, in milliseconds.
    static let markPatienceMilliseconds: Int64 = 1_500

    init(format: AudioFormat, traits: PlayoutTraits, rate: Int) {
        self.format = format
        self.traits = traits
        self.rate = rate
    }

    /// The agent will speak in `format`.
    mutating func open(_ format: AudioFormat) throws(AudioError) {
        transcoder = try TranscoderCell(from: format, to: self.format)
    }

    /// Whether sound waits in our own hands.
    var hasWaiting: Bool { !waiting.isEmpty || hasPartialFrame }
    /// Whether sound waits for a packet to be filled.
    private var hasPartialFrame: Bool { transcoder?.hasPartialFrame == true }

    /// Whether all that was sent has been played, or must have been by `now`.
    func isDrained(at now: MonotonicTime) -> Bool {
        guard !hasWaiting else { return false }
        if lastReturned >= marksSent { return true }
        return now.milliseconds(since: playEnd) > Self.markPatienceMilliseconds
    }

    /// Takes agent sound of `turn`; drops it when an interruption has made it stale.
    mutating func receive(
        _ bytes: UnsafeRawBufferPointer, turn: Int64, at now: MonotonicTime, backlog: Int64,
        tape: inout TapeBatch,
        counters: inout CallCounters
    ) {
        guard turn >= newestInterruption else {
            counters.staleBytes &+= Int64(bytes.count)
            return
        }
        sound.removeAll(keepingCapacity: true)
        transcoder?.transcode(bytes, into: &sound)
        lastArrival = now
        lastTurn = turn
        guard waitingBytes + sound.count <= format.bytes(inMilliseconds: Int(backlog)) else {
            tapeSound(of: turn, at: now, &tape)
            counters.overflowBytes &+= Int64(sound.count)
            return
        }
        queue(turn, at: now, &tape)
    }

    /// Names on the tape how much sound of `turn` came, in samples at the call's rate.
    private func tapeSound(of turn: Int64, at now: MonotonicTime, _ tape: inout TapeBatch) {
        let samples = Int64(format.samples(inBytes: sound.count)) * Int64(rate) / Int64(format.rate)
        withUnsafeBytes(of: samples.littleEndian) {
            tape.append(.agentSound, at: now, turn: turn, payload: $0)
        }
    }

    /// Puts `sound` into the queue.
    private mutating func queue(_ turn: Int64, at now: MonotonicTime, _ tape: inout TapeBatch) {
        guard !sound.isEmpty else { return }
        tapeSound(of: turn, at: now, &tape)
        waitingBytes += sound.count
        if waiting.last?.turn == turn {
            waiting[waiting.count - 1].bytes.append(contentsOf: sound)
        } else {
            waiting.append(Waiting(turn: turn, bytes: sound))
        }
    }

    /// Sends what may be sent now.
    mutating func pump(
        at now: MonotonicTime, codec: CarrierCodec, tape: inout TapeBatch, counters: inout CallCounters,
        toCarrier: ([UInt8]) -> Void
    ) {
        while let first = next(at: now, &tape) {
            let lead = max(0, playEnd.milliseconds(since: now))
            guard lead < traits.leadMilliseconds else { return }
            var take = min(first.count, traits.pieceBytes)
            take -= take % traits.multipleOfBytes
            if take < traits.leastBytes {
                // A tail: it goes, padded, when its turn is over or the carrier is about to run dry.
                let isLast = waiting.count == 1
                if isLast {
                    guard now.milliseconds(since: lastArrival) >= Self.tailMilliseconds,
                        lead <= Self.shortLeadMilliseconds
                    else { return }
                }
                take = min(first.count, traits.leastBytes)
            }
            send(take, of: first, at: now, codec, &tape, &counters, toCarrier)
        }
    }

    /// What to send next. When nothing but a part of a packet is left, no more of it comes, and the carrier is about to
    /// run dry, the rest of the packet is silence.
    private mutating func next(at now: MonotonicTime, _ tape: inout TapeBatch) -> Waiting? {
        if waiting.isEmpty, hasPartialFrame,
            now.milliseconds(since: lastArrival) >= Self.tailMilliseconds,
            playEnd.milliseconds(since: now) <= Self.shortLeadMilliseconds
        {
            sound.removeAll(keepingCapacity: true)
            transcoder?.fillFrame(into: &sound)
            queue(lastTurn, at: now, &tape)
        }
        return waiting.first
    }

    /// The caller interrupted: nothing unplayed may be heard. Sends `clear` whatever is believed to wait.
    mutating func interrupt(
        by turn: Int64?, at now: MonotonicTime, codec: CarrierCodec, tape: inout TapeBatch,
        toCarrier: ([UInt8]) -> Void
    ) {
        drop()
        if let turn { newestInterruption = max(newestInterruption, turn) }
        message.removeAll(keepingCapacity: true)
        codec.encodeClear(into: &message)
        toCarrier(message)
        tape.append(.clear, at: now)
        if traits.clearReturnsMarks == nil {
            // The buffer is empty then: this mark comes back when the clear has taken effect, whatever became of
            // the others.
            mark("c", at: now, codec, &tape, toCarrier)
            unmarked = 0
        }
        playEnd = now
    }

    /// Forgets what waits in our own hands.
    mutating func drop() {
        waiting.removeAll(keepingCapacity: true)
        waitingBytes = 0
        transcoder?.reset()
    }

    /// A mark came back.
    mutating func markReturned(_ name: String) {
        guard let number = Int64(name.dropFirst()) else { return }
        lastReturned = max(lastReturned, min(number, marksSent))
    }

    private mutating func send(
        _ count: Int, of first: Waiting, at now: MonotonicTime, _ codec: CarrierCodec,
        _ tape: inout TapeBatch,
        _ counters: inout CallCounters, _ toCarrier: ([UInt8]) -> Void
    ) {
        if playEnd <= now {
            // Into an idle buffer: a mark ahead of the sound comes back when the carrier has it.
            mark("p", at: now, codec, &tape, toCarrier)
            playEnd = now
        }
        let padded = max(
            traits.leastBytes,
            (count + traits.multipleOfBytes - 1) / traits.multipleOfBytes * traits.multipleOfBytes)
        sound.removeAll(keepingCapacity: true)
        sound.append(contentsOf: first.bytes[first.start..<first.start + count])
        if padded > count {
            sound.append(contentsOf: repeatElement(format.silenceByte, count: padded - count))
        }
        waitingBytes -= count
        if count == first.count {
            waiting.removeFirst()
        } else {
            waiting[0].start += count
        }
        message.removeAll(keepingCapacity: true)
        sound.withUnsafeBytes { codec.encodeMedia($0, into: &message) }
        toCarrier(message)
        counters.bytesOut &+= Int64(sound.count)
        counters.framesSent &+= 1
        sound.withUnsafeBytes { tape.append(.agentMedia, at: now, turn: first.turn, payload: $0) }
        let nanoseconds = Int64(format.samples(inBytes: sound.count)) * 1_000_000_000 / Int64(format.rate)
        unmarked += nanoseconds / 1_000_000
        if unmarked >= traits.markMilliseconds || waiting.isEmpty {
            unmarked = 0
            mark("m", at: now, codec, &tape, toCarrier)
        }
        playEnd = MonotonicTime(nanoseconds: playEnd.nanoseconds + nanoseconds)
    }

    private mutating func mark(
        _ prefix: String, at now: MonotonicTime, _ codec: CarrierCodec, _ tape: inout TapeBatch,
        _ toCarrier: ([UInt8]) -> Void
    ) {
        marksSent += 1
        let name = prefix + String(marksSent)
        message.removeAll(keepingCapacity: true)
        codec.encodeMark(name, into: &message)
        toCarrier(message)
        tape.append(.markSent, at: now, text: name)
    }
}
