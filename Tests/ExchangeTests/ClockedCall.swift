// A whole call on a test clock: carrier, network, machine, agent and tape, in steps of a millisecond.

import Agents
import Audio
import Calls
import Carriers
import Simulator
import Routing
import Tape
import Telemetry

/// Messages under way, in the order in which they set out; times in microseconds.
struct ClockedPath {
    private var waiting: [(due: Int64, message: [UInt8])] = []
    private var first = 0
    private var last = Int64.min

    mutating func post(_ message: [UInt8], at due: Int64) {
        // No two messages come at once: the machine stamps them one after another.
        last = max(last == .min ? due : last + 1, due)
        waiting.append((last, message))
    }

    mutating func next(at time: Int64) -> (due: Int64, message: [UInt8])? {
        guard first < waiting.count, waiting[first].due <= time else { return nil }
        first += 1
        return waiting[first - 1]
    }
}

/// Delays of a clocked call, in microseconds.
struct ClockedNetwork: Sendable {
    var fixedUp: Int64 = 0
    var fixedDown: Int64 = 0
    var jitter: Int64 = 0
    var loss = 0.0
    var reordering = 0.0
    var duplication = 0.0
    /// A time in which nothing comes from the carrier.
    var stall: Range<Int64> = 0..<0
}

/// What a machine wants, gathered.
struct ClockedHands: CallActions {
    var toCarrier: [[UInt8]] = []
    var toAgent: [[UInt8]] = []
    var opensAgent = false
    var end: CallEnd?
    mutating func sendToCarrier(_ message: [UInt8], urgent: Bool) { toCarrier.append(message) }
    mutating func sendToAgent(_ message: [UInt8], urgent: Bool) { toAgent.append(message) }
    mutating func admit(_ start: StreamStart) -> StreamAdmission { .admitted(start, CallPlan()) }
    mutating func speak(_ text: String, format: AudioFormat, number: Int64) {}
    mutating func stopSpeaking() {}
    mutating func openAgent() { opensAgent = true }
    mutating func closeAgent() {}
    mutating func closeCarrier(code: UInt16) {}
    mutating func callStarted(_ start: StreamStart, header: TapeHeader) {}
    mutating func conversationOpened(_ conversationID: String) {}
    mutating func callEnded(_ end: CallEnd) { self.end = end }
}

/// A turn of the clocked agent: when it begins, how long it is, and when it is cut.
struct ClockedTurn: Sendable {
    var start: Int64
    var samples: Int
    var cut: Int64?
    var seed: UInt64
}

/// One call, from connect to stop, without a socket and without waiting.
struct ClockedCall {
    let carrier: TruthCarrier
    let network: ClockedNetwork
    let turns: [ClockedTurn]
    let milliseconds: Int64
    let clearReturnsMarks: Bool
    /// Parts in a million by which the carrier's crystal is faster than ours.
    var drift: Int64 = 0
    private var random: SeededGenerator
    private let sound: CallerSound
    private(set) var missing: [Range<Int64>] = []
    private(set) var events: [String] = []
    private(set) var tape: [UInt8] = []
    private(set) var truth = Truth(rate: 8000, caller: [], heard: [])

    private var peer: CarrierPeer
    private var agent = AgentPeer()
    private var machine: CallMachine
    private var playout: PlayoutBuffer
    private var up = ClockedPath()
    private var down = ClockedPath()
    private var fromAgent = ClockedPath()
    private var hands = ClockedHands()
    private var callerTrack: [UInt8] = []
    private var held: [UInt8]?
    private var frame = 0
    private static let base: Int64 = 1_000_000_000_000

    init(
        _ carrier: TruthCarrier, network: ClockedNetwork, turns: [ClockedTurn], sound: CallerSound,
        milliseconds: Int64, clearReturnsMarks: Bool, seed: UInt64
    ) {
        self.carrier = carrier
        self.network = network
        self.turns = turns
        self.sound = sound
        self.milliseconds = milliseconds
        self.clearReturnsMarks = clearReturnsMarks
        random = SeededGenerator(seed: seed)
        let dialect = carrier.dialect
        peer = CarrierPeer(
            start: StreamStart(
                carrier: dialect.carrier, streamID: "stream", callID: "call", accountID: "account",
                inbound: dialect.inbound, outbound: dialect.outbound), dialect: dialect.spelling)
        playout = PlayoutBuffer(rules: Self.rules(carrier, clearReturnsMarks))
        machine = CallMachine(
            carrier: dialect.carrier, outbound: dialect.outbound,
            identity: CallIdentity(callID: "clocked", startedAt: 1_795_000_000_000_000, seed: seed),
            rules: CallRules(), at: MonotonicTime(nanoseconds: Self.base))
    }

    private static func rules(_ carrier: TruthCarrier, _ returnsMarks: Bool) -> PlayoutRules {
        switch carrier.dialect.carrier {
        case .twilio: .twilio
        case .telnyx: .telnyx(carrier.dialect.outbound)
        case .exotel: .exotel(rate: carrier.rate, clearReturnsMarks: returnsMarks)
        }
    }

    private func instant(_ time: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: Self.base + time * 1000)
    }
    private func position(_ time: Int64) -> Int64 {
        min(
            (time + time / 1_000_000 * drift) * Int64(carrier.rate) / 1_000_000,
            milliseconds * Int64(carrier.rate) / 1000)
    }

    private mutating func delayed(_ time: Int64, by fixed: Int64) -> Int64 {
        time + fixed + (network.jitter > 0 ? Int64(random.below(Int(network.jitter) + 1)) : 0)
    }

    private mutating func postUp(_ message: [UInt8], at time: Int64) {
        var due = delayed(time, by: network.fixedUp)
        if network.stall.contains(due) { due = network.stall.upperBound }
        up.post(message, at: due)
    }

    // MARK: Running

    /// Runs it to its end.
    mutating func run() {
        var message: [UInt8] = []
        peer.encodeConnected(into: &message)
        postUp(message, at: 0)
        message.removeAll()
        peer.encodeStart(into: &message)
        postUp(message, at: 0)
        var agentScript = script()
        let tickPhase = Int64(random.below(20))
        let end = milliseconds * 1000
        var time: Int64 = 0
        while machine.phase != .ended, time < end + 5_000_000 {
            step(time, isTick: time / 1000 % 20 == tickPhase, agentScript: &agentScript, end: end)
            time += 1000
        }
        let format = carrier.dialect.outbound
        truth = Truth(
            rate: carrier.rate, caller: Self.decoded(callerTrack, carrier.dialect.inbound),
            heard: Self.decoded(playout.heardTrack, format))
    }

    private mutating func step(
        _ time: Int64, isTick: Bool, agentScript: inout ArraySlice<(at: Int64, message: [UInt8])>, end: Int64
    ) {
        if time <= end { sendFrames(at: time) }
        while let (due, message) = down.next(at: time) { take(message, at: due) }
        giveBack(playout.advance(to: position(time)))
        if time == end {
            if let late = held { postUp(late, at: time) }
            held = nil
            var message: [UInt8] = []
            peer.encodeStop(into: &message)
            postUp(message, at: time)
        }
        while let (due, message) = up.next(at: time) {
            message.withUnsafeBytes { machine.carrierMessage($0, at: instant(due), &hands) }
            flush(at: due)
        }
        while let first = agentScript.first, first.at <= time {
            agentScript.removeFirst()
            fromAgent.post(first.message, at: time + Int64(random.below(10_000)))
        }
        while let (due, message) = fromAgent.next(at: time) {
            message.withUnsafeBytes { machine.agentMessage($0, at: instant(due), &hands) }
            flush(at: due)
        }
        if isTick {
            machine.tick(at: instant(time), &hands)
            flush(at: time)
        }
    }

    /// Carries out what the machine wants.
    private mutating func flush(at time: Int64) {
        if hands.opensAgent {
            hands.opensAgent = false
            machine.agentOpened(at: instant(time), &hands)
            var message: [UInt8] = []
            agent.encodeMetadata(
                conversationID: "conv", output: carrier.agent, input: carrier.agent, into: &message)
            fromAgent.post(message, at: time + 1000)
        }
        for message in hands.toCarrier { down.post(message, at: delayed(time, by: network.fixedDown)) }
        hands.toCarrier.removeAll(keepingCapacity: true)
        hands.toAgent.removeAll(keepingCapacity: true)
        tape += machine.takeTape()
    }

    private mutating func take(_ message: [UInt8], at time: Int64) {
        let place = position(time)
        switch message.withUnsafeBytes({ peer.decodeCommand($0, isBinary: false) }) {
        case .media:
            events.append("media \(Double(place) * 1000 / Double(carrier.rate))")
            giveBack(peer.payload.withUnsafeBytes { playout.receive($0, at: place) })
        case .mark(let name): giveBack(playout.mark(name, at: place))
        case .clear:
            events.append("clear \(Double(place) * 1000 / Double(carrier.rate))")
            giveBack(playout.clear(at: place))
        case .refused: events.append("refused")
        }
    }

    private mutating func giveBack(_ marks: [ReturnedMark]) {
        for mark in marks {
            var message: [UInt8] = []
            peer.encodeMark(mark.name, into: &message)
            postUp(message, at: mark.position * 1_000_000 / Int64(carrier.rate))
        }
    }

    private mutating func sendFrames(at time: Int64) {
        let count = carrier.rate * carrier.dialect.frameMilliseconds / 1000
        let width = carrier.dialect.inbound.bytesPerSample
        while Int64((frame + 1) * count) <= position(time) {
            let from = frame * count * width
            var bytes = Array(
                sound.bytes[min(from, sound.bytes.count)..<min(from + count * width, sound.bytes.count)])
            let silence = carrier.dialect.inbound.silenceByte
            bytes += [UInt8](repeating: silence, count: count * width - bytes.count)
            frame += 1
            var message: [UInt8] = []
            bytes.withUnsafeBytes {
                peer.encodeMedia(
                    $0, chunk: Int64(frame),
                    timestamp: Int64((frame - 1) * carrier.dialect.frameMilliseconds),
                    into: &message)
            }
            if frame > 1, random.fraction() < network.loss {
                let start = Int64((frame - 1) * count)
                if let last = missing.last, last.upperBound == start {
                    missing[missing.count - 1] = last.lowerBound..<start + Int64(count)
                } else {
                    missing.append(start..<start + Int64(count))
                }
                callerTrack += [UInt8](repeating: silence, count: count * width)
                continue
            }
            callerTrack += bytes
            if random.fraction() < network.reordering, held == nil {
                held = message
                continue
            }
            postUp(message, at: time)
            if random.fraction() < network.duplication { postUp(message, at: time) }
            if let late = held { postUp(late, at: time) }
            held = nil
        }
    }

    /// The agent's messages and when they set out.
    private mutating func script() -> ArraySlice<(at: Int64, message: [UInt8])> {
        var script: [(at: Int64, message: [UInt8])] = []
        var event: Int64 = 0
        func said(_ at: Int64, _ write: (inout [UInt8]) -> Void) {
            var message: [UInt8] = []
            write(&message)
            script.append((at, message))
        }
        for turn in turns {
            event += 1
            let samples = SyntheticSound.noise(seed: turn.seed, level: TruthSchedule.agentLevel)
                .rendered(milliseconds: turn.samples * 1000 / carrier.agent.rate, rate: carrier.agent.rate)
            let bytes = Self.encoded(samples, carrier.agent)
            said(turn.start) { agent.encodeAgentResponse("Words.", eventID: event, into: &$0) }
            var sent = 0
            var at = turn.start
            let factor = Int64([2, 4, 10][random.below(3)])
            while sent < bytes.count, turn.cut.map({ at < $0 }) ?? true {
                let size = (1 + random.below(4000)) * carrier.agent.bytesPerSample
                let chunk = Array(bytes[sent..<min(sent + size, bytes.count)])
                said(at) { output in
                    chunk.withUnsafeBytes { agent.encodeAudio($0, eventID: event, into: &output) }
                }
                sent += chunk.count
                at +=
                    Int64(chunk.count / carrier.agent.bytesPerSample) * 1_000_000 / Int64(carrier.agent.rate)
                    / factor
            }
            if let cut = turn.cut {
                event += 1
                said(cut) { agent.encodeInterruption(eventID: event, into: &$0) }
            }
        }
        return script[...]
    }

    private static func encoded(_ samples: [Int16], _ format: AudioFormat) -> [UInt8] {
        CallerSound(samples: samples, format: format).bytes
    }

    static func decoded(_ bytes: [UInt8], _ format: AudioFormat) -> [Int16] {
        SoundOf.samples(bytes, format)
    }
}
