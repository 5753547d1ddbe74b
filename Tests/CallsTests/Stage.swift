// A call's machine between a scripted carrier and a scripted agent, on a test clock.

import Agents
import Audio
import Calls
import Carriers
import Routing
import Tape
import Telemetry

/// What a machine wanted, in order.
struct RecordingHands: CallActions {
    enum Wish: Equatable {
        case openAgent, closeAgent
        case closeCarrier(UInt16)
        case ended(CallEnd)
        case started
        case conversation(String)
        case speak(String, Int64)
        case stopSpeaking
    }

    var wishes: [Wish] = []
    /// What a stream is admitted with.
    var plan = CallPlan()
    /// What becomes of a stream instead.
    var admission: StreamAdmission?
    var toCarrier: [(message: [UInt8], urgent: Bool)] = []
    var toAgent: [(message: [UInt8], urgent: Bool)] = []

    mutating func sendToCarrier(_ message: [UInt8], urgent: Bool) { toCarrier.append((message, urgent)) }
    mutating func sendToAgent(_ message: [UInt8], urgent: Bool) { toAgent.append((message, urgent)) }
    mutating func admit(_ start: StreamStart) -> StreamAdmission { admission ?? .admitted(start, plan) }
    mutating func speak(_ text: String, format: AudioFormat, number: Int64) {
        wishes.append(.speak(text, number))
    }
    mutating func stopSpeaking() { wishes.append(.stopSpeaking) }
    mutating func openAgent() { wishes.append(.openAgent) }
    mutating func closeAgent() { wishes.append(.closeAgent) }
    mutating func closeCarrier(code: UInt16) { wishes.append(.closeCarrier(code)) }
    mutating func callStarted(_ start: StreamStart, header: TapeHeader) { wishes.append(.started) }
    mutating func conversationOpened(_ conversationID: String) {
        wishes.append(.conversation(conversationID))
    }
    mutating func callEnded(_ end: CallEnd) { wishes.append(.ended(end)) }

    /// How the call ended, when it has.
    var end: CallEnd? {
        for case .ended(let end) in wishes { return end }
        return nil
    }
    /// How often the agent was to be opened.
    var attempts: Int { wishes.count { $0 == .openAgent } }
}

/// A machine and everything around it.
struct Stage {
    var machine: CallMachine
    var hands = RecordingHands()
    var carrier: CarrierPeer
    var agent = AgentPeer()
    var now = MonotonicTime(nanoseconds: 5_000_000_000)
    var frames: Int64 = 0

    init(
        _ carrier: Carrier = .twilio, inbound: AudioFormat = .pcmu8k, outbound: AudioFormat = .pcmu8k,
        tracks: [Track] = [.inbound], stream: String = "stream", seed: UInt64 = 1,
        rules: CallRules = CallRules()
    ) {
        machine = CallMachine(
            carrier: carrier, outbound: outbound,
            identity: CallIdentity(callID: "call", startedAt: 0, seed: seed), rules: rules, at: now)
        self.carrier = CarrierPeer(
            start: StreamStart(
                carrier: carrier, streamID: stream, callID: "CA1", accountID: "AC1", inbound: inbound,
                outbound: outbound, tracks: tracks))
    }

    /// The carrier says what `write` writes.
    mutating func carrier(_ write: (inout CarrierPeer, inout [UInt8]) -> Void) {
        var message: [UInt8] = []
        write(&carrier, &message)
        message.withUnsafeBytes { machine.carrierMessage($0, at: now, &hands) }
    }

    /// The agent says what `write` writes.
    mutating func agent(_ write: (AgentPeer, inout [UInt8]) -> Void) {
        var message: [UInt8] = []
        write(agent, &message)
        message.withUnsafeBytes { machine.agentMessage($0, at: now, &hands) }
    }

    mutating func start() { carrier { $0.encodeStart(into: &$1) } }

    /// Opens the call and the agent's conversation.
    mutating func open(output: AudioFormat = .pcmu8k, input: AudioFormat = .pcmu8k) {
        start()
        machine.agentOpened(at: now, &hands)
        agent { $0.encodeMetadata(conversationID: "conv", output: output, input: input, into: &$1) }
    }

    /// One frame of the caller, `bytes` long.
    mutating func frame(_ bytes: Int = 160, milliseconds: Int64 = 20, value: UInt8 = 0x55) {
        let sound = [UInt8](repeating: value, count: bytes)
        frames += 1
        let (chunk, timestamp) = (frames, (frames - 1) * milliseconds)
        carrier { peer, output in
            sound.withUnsafeBytes {
                peer.encodeMedia($0, chunk: chunk, timestamp: timestamp, into: &output)
            }
        }
    }

    /// Sound of the agent, `bytes` long.
    mutating func speak(_ bytes: Int, turn: Int64 = 1, value: UInt8 = 0x55) {
        let sound = [UInt8](repeating: value, count: bytes)
        agent { peer, output in
            sound.withUnsafeBytes { peer.encodeAudio($0, eventID: turn, into: &output) }
        }
    }

    /// Lets `milliseconds` pass in ticks of 20 ms.
    mutating func pass(_ milliseconds: Int64, frames: Bool = false) {
        for _ in 0..<milliseconds / 20 {
            now = now.adding(milliseconds: 20)
            if frames { frame() }
            machine.tick(at: now, &hands)
        }
    }

    /// What the carrier has been told, understood by the carrier's own reader.
    func told() -> [CarrierCommand] {
        var peer = carrier
        return hands.toCarrier.map { sent in sent.message.withUnsafeBytes { peer.decodeCommand($0) } }
    }

    /// Bytes of each media message to the carrier.
    func pieces() -> [Int] {
        var peer = carrier
        return hands.toCarrier.compactMap { sent in
            guard case .media = sent.message.withUnsafeBytes({ peer.decodeCommand($0) }) else { return nil }
            return peer.payload.count
        }
    }

    /// The kinds of records on the tape so far.
    mutating func tapeKinds() -> [TapeKind] {
        var parser = TapeParser()
        TapeLayout.magic.withUnsafeBytes { parser.feed($0) }
        machine.takeTape().withUnsafeBytes { parser.feed($0) }
        var kinds: [TapeKind] = []
        while let record = parser.next() { kinds.append(record.kind) }
        return kinds
    }
}
