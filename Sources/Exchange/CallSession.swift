// A live call: the actor on its loop that joins sockets, machine and tape.

import Agents
import Audio
import Calls
import Carriers
import Desk
import Net
import Routing
import Switchboard
import Tape
import Telemetry

/// One call. It lives on its loop: both sockets' callbacks enter it there without a hop.
actor CallSession: WebSocketHandler {
    private nonisolated let seat: LoopSeat
    /// The loop where it holds a seat.
    nonisolated var loop: EventLoop { seat.loop }
    /// What the server knows the session by, from its upgrade on. The call's own id may be another (`CallPlan`).
    nonisolated let key: String
    /// Whose stream it is by its upgrade alone; nil where its frames tell it.
    nonisolated let carrier: Carrier?
    /// The placed call whose token its upgrade showed.
    nonisolated let dial: String?
    /// When it began, on the clock that is never set.
    nonisolated let began: MonotonicTime
    private let office: CallOffice
    private var machine: CallMachine
    private var ports: CallPorts
    private var agentOpening = 0
    /// What asks for a way to the agent at present.
    private var agentSearch: Task<Void, Never>?
    private var speech: (any SpeechInProgress)?
    private var lastBatch: MonotonicTime
    private var isOver = false
    private var toldPhase = CallPhase.awaitingStart

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(
        carrier: Carrier?, identity: CallIdentity, proofs: StreamProofs, seat: LoopSeat,
        office: CallOffice, at now: MonotonicTime
    ) {
        self.seat = seat
        key = identity.callID
        dial = proofs.dial
        began = now
        self.office = office
        let settings = office.settings
        // The format to send and the order of bytes are Telnyx's; the others' codecs know theirs.
        machine =
            if let carrier {
                CallMachine(
                    carrier: carrier, outbound: settings.telnyxOutbound, linear: settings.telnyxLinear,
                    identity: identity, rules: settings.rules, at: now)
            } else {
                CallMachine(
                    recognising: proofs.carriers, outbound: settings.telnyxOutbound,
                    linear: settings.telnyxLinear, identity: identity, rules: settings.rules, at: now)
            }
        self.carrier = machine.carrier
        ports = CallPorts { [key] in office.admission($0, proofs: proofs, key: key) }
        // Calls hand their batches over at different instants, so that the writer sees no bursts.
        let phase = Int64(identity.seed % UInt64(max(settings.batchMilliseconds, 1)))
        lastBatch = now.adding(milliseconds: phase - settings.batchMilliseconds)
    }

    /// Takes the carrier's upgraded socket. Call on the loop.
    nonisolated func attach(_ socket: UpgradedSocket) {
        assumeIsolated { call in
            var limits = WebSocketLimits(messageBytes: call.office.settings.rules.bytesBeforeStart)
            limits.outgoingBytes = call.office.settings.sendBytes
            call.ports.carrier = WebSocketConnection.accept(
                socket, on: call.loop, limits: limits, handler: self)
        }
    }

    // MARK: The carrier's socket

    nonisolated func webSocketDidOpen(_ socket: WebSocketConnection) {}

    nonisolated func webSocket(
        _ socket: WebSocketConnection, didReceive bytes: UnsafeRawBufferPointer, isText: Bool
    ) {
        nonisolated(unsafe) let bytes = bytes
        assumeIsolated { call in
            call.act(at: .now) { machine, now, actions in
                if isText {
                    machine.carrierMessage(bytes, at: now, &actions)
                } else {
                    machine.carrierBinary(at: now, &actions)
                }
            }
        }
    }

    nonisolated func webSocketDidClose(
        _ socket: WebSocketConnection, code: UInt16, reason: String, error: NetError?
    ) {
        assumeIsolated { call in
            call.ports.carrier = nil
            call.act(at: .now) { $0.carrierClosed(code: code, at: $1, &$2) }
        }
    }

    // MARK: The agent's socket

    nonisolated func agentOpened(attempt: Int) {
        assumeIsolated { call in
            guard attempt == call.agentOpening else { return }
            call.act(at: .now) { $0.agentOpened(at: $1, &$2) }
        }
    }

    nonisolated func agentMessage(_ bytes: UnsafeRawBufferPointer, attempt: Int) {
        nonisolated(unsafe) let bytes = bytes
        assumeIsolated { call in
            guard attempt == call.agentOpening else { return }
            call.act(at: .now) { $0.agentMessage(bytes, at: $1, &$2) }
        }
    }

    nonisolated func agentClosed(attempt: Int, code: UInt16, reason: String, failure: AgentOpenFailure?) {
        assumeIsolated { call in
            guard attempt == call.agentOpening else { return }
            call.ports.agent = nil
            call.act(at: .now) {
                $0.agentClosed(code: code, reason: reason, failure: failure, at: $1, &$2)
            }
        }
    }

    // MARK: Time and the server's wishes

    /// The loop's tick, about every 20 ms. Returns whether the call still lives.
    nonisolated func tick(at now: MonotonicTime) -> Bool {
        assumeIsolated { call in
            guard !call.isOver else { return false }
            call.act(at: now) { $0.tick(at: $1, &$2) }
            guard !call.isOver else { return false }
            if now.milliseconds(since: call.lastBatch) >= call.office.settings.batchMilliseconds {
                call.lastBatch = now
                call.handOver()
                call.tellPhase()
            }
            return true
        }
    }

    /// Ends the call by the server's doing. Call on the loop.
    nonisolated func hangUp(_ why: CallEndReason) {
        assumeIsolated { call in call.act(at: .now) { $0.hangUp(why, at: $1, &$2) } }
    }

    /// Ends the call when its stream has not said what it is. Call on the loop.
    nonisolated func hangUpUnlessStarted(_ why: CallEndReason) {
        let isWaiting = assumeIsolated { $0.machine.phase == .awaitingStart }
        if isWaiting { hangUp(why) }
    }

    /// The carrier's own word, by another way than the stream, that the call is over. Call on the loop.
    nonisolated func carrierHungUp() {
        assumeIsolated { call in call.act(at: .now) { $0.carrierHungUp(at: $1, &$2) } }
    }

    /// Speaks a further text, when the call is one that speaks. Call on the loop.
    nonisolated func say(_ text: String) -> SpeakOutcome {
        assumeIsolated { call in
            guard !call.isOver else { return .over }
            guard call.machine.isSpeaking else { return .notSpeaking }
            var isTaken = false
            call.act(at: .now) { isTaken = $0.say(text, at: $1, &$2) }
            return isTaken ? .accepted : .tooMany
        }
    }

    // MARK: Text to speech

    nonisolated func speechSound(_ sound: [UInt8], number: Int64) {
        assumeIsolated { call in
            call.act(at: .now) { machine, now, actions in
                sound.withUnsafeBytes { machine.speechSound($0, number: number, at: now, &actions) }
            }
        }
    }

    nonisolated func speechEnded(number: Int64, failed: Bool) {
        assumeIsolated { call in
            call.act(at: .now) { $0.speechEnded(number: number, failed: failed, at: $1, &$2) }
        }
    }

    // MARK: Acting

    /// Runs one step of the machine and does what it wants.
    private func act(
        at now: MonotonicTime, _ step: (inout CallMachine, MonotonicTime, inout CallPorts) -> Void
    ) {
        guard !isOver else { return }
        step(&machine, now, &ports)
        guard ports.hasWishes else { return }
        let wishes = ports.takeWishes()
        if let (start, header) = wishes.started { begin(start, header) }
        if wishes.closesAgent { ports.closeAgentSocket() }
        if wishes.opensAgent { openAgent() }
        if let conversation = wishes.conversation {
            office.conversationOpened(self, call: callID, conversation: conversation)
        }
        if wishes.stopsSpeaking { speech?.cancel() }
        if let text = wishes.speech { speak(text) }
        if let code = wishes.carrierCloseCode { ports.carrier?.close(code: code, reason: "") }
        if let end = wishes.end { finish(end) }
    }

    private var callID: String { machine.identity.callID }

    /// Asks for a text's sound; it comes back on the loop.
    private func speak(_ text: CallPorts.SpokenText) {
        let number = text.number
        speech = office.speech.speak(text.text, plan: machine.plan, format: text.format) { [loop] sound in
            loop.execute { self.speechSound(sound, number: number) }
        } onEnd: { [loop] failed in
            loop.execute { self.speechEnded(number: number, failed: failed) }
        }
    }

    private func begin(_ start: StreamStart, _ header: TapeHeader) {
        ports.carrier?.limits.messageBytes = office.settings.messageBytes
        office.started(self, start: start, header: header, plan: machine.plan)
        handOver()
    }

    private func tellPhase() {
        guard machine.phase != toldPhase else { return }
        toldPhase = machine.phase
        office.progressed(self, phase: machine.phase)
    }

    private func openAgent() {
        agentOpening += 1
        agentSearch?.cancel()
        guard machine.plan.awaitsContext == true, let start = machine.start else { return dialAgent() }
        office.inform(of: start) { [loop, attempt = agentOpening] plan in
            loop.execute { self.learned(plan, attempt: attempt) }
        }
    }

    /// What is known of the caller has been looked up. On the loop.
    private nonisolated func learned(_ plan: CallPlan, attempt: Int) {
        assumeIsolated { call in
            guard !call.isOver else { return }
            call.machine.learn(plan)
            if attempt == call.agentOpening { call.dialAgent() }
        }
    }

    private func dialAgent() {
        agentSearch = office.agentDoor.open(for: self, agentID: machine.plan.agentID, attempt: agentOpening) {
            [loop] socket, attempt in
            assert(loop.isCurrent)
            self.assumeIsolated { call in
                if attempt == call.agentOpening, !call.isOver {
                    call.ports.agent = socket
                } else {
                    socket.close(code: 1000, reason: "")
                }
            }
        }
    }

    private func handOver() {
        let batch = machine.takeTape()
        if !batch.isEmpty { office.line.append(callID, batch) }
    }

    private func finish(_ end: CallEnd) {
        isOver = true
        agentOpening += 1
        agentSearch?.cancel()
        handOver()
        office.ended(
            self, carrier: machine.carrier, identity: machine.identity, end: end, start: machine.start,
            clock: machine.clockSamples, rate: machine.rate, counts: machine.namedCounts,
            turnedAway: machine.turnedAway)
    }
}
