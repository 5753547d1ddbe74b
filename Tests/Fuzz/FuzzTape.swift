// A tape's bytes as they stand, and whole records with absurd contents through parser and fold.

import Audio
import Foundation
import Tape
import Telemetry

@testable import Recording

/// Reads little values off the front of the input.
struct Input {
    var bytes: ArraySlice<UInt8>
    mutating func byte() -> UInt8 { bytes.popFirst() ?? 0 }
    mutating func number() -> Int64 {
        let width = Int(byte() % 9)
        var value: UInt64 = 0
        for _ in 0..<width { value = value << 8 | UInt64(byte()) }
        return Int64(bitPattern: width == 8 ? value : value)
    }
}

/// Records that pass every checksum.
func tape(_ input: inout Input) -> (bytes: [UInt8], header: TapeHeader) {
    let formats: [AudioFormat] = [
        .pcmu8k, .pcma8k, AudioFormat(.pcm16, rate: 8000), AudioFormat(.pcm16, rate: 16_000),
        AudioFormat(.pcm16, rate: 24_000), .g722, .amrwb, AudioFormat(.opus, rate: 16_000),
        AudioFormat(.opus, rate: 8_000), AudioFormat(.pcm16auto, rate: 16_000),
    ]
    let inbound = formats[Int(input.byte()) % formats.count]
    let outbound = formats[Int(input.byte()) % formats.count]
    let flags = input.byte()
    let header = TapeHeader(
        callID: "0", carrier: "twilio", carrierCallID: "c", streamID: "s", inbound: inbound,
        outbound: outbound,
        rate: inbound.rate, startedAt: 0, hasOutboundTrack: flags & 1 == 1, clearReturnsMarks: flags & 2 == 2)
    var batch = TapeBatch()
    var time = MonotonicTime(nanoseconds: 1_000_000_000)
    var position: Int64 = 0
    while !input.bytes.isEmpty, batch.bytes.count < 200_000 {
        let kind = TapeKind(rawValue: input.byte() % 20) ?? .note
        let step = input.byte()
        // Mostly as time goes, at times absurd.
        let instant =
            step == 255 ? MonotonicTime(nanoseconds: input.number()) : time.adding(milliseconds: Int64(step))
        if step < 200 { time = instant }
        let place = step == 254 ? input.number() : position
        let count = Int(input.byte()) * (step % 5 == 0 ? 8 : 1)
        var payload = Array(input.bytes.prefix(count))
        input.bytes = input.bytes.dropFirst(count)
        if payload.count < count, kind == .callerMedia || kind == .agentMedia {
            payload += [UInt8](repeating: 0x33, count: count - payload.count)
        }
        if kind == .callerMedia { position += Int64(payload.withUnsafeBytes { inbound.samples(in: $0) }) }
        let turn: Int64? = kind == .agentMedia && step % 3 != 0 ? Int64(step % 4) : nil
        batch.append(kind, at: instant, position: place, turn: turn, payload: payload)
    }
    return (TapeLayout.magic + batch.bytes, header)
}

/// The samples that a fold of `bytes` emits, with its length.
func folded(_ bytes: [UInt8], _ header: TapeHeader) throws -> (samples: Int, length: Int64) {
    var parser = TapeParser()
    var fold = try TapeFold(header: header, at: MonotonicTime(nanoseconds: 1_000_000_000))
    var emitted = 0
    let read: (Int64, Int) throws(RecordingError) -> [UInt8] = {
        (offset: Int64, count: Int) throws(RecordingError) -> [UInt8] in
        precondition(offset >= 0 && count >= 0 && Int(offset) + count <= bytes.count, "reads beyond the tape")
        return Array(bytes[Int(offset)..<Int(offset) + count])
    }
    let emit: (ArraySlice<Int16>, ArraySlice<Int16>) throws(RecordingError) -> Void = {
        (left: ArraySlice<Int16>, right: ArraySlice<Int16>) throws(RecordingError) -> Void in
        precondition(left.count == right.count, "channels of different length")
        emitted += left.count
        // A tape of some kilobytes must not ask for hours of sound.
        if emitted > 200_000_000 { throw RecordingError.tapeTooLarge }
    }
    bytes.withUnsafeBytes { parser.feed($0) }
    while let record = parser.next() { try fold.take(record, read: read, emit: emit) }
    let length = try fold.finish(read: read, emit: emit)
    return (emitted, length)
}

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let all = Array(UnsafeBufferPointer(start: start, count: count))
    var raw = TapeParser()
    (TapeLayout.magic + all).withUnsafeBytes { raw.feed($0) }
    while raw.next() != nil { continue }
    precondition(
        raw.validBytes + Int64(raw.pendingBytes) == Int64(TapeLayout.magic.count + count) || raw.isDamaged)

    var input = Input(bytes: all[...])
    let (bytes, header) = tape(&input)
    do {
        let (samples, length) = try folded(bytes, header)
        precondition(Int64(samples) == length, "another length than emitted")
    } catch {
        return 0
    }
    return 0
}
