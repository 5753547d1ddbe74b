// What a call does about the agent's messages.

import Agents
import Audio
import Carriers
import Tape
import Telemetry
import Timeline

extension CallMachine {
    /// The agent's socket is open: the initiation goes out.
    public mutating func agentOpened(at now: MonotonicTime, _ actions: inout some CallActions) {
        guard phase == .connecting, let start else { return }
        var variables: [String: String] = [:]
        // What the plan says is our own; what the stream says may be anybody's.
        for named in [start.parameters, plan.variables] {
            for (name, value) in named where !name.hasPrefix("system__") { variables[name] = value }
        }
        variables["call_id"] = start.callID
        variables["teeline_call_id"] = identity.callID
        variables["carrier"] = start.carrier.rawValue
        if let caller = start.caller { variables["caller"] = caller }
        if let called = start.called { variables["called"] = called }
        message.removeAll(keepingCapacity: true)
        var initiation = ConversationInitiation(dynamicVariables: variables)
        initiation.firstMessage = plan.firstMessage
        initiation.language = plan.language
        initiation.voiceID = plan.voiceID
        agentCodec.encodeInitiation(initiation, into: &message)
        actions.sendToAgent(message, urgent: true)
    }

    /// A text message of the agent.
    public mutating func agentMessage(
        _ bytes: UnsafeRawBufferPointer, at now: MonotonicTime, _ actions: inout some CallActions
    ) {
        guard phase == .connecting || phase == .live, plan.mode == .agent else { return }
        do throws(AgentMessageError) {
            take(try agentCodec.decode(bytes), at: now, &actions)
        } catch {
            counters.badAgentMessages += 1
        }
    }

    /// The agent's socket is closed, or an attempt to open it has failed (`failure` then says how).
    public mutating func agentClosed(
        code: UInt16, reason: String, failure: AgentOpenFailure? = nil, at now: MonotonicTime,
        _ actions: inout some CallActions
    ) {
        guard phase == .connecting || phase == .live else { return }
        let end: CallEnd
        let mayRetry: Bool
        if let failure {
            end = CallEnd(
                .agent,
                failure == .refused ? .agentRefused : failure == .busy ? .agentQuota : .agentUnreachable)
            mayRetry = failure != .refused
        } else {
            let meaning = AgentCloseMeaning(code: Int(code), reason: reason, lastError: lastAgentError)
            end = CallEnd(.agent, reasonFor(meaning))
            mayRetry = meaning.mayRetryBeforeAudio
        }
        if !heardAgent, !agentSaidEnd, mayRetry {
            attemptFailed(mayRetry: true, end: end, at: now, &actions)
            return
        }
        note("agent_closed", at: now)
        uplink?.close()
        lifecycle.drain(then: end, at: now)
        pump(at: now, &actions)
    }

    private func reasonFor(_ meaning: AgentCloseMeaning) -> CallEndReason {
        switch meaning {
        case .ended: .agentEnded
        case .maximumDuration: .agentMaxDuration
        case .quotaExceeded, .queueTimedOut: .agentQuota
        case .rejected: .agentRefused
        case .serviceTimeout, .serviceFailure, .internalFailure, .other: .agentFailed
        case .network: .agentLost
        }
    }

    private mutating func take(_ event: AgentEvent, at now: MonotonicTime, _ actions: inout some CallActions)
    {
        switch event {
        case .metadata(let conversationID, let output, let input):
            opened(conversationID, output: output, input: input, at: now, &actions)
        case .audio(let turn, let alignment): sound(turn, alignment, at: now, &actions)
        case .userTranscript(let text, let turn):
            tape.append(.callerText, at: now, turn: turn ?? Int64.min, text: text)
        case .agentResponse(let text, let turn):
            heardAgent = true
            tape.append(.agentText, at: now, turn: turn ?? Int64.min, text: text)
        case .agentResponseCorrection(_, let corrected, let turn):
            tape.append(.agentCorrection, at: now, turn: turn ?? Int64.min, text: corrected)
        case .interruption(let turn): interrupt(turn, at: now, &actions)
        case .ping(let id, _):
            counters.pings += 1
            message.removeAll(keepingCapacity: true)
            agentCodec.encodePong(eventID: id, into: &message)
            actions.sendToAgent(message, urgent: true)
        case .clientToolCall(_, let callID, let expectsResponse):
            note("client_tool_call", at: now)
            guard expectsResponse else { return }
            message.removeAll(keepingCapacity: true)
            agentCodec.encodeToolResult(
                callID: callID, result: "This telephone bridge runs no client tools.", isError: true,
                into: &message)
            actions.sendToAgent(message, urgent: false)
        case .agentToolResponse(let name, let isError):
            if name == "end_call", !isError {
                agentSaidEnd = true
                note("agent_end_call", at: now)
            }
        case .error(let error):
            lastAgentError = error
            note("agent_error", at: now)
        case .queueStatus(let status): note("agent_queue \(status)", at: now)
        case .unknown: counters.unknownAgentEvents += 1
        case .tentativeUserTranscript, .agentResponseComplete, .informational: break
        }
    }

    private mutating func opened(
        _ conversationID: String, output: AudioFormat?, input: AudioFormat?, at now: MonotonicTime,
        _ actions: inout some CallActions
    ) {
        guard phase == .connecting else { return }
        // First of all: ElevenLabs has the conversation, whatever becomes of it here.
        tape.append(.conversation, at: now, text: conversationID)
        actions.conversationOpened(conversationID)
        guard let output, let input, canOpen(input: input, output: output, at: now) else {
            // Playing one format as another is loud noise: end instead.
            finish(CallEnd(.agent, .agentFormat), sawEnd: false, at: now, &actions)
            return
        }
        if let expected = rules.expectedAgentOutput, expected != output { counters.formatSurprises = 1 }
        lifecycle.agentIsLive()
        if let started = lifecycle.startedAt { counters.setupMilliseconds = now.milliseconds(since: started) }
        note("agent_live", at: now)
    }

    private mutating func canOpen(input: AudioFormat, output: AudioFormat, at now: MonotonicTime) -> Bool {
        do throws(AudioError) {
            try uplink?.open(input, at: now)
            try playout?.open(output)
            return true
        } catch {
            return false
        }
    }

    private mutating func sound(
        _ turn: Int64, _ alignment: AudioAlignment?, at now: MonotonicTime, _ actions: inout some CallActions
    ) {
        let payload = agentCodec.payload
        guard phase == .live, !payload.isEmpty else { return }
        heardAgent = true
        if let alignment { tape.appendAlignment(alignment, turn: turn, at: now) }
        payload.withUnsafeBytes {
            playout?.receive(
                $0, turn: turn, at: now, backlog: rules.backlogMilliseconds, tape: &tape, counters: &counters)
        }
        pump(at: now, &actions)
    }

    private mutating func interrupt(_ turn: Int64, at now: MonotonicTime, _ actions: inout some CallActions) {
        guard phase == .live else { return }
        counters.interruptions += 1
        tape.append(.interruption, at: now, turn: turn)
        playout?.interrupt(by: turn, at: now, codec: carrierCodec, tape: &tape) {
            actions.sendToCarrier($0, urgent: true)
        }
    }
}

/// Why an attempt to open the agent's conversation failed before any message.
public enum AgentOpenFailure: String, Sendable, Hashable {
    /// No address, no connection, no TLS, no answer, a server error: another attempt may succeed.
    case unreachable
    /// The service said no: key, agent id, certificate. Another attempt will not help.
    case refused
    /// The service is at its limit (HTTP 429).
    case busy
}
