// One simulated conversation: the agent's end of a socket, and its turns.

import Agents
import Audio
import Net
import Telemetry

/// The agent in one conversation. Times are microseconds of the monotonic clock.
final class AgentConversation: WebSocketHandler, @unchecked Sendable {
    // Every stored property is touched on the loop's thread only.

    enum Phase { case opened, queued, talking, leaving, over }

    let settings: SimulatedAgentSettings
    let sounds: TurnSounds
    var record: SimulatedConversation
    var socket: WebSocketConnection?
    var phase = Phase.opened
    var generator: SeededGenerator
    var peer = AgentPeer()
    var detector: SpeechDetector
    var reader = LatencyMarkerReader()
    let inputCoding: MarkerCoding?
    let outputCoding: MarkerCoding?
    let onEnd: (AgentConversation) -> Void

    let openedAt: Int64
    var metadataAt: Int64 = 0
    var admitAt: Int64 = 0
    var leaveAt: Int64 = 0
    var eventID: Int64 = 0
    var nextTurn = 0
    var speaking: Speaking?
    var spokenUntil: Int64 = 0
    var callerSpoke = false
    var interruptedID: Int64?
    var nextInterruption = 0
    var nextPing: Int64 = 0
    var pingTimes: [Int64: Int64] = [:]
    var estimate: Int64?
    var struck: Set<Int> = []
    var call: UInt16?
    var lastSequence: UInt16?
    var chunks: UInt16 = 0
    var message: [UInt8] = []
    var chunk: [UInt8] = []

    /// A turn being sent or spoken.
    struct Speaking {
        var turn: Int
        var startedAt: Int64
        var sentBytes = 0
        var completed = false
    }

    init(
        _ settings: SimulatedAgentSettings, sounds: TurnSounds, record: SimulatedConversation, number: UInt64,
        onEnd: @escaping (AgentConversation) -> Void
    ) {
        self.settings = settings
        self.sounds = sounds
        self.record = record
        self.onEnd = onEnd
        generator = SeededGenerator(seed: settings.seed &+ number &* 0x9E37)
        detector = SpeechDetector(format: settings.input, level: settings.speechLevel)
        inputCoding = settings.board == nil ? nil : MarkerCoding.of(settings.input)
        outputCoding = settings.board == nil ? nil : MarkerCoding.of(settings.output)
        openedAt = Self.now
    }

    /// Whether nothing more will happen.
    var isOver: Bool { phase == .over }

    static var now: Int64 { MonotonicTime.now.nanoseconds / 1000 }

    // MARK: The socket

    func webSocketDidOpen(_ socket: WebSocketConnection) { self.socket = socket }

    func webSocket(_ socket: WebSocketConnection, didReceive bytes: UnsafeRawBufferPointer, isText: Bool) {
        guard phase != .over, phase != .leaving else { return }
        self.socket = socket
        let now = Self.now
        guard isText else {
            record.badMessages += 1
            return
        }
        switch peer.decode(bytes) {
        case .initiation(let initiation, _): begin(initiation.dynamicVariables, at: now)
        case .userAudio: hear(at: now)
        case .pong(let id):
            guard let sent = pingTimes.removeValue(forKey: id) else { return record.strayPongs += 1 }
            estimate = (now - sent) / 1000
            record.pongs.append(now - sent)
        case .contextualUpdate(let text): record.updates.append(text)
        case .toolResult: record.toolResults += 1
        case .userMessage, .userActivity, .other: break
        case .invalid: record.badMessages += 1
        }
    }

    func webSocketDidClose(_ socket: WebSocketConnection, code: UInt16, reason: String, error: NetError?) {
        guard phase != .over else { return }
        noteSpoken(at: Self.now)
        record.closeCode = code
        phase = .over
        self.socket = nil
        onEnd(self)
    }

    /// Cuts the connection, when the server stops.
    func abort() { socket?.abort() }

    // MARK: The clock

    /// Does everything that is due at `now`.
    func serve(at now: Int64) {
        if phase == .leaving, leaveAt > 0, now >= leaveAt {
            leaveAt = 0
            close(code: 1000, reason: "")
        }
        guard phase != .over, phase != .leaving else { return }
        strike(at: now)
        if phase == .queued, now >= admitAt {
            send { peer.encodeQueueStatus("admitted", into: &$0) }
            open(at: now)
        }
        guard phase == .talking else { return }
        if settings.pingMilliseconds > 0, now >= nextPing { ping(at: now) }
        if nextInterruption < settings.interruptions.count,
            now - metadataAt >= Int64(settings.interruptions[nextInterruption]) * 1000
        {
            nextInterruption += 1
            if isSpeaking(at: now) { interrupt(at: now) }
        }
        if settings.isInterruptible, detector.speech >= Int64(settings.bargeInMilliseconds) * 1000 {
            callerSpoke = true
            if isSpeaking(at: now) { interrupt(at: now) }
        }
        beginTurn(at: now)
        sendSound(at: now)
    }

    // MARK: Opening

    private func begin(_ variables: [String: String], at now: Int64) {
        guard !record.initiated else { return record.badMessages += 1 }
        record.initiated = true
        record.variables = variables
        for fault in settings.faults {
            switch fault {
            case .closeAtOnce(let code, let reason): return close(code: code, reason: reason)
            case .noMetadata: return
            case .queue(let milliseconds):
                send { peer.encodeQueueStatus("waiting", into: &$0) }
                phase = .queued
                admitAt = now + Int64(milliseconds) * 1000
                return
            default: continue
            }
        }
        open(at: now)
    }

    private func open(at now: Int64) {
        phase = .talking
        metadataAt = now
        nextPing = now
        spokenUntil = now
        send {
            peer.encodeMetadata(
                conversationID: record.conversationID, output: settings.output, input: settings.input,
                into: &$0)
        }
        serve(at: now)
    }

    private func ping(at now: Int64) {
        record.pings += 1
        nextPing = now + Int64(settings.pingMilliseconds) * 1000
        let id = Int64(record.pings)
        pingTimes[id] = now
        send { peer.encodePing(eventID: id, milliseconds: estimate, into: &$0) }
    }

    // MARK: Listening

    private func hear(at now: Int64) {
        record.callerMessages += 1
        record.callerBytes += Int64(peer.payload.count)
        if settings.keepsSound { record.caller.append(contentsOf: peer.payload) }
        detector.take(peer.payload)
        guard let inputCoding, let board = settings.board else { return }
        inputCoding.read(peer.payload, with: &reader) { marker in
            guard marker.kind == .caller else { return }
            let latency = (now - marker.microseconds) & 0xFFFF_FFFF_FFFF
            guard latency < 600_000_000 else { return }
            var missing = 0
            if let lastSequence { missing = Int(marker.sequence &- lastSequence &- 1) }
            if missing > 30_000 { missing = 0 }
            call = marker.call
            lastSequence = marker.sequence
            board.arrivedAtAgent(after: latency, missing: missing)
        }
    }

    // MARK: Leaving

    func close(code: UInt16, reason: String) {
        record.closedByAgent = true
        phase = .leaving
        leaveAt = 0
        socket?.close(code: code, reason: reason)
    }

    func send(_ write: (inout [UInt8]) -> Void) {
        message.removeAll(keepingCapacity: true)
        write(&message)
        socket?.send(text: message)
    }
}
