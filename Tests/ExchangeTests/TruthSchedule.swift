// Random calls for the truth tests: who speaks when, and what the network does to it.

import Audio
import Simulator

/// A carrier's way of speaking, and the agent that goes with it.
struct TruthCarrier: Sendable {
    var name: String
    var dialect: CarrierDialect
    var agent: AudioFormat
    var path: String
    var calls: Int

    static let twilio = TruthCarrier(
        name: "twilio", dialect: .twilio, agent: .pcmu8k, path: "/twilio/media-stream", calls: 200)
    static let telnyx = TruthCarrier(
        name: "telnyx", dialect: .telnyx, agent: .pcmu8k, path: "/media-stream", calls: 120)
    static let telnyxALaw = TruthCarrier(
        name: "telnyx A-law", dialect: .telnyxALaw, agent: AudioFormat(.pcm16, rate: 16_000),
        path: "/media-stream", calls: 80)
    static func exotel(_ rate: Int, calls: Int) -> TruthCarrier {
        TruthCarrier(
            name: "exotel \(rate / 1000) kHz", dialect: .exotel(rate: rate),
            agent: AudioFormat(.pcm16, rate: rate), path: "/media", calls: calls)
    }

    /// Samples a second of the call's clock.
    var rate: Int { dialect.inbound.rate }
}

/// The random calls of one carrier, all from one seed.
enum TruthSchedule {
    /// Peak of the agent's noise; noise because its edges and its place can be found again to the sample.
    static let agentLevel = 9_000.0
    /// Its mean power: a third of the peak's square.
    static let agentPower = agentLevel * agentLevel / 3

    /// An agent that talks on, is cut by the caller, and sometimes cuts itself.
    static func agent(_ carrier: TruthCarrier, seed: UInt64) -> SimulatedAgentSettings {
        var random = SeededGenerator(seed: seed)
        var turns: [AgentTurn] = []
        for number in 0..<7 {
            turns.append(
                AgentTurn(
                    "Turn \(number) of the random agent.",
                    sound: .noise(seed: seed &+ UInt64(number) &* 77, level: agentLevel),
                    milliseconds: 700 + random.below(2600),
                    trigger: .afterPrevious(milliseconds: number == 0 ? 100 : 300 + random.below(500))))
        }
        var settings = SimulatedAgentSettings(turns: turns)
        settings.output = carrier.agent
        settings.input = carrier.agent
        settings.repeats = true
        settings.seed = seed
        settings.burstFactor = [2, 4, 10][random.below(3)]
        settings.interruptions = (0..<3).map { 900 + $0 * 2300 + random.below(1500) }
        settings.replyHasInterruptionID = random.below(2) == 0
        settings.sendsLateChunk = random.below(2) == 0
        return settings
    }

    /// One call: bursts of speech that cut the agent at any time, and a network with moods.
    static func call(_ carrier: TruthCarrier, to port: UInt16, seed: UInt64) -> SimulatedCallSettings {
        var random = SeededGenerator(seed: seed)
        let length = 6_000 + 100 * random.below(20)
        var parts: [CallerScript.Part] = []
        var total = 0
        while total < length {
            let silence = 400 + random.below(2_400)
            let speech = 150 + random.below(1_300)
            parts.append(.init(.silence, milliseconds: silence))
            parts.append(
                .init(
                    .speech(seed: random.next(), hertz: 150 + 80 * random.fraction(), level: 9_000),
                    milliseconds: speech))
            total += silence + speech
        }
        var call = SimulatedCallSettings(
            url: "ws://127.0.0.1:\(port)\(carrier.path)", dialect: carrier.dialect,
            script: CallerScript(parts),
            ending: .hangUp(atMilliseconds: length), seed: seed)
        call.faults.outgoing = PathDelays(fixed: random.below(40), jitter: random.below(11))
        call.faults.incoming = PathDelays(fixed: random.below(40), jitter: random.below(11))
        switch random.below(8) {
        case 0: call.faults.loss = 0.02
        case 1: call.faults.reordering = 0.05
        case 2: call.faults.duplication = 0.05
        case 3:
            call.faults.outgoing.stalls = [
                Stall(start: 1_500 + random.below(3_000), length: 100 + random.below(300))
            ]
        case 4: call.faults.skipped = [Stall(start: 1_500 + random.below(3_000), length: 400)]
        default: break
        }
        call.clearReturnsMarks = random.below(2) == 0
        return call
    }
}
