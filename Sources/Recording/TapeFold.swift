// A tape's records, folded in order into two tracks and the facts of the call.

import Audio
import Foundation
import Tape
import Telemetry
import Timeline

/// Folds a tape. What it emits depends on the order of records alone, so following a growing tape and reading
/// a finished one give the same bytes.
struct TapeFold {
    /// Where a piece of agent sound stands on the tape.
    private struct Piece {
        var turn: Int64
        var offset: Int64
        var bytes: Int
        var samples: Int64
        var before: Int64
    }

    /// How long a returned mark waits for the frames after it, in milliseconds of the call's clock.
    static let bracketMilliseconds: Int64 = 500
    /// Positions from here on are damage.
    static let furthest: Int64 = 1 << 41
    /// Most samples that are drained at once: eight seconds at 8 kHz.
    private static let portion: Int64 = 1 << 16
    /// How long frames that come late are still taken into the recording, in milliseconds.
    static let lateMilliseconds: Int64 = 1_000
    /// How often the fold settles and drains, in milliseconds of the call's clock.
    static let stepMilliseconds: Int64 = 100

    /// A longer pause than this between the last frame and the end is part of the call, in milliseconds.
    static let quietMilliseconds: Int64 = 400

    let header: TapeHeader
    private(set) var facts: CallFacts
    private(set) var closing: TapeClosing?
    var clock: CallClock
    var heard: HeardTimeline
    private var caller = CallTrack()
    private var agent = CallTrack()
    private var pieces: [Int64: Piece] = [:]
    private var nextPiece: Int64 = 0
    private var lastStep: Int64 = 0
    private var gaps = GapLedger()
    /// Where payloads of the caller end that were silence because they were malformed.
    private var malformedEnd: Int64 = 0
    private var closingTime: MonotonicTime?
    /// Whether the carrier sent any sound at all.
    private var hasMedia = false
    var returning: [ReturningMark] = []
    /// The frame that is furthest on the call's clock.
    var lastFrame: (end: Int64, arrival: MonotonicTime)?
    private let decoder: DecoderCell
    private let outboundDecoder: DecoderCell
    private let agentRun: AgentRun
    private var scratch: [Int16] = []

    /// A fold of the tape that begins with `header`, written at `time`.
    init(header: TapeHeader, at time: MonotonicTime) throws(RecordingError) {
        guard header.version == TapeHeader.currentVersion else { throw .unknownTapeVersion(header.version) }
        guard (4_000...48_000).contains(header.rate), header.inbound.rate == header.rate else {
            throw .badTape
        }
        self.header = header
        clock = CallClock(rate: header.rate)
        clock.anchor(at: time)
        heard = HeardTimeline(rate: header.rate)
        facts = CallFacts(rate: header.rate)
        do throws(AudioError) {
            decoder = try DecoderCell(header.inbound)
            outboundDecoder = try DecoderCell(header.inbound)
            agentRun = try AgentRun(header.outbound, rate: header.rate)
        } catch {
            throw .badTape
        }
    }

    /// Takes the next record. `read` reads bytes of the tape back; `emit` takes both channels' next samples.
    mutating func take(
        _ record: TapeRecord, read: (Int64, Int) throws(RecordingError) -> [UInt8],
        emit: (ArraySlice<Int16>, ArraySlice<Int16>) throws(RecordingError) -> Void
    ) throws(RecordingError) {
        let now = clock.position(at: record.time)
        switch record.kind {
        case .callerMedia:
            hasMedia = true
            placeCaller(record)
        case .outboundMedia:
            hasMedia = true
            guard header.hasOutboundTrack else { break }
            scratch.removeAll(keepingCapacity: true)
            record.payload.withUnsafeBytes { outboundDecoder.decode($0, into: &scratch) }
            guard (0..<Self.furthest).contains(record.position) else { break }
            agent.write(scratch[...], at: record.position)
        case .agentMedia: sendPiece(record, at: now)
        case .markSent: heard.sendMark(record.text, at: now)
        case .markReturned:
            markCame(record.text, at: record.time, position: now)
        case .clear:
            heard.clear(at: now)
            facts.event("clear", at: now.samples)
        case .gap:
            if let length = record.integer(at: 0), record.payload.count >= 9,
                (0..<Self.furthest).contains(record.position), (0..<Self.furthest).contains(length)
            {
                let cause = record.payload.last.flatMap { TapeGapCause(rawValue: $0) } ?? .notSent
                gaps.gap(Interval(start: record.position, length: length), cause)
            }
        case .closing:
            closingTime = record.time
            closing = try Self.document(TapeClosing.self, record)
        case .header, .pause, .resume: break
        default: facts.take(record, at: now.samples)
        }
        guard now.samples - lastStep >= Self.stepMilliseconds * Int64(header.rate) / 1000 else { return }
        lastStep = now.samples
        returnMarks(before: now.samples - Self.bracketMilliseconds * Int64(header.rate) / 1000)
        try settle(at: now, read: read)
        let late = Self.lateMilliseconds * Int64(header.rate) / 1000
        let ready = min(callerEnd, now.samples) - late
        try drain(to: min(ready, header.hasOutboundTrack ? ready : heard.settledUpTo.samples), emit: emit)
    }

    /// The tape has ended. Returns the length of the call.
    mutating func finish(
        read: (Int64, Int) throws(RecordingError) -> [UInt8],
        emit: (ArraySlice<Int16>, ArraySlice<Int16>) throws(RecordingError) -> Void
    ) throws(RecordingError) -> Int64 {
        var end = max(callerEnd, header.hasOutboundTrack ? agent.end : 0)
        if let closingTime, closing?.sawEnd == true {
            // The end came after the last frame on the same stream and with the same delay. Only a carrier that
            // had stopped sending frames makes the time between them part of the call.
            let told: Int64
            if let lastFrame {
                let quiet = closingTime.milliseconds(since: lastFrame.arrival)
                told = quiet > Self.quietMilliseconds ? lastFrame.end + quiet * Int64(header.rate) / 1000 : 0
            } else {
                told = clock.position(at: closingTime).samples
            }
            end = max(end, told)
        }
        returnMarks(before: .max)
        var failure: RecordingError?
        var settled: [HeardPiece] = []
        heard.finish(at: MediaTime(samples: end)) { settled.append($0) }
        for piece in settled where failure == nil {
            do throws(RecordingError) { try place(piece, read: read) } catch { failure = error }
        }
        if let failure { throw failure }
        agentRun.end { facts.agentSamples += agent.write($0, at: $1) }
        // Where nothing came and nothing was heard there is a length, but no sound to make a file of.
        if hasMedia || facts.agentSamples > 0 { try drain(to: end, emit: emit) }
        facts.close(at: end)
        return end
    }

    // MARK: Steps

    /// Where the caller's sound ends, malformed payloads included.
    private var callerEnd: Int64 { max(caller.end, malformedEnd) }

    private mutating func placeCaller(_ record: TapeRecord) {
        scratch.removeAll(keepingCapacity: true)
        let isMalformed = decode(record)
        // A year and more at 48 kHz: a position beyond it is no call's, and arithmetic on it would overflow.
        guard !scratch.isEmpty, (0..<Self.furthest).contains(record.position) else { return }
        if isMalformed {
            gaps.malformed(Interval(start: record.position, length: Int64(scratch.count)))
            malformedEnd = max(malformedEnd, record.position + Int64(scratch.count))
        } else {
            facts.callerSamples += caller.write(scratch[...], at: record.position)
        }
        let end = MediaTime(samples: record.position + Int64(scratch.count))
        clock.observe(end: end, arrival: record.time)
        bracketMarks(end: end, arrival: record.time)
        if end.samples > lastFrame?.end ?? 0 { lastFrame = (end.samples, record.time) }
    }

    /// Decodes a frame of the caller into `scratch`, in the order of places: what comes late, behind them, is decoded
    /// apart, as the agent never heard it. Returns whether it is no packet of its codec.
    private mutating func decode(_ record: TapeRecord) -> Bool {
        let isLate = record.position < lastFrame?.end ?? 0
        return record.payload.withUnsafeBytes { payload in
            if isLate {
                decoder.decodeApart(payload, into: &scratch)
            } else {
                decoder.decode(payload, into: &scratch)
            }
            return header.inbound.measure(payload).isMalformed
        }
    }

    private mutating func sendPiece(_ record: TapeRecord, at now: MediaTime) {
        guard let turn = record.turn, !record.body.isEmpty else { return }
        let samples = agentRun.samples(inBytes: record.body.count)
        guard samples > 0 else { return }
        pieces[nextPiece] = Piece(
            turn: turn, offset: record.offset + Int64(TapeLayout.prefix + 8), bytes: record.body.count,
            samples: samples, before: facts.sent(turn, samples: samples))
        heard.send(SentPiece(id: nextPiece, samples: samples), at: now)
        nextPiece += 1
    }

    private mutating func settle(
        at now: MediaTime, read: (Int64, Int) throws(RecordingError) -> [UInt8]
    ) throws(RecordingError) {
        var settled: [HeardPiece] = []
        heard.advance(to: now) { settled.append($0) }
        for piece in settled { try place(piece, read: read) }
    }

    private mutating func place(
        _ piece: HeardPiece, read: (Int64, Int) throws(RecordingError) -> [UInt8]
    ) throws(RecordingError) {
        guard let sent = pieces.removeValue(forKey: piece.id) else { return }
        facts.heard(sent.turn, piece, before: sent.before)
        guard piece.heard > 0, !header.hasOutboundTrack else { return }
        let bytes = try read(sent.offset, sent.bytes)
        agentRun.play(bytes, at: piece.position.samples, heard: piece.heard) {
            facts.agentSamples += agent.write($0, at: $1)
        }
    }

    private mutating func drain(
        to wanted: Int64, emit: (ArraySlice<Int16>, ArraySlice<Int16>) throws(RecordingError) -> Void
    ) throws(RecordingError) {
        let position = agentRun.settled(wanted, patience: Int64(header.rate)) {
            facts.agentSamples += agent.write($0, at: $1)
        }
        guard position > caller.base else { return }
        for hole in caller.holes(to: position) { gaps.name(hole) { facts.hole($0, cause: $1) } }
        gaps.forget(upTo: position)
        // In portions: hours in which nothing came are hours of silence.
        var left: [Int16] = []
        var right: [Int16] = []
        left.reserveCapacity(Int(min(position - caller.base, Self.portion)))
        right.reserveCapacity(left.capacity)
        while caller.base < position {
            let end = min(position, caller.base + Self.portion)
            left.removeAll(keepingCapacity: true)
            right.removeAll(keepingCapacity: true)
            caller.drain(to: end, into: &left)
            agent.drain(to: end, into: &right)
            facts.speech.feed(left[...])
            try emit(left[...], right[...])
        }
    }

    /// Decodes a record's JSON document.
    static func document<Value: Decodable>(
        _ type: Value.Type, _ record: TapeRecord
    ) throws(RecordingError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(record.payload))
        } catch {
            throw .badTape
        }
    }
}
