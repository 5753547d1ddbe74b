// What a simulated carrier sends: frames, keys, marks, and when they leave.

import Audio
import Carriers
import Net

extension SimulatedCarrier {
    func sendFrames(until position: Int64, at now: Int64) {
        let count = Int64(settings.dialect.frameSamples)
        while (nextFrame + 1) * count <= position {
            let start = nextFrame * count
            nextFrame += 1
            sendFrame(from: start, at: now)
            if !startSent, nextFrame == Int64(settings.faults.mediaBeforeStart) { openStream(at: now) }
        }
    }

    func sendFrame(from start: Int64, at now: Int64) {
        let rate = Int64(settings.dialect.inbound.rate)
        let milliseconds = start * 1000 / rate
        if let clockStart {
            let due = clockStart + (start + Int64(settings.dialect.frameSamples)) * 1_000_000 / rate
            record.lateness(now - due)
        }
        settings.sound.fill(&frame, from: start, count: settings.dialect.frameSamples)
        let silent = settings.faults.skipsSilence && settings.sound.isSilence(frame)
        if silent || plan.skips(atMilliseconds: milliseconds) {
            return record.skipped(frame, from: start)
        }
        if let table, let probe = settings.probe {
            table.write(
                LatencyMarker(
                    kind: .caller, call: probe.call, sequence: UInt16(truncatingIfNeeded: nextFrame),
                    microseconds: Self.now),
                into: &frame)
        }
        message.removeAll(keepingCapacity: true)
        chunk += 1
        frame.withUnsafeBytes {
            peer.encodeMedia(
                $0, chunk: chunk, timestamp: milliseconds + Int64(settings.firstTimestamp), into: &message)
        }
        let fate = plan.fate()
        record.sent(frame, from: start, at: Self.now, fate: fate)
        guard !fate.lost else { return }
        if fate.late, held == nil {
            held = message
            return
        }
        post(message, at: now)
        if fate.doubled { post(message, at: now) }
        if let late = held {
            held = nil
            post(late, at: now)
        }
    }

    func press(_ key: CallerScript.Key, at now: Int64) {
        message.removeAll(keepingCapacity: true)
        peer.encodeDTMF(key.digit, into: &message)
        post(message, at: now)
        record.keys.append(key)
    }

    func give(back marks: [ReturnedMark]) {
        guard !marks.isEmpty, let clockStart else { return }
        record.marks(marks)
        for mark in marks {
            let at = clockStart + mark.position * 1_000_000 / Int64(settings.dialect.outbound.rate)
            if settings.faults.markDelay > 0 {
                returning.append(mark.name, due: at + Int64(settings.faults.markDelay) * 1000)
            } else {
                sendMark(mark.name, at: at)
            }
        }
    }

    func sendMark(_ name: String, at time: Int64) {
        message.removeAll(keepingCapacity: true)
        peer.encodeMark(name, into: &message)
        post(message, at: time)
    }

    /// Sends `bytes`, which set out at `time`, now or when the path lets them.
    func post(_ bytes: [UInt8], at time: Int64) {
        guard !settings.faults.outgoing.isNone else {
            socket?.send(text: bytes)
            return
        }
        let base = clockStart ?? openedAt
        outgoing.append(bytes, due: plan.arrival(of: time - base, by: settings.faults.outgoing) + base)
    }

    func drain(at now: Int64) {
        while let (_, bytes) = outgoing.next(at: now) { socket?.send(text: bytes) }
    }
}
