// Who a simulated carrier's call reaches: whether they answer, what they say, when they hang up.

/// The far end of a call.
public struct FarEnd: Sendable {
    /// What becomes of the ringing.
    public enum Outcome: Sendable, Hashable {
        /// Somebody answers.
        case answers
        /// The line is busy.
        case busy
        /// Nobody answers.
        case noAnswer
        /// The call cannot be made.
        case fails
    }

    /// What becomes of the ringing.
    public var outcome = Outcome.answers
    /// How long it rings, in milliseconds.
    public var ringMilliseconds = 0
    /// What they say and key.
    public var script = CallerScript()
    /// How the stream ends. `.server` waits for the other side's end.
    public var ending = SimulatedEnding.server(limitMilliseconds: 20_000)
    /// How long they stay on the line without a stream, in milliseconds.
    public var patienceMilliseconds = 3000
    /// What goes wrong in the stream.
    public var faults = CarrierFaults()

    /// Somebody who answers at once, says nothing and stays.
    public init() {}

    /// Somebody who says `script` and hangs up at a position in milliseconds.
    public init(_ script: CallerScript = CallerScript(), hangsUpAtMilliseconds milliseconds: Int) {
        self.script = script
        ending = .hangUp(atMilliseconds: milliseconds)
    }
}
