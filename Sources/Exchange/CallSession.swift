// A live call: the actor on its loop that joins sockets, machine and tape.

import Agents
import Audio
import Calls
import Carriers
import Net
import Tape
import Telemetry

/// One call. It lives on its loop: both sockets' callbacks enter it there without a hop.
actor CallSession: WebSocketHandler {
    nonisolated let loop: EventLoop
    nonisolated let identity: CallIdentity
    nonisolated let carrier: Carrier
    private let office: CallOffice
    private var machine: CallMachine
    private var ports: CallPorts
    private var agentOpening = 0
    private var lastBatch: MonotonicTime
    private var isOver = false
    private var toldPhase = CallPhase.awaitingStart

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(carrier: Carrier, identity: CallIdentity, loop: EventLoop, office: CallOffice, at now: MonotonicTime)
    {
        self.loop = loop
        self.identity = identity
        self.carrier = carrier
        self.office = office
        let settings = office.settings
        machine = CallMachine(
            carrier: carrier, outbound: carrier == .telnyx ? settings.telnyxOutbound : nil,
            linear: settings.telnyxLinear, identity: identity, rules: settings.rules, at: now)
        ports = CallPorts()
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
            office.conversationOpened(identity.callID, conversation: conversation)
        }
        if let code = wishes.carrierCloseCode { ports.carrier?.close(code: code, reason: "") }
        if let end = wishes.end { finish(end) }
    }

    private func begin(_ start: StreamStart, _ header: TapeHeader) {
        ports.carrier?.limits.messageBytes = office.settings.messageBytes
        office.started(self, start: start, header: header)
        handOver()
    }

    private func tellPhase() {
        guard machine.phase != toldPhase else { return }
        toldPhase = machine.phase
        office.progressed(identity.callID, phase: machine.phase)
    }

    private func openAgent() {
        agentOpening += 1
        office.agentDoor.open(for: self, attempt: agentOpening) { [loop] socket, attempt in
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
        if !batch.isEmpty { office.line.append(identity.callID, batch) }
    }

    private func finish(_ end: CallEnd) {
        isOver = true
        agentOpening += 1
        handOver()
        office.ended(
            self, end: end, start: machine.start, clock: machine.clockSamples, rate: machine.rate,
            counts: machine.namedCounts)
    }
}
