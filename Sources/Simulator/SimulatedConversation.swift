// What a simulated conversation amounted to, seen by the agent.

import Audio

/// One turn the agent began.
public struct SpokenTurn: Sendable, Hashable {
    /// Number of the turn in the script.
    public var turn: Int
    /// The id its events bear.
    public var eventID: Int64
    /// When its first chunk was sent, in milliseconds after the socket opened.
    public var sentAt: Int
    /// Samples sent of it, at the output rate.
    public var samplesSent: Int
    /// Whether it was cut.
    public var interrupted: Bool
    /// Milliseconds the agent believes were heard of it.
    public var believedHeard: Int
}

/// The record of one conversation.
public struct SimulatedConversation: Sendable {
    /// The conversation's id.
    public var conversationID: String
    /// The agent's id asked for.
    public var agentID: String
    /// How it was authorised: `public`, `authorization_header` or `signed_url`.
    public var authorization: String
    /// Whether the initiation came.
    public var initiated = false
    /// The dynamic variables of the initiation.
    public var variables: [String: String] = [:]
    /// The caller's sound as it came, in the input format; empty under load.
    public var caller: [UInt8] = []
    /// Its format.
    public var input: AudioFormat
    /// Messages with sound of the caller.
    public var callerMessages = 0
    /// Bytes of sound of the caller.
    public var callerBytes: Int64 = 0
    /// The turns begun.
    public var turns: [SpokenTurn] = []
    /// Ids of the interruptions sent.
    public var interruptions: [Int64] = []
    /// Pings sent.
    public var pings = 0
    /// Microseconds from each ping to its pong, in order of the pongs.
    public var pongs: [Int64] = []
    /// Pongs that answer no ping.
    public var strayPongs = 0
    /// Contextual updates received.
    public var updates: [String] = []
    /// Tool results received.
    public var toolResults = 0
    /// Messages that were not understood.
    public var badMessages = 0
    /// The close code; nil while it runs.
    public var closeCode: UInt16?
    /// Whether the agent closed or broke it.
    public var closedByAgent = false
}
