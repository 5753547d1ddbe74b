// What a call does about the carrier's messages.

import Agents
import Audio
import Carriers
import Tape
import Telemetry
import Timeline

extension CallMachine {
    /// A text message of the carrier.
    public mutating func carrierMessage(
        _ bytes: UnsafeRawBufferPointer, at now: MonotonicTime, _ actions: inout some CallActions
    ) {
        guard phase != .ended else { return }
        lifecycle.heard(at: now)
        if phase == .awaitingStart {
            bytesBeforeStart += bytes.count
            guard bytesBeforeStart <= rules.bytesBeforeStart else {
                finish(CallEnd(.carrier, .noStart), sawEnd: false, at: now, &actions)
                return
            }
            guard recognition == nil else { return recognise(bytes, at: now, &actions) }
        }
        read(bytes, at: now, &actions)
    }

    /// Reads a text message in the carrier's dialect.
    mutating func read(
        _ bytes: UnsafeRawBufferPointer, at now: MonotonicTime, _ actions: inout some CallActions
    ) {
        do throws(CarrierMessageError) {
            let event = try carrierCodec.decode(bytes)
            badInARow = 0
            take(event, at: now, &actions)
        } catch {
            isBad(error, at: now, &actions)
        }
    }

    /// A message was not understood.
    mutating func isBad(
        _ error: CarrierMessageError, at now: MonotonicTime, _ actions: inout some CallActions
    ) {
        counters.badCarrierMessages += 1
        badInARow += 1
        if error == .unsupportedFormat, phase == .awaitingStart {
            finish(CallEnd(.carrier, .unsupportedFormat), sawEnd: false, at: now, &actions)
        } else if badInARow >= rules.badMessages {
            finish(CallEnd(.carrier, .badMessages), sawEnd: false, at: now, &actions)
        }
    }

    /// A binary message of the carrier: none of the three sends any.
    public mutating func carrierBinary(at now: MonotonicTime, _ actions: inout some CallActions) {
        guard phase != .ended else { return }
        counters.badCarrierMessages += 1
        badInARow += 1
        if badInARow >= rules.badMessages {
            finish(CallEnd(.carrier, .badMessages), sawEnd: false, at: now, &actions)
        }
    }

    /// The carrier's socket is closed; `code` is 1006 when it broke, 1013 when it could not keep up.
    public mutating func carrierClosed(code: UInt16, at now: MonotonicTime, _ actions: inout some CallActions)
    {
        guard phase != .ended else { return }
        let why: CallEndReason
        if phase == .awaitingStart {
            why = .noStart
        } else if phase == .draining, code != 1006 {
            finish(lifecycle.pendingEnd ?? CallEnd(.agent, .agentEnded), sawEnd: true, at: now, &actions)
            return
        } else {
            why = code == 1006 ? .streamLost : code == 1013 ? .carrierTooSlow : .streamClosed
        }
        finish(CallEnd(.carrier, why), sawEnd: true, at: now, &actions)
    }

    private mutating func take(
        _ event: CarrierEvent, at now: MonotonicTime, _ actions: inout some CallActions
    ) {
        switch event {
        case .connected: break
        case .start(let start): begin(start, at: now, &actions)
        case .media(let stamp): media(stamp, at: now, &actions)
        case .dtmf(let digit, let milliseconds): key(digit, milliseconds, at: now, &actions)
        case .mark(let name):
            playout?.markReturned(name)
            if hasStarted { tape.append(.markReturned, at: now, text: name) }
        case .clear:
            playout?.drop()
            note("carrier_clear", at: now)
        case .stop:
            if phase == .draining, let end = lifecycle.pendingEnd {
                finish(end, sawEnd: true, at: now, &actions)
            } else if phase == .awaitingStart {
                finish(CallEnd(.carrier, .noStart), sawEnd: true, at: now, &actions)
            } else {
                finish(CallEnd(.caller, .hangup), sawEnd: true, at: now, &actions)
            }
        case .error:
            counters.carrierErrors += 1
            note("carrier_error", at: now)
        case .unknown: counters.unknownCarrierEvents += 1
        }
    }

    private mutating func begin(
        _ told: StreamStart, at now: MonotonicTime, _ actions: inout some CallActions
    ) {
        guard !hasStarted else {
            note("start_repeated", at: now)
            return
        }
        let start: StreamStart
        switch actions.admit(told) {
        case .refused(let why):
            // A stream without a right is nobody's: nothing is done to the call it names.
            if why == .busy { turnedAway = told.callID }
            finish(CallEnd(why == .busy ? .server : .carrier, why), sawEnd: false, at: now, &actions)
            return
        case .admitted(let admitted, let plan):
            start = admitted
            self.plan = plan
            if let callID = plan.callID { identity.callID = callID }
        }
        self.start = start
        let arrivals: ArrivalTraits
        let plays: PlayoutTraits
        switch start.carrier {
        case .twilio: (arrivals, plays) = (.twilio, .twilio)
        case .telnyx:
            let frame = max(1, start.outbound.bytes(inMilliseconds: 20))
            arrivals = .telnyx
            plays =
                start.outbound.codec.isPacketed
                ? .telnyxPackets(bytes: frame) : .telnyx(bytesPer20Milliseconds: frame)
        case .exotel: (arrivals, plays) = (.exotel, .exotel(rate: start.outbound.rate))
        }
        let hasOutbound = start.tracks.contains(.outbound)
        let opened = lifecycle.openedAt
        uplink = Uplink(format: start.inbound, traits: arrivals, opened: opened)
        if hasOutbound {
            outbound = Uplink(format: start.inbound, traits: arrivals, kind: .outboundMedia, opened: opened)
        }
        playout = Playout(format: start.outbound, traits: plays, rate: start.inbound.rate)
        var header = TapeHeader(
            callID: identity.callID, carrier: start.carrier.rawValue, carrierCallID: start.callID,
            streamID: start.streamID, inbound: start.inbound, outbound: start.outbound,
            rate: start.inbound.rate,
            startedAt: identity.startedAt, hasOutboundTrack: hasOutbound,
            clearReturnsMarks: plays.clearReturnsMarks ?? false)
        header.mode = plan.mode.rawValue
        // What the catalog learns at the same instant: a row that is lost can be made again from the tape.
        header.accountID = start.accountID
        header.caller = start.caller
        header.called = start.called
        header.agentID = plan.mode == .agent ? plan.agentID : nil
        header.parameters = start.parameters
        tape.appendHeader(header, at: now)
        actions.callStarted(start, header: header)
        // A Twilio fork streams both tracks and takes nothing back: there is nobody an agent could talk to.
        let recordingOnly = start.carrier == .twilio && hasOutbound
        let usesAgent = !recordingOnly && plan.mode == .agent
        lifecycle.start(recordingOnly ? .recordingOnly : usesAgent ? .connecting : .live, at: now)
        if usesAgent { beginAttempt(&actions) }
        if !recordingOnly, !usesAgent { beginSpeaking(at: now, &actions) }
    }

    private mutating func media(_ stamp: MediaStamp, at now: MonotonicTime, _ actions: inout some CallActions)
    {
        guard hasStarted else {
            // Nobody knows yet whose sound it is, nor may it be kept: it is counted, and its hole gets its true name.
            if stamp.track != .outbound { counters.framesBeforeStart += 1 }
            return
        }
        let payload = carrierCodec.payload
        if stamp.track == .outbound {
            if var outbound {
                self.outbound = nil
                payload.withUnsafeBytes {
                    outbound.receive($0, stamp: stamp, at: now, tape: &tape, counters: &counters) { _ in }
                }
                self.outbound = outbound
            }
        } else if payload.withUnsafeBytes({
            uplink?.receiveNext($0, stamp: stamp, at: now, tape: &tape, counters: &counters) ?? true
        }) {
            guard let sound = uplink?.sound, !sound.isEmpty else { return }
            if voicemail != nil {
                voicemail?.hear(sound)
                return
            }
            message.removeAll(keepingCapacity: true)
            sound.withUnsafeBytes { agentCodec.encodeUserAudio($0, into: &message) }
            actions.sendToAgent(message, urgent: false)
        } else {
            forwardUplink(&actions) { uplink, tape, counters, send in
                payload.withUnsafeBytes {
                    uplink.receive($0, stamp: stamp, at: now, tape: &tape, counters: &counters, toAgent: send)
                }
            }
        }
    }

    private mutating func key(
        _ digit: Character, _ milliseconds: Int?, at now: MonotonicTime, _ actions: inout some CallActions
    ) {
        guard hasStarted, let ascii = digit.asciiValue else { return }
        let duration = UInt16(clamping: milliseconds ?? 0)
        tape.append(
            .dtmf, at: now, position: clockSamples,
            payload: [ascii, UInt8(duration & 0xFF), UInt8(duration >> 8)])
        if let voicemail, voicemail.step == .message, digit == "#" {
            finish(CallEnd(.caller, .messageKey), sawEnd: false, at: now, &actions)
            return
        }
        guard rules.tellsAgentKeys, phase == .live, plan.mode == .agent else { return }
        message.removeAll(keepingCapacity: true)
        agentCodec.encodeContextualUpdate(
            "The caller pressed the key \(digit) on the telephone.", into: &message)
        actions.sendToAgent(message, urgent: false)
        message.removeAll(keepingCapacity: true)
        agentCodec.encodeUserActivity(into: &message)
        actions.sendToAgent(message, urgent: false)
    }
}
