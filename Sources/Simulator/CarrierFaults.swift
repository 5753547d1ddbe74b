// What goes wrong on the way between a simulated carrier and the bridge, decided by a seed.

/// A time in which one direction stands still; what piled up comes in one burst at its end.
public struct Stall: Sendable, Hashable {
    /// Begin, in milliseconds on the call's clock.
    public var start: Int
    /// Length in milliseconds.
    public var length: Int

    /// A stall of `length` milliseconds from `start`.
    public init(start: Int, length: Int) {
        self.start = start
        self.length = length
    }
}

/// Delays of one direction of the connection. Like TCP it keeps the order.
public struct PathDelays: Sendable, Hashable {
    /// Constant delay in milliseconds.
    public var fixed = 0
    /// Further delay, evenly spread over 0…`jitter` milliseconds for each message.
    public var jitter = 0
    /// Times in which nothing moves.
    public var stalls: [Stall] = []

    /// No delay, unless given.
    public init(fixed: Int = 0, jitter: Int = 0, stalls: [Stall] = []) {
        self.fixed = fixed
        self.jitter = jitter
        self.stalls = stalls
    }

    /// Whether every message passes at once.
    public var isNone: Bool { fixed == 0 && jitter == 0 && stalls.isEmpty }

    /// When a message that sets out at `time` (microseconds) arrives.
    func arrival(of time: Int64, _ generator: inout SeededGenerator) -> Int64 {
        var due = time &+ Int64(fixed) * 1000
        if jitter > 0 { due &+= Int64(generator.below(jitter * 1000 + 1)) }
        for stall in stalls {
            let start = Int64(stall.start) * 1000
            let end = start + Int64(stall.length) * 1000
            if due >= start, due < end { due = end }
        }
        return due
    }
}

/// Faults of one simulated carrier call.
public struct CarrierFaults: Sendable, Hashable {
    /// Share of media frames lost in the carrier's network, 0…1. Their numbers are missing in the stream.
    public var loss = 0.0
    /// Share of media frames sent twice, 0…1.
    public var duplication = 0.0
    /// Share of media frames that come after their successor, 0…1.
    public var reordering = 0.0
    /// Stretches of the caller's sound that the carrier does not send (DTX): timestamps jump, numbers do not.
    public var skipped: [Stall] = []
    /// Whether frames of pure silence are not sent (DTX).
    public var skipsSilence = false
    /// Delays from the carrier to the bridge.
    public var outgoing = PathDelays()
    /// Delays from the bridge to the carrier's playout buffer.
    public var incoming = PathDelays()
    /// Further delay of the marks that come back, in milliseconds.
    public var markDelay = 0
    /// Media frames sent before the `start` frame.
    public var mediaBeforeStart = 0
    /// Milliseconds between `connected` and `start`; the call's clock begins at `start`.
    public var lateStart = 0

    /// No faults.
    public init() {}
}

/// What becomes of one media frame.
struct FrameFate: Hashable {
    /// It is lost after being numbered.
    var lost = false
    /// It is sent twice.
    var doubled = false
    /// It comes after its successor.
    var late = false
}

/// Decides the fate of each frame from a seed.
struct FaultPlan {
    let faults: CarrierFaults
    private var generator: SeededGenerator

    init(_ faults: CarrierFaults, seed: UInt64) {
        self.faults = faults
        generator = SeededGenerator(seed: seed)
    }

    /// The fate of the next frame.
    mutating func fate() -> FrameFate {
        var fate = FrameFate()
        if faults.loss > 0 { fate.lost = generator.fraction() < faults.loss }
        if faults.duplication > 0 { fate.doubled = generator.fraction() < faults.duplication }
        if faults.reordering > 0 { fate.late = generator.fraction() < faults.reordering }
        return fate
    }

    /// Whether the frame that begins at `milliseconds` is left out by the carrier.
    func skips(atMilliseconds milliseconds: Int64) -> Bool {
        faults.skipped.contains {
            milliseconds >= Int64($0.start) && milliseconds < Int64($0.start) + Int64($0.length)
        }
    }

    /// When something that leaves at `time` microseconds arrives by `delays`.
    mutating func arrival(of time: Int64, by delays: PathDelays) -> Int64 {
        delays.arrival(of: time, &generator)
    }
}

/// Messages under way, in the order in which they arrive.
struct DelayLine<Message> {
    private var waiting: [(due: Int64, message: Message)] = []
    private var last = Int64.min

    /// Whether nothing is under way.
    var isEmpty: Bool { waiting.isEmpty }

    /// Takes a message that is due at `due` (microseconds), or later when an earlier one is: order is kept.
    mutating func append(_ message: Message, due: Int64) {
        last = max(last, due)
        waiting.append((last, message))
    }

    /// Takes out the first message when it is due by `time`.
    mutating func next(at time: Int64) -> (due: Int64, message: Message)? {
        guard let first = waiting.first, first.due <= time else { return nil }
        return waiting.removeFirst()
    }
}
