// What a simulated call is: dialect, script, faults, ending.

import Audio
import Carriers

/// One carrier's way of speaking: formats, frame length and spelling.
public struct CarrierDialect: Sendable, Hashable {
    /// The carrier.
    public var carrier: Carrier
    /// Codec and rate of what the carrier sends.
    public var inbound: AudioFormat
    /// Codec and rate of what it takes.
    public var outbound: AudioFormat
    /// Length of its media frames in milliseconds.
    public var frameMilliseconds: Int
    /// How it writes counters and names (Exotel only).
    public var spelling: CarrierPeer.Dialect

    /// A dialect made of its parts.
    public init(
        carrier: Carrier, inbound: AudioFormat, outbound: AudioFormat, frameMilliseconds: Int = 20,
        spelling: CarrierPeer.Dialect = .documented
    ) {
        self.carrier = carrier
        self.inbound = inbound
        self.outbound = outbound
        self.frameMilliseconds = frameMilliseconds
        self.spelling = spelling
    }

    /// Twilio Media Streams: μ-law both ways, 20 ms.
    public static let twilio = CarrierDialect(carrier: .twilio, inbound: .pcmu8k, outbound: .pcmu8k)
    /// Telnyx on a leg with PCMU.
    public static let telnyx = CarrierDialect(carrier: .telnyx, inbound: .pcmu8k, outbound: .pcmu8k)
    /// Telnyx on a leg with PCMA (Europe, India), with PCMU to the caller: the directions are independent.
    public static let telnyxALaw = CarrierDialect(carrier: .telnyx, inbound: .pcma8k, outbound: .pcmu8k)
    /// Telnyx with `inbound` from the leg and `outbound` to it, 20 ms a frame.
    public static func telnyx(inbound: AudioFormat, outbound: AudioFormat) -> CarrierDialect {
        CarrierDialect(carrier: .telnyx, inbound: inbound, outbound: outbound)
    }
    /// Exotel at `rate` hertz (8,000, 16,000 or 24,000): 100 ms frames of 16-bit sound.
    public static func exotel(rate: Int = 8000, spelling: CarrierPeer.Dialect = .documented) -> CarrierDialect
    {
        let format = AudioFormat(.pcm16, rate: rate)
        return CarrierDialect(
            carrier: .exotel, inbound: format, outbound: format, frameMilliseconds: 100, spelling: spelling)
    }

    /// Samples of a frame.
    var frameSamples: Int { inbound.rate * frameMilliseconds / 1000 }

    /// What its playout buffer does.
    func playoutRules(clearReturnsMarks: Bool) -> PlayoutRules {
        switch carrier {
        case .twilio: .twilio
        case .telnyx: .telnyx(outbound)
        case .exotel: .exotel(rate: outbound.rate, clearReturnsMarks: clearReturnsMarks)
        }
    }
}

/// How a simulated call ends.
public enum SimulatedEnding: Sendable, Hashable {
    /// The caller hangs up: `stop`, then close 1000, at a position in milliseconds.
    case hangUp(atMilliseconds: Int)
    /// The connection breaks (TCP reset) at a position in milliseconds.
    case reset(atMilliseconds: Int)
    /// The socket is closed without `stop` at a position in milliseconds.
    case closeWithoutStop(atMilliseconds: Int)
    /// `connected` is sent, `start` never; the socket is closed after so many milliseconds.
    case neverStart(closeAfterMilliseconds: Int)
    /// The server is expected to close; if it does not, the caller hangs up at a position in milliseconds.
    case server(limitMilliseconds: Int)

    /// When the carrier acts, in milliseconds.
    var milliseconds: Int {
        switch self {
        case .hangUp(let time), .reset(let time), .closeWithoutStop(let time), .neverStart(let time),
            .server(let time):
            time
        }
    }
}

/// Measuring of latencies in one call of a load run.
public struct CallProbe: Sendable {
    /// Number of the call, written into its markers.
    public var call: UInt16
    /// Where the latencies go.
    public var board: LatencyBoard

    /// A probe of call `call`.
    public init(call: UInt16, board: LatencyBoard) {
        self.call = call
        self.board = board
    }
}

/// Everything that makes one simulated call.
public struct SimulatedCallSettings: Sendable {
    /// The WebSocket address of the bridge.
    public var url: String
    /// Header fields of the upgrade (a signature, Basic authorization).
    public var headers: [(String, String)] = []
    /// The carrier's way of speaking.
    public var dialect: CarrierDialect
    /// The calling number.
    public var caller: String = "+15005550001"
    /// The called number.
    public var called: String = "+15005550006"
    /// Custom parameters of the stream. Twilio tells numbers only this way.
    public var parameters: [String: String] = [:]
    /// Whether Twilio's numbers are added to the parameters, as a bridge's TwiML would; otherwise they are as given.
    public var tellsNumbers = true
    /// The ids of the stream, where somebody has given them out before; otherwise they follow from the seed.
    public var identity: StreamIdentity?
    /// Called once on the network's loop when the socket is open.
    public var opened: (@Sendable () -> Void)?
    /// The caller's sound, in the dialect's inbound format.
    public var sound: CallerSound
    /// The keys the caller presses, in order of time.
    public var keys: [CallerScript.Key]
    /// How it ends.
    public var ending: SimulatedEnding
    /// What goes wrong.
    public var faults = CarrierFaults()
    /// From which ids and faults follow.
    public var seed: UInt64
    /// The timestamp of the first media frame in milliseconds; position 0 of the call's clock.
    public var firstTimestamp = 0
    /// Whether sound, segments and commands are kept for the result (not under load).
    public var keepsSound = true
    /// Whether Exotel's `clear` returns marks.
    public var clearReturnsMarks = true
    /// Measures latencies, when set. Markers are hidden in the caller's sound then.
    public var probe: CallProbe?

    /// A call to `url` with what `script` says.
    public init(
        url: String, dialect: CarrierDialect, script: CallerScript, ending: SimulatedEnding, seed: UInt64 = 1
    ) {
        self.init(
            url: url, dialect: dialect, sound: script.rendered(dialect.inbound), keys: script.keys,
            ending: ending, seed: seed)
    }

    /// A call to `url` with a sound that is coded already and may be shared by many calls.
    public init(
        url: String, dialect: CarrierDialect, sound: CallerSound, keys: [CallerScript.Key] = [],
        ending: SimulatedEnding, seed: UInt64 = 1
    ) {
        self.url = url
        self.dialect = dialect
        self.sound = sound
        self.keys = keys
        self.ending = ending
        self.seed = seed
    }
}
