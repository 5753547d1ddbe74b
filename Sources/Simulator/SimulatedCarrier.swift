// One simulated call: the carrier's end of a media socket, on the carrier's own clock.

import Audio
import Carriers
import Net
import Telemetry

/// One call of a dialect. Times are microseconds of the monotonic clock, positions samples of the call's clock.
final class SimulatedCarrier: WebSocketHandler, @unchecked Sendable {
    // Every stored property is touched on the loop's thread only.

    private enum Phase { case connecting, opened, streaming, leaving, over }

    let settings: CallSettings
    let loop: EventLoop
    var phase = Phase.connecting
    private var socket: WebSocketConnection?
    private let finish: @Sendable (SimulatedCallResult) -> Void

    var voice: CarrierVoice
    var plan: FaultPlan
    var playout: PlayoutBuffer
    var record: CallRecord
    private var reader = LatencyMarkerReader()
    private let table: MarkerCoding?
    private let outboundTable: MarkerCoding?

    private var openedAt: Int64 = 0
    private var clockStart: Int64?
    private var nextFrame: Int64 = 0
    private var nextKey = 0
    private var startSent = false
    private var planned = false
    private var frame: [UInt8] = []
    private var message: [UInt8] = []
    private var held: [UInt8]?
    private var outgoing = DelayLine<[UInt8]>()
    private var incoming = DelayLine<[UInt8]>()
    private var returning = DelayLine<String>()

    init(
        _ settings: CallSettings, on loop: EventLoop, finish: @escaping @Sendable (SimulatedCallResult) -> Void
    ) {
        self.settings = settings
        self.loop = loop
        self.finish = finish
        voice = CarrierVoice(settings)
        plan = FaultPlan(settings.faults, seed: settings.seed &+ 1)
        playout = PlayoutBuffer(
            rules: settings.dialect.playoutRules(clearReturnsMarks: settings.clearReturnsMarks),
            keepsSound: settings.keepsSound)
        record = CallRecord(settings)
        table = settings.probe == nil ? nil : MarkerCoding.of(settings.dialect.inbound)
        outboundTable = settings.probe == nil ? nil : MarkerCoding.of(settings.dialect.outbound)
    }

    /// Whether nothing more will happen.
    var isOver: Bool { phase == .over }

    func connect() {
        socket = WebSocketConnection.connect(
            to: settings.url, headers: settings.headers, on: loop, limits: WebSocketLimits(), handler: self)
    }

    // MARK: The socket

    func webSocketDidOpen(_ socket: WebSocketConnection) {
        guard phase == .connecting else { return }
        phase = .opened
        openedAt = Self.now
        message.removeAll(keepingCapacity: true)
        voice.connected(into: &message)
        post(message, at: openedAt)
        if settings.faults.mediaBeforeStart > 0 { clockStart = openedAt }
        serve(at: openedAt)
    }

    func webSocket(_ socket: WebSocketConnection, didReceive bytes: UnsafeRawBufferPointer, isText: Bool) {
        guard phase == .opened || phase == .streaming else { return }
        let now = Self.now
        guard isText else { return record.refused(at: position(at: now)) }
        guard !settings.faults.incoming.isNone else { return take(bytes, at: now) }
        let elapsed = now - (clockStart ?? now)
        let due = plan.arrival(of: elapsed, by: settings.faults.incoming) + (clockStart ?? now)
        incoming.append(Array(bytes), due: due)
    }

    func webSocketDidClose(_ socket: WebSocketConnection, code: UInt16, reason: String, error: NetError?) {
        guard phase != .over else { return }
        let now = Self.now
        let end: SimulatedEnd =
            if let error, phase == .connecting { .neverOpened(error) } else if planned { .asPlanned }
            else if code == 1006 { .broken } else { .server }
        if !planned { _ = playout.advance(to: position(at: now)) }
        phase = .over
        self.socket = nil
        finish(record.result(end: end, code: code, playout: playout))
    }

    // MARK: The clock

    private static var now: Int64 { MonotonicTime.now.nanoseconds / 1000 }

    /// The position at `time`; 0 before the clock runs, never beyond the planned end.
    private func position(at time: Int64) -> Int64 {
        guard let clockStart else { return 0 }
        let samples = max(time - clockStart, 0) * Int64(settings.dialect.inbound.rate) / 1_000_000
        return min(samples, lastPosition)
    }

    private var lastPosition: Int64 {
        Int64(settings.ending.milliseconds) * Int64(settings.dialect.inbound.rate) / 1000
    }

    /// Does everything that is due at `now`.
    func serve(at now: Int64) {
        guard phase == .opened || phase == .streaming else { return leave(at: now) }
        if phase == .opened { openStream(at: now) }
        guard let clockStart else { return }
        let position = position(at: now)
        sendFrames(until: position, at: now)
        while let (due, bytes) = incoming.next(at: now) { bytes.withUnsafeBytes { take($0, at: due) } }
        give(back: playout.advance(to: position))
        while let (due, name) = returning.next(at: now) { sendMark(name, at: due) }
        while nextKey < settings.keys.count,
            Int64(settings.keys[nextKey].milliseconds) * 1000 <= now - clockStart
        {
            press(settings.keys[nextKey], at: now)
            nextKey += 1
        }
        if position >= lastPosition { end(at: now) } else { drain(at: now) }
    }

    private func openStream(at now: Int64) {
        if case .neverStart(let limit) = settings.ending {
            if now - openedAt >= Int64(limit) * 1000 { close(at: now) }
            return
        }
        let before = Int64(settings.faults.mediaBeforeStart)
        guard before > 0 ? nextFrame >= before : now - openedAt >= Int64(settings.faults.lateStart) * 1000
        else { return }
        phase = .streaming
        startSent = true
        if clockStart == nil { clockStart = now }
        message.removeAll(keepingCapacity: true)
        voice.start(into: &message)
        post(message, at: now)
    }

    // MARK: What the carrier sends

    private func sendFrames(until position: Int64, at now: Int64) {
        let count = Int64(settings.dialect.frameSamples)
        while (nextFrame + 1) * count <= position {
            let start = nextFrame * count
            nextFrame += 1
            sendFrame(from: start, at: now)
            if !startSent, nextFrame == Int64(settings.faults.mediaBeforeStart) { openStream(at: now) }
        }
    }

    private func sendFrame(from start: Int64, at now: Int64) {
        let rate = Int64(settings.dialect.inbound.rate)
        let milliseconds = start * 1000 / rate
        settings.sound.fill(&frame, from: start, count: settings.dialect.frameSamples)
        let silent = settings.faults.skipsSilence && frame.allSatisfy { $0 == settings.sound.format.silenceByte }
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
        voice.media(frame, timestamp: milliseconds + Int64(settings.firstTimestamp), into: &message)
        let fate = plan.fate()
        if let clockStart {
            let due = clockStart + (start + Int64(settings.dialect.frameSamples)) * 1_000_000 / rate
            record.lateness(now - due)
        }
        record.sent(frame, from: start, fate: fate)
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

    private func press(_ key: CallerScript.Key, at now: Int64) {
        message.removeAll(keepingCapacity: true)
        voice.key(key.digit, into: &message)
        post(message, at: now)
        record.keys.append(key)
    }

    private func give(back marks: [ReturnedMark]) {
        guard !marks.isEmpty, let clockStart else { return }
        record.marks(marks)
        for mark in marks {
            let at = clockStart + mark.position * 1_000_000 / Int64(settings.dialect.inbound.rate)
            if settings.faults.markDelay > 0 {
                returning.append(mark.name, due: at + Int64(settings.faults.markDelay) * 1000)
            } else {
                sendMark(mark.name, at: at)
            }
        }
    }

    private func sendMark(_ name: String, at time: Int64) {
        message.removeAll(keepingCapacity: true)
        voice.mark(name, into: &message)
        post(message, at: time)
    }

    /// Sends `bytes`, which set out at `time`, now or when the path lets them.
    private func post(_ bytes: [UInt8], at time: Int64) {
        guard !settings.faults.outgoing.isNone else {
            socket?.send(text: bytes)
            return
        }
        let base = clockStart ?? openedAt
        outgoing.append(bytes, due: plan.arrival(of: time - base, by: settings.faults.outgoing) + base)
    }

    private func drain(at now: Int64) {
        while let (_, bytes) = outgoing.next(at: now) { socket?.send(text: bytes) }
    }

    // MARK: What the server sends

    private func take(_ bytes: UnsafeRawBufferPointer, at time: Int64) {
        let position = position(at: time)
        switch voice.order(bytes) {
        case .media:
            if record.firstSound == nil { record.firstSound = time - openedAt }
            record.command(.media(bytes: voice.payload.count), at: position)
            give(back: voice.payload.withUnsafeBytes { playout.receive($0, at: position) })
            findMarkers(at: time)
        case .mark(let name):
            record.command(.mark(name: name), at: position)
            give(back: playout.mark(name, at: position))
        case .clear:
            if let probe = settings.probe { probe.board.cleared(call: probe.call, at: time) }
            let before = playout.counts.samplesCleared
            let marks = playout.clear(at: position)
            record.command(.clear(samples: playout.counts.samplesCleared - before), at: position)
            give(back: marks)
        case .refused:
            record.refused(at: position)
        }
    }

    private func findMarkers(at time: Int64) {
        guard let outboundTable, let probe = settings.probe else { return }
        outboundTable.read(voice.payload, with: &reader) { marker in
            guard marker.kind != .caller else { return }
            let latency = (time - marker.microseconds) & 0xFFFF_FFFF_FFFF
            guard latency < 600_000_000 else { return }
            probe.board.arrivedAtCarrier(
                marker.kind, after: latency, buffers: settings.dialect.carrier != .exotel)
        }
    }

    // MARK: The end

    private func end(at now: Int64) {
        planned = true
        _ = playout.advance(to: lastPosition)
        if let late = held {
            held = nil
            post(late, at: now)
        }
        switch settings.ending {
        case .reset:
            phase = .leaving
            socket?.abort()
        case .hangUp, .server:
            message.removeAll(keepingCapacity: true)
            voice.stop(into: &message)
            post(message, at: now)
            phase = .leaving
            leave(at: now)
        case .closeWithoutStop, .neverStart:
            phase = .leaving
            leave(at: now)
        }
    }

    private func close(at now: Int64) {
        planned = true
        phase = .leaving
        leave(at: now)
    }

    private var closeSent = false

    /// Lets what is under way arrive, then closes.
    private func leave(at now: Int64) {
        guard phase == .leaving, !closeSent else { return }
        drain(at: now)
        guard outgoing.isEmpty else { return }
        closeSent = true
        if case .reset = settings.ending { return }
        socket?.close(code: 1000)
    }
}
