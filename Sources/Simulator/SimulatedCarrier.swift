// One simulated call: the carrier's end of a media socket, on the carrier's own clock.

import Audio
import Carriers
import Dispatch
import Net
import Telemetry

/// One call of a dialect. Times are microseconds of the monotonic clock, positions samples of the call's clock.
final class SimulatedCarrier: WebSocketHandler, @unchecked Sendable {
    // Every stored property is touched on the loop's thread only.

    enum Phase { case waiting, connecting, opened, streaming, leaving, over }

    let settings: SimulatedCallSettings
    let loop: EventLoop
    let connectAt: Int64
    var phase = Phase.waiting
    var socket: WebSocketConnection?
    let finish: @Sendable (SimulatedCallResult) -> Void

    var peer: CarrierPeer
    var chunk: Int64 = 0
    var plan: FaultPlan
    var playout: PlayoutBuffer
    var record: CallRecord
    var reader = LatencyMarkerReader()
    let table: MarkerCoding?
    let outboundTable: MarkerCoding?

    var openedAt: Int64 = 0
    var clockStart: Int64?
    var nextFrame: Int64 = 0
    var nextKey = 0
    var startSent = false
    var planned = false
    var closeSent = false
    /// Where somebody ended the call before its planned end, in samples.
    var cut: Int64?
    var frame: [UInt8] = []
    var message: [UInt8] = []
    var held: [UInt8]?
    var outgoing = DelayLine<[UInt8]>()
    var incoming = DelayLine<[UInt8]>()
    var returning = DelayLine<String>()

    init(
        _ settings: SimulatedCallSettings, on loop: EventLoop, after milliseconds: Int,
        finish: @escaping @Sendable (SimulatedCallResult) -> Void
    ) {
        self.settings = settings
        self.loop = loop
        connectAt = Self.now + Int64(milliseconds) * 1000
        self.finish = finish
        peer = CarrierPeer(start: settings.streamStart(), dialect: settings.dialect.spelling)
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

    private func connect() {
        phase = .connecting
        socket = WebSocketConnection.connect(
            to: settings.url, headers: settings.headers, on: loop,
            // Twilio takes messages of any size: its ten minutes at once, in base64, are 6.4 MB.
            limits: WebSocketLimits(messageBytes: 16 << 20), handler: self)
    }

    // MARK: The socket

    func webSocketDidOpen(_ socket: WebSocketConnection) {
        guard phase == .connecting else { return }
        phase = .opened
        openedAt = Self.now
        settings.opened?()
        message.removeAll(keepingCapacity: true)
        peer.encodeConnected(into: &message)
        post(message, at: openedAt)
        if settings.faults.mediaBeforeStart > 0 { clockStart = openedAt }
        serve(at: openedAt)
    }

    func webSocket(_ socket: WebSocketConnection, didReceive bytes: UnsafeRawBufferPointer, isText: Bool) {
        guard phase == .opened || phase == .streaming else { return }
        let now = Self.now
        // Delays are for what is understood: a binary frame is refused at once.
        guard isText, !settings.faults.incoming.isNone else { return take(bytes, isText: isText, at: now) }
        let elapsed = now - (clockStart ?? now)
        let due = plan.arrival(of: elapsed, by: settings.faults.incoming) + (clockStart ?? now)
        incoming.append(Array(bytes), due: due)
    }

    func webSocketDidClose(_ socket: WebSocketConnection, code: UInt16, reason: String, error: NetError?) {
        guard phase != .over else { return }
        let now = Self.now
        let end: SimulatedEnd =
            if let error, phase == .connecting { .neverOpened(error) } else if planned {
                .asPlanned
            } else if code == 1006 { .broken } else { .server }
        if !planned { _ = playout.advance(to: played(position(at: now))) }
        phase = .over
        self.socket = nil
        // Decoding what was heard takes long: the loop goes on with the other calls meanwhile.
        DispatchQueue.global().async { [finish, record, playout, start = peer.start] in
            finish(record.result(of: start, end: end, code: code, playout: playout, at: now))
        }
    }

    // MARK: The clock

    static var now: Int64 { MonotonicTime.now.nanoseconds / 1000 }

    /// The position at `time`; 0 before the clock runs, never beyond the planned end.
    func position(at time: Int64) -> Int64 {
        guard let clockStart else { return 0 }
        let samples = max(time - clockStart, 0) * Int64(settings.dialect.inbound.rate) / 1_000_000
        return min(samples, lastPosition)
    }

    var lastPosition: Int64 {
        let planned = Int64(settings.ending.milliseconds) * Int64(settings.dialect.inbound.rate) / 1000
        return min(planned, cut ?? planned)
    }

    /// Ends the call as planned, but now.
    func hangUp(at now: Int64) {
        guard cut == nil else { return }
        cut = position(at: now)
        serve(at: now)
    }

    /// `position` of the call's clock in samples of the sound that is played.
    func played(_ position: Int64) -> Int64 {
        position * Int64(settings.dialect.outbound.rate) / Int64(settings.dialect.inbound.rate)
    }

    /// Does everything that is due at `now`.
    func serve(at now: Int64) {
        if phase == .waiting, now >= connectAt { return connect() }
        guard phase == .opened || phase == .streaming else { return leave(at: now) }
        if phase == .opened { cut == nil ? openStream(at: now) : close(at: now) }
        guard let clockStart, phase == .opened || phase == .streaming else { return }
        let position = position(at: now)
        sendFrames(until: position, at: now)
        while let (due, bytes) = incoming.next(at: now) { bytes.withUnsafeBytes { take($0, at: due) } }
        give(back: playout.advance(to: played(position)))
        while let (due, name) = returning.next(at: now) { sendMark(name, at: due) }
        while nextKey < settings.keys.count,
            Int64(settings.keys[nextKey].milliseconds) * 1000 <= now - clockStart
        {
            press(settings.keys[nextKey], at: now)
            nextKey += 1
        }
        if position >= lastPosition { end(at: now) } else { drain(at: now) }
    }

    func openStream(at now: Int64) {
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
        peer.encodeStart(into: &message)
        post(message, at: now)
    }

    // MARK: The end

    private func end(at now: Int64) {
        planned = true
        _ = playout.advance(to: played(lastPosition))
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
            peer.encodeStop(into: &message)
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
