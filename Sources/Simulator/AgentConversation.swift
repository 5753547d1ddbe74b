// One simulated conversation: the agent's end of a socket, and its turns.

import Audio
import Net
import Telemetry

/// The agent in one conversation. Times are microseconds of the monotonic clock.
final class AgentConversation: WebSocketHandler, @unchecked Sendable {
    // Every stored property is touched on the loop's thread only.

    private enum Phase { case opened, queued, talking, leaving, over }

    let settings: AgentSettings
    let sounds: TurnSounds
    private(set) var record: SimulatedConversation
    private var socket: WebSocketConnection?
    private var phase = Phase.opened
    private var generator: SeededGenerator
    private var voice = AgentVoice()
    private var detector: SpeechDetector
    private var reader = LatencyMarkerReader()
    private let inputCoding: MarkerCoding?
    private let outputCoding: MarkerCoding?
    private let onEnd: (AgentConversation) -> Void

    private let openedAt: Int64
    private var metadataAt: Int64 = 0
    private var admitAt: Int64 = 0
    private var leaveAt: Int64 = 0
    private var eventID: Int64 = 0
    private var nextTurn = 0
    private var speaking: Speaking?
    private var spokenUntil: Int64 = 0
    private var callerSpoke = false
    private var interruptedID: Int64?
    private var nextInterruption = 0
    private var nextPing: Int64 = 0
    private var pingTimes: [Int64: Int64] = [:]
    private var estimate: Int64?
    private var struck: Set<Int> = []
    private var call: UInt16?
    private var lastSequence: UInt16?
    private var chunks: UInt16 = 0
    private var message: [UInt8] = []
    private var chunk: [UInt8] = []

    /// A turn being sent or spoken.
    private struct Speaking {
        var turn: Int
        var startedAt: Int64
        var sentBytes = 0
        var completed = false
    }

    init(
        _ settings: AgentSettings, sounds: TurnSounds, record: SimulatedConversation, number: UInt64,
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

    private static var now: Int64 { MonotonicTime.now.nanoseconds / 1000 }

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
        switch voice.message(bytes) {
        case .initiation(let variables): begin(variables, at: now)
        case .audio: hear(at: now)
        case .pong(let id):
            guard let sent = pingTimes.removeValue(forKey: id) else { return record.strayPongs += 1 }
            estimate = (now - sent) / 1000
            record.pongs.append(now - sent)
        case .update(let text): record.updates.append(text)
        case .toolResult: record.toolResults += 1
        case .other: break
        case .bad: record.badMessages += 1
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
            send { voice.queueStatus("admitted", into: &$0) }
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
                send { voice.queueStatus("waiting", into: &$0) }
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
            voice.metadata(
                conversation: record.conversationID, output: settings.output, input: settings.input, into: &$0)
        }
        serve(at: now)
    }

    private func ping(at now: Int64) {
        record.pings += 1
        nextPing = now + Int64(settings.pingMilliseconds) * 1000
        let id = Int64(record.pings)
        pingTimes[id] = now
        send { voice.ping(id, milliseconds: estimate, into: &$0) }
    }

    // MARK: Listening

    private func hear(at now: Int64) {
        record.callerMessages += 1
        record.callerBytes += Int64(voice.payload.count)
        if settings.keepsSound { record.caller.append(contentsOf: voice.payload) }
        detector.take(voice.payload)
        guard let inputCoding, let board = settings.board else { return }
        inputCoding.read(voice.payload, with: &reader) { marker in
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

    // MARK: Speaking

    private func isSpeaking(at now: Int64) -> Bool {
        guard let speaking else { return false }
        return now < speaking.startedAt + sounds.microseconds(of: speaking.turn)
    }

    private func beginTurn(at now: Int64) {
        if settings.repeats, nextTurn == settings.turns.count { nextTurn = 0 }
        guard nextTurn < settings.turns.count, !settings.faults.contains(.mute) else { return }
        let turn = settings.turns[nextTurn]
        var answers = false
        switch turn.trigger {
        case .at(let milliseconds):
            guard now - metadataAt >= Int64(milliseconds) * 1000 else { return }
            if isSpeaking(at: now) { interrupt(at: now) }
        case .afterPrevious(let milliseconds):
            guard !isSpeaking(at: now), now - spokenUntil >= Int64(milliseconds) * 1000 else { return }
        case .afterCaller:
            guard !isSpeaking(at: now), callerSpoke,
                detector.silence >= Int64(settings.endOfTurnMilliseconds) * 1000
            else { return }
            answers = true
        }
        if let interruptedID, settings.replyHasInterruptionID {
            eventID = interruptedID
        } else {
            eventID = max(eventID, interruptedID ?? 0) + 1
        }
        interruptedID = nil
        if answers {
            callerSpoke = false
            detector.reset()
            send { voice.userTranscript(turn.heard, eventID: eventID, into: &$0) }
        }
        send { voice.agentResponse(turn.text, eventID: eventID, into: &$0) }
        noteSpoken(at: now)
        speaking = Speaking(turn: nextTurn, startedAt: now)
        spokenUntil = now + sounds.microseconds(of: nextTurn)
        record.turns.append(
            SpokenTurn(
                turn: nextTurn, eventID: eventID, sentAt: Int((now - openedAt) / 1000), samplesSent: 0,
                interrupted: false, believedHeard: 0))
        nextTurn += 1
    }

    /// Sends what the burst factor allows for one tick, in chunks of irregular sizes.
    private func sendSound(at now: Int64) {
        guard var current = speaking, !current.completed else { return }
        let sound = sounds.bytes(of: current.turn)
        let width = settings.output.bytesPerSample
        let allowed = (now - current.startedAt + 20_000) * Int64(settings.burstFactor)
        let samples = Int(clamping: allowed * Int64(settings.output.rate) / 1_000_000)
        let end = min(samples * width, sound.count)
        while current.sentBytes < end {
            var size = 1 + generator.below(settings.chunkSamples)
            if width == 1 { size |= 1 }
            let stop = min(current.sentBytes + size * width, sound.count)
            chunk.removeAll(keepingCapacity: true)
            chunk.append(contentsOf: sound[current.sentBytes..<stop])
            sendChunk(first: current.sentBytes == 0)
            current.sentBytes = stop
        }
        record.turns[record.turns.count - 1].samplesSent = current.sentBytes / width
        if current.sentBytes >= sound.count {
            current.completed = true
            if settings.sendsCompletion { send { voice.agentResponseComplete(eventID, into: &$0) } }
            if settings.turns[current.turn].endsCall { hangUp(at: now) }
        }
        speaking = current
    }

    private func sendChunk(first: Bool) {
        chunks &+= 1
        if let outputCoding {
            outputCoding.write(
                LatencyMarker(
                    kind: first ? .turn : .chunk, call: call ?? 0, sequence: chunks, microseconds: Self.now),
                into: &chunk)
        }
        send { voice.audio(chunk, eventID: eventID, into: &$0) }
    }

    private func hangUp(at now: Int64) {
        send { voice.endCall(eventID: eventID, into: &$0) }
        record.closedByAgent = true
        phase = .leaving
        leaveAt = now + 50_000
    }

    /// Notes how much of the current turn the agent believes was heard.
    private func noteSpoken(at now: Int64) {
        guard let speaking, !record.turns.isEmpty else { return }
        let heard = min(now - speaking.startedAt, sounds.microseconds(of: speaking.turn))
        record.turns[record.turns.count - 1].believedHeard = Int(heard / 1000)
    }

    // MARK: Interruption

    private func interrupt(at now: Int64) {
        guard let current = speaking else { return }
        noteSpoken(at: now)
        record.turns[record.turns.count - 1].interrupted = true
        let cutID = eventID
        let id = cutID + 1
        interruptedID = id
        record.interruptions.append(id)
        send { voice.interruption(id, into: &$0) }
        socket?.flush()
        if let call { settings.board?.interrupted(call: call, at: now) }
        let text = settings.turns[current.turn].text
        let share = Double(now - current.startedAt) / Double(max(sounds.microseconds(of: current.turn), 1))
        send {
            voice.correction(original: text, corrected: Self.cut(text, to: share), eventID: cutID, into: &$0)
        }
        if settings.sendsLateChunk {
            let sound = sounds.bytes(of: current.turn)
            let width = settings.output.bytesPerSample
            chunk = Array(sound.suffix(min(sound.count, settings.output.rate / 50 * width)))
            send { voice.audio(chunk, eventID: cutID, into: &$0) }
        }
        speaking = nil
        spokenUntil = now
        callerSpoke = callerSpoke || detector.speech > 0
    }

    /// The words of `text` that fit into `share` of it, with an ellipsis.
    static func cut(_ text: String, to share: Double) -> String {
        let words = text.split(separator: " ")
        let kept = Int((Double(words.count) * min(max(share, 0), 1)).rounded(.down))
        return words.prefix(kept).joined(separator: " ") + "..."
    }

    // MARK: Faults

    private func strike(at now: Int64) {
        guard !settings.faults.isEmpty else { return }
        for (number, fault) in settings.faults.enumerated() {
            guard let time = fault.time, now - openedAt >= Int64(time) * 1000, struck.insert(number).inserted
            else { continue }
            switch fault {
            case .close(_, let code, let reason): close(code: code, reason: reason)
            case .reset:
                record.closedByAgent = true
                socket?.abort()
            case .flatError: send { voice.flatError(into: &$0) }
            case .clientError: send { voice.clientError(into: &$0) }
            case .unknownEvent: send { voice.unknownEvent(into: &$0) }
            case .emptyAudio: send { voice.audio([], eventID: max(eventID, 1), into: &$0) }
            case .notJSON: socket?.send(text: Array("{\"type\":\"aud".utf8))
            default: continue
            }
            if phase == .leaving || phase == .over { return }
        }
    }

    private func close(code: UInt16, reason: String) {
        record.closedByAgent = true
        phase = .leaving
        leaveAt = 0
        socket?.close(code: code, reason: reason)
    }

    private func send(_ write: (inout [UInt8]) -> Void) {
        message.removeAll(keepingCapacity: true)
        write(&message)
        socket?.send(text: message)
    }
}
