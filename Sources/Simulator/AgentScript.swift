// What a simulated agent says, when, and what goes wrong.

import Audio

/// What makes the agent begin a turn.
public enum TurnTrigger: Sendable, Hashable {
    /// So many milliseconds after the previous turn was spoken to its end (or cut); for the first turn, after
    /// the metadata.
    case afterPrevious(milliseconds: Int)
    /// When the caller has spoken and then been silent for `SimulatedAgentSettings.endOfTurnMilliseconds`.
    case afterCaller
    /// At a time in milliseconds after the metadata; it cuts a turn that is still spoken.
    case at(milliseconds: Int)
}

/// One turn of the agent.
public struct AgentTurn: Sendable, Hashable {
    /// What it means to say.
    public var text: String
    /// How it sounds. Each turn should sound otherwise, so that it can be found in a recording.
    public var sound: SyntheticSound
    /// How long it takes to say, in milliseconds.
    public var milliseconds: Int
    /// When it begins.
    public var trigger: TurnTrigger
    /// What the caller said before it, when it answers the caller.
    public var heard: String
    /// Whether the agent hangs up after it: tool `end_call`, then close 1000.
    public var endsCall: Bool
    /// A tool of the client that is called, with an answer expected, when the turn begins.
    public var clientTool: String?

    /// A turn of `milliseconds` that says `text`.
    public init(
        _ text: String, sound: SyntheticSound, milliseconds: Int, trigger: TurnTrigger = .afterCaller,
        heard: String = "...", endsCall: Bool = false
    ) {
        self.text = text
        self.sound = sound
        self.milliseconds = milliseconds
        self.trigger = trigger
        self.heard = heard
        self.endsCall = endsCall
    }
}

/// Something that goes wrong at an agent. Times are milliseconds after the socket opened.
public enum AgentFault: Sendable, Hashable {
    /// The upgrade is answered with this status (401, 403, 404, 429).
    case refuse(status: Int)
    /// The socket opens, and is closed as soon as the initiation came.
    case closeAtOnce(code: UInt16, reason: String)
    /// The socket is closed at a time.
    case close(atMilliseconds: Int, code: UInt16, reason: String)
    /// The connection breaks (TCP reset) at a time.
    case reset(atMilliseconds: Int)
    /// An error event of the flat shape at a time.
    case flatError(atMilliseconds: Int)
    /// A `client_error` event at a time.
    case clientError(atMilliseconds: Int)
    /// An event of a type nobody knows at a time.
    case unknownEvent(atMilliseconds: Int)
    /// An audio event without a byte of sound at a time.
    case emptyAudio(atMilliseconds: Int)
    /// A message that is no JSON at a time.
    case notJSON(atMilliseconds: Int)
    /// The wait queue before the metadata: waiting, and so long after it admitted.
    case queue(milliseconds: Int)
    /// The metadata never come.
    case noMetadata
    /// The agent never says a word.
    case mute

    /// When it strikes, for those that strike at a time.
    var time: Int? {
        switch self {
        case .close(let time, _, _), .reset(let time), .flatError(let time), .clientError(let time),
            .unknownEvent(let time), .emptyAudio(let time), .notJSON(let time):
            time
        default: nil
        }
    }
}

/// How one simulated agent behaves.
public struct SimulatedAgentSettings: Sendable {
    /// Codec and rate of what it says.
    public var output = AudioFormat.pcmu8k
    /// Codec and rate of what it hears.
    public var input = AudioFormat.pcmu8k
    /// What it says, in order.
    public var turns: [AgentTurn]
    /// Whether the turns start again at their end.
    public var repeats = false
    /// How many times faster than real time its sound comes.
    public var burstFactor = 10
    /// Largest chunk in samples; sizes are irregular below it, and odd for one-byte codecs.
    public var chunkSamples = 4000
    /// Whether the caller can interrupt it.
    public var isInterruptible = true
    /// Milliseconds of speech that make an interruption.
    public var bargeInMilliseconds = 100
    /// Milliseconds of silence that end the caller's turn.
    public var endOfTurnMilliseconds = 700
    /// Mean magnitude (of 32,767) of a message's samples from which on it is speech.
    public var speechLevel = 600
    /// Times after the metadata at which it interrupts itself, in milliseconds.
    public var interruptions: [Int] = []
    /// Whether the reply after an interruption has the interruption's id, or a higher one.
    public var replyHasInterruptionID = true
    /// Whether a stale chunk of the cut turn follows an interruption.
    public var sendsLateChunk = false
    /// Whether `agent_response_complete` is sent.
    public var sendsCompletion = true
    /// Whether `agent_response` comes before the `user_transcript` it answers, as it sometimes does.
    public var answersBeforeTranscript = false
    /// Milliseconds between pings; 0 for none.
    public var pingMilliseconds = 2000
    /// What goes wrong.
    public var faults: [AgentFault] = []
    /// From which chunk sizes and ids follow.
    public var seed: UInt64 = 1
    /// Whether the received sound is kept (not under load).
    public var keepsSound = true
    /// Measures latencies, when set. Markers are hidden in the agent's sound then.
    public var board: LatencyBoard?

    /// An agent that says `turns`.
    public init(turns: [AgentTurn] = []) { self.turns = turns }
}
