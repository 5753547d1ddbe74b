// The agent's sound on its way to the recording's rate: one filter as long as it plays without a break.

import Audio

/// Turns pieces of the agent's sound, as they were heard one after another, into samples at the call's rate.
///
/// Equal rates pass through. Otherwise a filter runs through pieces that follow each other seamlessly, so that
/// their joints are not heard; it keeps the last milliseconds back until more comes or `end` is called.
final class AgentRun {
    // Confined to the fold that made it.
    private let decoder: DecoderCell
    private let format: AudioFormat
    private let rate: Int
    private var resampler: Resampler
    private var decoded: [Int16] = []
    private var resampled: [Int16] = []
    /// Where the next sample of the open run goes, and where its pieces so far end; nil when none is open.
    private var open: (next: Int64, end: Int64)?

    init(_ format: AudioFormat, rate: Int) throws(AudioError) {
        decoder = try DecoderCell(format)
        resampler = try Resampler(from: format.rate, to: rate, aligned: true)
        self.format = format
        self.rate = rate
    }

    /// Samples at the call's rate of `bytes` bytes as we send them.
    func samples(inBytes bytes: Int) -> Int64 {
        Int64(format.samples(inBytes: bytes)) * Int64(rate) / Int64(max(format.rate, 1))
    }

    /// What can be drained up to: a filter that is still open has not given its last milliseconds. After `patience`
    /// samples without more the run is over.
    func settled(_ position: Int64, patience: Int64, write: (ArraySlice<Int16>, Int64) -> Void) -> Int64 {
        guard let run = open else { return position }
        guard position < run.end &+ patience else {
            end(write)
            return position
        }
        return min(position, run.next)
    }

    /// Decodes a piece of which the first `heard` samples were heard from `position` on, and writes what is ready.
    func play(
        _ bytes: [UInt8], at position: Int64, heard: Int64, write: (ArraySlice<Int16>, Int64) -> Void
    ) {
        decoded.removeAll(keepingCapacity: true)
        bytes.withUnsafeBytes { payload in
            guard format.codec.isPacketed else { return decoder.decode(payload, into: &decoded) }
            // Packets have one size; each is decoded alone.
            let size = max(1, format.bytes(inMilliseconds: 20))
            for start in stride(from: 0, to: payload.count, by: size) {
                let end = min(start + size, payload.count)
                decoder.decode(UnsafeRawBufferPointer(rebasing: payload[start..<end]), into: &decoded)
            }
        }
        guard format.rate != rate else {
            return write(decoded[..<Int(min(heard, Int64(decoded.count)))], position)
        }
        if let run = open, run.end != position { end(write) }
        if open == nil { open = (position, position) }
        let (scaled, overflow) = heard.multipliedReportingOverflow(by: Int64(format.rate))
        let count = overflow ? decoded.count : Int(min(scaled / Int64(rate), Int64(decoded.count)))
        resampled.removeAll(keepingCapacity: true)
        decoded[..<count].withUnsafeBufferPointer { resampler.process($0, into: &resampled) }
        give(write)
        open?.end = position &+ heard
        if count < decoded.count { end(write) }
    }

    /// Nothing follows seamlessly: writes the run's last milliseconds.
    func end(_ write: (ArraySlice<Int16>, Int64) -> Void) {
        guard open != nil else { return }
        resampled.removeAll(keepingCapacity: true)
        resampler.flush(into: &resampled)
        if let run = open {
            let room = max(0, run.end &- run.next)
            if Int64(resampled.count) > room { resampled.removeLast(resampled.count - Int(room)) }
        }
        give(write)
        open = nil
    }

    private func give(_ write: (ArraySlice<Int16>, Int64) -> Void) {
        guard let run = open, !resampled.isEmpty else { return }
        write(resampled[...], run.next)
        open?.next = run.next &+ Int64(resampled.count)
    }
}
