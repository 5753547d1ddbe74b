// What a load run amounted to.

/// The figures of a load run; times of latencies in milliseconds.
public struct LoadReport: Sendable, Hashable, Codable {
    /// Calls begun.
    public var calls = 0
    /// Calls that ended as planned and heard the agent.
    public var completed = 0
    /// All others.
    public var failed = 0
    /// Why they failed, and how many each.
    public var errors: [String: Int] = [:]
    /// Length of the run in seconds.
    public var seconds = 0.0
    /// Seconds of call simulated, summed over the calls.
    public var callSeconds = 0.0
    /// CPU seconds this process used for it (bridge not included when it is another process).
    public var cpuSeconds = 0.0
    /// CPU seconds of the simulator's loop alone: carriers and agent.
    public var loopSeconds = 0.0
    /// Conversations that reached the agent.
    public var conversations = 0
    /// Close codes the agent saw, and how many each.
    public var closeCodes: [String: Int] = [:]
    /// Media frames the carriers sent.
    public var framesSent = 0
    /// Marked frames that arrived at the agent.
    public var framesArrived = 0
    /// Marked frames missing between two that arrived.
    public var framesMissing = 0
    /// Bytes of caller's sound that arrived at the agent.
    public var bytesArrived: Int64 = 0
    /// Samples the agent sent, at its own rate.
    public var samplesSpoken: Int64 = 0
    /// Media messages the carriers received.
    public var mediaReceived = 0
    /// Samples the carriers received.
    public var samplesReceived: Int64 = 0
    /// Media messages of sizes the carriers do not ask for.
    public var oddPieces = 0
    /// Messages the carriers do not take.
    public var refusedMessages = 0
    /// Marks received.
    public var marks = 0
    /// Marks returned after playing.
    public var marksPlayed = 0
    /// Marks returned or forgotten by `clear`.
    public var marksCleared = 0
    /// Interruptions the agent sent.
    public var interruptions = 0
    /// Clears received.
    public var clears = 0
    /// Pongs the agent received, and pings it sent.
    public var pings = 0
    /// Pongs that came.
    public var pongs = 0
    /// Caller's frame leaves the carrier → arrives at the agent.
    public var toAgent = LatencySummary(microseconds: [])
    /// First chunk of a turn leaves the agent → arrives at the carrier.
    public var turnToCarrier = LatencySummary(microseconds: [])
    /// Any chunk leaves the agent → arrives at a carrier that buffers (not Exotel).
    public var chunkToCarrier = LatencySummary(microseconds: [])
    /// `interruption` leaves the agent → `clear` arrives at the carrier.
    public var interruptionToClear = LatencySummary(microseconds: [])
    /// Ping → pong.
    public var pong = LatencySummary(microseconds: [])
    /// Call's opening → first sound from the server.
    public var firstSound = LatencySummary(microseconds: [])
    /// How late the simulator itself was with its worst frame of each call. Up to one tick (20 ms) is its way of
    /// working; what is beyond is noise of the run.
    public var lateness = LatencySummary(microseconds: [])

    /// An empty report.
    public init() {}
}
